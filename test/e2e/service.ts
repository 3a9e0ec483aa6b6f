import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createTokens } from '../../adapters/tokens/tokens.js'
import type { Role } from '../../machines/domain/access.js'
import { type CameraServiceClient, connectCameraService, type Methods, type Topic } from '../../rpc/client/index.js'
import { realVersion } from '../contract/mediaServer/servers.js'
import type { Notification } from '../support/client.js'
import { killIfRunning } from '../support/killIfRunning.js'
import { freePort } from '../support/ports.js'

export { sideBySide } from '../support/sideBySide.js'

export type Kind = 'embedded' | 'managed'

type Params = Record<string, unknown>
/** Tests also ask what the types forbid. */
export interface Client {
  call<Result = Params>(method: string, params?: Params): Promise<Result>
  close(): void
}

export interface ServiceOptions {
  kind: Kind
  cameras?: Params[]
  /** How many of them must be CONNECTED at first; default: all. */
  connected?: number
  /** `CAMERA_SERVICE_…`; wins over what the helper sets. */
  env?: Record<string, string>
  /** Of an earlier service; else one is made. */
  dataDir?: string
  /** Prints the guide, with a sign-in link, to the log. */
  guide?: boolean
  /** The text of a scenario: `serve --simulate`. */
  scenario?: string
  /** The text of the configuration file, `service.yml` in the data directory; default: there is no file. */
  file?: string
}

export interface Service {
  kind: Kind
  ports: { rpc: number; rtsp: number; api: number; health: number; hls: number }
  dataDir: string
  pid: number
  /** As an administrator, on the connection that listens to every topic. */
  call<Result = Params>(method: string, params?: Params): Promise<Result>
  /** A connection of its own. */
  client(role: Role): Promise<Client>
  /** `expiresIn` in ms; an hour by default. */
  token(role: Role, expiresIn?: number, cameras?: readonly string[]): Promise<string>
  /** All that came, in order. */
  notifications: Notification[]
  /** The first notification of `method` from the `from`-th on (default: of all) that has these params. */
  told(
    method: string,
    params?: Params,
    also?: { from?: number; limit?: number },
  ): Promise<Notification & { index: number }>
  /** What the probe gives, as soon as it gives something; asked every 50 ms. */
  until<T>(
    what: string,
    probe: () => Promise<T | undefined | false> | T | undefined | false,
    limit?: number,
  ): Promise<T>
  /** Its media server, and what that runs; without zombies. */
  children(): Promise<Child[]>
  pipelines(): Promise<Child[]>
  mediaServer(): Promise<Child>
  /** RTSP URL of a camera, with a token of a viewer. */
  stream(camera: string): string
  log: string[]
  /** SIGTERM; `code` is null when it had to be killed after 15 s. */
  stop(): Promise<{ code: number | null; ms: number }>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Ends it, what it left behind and its folder. */
  end(): Promise<void>
}

export interface Child {
  pid: number
  command: string
  camera?: string
}

/** Two small cameras spare the processor. */
export const virtual = (name: string): Params => ({ name, source: 'virtual', size: '320x240', fps: 15 })

export const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
/** Signs the tokens of the tests. */
export const secret = 'a key of the end to end tests, 32 bytes or more'
const topics = [
  'camera.connected',
  'camera.disconnected',
  'camera.status_change',
  'recording.start',
  'recording.stop',
  'recording.progress',
  'recording.interrupted',
  'recording.resumed',
  'recording.error',
  'snapshot.taken',
  'snapshot.error',
  'simulation.step',
  'storage.switched',
  'system.clock_jumped',
  'system.health',
  'system.error',
  'system.config_changed',
  'mediamtx.error',
  'mediamtx.stream_started',
  'mediamtx.stream_stopped',
] as const satisfies Topic[]

/** MediaMTX if it is on the PATH, or else our own server. */
export const kindHere: Kind = realVersion === undefined ? 'embedded' : 'managed'

/** The title says which kind of media server runs. */
const describeKind = (title: string, kind: Kind, suite: (kind: Kind) => void) =>
  describe(`${title}, ${kind === 'managed' ? `managed MediaMTX ${realVersion}` : kind}`, function () {
    // The host may be busy.
    this.timeout(180_000)
    suite(kind)
  })

/** A suite about what depends on the media server: once for each kind there is. */
export function describeKinds(title: string, suite: (kind: Kind) => void): void {
  describeKind(title, 'embedded', suite)
  if (realVersion === undefined) describe(`${title}, managed (no mediamtx on PATH)`, () => it('is skipped'))
  else describeKind(title, 'managed', suite)
}

