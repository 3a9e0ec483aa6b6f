import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { StreamAccess } from '../machines/domain/access.js'
import type { ScanPlan } from '../machines/domain/external.js'
import { moduleLogs } from '../machines/domain/logLevels.js'
import type { Clock, Log, Metrics, ServerChoice, ServerProcess } from '../machines/domain/ports.js'
import { type Closers, createClosers } from './closers.js'
import { type ConfigFileOptions, createConfigFile } from './configuration/file.js'
import { createConfigHistory } from './configuration/history.js'
import { createAddressFile } from './data/addressFile.js'
import { createClockStore } from './data/clockStore.js'
import { openDataDirectory } from './data/directory.js'
import { createExternalStore } from './data/externalStreams.js'
import { createGapStore } from './data/gaps.js'
import { createIntentStore } from './data/intents.js'
import { createProtection } from './data/protection.js'
import { createRegistryStore } from './data/registry.js'
import { createRetentionStore } from './data/retention.js'
import { openRunFolder } from './data/runFolder.js'
import { keptSecret } from './data/secrets.js'
import { createEncoders } from './ffmpeg/encoders.js'
import { checkPrograms } from './ffmpeg/installed.js'
import { createPictures } from './ffmpeg/pictures.js'
import { createPipelines } from './ffmpeg/pipelines.js'
import { createThumbnails } from './ffmpeg/thumbnails.js'
import { openFileBook } from './files/fileBook.js'
import { createIndexer } from './files/indexer.js'
import { listAhead } from './files/listedAhead.js'
import { createMediaFiles } from './files/mediaFiles.js'
import { createQuarantines } from './files/quarantine.js'
import { openRecordingFolders } from './files/recordingFolders.js'
import { createSegments } from './files/segments.js'
import { createStorage } from './files/storage.js'
import { createHostSampler } from './host/sampler.js'
import { noJournal, openJournal } from './journal/journal.js'
import { createMediaAuthServer, mediaAuthAddress } from './mediamtx/authServer.js'
import { createEncryptionReader, type Encryption } from './mediamtx/encryption.js'
import { checkExternal } from './mediamtx/external.js'
import type { Address } from './mediamtx/findServer.js'
import { createMediaServer } from './mediamtx/mediaServer.js'
import { createOwnCredential } from './mediamtx/ownCredential.js'
import type { PathDefaults } from './mediamtx/pathBody.js'
import { sampledStreams } from './mediamtx/sampledStreams.js'
import { createServerProcess, type ServerProcessOptions } from './mediamtx/serverProcess.js'
import { type AccessOptions, openAccess } from './openAccess.js'
import { createAddressCheck, type OwnPlace } from './rtsp/addresses.js'
import { createStreamReader } from './rtsp/reader.js'
import { createStreamScan } from './rtsp/scan.js'
import { noSimulation, openSimulation, type SimulationOptions } from './simulation/open.js'
import { simulatorCommand } from './simulator/command.js'
import { createUsbDevices } from './usb/devices.js'
import { createDeviceProbe } from './usb/probe.js'

type Kind = ServerChoice['kind'] | undefined

export { accessFaults, openKeys, passwordFaults } from './data/configuredFiles.js'
export { systemClock } from './systemClock.js'
/** Durations in ms. */
export interface OpenOptions {
  dataDir: string
  /** Default: without a file. */
  configuration?: ConfigFileOptions
  access: AccessOptions
  journal: { enabled: boolean; maxSize: number; maxAge: number }
  /** Of the service. */
  version: string
  paths(recordings: string): PathDefaults
  /** A second folder for recordings; empty: none. */
  fallbackDir: string
  mediaServer: { timeout: number; threshold: number }
  /** URL of the control API, with the credentials of the service. */
  apiUrl(kind: Kind, own: { user: string; password: string }): string
  /** The listener that answers the media server. */
  mediaAuth: Address
  /** True: an external media server must ask this service for permission of its readers. */
  isProtected: boolean
  serverProcess: Pick<
    ServerProcessOptions,
    'mode' | 'modeFrom' | 'api' | 'ports' | 'host' | 'offers' | 'media' | 'grace'
  >
  externalRtsp: Address
  /** The protocols that browsers block without encryption. */
  neededEncryption: Encryption
  rtsp: Address & { startTimeout: number }
  publishHost: string
  probeTimeout: number
  pictures: { direct: number; ffmpeg: number; stream: number }
  skipFrames: number | 'auto'
  scan: { plan: ScanPlan; hostLimit: number; concurrency: number }
  /** Where the service and its media server listen: no stream may lead there. */
  ownPlaces(kind: Kind, authPort: number): OwnPlace[]
  /** Absent: nothing is simulated. */
  simulation?: SimulationOptions
}

