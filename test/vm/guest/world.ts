import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { apiClient } from '../../faults/apiClient.js'
import type { FaultName } from '../../faults/faults.js'
import type { Station } from '../../faults/stations.js'
import type { Injection, World, Worlds } from '../../faults/world.js'
import type { Bench, Plug } from './bench.js'
import { connectRpc, type RpcClient } from './rpc.js'
import { dataDir, issueToken, processes, property, unit } from './service.js'
import { eventually, output } from './shell.js'

const day = 86_400
const execute = promisify(execFile)
const options = 'rates=5,10'
const plugs: Plug[] = [
  { port: 0, serial: 'SN1001', options: `badge=red ${options}` },
  { port: 1, serial: 'SN0002', options: `badge=blue ${options}` },
]
const twin: Plug = { port: 3, serial: 'SN1001', options: `badge=red ${options}` }
const topics = ['recording.stop', 'recording.error']

/** The data directory on a disk of its own, which a fault can fill. */
export async function mountData(): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  await output('mount', ['-t', 'tmpfs', '-o', 'size=120m,mode=755', 'tmpfs', dataDir])
}

/** The installed service with two cameras. It runs on from one fault to the next. */
export async function openVirtualMachine(bench: Bench): Promise<Worlds & { stations: readonly Station[] }> {
  for (const plug of plugs) await bench.plug(plug)
  const token = await eventually('a token', () => issueToken('admin'), { seconds: 60 })
  let client: RpcClient
  let isServing = false
  const earlier: RpcClient['notifications'] = []
  const connect = async () => {
    client = await eventually('the WebSocket', () => connectRpc('ws://127.0.0.1:8002/ws'), { seconds: 90 })
    await client.call('authenticate', { auth_token: token })
    await client.call('subscribe_events', { topics })
    isServing = true
  }
  await connect()
  const call = <Result>(method: string, params = {}) => client.call<Result>(method, params, { seconds: 90 })
  const cameras = async () => {
    const { cameras: all } = await call<{ cameras: { device: string; status: string }[] }>('get_camera_list')
    return all.filter(({ status }) => status === 'CONNECTED').map(({ device }) => device)
  }
  const reconnect = async () => {
    isServing = false
    earlier.push(...client.notifications)
    client.close()
    await connect()
  }

  const pid = async (isIt: RegExp) => {
    const found = (await processes()).find((line) => isIt.test(line))
    return Number.parseInt(found ?? '', 10)
  }
  const kill = (signal: string, id: number | string) => output('kill', [`-${signal}`, String(id)])
  const inMounts = async (...command: string[]) =>
    output('nsenter', ['-t', await property('MainPID'), '-m', ...command])
  const [front] = plugs
  const unplug = () => bench.unplug(0)
  /** ms that the clock was set since the last fault. */
  let stepped = 0
  const steps = (seconds: number): Injection => ({
    begin: async () => {
      stepped += seconds * 1_000
      await output('date', ['-s', `@${Math.round(Date.now() / 1_000) + seconds}`])
    },
  })
  /** A service that systemd has to start again. */
  const restarted = (signal: string): Injection => ({
    begin: async () => {
      const before = await property('MainPID')
      isServing = false
      await kill(signal, before)
      await eventually('the restart by systemd', async () => ![before, '0'].includes(await property('MainPID')), {
        seconds: 120,
      })
      await reconnect()
    },
  })
  const injections: Partial<Record<FaultName, Injection>> = {
    unplugged: { begin: unplug, finish: () => bench.plug(plugs[0] as Plug) },
    unpluggedLong: { begin: unplug, finish: () => bench.plug(plugs[0] as Plug) },
    otherPort: {
      begin: unplug,
      async finish() {
        await bench.plug({ ...(front as Plug), port: 2 })
      },
    },
    twinPlugged: { begin: () => bench.plug(twin), finish: () => bench.unplug(twin.port) },
    cameraHangs: { begin: () => bench.pause(0), finish: () => bench.resume(0) },
    ffmpegKilled: {
      begin: async () => void (await kill('KILL', await pid(/ffmpeg .*camera0/))),
    },
    serverKilled: {
      begin: async () => void (await kill('KILL', await pid(/(mediamtx|simulator\.js) .*mediamtx\.yml/))),
    },
    diskFull: {
      begin: async () => {
        await execute('sh', ['-c', `dd if=/dev/zero of=${dataDir}/filler bs=64k 2>/dev/null || true`])
      },
      finish: () => rm(`${dataDir}/filler`, { force: true }),
    },
    // On top of it, because files are open for writing; among the mounts of the service, which has its own.
    readOnly: {
      begin: async () => {
        await inMounts('mount', '--bind', dataDir, dataDir)
        await inMounts('mount', '-o', 'remount,bind,ro', dataDir)
      },
      finish: async () => void (await inMounts('umount', '-l', dataDir)),
    },
    clockForward: steps(day),
    clockBack: steps(-day),
    serviceKilled: restarted('KILL'),
    serviceRestarted: {
      begin: async () => {
        isServing = false
        await output('systemctl', ['restart', unit], { seconds: 90 })
        await reconnect()
      },
    },
    serviceHangs: restarted('STOP'),
  }

  const open = async (): Promise<World> => {
    const names = await eventually(
      'two connected cameras',
      async () => {
        const found = await cameras()
        return found.length === 2 && found
      },
      { seconds: 90 },
    )
    stepped = 0
    const api = apiClient({
      call,
      notifications: () => [...earlier, ...client.notifications],
      recordingsDir: () => `${dataDir}/recordings`,
      isServing: () => isServing,
      countsFrames: true,
      mediaOf,
    })
    return {
      cameras: names,
      faults: injections,
      now: () => performance.now(),
      pass: (ms) => delay(ms),
      ...api,
      async stop(camera) {
        const ended = await api.stop(camera)
        return { ...ended, span: ended.span - stepped }
      },
      leftovers: async () => ({ processes: (await processes()).length }),
      async end() {
        for (const device of names) await call('stop_recording', { device }).catch(() => {})
        // The camera is in its first port again.
        const moved = bench.plugged().find(({ port }) => port === 2)
        if (moved) {
          await bench.unplug(2)
          await eventually('the loss of the camera', async () => (await cameras()).length === 1, { seconds: 30 })
          await bench.plug(plugs[0] as Plug)
        }
      },
    }
  }
  return {
    name: 'virtual machine',
    can: Object.keys(injections) as FaultName[],
    // An emulated processor encodes one camera at a time.
    stations: ['recording', 'idle'],
    open,
    // Each look costs the emulated processor a tenth of a second.
    every: 2_000,
    // An undisturbed recording has its first frame three seconds after its start.
    slack: 4_000,
    limit: 120_000,
  }
}

/** ms that a player finds in the file. The cameras change their rate, so frames do not tell. */
async function mediaOf(file: string): Promise<number> {
  const args = ['-v', 'error', '-show_entries', 'packet=pts_time,duration_time', '-of', 'csv=p=0', file]
  const { stdout } = await execute('ffprobe', args, { maxBuffer: 2 ** 26 }).catch(() => ({ stdout: '' }))
  const last = stdout.trim().split('\n').at(-1) ?? ''
  const [at = 0, length = 0] = last.split(',').map(Number)
  return Number.isNaN(at) ? 0 : (at + (Number.isNaN(length) ? 0 : length)) * 1_000
}
