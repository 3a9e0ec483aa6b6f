import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import WebSocket from 'ws'
import type { Ask, SnapshotRequest } from '../../actors/ask.js'
import type { Directory } from '../../actors/directory.js'
import {
  type ApiKey,
  type ApiKeys,
  type AuditEntry,
  type Caller,
  type Credential,
  type Credentials,
  type Grant,
  isSameCredential,
  type Links,
  type MediaSession,
  type Role,
  type StreamAccess,
} from '../../machines/domain/access.js'
import type { ConfigAsk } from '../../machines/domain/configuration.js'
import { notFound, ServiceError } from '../../machines/domain/errors.js'
import type { ExternalAsk, ExternalStream, ExternalView } from '../../machines/domain/external.js'
import type { By, Fact, Told } from '../../machines/domain/facts.js'
import type { Flapping } from '../../machines/domain/journal.js'
import { createLogging } from '../../machines/domain/logLevels.js'
import type { MediaFile, MediaFiles, RecordingFile, StreamState } from '../../machines/domain/ports.js'
import { because, type Reason } from '../../machines/domain/reason.js'
import type { Gap } from '../../machines/domain/recording.js'
import type { RetentionAsk, RetentionPolicy } from '../../machines/domain/retention.js'
import type { AbsentView, CameraView, LinkView, StorageView, SystemView } from '../../machines/domain/views.js'
import type { RpcLimits, RpcOptions } from '../../rpc/options.js'
import { createRpcServer } from '../../rpc/server.js'
import { fakeExplain, fakeJournal, unplugging } from './fakeExplain.js'
import { until, within } from './wait.js'

export const noon = Date.UTC(2025, 5, 1, 12)

/** A connected USB camera: 720p, probed, with a sleeping stream. */
export const cameraView = (changes: Partial<CameraView> = {}): CameraView => ({
  id: 'camera0',
  kind: 'usb',
  name: 'Front door',
  status: 'CONNECTED',
  cause: { state: 'available', since: noon - 60_000 },
  identity: { key: 'serial:1d6b:0102:SECRET01', basis: 'serial', confidence: 'high', ambiguous: false },
  mode: { width: 1280, height: 720, fps: 30 },
  capabilities: {
    formats: [
      {
        fourcc: 'MJPG',
        description: 'Motion-JPEG',
        sizes: [
          { width: 1280, height: 720, rates: [30, 15] },
          { width: 640, height: 480, rates: [30, 7.5] },
        ],
      },
      { fourcc: 'YUYV', description: 'YUYV 4:2:2', sizes: [{ width: 640, height: 480, rates: [30] }] },
    ],
  },
  pipeline: {
    kind: 'encode',
    mode: { fourcc: 'MJPG', width: 1280, height: 720, fps: 30 },
    codec: { profile: 'baseline', level: '3.1', pixelFormat: 'yuv420p', preset: 'ultrafast', bitrate: 2_000_000 },
    encoder: 'h264_vaapi',
    encoderReason: 'this host encodes with it',
    reason: 'the camera sends MJPEG',
  },
  connectedAt: noon - 60_000,
  stream: { status: 'INACTIVE', since: noon - 60_000, holders: {}, frames: 0, fps: 0, bitrate: 0 },
  allowed: ['take_snapshot', 'start_recording', 'start_streaming'],
  obstacles: {},
  ...changes,
})

export const unplugged = (): CameraView => {
  const {
    mode: _mode,
    capabilities: _capabilities,
    pipeline: _pipeline,
    connectedAt: _connectedAt,
    ...rest
  } = cameraView({ id: 'camera1', name: 'Yard' })
  return {
    ...rest,
    status: 'DISCONNECTED',
    cause: { state: 'unplugged', since: noon - 5_000, reason: because('unplugged') },
    allowed: [],
  }
}

const recordingFile: RecordingFile = {
  name: 'camera0_2025-06-01_11-00-00-000000.mp4',
  camera: 'camera0',
  path: '/nowhere/camera0.mp4',
  bytes: 123_456,
  modifiedAt: noon - 1_000,
  createdAt: noon - 11_000,
  format: 'mp4',
  duration: 10_040,
  complete: true,
  indexed: true,
}
const snapshotFile: MediaFile = {
  name: 'camera0_2025-06-01_11-30-00-000.jpg',
  camera: 'camera0',
  path: '/nowhere/camera0.jpg',
  bytes: 45_678,
  modifiedAt: noon - 1_000,
  createdAt: noon - 1_000,
}

