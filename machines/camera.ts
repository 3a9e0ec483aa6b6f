import {
  and,
  assign,
  type DoneActorEvent,
  type ErrorActorEvent,
  emit,
  enqueueActions,
  not,
  or,
  raise,
  sendTo,
  setup,
  stateIn,
  stopChild,
} from 'xstate'
import type { CameraId, CameraSettings, Device, Identity, Probe } from './domain/camera.js'
import { reasonOf } from './domain/errors.js'
import type { By, CameraFact, StreamFact } from './domain/facts.js'
import type { PipelineEvent, PipelineProgress } from './domain/ports.js'
import type { CameraStatus, RecordingFormat } from './domain/views.js'
import { callbackHole, promiseHole } from './hole.js'
import { type HoldEvent, recordingMachine } from './recording.js'
import { type SnapshotWish, snapshotMachine } from './snapshot.js'

export interface CameraInput {
  id: CameraId
  name: string
  identity: Identity
  settings: CameraSettings
  device?: Device | undefined
}

/** One caller's claim on the stream. `until`: epoch ms, absent: until it lets go. */
export interface Hold {
  since: number
  until?: number
}

export type CameraEvent =
  | { type: 'device.found'; device: Device; identity: Identity }
  /** The same camera under another node: its unplug was not seen. */
  | { type: 'device.replaced'; device: Device; identity: Identity }
  | { type: 'device.removed'; reason: string }
  | { type: 'identity.changed'; identity: Identity }
  /** An RTSP camera stopped, or began again, to answer. */
  | { type: 'source.lost'; reason: string }
  | { type: 'recording.start'; by: By; format: RecordingFormat; duration?: number }
  | { type: 'recording.stop'; by: By }
  | { type: 'snapshot.take'; wish: SnapshotWish }
  | { type: 'stream.hold'; holder: string; since: number; until?: number }
  | { type: 'stream.release'; holder: string }
  | { type: 'storage.blocked'; reason: string }
  | { type: 'service.stopping' }
  /** It is no longer wanted at all: it drains and is done, whatever its device does. */
  | { type: 'camera.remove'; by: By }
  /** To itself: whatever uses the camera ends now. */
  | { type: 'camera.drain' }
  | HoldEvent
  | PipelineEvent
  | DoneActorEvent<unknown, 'recording' | 'snapshot'>
  | ErrorActorEvent<unknown, 'recording' | 'snapshot'>

interface CameraContext extends CameraInput {
  probe?: Probe
  connectedAt?: number | undefined
  /** Why it is as it is, where that is not the plain good state. */
  reason?: string | undefined
  failures: number
  /** The service ends: what uses the camera is drained, then the actor is done. */
  stopping: boolean
  /** Who has removed it, once somebody has. */
  remover?: By
  holds: Record<string, Hold>
  progress: PipelineProgress
  streamReason?: string | undefined
  status: CameraStatus
}

const noProgress: PipelineProgress = { frames: 0, fps: 0, bitrate: 0 }

type OnDevice = { id: CameraId; device: Device; settings: CameraSettings }

/**
 * A camera, from the first time that it is seen until it is given up. It survives the absence of its device: unplugged
 * and plugged again it is the same actor with the same id. `online` holds the camera's path in the media server; the
 * device's loss first drains what uses it, so that a recording's file is closed before its path goes.
 */
