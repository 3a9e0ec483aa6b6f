/** Steps of the scenario with cameras that offer other formats than usual: on two nodes, or other ones after a replug. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Bench, nodesOfPort, type Plug } from './guest/bench.js'
import type { PictureFacts } from './guest/picture.js'
import type { RpcClient } from './guest/rpc.js'
import { encoders } from './guest/service.js'
import { assert, eventually, output } from './guest/shell.js'
import type { Steps } from './guest/steps.js'

interface Capabilities {
  modes: { format: string; resolution: string }[]
}
interface Camera {
  device: string
  status: string
  pipeline?: { kind: string; source_format: string; reason: string }
}

/** What the scenario has: these steps run among its own. */
export interface Scenario {
  step: Steps['step']
  bench: Bench
  client(): RpcClient
  /** Both cameras of the scenario, and no other. */
  arrangeBoth(): Promise<string[]>
  arrange(...plugs: Plug[]): Promise<string[]>
  photograph(device: string): Promise<{ snapshot: { tier: number }; picture: PictureFacts }>
  recordingFile(filename: string): Promise<string>
  playedSeconds(files: string[]): Promise<number>
}

const port = 2
const usual = 'badge=red rates=5,10'
const twoNodes: Plug = { port, serial: 'SN2002', options: `model=Two_Nodes second=h264 ${usual}` }
/** Offers what its input has at the moment. */
const grabber = (formats: string): Plug => ({ port, serial: 'SN3003', options: `model=Grabber ${formats} ${usual}` })

export const formatSteps = async (scenario: Scenario): Promise<void> => {
  const { step, bench, client, arrangeBoth, arrange, photograph, recordingFile, playedSeconds } = scenario

  const allDevices = async () =>
    (await client().call<{ cameras: Camera[] }>('get_camera_list')).cameras.map(({ device }) => device)

  /** Each format with its sizes: `MJPG 640x360 320x180`. */
  const offerOf = async (device: string) => {
    const { modes } = await client().call<Capabilities>('get_camera_capabilities', { device })
    const formats = [...new Set(modes.map(({ format }) => format))]
    return formats
      .map((name) => [name, ...modes.filter(({ format }) => format === name).map(({ resolution }) => resolution)])
      .map((words) => words.join(' '))
      .sort()
      .join(', ')
  }
  const offers = async (device: string, wanted: string) => {
    await eventually(`${device} to offer ${wanted}`, async () => {
      const { status } = await client().call<Camera>('get_camera_status', { device })
      const offer = status === 'CONNECTED' ? await offerOf(device) : status
      if (offer !== wanted) throw new Error(offer)
      return true
    })
  }
  /** Records for some seconds; `during`: what to look at meanwhile. */
  const record = async (device: string, during: () => Promise<void> = async () => {}) => {
    await client().call('start_recording', { device }, { seconds: 40 })
    await Promise.all([delay(4000), during()])
    const { files: names } = await client().call<{ files: string[] }>('stop_recording', { device })
    const files = await Promise.all(names.map(recordingFile))
    const played = await playedSeconds(files)
    assert(played >= 3, `${played} s were recorded`)
    const entries = ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0:s=x']
    const size = (await output('ffprobe', [...entries, files[0] ?? ''])).trim()
    return { played, size }
  }

  await step('a camera with two capture nodes: one id, the formats of both, H.264 copied from the second', async () => {
    const others = await arrangeBoth()
    const base = bench.plugged()
    const before = await allDevices()
    const plugged = await arrange(...base, twoNodes)
    const [device, ...more] = plugged.filter((each) => !others.includes(each))
    assert(device !== undefined && more.length === 0, `the new cameras are ${device} ${more.join(' ')}`)
    const both = 'H264 640x360 320x180, MJPG 640x360 320x180, YUYV 640x360 320x180'
    await offers(device, both)
    const nodes = await nodesOfPort(port)
    assert(nodes.length === 4, `the kernel made ${nodes.length} nodes`) // each with one for metadata
    const { pipeline } = await client().call<Camera>('get_camera_status', { device })
    assert(
      pipeline?.kind === 'copy' && pipeline.source_format === 'H264',
      `the pipeline is ${JSON.stringify(pipeline)}`,
    )

    const { snapshot, picture } = await photograph(device)
    assert(picture.badge === 'red' && picture.width === 640, `the picture is ${JSON.stringify(picture)}`)
    assert(snapshot.tier === 0, `the snapshot came by tier ${snapshot.tier}`)
    const { played, size } = await record(device, async () => {
      const command = await eventually('the encoder', async () => (await encoders())[0])
      assert(command.includes(`-i ${nodes[2]} `) && / copy /.test(command), `the stream comes from ${command}`)
    })
    assert(size === '640x360', `the recording is ${size}`)

    await arrange(...base)
    const again = await arrange(...base, twoNodes)
    assert(again.includes(device), `it was ${device}, now the cameras are ${again.join(' ')}`)
    await offers(device, both)
    const ids = (await allDevices()).filter((each) => !before.includes(each))
    assert(ids.join() === device, `the new ids are ${ids.join(' ')}`)
    return `${device}: ${nodes.join(' ')}, tier ${snapshot.tier}, ${played.toFixed(1)} s play`
  })

  await step('a camera that returns with other formats: same id, picture and stream in the new ones', async () => {
    const others = await arrangeBoth()
    const base = bench.plugged()
    const isNew = (device: string) => !others.includes(device)
    const before = await allDevices()
    const [opening, ...later] = [
      {
        formats: 'formats=mjpg,h264 sizes=640x360',
        offer: 'H264 640x360, MJPG 640x360',
        stream: 'H264',
        size: '640x360',
      },
      {
        formats: 'formats=yuy2,h264 sizes=320x180',
        offer: 'H264 320x180, YUYV 320x180',
        stream: 'H264',
        size: '320x180',
      },
      { formats: 'formats=mjpg sizes=320x180', offer: 'MJPG 320x180', stream: 'MJPG', size: '320x180' },
    ] as const
    const [device] = (await arrange(...base, grabber(opening.formats))).filter(isNew)
    assert(device, 'no camera is new')
    const notes: string[] = []
    const look = async ({ offer, stream, size }: (typeof later)[number] | typeof opening) => {
      const start = performance.now()
      await offers(device, offer)
      const known = ((performance.now() - start) / 1000).toFixed(1)
      const { pipeline } = await client().call<Camera>('get_camera_status', { device })
      assert(pipeline?.source_format === stream, `the pipeline is ${JSON.stringify(pipeline)}`)
      const { snapshot, picture } = await photograph(device)
      assert(snapshot.tier === 0, `the snapshot came by tier ${snapshot.tier}`)
      assert(`${picture.width}x${picture.height}` === size, `the picture is ${picture.width}x${picture.height}`)
      notes.push(`${offer} after ${known} s, tier ${snapshot.tier}`)
    }
    await look(opening)
    for (const next of later) {
      // Without a pause, as a device does that enumerates again.
      await bench.unplug(port)
      await eventually('the port to be free', () => bench.plug(grabber(next.formats)).then(() => true))
      await look(next)
      const recorded = await record(device)
      assert(recorded.size === next.size, `the recording is ${recorded.size}`)
    }
    const ids = (await allDevices()).filter((each) => !before.includes(each) && each !== device)
    assert(ids.length === 0, `the new ids are ${device} ${ids.join(' ')}`)
    return `${device}: ${notes.join('; ')}`
  })
}
