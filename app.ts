import { createHash, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createActor, waitFor } from 'xstate'
import { createAsk } from './actors/ask.js'
import { createExternalAsk } from './actors/askExternal.js'
import { createRetentionAsk } from './actors/askRetention.js'
import { auditFacts, auditOutside } from './actors/auditFacts.js'
import { createDirectory, type Directory } from './actors/directory.js'
import { createSurvey } from './actors/effects/retention.js'
import { createFacts, type Facts } from './actors/facts.js'
import { logFacts } from './actors/logFacts.js'
import { createObserver } from './actors/observer.js'
import { provide } from './actors/provide.js'
import { createStreamAccess } from './actors/streamAccess.js'
import { openAuditLog } from './adapters/audit/auditLog.js'
import { type DataDirectory, openDataDirectory } from './adapters/data/directory.js'
import { createExternalStore } from './adapters/data/externalStreams.js'
import { createRegistryStore } from './adapters/data/registry.js'
import { createRetentionStore } from './adapters/data/retention.js'
import { jwtSecret, keptSecret } from './adapters/data/secrets.js'
import { checkPrograms } from './adapters/ffmpeg/installed.js'
import { createPictures } from './adapters/ffmpeg/pictures.js'
import { createPipelines } from './adapters/ffmpeg/pipelines.js'
import { createMediaFiles } from './adapters/files/mediaFiles.js'
import { createSegments } from './adapters/files/segments.js'
import { createStorage } from './adapters/files/storage.js'
import { createHostSampler } from './adapters/host/sampler.js'
import { createApiKeys } from './adapters/keys/apiKeys.js'
import { createLinks } from './adapters/links/links.js'
import { createMediaAuthServer, mediaAuthAddress } from './adapters/mediamtx/authServer.js'
import { checkExternal } from './adapters/mediamtx/external.js'
import { createMediaServer } from './adapters/mediamtx/mediaServer.js'
import { createOwnCredential } from './adapters/mediamtx/ownCredential.js'
import { sampledStreams } from './adapters/mediamtx/sampledStreams.js'
import { createServerProcess } from './adapters/mediamtx/serverProcess.js'
import { createAddressCheck } from './adapters/rtsp/addresses.js'
import { createStreamReader } from './adapters/rtsp/reader.js'
import { createStreamScan } from './adapters/rtsp/scan.js'
import { createCredentials } from './adapters/tokens/credentials.js'
import { createTokens } from './adapters/tokens/tokens.js'
import { createTrustedKeys } from './adapters/tokens/trustedKeys.js'
import { createUsbDevices } from './adapters/usb/devices.js'
import { createDeviceProbe } from './adapters/usb/probe.js'
import type { Configuration } from './config/schema.js'
import { streamSubject, type Tokens } from './machines/domain/access.js'
import { allowList, hostInUrl, isAnyHost, isLoopback } from './machines/domain/address.js'
import type { CameraId } from './machines/domain/camera.js'
import type { ScanPlan } from './machines/domain/external.js'
import type { CaptureDefaults, Clock, Log, ServerChoice } from './machines/domain/ports.js'
import type { RetentionPolicy } from './machines/domain/retention.js'
import about from './package.json' with { type: 'json' }
import { createHealthServer } from './rpc/http/health.js'
import { createMetricsPage } from './rpc/http/metricsPage.js'
import { createMetrics } from './rpc/metrics.js'
import { createRateLimits, type RateLimitOptions } from './rpc/rateLimits.js'
import { createRpcServer } from './rpc/server.js'
import type { TlsFiles } from './rpc/tls.js'

/** Put in by the bundler. */
declare const BUILD_DATE: string | undefined

/** A running service. */
export interface App {
  /** Where it listens. */
  ports: { rpc: number; health?: number }
  directory: Directory
  facts: Facts
  tokens: Tokens
  /** Where a camera can be watched by who has the token `id`, for `security.stream_url_life`, and no longer than that token is good. */
  watchUrl(camera: CameraId, host: string, token: { user: string; id: string; expiresAt: number }): string
  /** Ends recordings and files, then the media server, then the sockets. Never rejects; a second call waits for the first. */
  stop(reason: string): Promise<void>
}

