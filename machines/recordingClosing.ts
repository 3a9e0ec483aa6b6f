import type { DoneActorEvent, ErrorActorEvent } from 'xstate'
import { because } from './domain/reason.js'
import { type Closed, finishOf, type RecordingContext } from './recordingContext.js'

export const subject = ({ context }: { context: RecordingContext }) => context
export const failed = { type: 'takeFailure', params: ({ event }: { event: ErrorActorEvent }) => event } as const
export const gives = (
  code: 'duration_reached' | 'service_stopping' | 'no_data' | 'interrupted_too_long',
  details?: string,
) => ({ type: 'giveReason', params: { reason: because(code, details) } }) as const
export const stopped = {
  type: 'giveReason',
  params: ({ event: { removed } }: { event: { removed?: true } }) => ({
    reason: because(removed ? 'removed' : 'requested'),
  }),
} as const
/** The recording does not change its state for this condition now. */
export const noted = { actions: 'noteCondition' } as const
const tellEnding = { type: 'tellCamera', params: { type: 'recording.ending' } } as const
const keeps = <Type extends 'keepResult' | 'keepFiles' | 'keepFinal' | 'learnLimit'>(type: Type) =>
  ({ type, params: ({ event }: { event: DoneActorEvent<Closed> }) => event.output }) as const

/** Closes the files of a recording that will continue. It may be stopped meanwhile. */
const pausing = <Action extends 'tellSuspension'>(then: Action[]) =>
  ({
    on: {
      'recording.stop': { target: 'stopping', actions: stopped },
      'service.stopping': { target: 'suspending', actions: gives('service_stopping') },
      'camera.lost': [
        { guard: 'isSurvivable', actions: 'noteCondition' },
        { target: 'failing', actions: 'takeReason' },
      ],
      'xstate.done.actor.closeCapture': {
        target: '#recording.waiting',
        actions: [keeps('keepFiles'), keeps('learnLimit'), ...then],
      },
      'xstate.error.actor.closeCapture': { target: '#recording.waiting', actions: then },
    },
  }) as const

/**
 * Closes the files of a recording that does not hold the stream. The substate keeps the outcome: stopped as requested,
 * failed, to be tried again, or left to the next run of the service (`suspending`).
 */
export const abandoning = {
  invoke: { src: 'closeCapture', id: 'closeCapture', input: subject },
  on: {
    'camera.ready': noted,
    'storage.blocked': noted,
    'storage.freed': noted,
    'server.lost': noted,
    'server.restored': noted,
  },
  initial: 'stopping',
  states: {
    stopping: {
      tags: 'stopping',
      entry: tellEnding,
      on: {
        'xstate.done.actor.closeCapture': [
          {
            guard: { type: 'isDoubtful', params: ({ event }: { event: DoneActorEvent<Closed> }) => event.output },
            target: '#recording.finishing.failed',
            actions: keeps('keepResult'),
          },
          { target: '#recording.finishing.stopped', actions: keeps('keepResult') },
        ],
        'xstate.error.actor.closeCapture': { target: '#recording.finishing.failed', actions: failed },
      },
    },
    failing: {
      tags: 'stopping',
      entry: tellEnding,
      on: {
        'xstate.done.actor.closeCapture': { target: '#recording.finishing.failed', actions: keeps('keepResult') },
        'xstate.error.actor.closeCapture': '#recording.finishing.failed',
      },
    },
    /** An attempt to continue failed. */
    retrying: pausing([]),
    suspending: {
      tags: 'stopping',
      on: {
        'xstate.done.actor.closeCapture': { target: '#recording.suspended', actions: keeps('keepFiles') },
        'xstate.error.actor.closeCapture': '#recording.suspended',
      },
    },
  },
} as const

/** Closes the files of a recording that holds the stream. It may also have been interrupted (`pausing`). */
export const closing = {
  ...abandoning,
  states: { ...abandoning.states, pausing: pausing(['tellSuspension']) },
} as const

/** Converts the files if the format needs it, and removes the intent from the disk. */
export const finishing = (target: 'stopped' | 'failed') =>
  ({
    invoke: {
      src: 'finishRecording',
      input: ({ context }: { context: RecordingContext }) => finishOf(context),
      onDone: { target: `#recording.${target}`, actions: keeps('keepFinal') },
      onError: `#recording.${target}`,
    },
  }) as const
