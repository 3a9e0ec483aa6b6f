/** RTSP sources that are not in the configuration: found by a scan, or added by a client. */

import type { By } from './by.js'
import type { CameraId } from './camera.js'
import { ServiceError } from './errors.js'
import type { SourceDescription } from './mediaServer.js'
import type { Reason } from './reason.js'

export type ExternalType = 'skydio_stanag4609' | 'generic_rtsp'
export type Sensor = 'eo' | 'ir'

/** A stream that may exist. */
export interface Candidate {
  url: string
  name: string
  type: ExternalType
  /** For a source with two cameras: electro-optical or infrared. */
  sensor?: Sensor
}

/** Times in epoch ms; `url` without credentials; codec and size from the answer to DESCRIBE. */
export interface ExternalStream extends Candidate, Partial<SourceDescription> {
  /** ERROR: the stream answered before and does not answer now. */
  status: 'DISCOVERED' | 'ERROR'
  discoveredAt: number
  lastSeen: number
  /** Set once the stream has a camera. */
  camera?: CameraId
  /** Why the status is ERROR. */
  reason?: Reason
}

export interface DiscoveryRequest {
  skydio: boolean
  generic: boolean
  /** Scans every address again, also those that answered recently. */
  force: boolean
  /** Also lists streams that answered before and do not answer now. */
  includeOffline: boolean
  by: By
}

export interface Discovery {
  streams: ExternalStream[]
  /** Epoch ms of the end of the scan. */
  at: number
  /** Duration of the scan in ms. */
  took: number
  /** One sentence each, without credentials. */
  errors: string[]
}

export interface ExternalView {
  enabled: boolean
  scanning: boolean
  /** ms between scans; 0: on demand only. */
  interval: number
  /** Found and added streams. */
  streams: ExternalStream[]
}

/**
 * Requests of clients for external streams. Rejects with ServiceErrors: `unsupported` if discovery is disabled,
 * `invalidState` if the service does not run or too many changes are pending, `dependencyFailed` if it stops meanwhile.
 */
export interface ExternalAsk {
  view(): ExternalView
  /** Resolves at the end of the scan that covers the request. */
  discover(request: DiscoveryRequest): Promise<Discovery>
  /**
   * Adds a stream; resolves when it is on disk and has a camera. Rejects with `invalidParams` if the URL is not
   * allowed, `invalidState` if the limit is reached, `dependencyFailed` if the change cannot be written.
   */
  add(request: { url: string; name: string; type: ExternalType; by: By }): Promise<ExternalStream>
  /** Removes an added stream; resolves when its camera is gone. Rejects with `notFound`. */
  remove(url: string, by: By): Promise<void>
  /** Sets the time between scans, in ms; resolves when it is on disk. */
  scanEvery(interval: number, by: By): Promise<void>
}

export const discoveryDisabled = (): ServiceError =>
  new ServiceError('unsupported', {
    reason: 'unsupported',
    feature: 'external_discovery',
    details: 'external discovery is disabled',
    suggestion: 'Set external_discovery.enabled to true and restart the service',
  })

// ---------------------------------------------------------------- storage

/** A stream that a client added. `url` may hold credentials: show it only through `shownUrl`. `addedAt`: epoch ms. */
export interface AddedStream extends Omit<Candidate, 'sensor'> {
  addedAt: number
}

/** `interval`: ms between scans; absent until a client sets it. */
export interface ExternalState {
  streams: AddedStream[]
  interval?: number
}

export interface ExternalStore {
  /** Returns an empty state if there is no file; renames a damaged file. Rejects if the file cannot be read. */
  load(): Promise<ExternalState>
  /** Writes the state in one step, to a file that only its owner can read. */
  save(state: ExternalState): Promise<void>
}

// ---------------------------------------------------------------- scanning

/** The addresses that the configuration allows a scan to probe. */
export interface ScanPlan {
  /** Absent: the scan does not look for Skydio streams. */
  skydio?: {
    ranges: readonly string[]
    hosts: readonly string[]
    eoPort: number
    irPort: number
    eoPath: string
    irPath: string
    both: boolean
  }
  /** Absent: the scan does not look for other streams. */
  generic?: { ranges: readonly string[]; hosts: readonly string[]; ports: readonly number[]; paths: readonly string[] }
}

/** One address and port, with the streams to probe over one connection. */
export interface ScanTarget {
  host: string
  port: number
  /** The configuration lists the address itself, not only a range: the scan reports a missing answer. */
  named: boolean
  candidates: Candidate[]
}

export interface FoundStream extends Candidate, SourceDescription {}

/** The answer of one target. */
export interface ScanAnswer {
  target: ScanTarget
  found: FoundStream[]
  /** Why streams are missing. */
  reason?: string
  /** The target speaks RTSP. */
  answered: boolean
}

export interface StreamScan {
  /** Replaces the plan for later scans. */
  use(plan: ScanPlan): void
  /** `targets` is lazy; `missing` holds one sentence for each kind that the configuration does not allow. */
  plan(wish: { skydio: boolean; generic: boolean }): { total: number; targets: Iterable<ScanTarget>; missing: string[] }
  /**
   * Probes each target once, several at a time, and reports each answer. Rejects when `signal` aborts; no connection
   * stays open after that.
   */
  run(targets: Iterable<ScanTarget>, report: (answer: ScanAnswer) => void, signal: AbortSignal): Promise<void>
}

/** Resolves the names of hosts, as the system does it. */
export interface NameCheck {
  /**
   * Returns why the name has no address: `name_unknown`, or `name_unanswered` if the resolver fails or does not answer
   * before the abort. `undefined` if it has one, and for an address.
   */
  unresolved(host: string, signal: AbortSignal): Promise<Reason | undefined>
}

/** Finds addresses that are not allowed as sources of streams. */
export interface AddressCheck {
  /**
   * Returns the rule that the address breaks, as in `must not …`; `undefined` if it is allowed. A name that cannot be
   * resolved is allowed: it may resolve later, and each connection checks it again.
   */
  refusal(host: string, port: number, signal: AbortSignal): Promise<string | undefined>
}
