import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  type FSWatcher,
  fstatSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
  utimesSync,
  watch as watchFiles,
} from 'node:fs'
import type { AddressInfo } from 'node:net'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log, Pipelines } from '../../machines/domain/ports.js'
import { findClockwork } from './clockwork.js'
import { isQuotable, lockFile, progressAddress, reportFile, stillFile, streamCommand } from './command.js'
import { endReason, errorLines } from './endReason.js'
import { createProcessTable } from './processes.js'
import { createProgressParser } from './progress.js'
import { createWatcher, type Watcher } from './watcher.js'

export interface PipelinesOptions {
  /** Folder of locks, reports and stills; it exists. */
  runDir: string
  /** Names the data directory: in the environment of our processes, from one life to the next. */
  mark: string
  log: Log
  clock: Clock
  /** Where the media server takes streams, as seen from its own machine; 127.0.0.1 by default. */
  publishHost?: string
  /** What pipelines show the media server; by default nothing. */
  publishAs?: { user: string; password: string }
  /** Milliseconds without a new frame; 5 s by default. */
  stallAfter?: number
  /** The same for a pipeline's first one; 20 s by default. */
  firstFrameWithin?: number
  /** Of the still tap, in ms: what is older is no picture of now. 3 s by default. */
  stillFor?: number
}

const tickEvery = 250
/** Ticks between two looks at the size of a report: a camera whose frames are damaged may fill it for days. */
const trimEvery = 240
const largestReport = 1_048_576
/** Of a report's end, as much as is read for the reason. */
const readOf = 16_384

/**
 * The ffmpeg of each camera, which the media server starts and ends. Resolves when the socket for its progress is open:
 * its port is part of every command. Rejects when the folder's name cannot be passed on. `close` ends the watching, not
 * the pipelines.
 */
export async function createPipelines(options: PipelinesOptions): Promise<Pipelines & { close(): void }> {
  const {
    runDir,
    mark,
    log,
    clock,
    publishHost = '127.0.0.1',
    publishAs,
    stallAfter = 5_000,
    firstFrameWithin = 20_000,
    stillFor = 3_000,
  } = options
  if (!isQuotable(runDir)) throw new Error('the data directory must not have a dollar sign or a line break in its name')
  const [socket, clockwork] = await Promise.all([openSocket(), findClockwork()])
  const { port: progressPort } = socket.address()
  const shared = {
    progressPort,
    publishHost,
    runDir,
    mark,
    ...(publishAs && { publishAs }),
    ...(clockwork && { clockwork }),
  }
  const now = () => clock.now()
  const processes = createProcessTable({ mark, now })
  const watched = new Map<CameraId, Entry>()
  const decoded = new Set<CameraId>()
  const recycled = new Set<CameraId>()
  const holders = new Set<ChildProcess>()

  const keepTicking = (entry: Entry) => {
    if (entry.timer || !entry.watcher.isActive()) return
    entry.timer = setInterval(() => {
      entry.watcher.tick()
      if (!entry.watcher.isActive()) stopTicking(entry)
      else if (++entry.ticks % trimEvery === 0) trim(entry.report)
    }, tickEvery)
    entry.timer.unref()
  }

  socket.on('message', (packet: Buffer, { address, port }: RemoteInfo) => {
    for (const entry of watched.values()) {
      if (entry.address !== address) continue
      if (entry.parser?.port !== port)
        entry.parser = { port, push: createProgressParser((block) => entry.watcher.block(block, port)) }
      entry.parser.push(packet.toString('latin1'))
      keepTicking(entry)
    }
  })
  socket.on('error', (error) => log.warn('the progress of pipelines cannot be received', { reason: reasonOf(error) }))
  const reports = watchReports(runDir, log, (camera) => {
    keepPrivate(reportFile({ runDir }, camera))
    const entry = watched.get(camera)
    entry?.watcher.reportChanged()
    if (entry) keepTicking(entry)
  })

  const readReport = (camera: CameraId) => {
    const { changedAt, text } = readEnd(reportFile({ runDir }, camera))
    const reason = endReason(text)?.details
    const lines = errorLines(text)
    if (reason === undefined && lines.length > 0) log.debug('ffmpeg reported', { camera, lines: lines.slice(-5) })
    return { changedAt, ...(reason !== undefined && { reason }) }
  }

  return {
    spec(camera, device, pipeline) {
      if (device.kind === 'rtsp') return { name: camera, source: { url: device.url } }
      if (pipeline.kind === 'encode') decoded.add(camera)
      else decoded.delete(camera)
      prepareReport(reportFile({ runDir }, camera))
      return {
        name: camera,
        source: { command: streamCommand({ ...shared, camera, device, pipeline }) },
      }
    },
    watch(camera, listener) {
      const watcher = createWatcher({
        listener,
        now,
        stallAfter,
        firstFrameWithin,
        find: () => processes.of(camera),
        isAlive: processes.isAlive,
        report: () => readReport(camera),
        clearReport: () => empty(reportFile({ runDir }, camera)),
        ownDoing: () => (recycled.delete(camera) ? 'recycled: it gave no frames' : undefined),
      })
      const entry: Entry = {
        watcher,
        address: progressAddress(camera),
        report: reportFile({ runDir }, camera),
        ticks: 0,
      }
      const before = watched.get(camera)
      if (before) stopTicking(before)
      watched.set(camera, entry)
      return () => {
        stopTicking(entry)
        if (watched.get(camera) === entry) watched.delete(camera)
      }
    },
    async recycle(camera) {
      const found = processes.of(camera)
      if (!found || !processes.isAlive(found) || !send(found.pid, 'SIGKILL')) return false
      recycled.add(camera)
      return true
    },
    process(camera) {
      const found = processes.of(camera)
      return found && { pid: found.pid, since: found.since }
    },
    async still(camera) {
      if (!decoded.has(camera) || watched.get(camera)?.watcher.isRunning() === false) return undefined
      const file = stillFile({ runDir }, camera)
      const capturedAt = changeOf(file)
      const age = now() - capturedAt
      return capturedAt > 0 && age <= stillFor ? { file, capturedAt: Math.min(capturedAt, now()) } : undefined
    },
    async simulate(camera, fault) {
      if (fault === 'busy')
        return void holders.add(holdLock(lockFile({ runDir }, camera), (child) => holders.delete(child)))
      const found = processes.of(camera)
      if (!found || found.waits || !send(found.pid, fault === 'stall' ? 'SIGSTOP' : 'SIGCONT'))
        throw new Error(`${camera} has no running stream`)
    },
    close() {
      for (const entry of watched.values()) stopTicking(entry)
      watched.clear()
      for (const child of holders) child.kill('SIGKILL')
      reports?.close()
      socket.close()
    },
  }
}

