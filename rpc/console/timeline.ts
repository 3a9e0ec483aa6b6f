/** A change of the state of an actor, as get_history lists it. `at` in epoch ms. */
export interface Change {
  at: number
  actor: string
  /** The states that were left; absent: the actor was started. */
  from?: string
  /** The public word for the new state. */
  state: string
}

/** A time during which something was the case. */
export interface Span {
  from: number
  to: number
}

export type Row = 'connected' | 'streaming' | 'recording' | 'gap'

/** The spans in order; those that touch or overlap are one. */
const joined = (spans: readonly Span[]): Span[] => {
  const all: Span[] = []
  for (const span of spans.toSorted((one, other) => one.from - other.from)) {
    const last = all.at(-1)
    if (last !== undefined && span.from <= last.to) last.to = Math.max(last.to, span.to)
    else all.push({ ...span })
  }
  return all
}
export type Timeline = Record<Row, Span[]>

/** True if the path of a state has one of the words: `alive.connection.online.life.available` has `available`. */
const has = (path: string | undefined, words: readonly string[]): boolean =>
  path?.split(/[^\w]+/).some((word) => words.includes(word)) ?? false

/**
 * Which actor each row is about, below the camera's own name. The row is on in these `states`; before the first change
 * it was on if that change left a state with one of the words of `left`.
 */
const rows: Record<Row, { actor: RegExp; states: readonly string[]; left: readonly string[] }> = {
  connected: { actor: /^$/, states: ['available'], left: ['available'] },
  streaming: { actor: /^\/(pipeline|pull)$/, states: ['running'], left: ['running'] },
  recording: { actor: /^\/recording$/, states: ['recording'], left: ['growing'] },
  gap: { actor: /^\/recording$/, states: ['interrupted'], left: ['interrupted', 'waiting', 'pausing'] },
}

/**
 * The spans of a row within `window`. `isOnNow` is the present state: the last span ends at the end of the window only
 * if it is true, because an actor that was stopped changes its state no more.
 */
export const spansOf = (
  changes: readonly { at: number; wasOn: boolean; isOn: boolean }[],
  window: Span,
  isOnNow: boolean,
): Span[] => {
  const spans: Span[] = []
  const add = (from: number, to: number) => {
    const [start, end] = [Math.max(from, window.from), Math.min(to, window.to)]
    if (end > start) spans.push({ from: start, to: end })
  }
  let since =
    changes[0] === undefined ? (isOnNow ? window.from : undefined) : changes[0].wasOn ? window.from : undefined
  for (const { at, isOn } of changes) {
    if (isOn) since ??= at
    else if (since !== undefined) {
      add(since, at)
      since = undefined
    }
  }
  const last = changes.at(-1)
  if (since !== undefined) add(since, isOnNow ? window.to : (last?.at ?? window.to))
  return spans
}

/**
 * The last hours of a camera. `changes`: of the camera and the actors below it, oldest first. `outages`: the times when
 * the service did not run: a recording that continued has a gap there.
 */
export const timelineOf = (
  camera: string,
  changes: readonly Change[],
  window: Span,
  now: Readonly<Record<Row, boolean>>,
  outages: readonly Span[] = [],
): Timeline => {
  const own = `camera:${camera}`
  const changesOfRow = (row: Row) => {
    const { actor, states, left } = rows[row]
    return changes
      .filter(({ actor: name }) => name.startsWith(own) && actor.test(name.slice(own.length)))
      .map(({ at, from, state }) => ({ at, wasOn: has(from, left), isOn: states.includes(state) }))
  }
  // Nothing is the case from then on until the next run says so.
  const ends = outages.map(({ from }) => ({ at: from, wasOn: false, isOn: false }))
  const spans = (row: Row): Span[] => {
    const all = [...changesOfRow(row), ...ends].sort((one, other) => one.at - other.at)
    return spansOf(all, window, now[row])
  }
  const [recording, gap] = [spans('recording'), spans('gap')]
  const lost = outages.flatMap(({ from, to }) => {
    if (![...recording, ...gap].some((span) => span.to === from)) return []
    // Until the recording of the next run has a state of its own.
    const next = changesOfRow('recording').find(({ at }) => at >= to)
    return [{ from, to: next?.at ?? to }]
  })
  return {
    connected: spans('connected'),
    streaming: spans('streaming'),
    recording,
    gap: joined([...gap, ...lost]),
  }
}

/** Full hours within the window, for the scale; every `step` hours of local time. */
export const hoursIn = ({ from, to }: Span, step: number): number[] => {
  const first = new Date(from)
  first.setMinutes(0, 0, 0)
  const hours: number[] = []
  for (let at = first.getTime(); at <= to; at += 3_600_000)
    if (at >= from && new Date(at).getHours() % step === 0) hours.push(at)
  return hours
}
