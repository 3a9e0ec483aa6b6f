import { type Entry, type Folders, newestFirst, type Place } from './folders.js'

/** What several folders contain. `unreadable`: the error of a folder whose files are missing. */
export interface Joined<T> {
  found: readonly T[]
  unreadable?: unknown
}

export interface BothFolders {
  /** All files, newest first. Of files with the same name, that of the first folder counts. */
  entries(): Promise<Joined<Entry>>
  candidates(name: string): Promise<Joined<Place>>
}

/** Joins the listings of folders. Each rejects only if no folder can be read. */
export function joinFolders(folders: readonly Folders[]): BothFolders {
  let merged: { of: readonly (readonly Entry[])[]; entries: readonly Entry[] } | undefined
  const merge = (lists: readonly (readonly Entry[])[]): readonly Entry[] => {
    const [first = [], ...others] = lists.filter((list) => list.length > 0)
    if (others.length === 0) return first
    const isKept = merged?.of.length === lists.length && lists.every((list, index) => merged?.of[index] === list)
    if (merged && isKept) return merged.entries
    merged = { of: lists, entries: [first, ...others].reduce(joined) }
    return merged.entries
  }
  return {
    async entries() {
      const { read, ...rest } = await whatCanBeRead(folders.map((folder) => folder.entries()))
      return { found: merge(read), ...rest }
    },
    async candidates(name) {
      const { read, ...rest } = await whatCanBeRead(folders.map((folder) => folder.candidates(name)))
      return { found: read.flat(), ...rest }
    },
  }
}

/** Both lists in one, in the order of each; of files with the same name, that of the first. */
function joined(one: readonly Entry[], other: readonly Entry[]): Entry[] {
  const names = new Set(one.map(({ name }) => name))
  const all: Entry[] = []
  let at = 0
  for (const entry of other) {
    if (names.has(entry.name)) continue
    for (let next = one[at]; next && newestFirst(next, entry) <= 0; next = one[at]) {
      all.push(next)
      at += 1
    }
    all.push(entry)
  }
  return [...all, ...one.slice(at)]
}

/** Waits for all. Rejects with the first error if none succeeds; else returns it as `unreadable`. */
export async function whatCanBeRead<T>(readings: readonly Promise<T>[]): Promise<{ read: T[]; unreadable?: unknown }> {
  const results = await Promise.allSettled(readings)
  const read = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed && read.length === 0) throw failed.reason
  return { read, ...(failed && { unreadable: failed.reason }) }
}
