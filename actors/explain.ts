import type { Component, Explain, Explanation, Refused, Timer } from '../machines/domain/explanation.js'
import { entryInWords, needOf, newTries, stateWords, timerWords } from '../machines/domain/explanationWords.js'
import { ambiguityOf } from '../machines/domain/identity.js'
import { flappingOf, flappingText, isWithin, type Journal, type JournalEntry } from '../machines/domain/journal.js'
import { keptValues } from '../machines/domain/kept.js'
import type { WallClock } from '../machines/domain/ports.js'
import { isReasonCode, type Reason } from '../machines/domain/reason.js'
import type { CameraView, Cause } from '../machines/domain/views.js'
import { actorName } from './actorName.js'
import { scheduledOf } from './actorSystem.js'
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

/** Entries of one chain of causes. */
const longest = 10
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

const good: ReadonlySet<string> = new Set(['available', 'ok', 'recording', 'up'])
const isGood = ({ state }: JournalEntry): boolean => state !== undefined && good.has(state)

/** Explains states from the views of the directory, the journal and the delays that run. */
export function createExplain({ fleet, directory, journalist, journal, clock }: ExplainPorts): Explain {
  const chainOf = (actor: string): JournalEntry[] => {
    const chain: JournalEntry[] = []
    let entry = journalist.latest(actor)
    while (entry !== undefined && chain.length < longest) {
      // What brought the actor into the good state before is no cause of what came after it.
      if (chain.length > 0 && entry.actor === actor && isGood(entry)) break
      const last = chain.at(-1)
      // The later entry then follows from what the earlier one followed from.
      if (last && isPassedOn(entry, last))
        chain[chain.length - 1] = { ...last, ...(entry.cause && { cause: entry.cause }) }
      else chain.push(entry)
      entry = entry.cause?.seq === undefined ? undefined : journalist.entry(entry.cause.seq)
    }
    return chain
  }

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
    const causes = chainOf(actor)
    const meaning = words[cause.state] ?? `is ${cause.state}`
    const reason = cause.reason
    // The reason is said already.
    const { reason: _code, details: _details, ...seen } = causes.find((entry) => entry.evidence)?.evidence ?? {}
    const evidence = { ...seen, ...reason?.evidence }
    return {
      subject,
      state: cause.state,
      since: cause.since,
      text: `${title} ${meaning}${reason ? `: ${reason.details}` : ''}`,
      ...(reason && { reason }),
      ...(Object.keys(evidence).length > 0 && { evidence }),
      causes,
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

  const cameraOf: Explain['camera'] = (id) => {
    const view = directory.camera(id)
    const actor = `camera:${view.id}`
    const title = `${view.id} (${view.name})`
    const also = endOf(view)
    const found = explained(view.id, { title, words: stateWords.camera, actor, cause: view.cause, also })
    const rhythm = flapping(view.id)
    return {
      ...found,
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
        .map((part) => chainOf(`camera:${view.id}/${part}`))
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
      const reason = recording ? recording.reason : reasonIn(isFailed ? chainOf(actor) : last && [last])
      const cause: Cause = { state, since, ...(reason && { reason }) }
      const title = `the recording of ${view.id} (${view.name})`
      const also = endOf(view).map((timer) => ({ ...timer, isNewTry: true }))
      const isOfRecording = (method: string) => method.endsWith('_recording')
      return {
        ...explained(`recording of ${view.id}`, { title, words: stateWords.recording, actor, cause, also }),
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
      return explained(name, { title: titles[name], words, actor, cause, timersOfActors: [actor, ...also] })
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
function remarksOn({ identity, stream }: CameraView): string[] {
  const { status, reason } = stream
  const isBroken = status !== 'ACTIVE' && reason !== undefined && reason.code !== 'no_longer_used'
  return [
    ...(isBroken ? [`its stream does not run: ${reason.details}`] : []),
    ...(identity.ambiguous ? [ambiguityOf(identity).details] : []),
  ]
}

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

/** A request that one actor passes on to another. */
const isPassedOn = (entry: JournalEntry, later: JournalEntry): boolean =>
  entry.event === later.event && entry.actor !== later.actor && entryInWords(entry) === entryInWords(later)

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
