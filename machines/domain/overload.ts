/** Whether the host keeps up with a stream. */
import type { PipelineProgress } from './capture.js'
import { because, type Reason, type ReasonCode } from './reason.js'

/** Reports in a row, two a second. Their values are means of 5 s, so a short load is none; a host at its limit rests often. */
const reportsBehind = 4
const reportsInTime = 60
/** In ms. A shorter delay is made up for. */
const longLag = 1_000

/**
 * True if the frames come slower than in real time. A camera that sends fewer frames in the dark is not behind: its
 * frames come out as soon as ever. While ffmpeg is too slow, the driver drops frames, and the others come late.
 */
function isBehind({ speed, lag = 0, fps }: PipelineProgress, asked: number | undefined): boolean {
  if (speed !== undefined && speed < 0.9) return true
  return lag >= longLag && asked !== undefined && fps > 0 && fps < asked * 0.9
}

/** Number of reports in a row that were behind; negative: that were in time; no more than count. `fps`: the rate asked for. */
export const paceAfter = ({ pace, fps }: { pace: number; fps?: number }, progress: PipelineProgress): number =>
  isBehind(progress, fps)
    ? Math.min(reportsBehind, Math.max(pace, 0) + 1)
    : Math.max(-reportsInTime, Math.min(pace, 0) - 1)

export const isSlow = (pace: number): boolean => pace >= reportsBehind
export const isSteady = (pace: number): boolean => pace <= -reportsInTime

export function overloadOf({ speed = 1, lag = 0, fps, dropped }: PipelineProgress, asked: number | undefined): Reason {
  const evidence = { speed, lag, fps, ...(dropped !== undefined && { dropped }) }
  if (speed < 0.9) return because('overloaded', `it encodes at ${Math.round(speed * 10) / 10} of real time`, evidence)
  const rates = `${Math.round(fps)} of ${Math.round(asked ?? fps)} frames per second`
  return because('overloaded', `it encodes ${rates}, ${Math.round(lag / 100) / 10} s late`, evidence)
}

/** Reasons after which the camera may offer other formats: the signal at the input of a grabber has changed. */
const misfits: ReadonlySet<ReasonCode> = new Set([
  'format_not_offered',
  'no_signal',
  'device_error',
  'pipeline_restarted',
])

export const isMisfit = ({ code }: Reason): boolean => misfits.has(code)
