import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createTokens } from '../../adapters/tokens/tokens.js'
import { connect, type Notification } from '../support/client.js'
import { freePorts } from '../support/ports.js'
import { commandOf, cpuOf, cpuWithChildren, rssOf, tree } from './processes.js'

export type Kind = 'embedded' | 'managed'

/** A service of its own for one measurement. */
export interface Bench {
  pid: number
  url: string
  rtspPort: number
  apiPort: number
  token: string
  dataDir: string
  /** Until `get_camera_list` contained all cameras, connected: ms, and ms of processor time. */
  start: { ms: number; cpu: number; cpuOfMediaServer: number }
  call(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>>
  /** Of the topics of the service, in order. */
  notifications: Notification[]
  /** Waits until no pipeline runs. */
  untilAsleep(): Promise<void>
  /** MB. */
  rss(): { service: number; mediaServer: number }
  /** ms of processor time: of the service, of all its children. */
  cpu(): { service: number; children: number }
  /** Number of processes started until now; 0 without `countSpawns`. */
  spawns(): number
  mediaServer(): number
  /** How often this text is in the log. */
  countInLog(text: string): number
  version(): string
  stop(): Promise<void>
}

export interface BenchOptions {
  kind: Kind
  cameras: number
  /** Counts the processes that the service and the embedded media server start. It costs some time. */
  countSpawns?: boolean
  /** Options of Node. */
  flags?: string[]
  /** A file for what it prints. */
  logTo?: string
  /** Default true. */
  journal?: boolean
  /** More keys of each camera. */
  stream?: string
}

export function hasMediamtx(): boolean {
  try {
    execFileSync('mediamtx', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export const kinds = (): Kind[] => (hasMediamtx() ? ['embedded', 'managed'] : ['embedded'])

/** ms; a busy host needs long. */
const startLimit = 120_000
const secret = 'a key of the benchmarks, of 32 bytes or more'
const counter = fileURLToPath(new URL('countSpawns.cjs', import.meta.url))

/** Starts `dist/main.js` with virtual cameras on free ports and a data directory of its own. */
export async function benchService(options: BenchOptions): Promise<Bench> {
  const { kind, cameras, countSpawns, flags = [], logTo, journal = true, stream = '' } = options
  const folder = mkdtempSync(join(tmpdir(), 'camera-bench-'))
  const [rpc = 0, api = 0, rtsp = 0, hls, webrtc] = await freePorts(5)
  const config = join(folder, 'bench.yml')
  const spawned = join(folder, 'spawned')
  const dataDir = join(folder, 'data')
  const entries = Array.from(
    { length: cameras },
    (_, index) => `  - { name: bench${index}, source: virtual, ${stream} }`,
  )
  writeFileSync(spawned, '')
  writeFileSync(
    config,
    [
      `data_dir: ${dataDir}`,
      'server:',
      `  port: ${rpc}`,
      '  max_connections: 11000',
      '  max_connections_per_address: 11000',
      '  max_unauthenticated_per_address: 11000',
      'http_health: { enabled: false }',
      `journal: { enabled: ${journal} }`,
      'mediamtx:',
      `  mode: ${kind}`,
      `  api_port: ${api}`,
      `  rtsp_port: ${rtsp}`,
      `  hls_port: ${hls}`,
      `  webrtc_port: ${webrtc}`,
      '  run_on_demand_close_after: 1s',
      'security:',
      `  jwt_secret_key: ${secret}`,
      '  rate_limit_requests: 1000000',
      '  rate_limit_address_requests: 10000000',
      '  rate_limit_window: 1s',
      'simulation: { enabled: true }',
      'cameras:',
      ...entries,
    ].join('\n'),
  )
  const token = await createTokens({ secret: Buffer.from(secret), clock: Date }).issue({
    user: 'bench',
    role: 'admin',
    expiresIn: 3_600_000,
  })
  const begun = performance.now()
  const counting = countSpawns ? { NODE_OPTIONS: `--require=${counter}`, BENCH_SPAWNS: spawned } : { NODE_OPTIONS: '' }
  const service = spawn(process.execPath, [...flags, 'dist/main.js', 'serve', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...counting },
  })
  const pid = service.pid ?? 0
  let log = ''
  service.stdout.on('data', (data) => {
    log += data
    if (logTo !== undefined) appendFileSync(logTo, data)
  })
  const over = new Promise((resolve) => service.once('exit', resolve))
  const url = `ws://127.0.0.1:${rpc}/ws`
  const notifications: Notification[] = []
  /** A client, once all cameras are connected. */
  const ready = async () => {
    const first = await firstClient(
      url,
      (notification) => notifications.push(notification),
      () => log,
    )
    await first.call('authenticate', { auth_token: token })
    for (;;) {
      // Refused while the service looks for cameras.
      const list = await first.call<{ connected: number }>('get_camera_list').catch(() => undefined)
      if (list?.connected === cameras && log.includes('link.up')) return first
      if (performance.now() - begun > startLimit + 50 * cameras)
        throw new Error(`the cameras did not connect: ${log.slice(-2_000)}`)
      await sleep(20 + cameras)
    }
  }
  const client = await ready().catch((error) => {
    service.kill('SIGTERM')
    throw error
  })
  const mediaServer = () => tree(pid).find((each) => each !== pid && isMediaServer(commandOf(each))) ?? 0
  const start = { ms: performance.now() - begun, cpu: cpuOf(pid), cpuOfMediaServer: cpuOf(mediaServer()) }
  return {
    pid,
    url,
    rtspPort: rtsp,
    apiPort: api,
    token,
    dataDir,
    start,
    notifications,
    call: client.call,
    mediaServer,
    countInLog: (text) => log.split(text).length - 1,
    async untilAsleep() {
      const isAsleep = () => !tree(pid).some((each) => commandOf(each).startsWith('ffmpeg '))
      await until(isAsleep, 20_000, () => 'a pipeline runs on')
    },
    rss: () => ({ service: rssOf(pid), mediaServer: rssOf(mediaServer()) }),
    cpu() {
      const own = cpuOf(pid)
      return { service: own, children: cpuWithChildren(pid) - own }
    },
    spawns: () => statSync(spawned).size,
    version: () => /"link.up".*?"version":"([^"]+)"/.exec(log)?.[1] ?? '',
    async stop() {
      client.close()
      service.kill('SIGTERM')
      await over
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Node's simulator, or MediaMTX; not the `setpriv` that becomes it. */
const isMediaServer = (command: string): boolean => /^\S*(mediamtx|node) /.test(command) && !command.includes('setpriv')

async function firstClient(url: string, onNotification: (each: Notification) => void, log: () => string) {
  for (const begun = performance.now(); ; await sleep(10)) {
    try {
      return await connect(url, onNotification)
    } catch {
      if (performance.now() - begun > startLimit) throw new Error(`the service did not listen: ${log().slice(-2_000)}`)
    }
  }
}

export async function until(isIt: () => boolean, limit: number, words: () => string, every = 50): Promise<void> {
  for (const begun = performance.now(); !isIt(); await sleep(every)) {
    if (performance.now() - begun > limit) throw new Error(`not within ${limit} ms: ${words().slice(-2_000)}`)
  }
}
