import { spanText } from '../machines/domain/amounts.js'
import type { Component, Explain, Explanation, Refused, Timer } from '../machines/domain/explanation.js'
import { needOf, newTries, stateWords, timerWords } from '../machines/domain/explanationWords.js'
import { ambiguityOf } from '../machines/domain/identity.js'
import { flappingOf, flappingText, isWithin, type Journal, type JournalEntry } from '../machines/domain/journal.js'
import { keptValues } from '../machines/domain/kept.js'
import type { WallClock } from '../machines/domain/ports.js'
import { isReasonCode, type Reason } from '../machines/domain/reason.js'
import type { CameraView, Cause, LinkView } from '../machines/domain/views.js'
import { actorName } from './actorName.js'
import { scheduledOf } from './actorSystem.js'
import { createCauses } from './causes.js'
import type { Directory, FleetActor } from './directory.js'
import type { Journalist } from './journal.js'
import { refusalsOf } from './refusals.js'

interface ExplainPorts {
  fleet: FleetActor
  directory: Directory
  journalist: Pick<Journalist, 'latest' | 'entry'>
  journal: Pick<Journal, 'recent'>
  clock: WallClock
}

/** The actor of each component, and the actors whose delays concern it. */
const actors: Readonly<Record<Component, { name: string; also: readonly string[] }>> = {
  mediamtx: { name: 'link', also: ['serverProcess'] },
  storage: { name: 'storage', also: [] },
  discovery: { name: 'discovery', also: [] },
}
const titles: Readonly<Record<Component, string>> = {
  mediamtx: 'the media server',
  storage: 'the disk of the recordings',
  discovery: 'the detection of cameras',
}

/** Explains states from the views of the directory, the journal and the delays that run. */
export function createExplain({ fleet, directory, journalist, journal, clock }: ExplainPorts): Explain {
  const causesOf = createCauses({ journalist, journal })

  const timersOf = (names: readonly string[]): Timer[] => {
    const isOne = (name: string) => names.some((each) => isWithin(name, each))
    const scheduled = scheduledOf(fleet).flatMap(({ source, event, delay, startedAt }): Timer[] => {
      const [, name] = /^xstate\.after\.([^.]+)\./.exec(event.type) ?? []
      const machine = (source as { logic?: { id?: string } }).logic?.id
      const effect = timerWords[`${machine}.${name}`]
      if (name === undefined || effect === undefined || !isOne(actorName(source))) return []
      const isNewTry = names.includes(actorName(source)) && newTries.has(`${machine}.${name}`)
      return [{ name, effect, until: startedAt + delay, ...(isNewTry && { isNewTry }) }]
    })
    return scheduled.sort((one, other) => one.until - other.until)
  }

  /** `also`: further timers. */
  const explained = (
    subject: string,
    { title, words, actor, cause, timersOfActors = [actor], also = [] }: Shown,
  ): Explanation => {
    const causes = causesOf.of(actor)
    const before = causesOf.before(causes)
    const meaning = words[cause.state] ?? `is ${cause.state}`
    const reason = cause.reason
    // The reason is said already.
    const known = causes.find((entry) => entry.evidence && entry.actor !== 'service')
    const { reason: _code, details: _details, ...seen } = known?.evidence ?? {}
    const evidence = { ...seen, ...reason?.evidence }
    return {
      subject,
      state: cause.state,
      since: cause.since,
      text: `${title} ${meaning}${reason ? `: ${reason.details}` : ''}`,
      ...(reason && { reason }),
      ...(Object.keys(evidence).length > 0 && { evidence }),
      causes,
      ...(before.length > 0 && { before }),
      timers: [...also, ...timersOf(timersOfActors)],
      allowed: [],
      refused: [],
    }
  }

  const rhythms = keptValues()
  /** Clients ask for it often, and it changes with an entry, or slowly with time. */
  const flapping = (id: string) => {
    const entries = journal.recent()
    const of = [entries.at(-1)?.seq, Math.floor(clock.now() / 10_000)]
    return rhythms(fleet, id, of, () => flappingOf(entries, id as CameraView['id'], clock.now()))
  }

  /** What ended the stream of a camera that can be used. */
  const causesOfStream = ({ id, stream }: CameraView): JournalEntry[] => {
    if (!isBroken(stream)) return []
    const chains = parts.map((part) => causesOf.of(`camera:${id}/${part}`))
    return chains.find((chain) => reasonIn(chain, stream.reason?.code)) ?? []
  }

  const cameraOf: Explain['camera'] = (id) => {
    const view = directory.camera(id)
    const actor = `camera:${view.id}`
    const title = `${view.id} (${view.name})`
    const also = endOf(view)
    const found = explained(view.id, { title, words: stateWords.camera, actor, cause: view.cause, also })
    const rhythm = flapping(view.id)
    return {
      ...found,
      causes: [...found.causes, ...causesOfStream(view)],
      ...(rhythm && { flapping: rhythm }),
      text: [found.text, ...remarksOn(view), ...(rhythm ? [`it flaps: ${flappingText(rhythm)}`] : [])].join('; '),
      allowed: view.allowed,
      refused: refusedOf(view),
    }
  }

  return {
    flapping,

    camera: cameraOf,

    failure(id, code) {
      const view = directory.camera(id)
      const isOfState = view.cause.reason?.code === code || view.cause.state !== 'available'
      if (isOfState) return cameraOf(id)
      const chains = parts
        .map((part) => causesOf.of(`camera:${view.id}/${part}`))
        .sort(([one], [other]) => seqOf(other) - seqOf(one))
      const now = clock.now()
      const found = chains.find((chain) => reasonIn(chain, code)) ?? chains.find((chain) => hasJustFailed(chain, now))
      const [last] = found ?? []
      const reason = reasonIn(found, code)
      if (last === undefined) return undefined
      const cause: Cause = { state: view.cause.state, since: last.at, ...(reason && { reason }) }
      const title = `${view.id} (${view.name})`
      return explained(view.id, { title, words: stateWords.camera, actor: last.actor, cause, timersOfActors: [] })
    },

    recording(id) {
      const view = directory.camera(id)
      const actor = `camera:${view.id}/recording`
      const { recording } = view
      const last = journalist.latest(actor)
      const isFailed = last?.state === 'failed'
      const state = recording?.status.toLowerCase() ?? (isFailed ? 'failed' : 'not recording')
      const since = recording?.since ?? last?.at ?? recording?.startedAt ?? 0
      const reason = recording ? recording.reason : reasonIn(isFailed ? causesOf.of(actor) : last && [last])
      const cause: Cause = { state, since, ...(reason && { reason }) }
      const title = `the recording of ${view.id} (${view.name})`
      const also = endOf(view).map((timer) => ({ ...timer, isNewTry: true }))
      const isOfRecording = (method: string) => method.endsWith('_recording')
      const found = explained(`recording of ${view.id}`, { title, words: stateWords.recording, actor, cause, also })
      return {
        ...found,
        text: [found.text, ...interruptionsOf(view), ...doubtOf(view, directory.link())].join('; '),
        allowed: view.allowed.filter(isOfRecording),
        refused: refusedOf(view).filter(({ method }) => isOfRecording(method)),
      }
    },

    component(name) {
      const { name: actor, also } = actors[name]
      const cause =
        name === 'mediamtx'
          ? directory.link().cause
          : name === 'storage'
            ? directory.storage().cause
            : directory.system().discovery.cause
      const words = stateWords[name]
      const found = explained(name, { title: titles[name], words, actor, cause, timersOfActors: [actor, ...also] })
      // The end of this limit would change nothing.
      const timers = found.timers.filter((timer) => cause.state !== 'down' || timer.name !== 'connectLimit')
      return { ...found, timers }
    },
  }
}

