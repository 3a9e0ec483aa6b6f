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
  /** After this time, in ms, the media server goes on in a new file. */
  segmentDuration: number
}

/** The media server switches a recording off in milliseconds; one that hangs delays nobody, nor a service that stops. */
const closeLimit = 2_500
/** How long the file after a full one may take to appear: its first part is written when the recorder closes. */
const followLimit = 500
/** Of a full file's length, in ms. */
const rounding = 20

/** The effects that machines/recording.ts names. */
export const recordingEffects = ({ mediaServer, segments, clock, log, segmentDuration }: RecordingPorts) => {
  /** Every file of the recording, also those that appeared after it was last looked at. */
  const finished = async ({ camera, watermark, segments: seen }: RecordingSubject, signal: AbortSignal) => {
    const all = new Map([...seen, ...(await segments.list(camera, watermark))].map((one) => [one.filename, one]))
    const files = await segments.finish(camera, [...all.values()], signal)
    // A full file was not closed by us: what came after it may be on its way.
    if ((files.at(-1)?.duration ?? 0) < segmentDuration - rounding) return files
    const newest = Math.max(watermark, ...[...all.values()].map(({ startedAt }) => startedAt))
    const next = await segments.first(camera, newest, within(followLimit, signal)).catch(() => undefined)
    return next ? [...files, ...(await segments.finish(camera, [next], signal))] : files
  }
  const remuxed = (files: RecordingFile[], signal: AbortSignal, camera: CameraId): Promise<RecordingFile[]> =>
    segments.toMatroska(files, signal).catch((error: unknown) => {
      log.warn('the recording stays MP4', { camera, reason: reasonFrom(error).details })
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
        // A server that is gone writes no more. Whether it closed the file, the file shows.
        log.info('the recorder could not be switched off', { camera, reason: reasonFrom(error).details })
      }
      const files = await finished(input, signal)
      return {
        files: format === 'mkv' ? await remuxed(files, signal, camera) : files,
        endedAt: clock.now(),
        // Not only switched off: a server that hangs answers nothing and may go on writing later.
        ...(files.at(-1)?.complete === false && { doubt: because('file_not_closed') }),
      }
    }),
  }
}
