import type { Part } from '../part.js'
import { cpuOf } from '../processes.js'
import { type Bench, benchService } from '../service.js'
import { figure, median } from '../timing.js'
import { requestRate } from './rate.js'

const rounds = 5
const seconds = 2
const connections = 100
/** ms until a stream that was started has a still. */
const settling = 1_500
const device = 'camera0'

/** What a service does in a second, and µs of its processor time for each. */
interface Throughput {
  perSecond: number
  cpu: number
}

const work: Record<string, (bench: Bench) => Promise<Throughput>> = {
  get_camera_status: (bench) => requestRate(bench, 'get_camera_status', seconds, connections),
  'take_snapshot, live': snapshots,
}

export const journal: Part = {
  name: 'journal',
  title: 'Cost of the journal',
  text: `A service with its journal and one without take turns: medians of ${rounds}. Look-ups change no state; a snapshot
makes a dozen entries. ${connections} connections with 8 requests in flight; snapshots one after the other. Processor
time in µs of the service, for each.`,
  async measure() {
    const on = await benchService({ kind: 'embedded', cameras: 1 })
    const off = await benchService({ kind: 'embedded', cameras: 1, journal: false }).catch(async (error: unknown) => {
      await on.stop()
      throw error
    })
    const rows: (string | number)[][] = []
    const figures: Record<string, number> = {}
    try {
      for (const [name, measure] of Object.entries(work)) {
        const measured = { on: [] as Throughput[], off: [] as Throughput[] }
        // The first round of each is not measured: the compiler works.
        for (let round = -1; round < rounds; round += 1) {
          const [first, second] = [await measure(on), await measure(off)]
          if (round < 0) continue
          measured.on.push(first)
          measured.off.push(second)
        }
        const of = (all: Throughput[], key: keyof Throughput) => median(all.map((each) => each[key]))
        const share = of(measured.on, 'perSecond') / of(measured.off, 'perSecond')
        figures[`journal, ${name}: rate with / without`] = share
        rows.push([
          name,
          ...[of(measured.off, 'perSecond'), of(measured.on, 'perSecond')].map(figure),
          `${Math.round(100 * share)} %`,
          ...[of(measured.off, 'cpu'), of(measured.on, 'cpu')].map(figure),
        ])
      }
    } finally {
      await Promise.all([on.stop(), off.stop()])
    }
    const head = ['What', 'a second: without', 'with', 'share', 'CPU: without', 'CPU: with']
    return { tables: [{ head, rows }], figures }
  },
}

/** Snapshots of the live stream, one after the other. */
async function snapshots({ call, pid, untilAsleep }: Bench): Promise<Throughput> {
  await call('start_streaming', { device })
  await new Promise((resolve) => setTimeout(resolve, settling))
  const cpu = cpuOf(pid)
  const begun = performance.now()
  let taken = 0
  while (performance.now() < begun + seconds * 1_000) {
    await call('take_snapshot', { device, max_age: 3 })
    taken += 1
  }
  const took = performance.now() - begun
  const used = cpuOf(pid) - cpu
  await call('stop_streaming', { device })
  await untilAsleep()
  return { perSecond: (taken * 1_000) / took, cpu: (used * 1_000) / taken }
}
