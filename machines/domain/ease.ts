/** How a stream is lowered while the host is too slow for it: first its rate, then its size. */
import type { CameraSettings, Pipeline } from './camera.js'
import type { CaptureDefaults } from './ports.js'

/** The parts of the rate, and of the width and height, that are left after each step. */
const steps = [
  { rate: 1, size: 1 },
  { rate: 1 / 2, size: 1 },
  { rate: 1 / 2, size: 1 / 2 },
  { rate: 1 / 4, size: 1 / 2 },
] as const
export const mostEased = steps.length - 1

/** The settings and defaults of a camera after `ease` steps. */
export function easedSettings(settings: CameraSettings, defaults: CaptureDefaults, ease: number) {
  const { rate, size } = steps[Math.min(ease, mostEased)] ?? steps[0]
  const even = (length: number) => 2 * Math.max(1, Math.round((length * size) / 2))
  const rateOf = (fps: number) => Math.max(1, fps * rate)
  const { width, height, fps } = settings
  return {
    settings: {
      ...settings,
      ...(width !== undefined && { width: even(width) }),
      ...(height !== undefined && { height: even(height) }),
      // Explicit, because a higher rate of the camera would be the best mode else.
      ...((fps !== undefined || rate < 1) && { fps: rateOf(fps ?? defaults.fps) }),
    },
    defaults: { ...defaults, width: even(defaults.width), height: even(defaults.height), fps: rateOf(defaults.fps) },
  }
}

/** A camera without a mode of a lower rate: only so many of its frames are encoded. */
export function thinned(pipeline: Pipeline, fps: number): Pipeline {
  if (pipeline.kind !== 'encode') return pipeline
  const reason = `${pipeline.reason} Lowered, because the host was too slow.`
  return pipeline.mode.fps > fps * 1.1 ? { ...pipeline, maxFps: fps, reason } : { ...pipeline, reason }
}
