/** RTSP sources beyond the configuration: found by a scan, or named by a client. */
import type { CameraId } from './camera.js'
import type { By } from './facts.js'

export type ExternalType = 'skydio_stanag4609' | 'generic_rtsp'
export type Sensor = 'eo' | 'ir'

export interface ExternalStream {
  /** Without credentials. */
  url: string
  type: ExternalType
  name: string
  /** ERROR: it was there and does not answer now. */
  status: 'DISCOVERED' | 'ERROR'
  /** Of a source with two cameras: electro-optical or infrared. */
  sensor?: Sensor
  discoveredAt: number
  lastSeen: number
  /** It was added and is this camera. */
  camera?: CameraId
  /** What DESCRIBE told. */
  codec?: string
  width?: number
  height?: number
  reason?: string
}

export interface DiscoveryRequest {
  skydio: boolean
  generic: boolean
  /** Asks every address again, also those that answered a moment ago. */
  force: boolean
  /** Tells those too that answered once and do not now. */
  includeOffline: boolean
  by: By
}

export interface Discovery {
  streams: ExternalStream[]
  at: number
  /** Milliseconds. */
  took: number
  /** One sentence each, without credentials. */
  errors: string[]
}

export interface ExternalView {
  enabled: boolean
  scanning: boolean
  /** ms between scans; 0: on demand only. */
  interval: number
  /** Found and added ones. */
  streams: ExternalStream[]
}

/** External streams as clients ask for them. Rejections are ServiceErrors; `unsupported` while discovery is disabled. */
export interface ExternalAsk {
  view(): ExternalView
  discover(request: DiscoveryRequest): Promise<Discovery>
  /** Kept, and a camera from now on. Rejects with `invalidParams` for a scheme or an address that may not be. */
  add(request: { url: string; name: string; type: ExternalType; by: By }): Promise<ExternalStream>
  /** Rejects with `notFound`. */
  remove(url: string, by: By): Promise<void>
  /** ms; kept. */
  scanEvery(interval: number, by: By): Promise<void>
}

// ---------------------------------------------------------------- what is kept

/** A stream that a client has added. `url` may hold credentials: never log or reply it but as `shownUrl` makes it. */
export interface AddedStream {
  url: string
  name: string
  type: ExternalType
  addedAt: number
}

/** `interval` (ms between scans) only once a client has set it. */
export interface ExternalState {
  streams: AddedStream[]
  interval?: number
}

export interface ExternalStore {
  /** Empty when there is none; a damaged file is kept aside. Rejects when it cannot be read. */
  load(): Promise<ExternalState>
  /** Written in one step, for the owner's eyes only. */
  save(state: ExternalState): Promise<void>
}

// ---------------------------------------------------------------- scanning

/** What the configuration admits to a scan: these addresses and nothing else. */
export interface ScanPlan {
  /** A missing one is not to be looked for. */
  skydio?: {
    ranges: readonly string[]
    hosts: readonly string[]
    eoPort: number
    irPort: number
    eoPath: string
    irPath: string
    both: boolean
  }
  generic?: { ranges: readonly string[]; hosts: readonly string[]; ports: readonly number[]; paths: readonly string[] }
}

/** A stream that there may be. */
export interface Candidate {
  url: string
  name: string
  type: ExternalType
  sensor?: Sensor
}

/** One address with one port, and the streams to ask it for, all over one connection. */
export interface ScanTarget {
  host: string
  port: number
  /** The configuration names it by itself, not only in a range: its silence is worth telling. */
  named: boolean
  candidates: Candidate[]
}

export interface FoundStream extends Candidate {
  codec: string
  width?: number
  height?: number
}

/** What one target answered. */
export interface ScanAnswer {
  target: ScanTarget
  found: FoundStream[]
  /** Why it has nothing, or nothing more. */
  reason?: string
  /** Something answered in RTSP. */
  answered: boolean
}

export interface StreamScan {
  /** `targets` are made one by one; `missing`: one sentence for each kind that the configuration does not admit. */
  plan(wish: { skydio: boolean; generic: boolean }): { total: number; targets: Iterable<ScanTarget>; missing: string[] }
  /** Asks them all, some at a time, each once; `heard` is told of each. Rejects when `signal` aborts; no connection outlives it. */
  run(targets: Iterable<ScanTarget>, heard: (answer: ScanAnswer) => void, signal: AbortSignal): Promise<void>
}

/** Tells addresses that nobody may be sent to. */
export interface AddressCheck {
  /** Why not, in one sentence; `undefined`: it may be. A name that cannot be resolved may be: what is away now may come, and is asked again at each look. */
  refusal(host: string, port: number, signal: AbortSignal): Promise<string | undefined>
}
