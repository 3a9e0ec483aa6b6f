import type { AuditEntry } from '../../machines/domain/access.js'
import { networkOf } from '../../machines/domain/address.js'

export interface RepeatOptions {
  /** Adds an entry to the log. */
  write(entry: AuditEntry): void
  /** In ms. */
  period: number
  /** How many kinds of entries are written one by one in a period. */
  most: {
    /** Of all unauthenticated clients together. */
    strangers: number
    /** Of the unauthenticated clients in one network. */
    network: number
    /** Of one user: this many refusals, and this many authentications. */
    user: number
  }
}

/** The latest entry of a kind, and how many were suppressed since the last one written. */
interface Kind {
  group: Group
  entry: AuditEntry
  count: number
}

/** Kinds with a common limit; `rest` stands for those beyond it. */
interface Group {
  name: string
  most: number
  rest: AuditEntry
}

/**
 * Writes the first of similar entries (same user, network, action and credential) at once, and the number of the others
 * once per period. The number of kinds is limited, too: the rest is counted together. So nobody can fill the log or
 * push older entries out of it. Unauthenticated clients share one limit and each user has another, so that no stranger
 * can hide what a user does.
 */
export function createRepeats({ write, period, most }: RepeatOptions) {
  const kinds = new Map<string, Kind>()
  /** Kinds by group, and those of all strangers. */
  const sizes = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined

  const grow = (name: string) => sizes.set(name, sizeOf(name) + 1)
  const sizeOf = (name: string) => sizes.get(name) ?? 0

  function observe(key: string, kind: Kind) {
    kinds.set(key, kind)
    grow(kind.group.name)
    if (kind.entry.user === '') grow(strangers)
    timer ??= setTimeout(settle, period).unref()
  }

  /** Writes what was counted. Kinds that did not come again are forgotten. */
  function settle() {
    clearTimeout(timer)
    timer = undefined
    const counted = [...kinds].filter(([, { count }]) => count > 0)
    kinds.clear()
    sizes.clear()
    for (const [key, kind] of counted) {
      write({ ...kind.entry, count: kind.count })
      observe(key, { ...kind, count: 0 })
    }
  }

  function count(key: string, entry: AuditEntry): boolean {
    const kind = kinds.get(key)
    if (kind === undefined) return false
    kind.count += 1
    kind.entry = entry
    return true
  }

  const countTogether = (group: Group) => {
    if (!count(group.name, group.rest)) observe(group.name, { group, entry: group.rest, count: 1 })
  }

  return {
    take(entry: AuditEntry): void {
      const group = groupOf(entry, most)
      const key = keyOf(entry)
      if (count(key, entry)) return
      if (entry.user === '' && sizeOf(strangers) >= most.strangers) countTogether(everyStranger)
      else if (sizeOf(group.name) >= group.most) countTogether(group)
      else {
        write(entry)
        observe(key, { group, entry, count: 0 })
      }
    },
    /** Writes what was counted. */
    close() {
      settle()
      clearTimeout(timer)
    },
  }
}

const keyOf = ({ event, action, result, user, address, subject, credential }: AuditEntry): string =>
  // Each stream that a user has watched gets an entry; a refused request can name anything.
  JSON.stringify([networkOf(address), event, action, result, user, credential, result === 'ok' ? subject : undefined])

function groupOf({ event, result, user, address }: AuditEntry, most: RepeatOptions['most']): Group {
  const network = networkOf(address)
  if (user === '')
    return { name: `network ${network}`, most: most.network, rest: { ...various, user, address: network } }
  if (result !== 'ok') return { name: `refused ${user}`, most: most.user, rest: { ...various, user, address: '' } }
  const reason = 'more kinds than are written one by one'
  return {
    name: `passed ${user}`,
    most: most.user,
    rest: { event, action: 'various', result, user, address: '', reason },
  }
}

const various = {
  event: 'refusal',
  action: 'various',
  result: 'refused',
  reason: 'more kinds of refusal than are written one by one',
} as const

const strangers = 'strangers'
const everyStranger: Group = { name: strangers, most: 1, rest: { ...various, user: '', address: '' } }
