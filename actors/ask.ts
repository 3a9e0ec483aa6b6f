import { waitFor } from 'xstate'
import type { CameraEvent } from '../machines/cameraContext.js'
import { holdsOf } from '../machines/cameraHolds.js'
import { cameraView } from '../machines/cameraView.js'
import type { Hold } from '../machines/demand.js'
import type { By } from '../machines/domain/by.js'
import type { CameraId } from '../machines/domain/camera.js'
import { dependencyFailed, invalidParam, ServiceError } from '../machines/domain/errors.js'
import type { Fact, FactOf, RecordingFact } from '../machines/domain/facts.js'
import type { Clock } from '../machines/domain/ports.js'
import { because } from '../machines/domain/reason.js'
import type { Act } from '../machines/domain/simulation.js'
import type {
  CameraView,
  HoldView,
  RecordingFormat,
  RecordingOutcome,
  RecordingView,
  SnapshotView,
} from '../machines/domain/views.js'
import { type CameraActor, type Directory, type FleetActor, findCamera } from './directory.js'
import type { Facts } from './facts.js'
import { outcomeOf } from './outcome.js'
import { failedBy, noPicture, type RequestMethod, refusal, stoppable } from './refusals.js'

/**
 * Requests to cameras, in four steps: find the actor, check `can`, send the event, wait for the fact. Rejects with
 * ServiceErrors: `notFound` (no such camera or hold), `invalidState` with `state`, `allowed_states`, `allowed_methods`,
 * `dependencyFailed` (the disk, the media server, the camera).
 */
export interface Ask {
  /** `duration`: in ms from the first frame. Resolves when the first bytes of the segment are on disk. */
  startRecording(
    camera: string,
    request: { duration?: number; format: RecordingFormat; by: By },
  ): Promise<RecordingView & { filename: string }>
  /** Resolves when the files are final. */
  stopRecording(camera: string, by: By): Promise<RecordingOutcome & { filename: string }>
  /** `maxAge`: maximum age of the picture in ms; 0: not taken before the request. */
  takeSnapshot(camera: string, request: SnapshotRequest): Promise<SnapshotView>
  /** Takes a picture without saving it as a snapshot, and without a notification. The caller removes its file. */
  takeStill(camera: string, request: StillRequest): Promise<Still>
  /** Resolves when the stream is live. A second hold of the same holder returns the first. */
  holdStream(camera: string, holder: string, by: By): Promise<HoldView>
  /** Never ends a recording. Rejects with `notFound('Stream')` without a hold, `invalidState` if the camera is away. */
  releaseStream(camera: string, holder: string): Promise<HoldView>
  /**
   * Sets the name of a camera; empty: the name of the configuration or of the device. Resolves when it is kept. Rejects
   * with `dependencyFailed` if it cannot be written: it is used then, but lost with a restart.
   */
  nameCamera(camera: string, name: string, by: By): Promise<CameraView>
  /** Releases all streams of a holder whose session ended. */
  releaseAll(holder: string): void
  /**
   * Simulates a fault; `camera` of the act is an id. Resolves when it has happened. Rejects with `unsupported` if
   * simulation is disabled or the camera is a real one.
   */
  simulate(act: Act, by: By): Promise<void>
  /** Starts the scenario of `serve --simulate` that waits for it. Throws `invalidState` if none waits. */
  startScenario(): void
}

export interface SnapshotRequest {
  filename?: string
  format: 'jpg' | 'png'
  /** 1–100. */
  quality: number
  width?: number
  height?: number
  fit?: 'fill'
  maxAge: number
  by: By
}

export type StillRequest = Pick<SnapshotRequest, 'quality' | 'width' | 'height' | 'fit' | 'maxAge' | 'by'>
/** A JPEG in a temporary file. */
export type Still = Pick<FactOf<'still.taken'>, 'file' | 'bytes' | 'tier' | 'capturedAt'>

interface AskPorts {
  fleet: FleetActor
  facts: Facts
  directory: Directory
  clock: Clock
  /** How long a stream may take to start, in ms. */
  startLimit: number
  /** ms after which a start_streaming hold is released automatically; 0: never. */
  autoCloseAfter: number
}

/** Limits in ms, longer than those of the machines, against bugs only. Remuxing a long recording takes long. */
const patience = 90_000
const closingPatience = 30 * 60_000

