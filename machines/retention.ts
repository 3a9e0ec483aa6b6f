import type { SnapshotFrom } from 'xstate'
import type { RetentionView } from './domain/retention.js'
import { suspensionOf } from './domain/retentionSuspension.js'
import { deletion } from './retentionDeletion.js'
import { type RetentionEvent, retentionSetup } from './retentionSetup.js'

type SweepRefused = Extract<RetentionEvent, { type: 'sweep.refused' }>
type SweepEnded = Extract<RetentionEvent, { type: 'sweep.ended' }>

const refusedActions = [
  { type: 'noteExcess', params: ({ event }: { event: SweepRefused }) => event },
  { type: 'tellUndated', params: ({ event }: { event: SweepRefused }) => event },
] as const
const sweptActions = [
  { type: 'tellSwept', params: ({ event }: { event: SweepEnded }) => event },
  { type: 'tellUndated', params: ({ event }: { event: SweepEnded }) => event },
] as const

/**
 * Deletes old files so that the disk stays usable. A new policy during a sweep stops the sweep, so that a client can
 * stop the deletion of the wrong files.
 *
 * A wrong clock must not delete anything, so scheduled deletion by age is suspended
 * - while the clock is suspect: at a start or at run time it is more than a day away from the expected time, which is
 *   kept on disk. A long time off looks the same. This ends when the clock is back, when it has run for 24 hours
 *   without another jump, or when a client confirms it by `cleanup_old_files`;
 * - after a sweep in which more than half of the recordings were due, until fewer are or a client cleans up.
 *
 * While the list of protected recordings is lost, nothing is deleted, whatever the policy (`withheld`). Only a client
 * ends this, with a cleanup that accepts the loss.
 *
 * A cleanup only confirms if it succeeds and is for all cameras. Policies by size are not suspended. When the disk
 * lacks space (`space.needed`), a sweep begins at once, except in the first minute after a start or a change; the next
 * one begins when the disk shows what it has freed.
 */
