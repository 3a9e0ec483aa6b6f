import { lstat, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CameraId } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { isFileName } from '../../machines/domain/fileName.js'
import type { Clock, Log, RecordingFile, Segment, Segments } from '../../machines/domain/ports.js'
import { describeRecording } from './describe.js'
import { look } from './mediaFiles.js'
import { readMp4 } from './mp4.js'
import { newSegments, segmentNames } from './newSegments.js'
import { discardLeftovers, remux } from './remux.js'
import { watchFolder } from './watchFolder.js'

export interface SegmentsOptions {
  recordingsDir: string
  clock: Clock
  log: Log
  /** Without new bytes for this long a segment stalls, in ms; far above MediaMTX's part of 200 ms. */
  stallAfter?: number
}

/** How long a closed file may take to be final. MediaMTX takes milliseconds. */
const FINAL_LIMIT = 2_000
/** How long an empty file may stay so before it is taken for what a full disk leaves. */
const EMPTY_LIMIT = 200

export function createSegments({ recordingsDir, clock, log, stallAfter = 3_000 }: SegmentsOptions): Segments {
  const folderOf = (camera: CameraId) => join(recordingsDir, camera)
  const tidied = discardLeftovers(recordingsDir)

  /** Waits until the file is final; `undefined`: there is none, or it was empty and is removed. */
  async function settled(camera: CameraId, name: string, signal: AbortSignal): Promise<RecordingFile | undefined> {
    const path = join(folderOf(camera), name)
    const began = performance.now()
    for (;;) {
      signal.throwIfAborted()
      const waited = performance.now() - began
      const file = await look(path, name, camera)
      const recording = file && (await describeRecording(file))
      // One that has not changed for so long was cut off, and will not change.
      if (
        recording &&
        (recording.complete || waited >= FINAL_LIMIT || clock.now() - recording.modifiedAt > FINAL_LIMIT)
      )
        return recording
      if (!recording && (waited >= EMPTY_LIMIT || !(await isEmptyFile(path)))) {
        if (await isEmptyFile(path)) await rm(path, { force: true })
        return undefined
      }
      await pause(25, signal)
    }
  }

  return {
    known: (camera) => segmentNames(folderOf(camera), camera),

    first: (camera, known, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const next = newSegments(folderOf(camera), camera, known)
        const end = () => {
          dispose()
          signal.removeEventListener('abort', abort)
        }
        const abort = () => {
          end()
          reject(signal.reason)
        }
        const dispose = watchFolder(folderOf(camera), 100, async () => {
          const [segment] = await next()
          if (!segment || signal.aborted) return
          end()
          resolve(segment)
        })
        signal.addEventListener('abort', abort)
      }),

    watch: (camera, known, segment, listener) => {
      const folder = folderOf(camera)
      const next = newSegments(folder, camera, [...known, segment.filename])
      let ended = false
      let current = segment.filename
      let bytes = -1
      let grewAt = performance.now()
      let toldAt = grewAt
      let stalled = false

      const dispose = watchFolder(folder, Math.min(500, stallAfter / 4), async () => {
        for (const added of await next()) {
          if (ended) return
          current = added.filename
          bytes = -1
          grewAt = performance.now()
          stalled = false
          listener({ type: 'segment.added', segment: added })
        }
        const path = join(folder, current)
        const size = await lstat(path).then(
          (stats) => stats.size,
          () => undefined,
        )
        if (ended) return
        const now = performance.now()
        const grew = size !== undefined && bytes >= 0 && size > bytes
        const due = stalled || now - toldAt >= 1_000
        if (size !== undefined && size > bytes) bytes = size
        if (grew) grewAt = now
        // The last part of a file that is being closed is not growth. Told again and again: who listens may have noticed a loss that we did not.
        if (grew && due && !(await isFinal(path)) && !ended) {
          stalled = false
          toldAt = now
          listener({ type: 'segment.growing' })
        }
        // The media server goes on writing to a file that was deleted: those bytes are lost.
        if (!stalled && !ended && (size === undefined || now - grewAt >= stallAfter)) {
          stalled = true
          listener({ type: 'segment.stalled' })
        }
      })
      return () => {
        ended = true
        dispose()
      }
    },

    finish: async (camera, segments, signal) => {
      const names = [...new Set(segments.map(({ filename }: Segment) => filename))].filter(isFileName)
      const files = await Promise.all(names.map((name) => settled(camera, name, signal)))
      return files.filter((file) => file !== undefined)
    },

    toMatroska: async (files, signal) => {
      // A remux of now looks just like one that was left.
      await tidied
      const done: RecordingFile[] = []
      for (const file of files) {
        try {
          done.push(file.format === 'mkv' ? file : await remux(file, signal))
        } catch (error) {
          signal.throwIfAborted()
          log.warn('a recording stays MP4', { file: file.name, reason: reasonOf(error) })
          done.push(file)
        }
      }
      return done
    },
  }
}

const isEmptyFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    (stats) => stats.isFile() && stats.size === 0,
    () => false,
  )

const isFinal = (path: string): Promise<boolean> =>
  readMp4(path).then(
    (mp4) => mp4?.complete === true,
    () => false,
  )

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
