import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { CameraId } from '../../machines/domain/camera.js'
import type { Pipelines, TapEvent } from '../../machines/domain/capture.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { findClockwork } from './clockwork.js'
import { isQuotable, lockFile, progressAddress, stillFile, streamCommand } from './command.js'
import { endReason, errorLines } from './endReason.js'
import { createProcessTable } from './processes.js'
import { createProgressParser } from './progress.js'
import { createReports } from './reports.js'

export interface PipelinesOptions {
  /** Folder of locks, reports and stills; it exists. */
  runDir: string
  /** Names the data directory: in the environment of our processes, from one life to the next. */
  mark: string
  log: Log
  clock: Clock
  /** Where the media server takes streams, as seen from its own host; 127.0.0.1 by default. */
  publishHost?: string
  /** The credential that pipelines show the media server; none by default. */
  publishAs?: { user: string; password: string }
}

/** How old a still may be, in ms. */
const stillFor = 3_000

interface Watched {
  camera: CameraId
  listener: (event: TapEvent) => void
  /** Of one sender: packets of two processes must not mix. */
  parser?: { sender: number; push: (text: string) => void }
}

/**
 * The taps of the pipelines that the media server starts and ends: raw reports, which machines/pipeline.ts judges.
 * Resolves when the socket for their progress is open: its port is part of every command. Rejects when the folder's
 * name cannot be passed on. `close` ends the watching, not the pipelines.
 */
export async function createPipelines(options: PipelinesOptions): Promise<Pipelines & { close(): void }> {
  const { runDir, mark, log, clock, publishHost = '127.0.0.1', publishAs } = options
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
  const processes = createProcessTable({ mark, now: () => clock.now() })
  const watched = new Map<CameraId, Watched>()
  const addresses = new Map<string, Watched>()
  /** Only a pipeline that decodes writes stills. */
  const decoding = new Set<CameraId>()
  const holders = new Set<ChildProcess>()
  const reports = createReports({
    runDir,
    log,
    changed: (camera) => watched.get(camera)?.listener({ type: 'tap.reported' }),
  })

  socket.on('message', (packet: Buffer, { address, port: sender }: RemoteInfo) => {
    const entry = addresses.get(address)
    if (!entry) return
    const { camera, listener } = entry
    if (entry.parser?.sender !== sender) {
      // Seen while it lives, so that its end can be told from a process that we cannot see.
      processes.presence(camera)
      const push = createProgressParser(({ last, ...progress }) =>
        listener(last ? { type: 'tap.finished', sender } : { type: 'tap.progress', sender, progress }),
      )
      entry.parser = { sender, push }
    }
    entry.parser.push(packet.toString('latin1'))
  })
  socket.on('error', (error) => log.warn('the progress of pipelines cannot be received', { reason: reasonOf(error) }))

  return {
    spec(camera, device, pipeline) {
      if (device.kind === 'rtsp') return { name: camera, source: { url: device.url } }
      if (pipeline.kind === 'encode') decoding.add(camera)
      else decoding.delete(camera)
      reports.prepare(camera)
      return { name: camera, source: { command: streamCommand({ ...shared, camera, device, pipeline }) } }
    },
    watch(camera, listener) {
      const entry: Watched = { camera, listener }
      watched.set(camera, entry)
      addresses.set(progressAddress(camera), entry)
      return () => {
        if (watched.get(camera) !== entry) return
        watched.delete(camera)
        addresses.delete(progressAddress(camera))
      }
    },
    process(camera) {
      const found = processes.of(camera)
      return found && { pid: found.pid, since: found.since }
    },
    presence: processes.presence,
    takeReport(camera) {
      const text = reports.read(camera)
      const lines = errorLines(text)
      if (lines.length > 0) log.debug('ffmpeg reported', { camera, lines: lines.slice(-5) })
      // Not that of a process that has begun meanwhile.
      if (!processes.of(camera)) reports.empty(camera)
      return endReason(text)
    },
    async recycle(camera) {
      const found = processes.of(camera)
      return found !== undefined && processes.isAlive(found) && kill(found.pid, 'SIGKILL')
    },
    async still(camera) {
      if (!decoding.has(camera)) return undefined
      const file = stillFile({ runDir }, camera)
      const capturedAt = await stat(file).then(
        ({ mtimeMs }) => Math.min(mtimeMs, clock.now()),
        () => 0,
      )
      return clock.now() - capturedAt <= stillFor ? { file, capturedAt } : undefined
    },
    async simulate(camera, fault) {
      if (fault === 'busy')
        return void holders.add(holdLock(lockFile({ runDir }, camera), (child) => holders.delete(child)))
      const found = processes.of(camera)
      if (!found || found.waits || !kill(found.pid, fault === 'stall' ? 'SIGSTOP' : 'SIGCONT'))
        throw new Error(`${camera} has no running stream`)
    },
    close() {
      watched.clear()
      addresses.clear()
      for (const child of holders) child.kill('SIGKILL')
      reports.close()
      socket.close()
    },
  }
}

async function openSocket(): Promise<Socket & { address(): AddressInfo }> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.unref()
  return socket
}

/** Another program that opens the camera for ten seconds, once the pipeline releases it. */
function holdLock(lock: string, ended: (child: ChildProcess) => void): ChildProcess {
  const child = spawn('flock', ['--no-fork', '-w', '10', lock, 'sleep', '10'], { stdio: 'ignore' })
  child.on('error', () => ended(child))
  child.on('exit', () => ended(child))
  child.unref()
  return child
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
