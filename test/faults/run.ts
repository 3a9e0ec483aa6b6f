/**
 * `make test-faults`: causes every fault on real processes, and writes the tables of docs/reliability.md. FAULTS: only
 * these, separated by commas, and only their lines are written. RUNS: how often, for the medians. SERVER: only
 * `embedded` or `managed`.
 */

import { realVersion } from '../contract/mediaServer/servers.js'
import { broken, type Row, runFault, seconds } from './engine.js'
import { type FaultName, faults } from './faults.js'
import { medianRow, samplesOf } from './median.js'
import { processes } from './processes/world.js'
import { lossesOf, type Rows, tableOf } from './rows.js'
import { sectionOf, withLines, writeSection } from './table.js'

const only = process.env.FAULTS?.split(',')
const runs = Number(process.env.RUNS ?? 1)
/** ms: real processes on a busy host. */
const tolerance = 3_000
let failures = 0

const kinds = realVersion === undefined ? (['embedded'] as const) : (['embedded', 'managed'] as const)
for (const kind of kinds.filter((each) => !process.env.SERVER || each === process.env.SERVER)) {
  const worlds = processes(kind)
  const rows: Rows = {}
  const samples: Partial<Record<FaultName, number[]>> = {}
  for (const name of worlds.can.filter((each) => only === undefined || only.includes(each))) {
    const seen: Row[] = []
    for (let run = 0; run < runs; run++) {
      const row = await runFault(worlds, name).catch((error: unknown) => {
        console.log(`${kind}  ${faults[name].what}: ${error instanceof Error ? error.message : error}`)
        failures += 1
      })
      if (!row) continue
      seen.push(row)
      const wrong = broken(name, row, tolerance)
      failures += wrong.length
      const { outcome, took = 0, lost = 0 } = row.recording ?? {}
      console.log(`${kind}  ${faults[name].what}: recording ${outcome}, ${seconds(took)}, lost ${seconds(lost)}`)
      for (const what of wrong) console.log(`  ${what}`)
    }
    if (seen.length > 0) rows[name] = medianRow(seen)
    samples[name] = seen.flatMap((row) => samplesOf(row))
  }
  const section = kind === 'embedded' ? 'embedded media server' : 'MediaMTX'
  const measured = `${tableOf(rows)}\n\n${lossesOf(samples)}`
  writeSection(section, only === undefined ? measured : withLines(sectionOf(section), measured))
}
console.log(failures === 0 ? 'all faults ended as they should' : `${failures} promises broken`)
// The monitor of udev and the clients of the tests leave nothing open that matters.
process.exit(failures === 0 ? 0 : 1)