interface AppOptions {
  config: Configuration
  log: Log
  env: NodeJS.ProcessEnv
  clock?: Clock
}

export const version: string = about.version

/** Connects everything and starts it. Rejects with one line for the operator; what had begun is then ended again. */
export async function startApp({ config, log, env, clock = { now: Date.now } }: AppOptions): Promise<App> {
  await checkPrograms({ path: env.PATH ?? '', log })
  const data = await openDataDirectory(config.data_dir)
  /** What was opened is closed in the opposite order, by the stop or by a start that fails. */
  const opened: (() => unknown)[] = [data.release]
  const close = async () => {
    for (const end of opened.splice(0).reverse()) {
      try {
        await end()
      } catch (error) {
        log.error('a part could not be ended', { error })
      }
    }
  }
  try {
    return await startIn(data, { config, log, env, clock, close, opened })
  } catch (error) {
    await close()
    throw error
  }
}

interface Opening {
  opened: (() => unknown)[]
  close(): Promise<void>
}

async function startIn(
  data: DataDirectory,
  { config, log, env, clock, opened, close }: Required<AppOptions> & Opening,
): Promise<App> {
  const { server, mediamtx, security, storage: limits, recording: recordingConfig } = config
  const startedAt = clock.now()
  const { tokens, keys, credentials, links, audit } = await openAccess(data, { config, log, env, clock, opened })
  const own = createOwnCredential()
  const facts = createFacts({ clock, log })
  facts.subscribe(logFacts(log))
  facts.subscribe(auditFacts(audit))
  const observer = createObserver({ facts, clock, log })
  const metrics = createMetrics()
  /** Carried by our children and by what the media server starts for us, so that the next life knows them. */
  const mark = createHash('sha256').update(data.dir).digest('hex').slice(0, 16)

  const pathDefaults = {
    closeAfter: mediamtx.run_on_demand_close_after,
    startTimeout: mediamtx.run_on_demand_start_timeout,
    partDuration: recordingConfig.part_duration,
    segmentDuration: recordingConfig.segment_duration,
    recordPath: join(data.recordings, '%path/%path_%Y-%m-%d_%H-%M-%S-%f'),
  }
  /** A little longer than the media server's own, whose word is better. */
  const startLimit = mediamtx.run_on_demand_start_timeout + 2_000
  let choice: ServerChoice | undefined
  /** That of a child is on this machine, wherever an external one would be. Who asks us who we are is shown it. */
  const apiUrl = () => {
    const isExternal = choice?.kind === 'external'
    const shown = isExternal && mediamtx.auth_port === 0 ? '' : `${own.api.user}:${own.api.password}@`
    return `http://${shown}${hostInUrl(isExternal ? mediamtx.host : '127.0.0.1')}:${mediamtx.api_port}`
  }
  const mediaServer = createMediaServer({
    apiUrl,
    timeout: mediamtx.timeout,
    threshold: mediamtx.circuit_breaker.failure_threshold,
    pathDefaults,
    metrics,
    log,
  })
  const rate: RateLimitOptions = {
    requests: security.rate_limit_requests,
    addressRequests: security.rate_limit_address_requests,
    window: security.rate_limit_window,
    failures: security.auth_failures,
    pauseMax: security.auth_pause_max,
  }
  const rateLimits = createRateLimits(rate)
  const streamAccess = createStreamAccess({
    credentials,
    links,
    mediaSessions: () => fleet.system.get('mediaSessions'),
    own,
    isAllowed: allowList(server.allowed_ips),
    failures: rateLimits,
    open: security.streams === 'open',
    clock,
    log,
    audit,
    metrics,
  })
  /** An external server is told it once, by its operator. */
  const authSecret = Buffer.from((await keptSecret(data.secrets, 'media_secret')).key).toString()
  const mediaAuth = createMediaAuthServer({
    host: mediamtx.auth_host,
    port: mediamtx.auth_port,
    secret: authSecret,
    access: streamAccess,
    log,
  })
  opened.push(streamAccess.close, mediaAuth.stop)
  const { port: authPort } = await mediaAuth.start()
  const serverProcess = createServerProcess({
    mode: mediamtx.mode,
    api: { host: mediamtx.host, port: mediamtx.api_port },
    ports: { api: mediamtx.api_port, rtsp: mediamtx.rtsp_port, hls: mediamtx.hls_port, webrtc: mediamtx.webrtc_port },
    host: server.host,
    offers: { hls: true, webrtc: true },
    runDir: data.run,
    dataDir: data.dir,
    recordingsDir: data.recordings,
    pathDefaults,
    mark,
    simulatorCommand: simulatorCommand(),
    grace: mediamtx.process_termination_timeout,
    env,
    auth: () => ({
      address: mediaAuthAddress({ host: mediamtx.auth_host, port: authPort, secret: authSecret }),
      apiUser: own.api.user,
      apiPass: own.api.password,
    }),
    log,
  })
  /** A child of ours listens where the service does: at that address alone, if it is one. */
  const rtspHost =
    mediamtx.mode === 'external' || isAnyHost(server.host) || mediamtx.host !== '127.0.0.1'
      ? mediamtx.host
      : server.host
  const reader = createStreamReader({
    host: rtspHost,
    port: mediamtx.rtsp_port,
    credentials: own.reader,
    log,
    startTimeout: startLimit,
  })
  const probe = createDeviceProbe({ reader, log, timeout: config.camera.capability_timeout })
  /** systemd's is in memory: a still a second need not wear a disk. */
  const runDir = env.RUNTIME_DIRECTORY?.split(':')[0] || data.run
  const pipelines = await createPipelines({
    runDir,
    mark,
    log,
    clock,
    publishHost: rtspHost === server.host ? hostInUrl(rtspHost) : '127.0.0.1',
    publishAs: own.publisher,
  })
  const { tier0_timeout: direct, tier1_timeout: ffmpeg, tier3_timeout: stream } = config.snapshots
  const pictures = createPictures({
    snapshotsDir: (camera) => join(data.snapshots, camera),
    runDir,
    reader,
    pipelines,
    probe,
    limits: { direct, ffmpeg, stream },
    clock,
    log,
  })
  const files = createMediaFiles({ recordingsDir: data.recordings, snapshotsDir: data.snapshots })
  const segments = createSegments({ recordingsDir: data.recordings, clock, log })
  const storage = createStorage({ dir: data.recordings })
  const usb = createUsbDevices({ log })
  const registry = createRegistryStore({ dir: data.state, clock, log })
  const hostSampler = createHostSampler({ clock, log })
  opened.push(hostSampler.dispose)
  const externalStore = createExternalStore({ dir: data.state, clock, log })
  const externalState = await externalStore.load()
  const addresses = createAddressCheck({ places: () => ownPlaces(config, choice, authPort) })
  const scanning = config.external_discovery
  const policy = policyOf(config)
  const retentionPorts = {
    files,
    store: createRetentionStore({ dir: data.state, clock, log }),
    cameras: () => directory.cameras(),
    clock,
    log,
  }

  const { video_profile: profile, video_level: level, pixel_format: pixelFormat, preset, bitrate } = mediamtx.codec
  const defaults: CaptureDefaults = {
    ...config.camera.size,
    fps: config.camera.fps,
    codec: { profile, level, pixelFormat, preset, bitrate },
  }

  const choose = async (signal: AbortSignal): Promise<ServerChoice> => {
    choice = await serverProcess.choose(signal)
    if (choice.kind !== 'external') return choice
    const rtsp = { host: mediamtx.host, port: mediamtx.rtsp_port }
    const questions = security.streams === 'open' ? {} : { questions: mediaAuth.questions }
    const wanted = {
      apiUrl,
      timeout: mediamtx.timeout,
      rtsp,
      recordingsDir: data.recordings,
      pathDefaults,
      ...questions,
    }
    for (const problem of await checkExternal(wanted, signal)) {
      log.warn('the external media server does not bring what it should', { problem })
    }
    return choice
  }
  const sampled = sampledStreams({ mediaServer, clock, maxAge: 250, usableFor: 1_000, limit: 3_000 })
  const fleetLogic = provide(
    {
      mediaServer,
      streams: sampled,
      serverProcess: { ...serverProcess, choose },
      reader,
      usb,
      probe,
      pipelines,
      pictures,
      files,
      segments,
      storage,
      registry,
      retention: retentionPorts.store,
      addresses,
      external: externalStore,
      scan: createStreamScan({
        plan: scanPlan(config),
        addresses,
        hostLimit: scanning.host_timeout,
        concurrency: scanning.max_concurrent_scans,
      }),
      clock,
      log,
    },
    {
      defaults,
      startLimit,
      closeAfter: mediamtx.run_on_demand_close_after,
      segmentDuration: recordingConfig.segment_duration,
      sourceInterval: config.camera.poll_interval,
      retireAfter: config.camera.retire_after,
      deviceScanLimit: config.camera.detection_timeout,
      linkCheckLimit: mediamtx.health_check_timeout,
      linkInterval: mediamtx.health_check_interval,
      storageInterval: limits.check_interval,
      streamScanLimit: scanning.scan_timeout,
      // The rest of the time to stop belongs to the media server.
      drainLimit: Math.max(1_000, server.shutdown_timeout - mediamtx.process_termination_timeout - 500),
      tiers: {
        direct: config.snapshots.tier0_timeout,
        ffmpeg: config.snapshots.tier1_timeout,
        live: config.snapshots.tier2_timeout,
        wake: config.snapshots.tier3_timeout,
      },
    },
    () => directory.cameras(),
  )

  const fleet = createActor(fleetLogic, {
    systemId: 'fleet',
    inspect: observer.inspect,
    input: {
      entries: config.cameras,
      demoWhenNone: config.simulation.demo_camera,
      pollEvery: config.camera.poll_interval,
      storage: { warnPercent: limits.warn_percent, blockPercent: limits.block_percent },
      link: { seed: randomInt(2 ** 32), resetAfter: mediamtx.circuit_breaker.recovery_timeout },
      retention: { policy, checkInterval: config.retention_policy.check_interval },
      streams: externalState.streams,
      external: {
        enabled: scanning.enabled,
        interval: externalState.interval ?? scanning.scan_interval,
        atStart: scanning.enable_startup_scan,
        skydio: scanning.skydio.enabled,
        generic: scanning.generic_uav.enabled,
      },
      mediaSessions: { startLimit },
      externalStreams: {
        maxStreams: scanning.max_streams,
        ...(externalState.interval !== undefined && { interval: externalState.interval }),
      },
    },
  })
  fleet.subscribe({ error: (error) => log.error('the root actor failed', { error }) })
  const directory = createDirectory({ fleet, observer, startedAt })
  const ask = createAsk({
    fleet,
    facts,
    directory,
    pipelines,
    clock,
    startLimit,
    autoCloseAfter: server.auto_close_after,
    simulation: config.simulation.enabled,
  })

  const external = createExternalAsk({ fleet, facts, directory, clock, scanLimit: scanning.scan_timeout })
  const retentionAsk = createRetentionAsk({
    actor: () => fleet.system.get('retention'),
    facts,
    survey: createSurvey(retentionPorts),
    policy,
  })
  metrics.follow({ facts, mediaServer })

  const self = {
    name: 'MediaMTX Camera Service',
    version,
    buildDate: typeof BUILD_DATE === 'string' ? BUILD_DATE : 'built from source',
    maxCameras: 16,
  }
  /** Clients must be sent to an external server's own machine. */
  const elsewhere = () => (choice?.kind === 'external' && !isLoopback(mediamtx.host) ? { host: mediamtx.host } : {})
  const isReal = () => directory.link().server?.kind !== 'embedded'
  const rpc = createRpcServer({
    host: server.host,
    port: server.port,
    path: server.websocket_path,
    limits: {
      maxConnections: server.max_connections,
      maxMessageSize: server.max_message_size,
      pingInterval: server.ping_interval,
      pongWait: server.pong_wait,
      maxBuffered: server.max_send_buffer,
      maxConnectionsPerAddress: server.max_connections_per_address,
      maxUnauthenticatedPerAddress: server.max_unauthenticated_per_address,
      authenticationTimeout: server.authentication_timeout,
      expiryGrace: server.expiry_grace,
      eventBuffer: server.event_buffer,
      rate,
    },
    rateLimits,
    alsoListen: server.also_listen,
    allowedIps: server.allowed_ips,
    ...tlsOf(config),
    corsOrigins: security.cors_origins,
    ...(server.public_host && { publicHost: server.public_host }),
    offers: () => ({
      ...elsewhere(),
      hls: isReal(),
      webrtc: isReal(),
      ports: { rtsp: mediamtx.rtsp_port, hls: mediamtx.hls_port, webrtc: mediamtx.webrtc_port },
    }),
    directory,
    ask: {
      ...ask,
      releaseAll(session) {
        ask.releaseAll(session)
        external.leave(session)
      },
    },
    files,
    mediaServer: sampled,
    pipelines,
    credentials,
    keys,
    links,
    streamAccess,
    audit,
    retention: retentionAsk,
    external,
    metrics,
    hostSample: hostSampler.sample,
    urls: {
      streamLife: security.stream_url_life,
      fileLife: security.file_url_life,
      bindAddress: security.stream_url_bind_address,
      openStreams: security.streams === 'open',
    },
    facts,
    clock,
    log,
    about: self,
    snapshots: {
      format: config.snapshots.format,
      quality: config.snapshots.quality,
      maxAge: config.snapshots.freshness,
    },
    recordings: { format: recordingConfig.format },
    simulation: config.simulation.enabled,
  })
  const health = config.http_health.enabled
    ? createHealthServer({
        host: config.http_health.host,
        port: config.http_health.port,
        internalOnly: config.http_health.internal_only,
        hosts: server.public_host ? [server.public_host] : [],
        allowedIps: config.http_health.allowed_ips,
        ...(config.http_health.enable_metrics && {
          metrics: createMetricsPage({
            metrics,
            directory,
            mediaServer: sampled,
            files,
            sockets: rpc.sockets,
            about: self,
            clock,
            log,
          }),
        }),
        directory,
        clock,
        log,
        about: self,
      })
    : undefined

  const { port } = await rpc.start()
  const healthPort = await health?.start().catch(async (error: unknown) => {
    await rpc.stop('the service could not start')
    throw error
  })
  fleet.start()
  await waitFor(fleet, (snapshot) => !snapshot.matches('loading'), { timeout: 10_000 })
  if (fleet.getSnapshot().matches('failed')) {
    await rpc.stop('the service could not start')
    await health?.stop()
    throw new Error(fleet.getSnapshot().context.reason)
  }

  let stopped: Promise<void> | undefined
  const stop = async (reason: string) => {
    const over = new Promise<void>((resolve) => fleet.subscribe({ complete: resolve, error: () => resolve() }))
    fleet.send({ type: 'system.stop', reason })
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, server.shutdown_timeout).unref())])
    await rpc.stop(reason)
    await health?.stop()
    fleet.stop()
    pipelines.close()
    await serverProcess.end()
    await close()
  }
  return {
    ports: { rpc: port, ...(healthPort && { health: healthPort.port }) },
    directory,
    facts,
    tokens,
    watchUrl(camera, host, { user, id, expiresAt: end }) {
      const plain = `rtsp://${hostInUrl(host)}:${mediamtx.rtsp_port}/${camera}`
      if (security.streams === 'open') return plain
      return `${plain}?sig=${links.sign({ subject: streamSubject(camera), user, expiresAt: Math.min(end, clock.now() + security.stream_url_life), credential: { kind: 'token', id } })}`
    },
    stop(reason) {
      stopped ??= stop(reason)
      return stopped
    },
  }
}

