import type { Ask } from '../actors/ask.js'
import type { Directory } from '../actors/directory.js'
import type { ApiKeys, AuditLog, Credentials, Links, StreamAccess } from '../machines/domain/access.js'
import type { SupportSources } from '../machines/domain/bundle.js'
import type { ConfigAsk } from '../machines/domain/configuration.js'
import type { Explain } from '../machines/domain/explanation.js'
import type { ExternalAsk } from '../machines/domain/external.js'
import type { Told } from '../machines/domain/facts.js'
import type { Inspection } from '../machines/domain/inspection.js'
import type { Journal } from '../machines/domain/journal.js'
import type { LogControl, LogLevel, LogModule } from '../machines/domain/logLevels.js'
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
  Thumbnails,
} from '../machines/domain/ports.js'
import type { Protection } from '../machines/domain/protection.js'
import type { GapStore } from '../machines/domain/recording.js'
import type { RetentionAsk } from '../machines/domain/retention.js'
import type { RateLimitOptions, RateLimits } from './rateLimits.js'
import type { SignIn } from './signIn.js'
import type { TlsFiles } from './tls.js'
import type { Offers } from './urls.js'

/** The name and version of the service. */
export interface About {
  name: string
  version: string
  /** ISO time of the build, or `built from source`. */
  buildDate: string
  maxCameras: number
}

export interface RpcLimits {
  /** Further connections get HTTP 503. */
  maxConnections: number
  /** Bytes of one message; a larger one closes the connection with 1009. */
  maxMessageSize: number
  pingInterval: number
  /** A connection that sends nothing for this long after a ping is ended. */
  pongWait: number
  /** Connections of one address; default 256. */
  maxConnectionsPerAddress?: number
  /** Those of them that have not authenticated; default 32. */
  maxUnauthenticatedPerAddress?: number
  /** A connection that has not authenticated within this time is closed; default 60 s. */
  authenticationTimeout?: number
  /** Time to authenticate again after the caller's rights have ended; default 30 s. */
  expiryGrace?: number
  rate: RateLimitOptions
  /** Bytes that a client may leave unread; default 4 MiB. */
  maxBuffered?: number
  /** Number of facts that are kept for clients that were away; default 1000. */
  eventBuffer?: number
  /** Requests of one connection without a reply at the same time; default 64. */
  maxInFlight?: number
  /** Time to receive the headers of a request; default 10 s. */
  headersTimeout?: number
  /** A download that moves no byte for this long is cut; default 60 s. */
  downloadTimeout?: number
  /** Longest time of one download; default 1 h. */
  downloadTotal?: number
}

/** The source of facts. */
interface Facts {
  subscribe(listener: (fact: Told) => void): Dispose
}

export interface InspectOptions {
  /** Addresses and networks that may inspect; empty: all. */
  allowedIps: readonly string[]
  maxClients: number
}

export interface UrlOptions {
  /** Life of the URLs of streams, and the longest one that a client may request. */
  streamLife: number
  maxStreamLife: number
  /** Longest life of the URLs of files. */
  fileLife: number
  bindAddress: boolean
  /** Streams need no signed URLs. */
  openStreams: boolean
  /** Path of the API behind a reverse proxy, which may pass it on or not: `/cameras`. Default: none. */
  prefix?: string
}

/** The ports and settings of the API. Times and intervals in ms. */
export interface RpcOptions {
  host: string
  /** 0: any free port. */
  port: number
  /** Further hosts to listen on, with the same port. */
  alsoListen?: readonly string[]
  /** Addresses and networks that may connect; empty: all. */
  allowedIps?: readonly string[]
  /** Proxies whose `X-Forwarded-For` names the client; default: none. */
  trustedProxies?: readonly string[]
  /** With it the API is only served as wss and https. */
  tls?: TlsFiles
  /** Default `/ws`. */
  path?: string
  limits: RpcLimits
  /** Exact origins of allowed pages, or `*`; requests without an origin are allowed. */
  corsOrigins: readonly string[]
  /** Folder of the built console; absent: it is not served. */
  console?: { dir: string }
  /** Redeems the codes of sign-in links; absent: there are none. */
  signIn?: Pick<SignIn, 'redeem'>
  /** Host in the URLs that clients get; default: the host that the client connected to. */
  publicHost?: string
  offers: () => Offers
  directory: Directory
  ask: Ask
  files: MediaFiles
  thumbnails: Thumbnails
  protection: Protection
  /** The gaps of ended recordings. */
  gaps: Pick<GapStore, 'find'>
  /** `sample`: the streams as of a moment ago, for look-ups that do not wait; `undefined`: not known. */
  mediaServer: Pick<MediaServer, 'streams' | 'stream'> & { sample?(): readonly StreamState[] | undefined }
  pipelines: Pick<Pipelines, 'process'>
  credentials: Credentials
  keys: ApiKeys
  links: Links
  streamAccess: StreamAccess
  audit: AuditLog
  explain: Explain
  journal: Pick<Journal, 'read'>
  /** Default: new ones, by `limits.rate`. Shared ones also count failed logins elsewhere. */
  rateLimits?: RateLimits
  retention: RetentionAsk
  configuration: ConfigAsk
  support: SupportSources
  /** `default`: the level of the configuration, or of a module that of the service. */
  logging: Pick<LogControl, 'levels'> & { set(level: LogLevel | 'default', module?: LogModule): void }
  external: ExternalAsk
  metrics: Metrics
  hostSample: () => HostSample
  urls: UrlOptions
  facts: Facts
  clock: Clock
  log: Log
  about: About
  /** Defaults of take_snapshot; `maxAge` in ms. */
  snapshots: { format: 'jpg' | 'png'; quality: number; maxAge: number }
  /** Default of start_recording. */
  recordings: { format: 'fmp4' | 'mp4' | 'mkv' }
  /** Whether `simulate` is available. */
  simulation: boolean
  /** Limits of the inspection. Without it, or without `inspection`, /inspect/ws does not exist. */
  inspect?: InspectOptions | undefined
  inspection?: Inspection | undefined
}
