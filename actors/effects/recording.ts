import { fromPromise } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log, MediaServer, Segment, Segments, Storage, StreamReader } from '../../machines/domain/ports.js'
import type { Closed, RecordingEvent, RecordingSubject } from '../../machines/recording.js'
import { callback } from './callback.js'
import { holdStream } from './stream.js'
import { waitUntil } from './time.js'

export interface RecordingPorts {
  mediaServer: MediaServer
  reader: StreamReader
  segments: Segments
  storage: Storage
  clock: Clock
  log: Log
  /** Percent of the disk in use from which on nothing is started. */
  blockPercent: number
}

/** The effects that machines/recording.ts names. */
export const recordingEffects = ({ mediaServer, reader, segments, storage, clock, log, blockPercent }: RecordingPorts) => ({
  holdStream: holdStream({ reader }),
  waitUntil: waitUntil({ clock }),

  validateStart: fromPromise<void, { camera: CameraId }>(async () => {
    const { percent } = await storage.usage()
    if (percent >= blockPercent) throw new Error(`storage full: ${percent.toFixed(1)} % used, the limit is ${blockPercent} %`)
  }),

  openCapture: fromPromise<{ known: string[] }, { camera: CameraId }>(async ({ input: { camera }, signal }) => {
    const known = await segments.known(camera)
    await mediaServer.setRecording(camera, true, signal)
    return { known }
  }),

  confirmSegment: fromPromise<Segment, RecordingSubject>(({ input: { camera, known }, signal }) => segments.first(camera, known, signal)),

  watchSegments: callback<RecordingEvent, RecordingSubject>(({ input: { camera, known, segments: mine }, send }) => {
    const newest = mine.at(-1)
    return newest && segments.watch(camera, known, newest, send)
  }),

  closeCapture: fromPromise<Closed, RecordingSubject>(async ({ input: { camera, known, format, segments: mine }, signal }) => {
    try {
      await mediaServer.setRecording(camera, false, signal)
    } catch (error) {
      // The server that would write the file is gone, and its file with it is as final as it gets.
      log.warn('recording could not be switched off', { camera, reason: reasonOf(error) })
    }
    const seen = new Set([...known, ...mine.map((segment) => segment.filename)])
    const missed = (await segments.known(camera)).filter((filename) => !seen.has(filename))
    const files = await segments.finish(camera, [...mine, ...missed.map((filename) => ({ filename, startedAt: 0 }))], signal)
    if (format !== 'mkv') return { files, endedAt: clock.now() }
    try {
      return { files: await segments.toMatroska(files, signal), endedAt: clock.now() }
    } catch (error) {
      log.warn('the recording stays MP4', { camera, reason: reasonOf(error) })
      return { files, endedAt: clock.now() }
    }
  }),
})
