/** What the journal keeps of events: their name, who asked, and the evidence. */
import type { AnyActorRef, EventObject } from 'xstate'
import type { Requester } from '../machines/domain/journal.js'
import { maskedLine, textForClients } from '../machines/domain/mask.js'
import type { Evidence } from '../machines/domain/reason.js'

type Fields = Readonly<Record<string, unknown>>

/** Members of events that are evidence. */
const members = [
  ...['available', 'percent', 'missing', 'mode', 'presence', 'pid', 'sender', 'exit_code', 'errno', 'http_status'],
  ...['line', 'udev_action', 'filename', 'version', 'kind', 'away', 'duration', 'format', 'action'],
] as const
/** In characters, of one text. */
const longest = 200

/** Returns the evidence in an event, its reason, error or output; `undefined`: it has none. */
export function evidenceOf(event: EventObject): Evidence | undefined {
  const { reason, error, output, evidence } = event as EventObject & Fields
  const of = (value: unknown): Fields =>
    !isFields(value) ? {} : { ...(isFields(value.evidence) ? value.evidence : {}), ...pick(value), ...reasonOf(value) }
  const inReason = typeof reason === 'string' ? { details: reason } : of(reason)
  const outcome = outcomeIn(output)
  const all = {
    ...pick(event as unknown as Fields),
    ...of(outcome),
    ...of(error),
    ...inReason,
    ...(isFields(evidence) ? evidence : {}),
  }
  const entries = Object.entries(all).flatMap(([name, value]) => {
    const safe = safeOf(value)
    return safe === undefined ? [] : [[name, safe] as const]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

/** The reason in an output: its own, its doubt about a file, or the sentence of a rule that was broken. */
function outcomeIn(output: unknown): unknown {
  if (typeof output === 'string') return { details: output }
  if (!isFields(output)) return output
  return [output.reason, output.doubt].find(isFields) ?? output
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const pick = (from: Fields): Fields =>
  Object.fromEntries(members.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])))

/** A reason, a failure or any other error. */
function reasonOf(value: Fields): Fields {
  const { code, details, message } = value
  const sentence = typeof details === 'string' ? details : typeof message === 'string' ? message : undefined
  if (sentence === undefined) return {}
  return { ...(typeof code === 'string' && { reason: code }), details: sentence }
}

function safeOf(value: unknown): string | number | boolean | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return value
  return typeof value === 'string' && value !== '' ? textForClients(maskedLine(value)).slice(0, longest) : undefined
}

/** Returns the user and the request of an event that a client's request sent. */
export function requesterOf(event: EventObject): Requester | undefined {
  const { by, wish } = event as EventObject & { by?: Fields; wish?: { by?: Fields } }
  const { user, request } = by ?? wish?.by ?? {}
  return typeof user === 'string' && typeof request === 'string' && user !== '' ? { user, request } : undefined
}

/** The name of an event in the journal. `source`: the actor that sent it. */
export function eventName({ type }: EventObject, source?: AnyActorRef): string {
  const [, outcome] = /^xstate\.(done|error)\.actor\./.exec(type) ?? []
  if (outcome !== undefined) return `${effectName(source)} ${outcome === 'done' ? 'done' : 'failed'}`
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(type) ?? []
  if (delay !== undefined) return `after ${delay}`
  if (type === 'xstate.init') return 'start'
  return type === 'xstate.stop' ? 'stop' : type
}

/** The name by which the machine refers to the effect, else the id of the actor. */
export function effectName(actor?: AnyActorRef): string {
  const src = (actor as { src?: unknown } | undefined)?.src
  return typeof src === 'string' ? src : (actor?.id ?? 'it')
}