/** What the process brings. */
interface Surroundings {
  log: Log
  env: NodeJS.ProcessEnv
  clock: Clock
  metrics: Metrics
}

export type Ports = Awaited<ReturnType<typeof open>>

/**
 * Opens every port in order. Rejects with one sentence for the operator; whatever was opened is closed then. The caller
 * pushes its own parts on `closers`, and closes all of them at the end.
 */
export async function openPorts(
  options: OpenOptions,
  surroundings: Surroundings,
): Promise<{ ports: Ports; closers: Closers }> {
  const closers = createClosers(surroundings.log)
  try {
    return { ports: await open(options, surroundings, closers), closers }
  } catch (error) {
    await closers.close()
    throw error
  }
}

async function open(options: OpenOptions, { log, env, clock: given, metrics }: Surroundings, closers: Closers) {
  const simulated = options.simulation && openSimulation(options.simulation, given)
  const { clock } = simulated ?? { clock: given }
  const { media_server: mediaLog, ...logs } = moduleLogs(log)
  await checkPrograms({ path: env.PATH ?? '', log: logs.streams })
  const data = await openDataDirectory(options.dataDir)
  closers.push(data.release)
  const stored = { dir: data.state, clock, log: logs.storage }
  const run = await openRunFolder({ ofSystemd: env.RUNTIME_DIRECTORY, ofData: data.run, log: logs.storage })
  closers.push(run.remove)
  const simulation = (await simulated?.use({ data, runDir: run.dir }, env)) ?? noSimulation(clock, env)
  const access = await openAccess(options.access, data, { log: logs.access, env, clock }, closers)

  const { enabled: hasJournal, ...journalSize } = options.journal
  const { version } = options
  const journal = hasJournal
    ? await openJournal({ dir: join(data.state, 'journal'), ...journalSize, version, clock, log: logs.storage })
    : noJournal
  closers.push(journal.close)

  const own = createOwnCredential()
  const mediaKey = await keptSecret(data.secrets, 'media_secret', { clock, log: mediaLog })
  const mediaSecret = Buffer.from(mediaKey.key).toString()
  const places = { main: data.recordings, fallback: options.fallbackDir, runDir: run.dir, log: logs.storage }
  const recordings = await openRecordingFolders(places)
  closers.push(recordings.remove)
  const fallbackDir = recordings.fallback
  const folders = fallbackDir === undefined ? [data.recordings] : [data.recordings, fallbackDir]
  const paths = options.paths(recordings.record)
  /** Marks our children and what the media server starts for us, so that the next run of the service finds them. */
  const mark = createHash('sha256').update(data.dir).digest('hex').slice(0, 16)
  let kind: Kind
  let authServer: ReturnType<typeof createMediaAuthServer> | undefined
  let authPort = options.mediaAuth.port
  const apiUrl = () => options.apiUrl(kind, own.api)
  const mediaServer = createMediaServer({ ...options.mediaServer, apiUrl, pathDefaults: paths, metrics, log: mediaLog })
  closers.push(mediaServer.close)
  const { timeout } = options.mediaServer
  const encryption = createEncryptionReader({ apiUrl, timeout, needed: options.neededEncryption, log: mediaLog })
  const sync: typeof mediaServer.sync = async (signal) => {
    if (kind === 'external') await encryption.read(signal)
    return mediaServer.sync(signal)
  }
  const serverProcess = createServerProcess({
    ...options.serverProcess,
    runDir: run.dir,
    dataDir: data.dir,
    recordingsDir: data.recordings,
    pathDefaults: paths,
    mark,
    simulatorCommand: simulatorCommand(),
    env: simulation.env,
    auth: () => ({
      address: mediaAuthAddress({ host: options.mediaAuth.host, port: authPort, secret: mediaSecret }),
      apiUser: own.api.user,
      apiPass: own.api.password,
    }),
    log: mediaLog,
  })
  // The media server may ask until its end.
  closers.push(() => authServer?.stop(), serverProcess.endSoon)
  const choose: ServerProcess['choose'] = async (signal) => {
    const choice = await serverProcess.choose(signal)
    kind = choice.kind
    if (kind !== 'external') return choice
    const { silent, misconfigured } = await checkExternal(
      {
        apiUrl,
        timeout,
        rtsp: options.externalRtsp,
        recordingsDir: recordings.record,
        pathDefaults: paths,
        ...(options.isProtected && authServer && { questions: authServer.questions }),
      },
      signal,
    )
    for (const problem of silent) mediaLog.warn('the external media server does not answer', { problem })
    for (const problem of misconfigured) mediaLog.warn('the external media server is misconfigured', { problem })
    return choice
  }

  const reader = createStreamReader({ ...options.rtsp, credentials: own.reader, log: logs.streams })
  const probe = simulation.probe(createDeviceProbe({ reader, log: logs.cameras, timeout: options.probeTimeout }))
  const runDir = run.dir
  const localPipelines = await createPipelines({
    ...{ runDir, mark, log: logs.streams, clock, publishHost: options.publishHost },
    publishAs: own.publisher,
    mayBeHidden: () => kind === 'external',
  })
  closers.push(localPipelines.close)
  const { usage } = localPipelines
  const pipelines = simulation.pipelines(localPipelines)
  const snapshotsDir = (camera: string) => join(data.snapshots, camera)
  const encoders = createEncoders()
  closers.push(encoders.close)
  const hostSampler = createHostSampler({ clock, log })
  closers.push(hostSampler.dispose)
  const gaps = await createGapStore(stored)
  const openBook = async (name: string) => {
    const book = await openFileBook({ file: join(data.state, name), log: logs.storage })
    closers.push(book.flush)
    return book
  }
  const files = createMediaFiles({
    book: await openBook('listed_files'),
    recordingsDir: data.recordings,
    fallbackDir,
    snapshotsDir: data.snapshots,
    forget: gaps.forget,
  })
  closers.push(listAhead(files))
  const thumbnails = createThumbnails({ runDir })
  closers.push(thumbnails.close)
  const addresses = createAddressCheck({ places: () => options.ownPlaces(kind, authPort) })

  return {
    ...access,
    journal,
    own,
    mediaServer: { ...mediaServer, sync },
    streams: sampledStreams({ mediaServer, clock, maxAge: 250, usableFor: 1_000, limit: 3_000 }),
    serverProcess: { ...serverProcess, choose },
    /** The kind of media server, once it is chosen. */
    serverKind: () => kind,
    /** The protocols that the media server of this service offers to clients besides RTSP, and those it encrypts. */
    serverOffers: () => {
      const isSecure = options.serverProcess.media.tls !== undefined
      const encrypted = kind === 'external' ? encryption.encrypted() : { hls: isSecure, webrtc: isSecure }
      const { hls, webrtc } = serverProcess.offers()
      return { hls, webrtc, encrypted }
    },
    reader,
    clock,
    usb: simulation.usb(() => createUsbDevices({ log: logs.cameras })),
    probe,
    encoders,
    pipelines,
    pictures: simulation.pictures(
      createPictures({
        ...{ snapshotsDir, runDir, reader, pipelines, usage, probe, clock, log: logs.streams },
        limits: options.pictures,
        skipFrames: options.skipFrames,
      }),
    ),
    files,
    thumbnails,
    protection: await createProtection({ ...stored, files }),
    gaps,
    quarantine: createQuarantines(folders),
    indexer: createIndexer({ dirs: folders, clock, path: env.PATH ?? '', book: await openBook('indexed_files') }),
    segments: createSegments({ recordingsDir: data.recordings, fallbackDir, clock, log: logs.storage }),
    storage: simulation.storage(
      createStorage({ dir: data.recordings, fallbackDir, use: recordings.use, stateDir: data.state, log }),
    ),
    simulatedHost: simulation.host(serverProcess.signal),
    registry: createRegistryStore(stored),
    retention: createRetentionStore(stored),
    clockStore: createClockStore(stored),
    external: createExternalStore(stored),
    intents: await createIntentStore(stored),
    configFile: createConfigFile(options.configuration ?? { text: '' }),
    configHistory: createConfigHistory(stored),
    addresses,
    scan: createStreamScan({ ...options.scan, addresses }),
    hostSample: hostSampler.sample,
    leaveAddress: createAddressFile({ dir: data.run, log: logs.storage }),
    /** Answers the media server from now on. Rejects with one sentence if the port is taken. */
    async answerMediaServer(streamAccess: Pick<StreamAccess, 'mayPass'>) {
      authServer = createMediaAuthServer({
        ...options.mediaAuth,
        secret: mediaSecret,
        access: streamAccess,
        log: mediaLog,
      })
      authPort = (await authServer.start()).port
    },
  }
}
