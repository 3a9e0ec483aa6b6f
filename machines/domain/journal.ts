/** The journal: one entry for each transition of each machine, with its cause and the evidence. */
import { type CameraId, isCameraId } from './camera.js'
import { type Evidence, reconnections } from './reason.js'

/** A user and the id of a request. */
export interface Requester {
  user: string
  request: string
}

/** The event that led to a transition. */
export interface EntryCause {
  /** The event, an effect and its outcome (`probeDevice failed`), or a delay (`after restartPause`). */
  event: string
  /** The entry that this event follows from; absent: it came from outside. */
  seq?: number
  /** The actor or effect that sent it. */
  actor?: string
  by?: Requester
}

export interface JournalEntry {
  /** Increases by one; continues after a restart of the service. Gives the order: the clock may be set back. */
  seq: number
  /** Epoch ms, by the wall clock: when the event was sent. Not before that of the cause, unless the clock was set. */
  at: number
  /** `camera:camera0`, `storage`, `camera:camera0/recording`; `service`: the process. */
  actor: string
  /** `camera@1f3a9c`: the machine and the fingerprint of its chart. */
  machine?: string
  /**
   * The states that were left and entered: paths, joined by ` + `. `from` is absent at the start of an actor. Both are
   * the present states if these began anew for another reason.
   */
  from?: string
  /** Absent: the actor ended. */
  to?: string
  /** The public word for the state, if it changed, or began anew for another reason: `unplugged`, `waiting`. */
  state?: string
  /** The event that was processed. */
  event: string
  cause?: EntryCause
  evidence?: Evidence
}

/** Which entries to read. All conditions must hold. */
export interface JournalQuery {
  /** The name of an actor, or its beginning followed by `/`. */
  actor?: string
  /** Epoch ms, inclusive. */
  since?: number
  until?: number
  /** Only entries with a lower number. */
  before?: number
  /** Only entries with a higher number. */
  after?: number
  limit: number
  /** Further condition: rights. */
  isVisible?(entry: JournalEntry): boolean
}

/** Newest first. `next`: there may be older entries, with numbers below it. */
export interface JournalPage {
  entries: JournalEntry[]
  next?: number
}

/** Keeps entries. Never throws: while the disk takes none, the newest are kept in memory. */
export interface Journal {
  /** Numbers the entry and returns it. */
  append(entry: Omit<JournalEntry, 'seq'>): JournalEntry
  /** Reads from the disk what is not in memory any more. Rejects with a sentence if it cannot be read. */
  read(query: JournalQuery): Promise<JournalPage>
  /** The newest entries, oldest first. */
  recent(): readonly JournalEntry[]
  /** Writes the last entry. */
  close(): Promise<void>
}

/** Time in one state, and how often it was entered. */
export interface StateTime {
  machine: string
  /** Empty: not of a camera. */
  camera: string
  state: string
  entered: number
  /** In ms, including the present stay. */
  time: number
}

/** Returns the camera that an actor belongs to. */
export function cameraOf(actor: string): CameraId | undefined {
  const [, id] = /^camera:([^/]+)/.exec(actor) ?? []
  return id !== undefined && isCameraId(id) ? id : undefined
}

/** Whether an actor is the one of this name, or below it. */
export const isWithin = (actor: string, name: string): boolean => actor === name || actor.startsWith(`${name}/`)

/** Whether an entry meets the conditions of a query, except its limit. */
export const matches = (entry: JournalEntry, query: JournalQuery): boolean => {
  const { actor, since = 0, until = Number.POSITIVE_INFINITY, after = 0, before = Number.POSITIVE_INFINITY } = query
  const isOfActor = actor === undefined || isWithin(entry.actor, actor)
  const isInTime = entry.at >= since && entry.at <= until
  return isOfActor && isInTime && entry.seq > after && entry.seq < before && (query.isVisible?.(entry) ?? true)
}

/** In ms. */
const flapWindow = 600_000
/** Fewer disconnections have no rhythm. */
const fewest = 3

/** Repeated disconnections of a camera. `every`: median interval in ms. */
export interface Flapping {
  disconnects: number
  window: number
  every: number
}

/** Whether a camera that could be used was lost. */
export const isDisconnection = ({ from = '', to = '', evidence }: JournalEntry): boolean =>
  from.includes('online.life.available') &&
  /draining\.forReturn|connection\.away/.test(to) &&
  !reconnections.has(String(evidence?.reason))

/** Returns the rhythm of a camera that disconnects again and again: at least 3 times in the 10 minutes before `now`. */
export function flappingOf(entries: readonly JournalEntry[], camera: CameraId, now: number): Flapping | undefined {
  const times: number[] = []
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const entry = entries[index]
    if (entry === undefined || entry.at < now - flapWindow) break
    if (entry.actor === `camera:${camera}` && isDisconnection(entry)) times.unshift(entry.at)
  }
  if (times.length < fewest) return undefined
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time))
  const every = gaps.sort((one, other) => one - other)[Math.floor(gaps.length / 2)] ?? 0
  return { disconnects: times.length, window: flapWindow, every }
}

/** `7 disconnects in 10 min, about every 85 s`. */
export const flappingText = ({ disconnects, window, every }: Flapping): string =>
  `${disconnects} disconnects in ${Math.round(window / 60_000)} min, about every ${Math.round(every / 1_000)} s`
