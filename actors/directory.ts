import type { ActorRefFrom, AnyActorRef } from 'xstate'
import type { cameraMachine } from '../machines/camera.js'
import { type discoveryMachine, discoveryMode } from '../machines/discovery.js'
import { isCameraId } from '../machines/domain/camera.js'
import { notFound } from '../machines/domain/errors.js'
import { keptValues } from '../machines/domain/kept.js'
import { because } from '../machines/domain/reason.js'
import type { AbsentView, ActorView, CameraView, LinkView, StorageView, SystemView } from '../machines/domain/views.js'
import type { fleetMachine } from '../machines/fleet.js'
import { linkView, type mediamtxLinkMachine } from '../machines/mediamtxLink.js'
import type { serverProcessMachine } from '../machines/serverProcess.js'
import { type storageMachine, storageView } from '../machines/storage.js'
import { actorTree } from './actorTree.js'
import { createCameraViews } from './cameraViews.js'
import type { Observer } from './observer.js'

/** Read access to the running actors, synchronous and without side effects. */
export interface Directory {
  /** Ordered by number; includes unplugged cameras, not retired ones. The same list until something changes. */
  cameras(): readonly CameraView[]
  /** Throws ServiceError `notFound`. */
  camera(id: string): CameraView
  /** Entries of the configuration that no device matches; the same list until it changes. */
  absent(): readonly AbsentView[]
  link(): LinkView
  storage(): StorageView
  system(): SystemView
  /** The running machines, root first. */
  actors(): ActorView[]
}

export type CameraActor = ActorRefFrom<typeof cameraMachine>
export type FleetActor = ActorRefFrom<typeof fleetMachine>

/** Returns the camera's actor. Throws ServiceError `notFound`. */
export function findCamera(fleet: FleetActor, id: string): CameraActor {
  const actor = isCameraId(id) ? fleet.system.get(`camera:${id}`) : undefined
  if (!actor) throw notFound('Camera', id)
  return actor as CameraActor
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
  // Snapshots never change and clients read views often, so a view is kept until one of its parts changes.
  const kept = keptValues()
  const views = createCameraViews(fleet, observer)
  const get = <Actor extends AnyActorRef>(systemId: string) => fleet.system.get(systemId) as Actor | undefined

  const link = (): LinkView => {
    const actor = get<ActorRefFrom<typeof mediamtxLinkMachine>>('link')
    const server = get<ActorRefFrom<typeof serverProcessMachine>>('serverProcess')?.getSnapshot().context
    if (!actor) {
      return {
        state: 'down',
        cause: { state: 'down', since: startedAt, reason: because('not_started') },
        breaker: 'closed',
      }
    }
    const snapshot = actor.getSnapshot()
    const since = observer.since('link')
    return kept(actor, 'view', [snapshot, server, since], () => {
      const view = linkView(snapshot, since)
      const ended = server?.reason
      const reason = view.state === 'up' ? undefined : (ended ?? view.cause.reason)
      return {
        ...view,
        cause: { state: view.state, since, ...(reason && { reason }) },
        ...(ended && { ended: true as const }),
        ...(server?.choice && {
          server: { ...server.choice, ...(snapshot.context.info && { version: snapshot.context.info.version }) },
        }),
      }
    })
  }

  return {
    cameras: views.all,
    camera: (id) => views.of(findCamera(fleet, id)),
    actors: () => actorTree(fleet, observer.entered),
    absent: () => fleet.getSnapshot().context.absent,
    link,
    storage() {
      const actor = get<ActorRefFrom<typeof storageMachine>>('storage')
      if (actor) return storageView(actor.getSnapshot(), observer.since('storage'), observer.since('recordingFolder'))
      const { storage: reason } = fleet.getSnapshot().context.obstacles
      const cause = { state: 'unknown', since: startedAt, ...(reason && { reason }) }
      return { state: 'unknown', cause, total: 0, used: 0, available: 0, percent: 0 }
    },
    system() {
      const whole = fleet.getSnapshot()
      const discovery = get<ActorRefFrom<typeof discoveryMachine>>('discovery')?.getSnapshot()
      const [linkNow, since] = [link(), observer.since('discovery')]
      return kept(fleet, 'system', [whole, discovery, linkNow, since], () => {
        const mode = discovery ? discoveryMode(discovery) : 'off'
        const reason = discovery?.context.reason
        return {
          ...statusOf(whole.hasTag('started'), linkNow),
          startedAt,
          discovery: {
            active: discovery?.status === 'active',
            mode,
            cause: { state: mode, since, ...(reason && { reason }) },
          },
        }
      })
    },
  }
}

function statusOf(hasStarted: boolean, { state, cause }: LinkView): Pick<SystemView, 'status' | 'message'> {
  if (!hasStarted) return { status: 'starting', message: 'looking for cameras' }
  if (state === 'up') return { status: 'ready', message: 'all systems are ready' }
  const why = cause.reason === undefined ? '' : `: ${cause.reason.details}`
  return { status: 'partial', message: `the media server is ${state}${why}` }
}
