import type { CameraId } from './domain/camera.js'
import type { PipelineProgress } from './domain/capture.js'
import type { Reason } from './domain/reason.js'

export interface StreamInput {
  camera: CameraId
  /** Why the media server is not available. */
  server?: Reason | undefined
  /** The rate that the camera was asked for; absent: not known. */
  fps?: number
}

export interface PipelineContext extends StreamInput {
  /** Identifies the process that reports the progress. */
  sender?: number
  /** The media server is back, but no new frame came since. */
  isServerBack?: boolean
  progress: PipelineProgress
  /** Number of reports in a row that were behind; negative: that were in time. */
  pace: number
  /** Why the host is too slow for the stream. */
  overload?: Reason | undefined
  /** Why the stream stalls or ended. */
  reason?: Reason | undefined
}

/** From the camera: the media server, which starts and ends the processes, is gone or back. */
export type ServerEvent = { type: 'server.lost'; reason: Reason } | { type: 'server.restored' }

/** Sent to the camera: the stream stalls, or has ended. */
export interface FeedFailed {
  type: 'feed.failed'
  reason: Reason
}

export const noProgress: PipelineProgress = { frames: 0, fps: 0, bitrate: 0 }
