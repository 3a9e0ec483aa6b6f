import type { AuditEntry } from '../../machines/domain/access.js'
import { networkOf } from '../../machines/domain/address.js'

export interface RepeatOptions {
  /** Puts an entry into the log. */
  write(entry: AuditEntry): void
  /** In ms. */
  period: number
  /** Kinds that are told one by one at a time. */
  most: {
    /** Of all together who have not said who they are. */
    strangers: number
    /** Of those in one network. */
    network: number
    /** Of one user: as many refusals, and as many authentications. */
    user: number
  }
}

interface Kind {
  entry: AuditEntry
  count: number
  timer: NodeJS.Timeout
}

/** Whose kinds are counted together, and what tells of those that are too many. */
interface Group {
  name: string
  most: number
  rest: AuditEntry
}

/**
 * Entries that are alike (who, from where, what, by which credential) are written the first time at once, then as one with
 * their count per period; after a quiet period they are new. There are only so many kinds at a time: what is beyond is
 * counted together, whatever it varies. So nobody can fill the log, or turn it round. Strangers share what they may
 * write; what users do is counted by itself, so that no stranger can hide it.
 */
export function createRepeats({ write, period, most }: RepeatOptions) {
  const groups = new Map<string, Map<string, Kind>>()
  let strangers = 0

  const place = (group: string, key: string, kind: Kind) => {
    const kinds = groups.get(group) ?? new Map<string, Kind>()
    groups.set(group, kinds.set(key, kind))
    if (kind.entry.user === '') strangers += 1
  }

  function settle(group: string, key: string, kind: Kind): boolean {
    clearTimeout(kind.timer)
    const kinds = groups.get(group)
    kinds?.delete(key)
    if (kinds?.size === 0) groups.delete(group)
    if (kind.entry.user === '') strangers -= 1
    if (kind.count > 0) write({ ...kind.entry, count: kind.count })
    return kind.count > 0
  }

  function observe(group: string, key: string, entry: AuditEntry, count: number) {
    const timer = setTimeout(() => {
      if (settle(group, key, kind)) observe(group, key, kind.entry, 0)
    }, period)
    timer.unref()
    const kind: Kind = { entry, count, timer }
    place(group, key, kind)
  }

  function countFor(group: string, key: string, entry: AuditEntry): boolean {
    const kind = groups.get(group)?.get(key)
    if (kind === undefined) return false
    kind.count += 1
    kind.entry = entry
    return true
  }

  const countTogether = ({ name, rest }: Group) => {
    if (!countFor(name, '', rest)) observe(name, '', rest, 1)
  }

  return {
    take(entry: AuditEntry): void {
      const group = groupOf(entry, most)
      const key = keyOf(entry)
      if (countFor(group.name, key, entry)) return
      if (entry.user === '' && strangers >= most.strangers) countTogether(everyStranger)
      else if ((groups.get(group.name)?.size ?? 0) >= group.most) countTogether(group)
      else {
        write(entry)
        observe(group.name, key, entry, 0)
      }
    },
    /** Tells what is counted. */
    close() {
      for (const [group, kinds] of [...groups]) for (const [key, kind] of [...kinds]) settle(group, key, kind)
    },
  }
}

const keyOf = ({ event, action, result, user, address, subject, credential }: AuditEntry): string =>
  // Which streams somebody has watched is worth a line each; what was refused can name anything.
  JSON.stringify([networkOf(address), event, action, result, user, credential, result === 'ok' ? subject : undefined])

function groupOf({ event, result, user, address }: AuditEntry, most: RepeatOptions['most']): Group {
  const network = networkOf(address)
  if (user === '')
    return { name: `network ${network}`, most: most.network, rest: { ...various, user, address: network } }
  if (result !== 'ok') return { name: `refused ${user}`, most: most.user, rest: { ...various, user, address: '' } }
  const reason = 'more kinds than are told one by one'
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
  reason: 'more kinds of refusal than are told one by one',
} as const

const everyStranger: Group = { name: 'strangers', most: 1, rest: { ...various, user: '', address: '' } }
