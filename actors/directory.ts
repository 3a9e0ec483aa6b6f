import type { ActorRefFrom, AnyActorRef } from 'xstate'
import type { cameraMachine } from '../machines/camera.js'
import { cameraView } from '../machines/cameraView.js'
import type { discoveryMachine } from '../machines/discovery.js'
import { type CameraId, cameraNumber, isCameraId } from '../machines/domain/camera.js'
import { notFound } from '../machines/domain/errors.js'
import { keptValues } from '../machines/domain/kept.js'
import type { CameraView, LinkView, StorageView, SystemView } from '../machines/domain/views.js'
import type { fleetMachine } from '../machines/fleet.js'
import { linkView, type mediamtxLinkMachine } from '../machines/mediamtxLink.js'
import type { serverProcessMachine } from '../machines/serverProcess.js'
import { type storageMachine, storageView } from '../machines/storage.js'
import type { Observer } from './observer.js'

/** What may be read of the running actors, at once and without side effects. */
export interface Directory {
  /** By number, unplugged ones included, retired ones not. */
  cameras(): CameraView[]
  /** Throws ServiceError `notFound`. */
  camera(id: string): CameraView
  link(): LinkView
  storage(): StorageView
  system(): SystemView
}

export type CameraActor = ActorRefFrom<typeof cameraMachine>
export type FleetActor = ActorRefFrom<typeof fleetMachine>

/** The camera's actor; throws ServiceError `notFound`. */
export function findCamera(fleet: FleetActor, id: string): CameraActor {
  const actor = isCameraId(id) ? fleet.system.get(`camera:${id}`) : undefined
  if (!actor) throw notFound('Camera', id)
  return actor as CameraActor
}

/** What the observer calls a camera and its stream; texts that are asked for again and again. */
const aspects = new Map<CameraId, { whole: string; stream: string }>()
const aspectsOf = (id: CameraId) => {
  const known = aspects.get(id) ?? { whole: `camera:${id}`, stream: `camera:${id}/stream` }
  aspects.set(id, known)
  return known
}

export function createDirectory({
  fleet,
  observer,
  startedAt,
}: {
  fleet: FleetActor
  observer: Observer
  startedAt: number
}): Directory {
  // Snapshots never change, and clients ask far more often than cameras do anything: the same view until something happens.
  const kept = keptValues()
  const get = <Actor extends AnyActorRef>(systemId: string) => fleet.system.get(systemId) as Actor | undefined
  const viewOf = (actor: CameraActor): CameraView => {
    const snapshot = actor.getSnapshot()
    const { whole, stream } = aspectsOf(snapshot.context.id)
    const [since, streamSince] = [observer.since(whole), observer.since(stream)]
    return kept(actor, 'view', [snapshot, snapshot.children.recording?.getSnapshot(), since, streamSince], () => {
      const view = cameraView(snapshot)
      return { ...view, cause: { ...view.cause, since }, stream: { ...view.stream, since: streamSince } }
    })
  }
  const link = (): LinkView => {
    const actor = get<ActorRefFrom<typeof mediamtxLinkMachine>>('link')
    const server = get<ActorRefFrom<typeof serverProcessMachine>>('serverProcess')?.getSnapshot().context
    if (!actor) return { state: 'down', cause: { state: 'down', since: startedAt, reason: 'not started yet' } }
    const snapshot = actor.getSnapshot()
    const since = observer.since('link')
    return kept(actor, 'view', [snapshot, server, since], () => {
      const view = linkView(snapshot)
      const reason = server?.reason ?? view.cause.reason
      return {
        ...view,
        cause: { ...view.cause, since, ...(view.state !== 'up' && reason !== undefined && { reason }) },
        ...(server?.choice && {
          server: { ...server.choice, ...(snapshot.context.info && { version: snapshot.context.info.version }) },
        }),
      }
    })
  }
  /** For good: that later cameras are being identified does not take the service back to its start. */
  let started = false
  const hasStarted = () => {
    started ||= fleet.getSnapshot().hasTag('ready')
    return started
  }
  return {
    cameras: () =>
      (Object.keys(fleet.getSnapshot().context.told) as CameraId[])
        .sort((one, other) => cameraNumber(one) - cameraNumber(other))
        .flatMap((id) => get<CameraActor>(`camera:${id}`) ?? [])
        .map(viewOf),
    camera: (id) => viewOf(findCamera(fleet, id)),
    link,
    storage() {
      const actor = get<ActorRefFrom<typeof storageMachine>>('storage')
      if (!actor)
        return {
          state: 'unknown',
          cause: { state: 'unknown', since: startedAt },
          total: 0,
          used: 0,
          available: 0,
          percent: 0,
        }
      const view = storageView(actor.getSnapshot())
      return { ...view, cause: { ...view.cause, since: observer.since('storage') } }
    },
    system() {
      const discovery = get<ActorRefFrom<typeof discoveryMachine>>('discovery')?.getSnapshot()
      const { status, message } = statusOf(hasStarted(), link())
      return {
        status,
        message,
        startedAt,
        discovery: {
          active: discovery?.status === 'active',
          mode: discovery?.context.mode ?? 'off',
          cause: {
            state: discovery?.context.mode ?? 'off',
            since: observer.since('discovery'),
            ...(discovery?.context.reason !== undefined && { reason: discovery.context.reason }),
          },
        },
      }
    },
  }
}

function statusOf(hasStarted: boolean, link: LinkView): Pick<SystemView, 'status' | 'message'> {
  if (!hasStarted) return { status: 'starting', message: 'cameras are being looked for' }
  if (link.state === 'up') return { status: 'ready', message: 'all systems are ready' }
  return {
    status: 'partial',
    message: `the media server is ${link.state}${link.cause.reason === undefined ? '' : `: ${link.cause.reason}`}`,
  }
}
