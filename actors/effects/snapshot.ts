import { fromPromise } from 'xstate'
import type { CameraId, Device, Pipeline } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Picture, Pictures } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import type { Saved, SnapshotWish } from '../../machines/snapshot.js'

interface Grab {
  camera: CameraId
  device: Device
  pipeline: Pipeline
}

/** The effects that machines/snapshot.ts names. */
export const snapshotEffects = ({ pictures, clock }: { pictures: Pictures; clock: Clock }) => ({
  grabDirect: fromPromise<Picture, Grab>(({ input: { camera, device, pipeline }, signal }) =>
    pictures.grabDirect(camera, device, pipeline, signal),
  ),

  grabByFfmpeg: fromPromise<Picture, Grab>(({ input: { camera, device, pipeline }, signal }) =>
    pictures.grabByFfmpeg(camera, device, pipeline, signal),
  ),

  grabFromStream: fromPromise<Picture, Grab & { maxAge: number }>(({ input: { camera, maxAge }, signal }) =>
    pictures.grabFromStream(camera, maxAge, signal),
  ),

  savePictures: fromPromise<Saved[], { camera: CameraId; picture: Picture; wishes: SnapshotWish[] }>(
    async ({ input: { camera, picture, wishes }, signal }) => {
      const saved: Saved[] = []
      // One after the other: each wish may ask for its own name and size, and all read the same picture.
      for (const [index, wish] of wishes.entries()) {
        const keep = index < wishes.length - 1
        try {
          saved.push({
            wish,
            picture: await pictures.save(camera, picture, wish.options, signal, { keep }),
            finishedAt: clock.now(),
          })
        } catch (error) {
          const nameTaken = error instanceof Failure && error.code === 'name_taken'
          saved.push({ wish, reason: reasonOf(error), ...(nameTaken && { nameTaken }) })
        }
      }
      return saved
    },
  ),
})
