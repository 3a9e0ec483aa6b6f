import { type ActorRefFrom, waitFor } from 'xstate'
import type { CameraEvent, cameraMachine } from '../machines/camera.js'
import { cameraView } from '../machines/cameraView.js'
import type { CameraId } from '../machines/domain/camera.js'
import { dependencyFailed, invalidParam, notFound, reasonOf, ServiceError } from '../machines/domain/errors.js'
import type { By, Fact, RecordingFact, SnapshotFact, StillAnswer } from '../machines/domain/facts.js'
import type { Clock, Pipelines } from '../machines/domain/ports.js'
import type {
  HoldView,
  RecordingFormat,
  RecordingOutcome,
  RecordingView,
  SnapshotView,
} from '../machines/domain/views.js'
import type { snapshotMachine } from '../machines/snapshot.js'
import { type CameraActor, type Directory, type FleetActor, findCamera } from './directory.js'
import { within } from './effects/time.js'
import type { Facts } from './facts.js'

/**
 * The four moves of a request: find the actor, ask `can`, send, wait for the fact. Every refusal is a ServiceError:
 * `notFound` (no such camera, or no such hold), `invalidState` with `state`, `allowed_states`, `allowed_methods`,
 * `dependencyFailed`.
 */
export interface Ask {
  /** `duration` in ms, from the first frame. Resolves when bytes of the segment are on disk. */
  startRecording(
    camera: string,
    request: { duration?: number; format: RecordingFormat; by: By },
  ): Promise<RecordingView>
  /** Resolves when the files are final. */
  stopRecording(camera: string, by: By): Promise<RecordingOutcome>
  /** `maxAge` in ms: how old the picture may be; 0: not taken before the request. */
  takeSnapshot(camera: string, request: SnapshotRequest): Promise<SnapshotView>
  /** The same for a picture that is not kept: no file among the snapshots, nobody told. Its file is the caller's to remove. */
  takeStill(camera: string, request: StillRequest): Promise<Still>
  /** Resolves when the stream is live. A holder's second hold answers the first. */
  holdStream(camera: string, holder: string, by: By): Promise<HoldView>
  /** Never ends a recording. `notFound('Stream')` when the holder holds none; of a camera that is away `invalidState`: the hold went with it. */
  releaseStream(camera: string, holder: string): Promise<HoldView>
  /** The holder's session has ended: lets go of all its streams. */
  releaseAll(holder: string): void
  /** Plays a virtual camera's fault; `unsupported` when simulation is off or the camera is not virtual. */
  simulate(camera: string, action: SimulateAction): Promise<void>
}

export type SimulateAction = 'unplug' | 'plug' | 'stall' | 'resume' | 'busy'

export interface SnapshotRequest {
  filename?: string
  /** That the caller may use; absent: all. A name that another one's picture has gives way to the next free one. */
  cameras?: readonly string[]
  format: 'jpg' | 'png'
  /** 1–100. */
  quality: number
  width?: number
  height?: number
  maxAge: number
  by: By
}

export type StillRequest = Pick<SnapshotRequest, 'quality' | 'width' | 'height' | 'maxAge' | 'by'>
/** A JPEG in a temporary file. */
export type Still = Pick<Extract<StillAnswer, { type: 'still.taken' }>, 'file' | 'bytes' | 'tier' | 'capturedAt'>

interface AskPorts {
  fleet: FleetActor
  facts: Facts
  directory: Directory
  pipelines: Pick<Pipelines, 'simulate'>
  clock: Clock
  /** How long a stream may take to start, in ms. */
  startLimit: number
  /** ms after which a start_streaming hold lets go by itself; 0: never. */
  autoCloseAfter: number
  simulation: boolean
}

/** The machines' own limits are shorter; these only keep a bug of ours from holding a client for ever. Long recordings take long to remux. */
const patience = 60_000
const closingPatience = 30 * 60_000

