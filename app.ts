import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createActor, waitFor } from 'xstate'
import { createAsk } from './actors/ask.js'
import { createDirectory, type Directory } from './actors/directory.js'
import { cameraEffects } from './actors/effects/camera.js'
import { recordingEffects } from './actors/effects/recording.js'
import { discoveryEffects, fleetEffects, linkEffects, serverProcessEffects, storageEffects } from './actors/effects/service.js'
import { snapshotEffects } from './actors/effects/snapshot.js'
import { createFacts, type Facts } from './actors/facts.js'
import { logFacts } from './actors/logFacts.js'
import { createObserver } from './actors/observer.js'
import { type DataDirectory, openDataDirectory } from './adapters/data/directory.js'
import { createRegistryStore } from './adapters/data/registry.js'
import { jwtSecret } from './adapters/data/secrets.js'
import { checkPrograms } from './adapters/ffmpeg/installed.js'
import { createPictures } from './adapters/ffmpeg/pictures.js'
import { createPipelines } from './adapters/ffmpeg/pipelines.js'
import { createMediaFiles } from './adapters/files/mediaFiles.js'
import { createSegments } from './adapters/files/segments.js'
import { createStorage } from './adapters/files/storage.js'
import { checkExternal } from './adapters/mediamtx/external.js'
import { createMediaServer } from './adapters/mediamtx/mediaServer.js'
import { sampledStreams } from './adapters/mediamtx/sampledStreams.js'
import { createServerProcess } from './adapters/mediamtx/serverProcess.js'
import { createStreamReader } from './adapters/rtsp/reader.js'
import { createTokens } from './adapters/tokens/tokens.js'
import { createUsbDevices } from './adapters/usb/devices.js'
import { createDeviceProbe } from './adapters/usb/probe.js'
import type { Configuration } from './config/schema.js'
import { cameraMachine } from './machines/camera.js'
import { discoveryMachine } from './machines/discovery.js'
import type { CaptureDefaults, Clock, Log, ServerChoice, Tokens } from './machines/domain/ports.js'
import { fleetMachine } from './machines/fleet.js'
import { mediamtxLinkMachine } from './machines/mediamtxLink.js'
import { recordingMachine } from './machines/recording.js'
import { serverProcessMachine } from './machines/serverProcess.js'
import { snapshotMachine } from './machines/snapshot.js'
import { storageMachine, whyBlocked } from './machines/storage.js'
import about from './package.json' with { type: 'json' }
import { createHealthServer } from './rpc/http/health.js'
import { createRpcServer } from './rpc/server.js'

/** Put in by the bundler. */
declare const BUILD_DATE: string | undefined

/** A running service. */
export interface App {
  /** Where it listens. */
  ports: { rpc: number; health?: number }
  directory: Directory
  facts: Facts
  tokens: Tokens
  /** Ends sessions and files, then the sockets, then the media server. Never rejects; a second call waits for the first. */
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
  try {
    return await startIn(data, { config, log, env, clock })
  } catch (error) {
    await data.release()
    throw error
  }
}

