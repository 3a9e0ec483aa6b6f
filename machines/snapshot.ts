import { assign, enqueueActions, setup } from 'xstate'
import type { CameraId, Device, Pipeline } from './domain/camera.js'
import { reasonOf } from './domain/errors.js'
import type { By, SnapshotFact, StillAnswer } from './domain/facts.js'
import type { Picture, PictureOptions, SavedPicture } from './domain/ports.js'
import type { SnapshotTier } from './domain/views.js'
import { promiseHole } from './hole.js'

/** One caller's wish. `maxAge` in ms: how old the picture may be; 0: nothing older than the request. */
export interface SnapshotWish {
  by: By
  options: PictureOptions
  maxAge: number
}

export interface SnapshotInput {
  camera: CameraId
  device: Device
  pipeline: Pipeline
  /** The camera streams now: its device is taken. */
  live: boolean
  wish: SnapshotWish
}

export type SnapshotEvent =
  | { type: 'snapshot.join'; wish: SnapshotWish }
  | { type: 'device.removed'; reason: string }
  | { type: 'service.stopping' }

type PassedOver = { tier: SnapshotTier; reason: string }

interface SnapshotContext extends Omit<SnapshotInput, 'wish'> {
  /** Served by the capture that runs now. */
  wishes: SnapshotWish[]
  /** Came while pictures were being saved: they get the next capture. */
  late: SnapshotWish[]
  passedOver: PassedOver[]
  tier: SnapshotTier
  picture?: Picture
}

/** What became of one wish. `finishedAt` is when it was on disk. */
export type Saved = { wish: SnapshotWish } & (
  | { picture: SavedPicture; finishedAt: number }
  | { reason: string; nameTaken?: true }
)

type Grab = Pick<SnapshotContext, 'camera' | 'device' | 'pipeline'>

/**
 * One capture at a time of one camera, for as many callers as ask meanwhile. It walks the tiers from the cheapest on;
 * one that cannot work is passed over at once, one that fails leaves its reason, and the answer tells them all.
 */