/** A suite about the rest of the service: once, with MediaMTX if it is there. `make test EVERY_SERVER=1`: with each. */
export function describeService(title: string, suite: (kind: Kind) => void): void {
  if (process.env.EVERY_SERVER) describeKinds(title, suite)
  else describeKind(title, kindHere, suite)
}

/** The environment of a service that disturbs nobody: without ours, with ports that are free. */
export async function environment({ kind, cameras = [], env = {}, dataDir }: ServiceOptions & { dataDir: string }) {
  const [rpc, health, api, rtsp, hls, webrtc] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ])
  const settings = {
    DATA_DIR: dataDir,
    SERVER_PORT: rpc,
    HTTP_HEALTH_PORT: health,
    MEDIAMTX_MODE: kind,
    MEDIAMTX_API_PORT: api,
    MEDIAMTX_RTSP_PORT: rtsp,
    MEDIAMTX_HLS_PORT: hls,
    MEDIAMTX_WEBRTC_PORT: webrtc,
    MEDIAMTX_RUN_ON_DEMAND_CLOSE_AFTER: '1s',
    SECURITY_JWT_SECRET_KEY: secret,
    SIMULATION_ENABLED: true,
    // A file that gets its index changes its size while a test compares it.
    RECORDING_INDEX: false,
    // On a busy host the tier that a test asks about would be passed over.
    SNAPSHOTS_TIER1_TIMEOUT: '30s',
    SNAPSHOTS_TIER2_TIMEOUT: '30s',
    LOGGING_LEVEL: 'debug',
    LOGGING_FORMAT: 'json',
    CAMERAS: JSON.stringify(cameras),
  }
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('CAMERA_SERVICE_') && name !== 'NODE_OPTIONS',
  )
  const set = Object.entries(settings).map(([name, value]) => [`CAMERA_SERVICE_${name}`, String(value)])
  return {
    env: { ...Object.fromEntries(own), ...Object.fromEntries(set), ...env } as NodeJS.ProcessEnv,
    ports: { rpc, health, api, rtsp, hls },
  }
}

