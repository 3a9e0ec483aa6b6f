import { assign, emit, enqueueActions, type SnapshotFrom, setup } from 'xstate'
import type { StorageFact } from './domain/facts.js'
import type { DiskUsage } from './domain/files.js'
import { because, Failure, type Reason, type ReasonCode, reasonFrom } from './domain/reason.js'
import type { StorageView } from './domain/views.js'
import { promiseHole } from './hole.js'

/** Usage of the disk, in bytes or inodes, in percent that causes a warning, and that blocks recordings. */
export interface StorageInput {
  warnPercent: number
  blockPercent: number
}

/** Also sent to the parent: whether recordings are allowed. */
export type StorageNews = { type: 'storage.blocked'; reason: Reason } | { type: 'storage.freed' }

interface StorageContext extends StorageInput {
  usage: DiskUsage
  /** Why the last measurement failed. */
  failure?: Reason | undefined
  /** The code of the reason that the parent knows. */
  blockedBy?: ReasonCode
}

/**
 * The recordings' disk: its usage, and whether a file can be written. A level ends two percent below its limit
 * (hysteresis), so that recordings are not blocked and allowed alternately at the limit. A disk that takes no file is
 * critical at once, whatever its usage, until it takes one. After two failed measurements in a row the state is `blind`,
 * because the disk may be full.
 */
export const storageMachine = setup({
  types: {
    input: {} as StorageInput,
    context: {} as StorageContext,
    emitted: {} as StorageFact,
    events: {} as { type: 'disk.measured' } | { type: 'disk.hidden' } | ({ type: 'limits.set' } & StorageInput),
    tags: {} as 'unknown' | 'ok' | 'warning' | 'critical' | 'blind',
  },
  actors: { measureDisk: promiseHole<DiskUsage>('measureDisk'), keepReserve: promiseHole<void>('keepReserve') },
  guards: {
    isCritical: ({ context }) => hasFault(context) || fullness(context) >= context.blockPercent,
    isBelowCritical: ({ context }) => !hasFault(context) && fullness(context) < context.blockPercent - 2,
    isWarning: ({ context }) => fullness(context) >= context.warnPercent,
    isBelowWarning: ({ context }) => !hasFault(context) && fullness(context) < context.warnPercent - 2,
    isOtherReason: ({ context }) => !context.failure && reasonOf(context).code !== context.blockedBy,
    isFault: (_, { error }: { error: unknown }) => error instanceof Failure && error.code !== 'storage_unknown',
  },
  actions: {
    takeLimits: assign((_, { warnPercent, blockPercent }: StorageInput) => ({ warnPercent, blockPercent })),
    keepUsage: enqueueActions(({ enqueue }, usage: DiskUsage) => {
      enqueue.assign({ usage, failure: undefined })
      enqueue.raise({ type: 'disk.measured' })
    }),
    keepFault: enqueueActions(({ context, enqueue }, { error }: { error: unknown }) => {
      enqueue.assign({ usage: { ...context.usage, fault: reasonFrom(error) }, failure: undefined })
      enqueue.raise({ type: 'disk.measured' })
    }),
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
      reason: fullReason(context, 'storage_warning'),
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
    free: enqueueActions(({ enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'storage.freed' })
    }),
  },
  delays: { interval: 5_000 },
}).createMachine({
  id: 'storage',
  context: ({ input }) => ({ ...input, usage: { total: 0, used: 0, available: 0, percent: 0 } }),
  on: { 'limits.set': { actions: { type: 'takeLimits', params: ({ event }) => event } } },
  type: 'parallel',
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
        waiting: { after: { interval: 'measuring' } },
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

const hasFault = ({ usage }: StorageContext) => usage.fault !== undefined

/** The share of the bytes or of the inodes in use, whichever is higher, in percent. */
const fullness = ({ usage: { percent, inodesPercent = 0 } }: StorageContext) => Math.max(percent, inodesPercent)

const fullReason = (context: StorageContext, code: 'storage_warning' | 'storage_full'): Reason => {
  const { usage, warnPercent, blockPercent } = context
  const used = `${fullness(context).toFixed(1)} %`
  const limit = `the limit is ${code === 'storage_full' ? blockPercent : warnPercent} %`
  if (fullness(context) === usage.percent) return because(code, `the disk is ${used} full, ${limit}`)
  const inodes = `${used} of the inodes of the disk are used, ${limit}`
  return because(code, fullness(context) === 100 ? `${inodes}: no file can be created` : inodes)
}

/** Returns why recordings are blocked. */
const reasonOf = (context: StorageContext): Reason => {
  const { usage, failure, blockPercent } = context
  // The usage explains more than the error of the system, unless a quota is the limit.
  const isFull = usage.fault?.code === 'storage_full' && fullness(context) >= blockPercent
  return failure ?? (isFull ? undefined : usage.fault) ?? fullReason(context, 'storage_full')
}

const levels = ['unknown', 'ok', 'warning', 'critical', 'blind'] as const

export const storageView = ({ context, tags }: SnapshotFrom<typeof storageMachine>, since: number): StorageView => {
  const { usage, failure } = context
  const state = levels.find((level) => tags.has(level)) ?? 'unknown'
  const reasons = {
    warning: failure ?? fullReason(context, 'storage_warning'),
    critical: reasonOf(context),
  }
  const reason = state === 'warning' || state === 'critical' ? reasons[state] : failure
  return { state, cause: { state, since, ...(reason && { reason }) }, ...usage }
}
