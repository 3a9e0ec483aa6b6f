import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { freePort } from '../../support/ports.js'

/** `embedded` is the simulator, `real` the `mediamtx` on PATH. */
export type Kind = 'embedded' | 'real'

/** A media server to start. */
export interface MediaServerOptions {
  kind: Kind
  /** The folder of the configuration file and, by default, of `recordings/`. */
  dir: string
  paths?: Record<string, unknown>
  pathDefaults?: Record<string, unknown>
  global?: Record<string, unknown>
}

/** A media server that runs. */
export interface RunningMediaServer {
  kind: Kind
  dir: string
  apiPort: number
  rtspPort: number
  process: ChildProcess
  /** `rtsp://127.0.0.1:PORT/name` */
  url(name: string): string
  /** Calls the API. `body` is the parsed JSON, or the text when it is not JSON. */
  api(method: string, path: string, body?: unknown): Promise<{ status: number; type: string; body: unknown }>
  /** Returns the output of the server so far. */
  log(): string
  /** Sends SIGTERM. Resolves with the exit code; `null` when the server had to be killed after 8 s. */
  stop(): Promise<number | null>
  /** Sends SIGKILL. Resolves when the server has ended. */
  kill(): Promise<void>
}

/** In ms. */
const startLimit = 30_000

let bundle: string | undefined

/** Returns the simulator as one JavaScript file, which starts faster than its sources. It is built once per process. */
function simulator(): string {
  if (bundle !== undefined) return bundle
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const outfile = join(folder, 'simulator.mjs')
  buildSync({
    entryPoints: [fileURLToPath(new URL('../../../adapters/simulator/main.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  })
  bundle = outfile
  return outfile
}

/** The version of the `mediamtx` on PATH; `undefined` when there is none. */
export const realVersion = ((): string | undefined => {
  const { status, stdout } = spawnSync('mediamtx', ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
})()

/** Starts a server on free ports of the loopback. Resolves when its API answers; rejects when it ends or takes 30 s. */
export async function startMediaServer({
  kind,
  dir,
  paths = {},
  pathDefaults = {},
  global = {},
}: MediaServerOptions): Promise<RunningMediaServer> {
  const [apiPort, rtspPort] = await Promise.all([freePort(), freePort()])
  const file = join(dir, 'mediamtx.yml')
  const off = { hls: false, webrtc: false, rtmp: false, srt: false, moq: false }
  const addresses = {
    api: true,
    apiAddress: `127.0.0.1:${apiPort}`,
    rtspAddress: `127.0.0.1:${rtspPort}`,
    rtspTransports: ['tcp'],
  }
  const recordings = {
    recordPath: join(dir, 'recordings/%path/%path_%Y-%m-%d_%H-%M-%S-%f'),
    recordPartDuration: '200ms',
    recordDeleteAfter: '0s',
  }
  // JSON is YAML.
  await writeFile(
    file,
    JSON.stringify({ ...off, ...addresses, ...global, pathDefaults: { ...recordings, ...pathDefaults }, paths }),
  )
  const [command = '', ...parameters] = kind === 'real' ? ['mediamtx', file] : [process.execPath, simulator(), file]
  const child = spawn(command, parameters, { env: { ...process.env, TZ: 'UTC' }, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stdout.on('data', (text) => {
    log += text
  })
  child.stderr.on('data', (text) => {
    log += text
  })
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code))
    child.once('error', () => resolve(null))
  })

  const api: RunningMediaServer['api'] = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${apiPort}/v3/${path}`, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const type = response.headers.get('content-type') ?? ''
    const text = await response.text()
    return { status: response.status, type, body: type.startsWith('application/json') ? JSON.parse(text) : text }
  }
  const isUp = (): Promise<boolean> =>
    api('GET', 'info').then(
      ({ status }) => status > 0,
      () => false,
    )
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const limit = performance.now() + startLimit
  while (!hasEnded() && !(await isUp())) {
    if (performance.now() > limit) {
      child.kill('SIGKILL')
      throw new Error(`the API of the media server does not answer after ${startLimit} ms: ${log}`)
    }
    await sleep(20)
  }
  if (hasEnded()) throw new Error(`the media server exited with ${child.exitCode ?? child.signalCode}: ${log}`)

  return {
    kind,
    dir,
    apiPort,
    rtspPort,
    process: child,
    url: (name) => `rtsp://127.0.0.1:${rtspPort}/${name}`,
    api,
    log: () => log,
    stop: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 8000)
      child.kill('SIGTERM')
      return exited.finally(() => clearTimeout(timer))
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Makes a folder for one server. */
export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'media-server-'))

/** Removes such a folder. */
export const removeFolder = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true, maxRetries: 5 })

/** How long one test may take, in ms. It is long because the host may be busy. */
const suiteTimeout = 60_000

/** Defines a suite for each kind of media server on this host. The titles say which ones ran. */
export function describeMediaServers(title: string, suite: (kind: Kind) => void): void {
  describe(`${title}: embedded`, function () {
    this.timeout(suiteTimeout)
    suite('embedded')
  })
  if (realVersion === undefined) describe(`${title}: real MediaMTX (none on PATH)`, () => it('is skipped'))
  else
    describe(`${title}: real MediaMTX ${realVersion}`, function () {
      this.timeout(suiteTimeout)
      suite('real')
    })
}