/** Starts `node dist/main.js serve`; resolves when all its cameras are connected and the media server is there. */
export async function startService(options: ServiceOptions): Promise<Service> {
  if (!existsSync(program)) throw new Error('there is no dist/main.js: run `make build` first')
  const { kind, cameras = [], connected = cameras.length } = options
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'camera-service-')))
  const { env, ports } = await environment({ ...options, dataDir })
  const { file } = options
  if (file !== undefined) {
    env.CAMERA_SERVICE_CONFIG = join(dataDir, 'service.yml')
    await writeFile(env.CAMERA_SERVICE_CONFIG, file)
    // The environment would override the cameras of the file.
    if (cameras.length === 0) delete env.CAMERA_SERVICE_CAMERAS
  }
  const flags = options.guide ? ['--guide'] : []
  if (options.scenario !== undefined) {
    const file = join(dataDir, 'scenario.yaml')
    await writeFile(file, options.scenario)
    flags.push('--simulate', file)
  }
  const child = spawn(process.execPath, [program, 'serve', ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const log: string[] = []
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => log.push(line))
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const tail = () =>
    `\nThe log ends with\n  ${log
      .filter((line) => !isRoutine.test(line))
      .slice(-40)
      .map(readable)
      .join('\n  ')}`

  const notifications: Notification[] = []
  const tokens = createTokens({ secret: Buffer.from(secret), clock: Date })
  const token = (role: Role, expiresIn = 3_600_000, cameras?: readonly string[]) =>
    tokens.issue({ user: role, role, expiresIn, ...(cameras && { cameras }) })
  const viewerToken = await token('viewer')
  const clients: Client[] = []
  const connect = async (role: Role): Promise<Client & Pick<CameraServiceClient, 'on'>> => {
    const url = `ws://127.0.0.1:${ports.rpc}/ws`
    const { call, on, close } = await connectCameraService({
      url,
      credential: await token(role),
      reconnect: false,
      timeout: 90_000,
    })
    const made: Client = {
      close,
      call: (method, params = {}) => call(method as keyof Methods, params as never) as Promise<never>,
    }
    clients.push(made)
    return { ...made, on }
  }

  const until: Service['until'] = async (what, probe, limit = 30_000) => {
    const end = performance.now() + limit
    for (;;) {
      const found = await probe()
      if (found !== undefined && found !== false) return found
      if (performance.now() > end) throw new Error(`${what}: not within ${limit} ms${tail()}`)
      if (isOver(child))
        throw new Error(`${what}: the service ended before (${child.exitCode ?? child.signalCode})${tail()}`)
      await sleep(50)
    }
  }

  const children = () => processesOf(dataDir)
  const service: Service = {
    kind,
    ports,
    dataDir,
    pid: child.pid ?? 0,
    log,
    notifications,
    client: connect,
    token,
    until,
    children,
    call: async () => Promise.reject(new Error('not connected')),
    stream: (camera) => `rtsp://127.0.0.1:${ports.rtsp}/${camera}?token=${viewerToken}`,
    told: (method, params = {}, { from = 0, limit } = {}) =>
      until(
        `notification ${method} ${JSON.stringify(params)}`,
        () => {
          const index = notifications.findIndex(
            (notification, at) => at >= from && notification.method === method && includes(notification.params, params),
          )
          const found = notifications[index]
          return found && { ...found, index }
        },
        limit,
      ),
    pipelines: async () =>
      (await children()).filter(({ camera, command }) => camera !== undefined && /^(\S*\/)?ffmpeg /.test(command)),
    mediaServer: async () => {
      const file = join(dataDir, 'run/mediamtx/mediamtx.yml')
      const found = (await children()).find(({ command }) => command.endsWith(file))
      if (!found) throw new Error(`there is no media server${tail()}`)
      return found
    },
    async stop() {
      const began = performance.now()
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      const code = await exited
      clearTimeout(timer)
      return { code, ms: performance.now() - began }
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    async end() {
      for (const each of clients) each.close()
      if (!isOver(child)) await service.stop()
      for (const { pid } of await children()) killIfRunning(pid)
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
    },
  }

  try {
    await until(
      'the API answers',
      () =>
        fetch(`http://127.0.0.1:${ports.health}/health/live`).then(
          ({ ok }) => ok,
          () => false,
        ),
      15_000,
    )
    const admin = await connect('admin')
    service.call = (method, params) => admin.call(method, params)
    for (const topic of topics) {
      await admin.on(topic, {}, (event) => {
        if (event.type === 'fact') notifications.push({ method: topic, params: event.params })
      })
    }
    await until('all is ready', async () => {
      const { status, available_cameras } = await service.call<{ status: string; available_cameras: string[] }>(
        'get_system_status',
      )
      return status === 'ready' && available_cameras.length === connected
    })
    return service
  } catch (error) {
    await service.end()
    throw error
  }
}

const isOver = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

const includes = (whole: Params, part: Params): boolean =>
  Object.entries(part).every(([key, value]) => JSON.stringify(whole[key]) === JSON.stringify(value))

/** What every second says again. */
const isRoutine =
  /"message":"state".*"actor":"(link|storage|discovery|clockWatch)".*(checking|measuring|scanning|reading)/

function readable(line: string): string {
  try {
    const { time, level, message, ...fields } = JSON.parse(line)
    return `${String(time).slice(11, 23)} ${level} ${message} ${JSON.stringify(fields)}`
  } catch {
    return line
  }
}

/** Found by the mark that names the data directory in their environment, and by that folder itself. */
export async function processesOf(dataDir: string): Promise<Child[]> {
  const mark = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid): Promise<Child | undefined> => {
      const [environ, command, stat] = await Promise.all(
        ['environ', 'cmdline', 'stat'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
      )
      const variables = environ?.split('\0') ?? []
      const isOurs = variables.some(
        (variable) =>
          variable === `CAMERA_SERVICE_CHILD=${mark}` || variable.startsWith(`CAMERA_SERVICE_CAMERA=${mark}/`),
      )
      if (!isOurs || !stat || /\) [ZX] /.test(stat)) return undefined
      const camera = variables.find((variable) => variable.startsWith('CAMERA_SERVICE_CAMERA='))?.split('/')[1]
      return {
        pid: Number(pid),
        command: command?.replaceAll('\0', ' ').trim() ?? '',
        ...(camera !== undefined && { camera }),
      }
    }),
  )
  return found.filter((child) => child !== undefined)
}

/** The error that a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<{ code: number; message: string; data: Params }> {
  try {
    const result = await call
    throw new Error(`it was not refused: ${JSON.stringify(result)}`)
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      return error as unknown as { code: number; message: string; data: Params }
    throw error
  }
}
