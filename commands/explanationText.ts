import { bytesText, percentText, rounded, spanText } from '../machines/domain/amounts.js'
import type { Methods } from '../rpc/client/index.js'
import { forPerson, shortCommand } from './client/words.js'

export type ExplainResult = Methods['explain']['result']
export type HistoryEntry = Methods['get_history']['result']['entries'][number]

/** The text of an explanation for a person at a terminal. */
export function explanationText(explanation: ExplainResult): string {
  const { text, state, since, reason, evidence, causes, before = [], timers, allowed_methods: allowed } = explanation
  const [camera] = /camera\d+$/.exec(explanation.subject) ?? []
  const rows: [string, string[]][] = [
    ['state', [since === undefined ? state : `${state}, since ${short(since)}`]],
    ['reason', reason === undefined ? [] : [reason]],
    ['evidence', evidence === undefined ? [] : [evidenceText(evidence)]],
    ['causes', causes.map((entry) => entryText(entry, false))],
    ['before', before.map((entry) => entryText(entry, false))],
    ['timers', timers.map(({ until, effect, name }) => `${short(until)}  ${effect} (${name})`)],
    ['allowed', allowed.length === 0 ? [] : [allowed.map(shortCommand).join(', ')]],
    [
      'refused',
      explanation.refused_methods.map(
        ({ method, reason: code, needs }) => `${shortCommand(method)} (${code}): until ${forPerson(needs, camera)}`,
      ),
    ],
  ]
  const lines = rows.flatMap(([name, values]) =>
    values.map((value, index) => `  ${(index === 0 ? name : '').padEnd(10)}${value}`),
  )
  return [text, ...lines].join('\n')
}

/** One line of the journal. `full`: with the states in full and the evidence. */
export function entryText(
  { seq, at, actor, from, to, state, text, cause, evidence }: HistoryEntry,
  full = true,
): string {
  const entered = full ? to : (state ?? to)
  const change = [full ? from : undefined, '→', entered].filter((part) => part !== undefined).join(' ')
  const because = cause?.seq === undefined ? '' : ` ← #${cause.seq}`
  const seen = full && evidence !== undefined ? ` [${evidenceText(evidence)}]` : ''
  return `${short(at)}  #${seq} ${actor}  ${change}  (${text})${because}${seen}`
}

const evidenceText = (evidence: NonNullable<HistoryEntry['evidence']>): string =>
  Object.entries(evidence)
    .map(([name, value]) => `${name.replace(/_ms$/, '')}=${valueText(name, value)}`)
    .join(', ')

/** The numbers of evidence that have a unit. The others count or name something. */
const amounts: Readonly<Record<string, (amount: number) => string>> = {
  percent: percentText,
  available: bytesText,
  away: spanText,
  by_ms: spanText,
}

function valueText(name: string, value: string | number | boolean): string {
  if (typeof value === 'number') return amounts[name]?.(value) ?? String(rounded(value))
  return typeof value === 'string' && /[\s=,]/.test(value) ? JSON.stringify(value) : String(value)
}

/** `2026-01-02 03:00:02.125Z` */
const short = (time: string): string => time.replace('T', ' ')
