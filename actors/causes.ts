import { entryInWords } from '../machines/domain/explanationWords.js'
import type { Journal, JournalEntry } from '../machines/domain/journal.js'
import type { Journalist } from './journal.js'

export interface Causes {
  /** The latest change of the public state of an actor, then what led to it, at most ten. */
  of(actor: string): JournalEntry[]
  /**
   * What was before such a chain, newest first: how the state began, if it has lasted over several changes; of a good
   * state: the fault before it.
   */
  before(causes: readonly JournalEntry[]): JournalEntry[]
}

/** Entries of one chain of causes. */
const longest = 10
const good: ReadonlySet<string> = new Set(['available', 'ok', 'recording', 'running', 'up'])
/** The states from which a good state may follow. */
const bad: ReadonlySet<string> = new Set([
  'unplugged',
  'faulty',
  'interrupted',
  'down',
  'degraded',
  'critical',
  'blind',
])
/** Of an earlier recording. */
const over: ReadonlySet<string> = new Set(['stopped', 'failed'])
const isGood = ({ state }: JournalEntry): boolean => state !== undefined && good.has(state)

/** Finds causes in the journal. */
export function createCauses({
  journalist,
  journal,
}: {
  journalist: Pick<Journalist, 'latest' | 'entry'>
  journal: Pick<Journal, 'recent'>
}): Causes {
  /** The entry, then what led to it. */
  const chainFrom = (start: JournalEntry | undefined): JournalEntry[] => {
    const chain: JournalEntry[] = []
    let entry = start
    while (entry !== undefined && chain.length < longest) {
      const { actor, cause } = entry
      // What brought the actor into the good state before is no cause of what came after it.
      if (isGood(entry) && chain.some((later) => later.actor === actor)) break
      // A simulated fault comes from outside, not from the fault before it.
      const seq = actor === 'simulation' ? undefined : cause?.seq
      const before: JournalEntry | undefined = seq === undefined ? undefined : journalist.entry(seq)
      const last = chain.at(-1)
      // The later entry then follows from what the earlier one followed from.
      const isStep = last && (isPassedOn(entry, last) || (before && isStepOfStart(entry, last)))
      if (isStep) chain[chain.length - 1] = { ...last, ...(cause && { cause }) }
      else chain.push(entry)
      entry = before
    }
    return chain
  }

  const beforeOf: Causes['before'] = (causes) => {
    const [latest] = causes
    if (latest === undefined) return []
    const past = journal
      .recent()
      .filter((entry) => entry.actor === latest.actor && entry.state !== undefined && entry.seq <= latest.seq)
      .reverse()
    const { state } = isGood(latest) ? (faultBefore(past.slice(1)) ?? latest) : latest
    if (state === undefined || good.has(state)) return []
    const from = past.findIndex((entry) => entry.state === state)
    const until = past.findIndex((entry, index) => index > from && entry.state !== state)
    const stay = past.slice(from, until < 0 ? undefined : until)
    const known = new Map<number, JournalEntry>()
    for (const entry of [stay[0], stay.at(-1)].flatMap(chainFrom))
      if (!causes.some(({ seq }) => seq === entry.seq)) known.set(entry.seq, entry)
    return [...known.values()].sort((one, other) => other.seq - one.seq).slice(0, longest)
  }

  return { of: (actor) => chainFrom(journalist.latest(actor)), before: beforeOf }
}

/** The newest fault that ended with a good state. `past`: the entries before that one, newest first. */
const faultBefore = (past: readonly JournalEntry[]): JournalEntry | undefined => {
  const found = past.find(({ state = '' }) => bad.has(state) || good.has(state) || over.has(state))
  return found?.state !== undefined && bad.has(found.state) ? found : undefined
}

/** A step of the service's start, which says nothing about a state that came after it. */
const isStepOfStart = ({ actor, event, evidence }: JournalEntry, later: JournalEntry): boolean =>
  evidence === undefined && actor !== later.actor && (actor === 'fleet' || event === 'start')

/** A request that one actor passes on to another. */
const isPassedOn = (entry: JournalEntry, later: JournalEntry): boolean =>
  entry.event === later.event && entry.actor !== later.actor && entryInWords(entry) === entryInWords(later)
