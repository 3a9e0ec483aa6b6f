import { fromPromise } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import { changeBetween, isJump } from '../../machines/domain/clockJump.js'
import type { RecordingFile, RecordingFolder, Segment, SegmentEvent, Segments } from '../../machines/domain/files.js'
import type { MediaServer } from '../../machines/domain/mediaServer.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { because, Failure, reasonFrom } from '../../machines/domain/reason.js'
import type { Gap, GapStore, IntentStore, RecordingIntent } from '../../machines/domain/recording.js'
import type { Closed, Confirmed, Finish, Opened, RecordingSubject, Wait } from '../../machines/recordingContext.js'
import { callback } from './callback.js'
import { sleep, within } from './time.js'

export interface RecordingPorts {
  mediaServer: Pick<MediaServer, 'setRecording'>
  segments: Segments
  intents: IntentStore
  gaps: Pick<GapStore, 'save'>
  clock: Clock
  log: Log
  /** After this time, in ms, the media server starts a new file. */
  segmentDuration: number
  /** The folder that takes new recordings. */
  folder: () => RecordingFolder
}

/**
 * Limit in ms for stopping the recorder, which normally takes milliseconds, so that a hanging server does not block.
 */
const closeLimit = 2_500
/** Limit in ms for the file after a full one: its first part is written when the recorder closes. */
const followLimit = 500
/** Tolerance for the length of a full file, in ms. */
const rounding = 20

/** One time, by both clocks. */
interface Reading {
  at: number
  monotonic: number
}

const namesOf = (segments: readonly Segment[]): string[] => segments.map(({ filename }) => filename)

