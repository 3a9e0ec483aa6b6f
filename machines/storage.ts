import { assign, emit, enqueueActions, type SnapshotFrom, setup } from 'xstate'
import {
  type Measured,
  nextCheck,
  rateAfter,
  roomUntil,
  type Shortage,
  type StorageSettings,
  shortageOf,
  unknownRate,
} from './domain/diskRoom.js'
import type { StorageFact } from './domain/facts.js'
import type { DiskUsage } from './domain/files.js'
import { because, Failure, type Reason, reasonFrom } from './domain/reason.js'
import type { StorageView } from './domain/views.js'
import { promiseHole } from './hole.js'
import { fullReason, isAbove, isBelow, isCritical, reasonOf, type StorageContext } from './storageContext.js'

/**
 * Also sent to the parent: whether recordings are allowed. `gradually`: those of the highest priority continue first.
 * `strained` and `relaxed` repeat with each measurement, while recordings of different priorities stop and continue one
 * after the other. `missing`: what retention should free.
 */
export type StorageNews =
  | { type: 'storage.blocked'; reason: Reason }
  | { type: 'storage.freed'; gradually?: true }
  | { type: 'storage.strained'; reason: Reason }
  | { type: 'storage.relaxed' }
  | { type: 'storage.pressed'; missing: Shortage }

/**
 * The recordings' disk: its usage, and whether a file can be written. A level ends below its limit (hysteresis), so
 * that recordings are not blocked and allowed alternately at the limit. A disk that takes no file is critical at once,
 * whatever its usage, until it takes one. After two failed measurements in a row the state is `blind`, because the
 * disk may be full. The next measurement comes sooner while the disk fills up; it is critical before it is full,
 * because recordings take time to stop. If recordings have different priorities, the region `strain` announces the
 * limit.
 */
