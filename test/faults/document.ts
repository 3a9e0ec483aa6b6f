/** Writes the sections of docs/reliability.md that need no real processes. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runFault } from './engine.js'
import { faults } from './faults.js'
import { type Rows, tableOf } from './rows.js'
import { simulated } from './simulated/world.js'
import { explainPage } from './situations.js'
import { writeSection } from './table.js'

const rows: Rows = {}
for (const name of simulated.can) rows[name] = await runFault(simulated, name)
writeSection('simulated host', tableOf(rows))
writeFileSync(fileURLToPath(new URL('../../docs/explain.md', import.meta.url)), await explainPage())
const exceptions = Object.values(faults).flatMap(({ what, because, mayLose }) =>
  because === undefined ? [] : [`- ${what}: up to ${mayLose / 1_000} s, because ${because}.`],
)
writeSection('exceptions', exceptions.join('\n'))
process.exit()
