import { cameraMachine } from '../machines/camera.js'
import { clockWatchMachine } from '../machines/clockWatch.js'
import { configurationMachine } from '../machines/configuration.js'
import { demandMachine } from '../machines/demand.js'
import { discoveryMachine } from '../machines/discovery.js'
import type { CameraId } from '../machines/domain/camera.js'
import type { DeviceProbe, Pictures, Pipelines, UsbDevices } from '../machines/domain/capture.js'
import type { ClockStore } from '../machines/domain/clockTrust.js'
import type { AddressCheck, ExternalStore, NameCheck, StreamScan } from '../machines/domain/external.js'
import type { Indexer, MediaFiles, Quarantine, Segments, Storage } from '../machines/domain/files.js'
import type { MediaServer, ServerProcess, StreamReader } from '../machines/domain/mediaServer.js'
import type { CaptureDefaults, Clock, Encoders, Log, RegistryStore } from '../machines/domain/ports.js'
import type { Protection } from '../machines/domain/protection.js'
import type { GapStore, IntentStore } from '../machines/domain/recording.js'
import type { RetentionStore } from '../machines/domain/retention.js'
import type { SimulatedHost } from '../machines/domain/simulation.js'
import type { StorageView } from '../machines/domain/views.js'
import { externalDiscoveryMachine } from '../machines/externalDiscovery.js'
import { externalStreamsMachine } from '../machines/externalStreams.js'
import { fleetMachine } from '../machines/fleet.js'
import { indexingMachine } from '../machines/indexing.js'
import { keyframesMachine } from '../machines/keyframes.js'
import { mediamtxLinkMachine } from '../machines/mediamtxLink.js'
import { mediaSessionsMachine } from '../machines/mediaSessions.js'
import { pathWatchMachine } from '../machines/pathWatch.js'
import { pipelineMachine } from '../machines/pipeline.js'
import { pullMachine } from '../machines/pull.js'
import { quarantineMachine } from '../machines/quarantine.js'
import { recordingMachine } from '../machines/recording.js'
import { recordingFolderMachine } from '../machines/recordingFolder.js'
import { retentionMachine } from '../machines/retention.js'
import { hangDelays, serverProcessMachine } from '../machines/serverProcess.js'
import { simulationMachine } from '../machines/simulation.js'
import { snapshotMachine } from '../machines/snapshot.js'
import { pauseOf, type SourceInput, sourceMachine } from '../machines/source.js'
import { storageMachine } from '../machines/storage.js'
import { cameraEffects, sourceEffects } from './effects/camera.js'
import { type ConfigurationPorts, configurationEffects, type Health } from './effects/configuration.js'
import { externalDiscoveryEffects, externalStreamsEffects } from './effects/external.js'
import { keyframesEffects, pipelineEffects, pullEffects } from './effects/feed.js'
import { indexingEffects } from './effects/indexing.js'
import { mediaSessionsEffects } from './effects/mediaSessions.js'
import { quarantineEffects } from './effects/quarantine.js'
import { recordingEffects } from './effects/recording.js'
import { retentionEffects } from './effects/retention.js'
import {
  discoveryEffects,
  fleetEffects,
  linkEffects,
  pathWatchEffects,
  serverProcessEffects,
  storageEffects,
} from './effects/service.js'
import { simulationEffects } from './effects/simulation.js'
import { snapshotEffects } from './effects/snapshot.js'
import { createSourceQuestion, provideStreamHold } from './effects/stream.js'
import { readClock, waitUntil } from './effects/time.js'

/** The ports that the effects use. */
export interface ActorPorts extends ConfigurationPorts {
  mediaServer: MediaServer
  /** Sampled streams of the media server, so that all cameras share one request. */
  streams: Pick<MediaServer, 'stream'>
  serverProcess: ServerProcess
  reader: StreamReader
  usb: UsbDevices
  probe: DeviceProbe
  encoders: Encoders
  pipelines: Pipelines
  pictures: Pictures
  files: MediaFiles
  protection: Protection
  quarantine: Quarantine
  indexer: Indexer
  segments: Segments
  intents: IntentStore
  gaps: GapStore
  storage: Storage
  registry: RegistryStore
  retention: RetentionStore
  clockStore: ClockStore
  addresses: AddressCheck & NameCheck
  external: ExternalStore
  scan: StreamScan
  simulatedHost: SimulatedHost
  clock: Clock
  log: Log
}

/** Limits and intervals in ms. */
export interface ActorOptions {
  defaults: CaptureDefaults
  /** How long a stream may take to start. */
  startLimit: number
  /** How long the media server keeps a stream without readers. */
  closeAfter: number
  /** After this time the media server starts a new file. */
  segmentDuration: number
  sourceInterval: number
  retireAfter: number
  deviceScanLimit: number
  linkCheckLimit: number
  linkInterval: number
  /** How long a child of ours may not answer before it is killed. */
  hangLimit: number
  storageInterval: number
  streamScanLimit: number
  drainLimit: number
  releaseLimit: number
  tiers: { directLimit: number; ffmpegLimit: number; liveLimit: number; wakeLimit: number }
}

