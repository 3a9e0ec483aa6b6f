import {
  type AnyActorRef,
  and,
  assign,
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
import type { CameraContext, CameraEvent, CameraInput, Drain, OnDevice } from './cameraContext.js'
import { type DemandEvent, demandMachine } from './demand.js'
import type { CameraId, Device, Probe } from './domain/camera.js'
import type { CameraFact, LostFact, StreamFact, SupervisionFact } from './domain/facts.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import { type Lacks, lacksAfter, type Recalled } from './domain/recording.js'
import type { CameraStatus } from './domain/views.js'
import { callbackHole, promiseHole } from './hole.js'
import { pipelineMachine } from './pipeline.js'
import { pullMachine } from './pull.js'
import { recordingMachine } from './recording.js'
import {
  newestOf,
  outcomeOf,
  type RecordingContext,
  type RecordingEvent,
  type RecordingInput,
} from './recordingContext.js'
import { snapshotMachine } from './snapshot.js'
import { failures, type SnapshotContext, type SnapshotWish } from './snapshotContext.js'
import { type SourceInput, sourceMachine } from './source.js'

const region = '#camera.alive.recording'
const active = `${region}.active`
const snapshotClosed = '#camera.alive.connection.online.snapshot.closed'

/** The events, effects, guards and actions of the camera's statechart in `camera.ts`. */
export const cameraSetup = setup({
  types: {
    input: {} as CameraInput,
    context: {} as CameraContext,
    events: {} as CameraEvent,
    emitted: {} as CameraFact | LostFact | StreamFact | SupervisionFact,
    tags: {} as 'connected' | 'faulty' | 'available' | 'draining' | 'probing' | 'unplugged' | 'unreachable' | 'retired',
    children: {} as {
      demand: 'demand'
      pipeline: 'pipeline'
      pull: 'pull'
      source: 'source'
      recording: 'recording'
      snapshot: 'snapshot'
    },
  },
  actors: {
    demand: demandMachine,
    pipeline: pipelineMachine,
    pull: pullMachine,
    source: sourceMachine,
    recording: recordingMachine,
    snapshot: snapshotMachine,
    probeDevice: promiseHole<Probe & { at: number }, OnDevice>('probeDevice'),
    publishPath: callbackHole<{ id: CameraId; device: Device; probe: Probe }>('publishPath'),
    /** Resolves with the recording of this camera that must go on. */
    recallIntent: promiseHole<Recalled | undefined, { camera: CameraId }>('recallIntent'),
    /** Stops the recorder after a crash of the recording. */
    abandonCapture: promiseHole<void, { camera: CameraId }>('abandonCapture'),
  },
  guards: {
    hasDevice: ({ context }) => context.device !== undefined,
    isNetworked: ({ context }) => context.device?.kind === 'rtsp',
    mayRecord: ({ context: { obstacles } }) => obstacles.storage === undefined && obstacles.server === undefined,
    mayStream: ({ context: { obstacles } }) => obstacles.server === undefined,
    isAvailable: stateIn('#camera.alive.connection.online.life.available'),
    isRecalled: (_, recalled: Recalled | undefined) => recalled !== undefined,
    isLoss: (_, { order }: { order: Drain }) => order.type === 'camera.lost',
    mayStart: and(['mayRecord', 'isAvailable']),
    isRecordingOver: not(or([stateIn(active), stateIn(`${region}.ending`), stateIn(`${region}.rescuing`)])),
    /** The device is not used. */
    isDrained: and([
      not(or([stateIn(`${active}.holding`), stateIn(`${region}.ending`), stateIn(`${region}.rescuing`)])),
      stateIn(snapshotClosed),
    ]),
    isOver: and(['isRecordingOver', stateIn(snapshotClosed)]),
  },
  actions: {
    takeDevice: assign(({ event }) => ('device' in event ? { device: event.device, identity: event.identity } : {})),
    takeSetup: assign(({ event }) => {
      if (event.type !== 'camera.configured') return {}
      const { name, settings, endsOnUnplug = false, maxInterruption } = event.setup
      return { name, settings, endsOnUnplug, maxInterruption }
    }),
    dropDevice: assign({ device: undefined, connectedAt: undefined }),
    takeIdentity: enqueueActions(({ context: { id, identity: before }, event, enqueue }) => {
      if (!('identity' in event)) return
      enqueue.assign({ identity: event.identity })
      if (!event.identity.ambiguous || before.ambiguous) return
      enqueue.emit({ type: 'camera.identityAmbiguous', camera: id, reason: because('identity_ambiguous') })
    }),
    keepProbe: enqueueActions(({ context: { id }, enqueue }, { at, capabilities, pipeline }: Probed) => {
      const formats = capabilities.formats.map((format) => format.fourcc)
      enqueue.assign({ probe: { capabilities, pipeline }, connectedAt: at, failures: 0 })
      enqueue.emit({ type: 'camera.probed', camera: id, formats })
    }),
    noteProbeFailure: enqueueActions(({ context: { id, failures, device }, enqueue }, { error }: Failed) => {
      const reason = reasonFrom(error, device?.kind === 'rtsp' ? 'unreachable' : 'probe_failed')
      enqueue.assign({ reason, failures: failures + 1 })
      enqueue.emit({ type: 'camera.probeFailed', camera: id, reason })
    }),
    takeReason: assign({ reason: ({ context, event }) => ('reason' in event ? event.reason : context.reason) }),
    clearReason: assign({ reason: undefined }),
    noteObstacle: assign({ obstacles: ({ context, event }) => lacksAfter(context.obstacles, event) }),
    drain: enqueueActions(({ event, enqueue }) => {
      const order = drainOf(event)
      enqueue.assign({
        reason: order.type === 'camera.lost' ? order.reason : because(reasonCodes[order.type]),
        connectedAt: undefined,
      })
      enqueue.raise({ type: 'camera.drain', order })
    }),
    stopRecording: raise(({ event }): CameraEvent => ({ type: 'recording.finish', order: drainOf(event) })),
    loseSource: raise((_, reason: Reason): CameraEvent => ({ type: 'source.lost', reason })),
    forwardToDemand: sendTo('demand', ({ event }) => event as DemandEvent),
    beginRecording: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'recording.start') return
      enqueue.spawnChild('recording', { id: 'recording', input: recordingInput(context, event, context.obstacles) })
    }),
    continueRecording: enqueueActions(({ context, enqueue, self }, recalled: Recalled | undefined) => {
      if (recalled === undefined) return
      const { obstacles, reason = because('unplugged') } = context
      const lacks = { ...obstacles, ...(!self.getSnapshot().hasTag('available') && { camera: reason }) }
      const input = { ...recordingInput(context, recalled.intent, lacks), recalled }
      enqueue.spawnChild('recording', { id: 'recording', input })
    }),
    tellRecordingReady: enqueueActions(({ enqueue, self }) => {
      const { recording } = self.getSnapshot().children
      if (recording) enqueue.sendTo(recording, { type: 'camera.ready' })
    }),
    tellWriting: enqueueActions(({ enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'writing.began' })
    }),
    forwardToRecording: sendTo('recording', ({ event }) => event as RecordingEvent),
    drainRecording: sendTo('recording', (_, { order }: { order: Drain }) => order),
    /** The crashed recording emitted nothing, so the camera does. A recording that had started continues. */
    tellLostRecording: enqueueActions(({ enqueue, self }) => {
      const lost = self.getSnapshot().children.recording?.getSnapshot().context as RecordingContext | undefined
      if (!lost) return
      const { camera, by, startedAt, segments } = lost
      const reason = because('crashed')
      enqueue.emit(
        startedAt === undefined
          ? { type: 'recording.failed', camera, by, outcome: { ...outcomeOf(lost), reason } }
          : {
              type: 'recording.interrupted',
              camera,
              by,
              reason,
              ...newestOf({ segments }),
              closes: false,
            },
      )
    }),
    reapRecording: stopChild('recording'),
    beginSnapshot: enqueueActions(({ context: { id: camera, device, probe }, event, enqueue, self }) => {
      if (event.type !== 'snapshot.take' || !device || !probe) return
      const live = isStreaming(self.getSnapshot())
      const input = { camera, device, pipeline: probe.pipeline, live, wish: event.wish }
      enqueue.spawnChild('snapshot', { id: 'snapshot', input })
    }),
    joinSnapshot: sendTo('snapshot', (_, { wish }: { wish: SnapshotWish }) => ({ type: 'snapshot.join', wish })),
    drainSnapshot: sendTo('snapshot', (_, { order }: { order: Drain }) =>
      order.type === 'service.stopping'
        ? order
        : { type: 'device.removed', reason: order.type === 'camera.lost' ? order.reason : because('removed') },
    ),
    tellLostSnapshot: enqueueActions(({ enqueue, self }) => {
      const lost = self.getSnapshot().children.snapshot?.getSnapshot().context as SnapshotContext | undefined
      for (const fact of lost ? failures(lost, because('crashed')) : []) enqueue.emit(fact)
    }),
    reapSnapshot: stopChild('snapshot'),
    tellConnected: emit(({ context: { id, name } }) => ({ type: 'camera.connected', camera: id, name })),
    tellDisconnected: emit(({ context: { id, reason = because('unplugged') } }) => ({
      type: 'camera.disconnected',
      camera: id,
      reason,
    })),
    tellStatus: emit(({ context: { id, name, reason } }, { from, to }: { from: CameraStatus; to: CameraStatus }) => ({
      type: 'camera.statusChanged',
      camera: id,
      name,
      from,
      to,
      ...(to !== 'CONNECTED' && reason && { reason }),
    })),
    /** The actor that watches the stream stops with the camera and emits nothing, so the camera emits its end. */
    tellStreamEnd: enqueueActions(({ context: { id, reason = because('stream_lost') }, enqueue, self }) => {
      const { pipeline, pull } = self.getSnapshot().children as Record<string, AnyActorRef | undefined>
      if ((pipeline ?? pull)?.getSnapshot().hasTag('open')) enqueue.emit({ type: 'stream.ended', camera: id, reason })
    }),
    tellRetired: emit(({ context: { id } }) => ({ type: 'camera.retired', camera: id })),
    tellCrash: emit(({ context: { id } }, { error, actorId }: Failed & { actorId: string }) => ({
      type: 'actor.failed',
      actor: `${actorId}:${id}`,
      reason: reasonFrom(error, 'crashed'),
      restarts: 1,
    })),
  },
  delays: {
    /** How long an unplugged camera stays in the list. */
    retirement: 24 * 3_600_000,
    /** Back-off of a probe that fails: 1 s, 2 s, 4 s … 60 s; at most 10 s while a recording waits for the camera. */
    probeRetry: ({ context, self }) => {
      const isWanted = self.getSnapshot().children.recording !== undefined
      return Math.min(isWanted ? 10_000 : 60_000, 1_000 * 2 ** Math.min(context.failures - 1, 6))
    },
    /** Delay before a crashed child of the camera is restarted. */
    restartPause: 1_000,
  },
})