/** A stream that a scan found, and that is not a camera. */
const drone: ExternalStream = {
  url: 'rtsp://192.168.42.10:5554/subject',
  type: 'skydio_stanag4609',
  name: 'Skydio_EO_192.168.42.10_eo_/subject',
  status: 'DISCOVERED',
  sensor: 'eo',
  discoveredAt: noon - 60_000,
  lastSeen: noon - 1_000,
  codec: 'H264',
  width: 1280,
  height: 720,
}

const bare = (name: string) => name.replace(/\.\w+$/, '')

/** Fakes behind all ports. A test changes the part that it is about. */
export const createWorld = () => {
  const listeners = new Set<(fact: Told) => void>()
  const asked: { what: string; camera: string; request?: unknown }[] = []
  const logged: { level: string; message: string; fields?: Record<string, unknown> | undefined }[] = []
  const released: string[] = []
  let seq = 0

  const world = {
    now: noon,
    cameras: [cameraView(), unplugged()],
    link: {
      state: 'up',
      cause: { state: 'up', since: noon - 50_000 },
      server: { kind: 'managed', why: 'a mediamtx binary is on PATH', version: 'v1.20.1' },
    } as LinkView,
    storage: {
      state: 'ok',
      cause: { state: 'ok', since: noon - 50_000 },
      total: 1000,
      used: 400,
      available: 500,
      percent: 44.4,
    } as StorageView,
    system: {
      status: 'ready',
      message: 'all parts run',
      discovery: { active: true, mode: 'udev', cause: { state: 'watching', since: noon - 50_000 } },
      startedAt: noon - 60_000,
    } as SystemView,
    entries: unplugging(noon - 5_000),
    flapping: undefined as Flapping | undefined,
    streams: [
      {
        name: 'camera0',
        ready: true,
        readySince: noon - 30_000,
        source: 'rtspSession',
        readers: 2,
        bytesReceived: 10,
        bytesSent: 20,
        tracks: ['H264'],
      },
      { name: 'somebody-elses', ready: true, readers: 1, bytesReceived: 1, bytesSent: 1, tracks: [] },
    ] as StreamState[],
    recordings: [recordingFile],
    snapshots: [snapshotFile],
    /** Names without extension. */
    protected: [] as string[],
    quarantined: [] as MediaFile[],
    /** File name → gaps of its ended recording. */
    gaps: {} as Record<string, Gap[]>,
    /** Replaces methods of the fake `Ask`. */
    ask: {} as Partial<Ask>,
    absent: [] as AbsentView[],
    asked,
    logged,
    released,
    revoked: [] as Credential[],
    audited: [] as AuditEntry[],
    trace: ['{"input":{}}'],
    keys: [] as ApiKey[],
    mediaSessions: [] as MediaSession[],
    policy: { type: 'age', maxAgeDays: 30, enabled: false } as RetentionPolicy,
    suspension: undefined as Reason | undefined,
    undated: undefined as number | undefined,
    external: { enabled: true, scanning: false, interval: 0, streams: [drone] } as ExternalView,
    tell: (fact: Fact) => {
      seq += 1
      for (const listener of listeners) listener({ ...fact, seq, at: world.now } as Told)
    },
  }

  const camera = (id: string) => {
    const found = world.cameras.find((view) => view.id === id)
    if (found === undefined) throw notFound('Camera', id)
    return found
  }
  const directory: Directory = {
    cameras: () => world.cameras,
    camera,
    absent: () => world.absent,
    link: () => world.link,
    storage: () => world.storage,
    system: () => world.system,
    actors: () => [
      { name: 'fleet', machine: 'fleet', states: ['serving.cameras.running', 'serving.link.on'], since: noon - 60_000 },
      {
        name: 'camera:camera0',
        parent: 'fleet',
        machine: 'camera',
        states: ['online.available'],
        since: noon - 50_000,
      },
    ],
  }

  const note = (what: string, id: string, request?: unknown) => asked.push({ what, camera: id, request })
  const standing: Ask = {
    nameCamera: async (id, name, by) => {
      note('nameCamera', id, { name, by })
      return { ...camera(id), ...(name !== '' && { name }) }
    },
    startRecording: async (id, request) => {
      note('startRecording', id, request)
      const { format, by, duration } = request
      const filename = `${id}_2025-06-01_12-00-00-000000.mp4`
      const view = {
        camera: camera(id).id,
        status: 'RECORDING' as const,
        growing: true,
        gaps: [],
        format,
        by: by.user,
        filename,
        files: [filename],
        startedAt: noon,
      }
      return duration === undefined ? view : { ...view, duration }
    },
    stopRecording: async (id: string, by: By) => {
      note('stopRecording', id)
      const filename = `${id}_2025-06-01_12-00-00-000000.mp4`
      return {
        camera: camera(id).id,
        status: 'STOPPED',
        growing: false,
        gaps: [],
        format: 'fmp4',
        by: by.user,
        filename,
        files: [filename],
        startedAt: noon - 5_000,
        reason: because('requested'),
        endedAt: noon,
        recorded: 5_020,
        bytes: 99_000,
      }
    },
    takeSnapshot: async (id: string, request: SnapshotRequest) => {
      note('takeSnapshot', id, request)
      return {
        camera: camera(id).id,
        filename: `${request.filename ?? id}.${request.format}`,
        path: `/data/snapshots/${id}/x.jpg`,
        bytes: 4_000,
        width: 1280,
        height: 720,
        tier: 2,
        capturedAt: noon - 100,
        age: 100,
        passedOver: [{ tier: 0, reason: because('device_busy') }],
      }
    },
    takeStill: async (id, request) => {
      note('takeStill', id, request)
      const file = join(tmpdir(), `still-${randomUUID()}.jpg`)
      camera(id)
      await writeFile(file, 'a picture')
      return { file, bytes: 9, tier: 2, capturedAt: noon - 100 }
    },
    holdStream: async (id, holder) => {
      note('holdStream', id, holder)
      return { camera: camera(id).id, since: noon, until: noon + 300_000, continues: true }
    },
    releaseStream: async (id, holder) => {
      note('releaseStream', id, holder)
      return { camera: camera(id).id, since: noon - 2_000, continues: false }
    },
    releaseAll: (holder) => {
      released.push(holder)
    },
    simulate: async (act) => {
      note('simulate', act.camera === undefined ? '' : camera(act.camera).id, act)
    },
    startScenario: () => note('startScenario', ''),
  }
  const ask = new Proxy(standing, { get: (target, name: keyof Ask) => world.ask[name] ?? target[name] })

  const of = (kind: 'recordings' | 'snapshots'): MediaFile[] => world[kind]
  const files: MediaFiles = {
    list: async (kind, { limit, offset, quarantined = false }) => {
      const all = quarantined ? (kind === 'recordings' ? world.quarantined : []) : of(kind)
      return { files: all.slice(offset, offset + limit), total: all.length }
    },
    find: async (kind, name) => {
      const all = kind === 'recordings' ? [...of(kind), ...world.quarantined] : of(kind)
      return all.find((file) => file.name === name || bare(file.name) === name)
    },
    recording: async (name) => world.recordings.find((file) => file.name === name),
    described: async ({ name }) => {
      const file = world.recordings.find((one) => one.name === name)
      if (!file) throw new Error('it is gone')
      return file
    },
    remove: async (kind, name, { quarantined = false } = { quarantined: false }) => {
      const all = quarantined ? world.quarantined : of(kind)
      const index = all.findIndex((file) => file.name === name)
      return index >= 0 && all.splice(index, 1).length > 0
    },
    all: async (kind) => of(kind),
    sizes: async () => ({ recordings: 123_456, snapshots: 45_678 }),
    quarantined: async () => ({
      files: world.quarantined.length,
      bytes: world.quarantined.reduce((sum, { bytes }) => sum + bytes, 0),
    }),
  }

  // `role`, `role/user`, `role/user/expiry` or `role/user/expiry/camera0,camera1*` stands for a JWT.
  const revokedListeners = new Set<(credential: Credential) => void>()
  const credentials: Credentials = {
    verify: async (token): Promise<Caller> => {
      const [role = '', user = `a-${role}`, expiresAt = String(noon + 3_600_000), cameras = ''] = token.split('/')
      if (!['viewer', 'operator', 'admin'].includes(role))
        throw new ServiceError('authFailed', { reason: 'auth_failed' })
      if (Number(expiresAt) <= world.now) throw new ServiceError('authFailed', { reason: 'token_expired' })
      const credential: Credential = { kind: 'token', id: token }
      if (credentials.isRevoked(credential)) throw new ServiceError('authFailed', { reason: 'revoked' })
      return {
        role: role as Role,
        user,
        expiresAt: Number(expiresAt),
        credential,
        ...(cameras && { cameras: cameras.split(',') }),
      }
    },
    revoke: async (credential) => {
      world.revoked.push(credential)
      for (const listener of revokedListeners) listener(credential)
    },
    isRevoked: (credential) => world.revoked.some((one) => isSameCredential(one, credential)),
    onRevoked: (listener) => {
      revokedListeners.add(listener)
      return () => revokedListeners.delete(listener)
    },
  }

  const keyOf = (id: string): ApiKey => {
    const found = world.keys.find((key) => key.id === id)
    if (found === undefined) throw notFound('Key', id)
    return found
  }
  const keys: ApiKeys = {
    create: async ({ user, role, cameras, expiresIn = 90 * 86_400_000 }) => {
      const id = `key${world.keys.length + 1}`
      const key: ApiKey = {
        id,
        prefix: `csk_${id}`,
        user,
        role,
        createdAt: noon,
        expiresAt: noon + expiresIn,
        ...(cameras && { cameras }),
      }
      world.keys.push(key)
      return { key, secret: `${key.prefix}-secret` }
    },
    list: async () => world.keys,
    rotate: async (id) => ({ key: keyOf(id), secret: `${keyOf(id).prefix}-new` }),
    revoke: async (id) => Object.assign(keyOf(id), { revokedAt: noon }),
  }

  // The text of the grant stands for a signature.
  const links: Links = {
    sign: (grant) => Buffer.from(JSON.stringify(grant)).toString('base64url'),
    verify: (sig, { subject, address }) => {
      let grant: Grant
      try {
        grant = JSON.parse(Buffer.from(sig, 'base64url').toString())
      } catch {
        throw new ServiceError('authFailed', { reason: 'auth_failed' })
      }
      if (grant.subject !== subject || (grant.address ?? address) !== address)
        throw new ServiceError('authFailed', { reason: 'auth_failed' })
      if (grant.expiresAt <= world.now) throw new ServiceError('authFailed', { reason: 'token_expired' })
      if (grant.credential && credentials.isRevoked(grant.credential))
        throw new ServiceError('authFailed', { reason: 'revoked' })
      return grant
    },
  }

  const streamAccess: StreamAccess = {
    mayPass: async () => true,
    sessions: () => world.mediaSessions,
    end: async (isIt) => {
      const before = world.mediaSessions.length
      world.mediaSessions = world.mediaSessions.filter((session) => !isIt(session))
      return before - world.mediaSessions.length
    },
  }

  const retention: RetentionAsk = {
    view: () => ({
      policy: world.policy,
      ...(world.suspension && { suspension: world.suspension }),
      ...(world.undated !== undefined && { undated: world.undated }),
    }),
    setPolicy: async (policy) => {
      world.policy = policy
      return policy
    },
    cleanUp: async ({ dryRun }) => ({
      dryRun,
      files: [{ kind: 'recordings', name: recordingFile.name, bytes: 123_456 }],
      freed: 123_456,
      kept: [],
    }),
  }

  const external: ExternalAsk = {
    view: () => world.external,
    discover: async () => ({ streams: world.external.streams, at: noon, took: 2_500, errors: [] }),
    add: async ({ url, name, type }) => {
      const stream: ExternalStream = {
        url,
        name,
        type,
        status: 'DISCOVERED',
        discoveredAt: noon,
        lastSeen: noon,
        camera: 'camera7',
      }
      world.external = { ...world.external, streams: [...world.external.streams, stream] }
      return stream
    },
    remove: async (url) => {
      if (!world.external.streams.some((stream) => stream.url === url)) throw notFound('Stream', 'the URL')
      world.external = { ...world.external, streams: world.external.streams.filter((stream) => stream.url !== url) }
    },
    scanEvery: async (interval) => {
      world.external = { ...world.external, interval }
    },
  }

  const change = { key: 'logging.level', from: 'info', to: 'debug', applies: 'live' } as const
  const planned = { version: 2, changes: [change], needsRestart: ['server.port'], warnings: [] }
  const configuration: ConfigAsk = {
    view: () => ({
      version: 2,
      changing: false,
      values: [
        { key: 'server.port', value: 8002, origin: 'file', applies: 'restart' },
        { key: 'logging.level', value: 'info', origin: 'default', applies: 'live' },
      ],
      needsRestart: [],
    }),
    versions: async () => [
      { version: 1, at: noon - 60_000, user: '', origin: 'start' },
      { version: 2, at: noon, user: 'ann', origin: 'client' },
    ],
    plan: () => planned,
    set: async () => ({ ...planned, version: 3 }),
    restore: async (version) => {
      if (version > 2) throw notFound('Version', String(version))
      return { ...planned, version: 3 }
    },
    reload: async () => {},
  }

  const logAt = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    logged.push({ level, message, fields })
  }

  const options = (limits: Partial<RpcLimits> = {}, changes: Partial<RpcOptions> = {}): RpcOptions => ({
    host: '127.0.0.1',
    port: 0,
    limits: {
      maxConnections: 50,
      maxMessageSize: 64 * 1024,
      pingInterval: 30_000,
      pongWait: 60_000,
      // All clients of the tests have one address.
      maxConnectionsPerAddress: 10_000,
      maxUnauthenticatedPerAddress: 10_000,
      rate: { requests: 100_000, window: 60_000, failures: 1_000 },
      ...limits,
    },
    corsOrigins: ['http://localhost:3000'],
    signIn: {
      redeem: async (code) =>
        code === 'good' ? { token: 'admin', role: 'admin', expiresAt: noon + 3_600_000 } : undefined,
    },
    offers: () => ({ hls: true, webrtc: true, ports: { rtsp: 8554, hls: 8888, webrtc: 8889 } }),
    directory,
    ask,
    files,
    thumbnails: { of: async () => Buffer.from('a picture') },
    protection: {
      has: (name) => world.protected.includes(bare(name)),
      set: async (name, isProtected) => {
        world.protected = world.protected.filter((one) => one !== bare(name))
        if (isProtected) world.protected.push(bare(name))
      },
      loss: () => undefined,
      acceptLoss: async () => {},
    },
    gaps: { find: (name) => world.gaps[name] },
    mediaServer: {
      streams: async () => world.streams,
      stream: async (name) => world.streams.find((stream) => stream.name === name),
    },
    pipelines: { process: (id) => (id === 'camera0' ? { pid: 4242, since: noon - 30_000 } : undefined) },

    credentials,
    keys,
    links,
    streamAccess,
    audit: {
      write: (entry) => world.audited.push(entry),
      read: async ({ limit }) => {
        const records = world.audited.map((entry, index) => ({ ...entry, seq: index + 1, at: noon }))
        return { records: records.reverse().slice(0, limit), total: records.length }
      },
      close: async () => {},
    },
    explain: fakeExplain(world, camera),
    journal: { read: (query) => fakeJournal(world.entries).read(query) },
    retention,
    configuration,
    logging: createLogging('info'),
    support: { charts: () => 'charts', trace: () => world.trace, log: () => [], secrets: () => [] },
    external,
    metrics: { call: () => {}, mediaCall: () => {}, dropped: () => {}, refused: () => {} },
    hostSample: () => ({
      at: noon,
      cpuPercent: 12.5,
      memoryPercent: 40,
      residentBytes: 80_000_000,
      bytesSent: 1_000,
      bytesReceived: 2_000,
    }),
    urls: {
      streamLife: 3_600_000,
      maxStreamLife: 7_200_000,
      fileLife: 900_000,
      bindAddress: false,
      openStreams: false,
    },
    facts: {
      subscribe: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    clock: { now: () => world.now, monotonic: () => world.now },
    log: { error: logAt('error'), warn: logAt('warn'), info: logAt('info'), debug: logAt('debug') },
    about: { name: 'MediaMTX Camera Service', version: '0.1.0', buildDate: '2025-06-01T00:00:00Z', maxCameras: 64 },
    snapshots: { format: 'jpg', quality: 90, maxAge: 1_000 },
    recordings: { format: 'fmp4' },
    simulation: true,
    ...changes,
  })

  return Object.assign(world, { options, directory, listeners })
}
export type World = ReturnType<typeof createWorld>