/** How the simulator of MediaMTX is started: as a program of its own, like the real one. */
function simulatorCommand(): readonly [string, ...string[]] {
  const isBundled = !import.meta.url.endsWith('.ts')
  return isBundled
    ? [process.execPath, fileURLToPath(new URL('./simulator.js', import.meta.url))]
    : [
        process.execPath,
        '--import',
        import.meta.resolve('tsx'),
        fileURLToPath(new URL('./adapters/simulator/main.ts', import.meta.url)),
      ]
}

/** Who is who, and what they did: opened first, closed last. */
async function openAccess(
  data: DataDirectory,
  { config, log, env, clock, opened }: Required<AppOptions> & Pick<Opening, 'opened'>,
) {
  const { security, api_key_management: keyLimits, audit: auditLimits } = config
  const secret = await jwtSecret({
    value: security.jwt_secret_key,
    file: security.jwt_secret_file,
    credentialsDirectory: env.CREDENTIALS_DIRECTORY,
    secretsDir: data.secrets,
  })
  const trusted = await createTrustedKeys({ sources: security.jwt_keys, clock, log })
  opened.push(trusted.close)
  const { jwt_issuer: issuer, jwt_audience: audience, jwt_clock_tolerance: tolerance } = security
  const tokens = createTokens({ secret: secret.key, clock, trusted, issuer, audience, tolerance })
  const keys = await createApiKeys({
    stateDir: data.state,
    clock,
    log,
    defaults: { expiry: keyLimits.default_expiry, maxKeys: keyLimits.max_keys },
  })
  opened.push(keys.close)
  const credentials = await createCredentials({ tokens, keys, stateDir: data.state, clock, log })
  opened.push(credentials.close)
  const links = createLinks({
    secret: (await keptSecret(data.secrets, 'link_secret')).key,
    clock,
    isRevoked: credentials.isRevoked,
  })
  const auditSecret = await keptSecret(data.secrets, 'audit_secret')
  const audit = await openAuditLog({
    dir: join(data.dir, 'audit'),
    headDir: data.state,
    secret: auditSecret.key,
    // With a secret of an earlier life there was a log.
    isNew: auditSecret.from === 'generated',
    clock,
    log,
    maxSize: auditLimits.max_size,
    maxFiles: auditLimits.max_files,
  })
  opened.push(audit.close, credentials.onOutsideChange(auditOutside(audit)))
  return { tokens, keys, credentials, links, audit }
}

