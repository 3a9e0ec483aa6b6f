import type { Cell, Row } from './engine.js'
import { type FaultName, faults } from './faults.js'
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
export const samplesOf = (name: FaultName, row: Row): number[] =>
  (['recording', 'timed recording', 'two cameras'] as const).flatMap((station) => {
    const { lost, outcome } = row[station] ?? {}
    return lost === undefined || outcome === 'stuck' ? [] : [lost + faults[name].lasts]
  })
