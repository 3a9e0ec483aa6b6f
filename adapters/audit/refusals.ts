import type { AuditEntry } from '../../machines/domain/access.js'

export interface RefusalOptions {
  /** Puts an entry into the log. */
  write(entry: AuditEntry): void
  /** In ms. */
  period: number
  /** Kinds of refusal that are told one by one at a time, in all and of one address. */
  most: number
  mostOfAddress: number
}

interface Kind {
  entry: AuditEntry
  count: number
  address: string
  timer: NodeJS.Timeout
}

/**
 * Refusals that are alike (who, from where, what) are written the first time at once, then as one entry with their count
 * per period; after a quiet period they are new. There are only so many kinds at a time: what is beyond is counted
 * together, whatever it varies. So nobody who is refused can fill the log, or turn it round.
 */
export function createRefusals({ write, period, most, mostOfAddress }: RefusalOptions) {
  const kinds = new Map<string, Kind>()

  function settle(key: string, kind: Kind): boolean {
    clearTimeout(kind.timer)
    kinds.delete(key)
    if (kind.count > 0) write({ ...kind.entry, count: kind.count })
    return kind.count > 0
  }

  function observe(key: string, entry: AuditEntry, count: number) {
    const timer = setTimeout(() => {
      if (settle(key, kind)) observe(key, kind.entry, 0)
    }, period)
    timer.unref()
    const kind: Kind = { entry, count, address: entry.address, timer }
    kinds.set(key, kind)
  }

  function countFor(key: string, entry: AuditEntry): boolean {
    const kind = kinds.get(key)
    if (kind === undefined) return false
    kind.count += 1
    kind.entry = entry
    return true
  }

  return {
    take(entry: AuditEntry): void {
      const { event, action, result, user, address } = entry
      const key = JSON.stringify([address, event, action, result, user])
      if (countFor(key, entry)) return
      const isFull = kinds.size >= most
      const ofAddress = isFull ? 0 : [...kinds.values()].filter((kind) => kind.address === address).length
      if (isFull || ofAddress >= mostOfAddress) {
        const group = isFull ? '' : address
        const rest = various(group)
        if (!countFor(group, rest)) observe(group, rest, 1)
        return
      }
      write(entry)
      observe(key, entry, 0)
    },
    /** Tells what is counted. */
    close() {
      for (const [key, kind] of [...kinds]) settle(key, kind)
    },
  }
}

const various = (address: string): AuditEntry => ({
  event: 'refusal',
  action: 'various',
  result: 'refused',
  user: '',
  address,
  reason: 'more kinds of refusal than are told one by one',
})
