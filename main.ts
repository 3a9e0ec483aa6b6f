import { text as textOf } from 'node:stream/consumers'
import { isatty } from 'node:tty'
import { systemClock as clock } from './adapters/systemClock.js'
import { screenOf } from './commands/client/screen.js'
import { parseArguments } from './commands/line/arguments.js'
import { failure, type Outcome } from './commands/outcome.js'
import { type ProcessPorts, run } from './commands/run.js'

const line = (text: string) => (text.endsWith('\n') ? text : `${text}\n`)
const print = (text: string) => void process.stdout.write(line(text))
const printError = (text: string) => void process.stderr.write(line(text))

/**
 * SIGHUP reads the configuration again, except when the terminal of the process was closed: then the process ends, as
 * every other program of the terminal does. A closed terminal is none any more.
 */
function listenToSignals() {
  const isTerminal = () => [0, 1, 2].some((stream) => isatty(stream))
  const hadTerminal = isTerminal()
  const listeners: (() => void)[] = []
  const signal = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT']) process.on(name, resolve)
    process.on('SIGHUP', (name) => {
      if (hadTerminal && !isTerminal()) resolve(name)
      else for (const listener of listeners) listener()
    })
  })
  return { signal, onReload: (listener: () => void) => void listeners.push(listener) }
}

/** A second signal ends the process at once. */
function untilInterrupted(): AbortSignal {
  const ending = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => ending.abort())
  // The reader of a pipe has ended, as in `history | head`.
  process.stdout.on('error', () => ending.abort())
  return ending.signal
}

const ports: ProcessPorts = {
  env: process.env,
  clock,
  log: { error: printError, warn: printError, info() {}, debug() {} },
  print,
  output: process.stdout,
  stdin: () => textOf(process.stdin),
  screen: screenOf({ out: process.stdout, err: process.stderr }, process.env),
  untilInterrupted,
  serving: () => ({
    ...listenToSignals(),
    onUnhandled: (listener) => void process.on('unhandledRejection', listener),
  }),
}

/** What is written to a pipe is lost at the exit unless it was taken before. Resolves with the fault of the output. */
const flushed = (stream: NodeJS.WritableStream, text: string | undefined) =>
  new Promise<NodeJS.ErrnoException | null | undefined>((resolve) =>
    text === undefined ? resolve(undefined) : stream.write(line(text), resolve),
  )

async function main(): Promise<void> {
  const { status, out, err }: Outcome = await (async () => run(parseArguments(process.argv.slice(2)), ports))().catch(
    failure,
  )
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const [, fault] = await Promise.all([flushed(process.stderr, err), flushed(process.stdout, out)])
  // The reader of a pipe may have ended: that is no fault.
  const isLost = fault != null && fault.code !== 'EPIPE'
  if (isLost) await flushed(process.stderr, `camera-service: the output could not be written (${fault.code})`)
  // The monitor of udev cannot be closed: without this the process would never end.
  process.exit(isLost ? status || 1 : status)
}

// The bundle is a script, not a module, so nothing can be awaited here.
void main()
