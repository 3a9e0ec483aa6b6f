import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createStreamReader } from '../../../adapters/rtsp/reader.js'
import { commandOf, tree } from '../processes.js'
import { until } from '../service.js'

/** A program that does a part of the job of this service. */
export interface Peer {
  name: string
  /** Version, or why it is not measured. */
  find(): { version: string } | { skipped: string }
  /** Starts it with so many virtual cameras. */
  open(cameras: number): Promise<OpenPeer>
}

/** What it cannot do is absent. */
export interface OpenPeer {
  /** Its main process; what this started counts, too. */
  pid: number
  /** Gets one keyframe of a camera by RTSP, as a client does. */
  frame?(): Promise<unknown>
  /** Holds the stream live until the end of `signal`. */
  hold?(signal: AbortSignal): Promise<unknown>
  /** Waits until no pipeline runs. Absent: it never sleeps. */
  untilAsleep?(): Promise<void>
  snapshot?(): Promise<unknown>
  /** Until a file has bytes. */
  record?(): Promise<unknown>
  stopRecording?(): Promise<unknown>
  close(): Promise<void>
}

/** Encodes the same picture as a virtual camera of this service, to `to`. */
export const cameraCommand = (to: string): string =>
  'ffmpeg -v error -re -f lavfi -i testsrc2=size=1280x720:rate=30 -c:v libx264 -preset ultrafast -tune zerolatency ' +
  `-g 30 -pix_fmt yuv420p -f rtsp -rtsp_transport tcp ${to}`

/** By RTSP, from a server on this host. */
export function reader(port: number, path: string) {
  const streams = createStreamReader({ host: '127.0.0.1', port, log: silent })
  const frame = () => streams.keyframe(path, AbortSignal.timeout(10_000))
  return {
    frame,
    async hold(signal: AbortSignal) {
      const source = ['-rtsp_transport', 'tcp', '-i', `rtsp://127.0.0.1:${port}/${path}`]
      const child = spawn('ffmpeg', ['-v', 'quiet', ...source, '-c', 'copy', '-f', 'null', '-'], { stdio: 'ignore' })
      signal.addEventListener('abort', () => child.kill('SIGKILL'))
      await frame()
      // ffmpeg reads the first seconds before it goes on as a reader.
      await sleep(2_000)
    },
  }
}

const nothing = () => {}
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** Version of a program that is on the PATH, as the first number with dots that it prints. */
export function onPath(program: string, ...words: string[]): { version: string } | { skipped: string } {
  try {
    const text = execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return { version: /\d+\.\d+(\.\d+)*/.exec(text)?.[0] ?? 'unknown' }
  } catch (error) {
    const { code, stdout } = error as NodeJS.ErrnoException & { stdout?: string }
    // Some print their version and return an exit status that is not 0.
    const version = /\d+\.\d+(\.\d+)*/.exec(stdout ?? '')?.[0]
    return code !== 'ENOENT' && version ? { version } : { skipped: 'not on the PATH' }
  }
}

export interface Program {
  pid: number
  folder: string
  untilAsleep(): Promise<void>
  close(): Promise<void>
}

/** Starts a program in a folder of its own. */
export async function startProgram(
  prepare: (folder: string) => [program: string, ...words: string[]],
  isReady: () => Promise<boolean>,
): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'camera-peer-'))
  const [program, ...words] = prepare(folder)
  const child: ChildProcess = spawn(program, words, { cwd: folder, stdio: 'ignore' })
  const over = new Promise((resolve) => child.once('exit', resolve).once('error', resolve))
  const pid = child.pid ?? 0
  for (const begun = performance.now(); !(await isReady().catch(() => false)); await sleep(50)) {
    if (performance.now() - begun < 20_000 && child.exitCode === null) continue
    child.kill('SIGKILL')
    throw new Error(`${program} was not ready`)
  }
  return {
    pid,
    folder,
    untilAsleep: () =>
      until(
        () => pipelineOf(pid) === undefined,
        30_000,
        () => `${program}: a pipeline runs on`,
      ),
    async close() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await over
      clearTimeout(timer)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The pid of an ffmpeg process that it runs. */
export const pipelineOf = (pid: number): number | undefined =>
  tree(pid).find((each) => /^(\S*\/)?ffmpeg /.test(commandOf(each)))

/** Bytes of all files of a folder whose name ends so. */
export function bytesIn(folder: string, ending: string): number {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending))
    return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
  } catch {
    return 0
  }
}

/** Waits until a file of the folder has more bytes than `before`. */
export const growsIn = (folder: string, ending: string, before: number) =>
  until(
    () => bytesIn(folder, ending) > before,
    15_000,
    () => `no ${ending} grows`,
    5,
  )

export const isOk = async (url: string, init?: RequestInit): Promise<boolean> => {
  const response = await fetch(url, init)
  await response.arrayBuffer()
  return response.ok
}
