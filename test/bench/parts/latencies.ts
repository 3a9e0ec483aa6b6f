import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from '../part.js'
import { type Bench, benchService, type Kind, kinds } from '../service.js'
import { figure, median, type Timing, timed } from '../timing.js'

/** ms from keyframe to keyframe of the virtual camera. */
const gop = 1_000

/** Runs of an operation that waits for a keyframe: with fewer, the median says more of their luck than of the service. */
const many = 24

/** What one kind of operation costs. CPU in ms and processes per operation. */
interface Cost {
  timing: Timing
  service: number
  children: number
  spawns: number
}

const names = {
  asleep: 'snapshot, asleep: ffmpeg reads the device (tier 1)',
  still: 'snapshot, live: still of the stream, at most 3 s old (tier 2)',
  fresh: 'snapshot, live: next keyframe (tier 2, max_age 0)',
  startAsleep: 'start_recording, asleep: to bytes on disk',
  startLive: 'start_recording, live: to bytes on disk',
  stop: 'stop_recording: files are final',
  stream: 'start_streaming, asleep: to the live stream',
  status: 'get_camera_status',
} as const
type Name = keyof typeof names

export const latencies: Part = {
  name: 'latencies',
  title: 'Latencies and cost of operations',
  text: `As a client sees them, in ms. On a live stream, operations begin at moments that are spread over the time between
two keyframes (1 s). Processor time (ms, in steps of 10 over all runs) is of one operation: of the service; of all that
it started, media server and pipeline included, which for a live stream also encode the stream. Processes: started for
one operation, counted in a run of its own with the embedded media server.`,
  async measure() {
    const all: [Kind, string, Record<Name, Cost>][] = []
    for (const kind of kinds()) {
      const bench = await benchService({ kind, cameras: 1 })
      try {
        const server = kind === 'embedded' ? 'embedded' : `MediaMTX ${bench.version()}`
        all.push([kind, server, await operations(bench, 8, many)])
      } finally {
        await bench.stop()
      }
    }
    const counting = await benchService({ kind: 'embedded', cameras: 1, countSpawns: true })
    const counted = await operations(counting, 2, 2).finally(counting.stop)
    const one = await timed(8, oneFrame)
    return {
      tables: [
        {
          head: ['What', 'Media server', 'runs', 'median', 'worst', 'CPU: service', 'CPU: children', 'processes'],
          rows: [
            ['(ffmpeg alone: one picture of the test source)', '', ...timeCells(one), '', '', 1],
            ...all.flatMap(([, server, costs]) =>
              keys(costs).map((name) => [
                names[name],
                server,
                ...timeCells(costs[name].timing),
                figure(costs[name].service),
                figure(costs[name].children),
                figure(counted[name].spawns).replace('.00', ''),
              ]),
            ),
          ],
        },
      ],
      figures: Object.fromEntries(
        all.flatMap(([kind, , costs]) => {
          const at = (name: Name) => median(costs[name].timing)
          return [
            [`snapshot asleep, ${kind}: ms`, at('asleep')],
            [`snapshot asleep, ${kind}: time / ffmpeg alone`, at('asleep') / median(one)],
            [`snapshot live, ${kind}: ms`, at('still')],
            [`snapshot max_age 0, ${kind}: time / GOP`, at('fresh') / gop],
            [`start_recording asleep, ${kind}: ms`, at('startAsleep')],
            [`start_recording live, ${kind}: time / GOP`, at('startLive') / gop],
            [`start_recording live, ${kind}: worst ms`, Math.max(...costs.startLive.timing)],
            [`stop_recording, ${kind}: ms`, at('stop')],
            [`snapshot asleep, ${kind}: processes`, counted.asleep.spawns],
            [`snapshot live, ${kind}: processes`, counted.still.spawns],
          ]
        }),
      ),
    }
  },
}

const keys = (costs: Record<Name, Cost>) => Object.keys(costs) as Name[]
const timeCells = (timing: Timing) => [timing.length, figure(median(timing)), figure(Math.max(...timing))]

async function operations(bench: Bench, runs: number, waiting: number): Promise<Record<Name, Cost>> {
  const { call, untilAsleep } = bench
  const device = 'camera0'
  const cost = async (act: () => Promise<unknown>, count: number, around: Parameters<typeof timed>[2] = {}) => {
    const total = { service: 0, children: 0, spawns: 0 }
    let before = { service: 0, children: 0, spawns: 0 }
    const now = () => ({ ...bench.cpu(), spawns: bench.spawns() })
    // Reading these takes some ms, so it is outside of the time.
    const timing = await timed(count, act, {
      async before(run) {
        await around.before?.(run)
        before = now()
      },
      async after() {
        const used = now()
        for (const name of ['service', 'children', 'spawns'] as const) total[name] += used[name] - before[name]
        await around.after?.()
      },
    })
    const per = (sum: number) => sum / count
    return { timing, service: per(total.service), children: per(total.children), spawns: per(total.spawns) }
  }
  /** Each run begins in another part of the time between two keyframes. */
  const phases = (count: number) => ({ before: (run: number) => sleep(gop + (gop * (run + Math.random())) / count) })
  const snapshot = (params = {}) => call('take_snapshot', { device, ...params })
  const start = () => call('start_recording', { device })
  const stop = () => call('stop_recording', { device })

  const asleep = await cost(snapshot, runs)
  const startAsleep = await cost(start, runs / 2, {
    after: async () => {
      await stop()
      await untilAsleep()
    },
  })
  await call('start_streaming', { device })
  const startLive = await cost(start, waiting, { ...phases(waiting), after: stop })
  const stopping = await cost(stop, runs, {
    before: async () => {
      // If it is done again, the recording may still run.
      await start().catch(() => {})
      await sleep(gop)
    },
  })
  const still = await cost(() => snapshot({ max_age: 3 }), runs)
  const fresh = await cost(() => snapshot({ max_age: 0 }), waiting, phases(waiting))
  await call('stop_streaming', { device })
  await untilAsleep()
  const stream = await cost(() => call('start_streaming', { device }), runs / 2, {
    after: async () => {
      await call('stop_streaming', { device })
      await untilAsleep()
    },
  })
  const status = await cost(() => call('get_camera_status', { device }), runs * 25)
  return { asleep, still, fresh, startAsleep, startLive, stop: stopping, stream, status }
}

/** One JPEG of a source like the virtual camera's, by ffmpeg and nothing else. */
async function oneFrame(): Promise<void> {
  const source = 'testsrc2=size=1280x720:rate=30'
  const words = ['-v', 'error', '-f', 'lavfi', '-i', source, '-frames:v', '1', '-f', 'mjpeg', 'pipe:1']
  const child = spawn('ffmpeg', words, { stdio: ['ignore', 'ignore', 'inherit'] })
  await once(child, 'exit')
}
