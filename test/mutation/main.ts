/**
 * `make mutation FILES=machines/camera*.ts SAMPLE=20 SEED=1`: how many changes of `machines/` the tests notice. With
 * `AGAIN=1` it only repeats the survivors of the last runs, after new tests.
 */
import { readFileSync } from 'node:fs'
import { dice } from '../faults/random.js'
import { equivalentOf, lineOf } from './equivalent.js'
import { type Mutant, mutantsOf } from './mutants.js'
import { type FileResult, keep, known, scoreOf, writePage } from './page.js'
import { Bundles, type Result, Worker } from './run.js'
import { testsOf } from './tests.js'

const { AGAIN, SAMPLE, SEED, VERBOSE } = process.env
const seed = Number(SEED || 1)
const sampleOf = (file: string) => Number(SAMPLE || (file.startsWith('machines/domain/') ? 10 : 20))

const files = process.argv.slice(2)
await Worker.prepare()
const worker = new Worker()
// A worker in an endless loop would stay.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await worker.close()
    process.exit(1)
  })
for (const file of files) {
  const result = await examine(file)
  if (result) keep(result)
}
await worker.close()
writePage()

async function examine(file: string): Promise<FileResult | undefined> {
  const all = mutantsOf(file, readFileSync(file, 'utf8'))
  const before = AGAIN ? known()[file] : undefined
  const chosen = before ? repeated(before.survivors, all) : sample(all, sampleOf(file))
  if (chosen.length === 0 || (AGAIN && !before)) return before
  const tests = testsOf(file)
  const bundles = await Bundles.open(file, tests)
  const begun = process.cpuUsage()
  try {
    const original = await worker.run((await bundles.build()) ?? '', 60_000)
    if (!original || original.failure !== undefined)
      throw new Error(`the tests of ${file} fail without a mutant: ${original?.failure}`)
    const counts: Record<Result, number> = { killed: 0, 'timed out': 0, survived: 0, invalid: 0 }
    const survivors: Mutant[] = []
    let cpu = original.cpu
    for (const mutant of chosen) {
      const { result, by, spent } = await judge(bundles, mutant, original.cpu)
      counts[result] += 1
      cpu += spent
      if (result === 'survived') survivors.push(mutant)
      if (VERBOSE)
        console.log(`  ${result} ${mutant.line} ${mutant.what}${by ? ` by ${by}` : ''} (${spent.toFixed(0)} ms)`)
    }
    const { user, system } = process.cpuUsage(begun)
    const seconds = Math.round((cpu + (user + system) / 1_000) / 1_000)
    const result: FileResult = {
      file,
      seed: before?.seed ?? seed,
      date: new Date().toISOString().slice(0, 10),
      possible: all.length,
      tried: (before ? before.killed + before.timedOut : 0) + chosen.length - counts.invalid,
      killed: (before?.killed ?? 0) + counts.killed,
      timedOut: (before?.timedOut ?? 0) + counts['timed out'],
      seconds: (before?.seconds ?? 0) + seconds,
      survivors: survivors.map((mutant) => ({ ...mutant, code: lineOf(mutant), reason: equivalentOf(mutant)?.reason })),
    }
    report(result, original.cpu, tests.files.length)
    return result
  } finally {
    await bundles.close()
  }
}

async function judge(
  bundles: Bundles,
  mutant: Mutant,
  normal: number,
): Promise<{ result: Result; by?: string | undefined; spent: number }> {
  const bundle = await bundles.build(mutant)
  if (bundle === undefined) throw new Error(`${mutant.file}:${mutant.line} ${mutant.what} is not valid TypeScript`)
  const verdict = await worker.run(bundle, normal)
  if (!verdict) return { result: 'timed out', spent: 0 }
  const { failure, isInvalid, tests, cpu } = verdict
  if (failure === undefined && tests === 0) throw new Error('no test has run')
  if (failure?.includes('Cannot find')) throw new Error(`the tests cannot run: ${failure}`)
  // What cannot be loaded is no merit of a test.
  if (isInvalid) return { result: 'invalid', by: failure, spent: cpu }
  return { result: failure === undefined ? 'survived' : 'killed', by: failure, spent: cpu }
}

/** Returns the survivors, wherever their lines are now: of several equal lines the nearest one. */
function repeated(survivors: FileResult['survivors'], all: readonly Mutant[]): Mutant[] {
  const key = ({ column, what, was, text }: Mutant) => JSON.stringify([column, what, was, text])
  const found = survivors.flatMap((one) => {
    const away = ({ line }: Mutant) => Math.abs(line - one.line)
    const equal = all.filter((mutant) => key(mutant) === key(one) && lineOf(mutant) === one.code)
    return equal.sort((first, second) => away(first) - away(second)).slice(0, 1)
  })
  return [...new Set(found)]
}

/** Returns `size` mutants, always the same for a seed. */
function sample(all: readonly Mutant[], size: number): Mutant[] {
  const { random } = dice(seed)
  return all
    .map((mutant) => ({ mutant, rank: random() }))
    .sort((one, other) => one.rank - other.rank)
    .slice(0, size)
    .map(({ mutant }) => mutant)
    .sort((one, other) => one.start - other.start)
}

function report(result: FileResult, normal: number, tests: number): void {
  const { file, tried, possible, killed, timedOut, survivors, seconds } = result
  const score = `${scoreOf([result]).toFixed(0)} %`
  console.log(
    `${file}: ${score}, ${killed} killed, ${timedOut} endless, ${survivors.length} survived of ${tried} (${possible} possible; ` +
      `${tests} test files, ${normal.toFixed(0)} ms; ${seconds} s)`,
  )
  for (const { line, what, code, reason, text } of survivors.filter(({ reason }) => reason === undefined || VERBOSE))
    console.log(`  ${file}:${line} ${what}${reason ? ` (equivalent: ${reason})` : ''}\n      ${code}\n      ${text}`)
}
