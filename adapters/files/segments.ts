import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CameraId } from '../../machines/domain/camera.js'
import { isFileName, isSegmentName, timeOf } from '../../machines/domain/fileName.js'
import type { RecordingFile, Segment, SegmentEvent, Segments } from '../../machines/domain/files.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { reasonFrom } from '../../machines/domain/reason.js'
import { describeRecording } from './describe.js'
import { look } from './mediaFiles.js'
import { isFinal } from './mp4.js'
import { discardLeftovers, remux } from './remux.js'
import { createMarks } from './segmentMarks.js'
import { watchFolder } from './watchFolder.js'

export interface SegmentsOptions {
  recordingsDir: string
  clock: Clock
  log: Log
  /** How long a closed file may take to be final, in ms. MediaMTX takes milliseconds. Default 2,000. */
  finalLimit?: number
}

/** How far a watermark lies before now, in ms: the clock of a media server on another host may be behind. */
const slack = 3_600_000
/** A file that an interrupted writer left does not change for so long, in ms: a part has 200 ms. */
const quiet = 300
/** An empty file that is older, in ms, was left by a full disk. */
const emptyLimit = 200
const pollFirst = 100
const pollGrowth = 500

/** The files that the media server writes, as raw reports: machines/recording.ts judges whether they grow. */
export function createSegments({ recordingsDir, clock, log, finalLimit = 2_000 }: SegmentsOptions): Segments {
  const folderOf = (camera: CameraId) => join(recordingsDir, camera)
  const tidied = discardLeftovers(recordingsDir, 'mkv')
  const marks = createMarks(clock)

  /** All segments of the camera; sizes are not looked at. */
  async function names(camera: CameraId): Promise<Segment[]> {
    const entries = await readdir(folderOf(camera), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw new Error(`the recordings folder cannot be read (${error.code})`)
    })
    return entries
      .filter((entry) => entry.isFile() && isSegmentName(camera, entry.name))
      .map(({ name }): Segment => ({ filename: name, startedAt: timeOf(name) ?? 0 }))
      .sort((a, b) => a.startedAt - b.startedAt || (a.filename < b.filename ? -1 : 1))
  }
  const namesAfter = async (camera: CameraId, after: number): Promise<Segment[]> => {
    const step = marks.step(camera)
    const all = await names(camera)
    if (step) marks.keepOut(camera, after, step, all)
    return all.filter((segment) => marks.isAfter(camera, after, segment))
  }

  /** -1: there is none. */
  const sizeOf = (camera: CameraId, filename: string): Promise<number> =>
    lstat(join(folderOf(camera), filename)).then(
      ({ size }) => size,
      () => -1,
    )

  async function list(camera: CameraId, after: number): Promise<Segment[]> {
    const segments = await namesAfter(camera, after)
    const sizes = await Promise.all(segments.map((segment) => sizeOf(camera, segment.filename)))
    return segments.filter((_, index) => (sizes[index] ?? 0) > 0)
  }

  /** Waits until the file is final; `undefined`: there is none, or it is empty. */
  async function settled(camera: CameraId, name: string, signal: AbortSignal): Promise<RecordingFile | undefined> {
    const path = join(folderOf(camera), name)
    const began = clock.monotonic()
    let [changed, changedAt] = [0, 0]
    for (;;) {
      const waited = clock.monotonic() - began
      const file = await look(path, name, camera)
      const recording = file && (await describeRecording(file))
      // A file that has not changed for so long was cut off, and will not change. If the clock was just set forward, a
      // file that still grows looks as old, but changes.
      if (recording && recording.modifiedAt !== changed) [changed, changedAt] = [recording.modifiedAt, waited]
      const isOld = () => waited - changedAt >= quiet && clock.now() - changed > finalLimit
      if (recording && (recording.complete || waited >= finalLimit || isOld())) return recording
      if (!recording && (waited >= emptyLimit || !(await isEmptyFile(path)))) return undefined
      await sleep(25, undefined, { signal })
    }
  }

  return {
    async watermark(camera) {
      const after = clock.now() - slack
      marks.begin(camera)
      marks.leaveOut(
        camera,
        (await names(camera)).filter(({ startedAt }) => startedAt > after),
      )
      return after
    },

    list,

    first: (camera, after, signal, except = []) =>
      new Promise((resolve, reject) => {
        const end = () => {
          dispose()
          signal.removeEventListener('abort', abort)
        }
        const abort = () => {
          end()
          reject(signal.reason)
        }
        const dispose = watchFolder(folderOf(camera), pollFirst, async () => {
          const segment = (await list(camera, after)).find(({ filename }) => !except.includes(filename))
          if (!segment || signal.aborted) return
          end()
          resolve(segment)
        })
        if (signal.aborted) abort()
        else signal.addEventListener('abort', abort)
      }),

    watch(camera, { after, present }, listener) {
      const ended = new AbortController()
      const report = (event: SegmentEvent) => {
        if (!ended.signal.aborted) listener(event)
      }
      const seen = new Set(present.map(({ filename }) => filename))
      const unseen = newNames(folderOf(camera), clock, () => namesAfter(camera, after))
      let newest = present.at(-1)
      let size = 0

      const lookForNew = async () => {
        if (marks.hasStepped(camera)) unseen.forget()
        for (const segment of await unseen.list()) {
          const bytes = seen.has(segment.filename) ? 0 : await sizeOf(camera, segment.filename)
          if (bytes <= 0) continue
          seen.add(segment.filename)
          newest = segment
          size = bytes
          report({ type: 'segment.added', segment, at: clock.now() })
        }
      }
      const lookForGrowth = async ({ filename }: Segment) => {
        const [before, now] = [size, await sizeOf(camera, filename)]
        size = now
        if (now < 0 && before >= 0) report({ type: 'segment.deleted' })
        // The last part of a file that is being closed is no growth.
        if (before > 0 && now > before && !(await isFinal(join(folderOf(camera), filename))))
          report({ type: 'segment.grew', at: clock.now() })
      }
      const dispose = watchFolder(folderOf(camera), pollGrowth, async () => {
        await lookForNew()
        if (newest) await lookForGrowth(newest)
      })
      return () => {
        ended.abort()
        dispose()
      }
    },

    async finish(camera, segments, signal) {
      const names = [...new Set(segments.map(({ filename }) => filename))].filter(isFileName)
      const files = await Promise.all(names.map((name) => settled(camera, name, signal)))
      return files.filter((file) => file !== undefined)
    },

    async toMatroska(files, signal) {
      // Tidying would delete the temporary file of this remux.
      await tidied
      const done: RecordingFile[] = []
      for (const file of files) {
        try {
          done.push(file.format === 'mkv' ? file : await remux(file, signal))
        } catch (error) {
          signal.throwIfAborted()
          log.warn('a recording stays MP4', { file: file.name, reason: reasonFrom(error).details })
          done.push(file)
        }
      }
      return done
    },
  }
}

/** The same listing again, at once, while the folder has not changed: it may hold very many files. */
function newNames(folder: string, clock: Clock, list: () => Promise<Segment[]>) {
  let kept: { changed: number; seenAt: number; segments: Segment[] } | undefined
  return {
    forget: () => {
      kept = undefined
    },
    async list(): Promise<Segment[]> {
      const { mtimeMs: changed } = await stat(folder).catch(() => ({ mtimeMs: -1 }))
      const now = clock.monotonic()
      const seenAt = kept?.changed === changed ? kept.seenAt : now
      // The folder's time ticks in ms: a change soon after the last look may bear the same one.
      if (!kept || kept.changed !== changed || now - seenAt < 1_000) kept = { changed, seenAt, segments: await list() }
      return kept.segments
    },
  }
}

const isEmptyFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    (stats) => stats.isFile() && stats.size === 0,
    () => false,
  )
