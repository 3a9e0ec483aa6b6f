import type { Static } from 'typebox'
import * as Type from 'typebox'
import type { Caller } from '../../machines/domain/access.js'
import { dependencyFailed, invalidParam, notFound, reasonOf, ServiceError } from '../../machines/domain/errors.js'
import type { Explanation } from '../../machines/domain/explanation.js'
import { entryInWords } from '../../machines/domain/explanationWords.js'
import { cameraOf, isWithin, type JournalEntry } from '../../machines/domain/journal.js'
import { evidenceFor } from '../evidence.js'
import { maySee, visible } from '../explained.js'
import { Flapping, flappingFields } from '../flapping.js'
import { method, type Services } from '../method.js'
import { given, iso, isoOf } from '../present.js'
import { optionalReasonShape, reasonFields } from '../reason.js'
import { mayReach } from '../rights.js'
import { CameraParam, recordOf, Time, timeOf } from '../schemas.js'

const Evidence = recordOf(Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
  description: 'What was observed: errno, exit_code, http_status, line, udev_action, available …',
})
const Entry = Type.Object({
  seq: Type.Integer({ minimum: 1 }),
  at: Time,
  actor: Type.String({ description: 'The actor, as in `camera:camera0/recording`, `storage`, `link`; `service`' }),
  machine: Type.Optional(Type.String({ description: 'The machine and the fingerprint of its chart' })),
  from: Type.Optional(Type.String({ description: 'States that were left; absent: the actor began' })),
  to: Type.Optional(Type.String({ description: 'States that were entered; absent: the actor ended' })),
  state: Type.Optional(
    Type.String({ description: 'The state in the words of the API, if it changed or has another reason' }),
  ),
  event: Type.String(),
  text: Type.String({ description: 'What happened, in one sentence for people' }),
  cause: Type.Optional(
    Type.Object({
      event: Type.String(),
      seq: Type.Optional(Type.Integer({ description: 'The entry that it follows from; absent: it came from outside' })),
      actor: Type.Optional(Type.String({ description: 'The actor or effect that sent the event' })),
      by: Type.Optional(
        Type.Object(
          { user: Type.String(), request: Type.String() },
          { description: 'Who asked for it; only shown to this user and to administrators' },
        ),
      ),
    }),
  ),
  evidence: Type.Optional(Evidence),
})
type Entry = Static<typeof Entry>

const entryOf = (entry: JournalEntry): Entry =>
  given({
    seq: entry.seq,
    at: iso(entry.at),
    actor: entry.actor,
    machine: entry.machine,
    from: entry.from,
    to: entry.to,
    state: entry.state,
    event: entry.event,
    text: entryInWords(entry),
    cause: entry.cause && given(entry.cause),
    evidence: entry.evidence && { ...entry.evidence },
  }) as Entry

const Instant = (description: string) =>
  Type.String({ maxLength: 40, pattern: '^\\d{4}-\\d{2}-\\d{2}', examples: ['2026-01-02T03:04:05Z'], description })
const timeIn = (param: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time) || !isDay(text.slice(0, 10)))
    throw invalidParam(param, 'must be a time as in 2025-06-01T12:00:00Z')
  return time
}
/** False for 30 February, which `Date` takes for a day in March. */
const isDay = (text: string): boolean => new Date(text).toISOString().startsWith(text)

/** An actor that never was has no history: its name is a mistake. One that is gone may have some. */
async function demandActor(name: string, { directory, journal }: Services, caller: Caller | undefined): Promise<void> {
  const camera = cameraOf(name)
  const isHidden = camera !== undefined && !mayReach(caller, camera)
  if (!isHidden && directory.actors().some((actor) => isWithin(actor.name, name))) return
  const isVisible = (entry: JournalEntry) => maySee(caller, entry)
  const { entries } = await journal.read({ actor: name, limit: 1, isVisible })
  if (entries.length > 0) return
  const isCamera = name === `camera:${camera}`
  throw isCamera ? notFound('Camera', camera ?? name) : notFound('Actor', name)
}