export interface Reply {
  jsonrpc: string
  id: unknown
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into replies of every shape
  result?: any
  error?: { code: number; message: string; data: Record<string, unknown> }
  metadata?: Record<string, unknown>
}
export interface Notice {
  method: string
  params: Record<string, unknown>
}

/** A test need not wait for the outcome. */
const handled = <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => {})
  return promise
}

/** A client that keeps everything that it receives, in order. */
export class Client {
  readonly notices: Notice[] = []
  readonly replies: Reply[] = []
  private readonly waiting = new Map<unknown, (reply: Reply) => void>()
  private lastId = 0
  private readonly end: Promise<{ code: number; reason: string }>

  /** `patience`: the longest wait in ms. */
  constructor(
    readonly socket: WebSocket,
    private readonly patience?: number,
  ) {
    this.end = new Promise((resolve) =>
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    )
    socket.on('error', () => {})
    socket.on('message', (data) => {
      const message = JSON.parse(data.toString()) as Reply & Notice
      if (message.method !== undefined) this.notices.push(message)
      else {
        this.replies.push(message)
        this.waiting.get(message.id)?.(message)
        this.waiting.delete(message.id)
      }
    })
  }

  get closed(): Promise<{ code: number; reason: string }> {
    return handled(within('the connection is closed', this.end, this.patience))
  }

