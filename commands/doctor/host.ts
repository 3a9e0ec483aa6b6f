import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, constants, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createEncoders } from '../../adapters/ffmpeg/encoders.js'
import { installedPrograms } from '../../adapters/ffmpeg/installed.js'
import { type Run, run } from '../../adapters/ffmpeg/run.js'
import { createStorage } from '../../adapters/files/storage.js'
import { writeSpeed } from '../../adapters/files/writeSpeed.js'
import { isClockSynchronised } from '../../adapters/host/clockSync.js'
import { listenerOf } from '../../adapters/host/listeners.js'
import { mountOf } from '../../adapters/host/mounts.js'
import { memoryBytes } from '../../adapters/host/proc.js'
import { markedProcesses } from '../../adapters/markedProcesses.js'
import { findProgram, programVersion, whoAnswers } from '../../adapters/mediamtx/findServer.js'
import { bindFault } from '../../adapters/mediamtx/listenPorts.js'
import { MARK } from '../../adapters/mediamtx/orphans.js'
import { createUsbDevices } from '../../adapters/usb/devices.js'
import { parseFormats } from '../../adapters/usb/formats.js'
import { loadUdev } from '../../adapters/usb/udev.js'
import { holderOf } from '../../adapters/usb/usage.js'
import type { EncoderWish } from '../../machines/domain/encoder.js'
import type { Clock } from '../../machines/domain/ports.js'

const noLog = { error() {}, warn() {}, info() {}, debug() {} }
/** Limit of an answer by HTTP, in ms. */
const patience = 3_000
/** Time for which the speed of the disk is measured, in ms. */
const writeTime = 2_000

/** What `doctor` asks this host. Each function does one thing and judges nothing. */
export function hostOf({ env, clock }: { env: NodeJS.ProcessEnv; clock: Clock }) {
  const path = env.PATH ?? ''
  const timeLimit = () => AbortSignal.timeout(patience)
  return {
    env,
    now: clock.now,
    uid: () => process.getuid?.() ?? 0,
    /** Resolves with the programs for capture. */
    programs: () => installedPrograms({ path }),
    /** The list of ffmpeg; `undefined` if it does not answer in time. */
    encoders: (): Promise<string | undefined> =>
      run('ffmpeg', ['-hide_banner', '-encoders'], { timeout: 20_000, env: { ...process.env, PATH: path } }).then(
        ({ stdout }) => stdout,
        () => undefined,
      ),
    /** Encodes a picture with each hardware encoder, until one works. */
    encoder: (wish: EncoderWish) => {
      const runner: Run = (name, args, options) => run(name, args, { ...options, env: { ...process.env, PATH: path } })
      return createEncoders({ runner }).choose(wish, AbortSignal.timeout(30_000))
    },
    /** Whether udevd runs, and whether its addon loads. */
    udev: () => ({ runs: existsSync('/run/udev/control'), loads: loadUdev() !== undefined }),
    cameras: () => createUsbDevices({ log: noLog }).list(AbortSignal.timeout(10_000)),
    /** The codes of the formats of a camera, as in `MJPG`; empty if they cannot be read. */
    formats: (node: string): Promise<string[]> =>
      run('v4l2-ctl', ['-d', node, '--list-formats'], { timeout: 5_000, env: { ...process.env, PATH: path } }).then(
        ({ stdout }) => parseFormats(stdout).formats.map(({ fourcc }) => fourcc),
        () => [],
      ),
    /** A program that has a file open, unless it belongs to another user. */
    holder: (file: string) => holderOf(file, () => false),
    /** The owner, group and mode of a file; `undefined` if there is none or it cannot be seen. */
    stat: (file: string): Promise<{ uid: number; gid: number; mode: number; isFolder: boolean } | undefined> =>
      stat(file).then(
        (about) => ({ uid: about.uid, gid: about.gid, mode: about.mode & 0o7777, isFolder: about.isDirectory() }),
        () => undefined,
      ),
    /** Whether this user may read and write a file. */
    mayUse: (file: string): Promise<boolean> =>
      access(file, constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      ),
    /** The name of a group, or its number. */
    groupName: async (gid: number): Promise<string> => {
      const text = await readFile('/etc/group', 'utf8').catch(() => '')
      return new RegExp(`^([^:]+):[^:]*:${gid}:`, 'm').exec(text)?.[1] ?? String(gid)
    },
    bindFault,
    listener: listenerOf,
    /** The pids of the children of the service with this data directory. */
    children: (dataDir: string): number[] => {
      const mark = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16)
      return markedProcesses(MARK).flatMap((each) => (each.mark === mark ? [each.pid] : []))
    },
    /** Gets JSON by HTTP; `undefined` if nobody answers. The body is an empty object if it is no JSON object. */
    get: (url: string): Promise<{ status: number; body: Record<string, unknown> } | undefined> =>
      fetch(url, { signal: timeLimit(), redirect: 'manual' }).then(
        async (response) => ({ status: response.status, body: await response.json().then(objectOf, () => ({})) }),
        () => undefined,
      ),
    mediaServerAt: (place: { host: string; port: number }) => whoAnswers(place, timeLimit()),
    mediaProgram: (dataDir: string) => findProgram(path, dataDir),
    mediaVersion: (file: string) => programVersion(file, AbortSignal.timeout(5_000)).catch(() => undefined),
    mount: async (file: string) => mountOf(resolve(file), await readFile('/proc/self/mountinfo', 'utf8')),
    /** The room of the disk, with its fault if it takes no files. */
    usage: (dir: string) => createStorage({ dir, stateDir: join(dir, '..', 'state') }).usage('main'),
    /** In bytes per second. */
    writeSpeed: (dir: string) => writeSpeed(dir, writeTime, clock.monotonic),
    isSynchronised: () => isClockSynchronised(run, path),
    /** In bytes. `limit`: that of the control group, as of a container; Infinity: none. */
    memory: async () => {
      const [meminfo, limit] = await Promise.all([
        readFile('/proc/meminfo', 'utf8'),
        readFile('/sys/fs/cgroup/memory.max', 'utf8').catch(() => 'max'),
      ])
      return { ...memoryBytes(meminfo), limit: /^\d+/.test(limit) ? Number(limit) : Number.POSITIVE_INFINITY }
    },
  }
}

export type DoctorHost = ReturnType<typeof hostOf>

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {}
