import { assign, emit, enqueueActions, sendTo, setup } from 'xstate'
import { count } from './domain/amounts.js'
import type { By } from './domain/by.js'
import {
  afterReading,
  type ClockReading,
  type ClockRecord,
  confirmed,
  isSuspect,
  unknownTime,
} from './domain/clockTrust.js'
import type { Shortage } from './domain/diskRoom.js'
import type { RetentionFact } from './domain/facts.js'
import type { RecordingFolder } from './domain/files.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import {
  type Cleanup,
  type Excess,
  implausible,
  type RetentionPolicy,
  type RetentionSettings,
  type RetentionStore,
  type RetentionView,
  type SweepRules,
} from './domain/retention.js'
import { suspensionOf } from './domain/retentionSuspension.js'
import { wrongTimes } from './domain/wrongTimes.js'
import { callbackHole, promiseHole } from './hole.js'

type Deleted = Omit<Extract<RetentionFact, { type: 'file.deleted' }>, 'type' | 'by'>

/** `undated`: number of files that were kept because their dates cannot be right; absent if they were not counted. */
interface SweepEnd {
  at: number
  undated?: number
  /** Nothing was deleted by age. */
  excess?: Excess
  /** More files are due. */
  isLimited?: boolean
  reason?: string
}

export type RetentionEvent =
  | { type: 'policy.set'; policy: RetentionPolicy; by: By }
  /** From the parent: the configuration has changed. */
  | ({ type: 'retention.configured' } & RetentionSettings)
  /**
   * `cameras`: ids or patterns; limits the sweep to files of these cameras. `acceptsLoss`: the client accepts that the
   * list of protected recordings is lost.
   */
  | { type: 'retention.sweep'; by: By; cameras?: readonly string[]; acceptsLoss?: boolean }
  /** The disk fills up: so much should be deleted in this folder; default: the main one. */
  | { type: 'space.needed'; missing: Shortage; folder?: RecordingFolder | undefined }
  | ({ type: 'file.deleted' } & Deleted)
  | { type: 'file.kept'; name: string; reason: string }
  /** A scheduled sweep deletes nothing. */
  | ({ type: 'sweep.refused' } & SweepEnd & { excess: Excess })
  | ({ type: 'sweep.ended' } & SweepEnd)
  /** From the part `sweeps` of the machine to its part `clock`, and back. */
  | { type: 'clock.check' }
  | { type: 'clock.confirm' }
  | { type: 'clock.judged' }

/** The parameters of a sweep. `by` is absent for a scheduled sweep, and for one that the disk needs. */
export interface Sweep extends Pick<SweepRules, 'needed' | 'folder' | 'hasTarget' | 'ignoresAge' | 'wrongTimes'> {
  policy: RetentionPolicy
  by?: By
  cameras?: readonly string[]
  /** The time by which a scheduled sweep by age selects files: the one that was judged. */
  now?: number
}

export interface RetentionContext extends RetentionSettings {
  /** The policy is one that a client has set: the configuration does not replace it. */
  isKept?: boolean
  /** The change in progress. */
  change?: { policy: RetentionPolicy; by: By } | undefined
  /** Why the requested policy is not in effect. */
  reason?: string | undefined
  /** Why the list of protected recordings is not complete. */
  loss?: Reason | undefined
  /** What the disk lacks, for the sweep that is about to begin. */
  needed?: Shortage | undefined
  /** The folder whose disk lacks it. */
  folder?: RecordingFolder | undefined
  /** The running sweep. */
  sweep: Omit<Sweep, 'policy'> & { files: number; freed: number; kept: Cleanup['kept'] }
  last?: RetentionView['last']
  clock?: ClockRecord | undefined
  /** Monotonic time of the last reading, and of the reading that was saved last. */
  readAt?: number | undefined
  savedAt?: number | undefined
  /** Why the last scheduled sweep deleted nothing. */
  excess?: Excess | undefined
  undated: number
}

/** Maximum number of listed files that could not be deleted. */
export const mostKept = 100

/** ms between two readings of the clock, each of which is saved: modest, because writes wear an SD card. */
const clockInterval = 600_000

