/** Changes of the configuration while the service runs. */
import type { By } from './by.js'
import type { CameraId } from './camera.js'
import type { StorageSettings } from './diskRoom.js'
import type { Dispose } from './dispose.js'
import type { ScanPlan } from './external.js'
import type { CameraEntry } from './ports.js'
import { because, Failure, type Reason } from './reason.js'
import type { RetentionSettings } from './retention.js'

/** How a change of a key applies: docs/configuration.md. */
export type Applies = 'live' | 'reconnects' | 'restart'

/** What a change does to one camera of the list `cameras`. `updated`: without a reconnection. */
export interface CameraChange {
  name: string
  change: 'added' | 'removed' | 'reconnected' | 'updated'
}

/** One changed key. The values are as written in the file; secrets are masked. */
export interface ConfigChange {
  key: string
  from: unknown
  to: unknown
  applies: Applies
  cameras?: CameraChange[]
}

/** One broken rule. `origin`: the source and the line, without a path. */
export interface ConfigFault {
  key: string
  /** As written; `***` for a secret. */
  value: string
  rule: string
  origin: string
}

/** A change that breaks rules. Nothing was changed. */
export class ConfigRefusal extends Failure {
  constructor(readonly faults: readonly ConfigFault[]) {
    super('config_invalid', faults.map(faultSentence).join('; '))
  }
}

const faultSentence = ({ key, value, rule }: ConfigFault) =>
  `${[key, value].filter(Boolean).join(' = ')}${key || value ? ': ' : ''}${rule}`

// ---------------------------------------------------------------- settings that apply live

/** What the fleet and its services take by an event. Durations in ms. */
export interface FleetSettings {
  entries: CameraEntry[]
  endsOnUnplug: boolean
  /** Whether the rate and size of a stream are lowered while the host is too slow for it; default: no. */
  adapts?: boolean
  /** How long a recording may wait; absent: for ever. */
  maxInterruption?: number
  /** Priority of the recordings of a camera without its own. */
  priority: number
  storage: StorageSettings
  retention: RetentionSettings
  /** `skydio`, `generic`: the kinds of streams that scheduled scans look for. */
  external: { interval: number; maxStreams: number; skydio: boolean; generic: boolean }
}

/** What parts outside of the machines take. Durations in ms. */
export interface Tuning {
  logLevel: 'error' | 'warn' | 'info' | 'debug'
  rateLimits: { requests: number; window: number; addressRequests: number; failures: number; pauseMax: number }
  /** Defaults of requests; `maxAge` in ms. */
  snapshots: { format: 'jpg' | 'png'; quality: number; maxAge: number }
  recordings: { format: 'fmp4' | 'mp4' | 'mkv' }
  /** The addresses of scans. */
  scan: ScanPlan
}

export interface LiveSettings {
  fleet: FleetSettings
  tuning: Tuning
  /** In ms. */
  rollbackTimeout: number
  /** Number of good versions that are kept. */
  history: number
}

// ---------------------------------------------------------------- requests

/** `start`: the version with which the service started. */
export type ConfigOrigin = 'start' | 'file' | 'signal' | 'client'

/** `by` is absent if no client asked. */
export type ConfigRequest =
  | { origin: 'file' | 'signal'; by?: undefined }
  /** A merge patch (RFC 7396). */
  | { origin: 'client'; by: By; patch: object }
  | { origin: 'client'; by: By; version: number }

/** The result of a comparison of two texts of the file. */
export interface ConfigComparison {
  changes: ConfigChange[]
  /** The keys that differ from those in force and need a restart. */
  needsRestart: string[]
  /** One sentence each: keys that are overridden, and the warnings of the configuration. */
  warnings: string[]
  settings: LiveSettings
}

/** A valid change. */
export interface ConfigPlan extends ConfigComparison {
  /** The text of the file after the change. */
  text: string
  /** Whether the service writes the file. */
  writes: boolean
  /** The text that the file must have when it is written; absent: any. */
  expects?: string
}

/** A key with its value as written; secrets are masked. */
export interface ConfigValue {
  key: string
  value: unknown
  origin: 'default' | 'file' | 'environment' | 'flag'
  applies: Applies
}

/** The rules of the configuration. Pure; an empty text is a configuration without keys. */
export interface ConfigRules {
  /** Throws ConfigRefusal with all faults of `after`. */
  compare(before: string, after: string): ConfigComparison
  /** The text with a merge patch, with the comments and the order of the other keys. Throws ConfigRefusal. */
  patch(text: string, patch: object): string
  describe(text: string): { values: ConfigValue[]; needsRestart: string[] }
}

// ---------------------------------------------------------------- ports

/** The configuration file. Rejections are Failures. */
export interface ConfigFile {
  /** False: the service was started without a file. */
  isThere: boolean
  read(): Promise<string>
  /**
   * Rejects with `config_conflict` if the file does not have the text `expected`. Keeps a copy of the file before the
   * first write of the service.
   */
  write(text: string, expected?: string): Promise<void>
  /** Reports that the text may have changed, but not for `write`. */
  watch(report: () => void): Dispose
}

/** A good version of the file. `user` is empty if no client made it. */
export interface ConfigVersion {
  version: number
  at: number
  user: string
  origin: ConfigOrigin
  text: string
}

/** The last good versions, oldest first. */
export interface ConfigHistory {
  list(): Promise<ConfigVersion[]>
  /** Resolves with the number of the version: that of the newest one if it has the same text. */
  keep(version: Pick<ConfigVersion, 'text' | 'user' | 'origin'>, limit: number): Promise<number>
}

// ---------------------------------------------------------------- health

/** What must be as good as before the change. */
export interface HealthScope {
  /** The cameras that were available and reconnect. */
  cameras: CameraId[]
  /** Whether the media server was up. */
  server: boolean
}

/** Why the service is not healthy again; `undefined`: it is. A camera that is not in the list is not available. */
export function healthFault(
  scope: HealthScope,
  cameras: readonly { id: CameraId; status: string; cause: { reason?: Reason } }[],
  link: { state: string },
): Reason | undefined {
  if (scope.server && link.state !== 'up') return because('config_unhealthy', `the media server is ${link.state}`)
  for (const id of scope.cameras) {
    const camera = cameras.find((one) => one.id === id)
    if (camera?.status === 'CONNECTED') continue
    const why = camera?.cause.reason?.details ?? 'it has not connected again'
    return because('config_unhealthy', `${id} is not available: ${why}`)
  }
  return undefined
}

// ---------------------------------------------------------------- requests of clients

export interface ConfigView {
  /** Number of the present version; 0: none is kept. */
  version: number
  /** A change is being applied or reverted. */
  changing: boolean
  /** Why the last change was not applied, or was reverted; until the next one. */
  reason?: Reason
  values: ConfigValue[]
  needsRestart: string[]
}

export interface ConfigOutcome extends Pick<ConfigComparison, 'changes' | 'needsRestart' | 'warnings'> {
  version: number
}

/** Requests of clients. Rejects with ServiceErrors. */
export interface ConfigAsk {
  view(): ConfigView
  versions(): Promise<Omit<ConfigVersion, 'text'>[]>
  /** Returns what the patch would change. */
  plan(patch: object): ConfigOutcome
  /** Resolves when the change is applied and the service is healthy. */
  set(patch: object, by: By): Promise<ConfigOutcome>
  /** Applies an earlier version again, as a new one. */
  restore(version: number, by: By): Promise<ConfigOutcome>
  /** Reads the file again; resolves when no change is in progress any more. Never rejects. */
  reload(): Promise<void>
}
