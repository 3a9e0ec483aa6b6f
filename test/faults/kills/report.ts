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
const most = (values: readonly number[]) => Math.max(0, ...values)
const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`

/** Returns the tables in Markdown. Columns without a meaning for a row are empty. */
export function tableOf(incidents: readonly Happened[], samples: readonly Sample[]): string {
  const head = [
    'killed with SIGKILL',
    'kills',
    'recordings',
    'lost, median',
    'lost, worst',
    'unplayable files',
    'resumed',
  ]
  const own = ['lost before the kill, median', 'worst', 'after ready, median', 'worst']
  const lines = (Object.keys(rows) as Row[]).flatMap((row) => {
    const kills = incidents.filter((one) => rowOf(one) === row).flatMap((one) => one.kills).length
    const all = samples.filter(({ incident }) => rowOf(incidents[incident] as Happened) === row)
    if (all.length === 0) return []
    const figures = (values: readonly number[]) => [seconds(median(values)), seconds(most(values))]
    const lost = figures(all.map((sample) => sample.lost))
    const unplayable = all.reduce((sum, sample) => sum + sample.unplayable, 0)
    // Never 100 % if one did not resume.
    const resumed = Math.floor((all.filter((sample) => sample.resumed).length / all.length) * 100)
    const ofService = isOfService(row)
      ? [...figures(all.map((sample) => sample.unplayed)), ...figures(all.flatMap((sample) => sample.afterReady ?? []))]
      : own.map(() => '')
    return [line([rows[row], kills, all.length, ...lost, unplayable, `${resumed} %`, ...ofService])]
  })
  const columns = [...head, ...own]
  return [line(columns), line(columns.map(() => '---')), ...lines].join('\n')
}

/** Returns the broken promises of the incidents. `tolerance`: in ms, because the host may be busy. */
export function brokenBy(incidents: readonly Happened[], samples: readonly Sample[], tolerance: number): string[] {
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
