import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serviceScript } from './script.js'

// Without a listener, Node opens its inspector for this signal. Through it, every local user could control the service.
process.on('SIGUSR1', () => {})

serviceScript(dirname(fileURLToPath(import.meta.url))).run()
