import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createActors } from './actors/createActors.js'
import type { Directory } from './actors/directory.js'
import type { Facts } from './actors/facts.js'
import { accessFaults, openKeys, openPorts, passwordFaults, systemClock } from './adapters/open.js'
import { jwtSecretSources } from './config/derive/access.js'
import { actorOptions, askOptions, fleetInput, streamAccessOptions } from './config/derive/actors.js'
import { runningAddress } from './config/derive/address.js'
import { healthOptions, rateLimitOptions, rpcOptions, streamUrlOptions } from './config/derive/api.js'
import { liveSettings } from './config/derive/live.js'
import { mediaTls } from './config/derive/mediaServer.js'
import { portOptions } from './config/derive/ports.js'
import { type FileReport, fileReport, passwordFiles, privateKeys } from './config/files.js'
import {
  ConfigurationError,
  type ConfigurationSources,
  configurationPath,
  faultLine,
  type Loaded,
  withoutSources,
} from './config/load.js'
import { configurationRules } from './config/rules.js'
import type { Configuration } from './config/schema.js'
import type { Tokens } from './machines/domain/access.js'
import { hostInUrl } from './machines/domain/address.js'
import type { CameraId } from './machines/domain/camera.js'
import { createLogging, inModule, type LogControl } from './machines/domain/logLevels.js'
import type { Clock, Log } from './machines/domain/ports.js'
import type { Scenario } from './machines/domain/simulation.js'
import about from './package.json' with { type: 'json' }
import { createHealthServer } from './rpc/http/health.js'
import { createMetricsPage } from './rpc/http/metricsPage.js'
import { createMetrics } from './rpc/metrics.js'
import { createRateLimits } from './rpc/rateLimits.js'
import type { StreamUrls } from './rpc/schemas.js'
import { createRpcServer } from './rpc/server.js'
import { signedUrls, stillUrl } from './rpc/signedUrls.js'
import { createSignIn, type SignIn } from './rpc/signIn.js'
import { tlsFaults } from './rpc/tls.js'

/** Put in by the bundler. */
declare const BUILD_DATE: string | undefined

/** A running service. */
export interface App {
  /** The ports on which it listens. */
  ports: { rpc: number; health?: number }
  directory: Directory
  facts: Facts
  tokens: Tokens
  /**
   * URLs of a camera for the owner of the token `id`, who need not have called the API yet. Valid for
   * `security.stream_url_life`, but not longer than the token.
   */
  watchUrls(camera: CameraId, host: string, token: { user: string; id: string; expiresAt: number }): StreamUrls
  /**
   * The path of a picture of this moment, for the owner of the token, who can open it for `life` ms. `streams: open`
   * changes nothing: pictures need a credential.
   */
  stillPath(camera: CameraId, token: { user: string; id: string; expiresAt: number }): { path: string; life: number }
  /** Returns a code that signs a person in to the console once. */
  signInCode: SignIn['createCode']
  /** True if the root actor answers. */
  isAlive(): boolean
  /** Resolves with one sentence if the root actor ends without a stop: the process should end, too. */
  failed: Promise<string>
  /** Reads the configuration file again; resolves when no change is in progress any more. Never rejects. */
  reload(): Promise<void>
  /** Ends recordings and files, media server, then sockets. Never rejects; a second call waits for the first. */
  stop(reason: string): Promise<void>
}

interface AppOptions {
  config: Configuration
  /** Where the configuration comes from. Default: from nowhere, so that it cannot change. */
  source?: ConfigurationSources & { loaded: Loaded }
  /** Of `serve --simulate`. */
  scenario?: Scenario
  log: Log
  /** The last lines of the log, for a support bundle. */
  recentLog?(): readonly string[]
  /** The levels of the log. Default: they cannot be changed. */
  logControl?: LogControl
  env: NodeJS.ProcessEnv
  clock?: Clock
  /** Opens the ports; tests pass fakes. */
  open?: typeof openPorts
  /** Limit of the start in ms. */
  startLimit?: number
}

export const version: string = about.version

/** Where the build puts the console: beside the bundle, or in `dist/` when the service runs from its sources. */
const consoleDir = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './dist/console' : './console', import.meta.url),
)

const self = {
  name: 'MediaMTX Camera Service',
  version,
  buildDate: typeof BUILD_DATE === 'string' ? BUILD_DATE : 'built from source',
  maxCameras: 16,
}

/**
 * Reads the files that the configuration names. `check-config` reports what it finds; the service does not start with
 * one of the `faults`.
 */
export async function checkFiles(loaded: Loaded, env: ConfigurationSources['env']): Promise<FileReport> {
  const { config } = loaded
  const credentialsDirectory = env.CREDENTIALS_DIRECTORY
  const { tls } = rpcOptions(config)
  const media = config.mediamtx.tls === 'files' ? mediaTls(config) : undefined
  const secret = { ...jwtSecretSources(config), credentialsDirectory, secretsDir: join(config.data_dir, 'secrets') }
  const refused = [
    ...(await accessFaults(secret, config.security.jwt_keys)),
    ...(tls ? tlsFaults(tls) : []),
    // The media server would not start with a bad one.
    ...(media ? tlsFaults(media, { cert: 'mediamtx.tls_cert_file', key: 'mediamtx.tls_key_file', ca: '' }) : []),
  ]
  const ofCameras = await passwordFaults(passwordFiles(config))
  return fileReport(loaded, { refused, ofCameras, open: await openKeys(privateKeys(config)) }, credentialsDirectory)
}

