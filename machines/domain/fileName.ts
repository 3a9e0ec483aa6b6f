/**
 * The rules for the names of recordings and snapshots. The API and the adapters share them.
 */
import { type CameraId, isCameraId } from './camera.js'
import { invalidParam } from './errors.js'
import type { FileKind } from './ports.js'

/** The extensions of each kind. A name without extension is tried with each of them, in this order. */
export const extensions: Record<FileKind, readonly string[]> = {
  recordings: ['.mp4', '.mkv'],
  snapshots: ['.jpg', '.jpeg', '.png'],
}

const forbidden = String.raw`/\\<>:"|?*\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}`

/**
 * Printable characters without `/ \ < > : " | ? *`, no `..`, no leading dot, dash or space, no dot or space at the end.
 * Such a name cannot leave its folder, and is displayed without changes.
 */
export const fileNamePattern = String.raw`^(?![.\-\s])(?!.*\.\.)(?!.*[.\s]$)[^${forbidden}]+$`
const pattern = new RegExp(fileNamePattern, 'u')

/** Maximum length in bytes of a name to which `.jpg` or `.png` is added. */
export const maxStem = 251

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

/** True for a valid name of at most 255 bytes. File systems count bytes, which a JSON schema cannot. */
export const isFileName = (name: string): boolean => bytesOf(name) <= 255 && pattern.test(name)

/** True for a valid name to which `.jpg` or `.png` can be added. */
export const isStem = (name: string): boolean => bytesOf(name) <= maxStem && pattern.test(name)

/** Throws a ServiceError `invalidParams` if the name is not valid. */
export function checkFileName(name: string): void {
  if (!isFileName(name))
    throw invalidParam(
      'filename',
      'file_name',
      'printable characters except / \\ < > : " | ? * and without ".."; at most 255 bytes',
    )
}

export const hasExtension = (kind: FileKind, name: string): boolean =>
  extensions[kind].some((extension) => name.endsWith(extension))

/** Returns the camera id that a name begins with: `camera0_2026-01-01_…` */
export function cameraOf(name: string): CameraId | undefined {
  const prefix = name.slice(0, Math.max(0, name.indexOf('_')))
  return isCameraId(prefix) ? prefix : undefined
}

const time = /_(\d{4})-(\d\d)-(\d\d)_(\d\d)-(\d\d)-(\d\d)-(\d{1,6})(?=[._]|$)/

/** Returns the UTC time in `<camera>_YYYY-MM-DD_HH-MM-SS-ffffff` (or with milliseconds) as epoch ms. */
export function timeOf(name: string): number | undefined {
  const match = time.exec(name)
  if (!match) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number)
  const ms = Math.floor(Number(`0.${match[7]}`) * 1000)
  const at = new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, ms))
  // Date.UTC accepts 31 February as 3 March.
  return at.getUTCMonth() + 1 === month &&
    at.getUTCDate() === day &&
    at.getUTCHours() === hour &&
    at.getUTCMinutes() === minute
    ? at.getTime()
    : undefined
}

/** `YYYY-MM-DD_HH-MM-SS-mmm`, UTC. */
const timeName = (at: number): string => new Date(at).toISOString().slice(0, 23).replace('T', '_').replace(/[:.]/g, '-')

/** True for the name of a segment that the media server writes for this camera. */
export const isSegmentName = (camera: CameraId, name: string): boolean =>
  name.startsWith(`${camera}_`) && name.endsWith('.mp4') && isFileName(name) && timeOf(name) !== undefined

/** True for a name that only the pictures of another camera may have: its id and a time. */
const belongsToAnother = (camera: CameraId, name: string): boolean =>
  timeOf(name) !== undefined && ![camera, undefined].includes(cameraOf(name))

/**
 * Yields names for a snapshot, without extension, until one is free: the requested name, then `name-2`, `name-3` …;
 * without a requested name the time of the picture, then the milliseconds after it, which no other camera's pictures
 * have. At most 1,000 names.
 */
export function* snapshotStems(camera: CameraId, capturedAt: number, requested: string | undefined): Generator<string> {
  for (let n = 0; n < 1_000; n += 1)
    if (requested === undefined) yield `${camera}_${timeName(capturedAt + n)}`
    else if (n > 0) yield withEnd(requested, `-${n + 1}`)
    else if (!belongsToAnother(camera, requested)) yield requested
}

/** Appends `end`, and shortens the name so that both fit into `maxStem` bytes. */
function withEnd(name: string, end: string): string {
  const characters = [...name]
  while (bytesOf(characters.join('') + end) > maxStem) characters.pop()
  return characters.join('') + end
}