  call(method: string, params?: unknown): Promise<Reply> {
    this.lastId += 1
    const id = this.lastId
    const reply = new Promise<Reply>((resolve) => this.waiting.set(id, resolve))
    this.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) }))
    return handled(within(`the reply to ${method}`, reply, this.patience))
  }

  /** Sends any frame, then a ping; resolves with the replies before that of the ping. */
  async answersTo(frame: unknown): Promise<Reply[]> {
    const before = this.replies.length
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
    await this.call('ping')
    return this.replies.slice(before, -1)
  }

  until(isIt: () => boolean, what = 'the client has received what the test waits for'): Promise<void> {
    return until(what, isIt, this.patience)
  }
}

/** Runs servers and clients, and ends them with `end`. `patience`: the longest wait of a client, in ms. */
export const createStage = (patience?: number) => {
  const ends: (() => Promise<unknown> | unknown)[] = []
  const serve = async (options: RpcOptions) => {
    const server = createRpcServer(options)
    const { port } = await server.start()
    ends.push(() => server.stop('the test is over'))
    return { server, port }
  }
  const connect = async (port: number, { role, ...options }: WebSocket.ClientOptions & { role?: string } = {}) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, options)
    ends.push(() => socket.terminate())
    const client = new Client(socket, patience)
    await within('the connection opens', once(socket, 'open'), patience)
    if (role !== undefined) {
      const { error } = await client.call('authenticate', { auth_token: role })
      if (error !== undefined) throw new Error(`${role} could not authenticate: ${error.message}`)
    }
    return client
  }
  /** Opens a connection that sends a text and resolves with the text of the next message. */
  const raw = async (port: number, role?: string) => {
    const { socket } = await connect(port, role === undefined ? {} : { role })
    return async (text: string): Promise<string> => {
      const answer = once(socket, 'message')
      socket.send(text)
      const [data] = await within('a message arrives', answer, patience)
      return String(data)
    }
  }
  const end = async () => {
    for (const stop of ends.splice(0).reverse()) await stop()
  }
  return { serve, connect, raw, end, ends }
}