/** The facts and the present state of the actors. */
export interface ProvideHealth extends Health {
  storage: () => StorageView
}

/** Returns the root machine with all its effects. `health`: the facts and the present state of the actors. */
export function provide(ports: ActorPorts, options: ActorOptions, health: ProvideHealth) {
  const { mediaServer, reader, pipelines, clock, log } = ports
  const { startLimit } = options
  const sources = new Map<CameraId, SourceInput>()
  const { addresses } = ports
  const sourceOf = (camera: CameraId) => sources.get(camera)
  const streamHold = provideStreamHold({ reader, addresses, sourceOf, startLimit })

  const folder = () => health.storage().folder?.inUse ?? 'main'
  const recording = recordingMachine.provide({
    actors: { streamHold, ...recordingEffects({ ...ports, segmentDuration: options.segmentDuration, folder }) },
    delays: { confirmLimit: startLimit },
  })
  const snapshot = snapshotMachine.provide({
    actors: { ...snapshotEffects(ports), askSource: createSourceQuestion({ reader, addresses, sourceOf }) },
    delays: options.tiers,
  })
  const camera = cameraMachine.provide({
    actors: {
      ...cameraEffects({ ...ports, sources, defaults: options.defaults }),
      demand: demandMachine.provide({
        actors: { streamHold, waitUntil: waitUntil(clock.monotonic) },
        delays: { closeAfter: options.closeAfter },
      }),
      pipeline: pipelineMachine.provide({
        actors: pipelineEffects({ pipelines }),
        delays: { firstFrameLimit: startLimit },
      }),
      pull: pullMachine.provide({ actors: pullEffects({ mediaServer: ports.streams, reader, clock }) }),
      keyframes: keyframesMachine.provide({ actors: keyframesEffects(ports) }),
      source: sourceMachine.provide({
        actors: sourceEffects(ports),
        delays: {
          interval: ({ context }) => pauseOf(context, options.sourceInterval),
          repeat: options.sourceInterval,
        },
      }),
      recording,
      snapshot,
    },
    delays: { retirement: options.retireAfter },
  })

  return fleetMachine.provide({
    actors: {
      ...fleetEffects(ports),
      camera,
      discovery: discoveryMachine.provide({
        actors: discoveryEffects({ usb: ports.usb, scanLimit: options.deviceScanLimit }),
      }),
      serverProcess: serverProcessMachine.provide({
        actors: serverProcessEffects({ server: ports.serverProcess, clock, log }),
        delays: hangDelays(options.hangLimit),
      }),
      link: mediamtxLinkMachine.provide({
        actors: {
          ...linkEffects({ mediaServer, checkLimit: options.linkCheckLimit }),
          pathWatch: pathWatchMachine.provide({ actors: pathWatchEffects(ports) }),
        },
        delays: { interval: options.linkInterval, connectLimit: startLimit },
      }),
      storage: provideStorage(storageEffects({ ...ports, measureLimit: options.storageInterval })),
      retention: retentionMachine.provide({
        actors: retentionEffects({ ...ports, store: ports.retention, cameras: health.cameras }),
      }),
      quarantine: quarantineMachine.provide({ actors: quarantineEffects({ ...ports, cameras: health.cameras }) }),
      indexing: indexingMachine.provide({ actors: indexingEffects({ ...ports, ...health }) }),
      configuration: configurationMachine.provide({ actors: configurationEffects(ports, health) }),
      simulation: simulationMachine.provide({ actors: simulationEffects({ ...ports, ...health }) }),
      clockWatch: clockWatchMachine.provide({ actors: { readClock: readClock(clock) } }),
      mediaSessions: mediaSessionsMachine.provide({ actors: mediaSessionsEffects(ports) }),
      externalDiscovery: externalDiscoveryMachine.provide({
        actors: externalDiscoveryEffects({ ...ports, scanLimit: options.streamScanLimit }),
      }),
      externalStreams: externalStreamsMachine.provide({
        actors: externalStreamsEffects({ ...ports, store: ports.external }),
      }),
    },
    delays: { drainLimit: options.drainLimit, releaseLimit: options.releaseLimit },
  })
}

const provideStorage = ({ useFolder, ...effects }: ReturnType<typeof storageEffects>) =>
  storageMachine.provide({
    actors: {
      ...effects,
      recordingFolder: recordingFolderMachine.provide({ actors: { measureDisk: effects.measureDisk, useFolder } }),
    },
  })