/** `can` and `send` run in one tick, so that no other event comes between them. */
export function createAsk({
  fleet,
  facts,
  directory,
  clock,
  startLimit,
  autoCloseAfter,
}: AskPorts): Omit<Ask, 'simulate' | 'startScenario'> {
  const send = (actor: CameraActor, method: RequestMethod, event: CameraEvent) => {
    if (!actor.getSnapshot().can(event)) throw refusal(viewOf(actor), method)
    actor.send(event)
  }
  const outcomeAfter = <F extends Fact>(
    { actor, method, event }: { actor: CameraActor; method: RequestMethod; event: CameraEvent },
    isIt: (fact: Fact) => fact is F,
    limit = patience,
  ) => {
    // The camera was removed, crashed, or did not drain in time.
    const gone = dependencyFailed('camera', 'the camera was removed or restarted during the request')
    const request = { actor, send: () => send(actor, method, event), gone: { complete: gone, error: gone } }
    return outcomeOf(facts, request, isIt, limit)
  }
  return {
    async startRecording(camera, { by, format, duration }) {
      const actor = findCamera(fleet, camera)
      const asked = duration === undefined ? {} : { duration }
      const fact = await outcomeAfter(
        { actor, method: 'start_recording', event: { type: 'recording.start', by, format, ...asked } },
        (fact): fact is RecordingFact => isRecordingFact(fact) && fact.by === by && startOutcomes.includes(fact.type),
      )
      if (!('outcome' in fact)) {
        const { filename } = fact
        if (filename === undefined) throw failedBy(because('no_data'), 'the recording has no file')
        const startedAt = 'startedAt' in fact ? fact.startedAt : clock.now()
        const file = { filename, files: [filename], startedAt }
        return {
          camera: fact.camera,
          status: 'RECORDING',
          growing: true,
          format,
          by: by.user,
          gaps: [],
          ...file,
          ...asked,
        }
      }
      const { reason } = fact.outcome
      if (fact.type === 'recording.ended') {
        const who = reason.code === 'requested' ? 'another request stopped it' : reason.details
        throw new ServiceError('invalidState', {
          reason: 'invalid_state',
          state: 'stopped',
          allowed_states: ['not recording'],
          allowed_methods: viewOf(actor).allowed,
          details: `the recording of ${fact.camera} ended before it started: ${who}`,
        })
      }
      throw failedBy(reason, `the recording did not start: ${reason.details}`)
    },

    async stopRecording(camera, by) {
      const actor = findCamera(fleet, camera)
      const { type, outcome, at, ...fact } = await outcomeAfter(
        { actor, method: 'stop_recording', event: { type: 'recording.stop', by } },
        (fact): fact is FactOf<'recording.ended' | 'recording.failed'> =>
          (fact.type === 'recording.ended' || fact.type === 'recording.failed') && fact.camera === camera,
        closingPatience,
      )
      const filename = outcome.filename ?? outcome.files[0]
      if (filename === undefined) {
        if (type === 'recording.failed') throw failedBy(outcome.reason, 'the recording failed before it wrote a file')
        throw new ServiceError('invalidState', {
          reason: 'no_data',
          state: 'stopped',
          allowed_states: stoppable,
          allowed_methods: viewOf(actor).allowed,
          details: `the recording of ${fact.camera} was stopped before it wrote a file: there is nothing to return`,
        })
      }
      return {
        ...outcome,
        camera: fact.camera,
        status: type === 'recording.failed' ? 'FAILED' : 'STOPPED',
        growing: false,
        by: fact.by.user,
        endedAt: outcome.endedAt || at,
        filename,
      }
    },

    async takeSnapshot(camera, { by, maxAge, ...options }) {
      const actor = findCamera(fleet, camera)
      const fact = await outcomeAfter(
        { actor, method: 'take_snapshot', event: { type: 'snapshot.take', wish: { by, maxAge, options } } },
        (fact): fact is FactOf<'snapshot.taken' | 'snapshot.failed'> =>
          (fact.type === 'snapshot.taken' || fact.type === 'snapshot.failed') && fact.by === by,
      )
      if (fact.type === 'snapshot.taken') return fact
      if (fact.reason.code === 'name_taken') throw invalidParam('filename', `must be free: ${fact.reason.details}`)
      throw noPicture(fact)
    },

    async takeStill(camera, { by, maxAge, ...options }) {
      const actor = findCamera(fleet, camera)
      const wish = { by, maxAge, options: { ...options, format: 'jpg' as const, fleeting: true as const } }
      const fact = await outcomeAfter(
        { actor, method: 'take_snapshot', event: { type: 'snapshot.take', wish } },
        (fact): fact is FactOf<'still.taken' | 'still.failed'> =>
          (fact.type === 'still.taken' || fact.type === 'still.failed') && fact.by === by,
      )
      if (fact.type === 'still.failed') throw noPicture(fact)
      return fact
    },

    async holdStream(camera, holder, by) {
      const actor = findCamera(fleet, camera)
      const since = clock.now()
      const end =
        autoCloseAfter > 0 ? { until: since + autoCloseAfter, endsAt: clock.monotonic() + autoCloseAfter } : {}
      send(actor, 'start_streaming', { type: 'stream.hold', holder, by, since, ...end })
      const { demand } = actor.getSnapshot().children
      if (!demand) throw refusal(viewOf(actor), 'start_streaming')
      await waitFor(demand, (snapshot) => snapshot.hasTag('live') || !(holder in snapshot.context.holds), {
        timeout: startLimit + 5_000,
      }).catch(() => {
        // The state of the demand is checked below.
      })
      const snapshot = demand.getSnapshot()
      const isHeld = actor.getSnapshot().children.demand === demand && snapshot.status === 'active'
      const hold = isHeld ? snapshot.context.holds[holder] : undefined
      if (hold && snapshot.hasTag('live')) return holdView(snapshot.context.camera, hold, true)
      const { cause, stream } = viewOf(actor)
      // Also if the camera reconnects, which keeps the hold.
      if (holder in stream.holders) actor.send({ type: 'stream.release', holder })
      if (!hold && isHeld) {
        const details = 'the hold was released before the stream was live'
        throw new ServiceError('invalidState', { reason: 'invalid_state', state: 'released', details })
      }
      const reason =
        (hold ? (snapshot.context.reason ?? stream.reason) : cause.reason) ?? because('not_started_in_time')
      throw failedBy(reason, `the stream did not start: ${reason.details}`)
    },

    async releaseStream(camera, holder) {
      const actor = findCamera(fleet, camera)
      const hold = holdsOf(actor.getSnapshot())[holder]
      if (!hold) {
        throw actor.getSnapshot().hasTag('available')
          ? notHeld(viewOf(actor))
          : refusal(viewOf(actor), 'stop_streaming')
      }
      send(actor, 'stop_streaming', { type: 'stream.release', holder })
      const { id, stream, recording } = viewOf(actor)
      const continues =
        Object.keys(stream.holders).length > 0 || (recording !== undefined && recording.waitsFor === undefined)
      return holdView(id, hold, continues)
    },

    async nameCamera(camera, name, by) {
      const { id } = viewOf(findCamera(fleet, camera))
      const event = { type: 'camera.rename', camera: id, name, by } as const
      if (!fleet.getSnapshot().can(event)) throw dependencyFailed('camera', 'the service is starting or stopping')
      fleet.send(event)
      const { context } = await waitFor(fleet, (snapshot) => snapshot.hasTag('ready') || snapshot.hasTag('over'), {
        timeout: patience,
      }).catch(() => fleet.getSnapshot())
      if (context.registry !== context.saved)
        throw dependencyFailed('storage', 'the name is used, but could not be written: a restart would lose it')
      return directory.camera(id)
    },

    releaseAll(holder) {
      for (const { id, stream } of directory.cameras()) {
        if (holder in stream.holders) findCamera(fleet, id).send({ type: 'stream.release', holder })
      }
    },
  }
}

/** A hold ends with its own session: one client does not stop the stream of another. */
function notHeld({ id, stream: { holders } }: CameraView): ServiceError {
  const others = Object.keys(holders).length
  const held = others === 0 ? 'no session does' : others === 1 ? 'another session does' : `${others} other sessions do`
  const details = `this session does not hold the stream of ${id}: ${held}`
  const suggestion = 'Stop the stream in the session that called start_streaming'
  return new ServiceError('notFound', { resource: 'stream', id, details, suggestion }, 'Stream not found')
}

/** The view without times, which errors do not contain. */
const viewOf = (actor: CameraActor): CameraView => cameraView(actor.getSnapshot(), { state: 0, stream: 0 })

const holdView = (camera: CameraId, { since, until }: Hold, continues: boolean): HoldView => ({
  camera,
  since,
  continues,
  ...(until !== undefined && { until }),
})

/** The facts that answer a request to record. */
const startOutcomes: readonly Fact['type'][] = ['recording.started', 'recording.ended', 'recording.failed']

const isRecordingFact = (fact: Fact): fact is RecordingFact => fact.type.startsWith('recording.')
