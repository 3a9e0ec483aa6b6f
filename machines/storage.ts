import type { DoneActorEvent, ErrorActorEvent, SnapshotFrom } from 'xstate'
import { type Measured, roomUntil, unknownRate } from './domain/diskRoom.js'
import type { StorageView } from './domain/views.js'
import { folderView } from './recordingFolder.js'
import { fullReason, reasonOf, type StorageContext } from './storageContext.js'
import { storageSetup } from './storageSetup.js'

const measuring = {
  src: 'measureDisk',
  input: ({ context: { folder } }: { context: StorageContext }) => ({ folder }),
} as const
const measured = [
  { type: 'keepUsage', params: ({ event }: { event: DoneActorEvent<Measured> }) => event.output },
  'tellFolder',
] as const
const faulty = [{ type: 'keepFault', params: ({ event }: { event: ErrorActorEvent }) => event }, 'tellFolder'] as const

/**
 * The recordings' disk: its usage, and whether a file can be written. A level ends below its limit (hysteresis), so
 * that recordings are not blocked and allowed alternately at the limit. A disk that takes no file is critical at once,
 * whatever its usage, until it takes one. After two failed measurements in a row the state is `blind`, because the
 * disk may be full. The next measurement comes sooner while the disk fills up; it is critical before it is full,
 * because recordings take time to stop. If recordings have different priorities, the region `strain` announces the
 * limit. With a fallback folder, `recordingFolder` selects the folder that takes new recordings; all of this is about
 * the disk of that folder.
 */
export const storageMachine = storageSetup.createMachine({
  id: 'storage',
  context: ({ input }) => ({
    ...input,
    folder: 'main',
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
    folder: {
      initial: 'deciding',
      states: {
        deciding: { always: [{ guard: 'hasFallback', target: 'chosen' }, { target: 'single' }] },
        single: {},
        chosen: {
          invoke: {
            src: 'recordingFolder',
            id: 'recordingFolder',
            systemId: 'recordingFolder',
            input: ({ context: { warnPercent, blockPercent, minFree } }) => ({ warnPercent, blockPercent, minFree }),
            onError: { target: 'crashed', actions: { type: 'tellCrash', params: ({ event }) => event } },
          },
        },
        crashed: { after: { restartPause: 'chosen' } },
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
      on: {
        'folder.used': {
          target: '.measuring',
          actions: { type: 'takeFolder', params: ({ event }) => event },
        },
      },
      states: {
        measuring: {
          invoke: {
            ...measuring,
            onDone: { target: 'reserving', actions: measured },
            onError: [
              {
                guard: { type: 'isFault', params: ({ event }) => event },
                target: 'waiting',
                actions: faulty,
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
            ...measuring,
            onDone: { target: 'reserving', actions: measured },
            onError: [
              {
                guard: { type: 'isFault', params: ({ event }) => event },
                target: 'waiting',
                actions: faulty,
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

const levels = ['unknown', 'ok', 'warning', 'critical', 'blind'] as const

/** `since`: of the state, and of the folder in use. */
export const storageView = (
  { context, tags, children }: SnapshotFrom<typeof storageMachine>,
  since: number,
  folderSince = since,
): StorageView => {
  const folder = children.recordingFolder?.getSnapshot()
  const { usage, failure } = context
  const state = levels.find((level) => tags.has(level)) ?? 'unknown'
  const reasons = {
    warning: failure ?? fullReason(context, 'warning'),
    // A measurement that fails once changes nothing: the recordings are still blocked by what it was before.
    critical: reasonOf({ ...context, failure: undefined }),
  }
  const reason = state === 'warning' || state === 'critical' ? reasons[state] : failure
  return {
    state,
    cause: { state, since, ...(reason && { reason }) },
    ...usage,
    room: roomUntil('full', context, usage),
    spare: roomUntil('warning', context, usage),
    ...(folder && { folder: folderView(folder, folderSince) }),
  }
}
