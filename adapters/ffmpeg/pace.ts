import type { PipelineProgress } from '../../machines/domain/capture.js'
import type { ProgressBlock } from './progress.js'

interface Sample {
  at: number
  frames: number
  mediaTime: number
}

/** How far back a rate is measured, in ms: ffmpeg's own values are means since its start. */
const span = 5_000
/** A rate over a shorter time means nothing, in ms. */
const shortest = 2_000

/**
 * Returns a function that measures the reports of one process as they come: the rate and speed of the last seconds, and
 * how much later than at best the frames come. `at`: monotonic ms.
 */
export function createPace(): (block: Omit<ProgressBlock, 'last'>, at: number) => PipelineProgress {
  let samples: Sample[] = []
  let best = Number.POSITIVE_INFINITY
  return ({ mediaTime, ...block }, at) => {
    if (mediaTime === undefined || block.frames === 0) return block
    best = Math.min(best, at - mediaTime)
    samples = [...samples.filter((sample) => at - sample.at <= span), { at, frames: block.frames, mediaTime }]
    const lag = Math.round(at - mediaTime - best)
    const [first] = samples
    const time = first === undefined ? 0 : at - first.at
    if (first === undefined || time < shortest) return { ...block, lag }
    const fps = rounded(((block.frames - first.frames) * 1_000) / time)
    return { ...block, fps, lag, speed: rounded((mediaTime - first.mediaTime) / time) }
  }
}

const rounded = (value: number): number => Math.round(Math.max(0, value) * 100) / 100