export const retentionSetup = setup({
  types: {
    input: {} as RetentionSettings,
    context: {} as RetentionContext,
    events: {} as RetentionEvent,
    emitted: {} as RetentionFact,
    tags: {} as 'sweeping' | 'changing' | 'suspended' | 'withheld',
  },
  actors: {
    loadPolicy: promiseHole<Awaited<ReturnType<RetentionStore['load']>>>('loadPolicy'),
    savePolicy: promiseHole<void, { policy: RetentionPolicy }>('savePolicy'),
    /** Resolves with why the list of protected recordings is not complete; undefined: it is. */
    findLoss: promiseHole<Reason | undefined>('findLoss'),
    acceptLoss: promiseHole<void>('acceptLoss'),
    sweepFiles: callbackHole<Sweep>('sweepFiles'),
    loadClock: promiseHole<ClockRecord | undefined>('loadClock'),
    readClock: promiseHole<ClockReading>('readClock'),
    saveClock: promiseHole<void, { record: ClockRecord }>('saveClock'),
  },
  guards: {
    isDue: ({ context: { policy } }) => policy.enabled && policy.type !== 'manual',
    isDueByAge: ({ context: { policy, hasAgeLimits } }) =>
      policy.enabled && (policy.type === 'age' || (policy.type === 'size' && hasAgeLimits === true)),
    isClockTrusted: ({ context }) => isClockTrusted(context),
    /** Something may be deleted whatever the clock shows. */
    isDueBySize: ({ context: { policy, needed, hasTarget } }) =>
      policy.type === 'size' || (needed !== undefined && hasTarget === true),
    isNeeded: ({ context }) => context.needed !== undefined,
    isForRoom: ({ context: { sweep } }) => sweep.needed !== undefined,
    isToBeContinued: ({ context: { policy } }, { isLimited }: SweepEnd) => isLimited === true && policy.type === 'size',
    isUnsaved: ({ context: { readAt = 0, savedAt } }) => savedAt === undefined || readAt - savedAt >= clockInterval / 2,
    isLost: ({ context }) => context.loss !== undefined,
    acceptsLoss: (_, { acceptsLoss }: { acceptsLoss?: boolean }) => acceptsLoss === true,
    isClockSuspect: ({ context }) => suspensionOf(context)?.code === 'clock_suspect',
    isTooMuch: ({ context }) => suspensionOf(context)?.code === 'too_many_files',
    isNotSuspended: ({ context }) => suspensionOf(context) === undefined,
  },
  actions: {
    keepLoaded: assign((_, { loaded }: { loaded: { policy: RetentionPolicy; reason?: string } | undefined }) => ({
      ...loaded,
      ...(loaded && { isKept: true }),
    })),
    takeConfiguration: assign(({ context }, { policy, checkInterval, hasTarget, hasAgeLimits }: RetentionSettings) => ({
      checkInterval,
      ...(!context.isKept && { policy }),
      ...(hasTarget !== undefined && { hasTarget }),
      ...(hasAgeLimits !== undefined && { hasAgeLimits }),
    })),
    // The policy of a client may be the reason: the configuration does not enable the deletion.
    disable: assign(({ context }, { error }: { error: unknown }) => ({
      isKept: true,
      policy: { ...context.policy, enabled: false },
      reason: reasonFrom(error).details,
    })),
    noteLoss: assign({ loss: (_, { loss }: { loss: Reason | undefined }) => loss }),
    /** Recordings may be protected that are not known. */
    suspectLoss: assign({
      loss: (_, { error }: { error: unknown }) => because('protections_lost', reasonFrom(error).details),
    }),
    forgetLoss: assign({ loss: undefined }),
    tellUnaccepted: emit(
      ({ context: { sweep } }, { error }: { error: unknown }): RetentionFact => ({
        type: 'retention.swept',
        files: 0,
        freed: 0,
        kept: [],
        reason: reasonFrom(error).details,
        ...byOf(sweep),
      }),
    ),
    noteNeed: assign((_, { missing, folder }: { missing: Shortage; folder?: RecordingFolder | undefined }) => ({
      needed: missing,
      folder,
    })),
    forgetNeed: assign({ needed: undefined }),
    takeChange: assign({
      change: (_, { policy, by }: { policy: RetentionPolicy; by: By }) => ({ policy, by }),
      needed: undefined,
    }),
    makeChange: enqueueActions(({ context: { change }, enqueue }) => {
      if (!change) return
      enqueue.assign({
        policy: change.policy,
        isKept: true,
        reason: undefined,
        change: undefined,
        excess: undefined,
        undated: 0,
      })
      enqueue.emit({ type: 'retention.policySet', ...change })
    }),
    dropChange: assign((_, { error }: { error: unknown }) => ({
      reason: reasonFrom(error).details,
      change: undefined,
    })),
    beginSweep: assign(({ context }, { by, cameras }: { by?: By; cameras?: readonly string[] }) => ({
      needed: undefined,
      sweep: {
        files: 0,
        freed: 0,
        kept: [],
        ...(by ? { by } : scheduled(context)),
        ...timesOf(context),
        ...(cameras && { cameras }),
      },
    })),
    tellDeleted: enqueueActions(({ context: { sweep }, enqueue }, { kind, name, camera, bytes, reason }: Deleted) => {
      enqueue.assign({ sweep: { ...sweep, files: sweep.files + 1, freed: sweep.freed + bytes } })
      enqueue.emit({ type: 'file.deleted', kind, name, camera, bytes, reason, ...byOf(sweep) })
    }),
    noteKept: assign({
      sweep: ({ context: { sweep } }, { name, reason }: { name: string; reason: string }) =>
        sweep.kept.length < mostKept ? { ...sweep, kept: [...sweep.kept, { name, reason }] } : sweep,
    }),
    tellSwept: enqueueActions(({ context, enqueue }, { at, reason, excess }: SweepEnd) => {
      const { sweep } = context
      const { files, freed, kept, by, cameras } = sweep
      const why = reason === undefined ? {} : { reason }
      // A full disk would report it again and again.
      if (sweep.needed !== undefined && files + kept.length === 0 && reason === undefined) return
      enqueue.assign({ last: { at, files, freed, ...why } })
      enqueue.emit({ type: 'retention.swept', files, freed, kept, ...why, ...byOf(sweep) })
      if (reason !== undefined || cameras !== undefined) return
      if (sweep.needed === undefined) enqueue.assign({ excess })
      if (by !== undefined && usesAge(context)) enqueue.raise({ type: 'clock.confirm' })
    }),
    noteExcess: assign((_, { at, excess }: { at: number; excess: Excess }) => ({
      excess,
      last: { at, files: 0, freed: 0 },
    })),
    tellUndated: enqueueActions(({ context, enqueue }, { undated: files }: SweepEnd) => {
      if (files === undefined || context.sweep.cameras !== undefined) return
      enqueue.assign({ undated: files })
      if (files <= context.undated) return
      const details = `the dates of ${count(files, 'file')} cannot be right (${implausible}): they are not deleted by age`
      enqueue.emit({ type: 'retention.undated', files, reason: because('date_implausible', details) })
    }),
    stopSweep: sendTo('sweepFiles', { type: 'sweep.stop' }),

    checkClock: enqueueActions(({ enqueue }) => enqueue.raise({ type: 'clock.check' })),
    keepClock: assign({ clock: (_, { record }: { record: ClockRecord | undefined }) => record }),
    doubtClock: assign({ clock: unknownTime }),
    judge: enqueueActions(({ context: { clock, readAt }, enqueue }, reading: ClockReading) => {
      const elapsed = readAt === undefined ? 0 : reading.monotonic - readAt
      enqueue.assign({ clock: afterReading(clock, reading, elapsed), readAt: reading.monotonic })
    }),
    noteSaved: assign({ savedAt: ({ context }) => context.readAt }),
    /** The next reading is trusted; it is saved at once. */
    trustClock: assign({ clock: ({ context: { clock } }) => clock && confirmed(clock), savedAt: undefined }),
    tellJudged: enqueueActions(({ enqueue }) => enqueue.raise({ type: 'clock.judged' })),

    tellSuspended: enqueueActions(({ context, enqueue }) => {
      const reason = suspensionOf(context)
      if (reason) enqueue.emit({ type: 'retention.suspended', reason })
    }),
    tellResumed: enqueueActions(({ enqueue }) => enqueue.emit({ type: 'retention.resumed' })),
  },
  delays: {
    /** The first sweep after a start or a change is delayed, so that a mistake can still be corrected. */
    soon: ({ context: { checkInterval } }) => Math.min(60_000, checkInterval),
    interval: ({ context: { checkInterval } }) => checkInterval,
    /** Some file systems free the space of deleted files only with their next commit, after 30 s by default. */
    settleTime: 35_000,
    clockInterval,
  },
})

const isClockTrusted = ({ clock }: RetentionContext) => clock?.expected !== undefined && !isSuspect(clock)

/** The parameters of a sweep that no client asked for. */
function scheduled(context: RetentionContext): Omit<Sweep, 'policy'> {
  const { clock, needed, folder, hasTarget } = context
  return {
    ...(usesAge(context) && clock && { now: clock.wall }),
    ...(usesAge(context) && !isClockTrusted(context) && { ignoresAge: true }),
    ...(needed !== undefined && { needed, ...(folder && { folder }), ...(hasTarget && { hasTarget }) }),
  }
}

/** The times that a wrong clock has shown. */
export function timesOf({ clock }: RetentionContext): Pick<Sweep, 'wrongTimes'> {
  const times = clock ? wrongTimes(clock, clock.wall) : []
  return times.length > 0 ? { wrongTimes: times } : {}
}

const byOf = ({ by }: { by?: By }): { by?: By } => (by === undefined ? {} : { by })

/** True if files are deleted by their age: the clock counts. */
const usesAge = ({ policy, hasAgeLimits }: Pick<RetentionContext, 'policy' | 'hasAgeLimits'>) =>
  policy.type === 'age' || hasAgeLimits === true
