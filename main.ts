import { isatty } from 'node:tty'
import { createLog } from './adapters/log/log.js'
import { systemClock as clock } from './adapters/systemClock.js'
import { version } from './app.js'
import { audit } from './commands/audit.js'
import { checkConfig } from './commands/checkConfig.js'
import { checkSimulation } from './commands/checkSimulation.js'
import { downloadMediamtx } from './commands/downloadMediamtx.js'
import { explain } from './commands/explain.js'
import { helpText } from './commands/help.js'
import { history } from './commands/history.js'
import { keys } from './commands/keys.js'
import { type CommandPorts, failure, type Outcome } from './commands/outcome.js'
import { replay } from './commands/replay.js'
import { serve } from './commands/serve.js'
import { supportBundle } from './commands/supportBundle.js'
import { token } from './commands/token.js'
import { parseArguments } from './config/arguments.js'
import { loadConfiguration } from './config/load.js'
import { loadScenario } from './config/simulation.js'

const { env } = process
const line = (text: string) => (text.endsWith('\n') ? text : `${text}\n`)
const printError = (text: string) => void process.stderr.write(line(text))
const terminal: CommandPorts = { env, clock, log: { error: printError, warn: printError, info() {}, debug() {} } }

async function run(argv: readonly string[]): Promise<Outcome> {
  const command = parseArguments(argv)
  if (command.name === 'help') return { status: 0, out: helpText }
  if (command.name === 'version') return { status: 0, out: version }
  if (command.name === 'replay') return replay(command)
  const source = { file: command.config, env, flags: command.flags }
  const loaded = loadConfiguration(source)
  const { config, warnings } = loaded
  switch (command.name) {
    case 'check-config':
      return checkConfig(config, warnings)
    case 'check-simulation':
      return checkSimulation(config, command.file)
    case 'token':
      return token(config, command, terminal)
    case 'keys':
      return keys(config, command, terminal)
    case 'audit':
      return audit(config)
    case 'explain':
      return explain(config, command, terminal)
    case 'history':
      return history(config, command, { ...terminal, print, signal: untilInterrupted() })
    case 'support-bundle':
      return supportBundle({ ...source, loaded }, command, terminal)
    case 'download-mediamtx':
      return downloadMediamtx(config, { log: createLog({ level: 'info', format: 'text' }) })
    case 'serve': {
      const sources = {
        configFile: command.config ?? env.CAMERA_SERVICE_CONFIG,
        dataDir: command.flags['data-dir'] ?? env.CAMERA_SERVICE_DATA_DIR,
      }
      const guide = command.guide ? sources : undefined
      const { simulate } = command.flags
      const scenario = simulate === undefined ? undefined : loadScenario(simulate, config.cameras)
      const { signal, onReload } = listenToSignals()
      const ports = { env, clock, signal, onReload, onUnhandled, print }
      return serve(config, { warnings, guide, scenario, source: { ...source, loaded } }, ports)
    }
  }
}

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

function untilInterrupted(): AbortSignal {
  const ending = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => ending.abort())
  // The reader of a pipe has ended, as in `history | head`.
  process.stdout.on('error', () => ending.abort())
  return ending.signal
}

const onUnhandled = (listener: (error: unknown) => void) => void process.on('unhandledRejection', listener)
const print = (text: string) => void process.stdout.write(line(text))

// The bundle is a script, not a module, so nothing can be awaited here.
void run(process.argv.slice(2))
  .catch(failure)
  .then(({ status, out, err }) => {
    if (err !== undefined) printError(err)
    if (out !== undefined) print(out)
    // The monitor of udev cannot be closed: without this the process would never end.
    process.exit(status)
  })