export const cameraMachine = setup({
  types: {
    input: {} as CameraInput,
    context: {} as CameraContext,
    events: {} as CameraEvent,
    emitted: {} as CameraFact | StreamFact,
    tags: {} as 'connected' | 'available' | 'held' | 'live' | 'running' | 'stalled',
    children: {} as { recording: 'recording'; snapshot: 'snapshot' },
  },
  actors: {
    recording: recordingMachine,
    snapshot: snapshotMachine,
    probeDevice: promiseHole<Probe & { at: number }, OnDevice>('probeDevice'),
    publishPath: callbackHole<{ id: CameraId; device: Device; probe: Probe }>('publishPath'),
    watchPipeline: callbackHole<{ id: CameraId; device: Device }>('watchPipeline'),
    watchSource: callbackHole<{ id: CameraId; device: Device }>('watchSource'),
    holdStream: callbackHole<{ camera: CameraId }>('holdStream'),
    recyclePipeline: promiseHole<boolean, { id: CameraId }>('recyclePipeline'),
    waitUntil: promiseHole<{ at: number }, { at: number }>('waitUntil'),
  },
  guards: {
    hasDevice: ({ context }) => context.device !== undefined,
    hasHolds: ({ context }) => Object.keys(context.holds).length > 0,
    isAvailable: stateIn('#camera.online.life.available'),
    isDrained: and([stateIn('#camera.online.recording.none'), stateIn('#camera.online.snapshot.none')]),
    isLive: or([stateIn('#camera.online.pipeline.running'), stateIn('#camera.online.demand.held.live')]),
    isStopping: ({ context }) => context.stopping,
    isRemoved: ({ context }) => context.remover !== undefined,
    isDrainedToStop: and(['isDrained', 'isStopping']),
    isAvailableAndLive: and(['isAvailable', 'isLive']),
    isWanted: and(['hasHolds', 'isAvailable']),
    isUnwanted: or([not('hasHolds'), not('isAvailable')]),
    holds: ({ context }, { holder }: { holder: string }) => holder in context.holds,
  },
  actions: {
    keepDevice: assign((_, { device, identity }: { device: Device; identity: Identity }) => ({ device, identity })),
    dropDevice: assign({ device: undefined, connectedAt: undefined }),
    keepIdentity: assign({ identity: (_, { identity }: { identity: Identity }) => identity }),
    keepProbe: assign((_, { at, capabilities, pipeline }: Probe & { at: number }) => ({
      probe: { capabilities, pipeline },
      connectedAt: at,
      failures: 0,
    })),
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    giveReason: assign({ reason: (_, { reason }: { reason: string }) => reason }),
    clearReason: assign({ reason: undefined }),
    addHold: assign({
      holds: ({ context }, { holder, since, until }: { holder: string; since: number; until?: number }) => ({
        ...context.holds,
        [holder]: context.holds[holder] ?? { since, ...(until !== undefined && { until }) },
      }),
    }),
    dropHold: assign({
      holds: ({ context }, { holder }: { holder: string }) => without(context.holds, ([name]) => name === holder),
    }),
    dropExpired: assign({
      holds: ({ context }, { at }: { at: number }) =>
        without(context.holds, ([, hold]) => (hold.until ?? Number.POSITIVE_INFINITY) <= at),
    }),
    keepProgress: assign({ progress: (_, { progress }: { progress: PipelineProgress }) => progress }),
    noteStream: assign({ streamReason: (_, { reason }: { reason: string }) => reason }),
    clearStreamReason: assign({ streamReason: undefined }),
    clearStream: assign({ streamReason: undefined, progress: noProgress }),
    beginRecording: enqueueActions(
      ({ context, enqueue }, { by, format, duration }: { by: By; format: RecordingFormat; duration?: number }) => {
        const input = { camera: context.id, by, format, ...(duration !== undefined && { duration }) }
        enqueue.spawnChild('recording', { id: 'recording', input })
      },
    ),
    beginSnapshot: enqueueActions(({ context, enqueue }, { wish, live }: { wish: SnapshotWish; live: boolean }) => {
      const { id: camera, device, probe } = context
      if (device && probe)
        enqueue.spawnChild('snapshot', {
          id: 'snapshot',
          input: { camera, device, pipeline: probe.pipeline, live, wish },
        })
    }),
    joinSnapshot: sendTo('snapshot', (_, wish: SnapshotWish) => ({ type: 'snapshot.join', wish })),
    stopRecording: sendTo('recording', (_, { by }: { by: By }) => ({ type: 'recording.stop', by })),
    blockRecording: sendTo('recording', (_, { reason }: { reason: string }) => ({ type: 'storage.blocked', reason })),
    // Who removes a camera also stops its recording: that is no failure of it.
    drainRecording: sendTo('recording', ({ context }) =>
      context.remover ? { type: 'recording.stop', by: context.remover } : drainOf(context),
    ),
    drainSnapshot: sendTo('snapshot', ({ context }) => drainOf(context)),
    reapRecording: stopChild('recording'),
    reapSnapshot: stopChild('snapshot'),
    drain: raise({ type: 'camera.drain' }),
    beginRemoval: assign((_, { by }: { by: By }) => ({
      remover: by,
      reason: 'removed',
      device: undefined,
      connectedAt: undefined,
    })),
    beginStopping: assign({ stopping: true, reason: 'service stopping' }),
    emitConnected: emit(({ context: { id, name } }) => ({ type: 'camera.connected', camera: id, name })),
    emitDisconnected: enqueueActions(({ context: { id, reason = 'device removed', stopping }, enqueue }) => {
      if (!stopping) enqueue.emit({ type: 'camera.disconnected', camera: id, reason })
    }),
    takeStatus: enqueueActions(
      ({ context: { id, name, status: from, reason }, enqueue }, { to }: { to: CameraStatus }) => {
        if (from === to) return
        enqueue.assign({ status: to })
        enqueue.emit({
          type: 'camera.statusChanged',
          camera: id,
          name,
          from,
          to,
          ...(reason !== undefined && { reason }),
        })
      },
    ),
    emitProbed: emit(({ context: { id } }, { capabilities }: Probe) => ({
      type: 'camera.probed',
      camera: id,
      formats: capabilities.formats.map((format) => format.fourcc),
    })),
    emitProbeFailed: emit(({ context: { id } }, { reason }: { reason: string }) => ({
      type: 'camera.probeFailed',
      camera: id,
      reason,
    })),
    emitAmbiguity: enqueueActions(
      ({ context: { id, identity: before }, enqueue }, { identity }: { identity: Identity }) => {
        if (identity.ambiguous && !before.ambiguous) {
          enqueue.emit({
            type: 'camera.identityAmbiguous',
            camera: id,
            reason: 'another camera reports the same serial: both go by their port',
          })
        }
      },
    ),
    emitRetired: emit(({ context: { id } }) => ({ type: 'camera.retired', camera: id })),
    emitStreamStarted: emit(({ context: { id } }) => ({ type: 'stream.started', camera: id })),
    emitStreamStalled: emit(({ context: { id } }, { silentFor }: { silentFor: number }) => ({
      type: 'stream.stalled',
      camera: id,
      silentFor,
    })),
    emitStreamEnded: emit(({ context: { id, streamReason } }) => ({
      type: 'stream.ended',
      camera: id,
      reason: streamReason ?? 'nobody uses it',
    })),
  },
  delays: {
    /** How long an unplugged camera keeps its place in the list. */
    retirement: 24 * 3_600_000,
    /** Back-off of a probe that fails: 1 s, 2 s, 4 s … 60 s. */
    probeRetry: ({ context }) => Math.min(60_000, 1_000 * 2 ** Math.min(context.failures - 1, 6)),
  },
}).createMachine({
  id: 'camera',
  context: ({ input }) => ({
    ...input,
    failures: 0,
    stopping: false,
    holds: {},
    progress: noProgress,
    status: 'DISCONNECTED',
  }),
  initial: 'deciding',
  on: {
    'identity.changed': {
      actions: [
        { type: 'emitAmbiguity', params: ({ event }) => event },
        { type: 'keepIdentity', params: ({ event }) => event },
      ],
    },
    'device.found': { actions: { type: 'keepDevice', params: ({ event }) => event } },
    'device.replaced': { actions: { type: 'keepDevice', params: ({ event }) => event } },
    'stream.release': {
      guard: { type: 'holds', params: ({ event }) => event },
      actions: { type: 'dropHold', params: ({ event }) => event },
    },
    'camera.remove': { target: '.unplugged', actions: { type: 'beginRemoval', params: ({ event }) => event } },
    'service.stopping': '.stopped',
  },
  states: {
    deciding: {
      always: [
        { guard: 'hasDevice', target: 'probing' },
        { target: 'unplugged', actions: { type: 'giveReason', params: { reason: 'not plugged in' } } },
      ],
    },
    probing: {
      invoke: {
        src: 'probeDevice',
        input: ({ context }) => onDevice(context),
        onDone: {
          target: 'online',
          actions: [
            { type: 'keepProbe', params: ({ event }) => event.output },
            { type: 'emitProbed', params: ({ event }) => event.output },
          ],
        },
        onError: {
          target: 'faulty',
          actions: [
            { type: 'giveReason', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
            { type: 'emitProbeFailed', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
            'countFailure',
          ],
        },
      },
      on: {
        'device.removed': {
          target: 'unplugged',
          actions: [{ type: 'giveReason', params: ({ event }) => event }, 'dropDevice'],
        },
        'device.replaced': {
          target: 'probing',
          reenter: true,
          actions: { type: 'keepDevice', params: ({ event }) => event },
        },
      },
    },
    online: {
      tags: 'connected',
      entry: ['clearReason', 'emitConnected', { type: 'takeStatus', params: { to: 'CONNECTED' } }],
      exit: 'emitDisconnected',
      invoke: [
        { src: 'publishPath', input: ({ context }) => ({ ...onDevice(context), probe: probeOf(context) }) },
        { src: 'watchPipeline', input: ({ context }) => onDevice(context) },
        { src: 'watchSource', input: ({ context }) => onDevice(context) },
      ],
      type: 'parallel',
      states: {
        life: {
          initial: 'available',
          states: {
            available: {
              tags: 'available',
              on: {
                'stream.hold': { actions: { type: 'addHold', params: ({ event }) => event } },
                'device.removed': {
                  target: 'draining',
                  actions: [{ type: 'giveReason', params: ({ event }) => event }, 'dropDevice'],
                },
                'source.lost': { target: 'draining', actions: { type: 'giveReason', params: ({ event }) => event } },
                'device.replaced': {
                  target: 'draining',
                  actions: [
                    { type: 'giveReason', params: { reason: 'device replaced' } },
                    { type: 'keepDevice', params: ({ event }) => event },
                  ],
                },
                'camera.remove': {
                  target: 'draining',
                  actions: { type: 'beginRemoval', params: ({ event }) => event },
                },
                'service.stopping': { target: 'draining', actions: 'beginStopping' },
              },
            },
            draining: {
              entry: 'drain',
              on: {
                'camera.remove': { actions: { type: 'beginRemoval', params: ({ event }) => event } },
                'device.removed': { actions: 'dropDevice' },
                'service.stopping': { actions: 'beginStopping' },
              },
              always: [
                { guard: 'isDrainedToStop', target: '#camera.stopped' },
                { guard: 'isDrained', target: '#camera.unplugged' },
              ],
            },
          },
        },
        recording: {
          initial: 'none',
          states: {
            none: {
              on: {
                'recording.start': {
                  guard: 'isAvailable',
                  target: 'underway',
                  actions: { type: 'beginRecording', params: ({ event }) => event },
                },
              },
            },
            underway: {
              initial: 'open',
              states: {
                open: {
                  on: {
                    'recording.stop': {
                      target: 'ending',
                      actions: { type: 'stopRecording', params: ({ event }) => event },
                    },
                  },
                },
                ending: {},
              },
              on: {
                'storage.blocked': {
                  target: '.ending',
                  actions: { type: 'blockRecording', params: ({ event }) => event },
                },
                'camera.drain': { target: '.ending', actions: 'drainRecording' },
                'xstate.done.actor.recording': { target: 'none', actions: 'reapRecording' },
                'xstate.error.actor.recording': { target: 'none', actions: 'reapRecording' },
              },
            },
          },
        },
        snapshot: {
          initial: 'none',
          states: {
            none: {
              on: {
                'snapshot.take': [
                  {
                    guard: 'isAvailableAndLive',
                    target: 'underway',
                    actions: { type: 'beginSnapshot', params: ({ event }) => ({ wish: event.wish, live: true }) },
                  },
                  {
                    guard: 'isAvailable',
                    target: 'underway',
                    actions: { type: 'beginSnapshot', params: ({ event }) => ({ wish: event.wish, live: false }) },
                  },
                ],
              },
            },
            underway: {
              initial: 'open',
              states: {
                open: {
                  on: { 'snapshot.take': { actions: { type: 'joinSnapshot', params: ({ event }) => event.wish } } },
                },
                ending: {},
              },
              on: {
                'camera.drain': { target: '.ending', actions: 'drainSnapshot' },
                'xstate.done.actor.snapshot': { target: 'none', actions: 'reapSnapshot' },
                'xstate.error.actor.snapshot': { target: 'none', actions: 'reapSnapshot' },
              },
            },
          },
        },
        demand: {
          initial: 'none',
          states: {
            none: { always: { guard: 'isWanted', target: 'held' } },
            held: {
              tags: 'held',
              invoke: { src: 'holdStream', input: ({ context }) => ({ camera: context.id }) },
              always: { guard: 'isUnwanted', target: 'none' },
              on: {
                'stream.lost': { actions: { type: 'noteStream', params: ({ event }) => event } },
                'stream.held': '.live',
              },
              initial: 'waking',
              states: {
                waking: {},
                live: {
                  tags: 'live',
                  on: {
                    'stream.lost': { target: 'waking', actions: { type: 'noteStream', params: ({ event }) => event } },
                  },
                },
              },
            },
          },
        },
        expiry: {
          initial: 'waiting',
          states: {
            waiting: {
              invoke: {
                src: 'waitUntil',
                input: ({ context }) => ({ at: firstExpiry(context.holds) }),
                onDone: {
                  target: 'waiting',
                  reenter: true,
                  actions: { type: 'dropExpired', params: ({ event }) => event.output },
                },
              },
              on: { 'stream.hold': { target: 'waiting', reenter: true } },
            },
          },
        },
        pipeline: {
          initial: 'asleep',
          states: {
            asleep: {
              on: {
                'pipeline.running': {
                  target: 'running',
                  actions: [{ type: 'keepProgress', params: ({ event }) => event }, 'emitStreamStarted'],
                },
                'pipeline.ended': { actions: { type: 'noteStream', params: ({ event }) => event } },
                'pipeline.stalled': {
                  target: 'stalled',
                  actions: [
                    { type: 'noteStream', params: { reason: 'no frames' } },
                    { type: 'emitStreamStalled', params: ({ event }) => event },
                  ],
                },
              },
            },
            running: {
              tags: 'running',
              entry: 'clearStreamReason',
              on: {
                'pipeline.running': { actions: { type: 'keepProgress', params: ({ event }) => event } },
                'pipeline.stalled': {
                  target: 'stalled',
                  actions: [
                    { type: 'noteStream', params: { reason: 'no frames' } },
                    { type: 'emitStreamStalled', params: ({ event }) => event },
                  ],
                },
                'pipeline.ended': {
                  target: 'asleep',
                  actions: [{ type: 'noteStream', params: ({ event }) => event }, 'emitStreamEnded'],
                },
              },
            },
            stalled: {
              tags: 'stalled',
              invoke: { src: 'recyclePipeline', input: ({ context }) => ({ id: context.id }), onError: {} },
              on: {
                'pipeline.running': {
                  target: 'running',
                  actions: [{ type: 'keepProgress', params: ({ event }) => event }, 'emitStreamStarted'],
                },
                'pipeline.ended': { target: 'asleep', actions: 'emitStreamEnded' },
              },
            },
          },
        },
      },
    },
    unplugged: {
      entry: ['clearStream', { type: 'takeStatus', params: { to: 'DISCONNECTED' } }],
      always: [
        { guard: 'isRemoved', target: 'retired' },
        { guard: 'hasDevice', target: 'probing' },
      ],
      after: { retirement: 'retired' },
      on: { 'device.replaced': { target: 'probing', actions: { type: 'keepDevice', params: ({ event }) => event } } },
    },
    faulty: {
      entry: { type: 'takeStatus', params: ({ context }) => ({ to: faultStatus(context) }) },
      after: { probeRetry: 'probing' },
      on: {
        'device.removed': {
          target: 'unplugged',
          actions: [{ type: 'giveReason', params: ({ event }) => event }, 'dropDevice'],
        },
        'device.replaced': { target: 'probing', actions: { type: 'keepDevice', params: ({ event }) => event } },
      },
    },
    stopped: { type: 'final' },
    retired: { type: 'final', entry: 'emitRetired' },
  },
})

function onDevice({ id, device, settings, name }: CameraContext): OnDevice {
  return { id, settings, device: device ?? { kind: 'virtual', name } }
}

/** Only `online` asks, and nothing enters it without a probe. */
const probeOf = ({ probe }: CameraContext): Probe => {
  if (!probe) throw new Error('a camera is online without a probe')
  return probe
}

const drainOf = ({ stopping, reason = 'device removed' }: CameraContext) =>
  stopping ? ({ type: 'service.stopping' } as const) : ({ type: 'device.removed', reason } as const)

function without<Value>(
  entries: Record<string, Value>,
  isGone: (entry: [string, Value]) => boolean,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(entries).filter((entry) => !isGone(entry)))
}

const firstExpiry = (holds: Record<string, Hold>): number =>
  Math.min(...Object.values(holds).map((hold) => hold.until ?? Number.POSITIVE_INFINITY))

/** A network camera that does not answer is away, not broken. */
const faultStatus = ({ device }: CameraContext): CameraStatus => (device?.kind === 'rtsp' ? 'DISCONNECTED' : 'ERROR')
