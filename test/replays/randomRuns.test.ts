import { expect } from 'chai'
import type { TraceRecord } from '../../actors/trace/records.js'
import { replay } from '../../actors/trace/replay.js'
import { createPlaceholders } from '../../machines/domain/placeholders.js'
import { fleetMachine } from '../../machines/fleet.js'
import { traced, yardPassword } from '../faults/simulated/world.js'
import { soak } from '../faults/soak.js'

/** `make test-replays RUNS=1000` does more. */
const runs = Number(process.env.RUNS || 8)
const first = Number(process.env.SEED || 1)

/** Chunks of several sizes: a trace may begin with the start of the service, or with a checkpoint of it. */
const sizes = [
  { chunkSize: 60_000, maxSize: 20_000 },
  { chunkSize: 30_000, maxSize: 2_000_000 },
  { chunkSize: 1_000_000, maxSize: 2_000_000 },
]

describe('random runs with faults, on a simulated host, are replayed', () => {
  for (let seed = first; seed < first + runs; seed += 1)
    it(`to the same states: seed ${seed}`, async () => {
      const traces: string[][] = []
      const size = sizes[seed % sizes.length] ?? { chunkSize: 0, maxSize: 0 }
      let bursts = 0
      await soak(traced({ ...size, ended: (lines) => void traces.push(lines) }, 1 + (seed % 3)), {
        seed,
        source: seed % 4 === 0 ? 'network' : 'captured',
        isOver: () => bursts++ >= 1,
        quiet: 3_000,
        most: 5,
      })
      expect(traces).not.to.deep.equal([])
      for (const lines of traces) {
        const records = lines.map((line) => JSON.parse(line) as TraceRecord)
        const { difference, events, checkpoints } = replay(fleetMachine, records)
        expect(difference, difference?.what).to.equal(undefined)
        expect(events).to.equal(records.filter((record) => 'event' in record).length)
        expect(checkpoints).to.be.greaterThan(0)
        const { value } = createPlaceholders([])
        const masked = records.map((record) => value(record) as TraceRecord)
        expect(JSON.stringify(masked)).not.to.contain(yardPassword)
        expect(replay(fleetMachine, masked).difference).to.equal(undefined)
      }
    })
})
