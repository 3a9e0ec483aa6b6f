import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serviceScript } from './script.js'
import { limitYoungObjects } from './youngObjects.js'

// Without a listener, Node opens its inspector for this signal. Through it, every local user could control the service.
process.on('SIGUSR1', () => {})

limitYoungObjects((act, ms) => setTimeout(act, ms).unref())
serviceScript(dirname(fileURLToPath(import.meta.url))).run()
