import { type Journal, type JournalEntry, matches } from '../../machines/domain/journal.js'

/** A journal in memory, which is as long as that of a service. */
export function memoryJournal(most = 4_000): Journal {
  const entries: JournalEntry[] = []
  let seq = 0
  return {
    append(draft) {
      seq += 1
      const entry = { seq, ...draft }
      entries.push(entry)
      if (entries.length > most) entries.shift()
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