/** `can` and `send` run in one tick, so that nothing comes between them. */
export function createAsk({
  fleet,
  facts,
  directory,
  pipelines,
  clock,
  startLimit,
  autoCloseAfter,
  simulation,
}: AskPorts): Ask {
  const send = (actor: CameraActor, method: string, event: CameraEvent) => {
    if (!actor.getSnapshot().can(event)) throw refusal(actor, method)
    actor.send(event)
  }
  const needServer = () => {
    const { state, cause } = directory.link()
    if (state === 'down')
      throw dependencyFailed('mediamtx', `the media server cannot be reached: ${cause.reason ?? 'no answer'}`)
  }
  /** Listens first, the fact may come at once; of a call that is refused no listener stays. */
  const outcomeOf = async <F extends Fact>(
    { actor, method, event }: { actor: CameraActor; method: string; event: CameraEvent },
    isIt: (fact: Fact) => fact is F,
    limit = patience,
  ) => {
    const over = new AbortController()
    const outcome = facts.next(isIt, within(limit, over.signal))
    outcome.catch(() => {})
    try {
      send(actor, method, event)
      return await outcome
    } finally {
      over.abort()
    }
  }
  return {
    async startRecording(camera, { by, format, duration }) {
      const actor = findCamera(fleet, camera)
      needServer()
      const event = { type: 'recording.start' as const, by, format, ...(duration !== undefined && { duration }) }
      const fact = await outcomeOf(
        { actor, method: 'start_recording', event },
        (fact): fact is RecordingFact =>
          isRecordingFact(fact) && fact.by === by && fact.type !== 'recording.interrupted',
      )
      if (fact.type === 'recording.started') {
        const { filename, startedAt } = fact
        const asked = duration === undefined ? {} : { duration }
        return {
          camera: fact.camera,
          status: 'RECORDING',
          growing: true,
          format,
          by: by.user,
          filename,
          files: [filename],
          startedAt,
          ...asked,
        }
      }
      const reason = 'outcome' in fact ? fact.outcome.reason : 'it was interrupted'
      if (fact.type === 'recording.ended') {
        const details = `the recording was ended before it began: ${reason}`
        throw new ServiceError('invalidState', {
          reason: 'invalid_state',
          state: 'stopped',
          allowed_states: ['not recording'],
          details,
        })
      }
      if (/^storage full/.test(reason)) throw dependencyFailed('storage', reason)
      throw dependencyFailed(
        directory.link().state === 'up' ? 'camera' : 'mediamtx',
        `the recording did not begin: ${reason}`,
      )
    },

    async stopRecording(camera, by) {
      const actor = findCamera(fleet, camera)
      const {
        type,
        outcome,
        by: starter,
        at,
      } = await outcomeOf(
        { actor, method: 'stop_recording', event: { type: 'recording.stop', by } },
        (fact): fact is Extract<RecordingFact, { type: 'recording.ended' | 'recording.failed' }> =>
          (fact.type === 'recording.ended' || fact.type === 'recording.failed') && fact.camera === camera,
        closingPatience,
      )
      return {
        ...outcome,
        camera: actor.getSnapshot().context.id,
        status: type === 'recording.failed' ? 'FAILED' : 'STOPPED',
        growing: false,
        by: starter.user,
        endedAt: outcome.endedAt || at,
        ...(outcome.files[0] !== undefined && { filename: outcome.files[0] }),
      }
    },

    async takeSnapshot(camera, { by, maxAge, ...options }) {
      const actor = findCamera(fleet, camera)
      const fact = await outcomeOf(
        { actor, method: 'take_snapshot', event: { type: 'snapshot.take', wish: { by, maxAge, options } } },
        (fact): fact is SnapshotFact =>
          (fact.type === 'snapshot.taken' || fact.type === 'snapshot.failed') && fact.by === by,
      )
      if (fact.type === 'snapshot.taken') return fact
      if (fact.nameTaken) throw invalidParam('filename', fact.reason)
      throw noPicture(fact)
    },

    async takeStill(camera, { by, maxAge, ...options }) {
      const actor = findCamera(fleet, camera)
      send(actor, 'take_snapshot', {
        type: 'snapshot.take',
        wish: { by, maxAge, options: { ...options, format: 'jpg', fleeting: true } },
      })
      const answer = await stillAnswer(actor.getSnapshot().children.snapshot, by)
      if (answer.type === 'still.failed') throw noPicture(answer)
      return answer
    },

    async holdStream(camera, holder) {
      const actor = findCamera(fleet, camera)
      needServer()
      const since = clock.now()
      send(actor, 'start_streaming', {
        type: 'stream.hold',
        holder,
        since,
        ...(autoCloseAfter > 0 && { until: since + autoCloseAfter }),
      })
      try {
        await waitFor(
          actor,
          (snapshot) => snapshot.hasTag('live') || !snapshot.hasTag('connected') || !(holder in snapshot.context.holds),
          {
            timeout: startLimit + 5_000,
          },
        )
      } catch {
        // Told below, by what the camera says of its stream.
      }
      const { context, ...snapshot } = actor.getSnapshot()
      const hold = context.holds[holder]
      if (hold && actor.getSnapshot().hasTag('live')) {
        return {
          camera: context.id,
          since: hold.since,
          continues: true,
          ...(hold.until !== undefined && { until: hold.until }),
        }
      }
      if (hold) actor.send({ type: 'stream.release', holder })
      if (!hold && actor.getSnapshot().hasTag('available'))
        throw new ServiceError('invalidState', {
          reason: 'invalid_state',
          state: 'released',
          details: 'the hold was let go before the stream was live',
        })
      const reason =
        context.streamReason ??
        context.reason ??
        (snapshot.status === 'active' ? 'it gave no picture in time' : 'it is gone')
      throw dependencyFailed('camera', `the stream did not start: ${reason}`)
    },

    async releaseStream(camera, holder) {
      const actor = findCamera(fleet, camera)
      const hold = actor.getSnapshot().context.holds[holder]
      if (!hold)
        throw actor.getSnapshot().hasTag('available') ? notFound('Stream', camera) : refusal(actor, 'stop_streaming')
      actor.send({ type: 'stream.release', holder })
      const after = actor.getSnapshot()
      const continues = Object.keys(after.context.holds).length > 0 || after.children.recording !== undefined
      return {
        camera: after.context.id,
        since: hold.since,
        continues,
        ...(hold.until !== undefined && { until: hold.until }),
      }
    },

    releaseAll(holder) {
      for (const { id } of directory.cameras()) {
        const actor = findCamera(fleet, id)
        if (holder in actor.getSnapshot().context.holds) actor.send({ type: 'stream.release', holder })
      }
    },

    async simulate(camera, action) {
      const actor = findCamera(fleet, camera)
      const { kind } = directory.camera(camera)
      if (!simulation)
        throw new ServiceError('unsupported', { feature: 'simulation', hint: 'set simulation.enabled to true' })
      if (kind !== 'virtual')
        throw new ServiceError('unsupported', {
          feature: `simulation of a ${kind} camera`,
          hint: 'only virtual cameras play faults',
        })
      const { id } = actor.getSnapshot().context
      if (action === 'unplug' || action === 'plug')
        fleet.send({ type: 'device.simulate', camera: id as CameraId, away: action === 'unplug' })
      else
        await pipelines
          .simulate(id, action)
          .catch((error: unknown) => Promise.reject(dependencyFailed('camera', reasonOf(error))))
    },
  }
}

