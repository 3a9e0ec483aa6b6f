import { assign, emit, type SnapshotFrom, setup } from 'xstate'
import { reasonOf } from './domain/errors.js'
import type { StorageFact } from './domain/facts.js'
import type { DiskUsage } from './domain/ports.js'
import type { StorageView } from './domain/views.js'
import { promiseHole } from './hole.js'

/** Percent of the disk in use at which we warn, and at which no recording starts or goes on. */
export interface StorageInput {
  warnPercent: number
  blockPercent: number
}

interface StorageContext extends StorageInput {
  usage: DiskUsage
  reason?: string | undefined
}

/**
 * The room on the recordings' disk. A level is left only two percent below where it was entered, so that a disk at its
 * limit does not flap between recording and refusing.
 */
export const storageMachine = setup({
  types: {
    input: {} as StorageInput,
    context: {} as StorageContext,
    emitted: {} as StorageFact,
    tags: {} as 'ok' | 'warning' | 'critical',
  },
  actors: { measureDisk: promiseHole<DiskUsage>('measureDisk') },
  guards: {
    isCritical: ({ context }) => context.usage.percent >= context.blockPercent,
    isBelowCritical: ({ context }) => context.usage.percent < context.blockPercent - 2,
    isWarning: ({ context }) => context.usage.percent >= context.warnPercent,
    isBelowWarning: ({ context }) => context.usage.percent < context.warnPercent - 2,
    isMeasured: ({ context }) => context.usage.total > 0,
  },
  actions: {
    keepUsage: assign((_, usage: DiskUsage) => ({ usage, reason: undefined })),
    noteFailure: assign({ reason: (_, { reason }: { reason: string }) => `the disk cannot be measured: ${reason}` }),
    tellOk: emit(({ context: { usage } }) => ({
      type: 'storage.ok',
      percent: usage.percent,
      available: usage.available,
    })),
    tellWarning: emit(({ context: { usage } }) => ({
      type: 'storage.warning',
      percent: usage.percent,
      available: usage.available,
    })),
    tellCritical: emit(({ context: { usage } }) => ({
      type: 'storage.critical',
      percent: usage.percent,
      available: usage.available,
    })),
  },
  delays: { interval: 5_000 },
}).createMachine({
  id: 'storage',
  context: ({ input }) => ({ ...input, usage: { total: 0, used: 0, available: 0, percent: 0 } }),
  type: 'parallel',
  states: {
    level: {
      initial: 'unknown',
      states: {
        unknown: {
          always: [
            { guard: 'isCritical', target: 'critical' },
            { guard: 'isWarning', target: 'warning' },
            { guard: 'isMeasured', target: 'ok' },
          ],
        },
        ok: {
          tags: 'ok',
          entry: 'tellOk',
          always: [
            { guard: 'isCritical', target: 'critical' },
            { guard: 'isWarning', target: 'warning' },
          ],
        },
        warning: {
          tags: 'warning',
          entry: 'tellWarning',
          always: [
            { guard: 'isCritical', target: 'critical' },
            { guard: 'isBelowWarning', target: 'ok' },
          ],
        },
        critical: {
          tags: 'critical',
          entry: 'tellCritical',
          always: [
            { guard: 'isBelowWarning', target: 'ok' },
            { guard: 'isBelowCritical', target: 'warning' },
          ],
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
            onError: {
              target: 'waiting',
              actions: { type: 'noteFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
            },
          },
        },
        waiting: { after: { interval: 'measuring' } },
      },
    },
  },
})

export const storageView = ({
  context: { usage, reason, warnPercent, blockPercent },
  value,
}: SnapshotFrom<typeof storageMachine>): StorageView => {
  const limit = { ok: undefined, unknown: undefined, warning: warnPercent, critical: blockPercent }[value.level]
  const why =
    reason ??
    (limit === undefined ? undefined : `${usage.percent.toFixed(1)} % of the disk is used, the limit is ${limit} %`)
  return {
    state: value.level,
    cause: { state: value.level, since: 0, ...(why !== undefined && { reason: why }) },
    ...usage,
  }
}

/** Why no recording may be written now; empty: it may. */
export const whyBlocked = ({ context: { usage, blockPercent }, tags }: SnapshotFrom<typeof storageMachine>): string =>
  tags.has('critical') ? `storage full: ${usage.percent.toFixed(1)} % used, the limit is ${blockPercent} %` : ''
