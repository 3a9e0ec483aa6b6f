import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { CameraId } from '../../machines/domain/camera.js'
import type { Pipelines, TapEvent } from '../../machines/domain/capture.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { attempt } from '../attempt.js'
import { isAlive } from '../markedProcesses.js'
import { endsWithParent } from '../programs.js'
import { urlWithPassword } from '../rtsp/access.js'
import { createDeviceUsage, type DeviceUsage } from '../usb/usage.js'
import { findClockwork } from './clockwork.js'
import { isQuotable, lockFile, progressAddress, stillFile, streamCommand } from './command.js'
import { endReason, errorLines } from './endReason.js'
import { createPace } from './pace.js'
import { createProcessTable } from './processes.js'
import { createProgressParser } from './progress.js'
import { createReports } from './reports.js'
import { createSizeReader } from './sizeReader.js'
import { findVariableRate } from './variableRate.js'

export interface PipelinesOptions {
  /** Folder of locks, reports and stills; it exists. */
  runDir: string
  /** Identifies the data directory in the environment of its processes; the same for each run of the service. */
  mark: string
  log: Log
  clock: Clock
  /** The host to publish to, from the view of the media server's host; 127.0.0.1 by default. */
  publishHost?: string
  /** Returns the credential of a camera's pipeline for the media server; none by default. */
  publishAs?: (camera: CameraId) => { user: string; password: string }
  /** True if the media server may run as another user, which hides its processes. False by default. */
  mayBeHidden?: () => boolean
}

/** Maximum age of a still, in ms. */
const stillFor = 3_000
/** How far the clock of the file system may be ahead, in ms. */
const tolerance = 100

interface Watched {
  camera: CameraId
  listener: (event: TapEvent) => void
  /** The parser of one sender, so that packets of two processes are not mixed. */
  parser?: { sender: number; push: (text: string) => void }
}

/**
 * Receives the reports of the pipelines, which the media server starts and ends; machines/pipeline.ts interprets them.
 * Resolves when the socket for the progress is open, because each command contains its port. Rejects if the name of the
 * folder cannot be used in a command. `close` ends the watching, not the pipelines.
 */
export async function createPipelines(
  options: PipelinesOptions,
): Promise<Pipelines & { usage: DeviceUsage; close(): void }> {
  const { runDir, mark, log, clock, publishHost = '127.0.0.1', publishAs, mayBeHidden } = options
  if (!isQuotable(runDir)) throw new Error('the name of the data directory must not contain $ or a line break')
  const [socket, clockwork, variableRate, withParent] = await Promise.all([
    openSocket(),
    findClockwork(),
    findVariableRate(),
    endsWithParent(process.env.PATH ?? ''),
  ])
  const { port: progressPort } = socket.address()
  const shared = {
    progressPort,
    publishHost,
    runDir,
    mark,
    variableRate,
    withParent,
    ...(clockwork && { clockwork }),
  }
  const processes = createProcessTable({ mark, clock, ...(mayBeHidden && { mayBeHidden }) })
  const usage = createDeviceUsage({
    log,
    isOwn: processes.isOwn,
    isRunning: (camera) => processes.of(camera) !== undefined,
  })
  const watched = new Map<CameraId, Watched>()
  const addresses = new Map<string, Watched>()
  /** Cameras whose pipeline decodes. Only these write stills. */
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
      // Finds the process while it runs, so that a later absence means that it ended, not that it is invisible.
      processes.presence(camera)
      const measured = createPace()
      const sized = createSizeReader(() => (decoding.has(camera) ? stillFile({ runDir }, camera) : undefined), clock)
      const push = createProgressParser(({ last, ...block }) => {
        if (last) return listener({ type: 'tap.finished', sender })
        const size = sized(block.frames)
        const progress = { ...measured(block, clock.monotonic()), ...(size && { size }) }
        listener({ type: 'tap.progress', sender, progress })
      })
      entry.parser = { sender, push }
    }
    entry.parser.push(packet.toString('latin1'))
  })
  socket.on('error', (error) => log.warn('the progress of pipelines cannot be received', { reason: reasonOf(error) }))

  return {
    usage,
    spec(camera, device, pipeline) {
      usage.note(camera, device)
      if (device.kind === 'rtsp') {
        const { transport, fingerprint } = device
        const url = attempt(() => urlWithPassword(device.url, device)) ?? device.url
        return { name: camera, source: { url, ...(transport && { transport }), ...(fingerprint && { fingerprint }) } }
      }
      if (pipeline.kind === 'encode') decoding.add(camera)
      else decoding.delete(camera)
      reports.prepare(camera)
      const as = publishAs && { publishAs: publishAs(camera) }
      return { name: camera, source: { command: streamCommand({ ...shared, ...as, camera, device, pipeline }) } }
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
    admit: processes.admit,
    takeReport(camera) {
      const text = reports.read(camera)
      const lines = errorLines(text)
      if (lines.length > 0) log.debug('ffmpeg reported', { camera, lines: lines.slice(-5) })
      // A new process may have started meanwhile; its report is kept.
      if (!processes.of(camera)) reports.empty(camera)
      const reason = endReason(text)
      return reason && usage.explained(camera, reason)
    },
    async recycle(camera) {
      const found = processes.of(camera)
      return found !== undefined && isAlive(found) && kill(found.pid, 'SIGKILL')
    },
    async still(camera) {
      if (!decoding.has(camera)) return undefined
      const file = stillFile({ runDir }, camera)
      const found = await stat(file).catch(() => undefined)
      const [written, now] = [found?.mtimeMs ?? 0, clock.now()]
      // A still of the future was written before the clock was set back: its age is not known.
      const isFresh = now - written <= stillFor && written - now <= tolerance
      return isFresh ? { file, capturedAt: Math.min(written, now) } : undefined
    },
    async simulate(camera, fault) {
      if (fault === 'busy')
        return void holders.add(holdLock(lockFile({ runDir }, camera), (child) => holders.delete(child)))
      const found = processes.of(camera)
      if (!found || found.waits || !kill(found.pid, fault === 'stall' ? 'SIGSTOP' : 'SIGCONT'))
        throw new Failure(
          'stream_asleep',
          `the stream of ${camera} ${found?.waits ? 'is being restarted' : 'is not running'}`,
        )
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

/** Simulates another program that uses the camera for ten seconds, when the pipeline releases it. */
function holdLock(lock: string, ended: (child: ChildProcess) => void): ChildProcess {
  const child = spawn('flock', ['--no-fork', '-w', '10', lock, 'sleep', '10'], { stdio: 'ignore' })
  child.on('error', () => ended(child))
  child.on('exit', () => ended(child))
  child.unref()
  return child
}

const kill = (pid: number, signal: NodeJS.Signals) => attempt(() => process.kill(pid, signal)) ?? false
