import { fromPromise } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import type { RecordingFile, Segment, SegmentEvent, Segments } from '../../machines/domain/files.js'
import type { MediaServer } from '../../machines/domain/mediaServer.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { because, reasonFrom } from '../../machines/domain/reason.js'
import type { Closed, RecordingSubject } from '../../machines/recording.js'
import { callback } from './callback.js'
import { waitUntil, within } from './time.js'

export interface RecordingPorts {
  mediaServer: Pick<MediaServer, 'setRecording'>
  segments: Segments
  clock: Clock
  log: Log
  /** After this time, in ms, the media server starts a new file. */
  segmentDuration: number
}

/**
 * Limit in ms for stopping the recorder, which normally takes milliseconds, so that a hanging server does not block.
 */
const closeLimit = 2_500
/** Limit in ms for the file after a full one: its first part is written when the recorder closes. */
const followLimit = 500
/** Tolerance for the length of a full file, in ms. */
const rounding = 20

/** The effects of machines/recording.ts. */
export const recordingEffects = ({ mediaServer, segments, clock, log, segmentDuration }: RecordingPorts) => {
  /** Resolves with all files of the recording, including those that appeared after the last check. */
  const finished = async ({ camera, watermark, segments: seen }: RecordingSubject, signal: AbortSignal) => {
    const all = new Map([...seen, ...(await segments.list(camera, watermark))].map((one) => [one.filename, one]))
    const files = await segments.finish(camera, [...all.values()], signal)
    // After a full file the media server starts another one, which may not be on disk yet.
    if ((files.at(-1)?.duration ?? 0) < segmentDuration - rounding) return files
    const newest = Math.max(watermark, ...[...all.values()].map(({ startedAt }) => startedAt))
    const next = await segments.first(camera, newest, within(followLimit, signal)).catch(() => undefined)
    return next ? [...files, ...(await segments.finish(camera, [next], signal))] : files
  }
  const remuxed = (files: RecordingFile[], signal: AbortSignal, camera: CameraId): Promise<RecordingFile[]> =>
    segments.toMatroska(files, signal).catch((error: unknown) => {
      log.warn('the recording could not be remuxed and stays MP4', { camera, reason: reasonFrom(error).details })
      return files
    })

  return {
    waitUntil: waitUntil({ clock }),

    openCapture: fromPromise<{ watermark: number }, { camera: CameraId }>(async ({ input: { camera }, signal }) => {
      const watermark = await segments.watermark(camera)
      await mediaServer.setRecording(camera, true, signal)
      return { watermark }
    }),

    confirmSegment: fromPromise<Segment, RecordingSubject>(({ input: { camera, watermark }, signal }) =>
      segments.first(camera, watermark, signal),
    ),

    watchSegments: callback<SegmentEvent, RecordingSubject>(
      ({ input: { camera, watermark: after, segments: present }, send }) =>
        segments.watch(camera, { after, present }, send),
    ),

    closeCapture: fromPromise<Closed, RecordingSubject>(async ({ input, signal }) => {
      const { camera, format } = input
      try {
        await mediaServer.setRecording(camera, false, within(closeLimit, signal))
      } catch (error) {
        // A server that is gone does not write any more. The file itself shows whether it was closed.
        log.info('the recorder could not be switched off', { camera, reason: reasonFrom(error).details })
      }
      const files = await finished(input, signal)
      return {
        files: format === 'mkv' ? await remuxed(files, signal, camera) : files,
        endedAt: clock.now(),
        // The file decides, not the answer: a server that hangs may continue to write later.
        ...(files.at(-1)?.complete === false && { doubt: because('file_not_closed') }),
      }
    }),
  }
}