/** Where servers of ours are, so that no stream leads back into them. */
const ownPlaces = (
  { server, mediamtx, http_health: health }: Configuration,
  choice: ServerChoice | undefined,
  authPort: number,
) => {
  const media = [mediamtx.rtsp_port, mediamtx.hls_port, mediamtx.webrtc_port, mediamtx.api_port]
  return [
    { ports: [server.port, health.port, authPort, ...(choice?.kind === 'external' ? [] : media)] },
    ...(server.public_host ? [{ host: server.public_host, ports: [server.port, ...media] }] : []),
    ...(choice?.kind === 'external' ? [{ host: mediamtx.host, ports: media }] : []),
  ]
}

/** What scans may ask. */
const scanPlan = ({ external_discovery: { skydio, generic_uav: generic } }: Configuration): ScanPlan => ({
  ...(skydio.enabled && {
    skydio: {
      ranges: skydio.network_ranges,
      hosts: skydio.known_ips,
      eoPort: skydio.eo_port,
      irPort: skydio.ir_port,
      eoPath: skydio.eo_stream_path,
      irPath: skydio.ir_stream_path,
      both: skydio.enable_both_streams,
    },
  }),
  ...(generic.enabled && {
    generic: {
      ranges: generic.network_ranges,
      hosts: generic.known_ips,
      ports: generic.common_ports,
      paths: generic.stream_paths,
    },
  }),
})

/** The policy until a client sets one. */
const policyOf = ({
  retention_policy: { enabled, type, max_age_days: days, max_size_gb: gigabytes },
}: Configuration): RetentionPolicy => ({
  type,
  enabled,
  ...(type === 'age' && { maxAgeDays: days }),
  ...(type === 'size' && { maxSizeGb: gigabytes }),
})

/** Nothing without a certificate. */
const tlsOf = ({ server: { tls } }: Configuration): { tls?: TlsFiles } => {
  if (!tls.cert_file) return {}
  const {
    cert_file: certFile,
    key_file: keyFile,
    client_ca_file: clientCaFile,
    client_certificate: clientCertificate,
    clients,
  } = tls
  return { tls: { certFile, keyFile, ...(clientCaFile && { clientCaFile }), clientCertificate, clients } }
}
