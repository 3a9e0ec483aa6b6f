import { lstat, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CameraId } from '../../machines/domain/camera.js'
import { isFileName, isSegmentName, timeOf } from '../../machines/domain/fileName.js'
import type { RecordingFile, Segment, SegmentEvent, Segments } from '../../machines/domain/files.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { reasonFrom } from '../../machines/domain/reason.js'
import { whatCanBeRead } from './bothFolders.js'
import { describeRecording } from './describe.js'
import { type FolderMark, isPast, markAt } from './folderMark.js'
import { look } from './mediaFiles.js'
import { readMp4 } from './mp4.js'
import { discardLeftovers, remux } from './remux.js'
import { createMarks } from './segmentMarks.js'
import { watchFolder } from './watchFolder.js'

/** `root`: the folder of recordings in which it is. */
interface Found extends Segment {
  root: string
}

export interface SegmentsOptions {
  recordingsDir: string
  /** A second folder, to which the media server may write. Default: none. */
  fallbackDir?: string | undefined
  clock: Clock
  log: Log
  /** How long a closed file may take to be final, in ms. MediaMTX takes milliseconds. Default 2,000. */
  finalLimit?: number
}

/** How far a watermark lies before now, in ms: the clock of a media server on another host may be behind. */
const slack = 3_600_000
/**
 * The same with two folders, whose media server is on this host: files of a folder that cannot be read at the start of
 * a recording cannot be left out by their names.
 */
const ownSlack = 10_000
/** A file that an interrupted writer left does not change for so long, in ms: a part has 200 ms. */
const quiet = 300
/** An empty file that is older, in ms, was left by a full disk. */
const emptyLimit = 200
const pollFirst = 100
const pollGrowth = 500