/** Connects and starts everything. If it fails, closes everything and rejects with one sentence for the operator. */
export async function startApp(options: AppOptions): Promise<App> {
  const { config, scenario, log, env, open = openPorts, startLimit = 10_000 } = options
  const { source = { env: {}, loaded: withoutSources(config) } } = options
  const files = await checkFiles({ ...source.loaded, config }, env)
  if (files.faults.length > 0) throw new ConfigurationError(files.faults)
  for (const line of [...files.ofCameras.map(faultLine), ...files.warnings]) log.warn(line)
  const text = source.loaded.text ?? ''
  const metrics = createMetrics()
  const configFile = configurationPath(source)
  const configuration = { path: configFile, text }
  const { ports, closers } = await open(
    { ...portOptions(config, scenario), configuration, version },
    { log, env, clock: options.clock ?? systemClock, metrics },
  )
  // A simulation can move it.
  const { clock = options.clock ?? systemClock } = ports
  let why = 'the service could not start'
  const logging = createLogging(config.logging.level, options.logControl)
  try {
    const rateLimits = createRateLimits(rateLimitOptions(config))
    const api = rpcOptions(config, consoleDir)
    const signIn = createSignIn({ tokens: ports.tokens, clock })
    const actors = createActors(
      {
        ...ports,
        failures: rateLimits,
        metrics,
        clock,
        log: inModule(log, 'actors'),
        configRules: configurationRules(source, source.loaded),
        tune(tuning) {
          logging.configure(tuning.logLevel)
          rateLimits.configure(tuning.rateLimits)
          ports.scan.use(tuning.scan)
          ports.encoders.forget()
          // The handlers read these at each request.
          Object.assign(api.snapshots, tuning.snapshots)
          Object.assign(api.recordings, tuning.recordings)
        },
      },
      {
        actors: actorOptions(config),
        input: {
          ...fleetInput(config, await ports.external.load(), scenario),
          configuration: { text, settings: liveSettings(config) },
        },
        ask: askOptions(config),
        streamAccess: streamAccessOptions(config),
        inspect: config.inspect.enabled,
      },
    )
    const { directory, facts } = actors
    closers.push(metrics.follow(facts), actors.close)
    await ports.answerMediaServer(actors.streamAccess)

    const services = {
      ...{ ...ports, ...actors, mediaServer: ports.streams, metrics, rateLimits, clock, logging, about: self },
      log: inModule(log, 'api'),
    }
    const offersOf = streamUrlOptions(config)
    const offers = () => offersOf(directory.link().server?.kind, ports.serverOffers())
    const support = {
      ...actors.support,
      log: options.recentLog ?? (() => []),
      secrets: () => [config.security.jwt_secret_key],
      metrics: async () => (await page()).text,
      journal: () =>
        ports.journal.read({ limit: 5_000 }).then(
          ({ entries }) => entries.reverse(),
          () => [],
        ),
    }
    const rpc = createRpcServer({ ...services, ...api, offers, support, signIn })
    closers.push(() => rpc.stop(why))
    const { port } = await rpc.start()
    const wanted = healthOptions(config)
    const page = createMetricsPage({ ...services, sockets: rpc.sockets })
    const health =
      wanted && createHealthServer({ ...services, ...wanted, metrics: wanted.withMetrics ? page : undefined })
    if (health) closers.push(health.stop)
    const healthPort = (await health?.start())?.port

    // For the person at the terminal, whose address is not known and who needs no proxy.
    const unbound = { ...api.urls, bindAddress: false, prefix: '' }
    const callerOf = ({ user, id, expiresAt }: { user: string; id: string; expiresAt: number }) =>
      ({ user, role: 'viewer', expiresAt, credential: { kind: 'token', id } }) as const
    closers.push(await ports.leaveAddress(runningAddress(config, { rpc: port, health: healthPort, configFile })))
    await actors.start(startLimit)
    closers.push(() => actors.stop(why, config.server.shutdown_timeout))
    return {
      ports: { rpc: port, ...(healthPort !== undefined && { health: healthPort }) },
      directory,
      facts,
      tokens: ports.tokens,
      watchUrls: (camera, host, token) => {
        const viewer = { host: hostInUrl(host), address: 'unknown', caller: callerOf(token) }
        return signedUrls({ ...api, links: ports.links, clock, offers, urls: unbound }, camera, viewer).urls
      },
      stillPath: (camera, token) => {
        const call = { services: { links: ports.links, clock, urls: unbound }, session: { address: 'unknown' } }
        return { path: stillUrl({ ...call, caller: callerOf(token) }, camera), life: unbound.fileLife }
      },
      signInCode: signIn.createCode,
      isAlive: actors.isAlive,
      failed: actors.failed,
      reload: actors.configuration.reload,
      stop(reason) {
        why = reason
        return closers.close()
      },
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}
