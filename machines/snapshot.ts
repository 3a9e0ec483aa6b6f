import { assign, enqueueActions, setup } from 'xstate'
import { type CameraId, isLocal } from './domain/camera.js'
import type { SnapshotFact } from './domain/facts.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import type { PassedOver, SnapshotTier } from './domain/views.js'
import { promiseHole } from './hole.js'
import {
  type Captured,
  failureOf,
  failures,
  oldestAllowed,
  type Saved,
  type SnapshotContext,
  type SnapshotEvent,
  type SnapshotInput,
  type SnapshotOutput,
  type SnapshotWish,
  taken,
} from './snapshotContext.js'
import { isAbsence, isServerLoss, pass, streamFails, waking } from './snapshotWaking.js'

/** The device is busy with the stream of this service. */
const ownStream = 'the device is busy: it is streaming'

type Grab = Pick<SnapshotContext, 'camera' | 'device' | 'pipeline' | 'skipFrames'>

/**
 * Takes one picture of a camera at a time, shared by all callers that request one meanwhile. Tries the tiers in order,
 * the cheapest first. The result lists the tiers that were skipped or failed, with their reasons. If the media server
 * goes away, it is waited for, as long as for a stream that starts.
 */
export const snapshotMachine = setup({
  types: {
    input: {} as SnapshotInput,
    context: {} as SnapshotContext,
    events: {} as SnapshotEvent,
    emitted: {} as SnapshotFact,
    output: {} as SnapshotOutput,
  },
  actors: {
    grabDirect: promiseHole<Captured, Grab>('grabDirect'),
    grabByFfmpeg: promiseHole<Captured, Grab>('grabByFfmpeg'),
    grabFromStream: promiseHole<Captured, Grab & { maxAge: number; tier: SnapshotTier }>('grabFromStream'),
    /** Rejects while a network camera does not answer. */
    askSource: promiseHole<void, { camera: CameraId }>('askSource'),
    savePictures: promiseHole<
      { captured: Captured; saved: Saved[] },
      { camera: CameraId; captured: Captured; wishes: SnapshotWish[] }
    >('savePictures'),
  },
  guards: {
    isUsb: ({ context }) => isLocal(context.device),
    isNetworked: ({ context }) => context.device.kind === 'rtsp',
    isLive: ({ context }) => context.live,
    /** The media server went away, and with it the stream that occupied the device. */
    isDeviceFreed: ({ context: { live, device } }, { error }: { error: unknown }) =>
      live && device.kind !== 'rtsp' && isServerLoss(error),
    isServerLost: (_, { error }: { error: unknown }) => isServerLoss(error),
    isAbsent: (_, { error }: { error: unknown }) => isAbsence(error),
    /** A media server that has just started has no paths yet. */
    isServerReturning: (_, { error }: { error: unknown }) =>
      isServerLoss(error) || reasonFrom(error).code === 'stream_not_found',
    isBusy: (_, { error }: { error: unknown }) => reasonFrom(error).code === 'device_busy',
    /** The picture of the present capture may be as old as its first callers allow, too old for a stricter caller. */
    suits: ({ context }, { wish }: { wish: SnapshotWish }) => wish.maxAge >= oldestAllowed(context),
    hasLate: ({ context }) => context.late.length > 0,
  },
  actions: {
    join: assign({ wishes: ({ context }, { wish }: { wish: SnapshotWish }) => [...context.wishes, wish] }),
    joinNext: assign({ late: ({ context }, { wish }: { wish: SnapshotWish }) => [...context.late, wish] }),
    /** The device is gone, or the service stops: there is no next capture. */
    failLate: enqueueActions(({ context, enqueue }, { reason }: { reason: Reason }) => {
      for (const wish of context.late) enqueue.emit(failureOf(context, wish, reason))
      enqueue.assign({ late: [] })
    }),
    takeLate: assign(({ context }) => ({ wishes: context.late, late: [], passedOver: [] })),
    /** The tiers of the device were skipped for the stream, which is gone. */
    leaveStream: assign(({ context: { passedOver } }) => ({
      live: false,
      passedOver: passedOver.filter(({ tier }) => tier > 1),
    })),
    noteLoss: assign({ loss: (_, { error }: { error: unknown }) => reasonFrom(error) }),
    noteAbsence: assign({ loss: (_, { error }: { error: unknown }) => reasonFrom(error, 'unreachable') }),
    forgetLoss: assign({ loss: undefined }),
    passOver: assign({ passedOver: ({ context }, passed: PassedOver) => [...context.passedOver, passed] }),
    passFailure: assign({
      passedOver: ({ context }, { tier, error }: { tier: SnapshotTier; error: unknown }) => [
        ...context.passedOver,
        { tier, reason: reasonFrom(error) },
      ],
    }),
    tellSaved: enqueueActions(({ context, enqueue }, { captured, saved }: { captured: Captured; saved: Saved[] }) => {
      for (const one of saved)
        enqueue.emit('reason' in one ? failureOf(context, one.wish, one.reason) : taken(context, captured, one))
      const [failed] = saved.filter((one) => 'reason' in one)
      enqueue.assign({ failure: failed?.reason })
    }),
    tellFailure: enqueueActions(({ context, enqueue }, { reason }: { reason: Reason }) => {
      for (const fact of failures(context, reason)) enqueue.emit(fact)
      enqueue.assign({ failure: reason })
    }),
  },
  delays: {
    directLimit: 3_000,
    ffmpegLimit: 6_000,
    liveLimit: 5_000,
    wakeLimit: 20_000,
    freeing: 1_000,
    retryPause: 500,
  },
}).createMachine({
  id: 'snapshot',
  context: ({ input: { wish, ...input } }) => ({ ...input, wishes: [wish], late: [], passedOver: [] }),
  output: ({ context: { failure } }) => (failure ? { reason: failure } : {}),
  initial: 'capturing',
  states: {
    capturing: {
      on: {
        'snapshot.join': [
          {
            guard: { type: 'suits', params: ({ event }) => event },
            actions: { type: 'join', params: ({ event }) => event },
          },
          { actions: { type: 'joinNext', params: ({ event }) => event } },
        ],
        'device.removed': { target: 'over', actions: { type: 'tellFailure', params: ({ event }) => event } },
        'service.stopping': {
          target: 'over',
          actions: { type: 'tellFailure', params: { reason: because('service_stopping') } },
        },
      },
      initial: 'choosing',
      states: {
        choosing: {
          always: [
            {
              guard: 'isLive',
              target: 'live',
              actions: [pass(0, 'device_busy', ownStream), pass(1, 'device_busy', ownStream)],
            },
            {
              guard: 'isNetworked',
              target: 'waking',
              actions: [pass(0, 'not_a_usb_camera'), pass(1, 'not_a_local_device'), pass(2, 'stream_asleep')],
            },
            { guard: 'isUsb', target: 'direct' },
            { target: 'ffmpeg', actions: pass(0, 'not_a_usb_camera') },
          ],
        },
        direct: {
          invoke: {
            src: 'grabDirect',
            input: ({ context }) => context,
            onDone: 'captured',
            onError: [
              {
                guard: { type: 'isBusy', params: ({ event }) => event },
                target: 'live',
                actions: [pass(0, 'device_busy'), pass(1, 'device_busy')],
              },
              {
                target: 'ffmpeg',
                actions: { type: 'passFailure', params: ({ event }) => ({ tier: 0, error: event.error }) },
              },
            ],
          },
          after: { directLimit: { target: 'ffmpeg', actions: pass(0, 'timed_out') } },
        },
        ffmpeg: {
          invoke: {
            src: 'grabByFfmpeg',
            input: ({ context }) => context,
            onDone: 'captured',
            onError: [
              {
                guard: { type: 'isBusy', params: ({ event }) => event },
                target: 'live',
                actions: pass(1, 'device_busy'),
              },
              {
                target: 'waking',
                actions: [
                  { type: 'passFailure', params: ({ event }) => ({ tier: 1, error: event.error }) },
                  pass(2, 'stream_asleep'),
                ],
              },
            ],
          },
          after: { ffmpegLimit: { target: 'waking', actions: [pass(1, 'timed_out'), pass(2, 'stream_asleep')] } },
        },
        live: {
          invoke: {
            src: 'grabFromStream',
            input: ({ context }) => ({ ...context, maxAge: oldestAllowed(context), tier: 2 }),
            onDone: 'captured',
            onError: [
              {
                guard: { type: 'isDeviceFreed', params: ({ event }) => event },
                target: 'freeing',
                actions: streamFails(2),
              },
              { target: 'waking', actions: streamFails(2) },
            ],
          },
          after: { liveLimit: { target: 'waking', actions: pass(2, 'timed_out') } },
        },
        // The pipeline ends with the media server; then the device can be used.
        freeing: {
          after: {
            freeing: [
              { guard: 'isUsb', target: 'direct', actions: 'leaveStream' },
              { target: 'ffmpeg', actions: ['leaveStream', pass(0, 'not_a_usb_camera')] },
            ],
          },
        },
        waking,
        captured: { type: 'final', output: ({ event }) => capturedOf(event) },
      },
      onDone: 'saving',
    },
    saving: {
      on: {
        'snapshot.join': { actions: { type: 'joinNext', params: ({ event }) => event } },
        'device.removed': { actions: { type: 'failLate', params: ({ event }) => event } },
        'service.stopping': { actions: { type: 'failLate', params: { reason: because('service_stopping') } } },
      },
      invoke: {
        src: 'savePictures',
        input: ({ context: { camera, wishes }, event }) => ({ camera, wishes, captured: capturedOf(event) }),
        onDone: { target: 'deciding', actions: { type: 'tellSaved', params: ({ event }) => event.output } },
        onError: {
          target: 'over',
          actions: { type: 'tellFailure', params: ({ event }) => ({ reason: reasonFrom(event.error) }) },
        },
      },
    },
    deciding: { always: [{ guard: 'hasLate', target: 'capturing', actions: 'takeLate' }, { target: 'over' }] },
    over: { id: 'over', type: 'final' },
  },
})

/** The picture is passed as output, from the state that captured it to the state that saves it. */
const capturedOf = (event: object): Captured => (event as { output: Captured }).output