export const storageMachine = setup({
  types: {
    input: {} as StorageSettings,
    context: {} as StorageContext,
    emitted: {} as StorageFact,
    events: {} as
      | { type: 'disk.measured' }
      | { type: 'disk.hidden' }
      /** Somebody begins to write: the rate is not known any more. */
      | { type: 'disk.check' }
      /** No recording is stopped any more because of its priority. */
      | { type: 'strain.settled' }
      | ({ type: 'limits.set' } & StorageSettings),
    tags: {} as 'unknown' | 'ok' | 'warning' | 'critical' | 'blind',
  },
  actors: { measureDisk: promiseHole<Measured>('measureDisk'), keepReserve: promiseHole<void>('keepReserve') },
  guards: {
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
    takeLimits: assign((_, { limits }: { limits: StorageSettings }) => limits),
    keepUsage: enqueueActions(({ context, enqueue, self }, measured: Measured) => {
      const { at: _, ...usage } = measured
      enqueue.assign({ usage, rate: rateAfter(context.rate, measured, context.usage.available), failure: undefined })
      const isFaulty = usage.fault !== undefined && usage.fault.code !== 'storage_full'
      const missing = isFaulty ? undefined : shortageOf(context, usage)
      if (missing && self._parent) enqueue.sendTo(self._parent, { type: 'storage.pressed', missing })
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
  delays: { interval: ({ context }) => nextCheck(context, context.usage, context.rate, context.interval) },
}).createMachine({
  id: 'storage',
  context: ({ input }) => ({
    ...input,
    usage: { total: 0, used: 0, available: 0, percent: 0 },
    rate: unknownRate,
  }),
  type: 'parallel',
  on: {
    'disk.check': { actions: 'forgetRate' },
    'limits.set': { actions: { type: 'takeLimits', params: ({ event: { type: _, ...limits } }) => ({ limits }) } },
  },
  states: {
    level: {
      initial: 'unknown',
      on: { 'disk.hidden': '.blind' },
      states: {
        unknown: { tags: 'unknown', on: { 'disk.measured': 'judging' } },
        judging: {
          always: [
            { guard: 'isCritical', target: 'critical' },
            { guard: 'isWarning', target: 'warning' },
            { target: 'ok' },
          ],
        },
        ok: {
          tags: 'ok',
          entry: ['tellOk', 'free'],
          always: [
            { guard: 'isCritical', target: 'critical' },
            { guard: 'isWarning', target: 'warning' },
          ],
        },
        warning: {
          tags: 'warning',
          entry: ['tellWarning', 'free'],
          always: [
            { guard: 'isCritical', target: 'critical' },
            { guard: 'isBelowWarning', target: 'ok' },
          ],
        },
        critical: {
          tags: 'critical',
          entry: ['tellCritical', 'block'],
          always: [
            { guard: 'isBelowWarning', target: 'ok' },
            { guard: 'isBelowCritical', target: 'warning' },
            { guard: 'isOtherReason', target: 'judging' },
          ],
        },
        blind: {
          tags: 'blind',
          entry: ['tellBlind', 'block'],
          on: { 'disk.measured': 'judging', 'disk.hidden': undefined },
        },
      },
    },
    strain: {
      initial: 'calm',
      states: {
        calm: { on: { 'disk.measured': { guard: 'isStrained', target: 'strained', actions: 'tellStrained' } } },
        strained: {
          on: {
            'disk.measured': [
              { guard: 'isRelaxed', target: 'relaxing', actions: 'tellRelaxed' },
              { actions: 'tellStrained' },
            ],
          },
        },
        relaxing: {
          on: {
            'disk.measured': [
              { guard: 'isStrained', target: 'strained', actions: 'tellStrained' },
              { actions: 'tellRelaxed' },
            ],
            'strain.settled': 'calm',
          },
        },
      },
    },
    measurement: {
      initial: 'measuring',
      states: {
        measuring: {
          invoke: {
            src: 'measureDisk',
            onDone: { target: 'reserving', actions: { type: 'keepUsage', params: ({ event }) => event.output } },
            onError: [
              {
                guard: { type: 'isFault', params: ({ event }) => event },
                target: 'waiting',
                actions: { type: 'keepFault', params: ({ event }) => event },
              },
              { target: 'doubting', actions: { type: 'noteFailure', params: ({ event }) => event } },
            ],
          },
        },
        // While the disk is critical, the room of the reserve belongs to the state files.
        reserving: {
          always: { guard: 'isCritical', target: 'waiting' },
          invoke: { src: 'keepReserve', onDone: 'waiting', onError: 'waiting' },
        },
        waiting: {
          after: { interval: 'measuring' },
          on: { 'disk.check': { target: 'measuring', actions: 'forgetRate' } },
        },
        doubting: { after: { interval: 'measuringAgain' } },
        measuringAgain: {
          invoke: {
            src: 'measureDisk',
            onDone: { target: 'reserving', actions: { type: 'keepUsage', params: ({ event }) => event.output } },
            onError: [
              {
                guard: { type: 'isFault', params: ({ event }) => event },
                target: 'waiting',
                actions: { type: 'keepFault', params: ({ event }) => event },
              },
              {
                target: 'doubting',
                actions: [{ type: 'noteFailure', params: ({ event }) => event }, 'goBlind'],
              },
            ],
          },
        },
      },
    },
  },
})

const shown = ({ percent, available }: DiskUsage) => ({ percent, available })

const levels = ['unknown', 'ok', 'warning', 'critical', 'blind'] as const

export const storageView = ({ context, tags }: SnapshotFrom<typeof storageMachine>, since: number): StorageView => {
  const { usage, failure } = context
  const state = levels.find((level) => tags.has(level)) ?? 'unknown'
  const reasons = {
    warning: failure ?? fullReason(context, 'warning'),
    critical: reasonOf(context),
  }
  const reason = state === 'warning' || state === 'critical' ? reasons[state] : failure
  return {
    state,
    cause: { state, since, ...(reason && { reason }) },
    ...usage,
    room: roomUntil('full', context, usage),
    spare: roomUntil('warning', context, usage),
  }
}
