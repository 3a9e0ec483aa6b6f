import { startSimulator } from './server.js'

/**
 * `simulator [mediamtx.yml]`: the stand-in of MediaMTX as a program. Ends with 0 after SIGINT or SIGTERM, with 1 when it cannot start or
 * go on, with 2 where MediaMTX would panic.
 */
const file = process.argv[2] ?? 'mediamtx.yml'
const write = (line: string): void => {
  process.stdout.write(line)
}
const end = (code: number, reason?: string): void => {
  if (reason !== undefined) process.stderr.write(`${reason}\n`)
  process.exit(code)
}

// Who reads the log may go away first.
process.stdout.on('error', () => {})
process.on('uncaughtException', (error) => end(2, error.message.startsWith('panic') ? error.message : error.stack))

if (process.argv.includes('--version')) {
  write('v1.20.1\n')
  end(0)
}

let stopping = false
const simulator = startSimulator({ file, write, failed: (reason) => end(1, `ERR: ${reason}`) }).catch(
  (error: unknown) => {
    end(1, `ERR: ${error instanceof Error ? error.message : String(error)}`)
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
