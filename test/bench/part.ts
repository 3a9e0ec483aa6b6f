/** One section of the page, measured by itself: `make bench PARTS=start,rates`. */
export interface Part {
  name: string
  title: string
  /** What was measured, in sentences. */
  text: string
  measure(): Promise<Measured>
}

export interface Measured {
  tables: Table[]
  /** By name, in the unit that the name says. Budgets and goals refer to these. */
  figures: Record<string, number>
  plots?: Plot[]
}

export interface Table {
  head: string[]
  rows: (string | number)[][]
}

/** Cost against n. */
export interface Plot {
  /** Of the file, too. */
  name: string
  title: string
  x: string
  y: string
  lines: { label: string; points: [number, number][] }[]
}

/** What a run of a part leaves in docs/benchmarks.json. */
export interface Kept extends Measured {
  at: string
  host: string
  /** Processes that wanted a processor, in the minute before and at the end. */
  load: [number, number]
}

export type Figures = Record<string, Kept>
