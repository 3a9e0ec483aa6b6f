/** `make soak SECONDS=60 SEED=1`: random faults on the simulated host; writes docs/reliability.md if SECONDS ≥ 600. */
import { faults } from './faults.js'
import { simulated } from './simulated/world.js'
import { soak } from './soak.js'
import { writeSection } from './table.js'

const limit = Number(process.env.SECONDS ?? 60) * 1_000
const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 31))
/** A long run is worth writing down. */
const worthWriting = 600_000
const now = () => Number(process.hrtime.bigint()) / 1e6
const memory = () => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

const lines: string[] = []
let broken = 0
let caused = 0
for (const source of ['captured', 'network'] as const) {
  const began = now()
  const before = memory()
  const share = source === 'captured' ? 0.8 : 0.2
  const result = await soak(simulated, { seed, source, heap: memory, isOver: () => now() - began > limit * share })
  const count = Object.values(result.caused).reduce((sum, each) => sum + each, 0)
  const took = (now() - began) / 1_000
  broken += result.broken.length
  caused += count
  const figures = [source, String(result.bursts), String(count), String(Math.round((count / took) * 60))]
  const grown = `${before.toFixed(0)} → ${memory().toFixed(0)} MB`
  lines.push(`| ${[...figures, grown, String(result.broken.length)].join(' | ')} |`)
  console.log(
    `seed ${seed}, ${source} cameras: ${count} faults in ${result.bursts} bursts, ${took.toFixed(0)} s, heap ${grown}`,
  )
  console.log(`  heap: ${result.heap.map((mb) => mb.toFixed(1)).join(' ')}`)
  console.log(`  at rest: ${JSON.stringify(result.last)}`)
  for (const what of result.broken) console.log(`  ${what}`)
  for (const [name, times] of Object.entries(result.caused))
    console.log(`    ${times} × ${faults[name as keyof typeof faults].what}`)
}
if (limit >= worthWriting && broken === 0) {
  const head = ['cameras', 'bursts', 'faults', 'faults a minute', 'heap', 'broken promises']
  const table = [`| ${head.join(' | ')} |`, `| ${head.map(() => '---').join(' | ')} |`, ...lines]
  writeSection('soak', `${limit / 60_000} minutes, seed ${seed}:\n\n${table.join('\n')}`)
}
const promises = broken === 1 ? '1 promise was' : `${broken === 0 ? 'no' : broken} promises were`
console.log(`${promises} broken by ${caused} faults`)
process.exit(broken === 0 ? 0 : 1)
