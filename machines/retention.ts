import { assign, enqueueActions, type SnapshotFrom, sendTo, setup } from 'xstate'
import type { By } from './domain/by.js'
import type { RetentionFact } from './domain/facts.js'
import { reasonFrom } from './domain/reason.js'
import type { Cleanup, RetentionPolicy, RetentionStore, RetentionView } from './domain/retention.js'
import { callbackHole, promiseHole } from './hole.js'

/** `policy`: used until a client sets one. `checkInterval`: in ms. */
export interface RetentionInput {
  policy: RetentionPolicy
  checkInterval: number
}

type Deleted = Omit<Extract<RetentionFact, { type: 'file.deleted' }>, 'type' | 'by'>

export type RetentionEvent =
  | { type: 'policy.set'; policy: RetentionPolicy; by: By }
  /** `cameras`: ids or patterns; limits the sweep to files of these cameras. */
  | { type: 'retention.sweep'; by: By; cameras?: readonly string[] }
  | ({ type: 'file.deleted' } & Deleted)
  | { type: 'file.kept'; name: string; reason: string }
  | { type: 'sweep.ended'; at: number; reason?: string }

/** The parameters of a sweep. `by` is absent for a scheduled sweep. */
export interface Sweep {
  policy: RetentionPolicy
  by?: By
  cameras?: readonly string[]
}

interface RetentionContext extends RetentionInput {
  /** The change in progress. */
  change?: { policy: RetentionPolicy; by: By } | undefined
  /** Why the requested policy is not in effect. */
  reason?: string | undefined
  /** The running sweep. */
  sweep: Omit<Sweep, 'policy'> & { files: number; freed: number; kept: Cleanup['kept'] }
  last?: RetentionView['last']
}

/** Maximum number of listed files that could not be deleted. */
const mostKept = 100

/**
 * Deletes old files so that the disk stays usable. A new policy during a sweep stops the sweep, so that a client can
 * stop the deletion of the wrong files.
 */
