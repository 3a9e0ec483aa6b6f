/** Situations for docs/explain.md: each leads a simulated host into a state that a person may ask about. */
import { type ExplainResult, explanationText } from '../../commands/explanationText.js'
import type { Call } from '../../rpc/method.js'
import { explain as explainMethod } from '../../rpc/methods/history.js'
import type { Unit } from './simulated/host.js'
import { type SimulatedWorld, simulated } from './simulated/world.js'

export interface Situation {
  title: string
  /** Default: cameras that the service captures. */
  source?: 'captured' | 'network'
  /** Default: 2. */
  cameras?: number
  /** Changes the cameras before the service starts. */
  prepare?(units: Map<string, Unit>): void
  /** Leads the host into the situation. */
  lead(world: SimulatedWorld): Promise<unknown>
  /** Params of `explain`. Default: the camera camera0. */
  ask?: Record<string, string>
}

const first = ['camera0']
const recording = { recording: 'camera0' }
const component = (name: 'mediamtx' | 'storage' | 'discovery') => ({ component: name })

const replug = async ({ faults, pass }: SimulatedWorld) => {
  await faults.unplugged?.begin(first)
  await pass(1_000)
  await faults.unplugged?.finish?.(first)
  await pass(2_800)
}

export const situations: readonly Situation[] = [
  {
    title: 'A camera was unplugged',
    async lead(world) {
      await world.faults.unplugged?.begin(first)
      await world.pass(2_000)
    },
  },
  {
    title: 'Another program uses the camera',
    async lead(world) {
      await world.faults.deviceBusy?.begin(first)
      await world.pass(1_000)
      await world.hold('camera0').catch(() => {})
    },
  },
  {
    title: 'The disk is full',
    async lead(world) {
      await world.faults.diskFull?.begin([])
      await world.pass(8_000)
    },
    ask: component('storage'),
  },
  {
    title: 'The media server is gone',
    async lead(world) {
      await world.faults.serverGone?.begin([])
      await world.pass(8_000)
    },
    ask: component('mediamtx'),
  },
  {
    title: 'The media server hangs',
    async lead(world) {
      await world.faults.serverHangs?.begin([])
      await world.pass(6_000)
    },
    ask: component('mediamtx'),
  },
  {
    title: 'A camera delivers no frames while it is recorded',
    async lead(world) {
      await world.record('camera0')
      await world.pass(3_000)
      await world.faults.cameraHangs?.begin(first)
      await world.pass(4_000)
    },
    ask: recording,
  },
  {
    title: 'A recording waits for its camera',
    async lead(world) {
      await world.record('camera0')
      await world.pass(3_000)
      await world.faults.unplugged?.begin(first)
      await world.pass(3_000)
    },
    ask: recording,
  },
  {
    title: 'A recording continues after its ffmpeg was killed',
    async lead(world) {
      await world.record('camera0')
      await world.pass(3_000)
      await world.faults.ffmpegKilled?.begin(first)
      await world.pass(5_000)
    },
    ask: recording,
  },
  {
    title: 'A recording continues after the service was killed',
    async lead(world) {
      await world.record('camera0')
      await world.pass(3_000)
      await world.faults.serviceKilled?.begin([])
      await world.pass(2_000)
      await world.faults.serviceKilled?.finish?.([])
      await world.pass(5_000)
    },
    ask: recording,
  },
  {
    title: 'The media server is back after it was killed',
    async lead(world) {
      await world.faults.serverKilled?.begin([])
      await world.pass(10_000)
    },
    ask: component('mediamtx'),
  },
  {
    title: 'A recording waits for space',
    async lead(world) {
      await world.record('camera0')
      await world.pass(3_000)
      await world.faults.diskFull?.begin([])
      await world.pass(8_000)
    },
    ask: recording,
  },
  {
    title: 'Two cameras report the same serial',
    prepare(units) {
      for (const { device } of units.values()) Object.assign(device, { serial: 'SN0' })
    },
    lead: (world) => world.pass(1_000),
  },
  {
    title: 'The media server refuses the path of a camera',
    async lead(world) {
      world.host.refused.add('camera0')
      await replug(world)
    },
  },
  {
    title: 'A camera cannot be probed',
    async lead(world) {
      world.host.unitOf('camera0').isDenied = true
      await replug(world)
    },
  },
  {
    title: 'A camera drains: its recording is being closed',
    async lead(world) {
      await world.record('camera0')
      await world.pass(3_000)
      await world.faults.serverHangs?.begin([])
      await world.faults.unplugged?.begin(first)
      await world.pass(1_000)
    },
  },
  {
    title: 'A camera flaps',
    async lead(world) {
      for (let round = 0; round < 5; round += 1) {
        await world.faults.unplugged?.begin(first)
        await world.pass(5_000)
        await world.faults.unplugged?.finish?.(first)
        await world.pass(60_000)
      }
      await world.faults.unplugged?.begin(first)
      await world.pass(1_000)
    },
  },
]

/** Returns docs/explain.md, with the output of `camera-service explain` in each situation. */
export async function explainPage(): Promise<string> {
  const sections: string[] = []
  for (const situation of situations) sections.push(await sectionOf(situation))
  return [...introduction, ...sections].join('\n')
}

/** What `explain` returns in a situation. */
export async function explanationOf({ source = 'captured', cameras = 2, prepare, lead, ask }: Situation) {
  const world = await simulated.open(source, cameras, { ...(prepare && { prepare }) })
  try {
    await lead(world)
    const services = { explain: world.actors.explain } as Call['services']
    const call = { services, caller: undefined } as unknown as Call
    return explainMethod.handler(ask ?? { device: 'camera0' }, call) as ExplainResult
  } finally {
    await world.end()
  }
}

async function sectionOf(situation: Situation): Promise<string> {
  const result = await explanationOf(situation)
  const [[name = '', of = ''] = []] = Object.entries(situation.ask ?? { device: 'camera0' })
  const words = name === 'recording' ? `recording ${of}` : of
  const output = explanationText(result)
  return [`## ${situation.title}`, '', '```', `$ camera-service explain ${words}`, output, '```', ''].join('\n')
}

const introduction = [
  '# Why: the explanations of the service',
  '',
  'Generated by `make docs` from `test/faults/situations.ts`: the output of `camera-service explain` on a simulated host.',
  '',
  'The method `explain` returns the same as JSON, `get_history` the whole journal. Each line under "causes" is an entry',
  'of the journal, with its number; the first is the latest change of the state, and each follows from the next. "before"',
  'is what was before that: how a state began that lasts, or the fault that a good state followed. `since` is the time',
  'from which the state counts: of an interruption the last good frame, which may be earlier than all entries.',
  '',
]