const getHistory = method({
  name: 'get_history',
  summary: 'Lists the changes of state of the service, newest first, with their causes.',
  role: 'viewer',
  cost: 5,
  since: '1.1',
  errors: ['dependencyFailed', 'notFound', 'unsupported'],
  params: Type.Object({
    device: Type.Optional(CameraParam),
    actor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'One actor with its children, as in `storage`' }),
    ),
    since: Type.Optional(Instant('Only entries from this time on')),
    until: Type.Optional(Instant('Only entries up to this time')),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Only older entries: `next_cursor` of the previous page' }),
    ),
    after: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Only newer entries: the highest `seq` that the client has' }),
    ),
  }),
  numeric: ['limit', 'cursor', 'after'],
  result: Type.Object({
    entries: Type.Array(Entry),
    next_cursor: Type.Optional(Type.Integer({ minimum: 1, description: 'Absent: there are no older entries' })),
  }),
  handler: async ({ device, actor, since, until, limit = 100, cursor, after }, { services, caller }) => {
    const { journal } = services
    if (device !== undefined && !mayReach(caller, device)) throw notFound('Camera', device)
    if (device !== undefined && actor !== undefined && !isWithin(actor, `camera:${device}`))
      throw invalidParam('actor', 'must be an actor of the device, or one of the two must be absent')
    const [from, to] = [timeIn('since', since), timeIn('until', until)]
    if (from !== undefined && to !== undefined && from > to)
      throw invalidParam('until', 'must not be before since', 'Exchange since and until')
    const query = given({
      actor: actor ?? (device === undefined ? undefined : `camera:${device}`),
      since: from,
      until: to,
      before: cursor,
      after,
    })
    const isVisible = (entry: JournalEntry) => maySee(caller, entry)
    const read = async () => {
      const page = await journal.read({ ...query, limit, isVisible })
      if (page.entries.length === 0 && query.actor !== undefined) await demandActor(query.actor, services, caller)
      return page
    }
    const { entries, next } = await read().catch((error: unknown) => {
      throw error instanceof ServiceError ? error : dependencyFailed('journal', reasonOf(error))
    })
    return { entries: visible(entries, caller).map(entryOf), ...given({ next_cursor: next }) }
  },
})

const ExplanationShape = Type.Object({
  subject: Type.String(),
  state: Type.String(),
  since: Type.Optional(timeOf('When this state began')),
  text: Type.String({ description: 'The state in one sentence for people' }),
  ...optionalReasonShape,
  evidence: Type.Optional(Evidence),
  causes: Type.Array(Entry, {
    description: 'The latest change of the state, then what led to it; then, of a camera, what ended its stream',
  }),
  before: Type.Optional(
    Type.Array(Entry, {
      description: 'How a state began that lasts since then; of a good state, the fault before it',
    }),
  ),
  timers: Type.Array(
    Type.Object({ name: Type.String(), until: Time, effect: Type.String({ description: 'What happens then' }) }),
    { description: 'Delays that run, the next one first' },
  ),
  allowed_methods: Type.Array(Type.String()),
  refused_methods: Type.Array(
    Type.Object({
      method: Type.String(),
      reason: Type.String({ description: 'Code of the reason' }),
      details: Type.String(),
      needs: Type.String({ description: 'What must happen before the method is allowed' }),
    }),
  ),
  flapping: Flapping,
})

const shown = (explanation: Explanation, caller: Caller | undefined): Static<typeof ExplanationShape> => {
  const { subject, state, since, text, reason, causes, before = [], timers, allowed, refused, flapping } = explanation
  const evidence = evidenceFor(caller, explanation.evidence)
  return {
    subject,
    state,
    ...(since > 0 && given({ since: isoOf(since) })),
    text,
    ...reasonFields(reason),
    ...(evidence && { evidence: { ...evidence } }),
    causes: visible(causes, caller).map(entryOf),
    ...(before.length > 0 && { before: visible(before, caller).map(entryOf) }),
    timers: timers.map(({ name, until, effect }) => ({ name, until: iso(until), effect })),
    allowed_methods: allowed,
    refused_methods: refused,
    ...flappingFields(flapping),
  }
}

export const explain = method({
  name: 'explain',
  summary: 'Explains a state: since when, by which causes, on what evidence, and what is allowed now.',
  role: 'viewer',
  cost: 3,
  since: '1.1',
  gated: true,
  errors: ['notFound'],
  params: Type.Object({
    device: Type.Optional(CameraParam),
    recording: Type.Optional(
      Type.String({
        pattern: '^camera[0-9]+$',
        maxLength: 32,
        description: 'Camera id: explains its recording, or its last one',
      }),
    ),
    component: Type.Optional(Type.Enum(['mediamtx', 'storage', 'discovery'])),
  }),
  result: ExplanationShape,
  handler: ({ device, recording, component }, { services, caller }) => {
    const given = [device, recording, component].filter((each) => each !== undefined)
    if (given.length !== 1) throw invalidParam('params', 'must contain exactly one of device, recording, component')
    const camera = device ?? recording
    if (camera !== undefined && !mayReach(caller, camera)) throw notFound('Camera', camera)
    if (component !== undefined) return shown(services.explain.component(component), caller)
    const explanation =
      device === undefined ? services.explain.recording(recording ?? '') : services.explain.camera(device)
    return shown(explanation, caller)
  },
})

export const historyMethods = [getHistory, explain]
