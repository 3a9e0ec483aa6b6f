import type { Cell, Row } from './engine.js'
import { stations } from './stations.js'

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}

/** Returns the row with the median times of each cell. A stuck cell stays stuck. */
export function medianRow(rows: readonly Row[]): Row {
  const cellOf = (cells: readonly Cell[]): Cell | undefined => {
    const [first] = cells
    const odd = cells.find(({ outcome }) => outcome === 'stuck')
    return (
      odd ??
      (first && {
        ...first,
        took: median(cells.map(({ took }) => took)),
        ...(first.lost !== undefined && { lost: median(cells.map(({ lost = 0 }) => lost)) }),
      })
    )
  }
  return Object.fromEntries(
    stations.map((station) => [station, cellOf(rows.flatMap((row) => row[station] ?? []))]),
  ) as Row
}

/** Media lost by each recording of the row that lasted through the fault, in ms, with that of the fault itself. */
export const samplesOf = (row: Row): number[] =>
  (['recording', 'timed recording', 'two cameras'] as const).flatMap((station) => {
    const { missing, outcome } = row[station] ?? {}
    return missing === undefined || outcome === 'stuck' ? [] : [missing]
  })
