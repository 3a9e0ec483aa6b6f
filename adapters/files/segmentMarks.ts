import type { CameraId } from '../../machines/domain/camera.js'
import { changeBetween, isJump } from '../../machines/domain/clockJump.js'
import type { ClockReading } from '../../machines/domain/clockTrust.js'
import type { Segment } from '../../machines/domain/files.js'
import type { Clock } from '../../machines/domain/ports.js'

/** What is known about the files that were in a camera's folder before its recording. */
interface Mark {
  last: ClockReading
  /** Files that look as if they belonged to the recording: few, those of the last hour. */
  earlier: Set<string>
  /** After the clock was set back: files that are named later than this belong to the recording too. */
  floor: number
}

/** How far the times in the names of files may differ from our clock, in ms. */
const tolerance = 1_000
/** While the folder is watched, the clock is read more often than this, in ms. */
const watched = 5_000

/**
 * Tells which files belong to a recording by their names, which hold a time. If the clock is set back, new files are
 * named like older ones: those that are in the folder already are left out.
 */
export function createMarks(clock: Clock) {
  const marks = new Map<CameraId, Mark>()
  const read = (): ClockReading => ({ wall: clock.now(), monotonic: clock.monotonic() })
  const markOf = (camera: CameraId): Mark => {
    const mark = marks.get(camera) ?? { last: read(), earlier: new Set(), floor: Number.POSITIVE_INFINITY }
    marks.set(camera, mark)
    return mark
  }
  const jumpOf = (last: ClockReading, now: ClockReading) => {
    const change = changeBetween(last, now)
    return isJump(change) && change.by < 0
  }

  return {
    /** A recording begins. */
    begin(camera: CameraId): void {
      marks.delete(camera)
      markOf(camera)
    },
    /** These files do not belong to the recording. */
    leaveOut(camera: CameraId, files: readonly string[]): void {
      for (const file of files) markOf(camera).earlier.add(file)
    },
    leftOut: (camera: CameraId): string[] => [...markOf(camera).earlier],
    /** True if the clock was set back since the last listing. Notes the reading if not. */
    hasStepped(camera: CameraId): boolean {
      const mark = markOf(camera)
      const now = read()
      if (jumpOf(mark.last, now)) return true
      mark.last = now
      return false
    },
    /** Reads the clock. If it was set back: the times, by the new clock, between which files are new. */
    step(camera: CameraId): { from: number; to: number } | undefined {
      const mark = markOf(camera)
      const now = read()
      const elapsed = now.monotonic - mark.last.monotonic
      const isBack = jumpOf(mark.last, now)
      mark.last = now
      // Nothing was recorded while nobody looked.
      const from = elapsed > watched ? now.wall : now.wall - elapsed - tolerance
      return isBack ? { from, to: now.wall + tolerance } : undefined
    },
    /** Leaves out the files before the watermark that were there before the clock was set back. */
    keepOut(camera: CameraId, after: number, { from, to }: { from: number; to: number }, all: readonly Segment[]) {
      const mark = markOf(camera)
      mark.floor = Math.min(mark.floor, from)
      for (const { filename, startedAt } of all)
        if (startedAt > mark.floor && startedAt <= after && (startedAt < from || startedAt > to))
          mark.earlier.add(filename)
    },
    isAfter(camera: CameraId, after: number, { filename, startedAt }: Segment): boolean {
      const { earlier, floor } = markOf(camera)
      return (startedAt > after || startedAt > floor) && !earlier.has(filename)
    },
  }
}
