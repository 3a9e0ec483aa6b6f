import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { invalidParam } from '../../machines/domain/errors.js'
import type { FileKind } from '../../machines/domain/ports.js'

/** What is listed, by kind, in the order in which a name without extension is tried. */
export const extensions: Record<FileKind, readonly string[]> = {
  recordings: ['.mp4', '.mkv'],
  snapshots: ['.jpg', '.jpeg', '.png'],
}

/**
 * Printable characters without / \ < > : " | ? *, no `..`, no leading dot, dash or space, no dot or space at the end, at
 * most 255 bytes. No folder can be named with these, and no list shows them as something else.
 */
export const isFileName = (name: string): boolean =>
  Buffer.byteLength(name) <= 255 &&
  /^(?![.\-\s])(?!.*\.\.)(?!.*[.\s]$)[^/\\<>:"|?*\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u.test(name)

/** Throws ServiceError `invalidParams`. */
export function checkFileName(name: string): void {
  if (!isFileName(name))
    throw invalidParam(
      'filename',
      'file_name',
      'printable characters but / \\ < > : " | ? * and ".."; at most 255 bytes',
    )
}

export const hasExtension = (kind: FileKind, name: string): boolean =>
  extensions[kind].some((extension) => name.endsWith(extension))

/** The camera that a name begins with: `camera0_2026-01-01_…` */
export function cameraOf(name: string): CameraId | undefined {
  const prefix = name.slice(0, Math.max(0, name.indexOf('_')))
  return isCameraId(prefix) ? prefix : undefined
}

const time = /_(\d{4})-(\d\d)-(\d\d)_(\d\d)-(\d\d)-(\d\d)-(\d{1,6})(?=[._]|$)/

/** The instant in `<camera>_YYYY-MM-DD_HH-MM-SS-ffffff` (or milliseconds), which is UTC; epoch ms. */
export function timeOf(name: string): number | undefined {
  const match = time.exec(name)
  if (!match) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number)
  const ms = Math.floor(Number(`0.${match[7]}`) * 1000)
  const at = new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, ms))
  // Date.UTC rolls 31 February over.
  return at.getUTCMonth() + 1 === month &&
    at.getUTCDate() === day &&
    at.getUTCHours() === hour &&
    at.getUTCMinutes() === minute
    ? at.getTime()
    : undefined
}

/** A segment as the media server writes it for this camera. */
export const isSegmentName = (camera: CameraId, name: string): boolean =>
  name.startsWith(`${camera}_`) && name.endsWith('.mp4') && isFileName(name) && timeOf(name) !== undefined