export type Probed = Probe & { at: number }

interface Failed {
  error: unknown
}

/** The input of a recording that starts, or continues. */
function recordingInput(
  { id: camera, endsOnUnplug, maxInterruption }: CameraContext,
  { by, format, duration }: Pick<RecordingInput, 'by' | 'format' | 'duration'>,
  lacks: Lacks,
): RecordingInput {
  return {
    camera,
    by,
    format,
    lacks,
    ...(duration !== undefined && { duration }),
    ...(endsOnUnplug && { endsOnUnplug }),
    ...(maxInterruption !== undefined && { maxInterruption }),
  }
}

/** Returns the event for all users of the camera. Removing a camera stops its recording; that is not a failure. */
function drainOf(event: CameraEvent): Drain {
  if (event.type === 'camera.remove') return { type: 'recording.stop', by: event.by }
  if (event.type === 'service.stopping') return event
  return { type: 'camera.lost', reason: ('reason' in event && event.reason) || because('replaced') }
}

const reasonCodes = { 'recording.stop': 'removed', 'service.stopping': 'service_stopping' } as const

export function onDevice({ id, device, settings, name }: CameraContext): OnDevice {
  return { id, settings, device: device ?? { kind: 'virtual', name } }
}

/** Only `online` calls this, and it is never entered without a probe. */
export const probeOf = ({ probe }: CameraContext): Probe => {
  if (!probe) throw new Error('a camera is online without a probe')
  return probe
}

/** True if the camera's stream uses the device, according to the camera's children. */
function isStreaming({ children }: { children: Record<string, AnyActorRef | undefined> }): boolean {
  const has = (child: string, tag: string) => children[child]?.getSnapshot().hasTag(tag) === true
  return has('pipeline', 'running') || has('pull', 'running') || has('demand', 'live')
}

export function sourceOf({ device }: CameraContext): SourceInput {
  return device?.kind === 'rtsp' ? { url: device.url, ...(device.added && { added: true }) } : { url: '' }
}
