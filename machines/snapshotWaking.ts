import type { ErrorActorEvent } from 'xstate'
import { because, type ReasonCode, reasonFrom } from './domain/reason.js'
import type { SnapshotTier } from './domain/views.js'
import { oldestAllowed, type SnapshotContext } from './snapshotContext.js'

const serverLosses: ReadonlySet<ReasonCode> = new Set([
  'server_unreachable',
  'server_closed',
  'server_restarted',
  'server_ended',
  'server_hung',
  'breaker_open',
])

const absences: ReadonlySet<ReasonCode> = new Set(['unreachable', 'source_closed', 'timed_out'])

/** True if the network camera does not answer at all: it may in a moment. */
export const isAbsence = (error: unknown): boolean => absences.has(reasonFrom(error, 'unreachable').code)

/** True if the stream failed with the media server. */
export const isServerLoss = (error: unknown): boolean => serverLosses.has(reasonFrom(error).code)

export function pass(tier: SnapshotTier, ...reason: Parameters<typeof because>) {
  return { type: 'passOver' as const, params: { tier, reason: because(...reason) } }
}

const captured = '#snapshot.capturing.captured' as const
const erring = ({ event }: { event: ErrorActorEvent }) => event
const fromSleep = ({ context }: { context: SnapshotContext }) => ({
  ...context,
  maxAge: oldestAllowed(context),
  tier: 3 as const,
})
export const streamFails = (tier: SnapshotTier) =>
  ({ type: 'passFailure', params: ({ event }: { event: ErrorActorEvent }) => ({ tier, error: event.error }) }) as const
const wakingFails = {
  target: '#over',
  actions: [
    streamFails(3),
    {
      type: 'tellFailure',
      params: ({ event }: { event: ErrorActorEvent }) => ({ reason: reasonFrom(event.error, 'no_picture') }),
    },
  ],
} as const

/**
 * Starts the stream, of a network camera only when that answers: after MediaMTX failed to reach one, it waits 5 s
 * before it tries again. A media server that goes away meanwhile is waited for: it may come back in time.
 */
export const waking = {
  initial: 'choosing',
  states: {
    choosing: { always: [{ guard: 'isNetworked', target: 'asking' }, { target: 'first' }] },
    asking: {
      invoke: {
        src: 'askSource',
        input: ({ context: { camera } }: { context: SnapshotContext }) => ({ camera }),
        onDone: { target: 'first', actions: 'forgetLoss' },
        onError: [
          {
            guard: { type: 'isAbsent', params: erring },
            target: 'away',
            actions: { type: 'noteAbsence', params: erring },
          },
          // The media server tells more.
          { target: 'first', actions: 'forgetLoss' },
        ],
      },
    },
    away: { after: { retryPause: 'asking' } },
    first: {
      invoke: {
        src: 'grabFromStream',
        input: fromSleep,
        onDone: captured,
        onError: [
          {
            guard: { type: 'isDeviceFreed', params: erring },
            target: '#snapshot.capturing.freeing',
            actions: streamFails(3),
          },
          {
            guard: { type: 'isServerLost', params: erring },
            target: 'pausing',
            actions: { type: 'noteLoss', params: erring },
          },
          wakingFails,
        ],
      },
    },
    // The media server may come back in time.
    pausing: { after: { retryPause: 'again' } },
    again: {
      invoke: {
        src: 'grabFromStream',
        input: fromSleep,
        onDone: captured,
        onError: [{ guard: { type: 'isServerReturning', params: erring }, target: 'pausing' }, wakingFails],
      },
    },
  },
  after: {
    wakeLimit: {
      target: '#over',
      actions: [
        {
          type: 'passOver',
          params: ({ context: { loss } }: { context: SnapshotContext }) => ({
            tier: 3 as const,
            reason: loss ?? because('timed_out'),
          }),
        },
        {
          type: 'tellFailure',
          params: ({ context: { loss } }: { context: SnapshotContext }) => ({
            reason: loss ?? because('not_started_in_time'),
          }),
        },
      ],
    },
  },
} as const
