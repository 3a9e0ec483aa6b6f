import type { Ask } from '../actors/ask.js'
import type { Directory } from '../actors/directory.js'
import type { Told } from '../machines/domain/facts.js'
import type { Caller, Clock, Dispose, Log, MediaFiles, MediaServer, Pipelines, Tokens } from '../machines/domain/ports.js'
import type { Offers } from './urls.js'

/** What the service says of itself. */
export interface About {
  name: string
  version: string
  /** ISO time of the build, or what is known of it. */
  buildDate: string
  maxCameras: number
}

export interface RpcLimits {
  /** More are answered with HTTP 503. */
  maxConnections: number
  /** Bytes of one message; a larger one closes the connection with 1009. */
  maxMessageSize: number
  pingInterval: number
  /** A connection from which nothing came for so long after a ping is ended. */
  pongWait: number
  /** Requests per `window` (ms) and user, or address as long as nobody has authenticated. */
  rate: { requests: number; window: number }
  /** Bytes that may wait for a client that does not read; default 4 MiB. */
  maxBuffered?: number
  /** Requests of one connection that may be unanswered at once; default 64. */
  maxInFlight?: number
  /** Time for a request's headers; default 10 s. */
  headersTimeout?: number
  /** A download that moves no byte for so long is cut; default 60 s. */
  downloadTimeout?: number
}

/** Where facts come from. */
interface Facts {
  subscribe(listener: (fact: Told) => void): Dispose
}

/** Everything that the API needs. Times and intervals in ms. */
export interface RpcOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** Default `/ws`. */
  path?: string
  limits: RpcLimits
  /** Exact origins that browsers may come from, or `*`; requests without Origin pass. */
  corsOrigins: readonly string[]
  /** Host in the URLs that clients get; default: the address the client came in by. */
  publicHost?: string
  offers: () => Offers
  directory: Directory
  ask: Ask
  files: MediaFiles
  mediaServer: Pick<MediaServer, 'streams' | 'stream'>
  pipelines: Pick<Pipelines, 'process'>
  tokens: Tokens
  facts: Facts
  clock: Clock
  log: Log
  about: About
  /** What take_snapshot falls back to; `maxAge` in ms. */
  snapshots: { format: 'jpg' | 'png'; quality: number; maxAge: number }
  /** What start_recording falls back to. */
  recordings: { format: 'fmp4' | 'mp4' | 'mkv' }
  /** Whether `simulate` may be called. */
  simulation: boolean
  /** Whether a caller may use a camera; default: every camera. */
  mayUse?: (caller: Caller, camera: string) => boolean
}
