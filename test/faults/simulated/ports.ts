import { sampledStreams } from '../../../adapters/mediamtx/sampledStreams.js'
import type { Ports } from '../../../adapters/open.js'
import { sleep as wait } from '../../../adapters/wait.js'
import type { UsbDevice } from '../../../machines/domain/camera.js'
import type { ExternalState } from '../../../machines/domain/external.js'
import type { Clock, Picture, RecordingFile, Registry } from '../../../machines/domain/ports.js'
import { because, type Evidence, Failure, type ReasonCode } from '../../../machines/domain/reason.js'
import type { RecordingIntent } from '../../../machines/domain/recording.js'
import { createFakePorts } from '../../support/fakePorts.js'
import { type Host, segmentOf } from './host.js'
import { simulatedMediaServer } from './mediaServer.js'

/** What stays on the disk when the service ends. */
export interface Kept {
  registry: Registry
  intents: Map<string, RecordingIntent>
  external: ExternalState
  /** The text of the configuration file; absent: there is none. */
  configuration?: string
}

/** Tells of an event of udev. */
export type Hint = (evidence?: Evidence) => void

/** ms. */
const probing = 80
const grabbing = 200
const starting = 250
const tokenLife = 5_000

/** The ports of a service on the simulated host. `hint`: an event of udev. */
export function simulatedPorts(host: Host, kept: Kept, clock: Clock, hints: Set<Hint>) {
  const { ports, log, lines } = createFakePorts()
  const mediaServer = simulatedMediaServer(host, log)
  const fault = (): ReasonCode | undefined => host.disk
  const write = async () => {
    await wait(10)
    if (!host.isStateWritable || fault()) throw new Error('the state file cannot be written (EIO)')
  }
  const reach = (camera: string) => {
    const unit = host.unitOf(camera)
    if (!unit.isPlugged) throw new Failure('device_gone')
    if (unit.isDenied) throw new Failure('permission_denied')
    return unit
  }
  const cameraOf = (node: string): string =>
    [...host.units].find(([, { device }]) => device.node === node)?.[0] ?? 'camera0'
  const reachUrl = async (url: string, signal: AbortSignal) => {
    await wait(20, signal)
    const unit = [...host.units.values()].find((each) => each.url === url)
    if (!unit?.isPlugged) throw new Failure('unreachable')
    return { codec: 'H264', width: 640, height: 480 }
  }
  /** The device is free and delivers a frame. */
  const grab = async (camera: string, signal: AbortSignal): Promise<Picture> => {
    const unit = reach(camera)
    if (unit.isBusy || host.paths.get(camera)?.process) throw new Failure('device_busy')
    await wait(unit.isLive ? grabbing : 60_000, signal)
    return { file: `/run/${camera}.jpg`, capturedAt: clock.now() }
  }

  const changes: Partial<Ports> = {
    mediaServer,
    streams: sampledStreams({ mediaServer, clock, maxAge: 250, usableFor: 1_000, limit: 3_000 }),
    serverProcess: {
      offers: () => ({ hls: true, webrtc: true }),
      choose: async () => ({ kind: 'managed', why: 'simulated' }),
      signal: () => false,
      async start(_choice, exited, signal) {
        await wait(starting, signal)
        if (!host.mayServerStart || host.server !== 'down') {
          exited('its port is in use')
          return { pid: 1 }
        }
        host.boot()
        host.exited = exited
        return { pid: 1 }
      },
      kill: async () => host.crash('killed by SIGKILL'),
      end: async () => {
        host.exited = () => {}
        host.crash('ended')
      },
      endSoon: async () => {},
    },
    reader: {
      follow: () => new Promise(() => {}),
      isFollowed: () => false,
      kept: () => undefined,
      hold: (name, lost, signal) =>
        new Promise((resolve, reject) => {
          if (host.server === 'down') return reject(new Failure('server_unreachable'))
          if (host.server === 'hung') {
            host.hanging.add(() => reject(new Failure('server_closed')))
            return void signal.addEventListener('abort', () => reject(new Failure('timed_out')))
          }
          let isLive = false
          const dispose = host.hold(name, lost, () => {
            isLive = true
            resolve(() => dispose?.())
          })
          if (!dispose) return reject(new Failure('stream_not_found'))
          signal.addEventListener('abort', () => {
            if (isLive) return
            dispose()
            reject(new Failure('not_started_in_time'))
          })
        }),
      keyframe: (_, signal) => wait(60_000, signal).then(() => new Uint8Array()),
      address: (name) => `rtsp://127.0.0.1/${name}`,
      describe: reachUrl,
      reach: async (url, signal) => void (await reachUrl(url, signal)),
    },
    usb: {
      list: async () => {
        await wait(10)
        return [...host.units.values()]
          .filter(({ isPlugged, url }) => isPlugged && url === '')
          .map(({ device }) => device)
      },
      watch(hint) {
        hints.add(hint)
        return { mode: 'udev', dispose: () => void hints.delete(hint) }
      },
    },
    probe: {
      async capabilities(device, signal) {
        if (device.kind === 'rtsp') {
          await reachUrl(device.url, signal)
          return { formats: [], codec: 'H264' }
        }
        const limit = clock.monotonic() + 2_000
        await wait(probing, signal)
        for (;;) {
          try {
            reach(cameraOf((device as UsbDevice).node))
            return {
              formats: [{ fourcc: 'MJPG', description: 'MJPEG', sizes: [{ width: 640, height: 480, rates: [20] }] }],
            }
          } catch (error) {
            if (!(error instanceof Failure) || error.code !== 'permission_denied' || clock.monotonic() > limit)
              throw error
            await wait(50, signal)
          }
        }
      },
    },
    pipelines: {
      ...ports.pipelines,
      spec: (name, device) => ({ name, source: device.kind === 'rtsp' ? { url: device.url } : { command: 'ffmpeg' } }),
      watch: (camera, listener) => host.tapsOf(camera, listener),
      process: (camera) => host.paths.get(camera)?.process,
      presence: (camera) => (host.paths.get(camera)?.process ? 'running' : 'gone'),
      takeReport: host.takeReport,
      recycle: async (camera) => host.kill(camera),
    },
    pictures: {
      grabDirect: (camera, _device, _pipeline, signal) => grab(camera, signal),
      grabByFfmpeg: (camera, _device, _pipeline, signal) => grab(camera, signal),
      async grabFromStream(camera, _maxAge, signal) {
        if (host.server === 'down') throw new Failure('server_unreachable')
        let dispose: (() => void) | undefined
        const live = new Promise<void>((resolve, reject) => {
          dispose = host.hold(camera, (reason) => reject(new Failure(reason.code)), resolve)
          if (!dispose) return reject(new Failure('stream_not_found'))
          signal.addEventListener('abort', () => reject(new Failure('timed_out')))
        })
        await live.finally(() => dispose?.())
        return { file: `/run/${camera}.jpg`, capturedAt: clock.now() }
      },
      async save(camera) {
        await wait(20)
        const code = fault()
        if (code) throw new Failure(code)
        return { filename: `${camera}.jpg`, file: `/snapshots/${camera}.jpg`, bytes: 1, width: 640, height: 480 }
      },
    },
    segments: {
      watermark: async () => clock.now() - 3_600_000,
      earlier: () => [],
      recall: async () => {},
      list: async (camera, after) => seen(host, camera, after),
      first: (camera, after, signal, except = []) =>
        new Promise((resolve, reject) => {
          const look = () => {
            const found = seen(host, camera, after).find(({ filename }) => !except.includes(filename))
            if (found) resolve(found)
            return found !== undefined
          }
          if (look()) return
          const dispose = host.watchFolder(camera, () => void (look() && dispose()))
          signal.addEventListener('abort', () => {
            dispose()
            reject(signal.reason)
          })
        }),
      watch: (camera, _known, listener) => host.watchFolder(camera, listener),
      async finish(camera, segments) {
        await wait(30)
        const all = host.filesOf(camera)
        return segments.flatMap(({ filename }): RecordingFile[] => {
          const file = all.find((each) => each.filename === filename)
          if (!file) return []
          const { startedAt, media, isOpen } = file
          const times = { createdAt: startedAt, modifiedAt: startedAt + media }
          return [
            {
              ...{ name: filename, camera, path: `/recordings/${filename}`, bytes: media, format: 'mp4' },
              ...{ ...times, duration: media, complete: !isOpen, indexed: false },
            },
          ]
        })
      },
      toMatroska: async (files) => files,
    },
    storage: {
      async usage() {
        await wait(host.isDiskHanging ? 60_000 : 5)
        const used = 1e10 + host.bytes()
        const usage = { total: 1e11, used, available: 1e11 - used, percent: used / 1e9 }
        const code = fault()
        if (code === 'storage_full') return { ...usage, percent: 100, available: 0, fault: because(code) }
        return code ? { ...usage, fault: because(code) } : usage
      },
      use: async () => {},
      keepReserve: async () => {},
    },
    registry: {
      load: async () => kept.registry,
      async save(next) {
        await write()
        kept.registry = next
      },
    },
    intents: {
      find: async (camera) => kept.intents.get(camera),
      async save(intent) {
        await write()
        kept.intents.set(intent.camera, intent)
      },
      async remove(camera) {
        await write()
        kept.intents.delete(camera)
      },
    },
    // Any text is the token of a viewer, which ends soon.
    credentials: {
      ...ports.credentials,
      verify: async (text) => ({
        user: 'eve',
        role: 'viewer',
        expiresAt: clock.now() + tokenLife,
        credential: { kind: 'token', id: text },
      }),
    },
    configFile: {
      ...ports.configFile,
      isThere: kept.configuration !== undefined,
      read: async () => kept.configuration ?? '',
      async write(text) {
        await write()
        kept.configuration = text
      },
    },
    configHistory: { list: async () => [], keep: async () => 1 },
    clockStore: {
      read: () => ({ wall: clock.now(), monotonic: clock.monotonic() }),
      load: async () => undefined,
      save: write,
    },
  }
  return { ports: { ...ports, ...changes } as Ports, log, lines, close: mediaServer.close }
}

/**
 * The first part of a file is written when it is complete. All files after the first one of a recording belong to it,
 * whatever the clock was set to.
 */
function seen(host: Host, camera: string, after: number) {
  const files = host.filesOf(camera)
  const first = files.findIndex(({ startedAt }) => startedAt > after)
  return first < 0
    ? []
    : files
        .slice(first)
        .filter(({ media }) => media >= 200)
        .map(segmentOf)
}
