import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { limitMemory } from './memory.js'
import { serviceScript } from './script.js'

// Without a listener, Node opens its inspector for this signal. Through it, every local user could control the service.
process.on('SIGUSR1', () => {})

limitMemory((act, ms) => setTimeout(act, ms).unref())
serviceScript(dirname(fileURLToPath(import.meta.url))).run()
