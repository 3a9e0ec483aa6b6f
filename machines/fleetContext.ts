import type { AnyActorRef, DoneActorEvent, ErrorActorEvent } from 'xstate'
import type { CameraSetup } from './cameraContext.js'
import type { ConfigurationInput, ConfigurationMessage } from './configurationSetup.js'
import type { DiscoveryNews } from './discovery.js'
import type { By } from './domain/by.js'
import type { CameraId, Device, Identity, LocalDevice, V4l2Device } from './domain/camera.js'
import type { LiveSettings } from './domain/configuration.js'
import type { StorageSettings } from './domain/diskRoom.js'
import type { AddedStream } from './domain/external.js'
import type { CameraEntry, Registry } from './domain/ports.js'
import { because } from './domain/reason.js'
import type { RetentionSettings } from './domain/retention.js'
import type { Absent, Present } from './domain/roster.js'
import type { Scenario } from './domain/simulation.js'
import type { Obstacles } from './domain/views.js'
import type { ExternalDiscoveryInput } from './externalDiscovery.js'
import type { ExternalStreamsInput, ExternalStreamsMessage } from './externalStreams.js'
import type { IndexingInput } from './indexing.js'
import type { LinkInput } from './linkContext.js'
import type { LinkNews } from './mediamtxLink.js'
import type { MediaSessionsInput } from './mediaSessions.js'
import type { ServerProcessNews } from './serverProcess.js'
import type { SimulationNews } from './simulation.js'
import type { StorageNews } from './storageSetup.js'

export interface FleetInput {
  entries: CameraEntry[]
  /** Adds a virtual camera if the first scan finds no camera. */
  demoWhenNone: boolean
  pollEvery: number
  /** Whether a recording ends when its camera is lost; default: it waits. */
  endsOnUnplug?: boolean
  adapts?: boolean
  /** How long a recording may wait, in ms; default: for ever. */
  maxInterruption?: number | undefined
  /** Priority of the recordings of a camera without its own; default 0. */
  priority?: number
  storage: StorageSettings
  /** `storage.fallback_path` is set. */
  hasFallback?: boolean
  link: LinkInput
  retention?: RetentionSettings
  /** Default: disabled. */
  indexing?: IndexingInput
  /** Saved streams that clients have added; empty while external discovery is disabled. */
  streams?: AddedStream[]
  /** Default: disabled. */
  external?: ExternalDiscoveryInput
  externalStreams?: Pick<ExternalStreamsInput, 'maxStreams' | 'interval'>
  mediaSessions?: MediaSessionsInput
  /** Default: without a file. */
  configuration?: ConfigurationInput
  /** Faults are simulated: at the times of this scenario, and when clients ask for them. */
  simulation?: Scenario
}

/**
 * Number of crashes within a minute that ends the service: a restart of the process may help where an actor's does not.
 */
export const mostCrashes = 8

export type FleetEvent =
  /** `until`: the monotonic time at which the media server must be gone; absent: there is no hurry. */
  | { type: 'system.stop'; reason: string; until?: number }
  /** Liveness check: the root answers in `context.pong`. */
  | { type: 'system.ping'; id: number }
  | SimulationNews
  | Renaming
  | DiscoveryNews
  | StorageNews
  /** From a camera: its recording writes its first bytes, or the first ones after an interruption. */
  | { type: 'writing.began' }
  | LinkNews
  | ServerProcessNews
  | ExternalStreamsMessage
  | ConfigurationMessage
  /** Raised by the machine itself. */
  | { type: 'actor.crashed' }
  | { type: 'camera.respawn' }
  | { type: 'cameras.told' }
  | { type: 'services.stop' }
  | { type: 'server.release' }
  | DoneActorEvent<unknown, string>
  | ErrorActorEvent<unknown, string>

/** A child has thrown. */
export interface Crash {
  actorId: string
  error: unknown
}

/** The invoked children: their ids and their sources. */
export type FleetChildren = {
  discovery: 'discovery'
  externalDiscovery: 'externalDiscovery'
  externalStreams: 'externalStreams'
  serverProcess: 'serverProcess'
  link: 'link'
  storage: 'storage'
  retention: 'retention'
  quarantine: 'quarantine'
  indexing: 'indexing'
  mediaSessions: 'mediaSessions'
  clockWatch: 'clockWatch'
  configuration: 'configuration'
  simulation: 'simulation'
}