async function startIn(data: DataDirectory, { config, log, env, clock }: Required<AppOptions>): Promise<App> {
  const { server, mediamtx, security, storage: limits, recording: recordingConfig } = config
  const startedAt = clock.now()
  const secret = await jwtSecret({
    value: security.jwt_secret_key,
    file: security.jwt_secret_file,
    credentialsDirectory: env.CREDENTIALS_DIRECTORY,
    secretsDir: data.secrets,
  })
  const tokens = createTokens({ secret: secret.key, clock })
  /** Carried by our children and by what the media server starts for us, so that the next life knows them. */
  const mark = createHash('sha256').update(data.dir).digest('hex').slice(0, 16)

  const pathDefaults = {
    closeAfter: mediamtx.run_on_demand_close_after,
    startTimeout: mediamtx.run_on_demand_start_timeout,
    partDuration: recordingConfig.part_duration,
    segmentDuration: recordingConfig.segment_duration,
    recordPath: join(data.recordings, '%path/%path_%Y-%m-%d_%H-%M-%S-%f'),
  }
  let choice: ServerChoice | undefined
  /** That of a child is on this machine, wherever an external one would be. */
  const apiUrl = () => `http://${hostInUrl(choice?.kind === 'external' ? mediamtx.host : '127.0.0.1')}:${mediamtx.api_port}`
  const mediaServer = createMediaServer({
    apiUrl,
    timeout: mediamtx.timeout,
    breaker: { threshold: mediamtx.circuit_breaker.failure_threshold, resetTimeout: mediamtx.circuit_breaker.recovery_timeout },
    pathDefaults,
    log,
  })
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
    wantedPaths: () => mediaServer.wantedPaths(),
    log,
  })
  /** A child of ours listens where the service does: at that address alone, if it is one. */
  const rtspHost = mediamtx.mode === 'external' || isAnyHost(server.host) || mediamtx.host !== '127.0.0.1' ? mediamtx.host : server.host
  /** A little longer than the media server's own, whose word is better. */
  const startLimit = mediamtx.run_on_demand_start_timeout + 2_000
  const reader = createStreamReader({ host: rtspHost, port: mediamtx.rtsp_port, log, startTimeout: startLimit })
  const probe = createDeviceProbe({ reader, log, timeout: config.camera.capability_timeout })
  /** systemd's is in memory: a still a second need not wear a disk. */
  const runDir = env.RUNTIME_DIRECTORY?.split(':')[0] || data.run
  const pipelines = await createPipelines({
    runDir,
    mark,
    log,
    clock,
    firstFrameWithin: mediamtx.run_on_demand_start_timeout,
    publishHost: rtspHost === server.host ? hostInUrl(rtspHost) : '127.0.0.1',
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

  const { video_profile: profile, video_level: level, pixel_format: pixelFormat, preset, bitrate } = mediamtx.codec
  const defaults: CaptureDefaults = { ...config.camera.size, fps: config.camera.fps, codec: { profile, level, pixelFormat, preset, bitrate } }

  const recording = recordingMachine.provide({
    delays: { confirmLimit: startLimit },
    actors: recordingEffects({
      mediaServer,
      reader,
      segments,
      clock,
      log,
      whyBlocked: () => (fleet.system.get('storage') ? whyBlocked(fleet.system.get('storage').getSnapshot()) : ''),
      startLimit,
      segmentDuration: recordingConfig.segment_duration,
    }),
  })
  const snapshot = snapshotMachine.provide({
    actors: snapshotEffects({ pictures, clock }),
    delays: {
      directLimit: config.snapshots.tier0_timeout,
      ffmpegLimit: config.snapshots.tier1_timeout,
      liveLimit: config.snapshots.tier2_timeout,
      wakeLimit: config.snapshots.tier3_timeout,
    },
  })
  const camera = cameraMachine.provide({
    actors: {
      ...cameraEffects({ mediaServer, reader, probe, pipelines, defaults, startLimit, sourceInterval: config.camera.poll_interval, clock, log }),
      recording,
      snapshot,
    },
    delays: { retirement: config.camera.retire_after },
  })
  const choose = async (signal: AbortSignal): Promise<ServerChoice> => {
    choice = await serverProcess.choose(signal)
    if (choice.kind !== 'external') return choice
    const rtsp = { host: mediamtx.host, port: mediamtx.rtsp_port }
    for (const problem of await checkExternal({ apiUrl, timeout: mediamtx.timeout, rtsp, recordingsDir: data.recordings, pathDefaults }, signal)) {
      log.warn('the external media server does not bring what it should', { problem })
    }
    return choice
  }
  const fleetLogic = fleetMachine.provide({
    actors: {
      ...fleetEffects({ registry }),
      camera,
      discovery: discoveryMachine.provide({ actors: discoveryEffects({ usb, scanLimit: config.camera.detection_timeout }) }),
      serverProcess: serverProcessMachine.provide({ actors: serverProcessEffects({ server: { ...serverProcess, choose }, log }) }),
      link: mediamtxLinkMachine.provide({
        actors: linkEffects({ mediaServer, checkLimit: mediamtx.health_check_timeout }),
        delays: { interval: mediamtx.health_check_interval },
      }),
      storage: storageMachine.provide({ actors: storageEffects({ storage }), delays: { interval: limits.check_interval } }),
    },
    // What is left of the time to stop belongs to the media server.
    delays: { drainLimit: Math.max(1_000, server.shutdown_timeout - mediamtx.process_termination_timeout - 500) },
  })

  const facts = createFacts({ clock, log })
  facts.subscribe(logFacts(log))
  const observer = createObserver({ facts, clock, log })
  const fleet = createActor(fleetLogic, {
    systemId: 'fleet',
    inspect: observer.inspect,
    input: {
      entries: config.cameras,
      demoWhenNone: config.simulation.demo_camera,
      pollEvery: config.camera.poll_interval,
      storage: { warnPercent: limits.warn_percent, blockPercent: limits.block_percent },
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

  const self = { name: 'MediaMTX Camera Service', version, buildDate: typeof BUILD_DATE === 'string' ? BUILD_DATE : 'built from source', maxCameras: 16 }
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
      rate: { requests: security.rate_limit_requests, window: security.rate_limit_window },
    },
    corsOrigins: security.cors_origins,
    ...(server.public_host && { publicHost: server.public_host }),
    offers: () => ({
      ...elsewhere(),
      hls: isReal(),
      webrtc: isReal(),
      ports: { rtsp: mediamtx.rtsp_port, hls: mediamtx.hls_port, webrtc: mediamtx.webrtc_port },
    }),
    directory,
    ask,
    files,
    mediaServer: sampledStreams({ mediaServer, clock, maxAge: 250 }),
    pipelines,
    tokens,
    facts,
    clock,
    log,
    about: self,
    snapshots: { format: config.snapshots.format, quality: config.snapshots.quality, maxAge: config.snapshots.freshness },
    recordings: { format: recordingConfig.format },
    simulation: config.simulation.enabled,
  })
  const health = config.http_health.enabled
    ? createHealthServer({ host: config.http_health.host, port: config.http_health.port, directory, clock, log, about: self })
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
    await data.release()
  }
  return {
    ports: { rpc: port, ...(healthPort && { health: healthPort.port }) },
    directory,
    facts,
    tokens,
    stop(reason) {
      stopped ??= stop(reason)
      return stopped
    },
  }
}

const isLoopback = (host: string): boolean => /^(127\.|::1$|localhost$)/.test(host)

const isAnyHost = (host: string): boolean => host === '0.0.0.0' || host === '::'

const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** How the simulator of MediaMTX is started: as a program of its own, like the real one. */
function simulatorCommand(): readonly [string, ...string[]] {
  const isBundled = !import.meta.url.endsWith('.ts')
  return isBundled
    ? [process.execPath, fileURLToPath(new URL('./simulator.js', import.meta.url))]
    : [process.execPath, '--import', import.meta.resolve('tsx'), fileURLToPath(new URL('./adapters/simulator/main.ts', import.meta.url))]
}
