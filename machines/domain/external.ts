/** RTSP sources beyond the configuration: a scan finds them, or a client names them. */

import type { By } from './by.js'
import type { CameraId } from './camera.js'
import { ServiceError } from './errors.js'
import type { Reason } from './reason.js'

export type ExternalType = 'skydio_stanag4609' | 'generic_rtsp'
export type Sensor = 'eo' | 'ir'

/** Times in epoch ms. */
export interface ExternalStream {
  /** Without credentials. */
  url: string
  type: ExternalType
  name: string
  /** ERROR: the stream answered once and does not answer now. */
  status: 'DISCOVERED' | 'ERROR'
  /** For a source with two cameras: electro-optical or infrared. */
  sensor?: Sensor
  discoveredAt: number
  lastSeen: number
  /** Set once the stream has a camera. */
  camera?: CameraId
  /** From the answer to DESCRIBE. */
  codec?: string
  width?: number
  height?: number
  /** Why the status is ERROR. */
  reason?: Reason
}

export interface DiscoveryRequest {
  skydio: boolean
  generic: boolean
  /** Asks every address again, also those that answered a moment ago. */
  force: boolean
  /** Lists streams that answered once and do not answer now, too. */
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
 * Requests of clients for external streams. Rejections are ServiceErrors: `unsupported` while discovery is disabled,
 * `invalidState` while the service does not run or too many changes wait, `dependencyFailed` when it stops meanwhile.
 */
export interface ExternalAsk {
  view(): ExternalView
  /** Resolves at the end of the scan that covers the request. */
  discover(request: DiscoveryRequest): Promise<Discovery>
  /**
   * Adds a stream; resolves once it is on disk and has its camera. Rejects with `invalidParams` for a URL that is not
   * allowed, `invalidState` when the limit is reached, `dependencyFailed` when it cannot be written.
   */
  add(request: { url: string; name: string; type: ExternalType; by: By }): Promise<ExternalStream>
  /** Removes an added stream; resolves once its camera is gone. Rejects with `notFound`. */
  remove(url: string, by: By): Promise<void>
  /** Sets the time between scans, in ms; resolves once it is on disk. */
  scanEvery(interval: number, by: By): Promise<void>
}

export const discoveryDisabled = (): ServiceError =>
  new ServiceError('unsupported', {
    reason: 'unsupported',
    feature: 'external_discovery',
    details: 'external discovery is disabled',
    suggestion: 'Set external_discovery.enabled to true and restart the service',
  })

// ---------------------------------------------------------------- what is stored

/** A stream that a client added. `url` may hold credentials: show it only through `shownUrl`. `addedAt`: epoch ms. */
export interface AddedStream {
  url: string
  name: string
  type: ExternalType
  addedAt: number
}

/** `interval` (ms between scans) is set only once a client has set it. */
export interface ExternalState {
  streams: AddedStream[]
  interval?: number
}

export interface ExternalStore {
  /** Returns an empty state when there is no file; keeps a damaged file aside. Rejects when the file cannot be read. */
  load(): Promise<ExternalState>
  /** Writes the state in one step, to a file that only its owner can read. */
  save(state: ExternalState): Promise<void>
}

// ---------------------------------------------------------------- scanning

/** The addresses that the configuration allows a scan to ask. */
export interface ScanPlan {
  /** Absent: Skydio streams are not looked for. */
  skydio?: {
    ranges: readonly string[]
    hosts: readonly string[]
    eoPort: number
    irPort: number
    eoPath: string
    irPath: string
    both: boolean
  }
  /** Absent: other streams are not looked for. */
  generic?: { ranges: readonly string[]; hosts: readonly string[]; ports: readonly number[]; paths: readonly string[] }
}

/** A stream that may exist. */
export interface Candidate {
  url: string
  name: string
  type: ExternalType
  sensor?: Sensor
}

/** One address and port, with the streams to ask for over one connection. */
export interface ScanTarget {
  host: string
  port: number
  /** The configuration lists the address itself, not only a range: a missing answer is reported. */
  named: boolean
  candidates: Candidate[]
}

export interface FoundStream extends Candidate {
  codec: string
  width?: number
  height?: number
}

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
  /** `targets` is lazy; `missing` holds one sentence for each kind that the configuration does not allow. */
  plan(wish: { skydio: boolean; generic: boolean }): { total: number; targets: Iterable<ScanTarget>; missing: string[] }
  /**
   * Asks each target once, some at a time, and reports each answer. Rejects when `signal` aborts; no connection stays
   * open after that.
   */
  run(targets: Iterable<ScanTarget>, report: (answer: ScanAnswer) => void, signal: AbortSignal): Promise<void>
}

/** Finds addresses that streams must not come from. */
export interface AddressCheck {
  /**
   * Returns the rule that the address breaks, as in `must not …`; `undefined` if it is allowed. A name that cannot be
   * resolved is allowed: it may resolve later, and each connection checks it again.
   */
  refusal(host: string, port: number, signal: AbortSignal): Promise<string | undefined>
}
