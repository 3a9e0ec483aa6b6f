import { type Cell, type Row, seconds } from './engine.js'
import { type FaultName, faultNames, faults } from './faults.js'
import { median } from './median.js'
import { type Station, stations } from './stations.js'

export type Rows = Partial<Record<FaultName, Row>>

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

/** Returns the fault table in Markdown: one line for each fault, one column for each station. */
export function tableOf(rows: Rows, columns: readonly Station[] = stations): string {
  const lines = faultNames.flatMap((name) => {
    const row = rows[name]
    return row ? [line([faults[name].what, ...columns.map((station) => text(row[station]))])] : []
  })
  return [line(['fault', ...columns]), line(['fault', ...columns].map(() => '---')), ...lines].join('\n')
}

/** Returns the table of the media that recordings lose by each fault. `samples`: in ms. */
export function lossesOf(samples: Partial<Record<FaultName, readonly number[]>>): string {
  const lines = faultNames.flatMap((name) => {
    const all = samples[name] ?? []
    if (all.length === 0) return []
    const figures = [median(all), Math.max(...all)].map(seconds)
    return [line([faults[name].what, String(all.length), ...figures])]
  })
  return [
    line(['media lost by a fault', 'recordings', 'median', 'most']),
    line(['---', '---', '---', '---']),
    ...lines,
  ].join('\n')
}

function text(cell: Cell | undefined): string {
  if (!cell) return ''
  const { outcome, took, lost = 0, reason = '' } = cell
  const after = took < 50 ? 'at once' : `after ${seconds(took)}`
  const loss = lost < 50 ? '' : `, lost ${seconds(lost)}`
  switch (outcome) {
    case 'undisturbed':
      return loss === '' ? 'undisturbed' : `undisturbed${loss}`
    case 'back':
      return `back ${after}`
    case 'continued':
      return `continued ${after}${loss}`
    case 'completed':
      return `ended at its time${loss}`
    case 'released':
      return `released; live again ${after}`
    case 'answered':
      return `picture ${after}`
    case 'refused':
    case 'ended':
      return `${outcome}: \`${reason}\`${loss}`
    case 'stuck':
      return '**stuck**'
  }
}