/** The effects of machines/recording.ts. */
export const recordingEffects = (ports: RecordingPorts) => {
  const { mediaServer, segments, intents, clock, log, segmentDuration } = ports
  /** The last growth of each camera's recording, by both clocks. */
  const growths = new Map<CameraId, Reading>()
  /** The start of each camera's recording, by both clocks. After a restart of the service it follows the wall clock. */
  const starts = new Map<CameraId, Reading>()
  /** Returns `since` by both clocks. Undefined: the growth was in an earlier run of the service. */
  const anchorOf = ({ camera, of, since }: Wait): Reading | undefined => {
    const known = (of === 'start' ? starts : growths).get(camera)
    if (known?.at === since) return known
    if (of === 'growth') return undefined
    const start = { at: since, monotonic: clock.monotonic() - (clock.now() - since) }
    starts.set(camera, start)
    return start
  }
  /** Returns the length of its files, if the file system takes no longer ones. */
  const lengthOf = ({ segmentLimits = {} }: RecordingSubject): number | undefined => {
    const { [ports.folder()]: limit = Number.POSITIVE_INFINITY } = segmentLimits
    return limit < segmentDuration ? limit : undefined
  }
  /** Resolves with all files of the recording, including those that appeared after the last check. */
  const finished = async (subject: RecordingSubject, signal: AbortSignal) => {
    const { camera, watermark, segments: seen } = subject
    const all = new Map([...seen, ...(await segments.list(camera, watermark))].map((one) => [one.filename, one]))
    const files = await segments.finish(camera, [...all.values()], signal)
    // After a full file the media server starts another one, which may not be on disk yet.
    if ((files.at(-1)?.duration ?? 0) < (lengthOf(subject) ?? segmentDuration) - rounding) return files
    const next = await within(followLimit, signal, (limited) =>
      segments.first(camera, watermark, limited, [...all.keys()]),
    ).catch(() => undefined)
    return next ? [...files, ...(await segments.finish(camera, [next], signal))] : files
  }
  const remuxed = (files: RecordingFile[], signal: AbortSignal, camera: CameraId): Promise<RecordingFile[]> =>
    segments.toMatroska(files, signal).catch((error: unknown) => {
      log.warn('the recording could not be remuxed and stays MP4', { camera, reason: reasonFrom(error).details })
      return files
    })

  const note = (intent: RecordingIntent): Promise<void> => {
    const { camera } = intent
    const earlier = segments.earlier(camera, intent.startedAt)
    return intents.save({ ...intent, ...(earlier.length > 0 && { earlier }) }).catch((error: unknown) => {
      log.error('the recording cannot be noted on disk', { camera, reason: reasonFrom(error).details })
      throw new Failure('not_written')
    })
  }
  const noteGaps = (camera: CameraId, files: readonly RecordingFile[], endedAt: number, gaps: Gap[]): Promise<void> =>
    ports.gaps.save({ camera, endedAt, files: files.map(({ name }) => name), gaps })
  const forget = (camera: CameraId): Promise<void> =>
    intents.remove(camera).catch((error: unknown) => {
      const reason = reasonFrom(error).details
      const consequence = 'a restart of the service would continue it'
      log.error('the end of the recording cannot be noted on disk', { camera, consequence, reason })
    })

  return {
    waitUntil: fromPromise<{ at: number }, Wait>(({ input, signal }) => {
      const anchor = anchorOf(input)
      const left = () =>
        anchor ? input.at - anchor.at - (clock.monotonic() - anchor.monotonic) : input.at - clock.now()
      return sleep(input.at, left, signal)
    }),

    openCapture: fromPromise<Opened, RecordingSubject>(async ({ input, signal }) => {
      const { camera, startedAt } = input
      const isNew = startedAt === undefined
      const watermark = isNew ? await segments.watermark(camera) : input.watermark
      const present = isNew ? [] : await segments.list(camera, watermark)
      await mediaServer.setRecording(camera, true, signal, lengthOf(input))
      return { watermark, segments: present }
    }),

    confirmSegment: fromPromise<Confirmed, RecordingSubject>(
      async ({ input: { camera, watermark, segments: seen, startedAt = 0 }, signal }) => {
        const segment = await segments.first(camera, watermark, signal, namesOf(seen))
        const last = growths.get(camera)
        // That of an earlier recording says nothing.
        if (last === undefined || last.at < startedAt) return segment
        const now = { wall: clock.now(), monotonic: clock.monotonic() }
        const jump = changeBetween({ wall: last.at, monotonic: last.monotonic }, now)
        return isJump(jump) ? { ...segment, shift: jump.by } : segment
      },
    ),

    saveIntent: fromPromise<void, { intent: RecordingIntent }>(({ input: { intent } }) => note(intent)),

    /** After a restart of the service, `recallIntent` finishes what is left. */
    finishRecording: fromPromise<Closed, Finish>(
      async ({ input: { camera, format, files, endedAt, gaps, intent }, signal }) => {
        if (format !== 'mkv' || files.length === 0) {
          await noteGaps(camera, files, endedAt, gaps)
          await forget(camera)
          return { files, endedAt }
        }
        if (intent) await note({ ...intent, gaps, unfinished: files.map(({ name }) => name) }).catch(() => {})
        const final = await remuxed(files, signal, camera)
        await noteGaps(camera, final, endedAt, gaps)
        await forget(camera)
        return { files: final, endedAt: clock.now() }
      },
    ),

    watchSegments: callback<SegmentEvent, RecordingSubject>(
      ({ input: { camera, watermark: after, segments: present }, send }) =>
        segments.watch(camera, { after, present }, (event) => {
          if ('at' in event) growths.set(camera, { at: event.at, monotonic: clock.monotonic() })
          send(event)
        }),
    ),

    closeCapture: fromPromise<Closed, RecordingSubject>(async ({ input, signal }) => {
      const { camera, segments: known } = input
      const stoppedAt = clock.now()
      try {
        await within(closeLimit, signal, (limited) => mediaServer.setRecording(camera, false, limited))
      } catch (error) {
        // A server that is gone does not write any more. The file itself shows whether it was closed.
        log.info('the recorder could not be switched off', { camera, reason: reasonFrom(error).details })
      }
      const files = await finished(input, signal)
      const last = files.at(-1)
      // The file decides, not the answer: a server that hangs may continue to write later. A removed file is no doubt.
      const isOpen = last?.complete === false && last.name === (known.at(-1)?.filename ?? last.name)
      return { files, stoppedAt, endedAt: clock.now(), ...(isOpen && { doubt: because('file_not_closed') }) }
    }),
  }
}