export const retentionMachine = setup({
  types: {
    input: {} as RetentionInput,
    context: {} as RetentionContext,
    events: {} as RetentionEvent,
    emitted: {} as RetentionFact,
    tags: {} as 'sweeping' | 'changing',
  },
  actors: {
    loadPolicy: promiseHole<Awaited<ReturnType<RetentionStore['load']>>>('loadPolicy'),
    savePolicy: promiseHole<void, { policy: RetentionPolicy }>('savePolicy'),
    sweepFiles: callbackHole<Sweep>('sweepFiles'),
  },
  guards: { isDue: ({ context: { policy } }) => policy.enabled && policy.type !== 'manual' },
  actions: {
    keepLoaded: assign((_, { loaded }: { loaded: { policy: RetentionPolicy; reason?: string } | undefined }) => ({
      ...loaded,
    })),
    disable: assign(({ context }, { error }: { error: unknown }) => ({
      policy: { ...context.policy, enabled: false },
      reason: reasonFrom(error).details,
    })),
    takeChange: assign({ change: (_, { policy, by }: { policy: RetentionPolicy; by: By }) => ({ policy, by }) }),
    makeChange: enqueueActions(({ context: { change }, enqueue }) => {
      if (!change) return
      enqueue.assign({ policy: change.policy, reason: undefined, change: undefined })
      enqueue.emit({ type: 'retention.policySet', ...change })
    }),
    dropChange: assign((_, { error }: { error: unknown }) => ({
      reason: reasonFrom(error).details,
      change: undefined,
    })),
    beginSweep: assign({
      sweep: (_, { by, cameras }: { by?: By; cameras?: readonly string[] }) => ({
        files: 0,
        freed: 0,
        kept: [],
        ...(by && { by }),
        ...(cameras && { cameras }),
      }),
    }),
    tellDeleted: enqueueActions(({ context: { sweep }, enqueue }, { kind, name, camera, bytes, reason }: Deleted) => {
      enqueue.assign({ sweep: { ...sweep, files: sweep.files + 1, freed: sweep.freed + bytes } })
      enqueue.emit({ type: 'file.deleted', kind, name, camera, bytes, reason, ...byOf(sweep) })
    }),
    noteKept: assign({
      sweep: ({ context: { sweep } }, { name, reason }: { name: string; reason: string }) =>
        sweep.kept.length < mostKept ? { ...sweep, kept: [...sweep.kept, { name, reason }] } : sweep,
    }),
    tellSwept: enqueueActions(({ context: { sweep }, enqueue }, { at, reason }: { at: number; reason?: string }) => {
      const { files, freed, kept } = sweep
      const why = reason === undefined ? {} : { reason }
      enqueue.assign({ last: { at, files, freed, ...why } })
      enqueue.emit({ type: 'retention.swept', files, freed, kept, ...why, ...byOf(sweep) })
    }),
    stopSweep: sendTo('sweepFiles', { type: 'sweep.stop' }),
  },
  delays: {
    /** The first sweep after a start or a change is delayed, so that a mistake can still be corrected. */
    soon: ({ context: { checkInterval } }) => Math.min(60_000, checkInterval),
    interval: ({ context: { checkInterval } }) => checkInterval,
  },
}).createMachine({
  id: 'retention',
  context: ({ input }) => ({ ...input, sweep: { files: 0, freed: 0, kept: [] } }),
  initial: 'loading',
  states: {
    loading: {
      invoke: {
        src: 'loadPolicy',
        onDone: {
          target: 'idle.fresh',
          actions: { type: 'keepLoaded', params: ({ event }) => ({ loaded: event.output }) },
        },
        onError: { target: 'idle.fresh', actions: { type: 'disable', params: ({ event }) => event } },
      },
    },
    idle: {
      initial: 'rested',
      states: {
        fresh: {
          after: {
            soon: { guard: 'isDue', target: '#retention.sweeping', actions: { type: 'beginSweep', params: {} } },
          },
        },
        rested: {
          after: {
            interval: { guard: 'isDue', target: '#retention.sweeping', actions: { type: 'beginSweep', params: {} } },
          },
        },
      },
      on: {
        'retention.sweep': { target: 'sweeping', actions: { type: 'beginSweep', params: ({ event }) => event } },
        'policy.set': { target: 'saving', actions: { type: 'takeChange', params: ({ event }) => event } },
      },
    },
    sweeping: {
      tags: 'sweeping',
      invoke: {
        src: 'sweepFiles',
        id: 'sweepFiles',
        input: ({
          context: {
            policy,
            sweep: { by, cameras },
          },
        }) => ({ policy, ...(by && { by }), ...(cameras && { cameras }) }),
      },
      on: {
        'file.deleted': { actions: { type: 'tellDeleted', params: ({ event }) => event } },
        'file.kept': { actions: { type: 'noteKept', params: ({ event }) => event } },
      },
      initial: 'deleting',
      states: {
        deleting: {
          on: {
            'policy.set': {
              target: 'stopping',
              actions: [{ type: 'takeChange', params: ({ event }) => event }, 'stopSweep'],
            },
            'sweep.ended': { target: '#retention.idle', actions: { type: 'tellSwept', params: ({ event }) => event } },
          },
        },
        // Still reports the file that is being deleted.
        stopping: {
          tags: 'changing',
          on: {
            'sweep.ended': {
              target: '#retention.saving',
              actions: { type: 'tellSwept', params: ({ event }) => event },
            },
          },
        },
      },
    },
    saving: {
      tags: 'changing',
      invoke: {
        src: 'savePolicy',
        input: ({ context: { policy, change } }) => ({ policy: change?.policy ?? policy }),
        onDone: { target: 'idle.fresh', actions: 'makeChange' },
        onError: { target: 'idle', actions: { type: 'dropChange', params: ({ event }) => event } },
      },
    },
  },
})

const byOf = ({ by }: { by?: By }): { by?: By } => (by === undefined ? {} : { by })

export const retentionView = ({
  context: { policy, last, reason },
}: SnapshotFrom<typeof retentionMachine>): RetentionView => ({
  policy,
  ...(last && { last }),
  ...(reason !== undefined && { reason }),
})
