import { assign, emit, enqueueActions, type SnapshotFrom, setup } from 'xstate'
import type { StorageFact } from './domain/facts.js'
import type { DiskUsage } from './domain/files.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import type { StorageView } from './domain/views.js'
import { promiseHole } from './hole.js'

/** Disk usage in percent that causes a warning, and that blocks recordings. */
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
}

/**
 * The usage of the recordings' disk. A level ends two percent below its limit (hysteresis), so that recordings are not
 * blocked and allowed alternately at the limit. After two failed measurements in a row the state is `blind`, because
 * the disk may be full.
 */
export const storageMachine = setup({
  types: {
    input: {} as StorageInput,
    context: {} as StorageContext,
    emitted: {} as StorageFact,
    events: {} as { type: 'disk.measured' } | { type: 'disk.hidden' },
    tags: {} as 'unknown' | 'ok' | 'warning' | 'critical' | 'blind',
  },
  actors: { measureDisk: promiseHole<DiskUsage>('measureDisk') },
  guards: {
    isCritical: ({ context }) => context.usage.percent >= context.blockPercent,
    isBelowCritical: ({ context }) => context.usage.percent < context.blockPercent - 2,
    isWarning: ({ context }) => context.usage.percent >= context.warnPercent,
    isBelowWarning: ({ context }) => context.usage.percent < context.warnPercent - 2,
  },
  actions: {
    keepUsage: enqueueActions(({ enqueue }, usage: DiskUsage) => {
      enqueue.assign({ usage, failure: undefined })
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
    tellWarning: emit(({ context: { usage } }) => ({ type: 'storage.warning', ...shown(usage) })),
    tellCritical: emit(({ context: { usage } }) => ({ type: 'storage.critical', ...shown(usage) })),
    tellBlind: emit(({ context }) => ({ type: 'storage.blind', reason: reasonOf(context) })),
    block: enqueueActions(({ context, enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'storage.blocked', reason: reasonOf(context) })
    }),
    free: enqueueActions(({ enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'storage.freed' })
    }),
  },
  delays: { interval: 5_000 },
}).createMachine({
  id: 'storage',
  context: ({ input }) => ({ ...input, usage: { total: 0, used: 0, available: 0, percent: 0 } }),
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
            onDone: { target: 'waiting', actions: { type: 'keepUsage', params: ({ event }) => event.output } },
            onError: { target: 'doubting', actions: { type: 'noteFailure', params: ({ event }) => event } },
          },
        },
        waiting: { after: { interval: 'measuring' } },
        doubting: { after: { interval: 'measuringAgain' } },
        measuringAgain: {
          invoke: {
            src: 'measureDisk',
            onDone: { target: 'waiting', actions: { type: 'keepUsage', params: ({ event }) => event.output } },
            onError: {
              target: 'doubting',
              actions: [{ type: 'noteFailure', params: ({ event }) => event }, 'goBlind'],
            },
          },
        },
      },
    },
  },
})

const shown = ({ percent, available }: DiskUsage) => ({ percent, available })

/** Returns why recordings are blocked. */
const reasonOf = ({ usage, blockPercent, failure }: StorageContext): Reason =>
  failure ?? because('storage_full', `the disk is ${usage.percent.toFixed(1)} % full, the limit is ${blockPercent} %`)

const levels = ['unknown', 'ok', 'warning', 'critical', 'blind'] as const

export const storageView = (
  { context: { usage, failure, warnPercent, blockPercent }, tags }: SnapshotFrom<typeof storageMachine>,
  since: number,
): StorageView => {
  const state = levels.find((level) => tags.has(level)) ?? 'unknown'
  const full = (code: 'storage_warning' | 'storage_full', limit: number) =>
    because(code, `${usage.percent.toFixed(1)} % of the disk is used, the limit is ${limit} %`)
  const reason =
    failure ??
    (state === 'warning'
      ? full('storage_warning', warnPercent)
      : state === 'critical'
        ? full('storage_full', blockPercent)
        : undefined)
  return { state, cause: { state, since, ...(reason && { reason }) }, ...usage }
}
