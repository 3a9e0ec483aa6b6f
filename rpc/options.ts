import type { Ask } from '../actors/ask.js'
import type { Directory } from '../actors/directory.js'
import type { ApiKeys, AuditLog, Credentials, Links, StreamAccess } from '../machines/domain/access.js'
import type { ExternalAsk } from '../machines/domain/external.js'
import type { Told } from '../machines/domain/facts.js'
import type {
  Clock,
  Dispose,
  HostSample,
  Log,
  MediaFiles,
  MediaServer,
  Metrics,
  Pipelines,
  StreamState,
} from '../machines/domain/ports.js'
import type { RetentionAsk } from '../machines/domain/retention.js'
import type { RateLimitOptions, RateLimits } from './rateLimits.js'
import type { TlsFiles } from './tls.js'
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
  /** The same of one address; default 256. */
  maxConnectionsPerAddress?: number
  /** Of those the ones that have not authenticated; default 32. */
  maxUnauthenticatedPerAddress?: number
  /** A connection that has not authenticated within this time is closed; default 60 s. */
  authenticationTimeout?: number
  /** Time to authenticate anew once the caller's right has ended; default 30 s. */
  expiryGrace?: number
  rate: RateLimitOptions
  /** Bytes that may wait for a client that does not read; default 4 MiB. */
  maxBuffered?: number
  /** Facts that are kept to be told again to clients that were away; default 1000. */
  eventBuffer?: number
  /** Requests of one connection that may be unanswered at once; default 64. */
  maxInFlight?: number
  /** Time for a request's headers; default 10 s. */
  headersTimeout?: number
  /** A download that moves no byte for so long is cut; default 60 s. */
  downloadTimeout?: number
  /** So long may one take in all; default 1 h. */
  downloadTotal?: number
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
  /** Further hosts to listen on, with the same port. */
  alsoListen?: readonly string[]
  /** Addresses and networks that may connect at all; empty: all. */
  allowedIps?: readonly string[]
  /** With it wss and https only. */
  tls?: TlsFiles
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
  /** `sample`: what it told a moment ago, for look-ups that need not wait; `undefined`: it is to be asked. */
  mediaServer: Pick<MediaServer, 'streams' | 'stream'> & { sample?(): readonly StreamState[] | undefined }
  pipelines: Pick<Pipelines, 'process'>
  credentials: Credentials
  keys: ApiKeys
  links: Links
  streamAccess: StreamAccess
  audit: AuditLog
  /** Default: ones of its own, by `limits.rate`. Shared, what is guessed elsewhere counts here too. */
  rateLimits?: RateLimits
  retention: RetentionAsk
  external: ExternalAsk
  metrics: Metrics
  hostSample: () => HostSample
  /** How long signed URLs are good for at most; `openStreams`: streams need none. */
  urls: { streamLife: number; fileLife: number; bindAddress: boolean; openStreams: boolean }
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
}
