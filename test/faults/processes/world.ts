import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { cp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { realVersion } from '../../contract/mediaServer/servers.js'
import { type Kind, type Service, startService, virtual } from '../../e2e/service.js'
import { killIfRunning } from '../../support/killIfRunning.js'
import { type SmallDisk, smallDisk } from '../../support/smallDisk.js'
import { apiClient } from '../apiClient.js'
import type { FaultName, Source } from '../faults.js'
import type { Ended, Injection, World, Worlds } from '../world.js'
import { startCameras } from './source.js'

/** The built service with real ffmpeg, and with a media server of this kind. */
export const processes = (kind: Kind): Worlds => ({
  name: kind === 'embedded' ? 'real processes, embedded media server' : `real processes, MediaMTX ${realVersion}`,
  can: canMount ? [...always, ...withDisk] : always,
  open: (source, count) => open(kind, source, count),
  limit: 40_000,
})

const run = promisify(execFile)

const always = [
  'unplugged',
  'unpluggedLong',
  'cameraHangs',
  'ffmpegKilled',
  'ffmpegStopped',
  'sourceBlip',
  'sourceAway',
  'sourceSilent',
  'serverKilled',
  'serverHangs',
  'serverGone',
  'folderRemoved',
  'fileDeleted',
  'serviceKilled',
  'serviceRestarted',
  'servicePaused',
] as const satisfies FaultName[]
/** A disk can only be mounted by root. */
const withDisk = ['diskFull', 'inodesUsed'] as const satisfies FaultName[]
const diskOptions = ['96m', ',nr_inodes=2000'] as const
const canMount = ((): boolean => {
  const disk = smallDisk('64k')
  if (typeof disk === 'string') return false
  disk.remove()
  return true
})()

async function open(kind: Kind, source: Source, count: number): Promise<World> {
  const disk = canMount ? (smallDisk(...diskOptions) as SmallDisk) : undefined
  const dataDir = disk && join(disk.dir, 'data')
  if (dataDir) mkdirSync(dataDir)
  const yard = source === 'network' ? await startCameras(count) : undefined
  const options = {
    kind,
    cameras: yard
      ? yard.urls.map((url, index) => ({ name: `yard${index}`, source: url }))
      : Array.from({ length: count }, (_, index) => virtual(`test${index}`)),
    // One client asks more often than people do.
    env: {
      CAMERA_SERVICE_SECURITY_RATE_LIMIT_REQUESTS: '1000000',
      CAMERA_SERVICE_SECURITY_RATE_LIMIT_ADDRESS_REQUESTS: '1000000',
    },
    ...(dataDir && { dataDir }),
  }
  let service: Service = await startService(options)
  let isServing = true
  const cameras = Array.from({ length: count }, (_, index) => `camera${index}`)
  /** Of runs of the service that have ended. */
  const earlier: Service['notifications'] = []

  const recordings = () => join(service.dataDir, 'recordings')
  const folderOf = (camera: string) => join(recordings(), camera)
  const filesOf = (camera: string) =>
    readdir(folderOf(camera)).then(
      (names) => names.filter((name) => /\.(mp4|mkv)$/.test(name)).sort(),
      () => [],
    )
  const call = <Result>(method: string, params = {}) => service.call<Result>(method, params)

  const endService = async (how: 'kill' | 'stop') => {
    isServing = false
    await service[how]()
    earlier.push(...service.notifications)
  }
  const startAgain = async () => {
    await sleep(0)
    service = await startService({ ...options, dataDir: service.dataDir })
    isServing = true
  }

  const api = apiClient({
    call,
    notifications: () => [...earlier, ...service.notifications],
    recordingsDir: () => recordings(),
    isServing: () => isServing,
    countsFrames: source === 'captured',
    mediaOf: played,
  })
  /** ms of media in the files that a fault deleted: the recorder has not lost them. */
  const deleted = new Map<string, number>()
  const withDeleted = (camera: string, ended: Ended): Ended => ({
    ...ended,
    media: ended.media + (deleted.get(camera) ?? 0),
  })

  const world: World = {
    cameras,
    faults: injections(),
    now: () => performance.now(),
    pass: (ms) => sleep(ms),
    ...api,
    async stop(camera) {
      return withDeleted(camera, await api.stop(camera))
    },
    async ended(camera) {
      const ended = await api.ended(camera)
      return ended && withDeleted(camera, ended)
    },
    async leftovers() {
      const [children, descriptors, files] = await Promise.all([
        service.children(),
        readdir(`/proc/${service.pid}/fd`),
        readdir(join(service.dataDir, 'run')),
      ])
      return { processes: children.length, descriptors: descriptors.length, 'run files': files.length }
    },
    async end() {
      await yard?.end()
      await service.end()
      disk?.remove()
    },
  }

  function injections(): Partial<Record<FaultName, Injection>> {
    const simulate = (action: string) => async (hits: readonly string[]) => {
      await Promise.all(hits.map((device) => call('simulate', { device, action })))
    }
    const ofStreams = (action: string) => async (hits: readonly string[]) => {
      await Promise.allSettled(hits.map((device) => call('simulate', { device, action })))
    }
    const unplugged: Injection = { begin: simulate('unplug'), finish: simulate('plug') }
    const signal = (name: NodeJS.Signals) => async (hits: readonly string[]) => {
      for (const { pid, camera } of await service.pipelines())
        if (camera !== undefined && hits.includes(camera)) process.kill(pid, name)
    }
    const serverPid = async () => (await service.mediaServer()).pid
    let blocker: Server | undefined
    const fillers: string[] = []
    return {
      unplugged,
      unpluggedLong: unplugged,
      // A camera without a stream cannot be stalled.
      cameraHangs: { begin: ofStreams('stall'), finish: ofStreams('resume') },
      ffmpegKilled: { begin: signal('SIGKILL') },
      ffmpegStopped: { begin: signal('SIGSTOP') },
      sourceBlip: { begin: () => yard?.hit.cut(), finish: () => yard?.hit.attach() },
      sourceAway: { begin: () => yard?.hit.cut(), finish: () => yard?.hit.attach() },
      sourceSilent: { begin: () => yard?.hit.silence(), finish: () => yard?.hit.speak() },
      serverKilled: { begin: async () => killIfRunning(await serverPid()) },
      serverHangs: { begin: async () => void process.kill(await serverPid(), 'SIGSTOP') },
      serverGone: {
        async begin() {
          // Its port is taken before it starts again, or when it has been killed once more.
          while (blocker === undefined) {
            await service.mediaServer().then(
              ({ pid }) => killIfRunning(pid),
              () => {},
            )
            blocker = await listen(service.ports.rtsp)
          }
        },
        finish: () => new Promise<void>((resolve) => blocker?.close(() => resolve())),
      },
      diskFull: {
        begin: () => disk?.fill(),
        finish: async () => {
          const names = await readdir(disk?.dir ?? '')
          for (const name of names.filter((each) => each.startsWith('filling'))) await rm(join(disk?.dir ?? '', name))
        },
      },
      inodesUsed: {
        async begin() {
          for (let number = 0; ; number++) {
            const file = join(disk?.dir ?? '', `node-${number}`)
            const isMade = await writeFile(file, '').then(
              () => true,
              () => false,
            )
            if (!isMade) return
            fillers.push(file)
          }
        },
        finish: async () => {
          for (const file of fillers) await rm(file)
        },
      },
      folderRemoved: {
        begin: () => rename(recordings(), `${recordings()}.away`),
        // The service has created it again.
        finish: async () => {
          const away = `${recordings()}.away`
          await cp(away, recordings(), { recursive: true, preserveTimestamps: true })
          await rm(away, { recursive: true })
        },
      },
      fileDeleted: {
        async begin(hits) {
          for (const camera of hits) {
            const [newest] = (await filesOf(camera)).slice(-1)
            if (!newest) continue
            const file = join(folderOf(camera), newest)
            deleted.set(camera, await played(file))
            await rm(file)
          }
        },
      },
      serviceKilled: { begin: () => endService('kill'), finish: startAgain },
      serviceRestarted: { begin: () => endService('stop'), finish: startAgain },
      servicePaused: {
        begin: () => void process.kill(service.pid, 'SIGSTOP'),
        finish: () => void process.kill(service.pid, 'SIGCONT'),
      },
    }
  }
  return world
}

/** ms of media that a player finds; of a file that was cut off as well. */
async function played(file: string): Promise<number> {
  const args = ['-v', 'error', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'json']
  const { stdout } = await run('ffprobe', [...args, file]).catch(() => ({ stdout: '{}' }))
  const { streams: [stream] = [] } = JSON.parse(stdout) as { streams?: { nb_read_packets?: string }[] }
  return (Number(stream?.nb_read_packets ?? 0) * 1_000) / framesPerSecond
}

/** Of all cameras of these tests. */
const framesPerSecond = 15

/** Takes the port; undefined if somebody has it. */
const listen = (port: number) =>
  new Promise<Server | undefined>((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
