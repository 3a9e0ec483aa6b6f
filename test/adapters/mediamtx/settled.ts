import type { CameraId } from '../../../machines/domain/camera.js'
import type { MediaServer, PathEvent, PathSpec } from '../../../machines/domain/mediaServer.js'
import type { Dispose } from '../../../machines/domain/ports.js'
import { never } from './fakeServer.js'

/** Wraps a media server to wait for changes of paths. `events`: the reported events. */
export function settled(media: MediaServer) {
  const held = new Map<CameraId, Dispose>()
  const events: (PathEvent & { camera: CameraId })[] = []
  return {
    ...media,
    events,
    async publish(spec: PathSpec) {
      held.set(
        spec.name,
        media.publish(spec, (event) => events.push({ ...event, camera: spec.name })),
      )
      await media.settled(never())
    },
    async withdraw(name: CameraId) {
      held.get(name)?.()
      held.delete(name)
      await media.settled(never())
    },
  }
}
