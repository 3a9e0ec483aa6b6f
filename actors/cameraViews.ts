import type { ActorRefFrom, AnyActorRef } from 'xstate'
import type { cameraMachine } from '../machines/camera.js'
import { cameraView } from '../machines/cameraView.js'
import { type CameraId, cameraNumber } from '../machines/domain/camera.js'
import { keptValues } from '../machines/domain/kept.js'
import type { CameraView } from '../machines/domain/views.js'
import type { fleetMachine } from '../machines/fleet.js'
import type { Observer } from './observer.js'

type CameraActor = ActorRefFrom<typeof cameraMachine>

/** A view, and all that it is made of. Names are joined once: at each look-up, they would cost as much as the rest. */
interface Made {
  names: { state: string; stream: string }
  snapshot: unknown
  recording: unknown
  demand: unknown
  feed: unknown
  state: number
  stream: number
  view: CameraView
}

const snapshotOf = (actor: AnyActorRef | undefined): unknown => actor?.getSnapshot()

/** The views of the cameras. Clients read them often, so the same ones are returned until something changes. */
export function createCameraViews(fleet: ActorRefFrom<typeof fleetMachine>, observer: Pick<Observer, 'since'>) {
  const made = new WeakMap<CameraActor, Made>()
  const kept = keptValues()
  let all: readonly CameraView[] = []

  /** By number. */
  const systemIds = (): readonly string[] => {
    const { told } = fleet.getSnapshot().context
    return kept(fleet, 'ids', [told], () =>
      (Object.keys(told) as CameraId[])
        .sort((one, other) => cameraNumber(one) - cameraNumber(other))
        .map((id) => `camera:${id}`),
    )
  }

  const viewOf = (actor: CameraActor): CameraView => {
    const snapshot = actor.getSnapshot()
    const { children, context } = snapshot
    const before = made.get(actor)
    const names = before?.names ?? { state: `camera:${context.id}`, stream: `camera:${context.id}/stream` }
    const recording = snapshotOf(children.recording)
    const demand = snapshotOf(children.demand)
    const feed = snapshotOf(children.pipeline ?? children.pull)
    const state = observer.since(names.state)
    const stream = observer.since(names.stream)
    const isSame =
      before !== undefined &&
      before.snapshot === snapshot &&
      before.recording === recording &&
      before.demand === demand &&
      before.feed === feed &&
      before.state === state &&
      before.stream === stream
    if (isSame) return before.view
    const view = cameraView(snapshot, { state, stream })
    made.set(actor, { names, snapshot, recording, demand, feed, state, stream, view })
    return view
  }

  return {
    /** Ordered by number; the same list until a view is another one. */
    all(): readonly CameraView[] {
      const views: CameraView[] = []
      for (const systemId of systemIds()) {
        const actor = fleet.system.get(systemId) as CameraActor | undefined
        if (actor) views.push(viewOf(actor))
      }
      if (views.length !== all.length || views.some((view, index) => view !== all[index])) all = views
      return all
    },
    of: viewOf,
  }
}
