import { offsetVariable } from '../simulation/clock.js'
import { followOffset } from './clock.js'
import { errorText } from './errorText.js'
import { startSimulator } from './server.js'

/**
 * `simulator [mediamtx.yml]`: the stand-in for MediaMTX as a program of its own. The exit status is 0 after SIGINT or
 * SIGTERM, 1 when it cannot start or continue, and 2 where MediaMTX panics.
 */
const file = process.argv[2] ?? 'mediamtx.yml'
const write = (line: string): void => {
  process.stdout.write(line)
}
const end = (code: number, reason?: string): void => {
  if (reason !== undefined) process.stderr.write(`${reason}\n`)
  process.exit(code)
}

// Without a listener, Node opens its inspector for this signal. Through it, every local user could control the server.
process.on('SIGUSR1', () => {})
// The reader of the log may end first.
process.stdout.on('error', () => {})
process.on('uncaughtException', (error) => end(2, error.message.startsWith('panic') ? error.message : error.stack))

const offsetFile = process.env[offsetVariable]
if (offsetFile) followOffset(offsetFile)

let stopping = false
const simulator = startSimulator({ file, write, failed: (reason) => end(1, `ERR: ${reason}`) }).catch(
  (error: unknown) => {
    end(1, `ERR: ${errorText(error)}`)
    throw error
  },
)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (stopping) return
    stopping = true
    void simulator.then(async ({ stop }) => {
      await stop()
      end(0)
    })
  })
