import type { CameraId, CaptureMode } from '../../machines/domain/camera.js'

/** How many frames a capture skips because the first ones are dark: so many, or until the brightness has settled. */
export type WarmUp = { skip: number } | { measure: number }

/** The number that is skipped until a camera was measured. */
export const usualSkip = 4
/** Bounds of a measurement. More frames would take longer than a snapshot may. */
const [fewest, most] = [5, 12]
/** How long a measurement is used, in ms: the light changes. */
const validFor = 10 * 60_000
/** Differences of brightness that nobody sees, on a scale of 255. */
const tolerance = 3

/** Number of frames for a measurement: half a second of them. */
export const framesToMeasure = ({ fps }: Pick<CaptureMode, 'fps'>): number =>
  Math.min(most, Math.max(fewest, Math.round(fps / 2)))

/** Returns the number of frames after which the brightness does not change any more; all but the last if it does. */
export function settledAfter(brightness: readonly number[]): number {
  const last = brightness.at(-1) ?? 0
  const unsettled = brightness.findLastIndex((value) => Math.abs(value - last) > Math.max(tolerance, last * 0.04))
  return unsettled + 1
}

/** ffmpeg's filters that print the brightness of each frame, and the values in its output. */
export const brightnessFilter = 'signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-'
export const brightnessIn = (output: string): number[] =>
  [...output.matchAll(/YAVG=([\d.]+)/g)].map(([, value]) => Number(value))

/** Remembers how long each camera takes, until it is plugged in again. `now`: monotonic ms. */
export function createWarmUps({ skipFrames, now }: { skipFrames: number | 'auto'; now: () => number }) {
  const known = new Map<CameraId, { node: string; at: number; skip: number }>()
  return {
    /** `wish`: the setting of the camera. */
    of(camera: CameraId, node: string, mode: CaptureMode, wish: number | 'auto' = skipFrames): WarmUp {
      if (wish !== 'auto') return { skip: wish }
      const last = known.get(camera)
      if (last?.node === node && now() - last.at < validFor) return { skip: last.skip }
      // If the measurement fails, it is not repeated with each try.
      known.set(camera, { node, at: now(), skip: usualSkip })
      return { measure: framesToMeasure(mode) }
    },
    keep(camera: CameraId, node: string, skip: number) {
      known.set(camera, { node, at: now(), skip })
    },
  }
}
