/** A change of the state of an actor, as get_history lists it. `at` in epoch ms. */
export interface Change {
  at: number
  actor: string
  from?: string
  to: string
}

/** A time during which something was the case. */
export interface Span {
  from: number
  to: number
}

export type Row = 'connected' | 'streaming' | 'recording' | 'gap'
export type Timeline = Record<Row, Span[]>

/** The words of a state: `alive.connection.online.life.available` → alive, connection, online … */
const wordsOf = (state: string): Set<string> => new Set(state.split(/[^\w]+/))

const has = (state: string | undefined, ...words: string[]): boolean => {
  if (state === undefined) return false
  const own = wordsOf(state)
  return words.every((word) => own.has(word))
}

/** Which actor each row is about, below the camera's own name, and in which of its states the row is on. */
const rows: Record<Row, { actor: RegExp; isOn: (state: string | undefined) => boolean }> = {
  connected: { actor: /^$/, isOn: (state) => has(state, 'available') },
  streaming: { actor: /^\/(pipeline|pull)$/, isOn: (state) => has(state, 'running') },
  recording: { actor: /^\/recording/, isOn: (state) => has(state, 'capturing') && !has(state, 'interrupted') },
  gap: { actor: /^\/recording/, isOn: (state) => has(state, 'interrupted') || has(state, 'waiting') },
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

/** The last hours of a camera. `changes`: of the camera and the actors below it, oldest first. */
export const timelineOf = (
  camera: string,
  changes: readonly Change[],
  window: Span,
  now: Readonly<Record<Row, boolean>>,
): Timeline => {
  const own = `camera:${camera}`
  const spans = (row: Row): Span[] => {
    const { actor, isOn } = rows[row]
    const about = changes
      .filter(({ actor: name }) => name.startsWith(own) && actor.test(name.slice(own.length)))
      .map(({ at, from, to }) => ({ at, wasOn: isOn(from), isOn: isOn(to) }))
    return spansOf(about, window, now[row])
  }
  return {
    connected: spans('connected'),
    streaming: spans('streaming'),
    recording: spans('recording'),
    gap: spans('gap'),
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