export const retentionMachine = retentionSetup.createMachine({
  id: 'retention',
  context: ({ input }) => ({ ...input, sweep: { files: 0, freed: 0, kept: [] }, undated: 0 }),
  on: { 'retention.configured': { actions: { type: 'takeConfiguration', params: ({ event }) => event } } },
  type: 'parallel',
  states: {
    sweeps: {
      initial: 'loading',
      states: {
        loading: {
          invoke: {
            src: 'loadPolicy',
            onDone: {
              target: 'recalling',
              actions: { type: 'keepLoaded', params: ({ event }) => ({ loaded: event.output }) },
            },
            onError: { target: 'recalling', actions: { type: 'disable', params: ({ event }) => event } },
          },
        },
        recalling: {
          invoke: {
            src: 'findLoss',
            onDone: {
              target: 'idle.fresh',
              actions: { type: 'noteLoss', params: ({ event }) => ({ loss: event.output }) },
            },
            onError: { target: 'idle.fresh', actions: { type: 'suspectLoss', params: ({ event }) => event } },
          },
        },
        // Any file may have been protected.
        withheld: {
          tags: 'withheld',
          on: {
            'retention.sweep': {
              guard: { type: 'acceptsLoss', params: ({ event }) => event },
              target: 'accepting',
              actions: { type: 'beginSweep', params: ({ event }) => event },
            },
            'policy.set': { target: 'saving', actions: { type: 'takeChange', params: ({ event }) => event } },
          },
        },
        accepting: {
          invoke: {
            src: 'acceptLoss',
            onDone: { target: 'sweeping', actions: 'forgetLoss' },
            onError: { target: 'withheld', actions: { type: 'tellUnaccepted', params: ({ event }) => event } },
          },
        },
        idle: {
          always: { guard: 'isLost', target: 'withheld' },
          initial: 'rested',
          states: {
            fresh: {
              on: { 'space.needed': {} },
              after: {
                soon: [
                  { guard: 'isDueByAge', target: '#retention.sweeps.checking' },
                  { guard: 'isDue', target: '#retention.sweeps.sweeping', actions: { type: 'beginSweep', params: {} } },
                ],
              },
            },
            rested: {
              after: {
                interval: [
                  { guard: 'isDueByAge', target: '#retention.sweeps.checking' },
                  { guard: 'isDue', target: '#retention.sweeps.sweeping', actions: { type: 'beginSweep', params: {} } },
                ],
              },
            },
            // The disk does not show yet what the last sweep has freed.
            settling: { after: { settleTime: 'rested' }, on: { 'space.needed': {} } },
          },
          on: {
            'space.needed': {
              guard: 'isDue',
              target: 'checking',
              actions: { type: 'noteNeed', params: ({ event }) => event },
            },
            'retention.sweep': { target: 'sweeping', actions: { type: 'beginSweep', params: ({ event }) => event } },
            'policy.set': { target: 'saving', actions: { type: 'takeChange', params: ({ event }) => event } },
            'retention.configured': {
              target: '.fresh',
              actions: { type: 'takeConfiguration', params: ({ event }) => event },
            },
          },
        },
        // The clock may have jumped since its last reading.
        checking: {
          entry: 'checkClock',
          on: {
            'clock.judged': [
              { guard: 'isClockTrusted', target: 'sweeping', actions: { type: 'beginSweep', params: {} } },
              { guard: 'isDueBySize', target: 'sweeping', actions: { type: 'beginSweep', params: {} } },
              { guard: 'isNeeded', target: 'idle.settling', actions: 'forgetNeed' },
              { target: 'idle' },
            ],
            'retention.sweep': { target: 'sweeping', actions: { type: 'beginSweep', params: ({ event }) => event } },
            'policy.set': { target: 'saving', actions: { type: 'takeChange', params: ({ event }) => event } },
            'retention.configured': {
              target: 'idle.fresh',
              actions: { type: 'takeConfiguration', params: ({ event }) => event },
            },
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
                sweep: { files: _files, freed: _freed, kept: _kept, ...sweep },
              },
            }) => ({ policy, ...sweep }),
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
                // The files may be worth keeping now.
                'retention.configured': {
                  target: 'halting',
                  actions: [{ type: 'takeConfiguration', params: ({ event }) => event }, 'stopSweep'],
                },
                'sweep.refused': [
                  { guard: 'isForRoom', target: '#retention.sweeps.idle.settling', actions: refusedActions },
                  { target: '#retention.sweeps.idle', actions: refusedActions },
                ],
                'sweep.ended': [
                  { guard: 'isForRoom', target: '#retention.sweeps.idle.settling', actions: sweptActions },
                  {
                    guard: { type: 'isToBeContinued', params: ({ event }) => event },
                    target: '#retention.sweeps.idle.fresh',
                    actions: sweptActions,
                  },
                  { target: '#retention.sweeps.idle', actions: sweptActions },
                ],
              },
            },
            // Still reports the file that is being deleted.
            halting: {
              on: {
                'policy.set': { target: 'stopping', actions: { type: 'takeChange', params: ({ event }) => event } },
                'sweep.refused': '#retention.sweeps.idle.fresh',
                'sweep.ended': {
                  target: '#retention.sweeps.idle.fresh',
                  actions: { type: 'tellSwept', params: ({ event }) => event },
                },
              },
            },
            stopping: {
              tags: 'changing',
              on: {
                'sweep.refused': '#retention.sweeps.saving',
                'sweep.ended': {
                  target: '#retention.sweeps.saving',
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
    },
    clock: {
      initial: 'loading',
      on: { 'clock.confirm': { target: '.reading', actions: 'trustClock' } },
      states: {
        loading: {
          invoke: {
            src: 'loadClock',
            onDone: {
              target: 'reading',
              actions: { type: 'keepClock', params: ({ event }) => ({ record: event.output }) },
            },
            onError: { target: 'reading', actions: 'doubtClock' },
          },
        },
        reading: {
          invoke: {
            src: 'readClock',
            onDone: {
              target: 'judged',
              actions: [{ type: 'judge', params: ({ event }) => event.output }, 'tellJudged'],
            },
            onError: { target: 'waiting', actions: ['doubtClock', 'tellJudged'] },
          },
        },
        judged: { always: [{ guard: 'isUnsaved', target: 'saving' }, { target: 'waiting' }] },
        saving: {
          entry: 'noteSaved',
          invoke: {
            src: 'saveClock',
            input: ({ context: { clock } }) => ({ record: clock ?? { wall: 0 } }),
            onDone: 'waiting',
            onError: 'waiting',
          },
          on: { 'clock.check': 'reading' },
        },
        waiting: { after: { clockInterval: 'reading' }, on: { 'clock.check': 'reading' } },
      },
    },
    deletion,
  },
})

export const retentionView = ({ context }: SnapshotFrom<typeof retentionMachine>): RetentionView => {
  const { policy, last, reason, undated } = context
  const suspension = suspensionOf(context)
  return {
    policy,
    ...(context.hasTarget && { hasTarget: true }),
    ...(last && { last }),
    ...(reason !== undefined && { reason }),
    ...(suspension && { suspension }),
    ...(undated > 0 && { undated }),
  }
}
