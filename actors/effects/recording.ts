import { fromPromise } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log, MediaServer, Segment, Segments, StreamReader } from '../../machines/domain/ports.js'
import type { Closed, RecordingEvent, RecordingSubject } from '../../machines/recording.js'
import { callback } from './callback.js'
import { holdStream } from './stream.js'
import { waitUntil, within } from './time.js'

export interface RecordingPorts {
  mediaServer: MediaServer
  reader: StreamReader
  segments: Segments
  clock: Clock
  log: Log
  /** Why nothing may be written now; empty: it may. The storage machine's word: one level, one hysteresis. */
  whyBlocked: () => string
  /** After this time, in ms, the media server goes on in a new file. */
  segmentDuration: number
  /** How long a stream may take to start, in ms. */
  startLimit: number
}

/** The media server switches a recording off in milliseconds; one that hangs keeps nobody waiting, nor a service that ends. */
const closeLimit = 2_500
/** How long the file after a full one may take to appear: its first part is written when the recorder closes. */
const followLimit = 500
/** Of a full file's length, in ms. */
const rounding = 20

/** The effects that machines/recording.ts names. */
export const recordingEffects = ({
  mediaServer,
  reader,
  segments,
  clock,
  log,
  whyBlocked,
  segmentDuration,
  startLimit,
}: RecordingPorts) => ({
  holdStream: holdStream({ reader, startLimit }),
  waitUntil: waitUntil({ clock }),

  validateStart: fromPromise<void, { camera: CameraId }>(async () => {
    const reason = whyBlocked()
    if (reason) throw new Error(reason)
  }),

  openCapture: fromPromise<{ known: string[] }, { camera: CameraId }>(async ({ input: { camera }, signal }) => {
    const known = await segments.known(camera)
    await mediaServer.setRecording(camera, true, signal)
    return { known }
  }),

  confirmSegment: fromPromise<Segment, RecordingSubject>(({ input: { camera, known }, signal }) =>
    segments.first(camera, known, signal),
  ),

  watchSegments: callback<RecordingEvent, RecordingSubject>(({ input: { camera, known, segments: mine }, send }) => {
    const newest = mine.at(-1)
    return newest && segments.watch(camera, known, newest, send)
  }),

  closeCapture: fromPromise<Closed, RecordingSubject>(
    async ({ input: { camera, known, format, segments: mine }, signal }) => {
      try {
        await mediaServer.setRecording(camera, false, within(closeLimit, signal))
      } catch (error) {
        // A server that is gone writes no more; whether it closed the file, the file tells.
        log.warn('recording could not be switched off', { camera, reason: reasonOf(error) })
      }
      const seen = new Set([...known, ...mine.map((segment) => segment.filename)])
      const missed = (await segments.known(camera)).filter((filename) => !seen.has(filename))
      const files = await segments.finish(
        camera,
        [...mine, ...missed.map((filename) => ({ filename, startedAt: 0 }))],
        signal,
      )
      // A full file was not closed by us: what came after it may be on its way.
      if ((files.at(-1)?.duration ?? 0) >= segmentDuration - rounding) {
        const next = await segments
          .first(camera, [...seen, ...missed], within(followLimit, signal))
          .catch(() => undefined)
        if (next) files.push(...(await segments.finish(camera, [next], signal)))
      }
      // Not only switched off: a server that hangs answers nothing and may go on writing later.
      const doubt = files.at(-1)?.complete === false && { doubt: 'the media server did not close the last file' }
      const remuxed =
        format === 'mkv' &&
        (await segments
          .toMatroska(files, signal)
          .catch((error: unknown) => log.warn('the recording stays MP4', { camera, reason: reasonOf(error) })))
      return { files: remuxed || files, endedAt: clock.now(), ...doubt }
    },
  ),
})