interface Shown {
  title: string
  words: Readonly<Record<string, string>>
  actor: string
  cause: Cause
  timersOfActors?: readonly string[]
  also?: readonly Timer[]
}

/** What else a person should know about a camera. */
function remarksOn({ identity, stream, recording }: CameraView): string[] {
  const why = recording?.reason?.details
  return [
    ...(recording?.status === 'INTERRUPTED' ? [`its recording is interrupted${why ? `: ${why}` : ''}`] : []),
    ...(isBroken(stream) ? [`its stream does not run: ${stream.reason?.details}`] : []),
    ...(identity.ambiguous ? [ambiguityOf(identity).details] : []),
  ]
}

const isBroken = ({ status, reason }: CameraView['stream']): boolean =>
  status !== 'ACTIVE' && reason !== undefined && reason.code !== 'no_longer_used'

/** The interruptions of a recording that runs. */
function interruptionsOf({ recording }: CameraView): string[] {
  const { status, gaps = [] } = recording ?? {}
  const last = gaps.at(-1)
  if (status !== 'RECORDING' || last === undefined) return []
  const times = gaps.length === 1 ? 'once' : `${gaps.length} times, last`
  const until = new Date(last.to).toISOString()
  return [`it was interrupted ${times} for ${spanText(last.to - last.from)} until ${until}: ${last.reason.details}`]
}

/** A media server that does not answer may be the cause long before it counts as down. */
const doubtOf = ({ recording }: CameraView, { state, cause }: LinkView): string[] =>
  recording?.status === 'INTERRUPTED' && recording.reason?.code === 'no_data' && state === 'degraded'
    ? [`perhaps because of the media server: ${cause.reason?.details ?? 'it works only partly'}`]
    : []

/** The parts of a camera whose failures fail requests. */
const parts = ['recording', 'snapshot', 'demand', 'pipeline', 'pull'] as const

/** The requested end of a recording. */
const endOf = ({ recording }: CameraView): Timer[] =>
  recording?.startedAt === undefined || recording.duration === undefined
    ? []
    : [{ name: 'duration', effect: 'the recording ends', until: recording.startedAt + recording.duration }]

const seqOf = (entry: JournalEntry | undefined): number => entry?.seq ?? 0

/** The limit of a wait was over: that is no event with a reason. `now`: epoch ms. */
const hasJustFailed = ([last]: readonly JournalEntry[], now: number): boolean =>
  last !== undefined && (last.state === 'failed' || last.state === 'over') && Math.abs(now - last.at) < 1_000

/** The newest reason of a chain; with this code if there is one. */
function reasonIn(chain: readonly JournalEntry[] = [], wanted?: string): Reason | undefined {
  for (const { evidence: { reason, details } = {} } of chain)
    if (isReasonCode(reason) && typeof details === 'string' && (wanted ?? reason) === reason)
      return { code: reason, details }
  return undefined
}

/** The methods that are refused now, with what they need. */
const refusedOf = (view: CameraView): Refused[] =>
  refusalsOf(view).map(({ method, reason, error: { data } }) => {
    const state = data.state ?? view.cause.state
    const details = data.details ?? data.detail ?? state
    const errno = reason === view.cause.reason?.code ? view.cause.reason.evidence?.errno : undefined
    return { method, reason, details, needs: needOf({ code: reason, errno, state, method, allowed: view.allowed }) }
  })