interface Entry {
  watcher: Watcher
  address: string
  report: string
  parser?: { port: number; push: (text: string) => void }
  timer?: NodeJS.Timeout | undefined
  ticks: number
}

function stopTicking(entry: Entry): void {
  clearInterval(entry.timer)
  entry.timer = undefined
}

async function openSocket(): Promise<Socket & { address(): AddressInfo }> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.unref()
  return socket
}

/** Without it, a pipeline that fails before its first frame goes untold; the rest works. */
function watchReports(runDir: string, log: Log, changed: (camera: CameraId) => void): FSWatcher | undefined {
  try {
    const watcher = watchFiles(runDir, { persistent: false }, (_, name) => {
      const camera = name?.endsWith('.log') ? name.slice(0, -'.log'.length) : ''
      if (isCameraId(camera)) changed(camera)
    })
    return watcher.on('error', (error) =>
      log.warn('the reports of pipelines are no longer watched', { reason: reasonOf(error) }),
    )
  } catch (error) {
    log.warn('the reports of pipelines cannot be watched', { reason: reasonOf(error) })
    return undefined
  }
}

function readEnd(file: string): { changedAt: number; text: string } {
  try {
    const descriptor = openSync(file, 'r')
    try {
      const { mtimeMs, size } = fstatSync(descriptor)
      const bytes = Buffer.alloc(Math.min(size, readOf))
      const length = readSync(descriptor, bytes, 0, bytes.length, Math.max(0, size - readOf))
      return { changedAt: mtimeMs, text: bytes.toString('utf8', 0, length) }
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return { changedAt: 0, text: '' }
  }
}

/** ffmpeg writes its command line there, with what it shows the media server: a file that is there keeps its mode when it is opened anew. */
function prepareReport(file: string): void {
  try {
    closeSync(openSync(file, 'ax', 0o600))
    // The watcher takes what is newer than the last report for a process that has ended.
    utimesSync(file, 0, 0)
  } catch {
    keepPrivate(file)
  }
}

/** For one that an earlier version has left, or that was deleted under a pipeline. */
function keepPrivate(file: string): void {
  try {
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
  } catch {
    // There is none, or it is another user's.
  }
}

function empty(file: string): void {
  try {
    truncateSync(file)
  } catch {
    // There is none.
  }
}

/** ffmpeg writes on where it was: the file stays long, but its beginning no longer takes room on the disk. */
function trim(file: string): void {
  try {
    if (statSync(file).blocks * 512 > largestReport) truncateSync(file)
  } catch {
    // There is none.
  }
}

function changeOf(file: string): number {
  try {
    return statSync(file).mtimeMs
  } catch {
    return 0
  }
}

/** A stranger that has the camera open for ten seconds, once the pipeline lets go of it. */
function holdLock(lock: string, ended: (child: ChildProcess) => void): ChildProcess {
  const child = spawn('flock', ['--no-fork', '-w', '10', lock, 'sleep', '10'], { stdio: 'ignore' })
  child.on('error', () => ended(child))
  child.on('exit', () => ended(child))
  child.unref()
  return child
}

function send(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
