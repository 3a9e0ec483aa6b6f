import type { ClientPorts } from './client/open.js'
import type { ClientCommand, Command, CommandOf } from './line/command.js'
import type { Outcome } from './outcome.js'
import type { ServePorts } from './serve.js'

/** What the process gives to its command. */
export interface ProcessPorts extends Omit<ClientPorts, 'signal'> {
  /** Begins to listen for the end of a command of a person. */
  untilInterrupted(): AbortSignal
  /** Begins to listen to the signals of a service. */
  serving(): Pick<ServePorts, 'signal' | 'onReload' | 'onUnhandled'>
}

/** Runs a command. Its modules are loaded here: each command starts without those of the others. */
export async function run(command: Command, ports: ProcessPorts): Promise<Outcome> {
  switch (command.name) {
    case 'help': {
      const { commandHelp, helpText } = await import('./line/help.js')
      return { status: 0, out: command.of === undefined ? helpText() : commandHelp(command.of) }
    }
    case 'version':
      return { status: 0, out: (await import('../app.js')).version }
    case 'replay':
      return (await import('./replay.js')).replay(command)
    case 'health': {
      const { localService } = await import('./client/localConfiguration.js')
      const { loaded } = await localService(command, ports)
      return (await import('./health.js')).health(loaded.config, command)
    }
    case 'doctor':
      return (await import('./doctor/doctor.js')).doctor(command, ports)
    case 'token':
    case 'keys':
    case 'audit':
    case 'support-bundle':
      return runBeside(command, ports)
    case 'check-config':
    case 'check-simulation':
    case 'download-mediamtx':
    case 'serve':
      return runHere(command, ports)
    default:
      return runClient(command, { ...ports, signal: ports.untilInterrupted() })
  }
}

type BesideName = 'token' | 'keys' | 'audit' | 'support-bundle'

/** Commands that use the files of the service of this host, whether it runs or not. */
async function runBeside(command: CommandOf<BesideName>, ports: ProcessPorts): Promise<Outcome> {
  const { localService } = await import('./client/localConfiguration.js')
  const service = await localService(command, ports)
  const { config } = service.loaded
  if ('cameras' in command && command.cameras !== undefined) {
    const { warnUnknown } = await import('./client/known.js')
    await warnUnknown(command.cameras, service, ports)
  }
  switch (command.name) {
    case 'token':
      return (await import('./token.js')).token(config, command, ports)
    case 'keys':
      return (await import('./keys.js')).keys(config, command, ports)
    case 'audit':
      return (await import('./audit.js')).audit(config)
    case 'support-bundle':
      return (await import('./supportBundle.js')).supportBundle(service, command, ports)
  }
}

type HereName = 'check-config' | 'check-simulation' | 'download-mediamtx' | 'serve'

/** Commands that read the configuration of this host. */
async function runHere(command: CommandOf<HereName>, ports: ProcessPorts): Promise<Outcome> {
  const { env } = ports
  const { loadConfiguration } = await import('../config/load.js')
  const { givenSources } = await import('./client/localConfiguration.js')
  const source = givenSources(command, env)
  const loaded = loadConfiguration(source)
  const { config, warnings } = loaded
  switch (command.name) {
    case 'check-config':
      return (await import('./checkConfig.js')).checkConfig(loaded, env)
    case 'check-simulation':
      return (await import('./checkSimulation.js')).checkSimulation(config, command.file)
    case 'download-mediamtx': {
      const { createLog } = await import('../adapters/log/log.js')
      const log = createLog({ level: 'info', format: 'text' })
      return (await import('./downloadMediamtx.js')).downloadMediamtx(config, { log })
    }
    case 'serve': {
      const { loadScenario } = await import('../config/simulation.js')
      const sources = {
        configFile: source.file ?? env.CAMERA_SERVICE_CONFIG,
        dataDir: command.flags['data-dir'] ?? env.CAMERA_SERVICE_DATA_DIR,
      }
      const { simulate } = command.flags
      const scenario = simulate === undefined ? undefined : loadScenario(simulate, config.cameras)
      const { serve } = await import('./serve.js')
      const { clock, print, screen } = ports
      return serve(
        config,
        { warnings, guide: command.guide ? sources : undefined, scenario, source: { ...source, loaded } },
        { env, clock, print, screen, ...ports.serving() },
      )
    }
  }
}

/** Commands that ask a service, on this host or another one. */
async function runClient(
  command: ClientCommand | CommandOf<'explain' | 'history' | 'completion'>,
  ports: ClientPorts,
): Promise<Outcome> {
  if (command.name === 'completion' && command.what === 'bash')
    return { status: 0, out: (await import('./line/bash.js')).bashCompletion() }
  const { withService } = await import('./client/open.js')
  return withService(command, ports, async (client, service) => {
    switch (command.name) {
      case 'status':
        return (await import('./client/status.js')).status(command, ports, client)
      case 'cameras':
        return (await import('./client/cameras.js')).cameras(command, ports, client)
      case 'camera':
        return (await import('./client/cameras.js')).camera(command, ports, client)
      case 'snapshot':
        return (await import('./client/files.js')).snapshot(command, ports, client, service)
      case 'download':
        return (await import('./client/files.js')).download(command, ports, client, service)
      case 'recordings':
        return (await import('./client/files.js')).recordings(command, ports, client)
      case 'record':
        return (await import('./client/record.js')).record(command, ports, client, service)
      case 'stop':
        return (await import('./client/record.js')).stop(command, ports, client)
      case 'watch':
        return (await import('./client/watch.js')).watch(command, ports, client, service)
      case 'call':
        return (await import('./client/call.js')).call(command, ports, client)
      case 'explain':
        return (await import('./explain.js')).explain(command, client)
      case 'history':
        return (await import('./history.js')).history(command, ports, client)
      case 'completion':
        return (await import('./client/completion.js')).completionWords(command, client)
    }
  })
}
