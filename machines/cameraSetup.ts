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
import { holdsAfter, withoutHolder } from './cameraHolds.js'
import {
  crashFact,
  drainOf,
  type Failed,
  failedEncoderOf,
  isSamePipeline,
  isStreaming,
  type Probed,
  probePause,
  reasonCodes,
  recordingInput,
} from './cameraParts.js'
import { type DemandEvent, demandMachine } from './demand.js'
import type { CameraId, Device, Probe } from './domain/camera.js'
import { mostEased } from './domain/ease.js'
import { isHardware } from './domain/encoder.js'
import type { CameraFact, LostFact, StreamFact, SupervisionFact } from './domain/facts.js'
import { ambiguityOf } from './domain/identity.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import { lacksAfter, type Recalled } from './domain/recording.js'
import { hasChanged, mediaWords, withMedia } from './domain/streamMedia.js'
import type { CameraStatus } from './domain/views.js'
import { isSameStream } from './fleetSettings.js'
import { callbackHole, promiseHole } from './hole.js'
import { keyframesMachine, type StreamUseEvent } from './keyframes.js'
import { pipelineMachine, type ServerEvent } from './pipeline.js'
import { pullMachine } from './pull.js'
import { recordingMachine } from './recording.js'
import type { RecordingContext, RecordingEvent } from './recordingContext.js'
import { snapshotMachine } from './snapshot.js'
import { failures, type SnapshotContext, type SnapshotWish } from './snapshotContext.js'
import { sourceMachine } from './source.js'

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
      keyframes: 'keyframes'
      source: 'source'
      recording: 'recording'
      snapshot: 'snapshot'
    },
  },
  actors: {
    demand: demandMachine,
    pipeline: pipelineMachine,
    pull: pullMachine,
    keyframes: keyframesMachine,
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
    isSamePipeline: ({ context: { probe } }, { pipeline }: Probed) => isSamePipeline(probe?.pipeline, pipeline),
    isWithoutSignal: (_, { error }: Failed) => reasonFrom(error).code === 'no_signal',
    isOnHardware: ({ context: { probe } }) => isHardware(probe?.pipeline.encoder),
    isEased: ({ context: { ease } }) => ease > 0,
    mayEase: ({ context: { adapts = false, ease, probe } }) =>
      adapts && ease < mostEased && probe?.pipeline.kind === 'encode',
    isOver: and(['isRecordingOver', stateIn(snapshotClosed)]),
  },
  actions: {
    takeDevice: assign(({ event }) => ('device' in event ? { device: event.device, identity: event.identity } : {})),
    takeSetup: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'camera.configured') return
      const { name, settings, endsOnUnplug = false, maxInterruption, adapts = false } = event.setup
      enqueue.assign({ name, settings, endsOnUnplug, maxInterruption, adapts })
      if (context.failedEncoder && !isSameStream(settings, context.settings))
        enqueue.assign({ failedEncoder: undefined })
      if (name !== context.name) enqueue.emit({ type: 'camera.renamed', camera: context.id, name })
    }),
    dropDevice: assign({ device: undefined, connectedAt: undefined, keptHolds: undefined }),
    takeIdentity: enqueueActions(({ context: { id, identity: before }, event, enqueue }) => {
      if (!('identity' in event)) return
      enqueue.assign({ identity: event.identity })
      if (!event.identity.ambiguous || before.ambiguous) return
      enqueue.emit({ type: 'camera.identityAmbiguous', camera: id, reason: ambiguityOf(event.identity) })
    }),
    keepProbe: enqueueActions(({ context: { id }, enqueue }, { at, capabilities, pipeline }: Probed) => {
      const formats = capabilities.formats.map((format) => format.fourcc)
      const { encoder, encoderReason } = pipeline
      enqueue.assign({ probe: { capabilities, pipeline }, connectedAt: at, failures: 0 })
      enqueue.emit({
        type: 'camera.probed',
        camera: id,
        formats,
        ...(encoder && { encoder }),
        ...(encoderReason !== undefined && { encoderReason }),
      })
    }),
    /** A stream that changes while it runs divides the recording: one file has one size and one codec. */
    takeMedia: enqueueActions(({ context: { id, probe }, event, enqueue, self }) => {
      if (event.type !== 'media.found' || probe === undefined) return
      const from = probe.capabilities.stream
      const next = withMedia(probe, event.media)
      enqueue.assign({ probe: next })
      const to = next.capabilities.stream
      if (from === undefined || to === undefined || !hasChanged(from, to)) return
      const reason = because(
        'stream_changed',
        `the camera changed its stream from ${mediaWords(from)} to ${mediaWords(to)}`,
      )
      enqueue.emit({ type: 'camera.mediaChanged', camera: id, from, to, reason })
      const { recording } = self.getSnapshot().children
      if (event.changed && recording) enqueue.sendTo(recording, { type: 'stream.changed', reason })
    }),
    noteProbeFailure: enqueueActions(({ context: { id, failures, device }, enqueue }, { error }: Failed) => {
      const reason = reasonFrom(error, device?.kind === 'rtsp' ? 'unreachable' : 'probe_failed')
      enqueue.assign({ reason, failures: failures + 1, keptHolds: undefined })
      enqueue.emit({ type: 'camera.probeFailed', camera: id, reason })
    }),
    takeReason: assign({ reason: ({ context, event }) => ('reason' in event ? event.reason : context.reason) }),
    clearReason: assign({ reason: undefined }),
    noteObstacle: assign({ obstacles: ({ context, event }) => lacksAfter(context.obstacles, event) }),
    drain: enqueueActions(({ event, enqueue, self }) => {
      const order = drainOf(event)
      enqueue.assign({
        keptHolds: holdsAfter(order, self.getSnapshot()),
        reason: order.type === 'camera.lost' ? order.reason : because(reasonCodes[order.type]),
        connectedAt: undefined,
      })
      enqueue.raise({ type: 'camera.drain', order })
    }),
    /** The camera is left and found again: its path has another command then. */
    reconnect: enqueueActions(({ context: { device, identity }, enqueue }, { reason }: { reason: Reason }) => {
      if (device) enqueue.raise({ type: 'device.replaced', device, identity, reason })
    }),
    noteFailedEncoder: assign({ failedEncoder: ({ context }, reason: Reason) => failedEncoderOf(context, reason) }),
    reconnectWithoutHardware: enqueueActions(({ context: { device, identity, failedEncoder }, enqueue }) => {
      if (!device || !failedEncoder) return
      enqueue.raise({ type: 'device.replaced', device, identity, reason: failedEncoder.reason })
    }),
    easeMore: assign({ ease: ({ context }) => context.ease + 1, easings: ({ context }) => context.easings + 1 }),
    easeLess: assign({ ease: ({ context }) => Math.max(0, context.ease - 1) }),
    stopRecording: raise(({ event }): CameraEvent => ({ type: 'recording.finish', order: drainOf(event) })),
    loseSource: raise((_, reason: Reason): CameraEvent => ({ type: 'source.lost', reason })),
    forgetHolds: assign({ keptHolds: undefined }),
    releaseKept: assign(({ context, event }) =>
      event.type === 'stream.release' ? withoutHolder(context, event.holder) : {},
    ),
    tellStreams: enqueueActions(({ event, enqueue, self }) => {
      const { pipeline, demand } = self.getSnapshot().children
      if (pipeline) enqueue.sendTo(pipeline, event as ServerEvent)
      if (demand && event.type === 'server.restored') enqueue.sendTo(demand, event)
    }),
    forwardToKeyframes: sendTo('keyframes', ({ event }) => event as StreamUseEvent),
    forwardToDemand: sendTo('demand', ({ event }) => event as DemandEvent),
    beginRecording: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'recording.start') return
      enqueue.spawnChild('recording', { id: 'recording', input: recordingInput(context, event, context.obstacles) })
    }),
    continueRecording: enqueueActions(({ context, enqueue, self }, recalled: Recalled | undefined) => {
      if (recalled === undefined) return
      const { obstacles, reason = because('unplugged') } = context
      const lacks = { ...obstacles, ...(!self.getSnapshot().hasTag('available') && { camera: reason }) }
      const { segmentLimits = recalled.intent.segmentLimits } = context
      if (segmentLimits) enqueue.assign({ segmentLimits })
      const input = { ...recordingInput({ ...context, segmentLimits }, recalled.intent, lacks), recalled }
      enqueue.spawnChild('recording', { id: 'recording', input })
    }),
    tellRecordingReady: enqueueActions(({ enqueue, self }) => {
      const { recording } = self.getSnapshot().children
      if (recording) enqueue.sendTo(recording, { type: 'camera.ready' })
    }),
    tellWriting: enqueueActions(({ enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'writing.began' })
    }),
    keepSegmentLimits: assign(({ event }) =>
      event.type === 'recording.outgrown' ? { segmentLimits: event.limits } : {},
    ),
    checkPipeline: enqueueActions(({ enqueue, self }) => {
      const { pipeline } = self.getSnapshot().children
      if (pipeline) enqueue.sendTo(pipeline, { type: 'pipeline.check' })
    }),
    forwardToRecording: sendTo('recording', ({ event }) => event as RecordingEvent),
    drainRecording: sendTo('recording', (_, { order }: { order: Drain }) => order),
    /** The crashed recording emitted nothing, so the camera does. A recording that had started continues. */
    tellLostRecording: enqueueActions(({ enqueue, self }) => {
      const lost = self.getSnapshot().children.recording?.getSnapshot().context as RecordingContext | undefined
      if (lost) enqueue.emit(crashFact(lost))
    }),
    reapRecording: stopChild('recording'),
    /** What the camera allows has changed since the recording told its end. */
    tellRecordingOver: emit(({ context: { id } }) => ({ type: 'camera.recordingOver', camera: id })),
    beginSnapshot: enqueueActions(({ context: { id: camera, device, probe, settings }, event, enqueue, self }) => {
      if (event.type !== 'snapshot.take' || !device || !probe) return
      const live = isStreaming(self.getSnapshot())
      const { skipFrames } = settings
      const skipping = skipFrames === undefined ? {} : { skipFrames }
      const input = { camera, device, pipeline: probe.pipeline, live, wish: event.wish, ...skipping }
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
    probeRetry: ({ context, self }) => probePause(context, self.getSnapshot().children.recording !== undefined),
    /** How long a lowered stream stays so: 10 min, 20 min … at most 3 h if the host was too slow for more again. */
    recovery: ({ context: { easings } }) => Math.min(10_800_000, 600_000 * 2 ** Math.max(0, easings - 1)),
    /** Delay before a crashed child of the camera is restarted. */
    restartPause: 1_000,
  },
})