/** The files that the media server writes, as raw reports: machines/recording.ts judges whether they grow. */
export function createSegments(options: SegmentsOptions): Segments {
  const { recordingsDir, fallbackDir, clock, log, finalLimit = 2_000 } = options
  const roots = fallbackDir === undefined ? [recordingsDir] : [recordingsDir, fallbackDir]
  const foldersOf = (camera: CameraId) => roots.map((root) => join(root, camera))
  const tidied = Promise.all(roots.map((root) => discardLeftovers(root, 'mkv')))
  const marks = createMarks(clock)

  async function namesIn(root: string, camera: CameraId): Promise<Found[]> {
    const entries = await readdir(join(root, camera), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw new Error(`the recordings folder cannot be read (${error.code})`)
    })
    return entries
      .filter((entry) => entry.isFile() && isSegmentName(camera, entry.name))
      .map(({ name }) => ({ filename: name, startedAt: timeOf(name) ?? 0, root }))
  }
  /** All segments of the camera in the folders that can be read; sizes are not looked at. */
  async function names(camera: CameraId): Promise<Found[]> {
    const { read } = await whatCanBeRead(roots.map((root) => namesIn(root, camera)))
    return read.flat().sort((a, b) => a.startedAt - b.startedAt || (a.filename < b.filename ? -1 : 1))
  }
  const namesAfter = async (camera: CameraId, after: number): Promise<Found[]> => {
    const step = marks.step(camera)
    const all = await names(camera)
    if (step) marks.keepOut(camera, after, step, all)
    return all.filter((segment) => marks.isAfter(camera, after, segment))
  }

  /** -1: there is none. */
  const sizeOf = async (camera: CameraId, filename: string): Promise<number> => sizeAt(await pathOf(camera, filename))
  /** Where the file is: in the first folder that has it. */
  async function pathOf(camera: CameraId, filename: string): Promise<string> {
    const paths = foldersOf(camera).map((folder) => join(folder, filename))
    for (const path of paths.slice(0, -1)) if ((await sizeAt(path)) >= 0) return path
    return paths.at(-1) ?? ''
  }

  async function list(camera: CameraId, after: number): Promise<Segment[]> {
    const segments = await namesAfter(camera, after)
    const sizes = await Promise.all(segments.map((segment) => sizeOf(camera, segment.filename)))
    return segments.filter((_, index) => (sizes[index] ?? 0) > 0).map(bare)
  }

  /** Waits until the file is final; `undefined`: there is none, or it is empty. */
  async function settled(camera: CameraId, name: string, signal: AbortSignal): Promise<RecordingFile | undefined> {
    const path = await pathOf(camera, name)
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
      const after = clock.now() - (roots.length > 1 ? ownSlack : slack)
      marks.begin(camera)
      const earlier = (await names(camera)).filter(({ startedAt }) => startedAt > after)
      marks.leaveOut(
        camera,
        earlier.map(({ filename }) => filename),
      )
      return after
    },

    earlier: (camera, after) => marks.leftOut(camera).filter((name) => (timeOf(name) ?? 0) > after),

    async recall(camera, after, earlier) {
      marks.leaveOut(camera, earlier)
      const now = clock.now()
      // The clock was set back while the service did not run: the next files have names before the watermark.
      if (after > now) marks.keepOut(camera, after, { from: now, to: now }, await names(camera))
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
        const dispose = watchFolder(foldersOf(camera), pollFirst, async () => {
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
      const unseen = newNames(foldersOf(camera), clock, () => namesAfter(camera, after))
      let newest = present.at(-1)
      let size = 0
      /** Of the newest one: the folder of recordings. */
      let home = recordingsDir

      const lookForNew = async () => {
        if (marks.hasStepped(camera)) unseen.forget()
        const all = await unseen.list()
        for (const found of all) {
          const bytes = seen.has(found.filename) ? 0 : await sizeOf(camera, found.filename)
          if (bytes <= 0) continue
          seen.add(found.filename)
          if (isBack(found, newest, all)) continue
          const segment = bare(found)
          newest = segment
          size = bytes
          report({ type: 'segment.added', segment, at: clock.now() })
        }
      }
      const lookForGrowth = async ({ filename }: Segment) => {
        const path = await pathOf(camera, filename)
        const [before, now] = [size, await sizeAt(path)]
        // Without its disk or folder a file is not deleted: the check of the disk reports that. A single folder is made
        // anew by the media server.
        if (now < 0 && fallbackDir !== undefined && !(await isFolder(home))) return
        if (now >= 0) home = dirname(dirname(path))
        size = now
        if (now < 0 && before >= 0)
          report({ type: 'segment.deleted', ...(!(await isFolder(dirname(path))) && { withFolder: true }) })
        // The last part of a file that is being closed is no growth. A look at the parts as they come also keeps every
        // other look at the file short: it goes on where the last one ended.
        if (before > 0 && now > before && !(await isClosed(path)))
          report({ type: 'segment.grew', at: clock.now(), bytes: now })
      }
      const dispose = watchFolder(foldersOf(camera), pollGrowth, async () => {
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
function newNames(folders: readonly string[], clock: Clock, list: () => Promise<Found[]>) {
  let kept: { marks: FolderMark[]; isFinal: boolean; segments: Found[] } | undefined
  const timeOfChange = (folder: string) =>
    stat(folder, { bigint: true }).then(
      ({ mtimeNs }) => mtimeNs,
      () => -1n,
    )
  return {
    forget: () => {
      kept = undefined
    },
    async list(): Promise<Found[]> {
      const began = clock.monotonic()
      const times = await Promise.all(folders.map(timeOfChange))
      const marks = times.map((time, index) => markAt(kept?.marks[index], time, began))
      const isSame = marks.every((mark, index) => mark === kept?.marks[index])
      if (!kept || !isSame || !kept.isFinal)
        kept = { marks, isFinal: marks.every((mark) => isPast(mark, began)), segments: await list() }
      return kept.segments
    },
  }
}

const bare = ({ filename, startedAt }: Segment): Segment => ({ filename, startedAt })

/** -1: there is no such file. */
const sizeAt = (path: string): Promise<number> =>
  lstat(path).then(
    ({ size }) => size,
    () => -1,
  )

/** False if it cannot be read. */
const isClosed = (path: string): Promise<boolean> =>
  readMp4(path).then(
    (mp4) => mp4?.complete === true,
    () => false,
  )

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() === true

/** True for an older file of the other folder: it is not new, its disk is back. */
function isBack({ root, startedAt }: Found, newest: Segment | undefined, all: readonly Found[]): boolean {
  if (newest === undefined || startedAt >= newest.startedAt) return false
  const home = all.find(({ filename }) => filename === newest.filename)?.root
  return home !== undefined && home !== root
}

const isEmptyFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    (stats) => stats.isFile() && stats.size === 0,
    () => false,
  )
