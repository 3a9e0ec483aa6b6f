import { createLog } from '../adapters/log/log.js'
import { openLogFolder } from '../adapters/log/logFolder.js'
import { summariseRepeats } from '../adapters/log/repeat.js'
import { createSystemdNotifier, type SystemdNotifier } from '../adapters/systemd/notify.js'
import { type App, startApp } from '../app.js'
import type { Configuration } from '../config/schema.js'
import { reasonOf } from '../machines/domain/errors.js'
import type { Clock } from '../machines/domain/ports.js'
import type { Scenario } from '../machines/domain/simulation.js'
import type { Screen } from './client/screen.js'
import { type GuideSources, guideText, webSocketUrl } from './guide.js'
import { type Outcome, softwareError } from './outcome.js'
import { informSystemd, statusLine } from './systemd.js'

/** What the service needs of the process. */
export interface ServePorts {
  env: NodeJS.ProcessEnv
  clock: Clock
  /** Resolves with the name of the first signal that asks the process to end. */
  signal: Promise<string>
  /** Calls the listener when the process is asked to read its configuration again. */
  onReload?(listener: () => void): void
  /** Calls the listener with errors that nothing else handles. */
  onUnhandled(listener: (error: unknown) => void): void
  /** The log is written here; default: standard output. */
  output?: NodeJS.WritableStream
  /** Starts the service; tests pass a fake. */
  start?: typeof startApp
  print(text: string): void
  /** Default: without colours. */
  screen?: Pick<Screen, 'colours'>
}

/** `serve`: runs the service until a signal. The exit status is 1 if it cannot start, 70 if too much of it crashed. */
export async function serve(
  config: Configuration,
  {
    warnings,
    guide,
    scenario,
    source,
  }: {
    warnings: readonly string[]
    guide: GuideSources | undefined
    /** Of `--simulate`. */
    scenario?: Scenario | undefined
    source?: Parameters<typeof startApp>[0]['source']
  },
  {
    env,
    clock,
    signal,
    onReload,
    onUnhandled,
    print,
    output,
    start = startApp,
    screen = { colours: false },
  }: ServePorts,
): Promise<Outcome> {
  const folder = logFolder(config, clock, (cause) => rootLog.warn(logFault, { cause }))
  const rootLog = createLog({ ...config.logging, ...(output && { stream: output }), ...(folder && { folder }) })
  const log = summariseRepeats(rootLog, { period: config.logging.repeat_period, clock })
  // The guide is the first thing that a person sees.
  const speak = guide && rootLog.isForPeople ? rootLog.hush() : () => {}
  for (const warning of warnings) log.warn(warning)
  if (scenario)
    log.warn('the service simulates cameras and faults: do not use it in production', {
      cameras: scenario.cameras.length,
      steps: scenario.steps.length,
    })
  else if (config.simulation.enabled)
    log.warn('administrators may simulate faults (simulation.enabled): do not use the service in production')
  // A bug in the handling of one camera must not stop the others.
  onUnhandled((error) => log.error('a rejection was not handled', { error }))
  const systemd = createSystemdNotifier({ env, log })
  try {
    const app = await start({
      config,
      log,
      env,
      logControl: rootLog,
      recentLog: rootLog.recent,
      ...(source && { source }),
      ...(scenario && { scenario }),
    })
    onReload?.(() => void reload(app, systemd))
    log.info('the service listens', { url: webSocketUrl(config, app) })
    await systemd.ready(statusLine(app.directory))
    const silence = informSystemd(app, systemd)
    if (guide) void guideText(config, app, { clock, sources: guide, screen }).then(print).finally(speak)
    const { reason, status } = await Promise.race([
      signal.then((reason) => ({ reason, status: 0 })),
      app.failed.then((reason) => ({ reason, status: softwareError })),
    ])
    speak()
    if (status === 0) log.info('the service stops', { reason })
    else log.error('the service cannot go on and stops', { reason })
    silence()
    await systemd.stopping()
    const began = clock.monotonic()
    await app.stop(reason)
    // Counts that were held back come before the last line.
    log.close()
    log.info('the service has stopped', { after_ms: Math.round(clock.monotonic() - began) })
    return { status }
  } catch (error) {
    // A fault of the configuration has a line for each of its keys.
    for (const line of reasonOf(error).split('\n')) log.error(`the service cannot start: ${line}`)
    return { status: 1 }
  } finally {
    log.close()
    await rootLog.close()
    await folder?.close()
  }
}

const logFault =
  'logging.dir cannot be written: its lines are dropped until it can, which is tried each minute; the log here goes on'

/** The log files of the configuration, if there are to be any. */
function logFolder({ logging }: Configuration, clock: Clock, onFault: (cause: string) => void) {
  const { dir, max_file_size: maxSize, max_file_days: maxDays, max_files: kept } = logging
  return dir === '' ? undefined : openLogFolder({ dir, maxSize, maxDays, kept, clock, onFault })
}

/** Reads the configuration again; systemd shows the service as reloading meanwhile. */
async function reload({ reload, directory }: Pick<App, 'reload' | 'directory'>, systemd: SystemdNotifier) {
  await systemd.reloading()
  await reload()
  await systemd.ready(statusLine(directory))
}