export const snapshotMachine = setup({
  types: {
    input: {} as SnapshotInput,
    context: {} as SnapshotContext,
    events: {} as SnapshotEvent,
    emitted: {} as SnapshotFact | StillAnswer,
  },
  actors: {
    grabDirect: promiseHole<Picture, Grab>('grabDirect'),
    grabByFfmpeg: promiseHole<Picture, Grab>('grabByFfmpeg'),
    grabFromStream: promiseHole<Picture, Grab & { maxAge: number }>('grabFromStream'),
    savePictures: promiseHole<Saved[], { camera: CameraId; picture: Picture; wishes: SnapshotWish[] }>('savePictures'),
  },
  guards: {
    isUsb: ({ context }) => context.device.kind === 'usb',
    isNetworked: ({ context }) => context.device.kind === 'rtsp',
    isLive: ({ context }) => context.live,
    isBusy: (_, { error }: { error: unknown }) => /busy/.test(reasonOf(error)),
    /** The capture that runs may give a picture as old as its first callers allow: too old for a stricter one. */
    suits: ({ context }, { maxAge }: SnapshotWish) => maxAge >= oldestAllowed(context),
    hasLate: ({ context }) => context.late.length > 0,
  },
  actions: {
    join: assign({ wishes: ({ context }, wish: SnapshotWish) => [...context.wishes, wish] }),
    joinNext: assign({ late: ({ context }, wish: SnapshotWish) => [...context.late, wish] }),
    takeLate: assign(({ context }) => ({ wishes: context.late, late: [], passedOver: [] })),
    passOver: assign({ passedOver: ({ context }, passed: PassedOver) => [...context.passedOver, passed] }),
    keepPicture: assign((_, { picture, tier }: { picture: Picture; tier: SnapshotTier }) => ({ picture, tier })),
    tellSaved: enqueueActions(({ context, enqueue }, saved: Saved[]) => {
      for (const one of saved) {
        const { camera, tier, picture, passedOver } = context
        if ('reason' in one)
          enqueue.emit(
            failureOf(one.wish, { camera, reason: one.reason, passedOver, ...(one.nameTaken && { nameTaken: true }) }),
          )
        else {
          const { filename, file, bytes, width, height } = one.picture
          const capturedAt = picture?.capturedAt ?? one.finishedAt
          if (one.wish.options.fleeting) {
            enqueue.emit({ type: 'still.taken', camera, by: one.wish.by, file, bytes, tier, capturedAt })
            continue
          }
          const age = Math.max(0, one.finishedAt - capturedAt)
          enqueue.emit({
            type: 'snapshot.taken',
            camera,
            by: one.wish.by,
            filename,
            path: file,
            bytes,
            width,
            height,
            tier,
            capturedAt,
            age,
            passedOver,
          })
        }
      }
    }),
    tellFailure: enqueueActions(
      ({ context: { camera, wishes, late, passedOver }, enqueue }, { reason }: { reason: string }) => {
        for (const wish of [...wishes, ...late]) enqueue.emit(failureOf(wish, { camera, reason, passedOver }))
      },
    ),
  },
  delays: { directLimit: 3_000, ffmpegLimit: 6_000, liveLimit: 5_000, wakeLimit: 20_000 },
}).createMachine({
  id: 'snapshot',
  context: ({ input: { wish, ...input } }) => ({ ...input, wishes: [wish], late: [], passedOver: [], tier: 0 }),
  initial: 'capturing',
  states: {
    capturing: {
      on: {
        'snapshot.join': [
          {
            guard: { type: 'suits', params: ({ event }) => event.wish },
            actions: { type: 'join', params: ({ event }) => event.wish },
          },
          { actions: { type: 'joinNext', params: ({ event }) => event.wish } },
        ],
        'device.removed': { target: 'over', actions: { type: 'tellFailure', params: ({ event }) => event } },
        'service.stopping': {
          target: 'over',
          actions: { type: 'tellFailure', params: { reason: 'service stopping' } },
        },
      },
      initial: 'choosing',
      states: {
        choosing: {
          always: [
            {
              guard: 'isLive',
              target: 'live',
              actions: [pass(0, 'device busy: it is streaming'), pass(1, 'device busy: it is streaming')],
            },
            {
              guard: 'isNetworked',
              target: 'waking',
              actions: [pass(0, 'not a USB camera'), pass(1, 'not a local device'), pass(2, 'the stream is asleep')],
            },
            { guard: 'isUsb', target: 'direct' },
            { target: 'ffmpeg', actions: pass(0, 'not a USB camera') },
          ],
        },
        direct: {
          invoke: {
            src: 'grabDirect',
            input: ({ context }) => context,
            onDone: {
              target: 'captured',
              actions: { type: 'keepPicture', params: ({ event }) => ({ picture: event.output, tier: 0 }) },
            },
            onError: [
              {
                guard: { type: 'isBusy', params: ({ event }) => event },
                target: 'live',
                actions: [pass(0, 'device busy'), pass(1, 'device busy')],
              },
              {
                target: 'ffmpeg',
                actions: { type: 'passOver', params: ({ event }) => ({ tier: 0, reason: reasonOf(event.error) }) },
              },
            ],
          },
          after: { directLimit: { target: 'ffmpeg', actions: pass(0, 'timed out') } },
        },
        ffmpeg: {
          invoke: {
            src: 'grabByFfmpeg',
            input: ({ context }) => context,
            onDone: {
              target: 'captured',
              actions: { type: 'keepPicture', params: ({ event }) => ({ picture: event.output, tier: 1 }) },
            },
            onError: [
              {
                guard: { type: 'isBusy', params: ({ event }) => event },
                target: 'live',
                actions: pass(1, 'device busy'),
              },
              {
                target: 'waking',
                actions: [
                  { type: 'passOver', params: ({ event }) => ({ tier: 1, reason: reasonOf(event.error) }) },
                  pass(2, 'the stream is asleep'),
                ],
              },
            ],
          },
          after: {
            ffmpegLimit: { target: 'waking', actions: [pass(1, 'timed out'), pass(2, 'the stream is asleep')] },
          },
        },
        live: {
          invoke: {
            src: 'grabFromStream',
            input: ({ context }) => ({ ...context, maxAge: oldestAllowed(context) }),
            onDone: {
              target: 'captured',
              actions: { type: 'keepPicture', params: ({ event }) => ({ picture: event.output, tier: 2 }) },
            },
            onError: {
              target: 'waking',
              actions: { type: 'passOver', params: ({ event }) => ({ tier: 2, reason: reasonOf(event.error) }) },
            },
          },
          after: { liveLimit: { target: 'waking', actions: pass(2, 'timed out') } },
        },
        waking: {
          invoke: {
            src: 'grabFromStream',
            input: ({ context }) => ({ ...context, maxAge: oldestAllowed(context) }),
            onDone: {
              target: 'captured',
              actions: { type: 'keepPicture', params: ({ event }) => ({ picture: event.output, tier: 3 }) },
            },
            onError: {
              target: '#over',
              actions: [
                { type: 'passOver', params: ({ event }) => ({ tier: 3, reason: reasonOf(event.error) }) },
                { type: 'tellFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
              ],
            },
          },
          after: {
            wakeLimit: {
              target: '#over',
              actions: [
                pass(3, 'timed out'),
                { type: 'tellFailure', params: { reason: 'the stream gave no picture in time' } },
              ],
            },
          },
        },
        captured: { type: 'final' },
      },
      onDone: 'saving',
    },
    saving: {
      on: { 'snapshot.join': { actions: { type: 'joinNext', params: ({ event }) => event.wish } } },
      invoke: {
        src: 'savePictures',
        input: ({ context: { camera, picture, wishes } }) => ({
          camera,
          wishes,
          picture: picture ?? { file: '', capturedAt: 0 },
        }),
        onDone: { target: 'deciding', actions: { type: 'tellSaved', params: ({ event }) => event.output } },
        onError: {
          target: 'over',
          actions: { type: 'tellFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
    },
    deciding: { always: [{ guard: 'hasLate', target: 'capturing', actions: 'takeLate' }, { target: 'over' }] },
    over: { id: 'over', type: 'final' },
  },
})

function failureOf(
  { by, options }: SnapshotWish,
  failure: { camera: CameraId; reason: string; passedOver: PassedOver[]; nameTaken?: true },
): SnapshotFact | StillAnswer {
  return { type: options.fleeting ? 'still.failed' : 'snapshot.failed', by, ...failure }
}

function pass(tier: SnapshotTier, reason: string) {
  return { type: 'passOver' as const, params: { tier, reason } }
}

/** A shared capture must suit the strictest of its callers. */
const oldestAllowed = ({ wishes }: SnapshotContext): number => Math.min(...wishes.map((wish) => wish.maxAge))
