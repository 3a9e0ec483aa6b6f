/** The support bundle: one file of JSON lines. The first line is the header; then come sections, the trace last. */

import type { JournalEntry } from './journal.js'

/** Changes when older readers cannot read a bundle any more. */
export const bundleFormat = 1

export interface BundleHeader {
  format: number
  service: string
  /** Hash of the charts: a replay needs the same. */
  charts: string
  node: string
  os: string
  /** ISO time. */
  at: string
}

/** One section; `trace` is followed by the lines of the trace. */
export type BundleSection =
  | { section: 'configuration' | 'health' | 'system' | 'metrics' | 'log' | 'journal'; data: unknown }
  | { section: 'trace' }

/** What a support bundle needs besides the directory. */
export interface SupportSources {
  /** The hash of the charts, for the header. */
  charts(): string
  /** The trace as JSON lines; not masked. */
  trace(): readonly string[]
  /** The last lines of the log. */
  log(): readonly string[]
  /** Secrets that the bundle must not contain anywhere. */
  secrets(): readonly string[]
  /** The metrics page. */
  metrics?(): Promise<string>
  /** The last entries of the journal, oldest first. */
  journal?(): Promise<readonly JournalEntry[]>
}

/** Reads a bundle. `trace`: the records of the trace. Throws one sentence if it is none. */
export function readBundle(text: string): { header: BundleHeader; sections: BundleSection[]; trace: unknown[] } {
  const lines = text.split('\n').filter((line) => line !== '')
  const parsed = lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown
    } catch {
      throw new Error(`this is not a support bundle: line ${index + 1} is not JSON`)
    }
  })
  const [header, ...rest] = parsed as [Partial<BundleHeader> | undefined, ...BundleSection[]]
  if (typeof header?.format !== 'number') throw new Error('this is not a support bundle: it has no header')
  if (header.format > bundleFormat)
    throw new Error(`the bundle has format ${header.format}; this version reads up to ${bundleFormat}`)
  const start = rest.findIndex(({ section }) => section === 'trace')
  const sections = start < 0 ? rest : rest.slice(0, start)
  return { header: header as BundleHeader, sections, trace: start < 0 ? [] : rest.slice(start + 1) }
}
