import { assign, emit, enqueueActions, setup } from 'xstate'
import {
  type Measured,
  nextCheck,
  rateAfter,
  type Shortage,
  type StorageSettings,
  shortageOf,
  unknownRate,
} from './domain/diskRoom.js'
import type { StorageFact, SupervisionFact } from './domain/facts.js'
import type { DiskUsage, RecordingFolder } from './domain/files.js'
import { because, Failure, type Reason, reasonFrom } from './domain/reason.js'
import { promiseHole } from './hole.js'
import { type RecordingFolderNews, recordingFolderMachine } from './recordingFolder.js'
import {
  fullReason,
  isAbove,
  isBelow,
  isCritical,
  reasonOf,
  type StorageContext,
  type StorageInput,
} from './storageContext.js'

/**
 * Also sent to the parent: whether recordings are allowed. `gradually`: those of the highest priority continue first.
 * `strained` and `relaxed` repeat with each measurement, while recordings of different priorities stop and continue one
 * after the other. `missing`: what retention should free in this
 * folder, by default the main one.
 */
export type StorageNews =
  | { type: 'storage.blocked'; reason: Reason }
  | { type: 'storage.freed'; gradually?: true }
  | { type: 'storage.strained'; reason: Reason }
  | { type: 'storage.relaxed' }
  | { type: 'storage.pressed'; missing: Shortage; folder?: RecordingFolder }

/** The events, effects, guards and actions of the statechart in `storage.ts`. */
export const storageSetup = setup({
  types: {
    input: {} as StorageInput,
    context: {} as StorageContext,
    emitted: {} as StorageFact | SupervisionFact,
    events: {} as
      | { type: 'disk.measured' }
      | { type: 'disk.hidden' }
      /** Somebody begins to write: the rate is not known any more. */
      | { type: 'disk.check' }
      /** No recording is stopped any more because of its priority. */
      | { type: 'strain.settled' }
      | ({ type: 'limits.set' } & StorageSettings)
      | RecordingFolderNews,
    tags: {} as 'unknown' | 'ok' | 'warning' | 'critical' | 'blind',
    children: {} as { recordingFolder: 'recordingFolder' },
  },
  actors: {
    measureDisk: promiseHole<Measured, { folder: RecordingFolder }>('measureDisk'),
    keepReserve: promiseHole<void>('keepReserve'),
    recordingFolder: recordingFolderMachine,
  },
  guards: {
    hasFallback: ({ context }) => context.hasFallback === true,
    isCritical: ({ context }) => isCritical(context),
    isBelowCritical: ({ context }) => isBelow('full', context),
    isWarning: ({ context }) => isAbove('warning', context),
    isBelowWarning: ({ context }) => isBelow('warning', context) && isBelow('full', context),
    isStrained: ({ context }) => context.isGraded === true && isAbove('strained', context),
    isRelaxed: ({ context }) => context.isGraded !== true || isBelow('strained', context),
    isOtherReason: ({ context }) => !context.failure && reasonOf(context).code !== context.blockedBy,
    isFault: (_, { error }: { error: unknown }) => error instanceof Failure && error.code !== 'storage_unknown',
  },
  actions: {
    takeLimits: enqueueActions(({ enqueue, self }, { limits }: { limits: StorageSettings }) => {
      enqueue.assign(limits)
      const { recordingFolder } = self.getSnapshot().children
      if (recordingFolder) enqueue.sendTo(recordingFolder, { type: 'limits.set', ...limits })
    }),
    /** Tells with each measurement whether the folder in use takes recordings. Between the levels it says nothing. */
    tellFolder: enqueueActions(({ context, enqueue, self }) => {
      const { recordingFolder } = self.getSnapshot().children
      if (!recordingFolder) return
      if (isCritical(context)) enqueue.sendTo(recordingFolder, { type: 'folder.failed', reason: reasonOf(context) })
      else if (isBelow('full', context)) enqueue.sendTo(recordingFolder, { type: 'folder.well' })
    }),
    takeFolder: assign((_, { folder }: { folder: RecordingFolder }) => ({
      folder,
      rate: unknownRate,
      failure: undefined,
    })),
    tellCrash: emit((_, { error }: { error: unknown }) => ({
      type: 'actor.failed',
      actor: 'recordingFolder',
      reason: reasonFrom(error, 'crashed'),
      restarts: 1,
    })),
    keepUsage: enqueueActions(({ context, enqueue, self }, measured: Measured) => {
      const { at: _, ...usage } = measured
      const { rate: before } = context
      // What the simulation changes at once says nothing about a rate of writing.
      const isSimulated = usage.simulated === true || context.usage.simulated === true
      const rate = isSimulated ? { perMs: 0, isKnown: true } : rateAfter(before, measured, context.usage.available)
      enqueue.assign({ usage, rate, failure: undefined })
      const isFaulty = usage.fault !== undefined && usage.fault.code !== 'storage_full'
      const missing = isFaulty || isSimulated ? undefined : shortageOf(context, usage)
      const folder = context.folder === 'fallback' ? { folder: 'fallback' as const } : {}
      if (missing && self._parent) enqueue.sendTo(self._parent, { type: 'storage.pressed', missing, ...folder })
      enqueue.raise({ type: 'disk.measured' })
    }),
    keepFault: enqueueActions(({ context, enqueue }, { error }: { error: unknown }) => {
      enqueue.assign({ usage: { ...context.usage, fault: reasonFrom(error) }, failure: undefined })
      enqueue.raise({ type: 'disk.measured' })
    }),
    forgetRate: assign({ rate: ({ context: { rate } }) => ({ perMs: rate.perMs, isKnown: false }) }),
    noteFailure: assign({
      failure: (_, { error }: { error: unknown }) => {
        const { details } = reasonFrom(error)
        return because('storage_unknown', `the free space of the disk cannot be measured: ${details}`)
      },
    }),
    goBlind: enqueueActions(({ enqueue }) => enqueue.raise({ type: 'disk.hidden' })),
    tellOk: emit(({ context: { usage } }) => ({ type: 'storage.ok', ...shown(usage) })),
    tellWarning: emit(({ context }) => ({
      type: 'storage.warning',
      ...shown(context.usage),
      reason: fullReason(context, 'warning'),
    })),
    tellCritical: emit(({ context }) => ({
      type: 'storage.critical',
      ...shown(context.usage),
      reason: reasonOf(context),
    })),
    tellBlind: emit(({ context }) => ({ type: 'storage.blind', reason: reasonOf(context) })),
    block: enqueueActions(({ context, enqueue, self }) => {
      const reason = reasonOf(context)
      enqueue.assign({ blockedBy: reason.code })
      if (self._parent) enqueue.sendTo(self._parent, { type: 'storage.blocked', reason })
    }),
    free: enqueueActions(({ context, enqueue, self }) => {
      // The region `strain` lets the lower ones follow.
      const isGradual = context.isGraded && isAbove('strained', context)
      const freed: StorageNews = isGradual ? { type: 'storage.freed', gradually: true } : { type: 'storage.freed' }
      if (self._parent) enqueue.sendTo(self._parent, freed)
    }),
    tellStrained: enqueueActions(({ context, enqueue, self }) => {
      const reason = fullReason(context, 'strained')
      if (self._parent) enqueue.sendTo(self._parent, { type: 'storage.strained', reason })
    }),
    tellRelaxed: enqueueActions(({ enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'storage.relaxed' })
    }),
  },
  delays: {
    interval: ({ context }) => nextCheck(context, context.usage, context.rate, context.interval),
    restartPause: 1_000,
  },
})

const shown = ({ percent, available }: DiskUsage) => ({ percent, available })
