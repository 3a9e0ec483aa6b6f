import { assign, emit, enqueueActions, type SnapshotFrom, setup } from 'xstate'
import { reasonOf } from './domain/errors.js'
import type { By, RetentionFact } from './domain/facts.js'
import type { Cleanup, RetentionPolicy, RetentionStore, RetentionView } from './domain/retention.js'
import { callbackHole, promiseHole } from './hole.js'

/** `policy`: until a client sets one. `checkInterval` in ms. */
export interface RetentionInput {
  policy: RetentionPolicy
  checkInterval: number
}

type Deleted = Omit<Extract<RetentionFact, { type: 'file.deleted' }>, 'type' | 'by'>

export type RetentionEvent =
  | { type: 'policy.set'; policy: RetentionPolicy; by: By }
  /** `cameras`: ids or patterns; only files of theirs. */
  | { type: 'retention.sweep'; by: By; cameras?: readonly string[] }
  | ({ type: 'file.deleted' } & Deleted)
  | { type: 'file.kept'; name: string; reason: string }
  | { type: 'sweep.ended'; at: number; reason?: string }

/** What a sweep carries out, and for whom; nobody: it was due. */
export interface Sweep {
  policy: RetentionPolicy
  by?: By
  cameras?: readonly string[]
}

interface RetentionContext extends RetentionInput {
  /** On its way to the store. */
  wanted?: { policy: RetentionPolicy; by: By } | undefined
  /** Why the policy is not the one that was asked for. */
  reason?: string | undefined
  /** Of the sweep that runs. */
  asked: Omit<Sweep, 'policy'>
  files: number
  freed: number
  kept: Cleanup['kept']
  last?: RetentionView['last']
  /** Nothing was looked at since the start, or since the policy was set. */
  isFresh: boolean
}

/** So many of the files that could not be deleted are told. */
const mostKept = 100

/**
 * What may be deleted so that the disk stays usable, and that it is. A policy that is set while files are being deleted
 * stops that: whoever sees the wrong files go must be able to end it.
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
  guards: {
    isDue: ({ context: { policy } }) => policy.enabled && policy.type !== 'manual',
    isChanging: ({ context }) => context.wanted !== undefined,
  },
  actions: {
    keepLoaded: assign(({ context }, loaded: { policy: RetentionPolicy; reason?: string } | undefined) => ({
      ...(loaded ?? { policy: context.policy }),
    })),
    disable: assign(({ context }, { reason }: { reason: string }) => ({
      policy: { ...context.policy, enabled: false },
      reason,
    })),
    want: assign({ wanted: (_, { policy, by }: { policy: RetentionPolicy; by: By }) => ({ policy, by }) }),
    keepWanted: assign(({ context }) => ({
      policy: context.wanted?.policy ?? context.policy,
      reason: undefined,
      isFresh: true,
    })),
    forgetWanted: assign({ wanted: undefined }),
    noteFailure: assign({ reason: (_, { reason }: { reason: string }) => reason }),
    keepAsker: assign((_, { by, cameras }: { by?: By; cameras?: readonly string[] }) => ({
      asked: { ...(by && { by }), ...(cameras && { cameras }) },
    })),
    beNobody: assign({ asked: {} }),
    clearCounts: assign({ files: 0, freed: 0, kept: [] }),
    tellDeleted: enqueueActions(({ context, enqueue }, { kind, name, camera, bytes, reason }: Deleted) => {
      enqueue.assign({ files: context.files + 1, freed: context.freed + bytes })
      enqueue.emit({ type: 'file.deleted', kind, name, camera, bytes, reason, ...byOf(context) })
    }),
    noteKept: assign({
      kept: ({ context: { kept } }, { name, reason }: { name: string; reason: string }) =>
        kept.length < mostKept ? [...kept, { name, reason }] : kept,
    }),
    tellSwept: enqueueActions(({ context, enqueue }, { at, reason }: { at: number; reason?: string }) => {
      const { files, freed, kept } = context
      const why = reason === undefined ? {} : { reason }
      enqueue.assign({ last: { at, files, freed, ...why }, isFresh: false })
      enqueue.emit({ type: 'retention.swept', files, freed, kept, ...why, ...byOf(context) })
    }),
    stopSweep: enqueueActions(({ enqueue }) => enqueue.sendTo('sweep', { type: 'sweep.stop' })),
    tellPolicy: emit(({ context: { wanted, policy } }) => ({
      type: 'retention.policySet',
      policy,
      by: wanted?.by ?? nobody,
    })),
  },
  delays: {
    /** The first look after a start or a change comes soon, and not at once: a slip can still be corrected. */
    untilNext: ({ context: { isFresh, checkInterval } }) => (isFresh ? Math.min(60_000, checkInterval) : checkInterval),
  },
}).createMachine({
  id: 'retention',
  context: ({ input }) => ({ ...input, asked: {}, files: 0, freed: 0, kept: [], isFresh: true }),
  initial: 'loading',
  states: {
    loading: {
      invoke: {
        src: 'loadPolicy',
        onDone: { target: 'idle', actions: { type: 'keepLoaded', params: ({ event }) => event.output } },
        onError: {
          target: 'idle',
          actions: { type: 'disable', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
    },
    idle: {
      after: { untilNext: { guard: 'isDue', target: 'sweeping', actions: 'beNobody' } },
      on: {
        'retention.sweep': { target: 'sweeping', actions: { type: 'keepAsker', params: ({ event }) => event } },
        'policy.set': { target: 'saving', actions: { type: 'want', params: ({ event }) => event } },
      },
    },
    sweeping: {
      tags: 'sweeping',
      entry: 'clearCounts',
      invoke: { src: 'sweepFiles', id: 'sweep', input: ({ context: { policy, asked } }) => ({ policy, ...asked }) },
      on: {
        'file.deleted': { actions: { type: 'tellDeleted', params: ({ event }) => event } },
        'file.kept': { actions: { type: 'noteKept', params: ({ event }) => event } },
        'sweep.ended': [
          { guard: 'isChanging', target: 'saving', actions: { type: 'tellSwept', params: ({ event }) => event } },
          { target: 'idle', actions: { type: 'tellSwept', params: ({ event }) => event } },
        ],
      },
      initial: 'deleting',
      states: {
        deleting: {
          on: {
            'policy.set': {
              target: 'stopping',
              actions: [{ type: 'want', params: ({ event }) => event }, 'stopSweep'],
            },
          },
        },
        /** The file that is being deleted is still told. */
        stopping: { tags: 'changing' },
      },
    },
    saving: {
      tags: 'changing',
      invoke: {
        src: 'savePolicy',
        input: ({ context }) => ({ policy: context.wanted?.policy ?? context.policy }),
        onDone: { target: 'idle', actions: ['keepWanted', 'tellPolicy', 'forgetWanted'] },
        onError: {
          target: 'idle',
          actions: [
            { type: 'noteFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
            'forgetWanted',
          ],
        },
      },
    },
  },
})

const nobody: By = { user: '', request: '', session: '' }

const byOf = ({ asked: { by } }: RetentionContext): { by?: By } => (by === undefined ? {} : { by })

export const retentionView = ({
  context: { policy, last, reason },
}: SnapshotFrom<typeof retentionMachine>): RetentionView => ({
  policy,
  ...(last && { last }),
  ...(reason !== undefined && { reason }),
})
