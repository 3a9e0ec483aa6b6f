import { fromPromise } from 'xstate'
import type { CameraId, Device, Pipeline } from '../../machines/domain/camera.js'
import type { Pictures } from '../../machines/domain/capture.js'
import type { WallClock } from '../../machines/domain/ports.js'
import { reasonFrom } from '../../machines/domain/reason.js'
import type { SnapshotTier } from '../../machines/domain/views.js'
import type { Captured, Saved, SnapshotWish } from '../../machines/snapshotContext.js'

interface Grab {
  camera: CameraId
  device: Device
  pipeline: Pipeline
  skipFrames?: number | 'auto'
}

interface Saving {
  camera: CameraId
  captured: Captured
  wishes: SnapshotWish[]
}

const grab = (pictures: Pictures, method: 'grabDirect' | 'grabByFfmpeg', tier: SnapshotTier) =>
  fromPromise<Captured, Grab>(async ({ input: { camera, device, pipeline, skipFrames }, signal }) => ({
    ...(await pictures[method](camera, device, pipeline, signal, skipFrames)),
    tier,
  }))

/** The effects of machines/snapshot.ts. */
export const snapshotEffects = ({ pictures, clock }: { pictures: Pictures; clock: WallClock }) => ({
  grabDirect: grab(pictures, 'grabDirect', 0),
  grabByFfmpeg: grab(pictures, 'grabByFfmpeg', 1),

  grabFromStream: fromPromise<Captured, Grab & { maxAge: number; tier: SnapshotTier }>(
    async ({ input: { camera, maxAge, tier }, signal }) => ({
      ...(await pictures.grabFromStream(camera, maxAge, signal)),
      tier,
    }),
  ),

  savePictures: fromPromise<{ captured: Captured; saved: Saved[] }, Saving>(
    async ({ input: { camera, captured, wishes }, signal }) => {
      const saved: Saved[] = []
      // One after the other, because each request may have its own name and size, and all read the same picture.
      for (const [index, wish] of wishes.entries()) {
        const keep = index < wishes.length - 1
        try {
          const picture = await pictures.save(camera, captured, wish.options, signal, { keep })
          saved.push({ wish, picture, finishedAt: clock.now() })
        } catch (error) {
          saved.push({ wish, reason: reasonFrom(error, 'no_picture') })
        }
      }
      return { captured, saved }
    },
  ),
})
