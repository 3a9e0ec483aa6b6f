import { type Journal, type JournalEntry, matches } from '../../machines/domain/journal.js'

/** A journal in memory. */
export function memoryJournal(): Journal {
  const entries: JournalEntry[] = []
  return {
    append(draft) {
      const entry = { seq: entries.length + 1, ...draft }
      entries.push(entry)
      return entry
    },
    recent: () => entries,
    async read(query) {
      const all = entries.filter((entry) => matches(entry, query)).reverse()
      const page = all.slice(0, query.limit)
      const last = page.at(-1)
      return { entries: page, ...(all.length > page.length && last && { next: last.seq }) }
    },
    close: async () => {},
  }
}
