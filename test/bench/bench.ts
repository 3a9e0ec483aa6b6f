/**
 * Measures the service on this machine, and writes docs/benchmarks.json, docs/benchmarks.md and its plots. Its arguments
 * are names of parts; without any, all but a day of use and other programs are measured. Figures of other parts are
 * kept.
 * `--check` only compares the kept figures with the budget: exit status 1 if a ratio is outside. `--page` only writes
 * the page again.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { formatted } from '../../docs/generate/formatted.js'
import { type Limit, overBudget } from './judge.js'
import { allFigures, pageOf } from './page.js'
import type { Figures, Part } from './part.js'
import { day } from './parts/day.js'
import { fanOuts } from './parts/fanOut.js'
import { idle } from './parts/idle.js'
import { journal } from './parts/journal.js'
import { latencies } from './parts/latencies.js'
import { peers } from './parts/peers.js'
import { rates } from './parts/rate.js'
import { recordings } from './parts/recordings.js'
import { recovery } from './parts/recovery.js'
import { sockets } from './parts/sockets.js'
import { start } from './parts/start.js'
import { weight } from './parts/weight.js'
import { plotOf } from './plot.js'

const parts: Part[] = [
  start,
  latencies,
  recovery,
  rates,
  journal,
  fanOuts,
  idle,
  sockets,
  day,
  recordings,
  weight,
  peers,
]
/** They take long. */
const onDemand = [day, peers]
const file = (path: string) => new URL(`../../docs/${path}`, import.meta.url)
const kept = file('benchmarks.json')

const names = process.argv.slice(2)
if (names.includes('--check')) process.exitCode = compare()
else if (names.includes('--page')) writePage(read<Figures>(kept, {}))
else {
  const unknown = names.filter((name) => !parts.some((part) => part.name === name))
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; parts: ${parts.map((each) => each.name)}`)
  for (const part of parts)
    if (names.length === 0 ? !onDemand.includes(part) : names.includes(part.name)) {
      // The figures of other parts are kept, and it can be measured again by itself.
      await run(part).catch((error) => {
        console.error(`${part.name} failed:`, error)
        process.exitCode = 1
      })
    }
  compare()
}

async function run(part: Part): Promise<void> {
  const before = loadavg()[0] ?? 0
  console.log(`${part.title}: load ${before.toFixed(1)}`)
  const measured = await part.measure()
  for (const { head, rows } of measured.tables)
    console.log([head, ...rows].map((cells) => `  ${cells.join('  ·  ')}`).join('\n'))
  const [cpu] = cpus()
  const model = cpu?.model.trim() ?? 'unknown CPU'
  const host = `${availableParallelism()} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  const load: [number, number] = [before, loadavg()[0] ?? 0]
  // Read again: another run may have written meanwhile.
  const figures = read<Figures>(kept, {})
  figures[part.name] = { at: new Date().toISOString(), host, load, ...measured }
  const inOrder = Object.fromEntries(parts.flatMap(({ name }) => (figures[name] ? [[name, figures[name]]] : [])))
  writeFileSync(kept, formatted('docs/benchmarks.json', JSON.stringify(inOrder)))
  writePage(inOrder)
}

function writePage(figures: Figures): void {
  mkdirSync(file('benchmarks'), { recursive: true })
  for (const { plots = [] } of Object.values(figures))
    for (const plot of plots) writeFileSync(file(`benchmarks/${plot.name}.svg`), plotOf(plot))
  writeFileSync(file('benchmarks.md'), pageOf(parts, figures))
}

/** The exit status. */
function compare(): number {
  const budget = read<Record<string, Limit>>(new URL('budget.json', import.meta.url), {})
  const over = overBudget(allFigures(read<Figures>(kept, {})), budget)
  for (const each of over) console.log(`over budget: ${each}`)
  if (over.length === 0) console.log(`all ${Object.keys(budget).length} ratios are within test/bench/budget.json`)
  return over.length === 0 ? 0 : 1
}

function read<Content>(at: URL, none: Content): Content {
  try {
    return JSON.parse(readFileSync(at, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none
    throw error
  }
}