/** The answer to `by`'s wish; the capture was begun or joined in this very tick, so that it cannot have been given yet. */
const stillAnswer = (capture: ActorRefFrom<typeof snapshotMachine> | undefined, by: By): Promise<StillAnswer> =>
  new Promise((resolve, reject) => {
    const gone = () => reject(dependencyFailed('camera', 'the capture was ended'))
    const take = (answer: StillAnswer) => {
      if (answer.by !== by) return
      for (const { unsubscribe } of subscriptions) unsubscribe()
      resolve(answer)
    }
    const subscriptions = capture
      ? [
          capture.on('still.taken', take),
          capture.on('still.failed', take),
          capture.subscribe({ error: gone, complete: gone }),
        ]
      : []
    if (!capture) gone()
  })

const noPicture = ({
  reason,
  passedOver,
}: Pick<Extract<StillAnswer, { type: 'still.failed' }>, 'reason' | 'passedOver'>): ServiceError => {
  const tried = passedOver.map(({ tier, reason }) => `tier ${tier}: ${reason}`).join('; ')
  return dependencyFailed('camera', tried ? `${reason} (${tried})` : reason)
}

const isRecordingFact = (fact: Fact): fact is RecordingFact => fact.type.startsWith('recording.')

/** Names the state that is in the way, those in which the method would work, and the methods that work now. */
function refusal(actor: CameraActor, method: string): ServiceError {
  const snapshot: ReturnType<typeof cameraMachine.getInitialSnapshot> = actor.getSnapshot()
  const { cause, recording, allowed } = cameraView(snapshot)
  const isRecordingMatter = method.endsWith('_recording') && snapshot.hasTag('available')
  const state = isRecordingMatter ? (recording?.status.toLowerCase() ?? 'not recording') : cause.state
  return new ServiceError('invalidState', {
    reason: 'invalid_state',
    state,
    allowed_states: isRecordingMatter
      ? method === 'stop_recording'
        ? ['starting', 'recording']
        : ['not recording']
      : ['available'],
    allowed_methods: allowed,
    details: isRecordingMatter
      ? `${snapshot.context.id} is ${state}`
      : `${snapshot.context.id} is ${cause.state}${cause.reason === undefined ? '' : `: ${cause.reason}`}`,
  })
}