/** The device, identity and settings last sent to a camera's actor. */
export interface Known {
  /** Absent: unplugged. */
  device?: Device | undefined
  identity: Identity
  setup: CameraSetup
  /** Its entry in the configuration. */
  entry?: string | undefined
}

/** A client sets the name of a camera; an empty one brings back the name of the configuration. */
export interface Renaming {
  type: 'camera.rename'
  camera: CameraId
  name: string
  by: By
}

export interface FleetContext extends FleetInput {
  /** Of `system.stop`. */
  stopUntil?: number | undefined
  streams: AddedStream[]
  external: ExternalDiscoveryInput
  externalStreams: Pick<ExternalStreamsInput, 'maxStreams' | 'interval'>
  retention: RetentionSettings
  indexing: IndexingInput
  mediaSessions: MediaSessionsInput
  configuration: ConfigurationInput
  /** While a change of the configuration is applied: the cameras that were available and reconnect because of it. */
  reconnected?: CameraId[] | undefined
  registry: Registry
  /** The registry on disk. */
  saved: Registry
  devices?: LocalDevice[]
  /** Virtual cameras that are unplugged in the simulation. */
  away: CameraId[]
  /** The cameras that are present, as identified last. */
  present: Present[]
  /** Entries of the configuration that no device matches, unless their cameras are known in this run. */
  absent: Absent[]
  /** Capture devices that no entry names. */
  ignored: V4l2Device[]
  /** The last update sent to each camera's actor. */
  told: Partial<Record<CameraId, Known>>
  obstacles: Obstacles
  /** Number of actor crashes since the last calm period. */
  crashes: number
  pong: number
  reason?: string
}

const noRetention: RetentionSettings = { policy: { type: 'manual', enabled: false }, checkInterval: 3_600_000 }

/** Without a configuration file no change comes: the parts outside of the machines keep theirs. */
const settingsOf = ({ entries, storage, endsOnUnplug = false, priority = 0 }: FleetInput): LiveSettings => ({
  fleet: {
    entries,
    storage,
    endsOnUnplug,
    priority,
    retention: noRetention,
    external: { interval: 0, maxStreams: 0, skydio: false, generic: false },
  },
  tuning: {
    logLevel: 'info',
    rateLimits: { requests: 1_000, window: 60_000, addressRequests: 5_000, failures: 5, pauseMax: 300_000 },
    snapshots: { format: 'jpg', quality: 90, maxAge: 1_000 },
    recordings: { format: 'fmp4' },
    scan: {},
  },
  rollbackTimeout: 30_000,
  history: 10,
})

const noRegistry: Registry = { next: 0, cameras: [], sharedSerials: [] }

export const initialContext = (input: FleetInput): FleetContext => ({
  ...input,
  streams: input.external?.enabled === false ? [] : (input.streams ?? []),
  retention: input.retention ?? noRetention,
  indexing: input.indexing ?? { enabled: false, format: 'fmp4' },
  external: input.external ?? { enabled: false, interval: 0, atStart: false, skydio: false, generic: false },
  externalStreams: input.externalStreams ?? { maxStreams: 0 },
  mediaSessions: input.mediaSessions ?? { startLimit: 20_000 },
  configuration: input.configuration ?? { text: '', settings: settingsOf(input) },
  registry: noRegistry,
  saved: noRegistry,
  away: [],
  present: [],
  absent: [],
  ignored: [],
  told: {},
  obstacles: {
    storage: because('storage_unknown', 'the free space of the disk has not been measured yet'),
    server: because('not_started', 'the media server has not started yet'),
  },
  crashes: 0,
  pong: 0,
})

/** The children of a crashed actor: XState does not stop them. */
export function orphansOf(crashed: AnyActorRef | undefined): [string, AnyActorRef][] {
  const snapshot: { children?: Record<string, AnyActorRef> } | undefined = crashed?.getSnapshot()
  return Object.entries(snapshot?.children ?? {})
}
