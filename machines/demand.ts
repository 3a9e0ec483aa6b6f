import { assign, enqueueActions, setup } from 'xstate'
import type { By } from './domain/by.js'
import type { CameraId } from './domain/camera.js'
import type { Reason } from './domain/reason.js'
import { promiseHole } from './hole.js'
import { type ServerRestored, type StreamHoldEvent, streamHoldMachine } from './streamHold.js'

/**
 * One client's hold on the stream. `until`: epoch ms, for clients; `endsAt`: the same on the monotonic clock, which
 * counts. Both are absent if the hold lasts until it is released.
 */
export interface Hold {
  since: number
  until?: number
  endsAt?: number
}

/** By holder. */
export type Holds = Readonly<Record<string, Hold>>

export type DemandEvent =
  /** A second hold of the same holder changes nothing. */
  | ({ type: 'stream.hold'; holder: string; by?: By } & Hold)
  | { type: 'stream.release'; holder: string }
  | StreamHoldEvent
  | ServerRestored

interface DemandContext {
  camera: CameraId
  holds: Holds
  /** Why the stream was lost last time. */
  reason?: Reason | undefined
}

/**
 * Counts the holds of a camera's stream, and keeps one hold in the media server for all of them. The actor ends when
 * the camera is no longer available: the stream of a camera that comes back does not start automatically, unless the
 * camera only reconnected to change its stream.
 */
export const demandMachine = setup({
  types: {
    /** `holds`: those from before the camera reconnected. */
    input: {} as { camera: CameraId; holds?: Holds | undefined },
    context: {} as DemandContext,
    events: {} as DemandEvent,
    tags: {} as 'held' | 'live' | 'lingering',
  },
  actors: { streamHold: streamHoldMachine, waitUntil: promiseHole<{ at: number }, { at: number }>('waitUntil') },
  guards: { isUnheld: ({ context }) => Object.keys(context.holds).length === 0 },
  actions: {
    addHold: assign({
      holds: ({ context: { holds } }, { holder, since, until, endsAt }: { holder: string } & Hold) => ({
        ...holds,
        [holder]: holds[holder] ?? {
          since,
          ...(until !== undefined && { until }),
          ...(endsAt !== undefined && { endsAt }),
        },
      }),
    }),
    dropHold: assign({
      holds: ({ context }, { holder }: { holder: string }) => without(context.holds, ([name]) => name === holder),
    }),
    dropExpired: assign({
      holds: ({ context }, { at }: { at: number }) => without(context.holds, ([, hold]) => endOf(hold) <= at),
    }),
    keepReason: assign({ reason: (_, { reason }: { reason: Reason }) => reason }),
    clearReason: assign({ reason: undefined }),
    /** The stream is requested at once when the media server answers again. */
    wakeHold: enqueueActions(({ event, enqueue, self }) => {
      const { streamHold } = self.getSnapshot().children
      if (streamHold) enqueue.sendTo(streamHold, event as ServerRestored)
    }),
  },
  delays: {
    /** How long the media server keeps a stream without readers. */
    closeAfter: 10_000,
  },
}).createMachine({
  id: 'demand',
  context: ({ input: { camera, holds = {} } }) => ({ camera, holds }),
  initial: 'deciding',
  states: {
    deciding: { always: [{ guard: 'isUnheld', target: 'idle' }, { target: 'held' }] },
    idle: {
      on: {
        'stream.hold': {
          target: 'held',
          actions: ['clearReason', { type: 'addHold', params: ({ event }) => event }],
        },
      },
    },
    held: {
      tags: 'held',
      invoke: { src: 'streamHold', id: 'streamHold', input: ({ context }) => ({ camera: context.camera }) },
      always: { guard: 'isUnheld', target: 'lingering' },
      on: { 'server.restored': { actions: 'wakeHold' } },
      type: 'parallel',
      states: {
        stream: {
          initial: 'waking',
          states: {
            waking: { on: { 'stream.held': { target: 'live', actions: 'clearReason' } } },
            live: { tags: 'live' },
          },
          on: { 'stream.lost': { target: '.waking', actions: { type: 'keepReason', params: ({ event }) => event } } },
        },
        expiry: {
          initial: 'waiting',
          states: {
            waiting: {
              invoke: {
                src: 'waitUntil',
                input: ({ context }) => ({ at: Math.min(...Object.values(context.holds).map(endOf)) }),
                onDone: {
                  target: 'waiting',
                  reenter: true,
                  actions: { type: 'dropExpired', params: ({ event }) => event.output },
                },
                onError: { target: 'waiting', reenter: true },
              },
            },
          },
          on: {
            'stream.hold': { target: '.waiting', actions: { type: 'addHold', params: ({ event }) => event } },
            'stream.release': { actions: { type: 'dropHold', params: ({ event }) => event } },
          },
        },
      },
    },
    // There are no holds; the media server keeps the stream for a while.
    lingering: {
      tags: 'lingering',
      after: { closeAfter: 'idle' },
      on: { 'stream.hold': { target: 'held', actions: { type: 'addHold', params: ({ event }) => event } } },
    },
  },
})

const endOf = ({ endsAt = Number.POSITIVE_INFINITY }: Hold): number => endsAt

const without = (holds: Holds, isGone: (entry: [string, Hold]) => boolean): Holds =>
  Object.fromEntries(Object.entries(holds).filter((entry) => !isGone(entry)))
