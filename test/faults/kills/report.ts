import { seconds } from '../engine.js'
import { median } from '../median.js'
import type { Happened, Sample } from './losses.js'

/** Rows of the table: what was killed. */
const rows = {
  service: 'service',
  server: 'media server',
  ffmpeg: 'ffmpeg of one camera',
  group: 'service with all its processes (as systemd does)',
  again: 'two in a row, the second during the recovery',
} as const

type Row = keyof typeof rows

export const rowOf = ({ kills: [first, second] }: Pick<Happened, 'kills'>): Row =>
  second ? 'again' : (first?.target ?? 'service')

/** Limits of the promises, in ms. */
const limits = { unplayed: 300, afterReady: 2_000 }

const isOfService = (row: Row) => row === 'service' || row === 'group'
type Cells = readonly (string | number)[]

const line = (cells: Cells) => `| ${cells.join(' | ')} |`
const figures = (values: readonly number[]) => [seconds(median(values)), seconds(Math.max(0, ...values))]

/** Returns a table in Markdown, with a line for each row that has samples. */
function table(
  { incidents, samples }: Seen,
  head: readonly string[],
  used: readonly Row[],
  cellsOf: (own: readonly Sample[], row: Row) => Cells,
): string {
  const lines = used.flatMap((row) => {
    const own = samples.filter(({ incident }) => rowOf(incidents[incident] as Happened) === row)
    return own.length === 0 ? [] : [line([rows[row], ...cellsOf(own, row)])]
  })
  return [line(head), line(head.map(() => '---')), ...lines].join('\n')
}

interface Seen {
  incidents: readonly Happened[]
  samples: readonly Sample[]
}

const allRows = Object.keys(rows) as Row[]

/** Returns the tables of all kills, and of those of the service, in Markdown. */
export function tablesOf(seen: Seen): string {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const columns = ['kills', 'recordings', 'lost, median', 'lost, worst', 'files cut off', 'unplayable files', 'resumed']
  const main = table(seen, ['killed with SIGKILL', ...columns], allRows, (own, row) => [
    seen.incidents.filter((one) => rowOf(one) === row).flatMap((one) => one.kills).length,
    own.length,
    ...figures(own.map(({ lost }) => lost)),
    sum(own.map(({ cut }) => cut)),
    sum(own.map(({ unplayable }) => unplayable)),
    // Never 100 % if one did not resume.
    `${Math.floor((own.filter(({ resumed }) => resumed).length / own.length) * 100)} %`,
  ])
  const before = ['lost before the kill, median', 'worst', 'recorded again after ready, median', 'worst']
  const ofService = table(seen, ['killed with SIGKILL', ...before], allRows.filter(isOfService), (own) => [
    ...figures(own.map(({ unplayed }) => unplayed)),
    ...figures(own.flatMap(({ afterReady }) => afterReady ?? [])),
  ])
  return `${main}\n\n${ofService}`
}

/** Returns the broken promises of the incidents. `tolerance`: in ms, because the host may be busy. */
export function brokenBy({ incidents, samples }: Seen, tolerance: number): string[] {
  return samples.flatMap((sample) => {
    const { incident, camera, unplayed, afterReady = 0, unplayable, resumed } = sample
    const row = rowOf(incidents[incident] as Happened)
    const wrong = [
      ...(resumed ? [] : ['the recording did not continue']),
      ...(unplayable > 0 ? [`${unplayable} files cannot be played`] : []),
      ...(isOfService(row) && unplayed > limits.unplayed + tolerance
        ? [`the last ${seconds(unplayed)} before the kill cannot be played`]
        : []),
      ...(isOfService(row) && afterReady > limits.afterReady + tolerance
        ? [`recorded again only ${seconds(afterReady)} after the service was ready`]
        : []),
    ]
    return wrong.map((what) => `incident ${incident + 1} (${rows[row]}), ${camera}: ${what}`)
  })
}
