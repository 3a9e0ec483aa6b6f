/** Keeps the results of each file, and writes docs/mutation.md from them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { code as inline, table } from '../../docs/generate/table.js'
import { type Mutant, mutantsOf } from './mutants.js'

export interface Survivor extends Mutant {
  /** The line with the mutant. */
  code: string
  /** Why the program does the same with it; undefined: a test is missing. */
  reason?: string | undefined
}

export interface FileResult {
  file: string
  seed: number
  date: string
  possible: number
  tried: number
  killed: number
  timedOut: number
  /** Of processor time. */
  seconds: number
  survivors: readonly Survivor[]
}

const cache = '.cache/mutation.json'

export const known = (): Record<string, FileResult> =>
  existsSync(cache) ? JSON.parse(readFileSync(cache, 'utf8')) : {}

export function keep(result: FileResult): void {
  mkdirSync('.cache', { recursive: true })
  writeFileSync(cache, JSON.stringify({ ...known(), [result.file]: result }, undefined, 1))
}

const sum = (results: readonly FileResult[], count: (one: FileResult) => number) =>
  results.reduce((total, one) => total + count(one), 0)

const equivalent = ({ survivors }: FileResult) => survivors.filter(({ reason }) => reason !== undefined).length

/** Killed mutants in per cent of all mutants without the equivalent ones. */
export function scoreOf(results: readonly FileResult[]): number {
  const all = sum(results, ({ tried }) => tried) - sum(results, equivalent)
  return all === 0 ? 100 : (sum(results, ({ killed, timedOut }) => killed + timedOut) / all) * 100
}

const sources = () =>
  ['machines', 'machines/domain'].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`)
      .filter((file) => mutantsOf(file, readFileSync(file, 'utf8')).length > 0),
  )

/** Writes the page. It names the files that have no result yet. */
export function writePage(): void {
  const results = known()
  const files = sources()
  const all = files.flatMap((file) => results[file] ?? [])
  console.log(`all: ${scoreOf(all).toFixed(1)} %`)
  const missing = files.filter((file) => !results[file])
  writeFileSync('docs/mutation.md', page(all, missing))
}

const row = (name: string, results: readonly FileResult[]) => [
  name,
  ...[
    sum(results, ({ possible }) => possible),
    sum(results, ({ tried }) => tried),
    sum(results, ({ killed }) => killed),
    sum(results, ({ timedOut }) => timedOut),
    sum(results, equivalent),
    sum(results, (one) => one.survivors.length - equivalent(one)),
  ].map(String),
  `${scoreOf(results).toFixed(0)} %`,
]

function page(all: readonly FileResult[], missing: readonly string[]): string {
  const head = ['file', 'possible', 'tried', 'killed', 'endless', 'equivalent', 'survived', 'score']
  const list = (isListed: (survivor: Survivor) => boolean) => all.flatMap(({ survivors }) => survivors.filter(isListed))
  const place = ({ file, line, what }: Survivor) => [`${file}:${line}`, what]
  const open = list(({ reason }) => reason === undefined)
  const examined = list(({ reason }) => reason !== undefined)
  return [
    '# Mutation score of the statecharts',
    '',
    `Written by \`make mutation\`. Dates: ${[...new Set(all.map(({ date }) => date))].sort().join(', ')}. ` +
      `Seeds: ${[...new Set(all.map(({ seed }) => seed))].join(', ')}. ` +
      `Processor time: ${Math.round(sum(all, ({ seconds }) => seconds) / 60)} minutes.`,
    '',
    `**Score: ${scoreOf(all).toFixed(1)} %**: killed and endless mutants, of all that are not equivalent.`,
    '',
    'A mutant is the program with one change in `machines/`: a guard negated or left out, an action, a transition, an',
    '`always`, an invocation or a tag left out, another target, another operator, another number, an empty reason code, a',
    'statement left out. A sample of the mutants of each file, chosen by the seed, is run against the tests that are nearest',
    'to the file, and against generated paths and random sequences of its machine. The first test that fails kills it.',
    'Comparisons with generated documents do not count as tests.',
    '',
    table(head, [...all.map((one) => row(one.file, [one])), row('all', all)]),
    '',
    ...(missing.length > 0 ? [`Not measured yet: ${missing.map((file) => inline(file)).join(', ')}.`, ''] : []),
    '## Survivors',
    '',
    ...(open.length > 0
      ? [
          table(
            ['place', 'change', 'line'],
            open.map((one) => [...place(one), inline(one.code)]),
          ),
        ]
      : ['None.']),
    '',
    '## Equivalent mutants',
    '',
    'Examined: the program does the same with them, the difference is only one of speed or of wording, or they do not',
    'compile.',
    '',
    ...(examined.length > 0
      ? [
          table(
            ['place', 'change', 'line', 'reason'],
            examined.map((one) => [...place(one), inline(one.code), one.reason ?? '']),
          ),
        ]
      : ['None.']),
    '',
  ].join('\n')
}
