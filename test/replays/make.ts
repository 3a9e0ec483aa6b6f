/** `make replays`: writes the incidents of this folder again, on the simulated host, after a change of the charts. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fingerprintOf } from '../../actors/fingerprint.js'
import { version } from '../../app.js'
import { bundleFormat } from '../../machines/domain/bundle.js'
import { fleetMachine } from '../../machines/fleet.js'
import { type FaultName, faults, type Source } from '../faults/faults.js'
import { type SimulatedWorld, traced } from '../faults/simulated/world.js'

type Story = (world: SimulatedWorld) => Promise<unknown>

/** A recording during a fault. */
const during =
  (fault: FaultName): Story =>
  async (world) => {
    await world.record('camera0')
    await world.pass(1_000)
    await world.faults[fault]?.begin(first)
    await world.pass(Math.max(faults[fault].lasts, 1_500))
    await world.faults[fault]?.finish?.(first)
    await world.pass(fault === 'serverHangs' ? 15_000 : 4_000)
  }

const first = ['camera0']

/** A camera comes back, and the media server refuses its path. The next time it takes it. */
const refusedPath: Story = async ({ faults: { unplugged }, host, pass }) => {
  host.refused.add('camera0')
  for (const isRefused of [true, false]) {
    await unplugged?.begin(first)
    await pass(1_000)
    await unplugged?.finish?.(first)
    await pass(4_000)
    demand(host.paths.has('camera0') === !isRefused, `the path is ${isRefused ? 'refused' : 'there'}`)
    host.refused.clear()
  }
}

/** Somebody watches with a token, which ends. */
const expiredToken: Story = async ({ actors, host, pass }) => {
  host.viewers.add('viewer1')
  const question = {
    ...{ action: 'read', path: 'camera0', protocol: 'rtsp', id: 'viewer1', ip: '10.0.0.9', userAgent: 'VLC' },
    ...{ user: '', password: '', token: 'a token', query: '' },
  }
  demand(await actors.streamAccess.mayPass(question), 'the viewer is admitted')
  await pass(3_000)
  demand(host.viewers.has('viewer1'), 'the viewer watches')
  await pass(5_000)
  demand(!host.viewers.has('viewer1'), 'the viewer was kicked')
}

/** A client changes the frame size of a camera that is recorded. */
const changedConfiguration: Story = async (world) => {
  await world.record('camera0')
  await world.pass(1_500)
  const cameras = [{ name: 'front', source: 'usb:SN0', size: '320x240' }]
  const by = { user: 'ann', request: 'r1', session: 'test' }
  const { changes } = await world.actors.configuration.set({ cameras }, by)
  demand(changes.length === 1, 'the camera was changed')
  await world.pass(4_000)
}

const demand = (holds: boolean, what: string) => {
  if (!holds) throw new Error(`the incident did not come about: ${what}`)
}

/** The run of the service that is kept: the last one. */
const incidents: Record<string, { story: Story; source?: Source; text?: string }> = {
  'unplug-during-recording': { story: during('unplugged') },
  'media-server-killed': { story: during('serverKilled') },
  twins: { story: during('twinPlugged') },
  'disk-full': { story: during('diskFull') },
  'stalled-camera': { story: during('cameraHangs') },
  'failed-probe': { story: during('deviceDenied') },
  'service-restart': { story: during('serviceRestarted') },
  'network-camera-away': { story: during('sourceAway'), source: 'network' },
  'clock-set-back': { story: during('clockBack') },
  'media-server-hangs': { story: during('serverHangs') },
  'refused-path': { story: refusedPath },
  'expired-token-of-viewer': { story: expiredToken },
  'configuration-change': { story: changedConfiguration, text: 'logging:\n  level: warn\n' },
}

async function record({ story, source = 'captured', text }: (typeof incidents)[string]): Promise<string[]> {
  const traces: string[][] = []
  const tracing = { maxSize: 1e8, chunkSize: 1e8, ended: (lines: string[]) => void traces.push(lines) }
  const world = await traced(tracing, 1, text).open(source, 1)
  try {
    await story(world)
  } finally {
    await world.end()
  }
  return traces.at(-1) ?? []
}

const folder = new URL('./', import.meta.url).pathname
mkdirSync(folder, { recursive: true })
for (const [name, incident] of Object.entries(incidents)) {
  const head = [{ format: bundleFormat, service: version, charts: fingerprintOf(fleetMachine) }, { section: 'trace' }]
  const lines = [...head.map((line) => JSON.stringify(line)), ...(await record(incident))]
  writeFileSync(`${folder}${name}.jsonl`, `${lines.join('\n')}\n`)
}
process.exit(0)
