import { access, constants, copyFile, link, mkdir, readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { extensions, snapshotStems } from '../../machines/domain/fileName.js'
import type { Picture, PictureOptions, SavedPicture } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { syncPath } from '../data/atomic.js'
import { linkNew } from '../files/moveNew.js'
import { failureOf } from './endReason.js'
import { coarseness, isJpeg, isPng, pictureSize } from './jpeg.js'
import { quiet, type Run } from './run.js'
import { discard, intoTemporary } from './temporary.js'

export interface ConvertOptions {
  picture: Picture
  options: PictureOptions
  /** The folder of the result. */
  dir: string
  run: Run
  signal: AbortSignal
}

export interface SaveOptions extends ConvertOptions {
  camera: CameraId
  /** The folder of this camera's snapshots, next to those of the other cameras; created if missing. */
  dir: string
  /** Names that are being assigned; shared by all calls. */
  reserved: Set<string>
}

interface Size {
  width: number
  height: number
}

/** Mean of the intra matrix; ffmpeg's JPEG encoder multiplies the matrix by q/8. */
const meanStep = 33
/**
 * A picture is encoded again only if its quality exceeds the requested one by more than this factor, because encoding
 * is lossy.
 */
const tolerance = 1.5

/**
 * Converts the picture if necessary and saves it as a snapshot under a new name: the requested one, or the next free
 * one. The file is complete when it appears and does not replace another file. Does not change the given file. Rejects
 * with `name_taken`, `no_picture` or a system error.
 */
export async function savePicture(save: SaveOptions): Promise<SavedPicture> {
  const { dir, signal } = save
  await mkdir(dir, { recursive: true })
  const temporary = await convertPicture(save)
  try {
    await syncPath(temporary.file)
    signal.throwIfAborted()
    const filename = await place(temporary.file, save)
    return { ...temporary, filename, file: join(dir, filename) }
  } finally {
    await discard(temporary.file)
  }
}

/** Writes the picture, converted if necessary, to a temporary file in `dir`. Does not change the given file. */
export async function convertPicture({ picture, options, dir, run, signal }: ConvertOptions): Promise<SavedPicture> {
  signal.throwIfAborted()
  const bytes = await readFile(picture.file).catch(() => Buffer.alloc(0))
  const size = pictureSize(bytes)
  if (!size) throw new Failure('no_picture', 'the captured picture is broken')
  const args = conversion(bytes, size, options)
  let made = { bytes: bytes.length, ...size }
  const file = await intoTemporary(dir, `.${options.format}`, async (file) => {
    if (!args) return linkOrCopy(picture.file, file)
    const input = ['-i', picture.file, '-frames:v', '1', '-update', '1']
    const { stderr } = await run('ffmpeg', [...quiet, ...input, ...args, '-f', 'image2', file], { signal })
    const written = await readFile(file).catch(() => Buffer.alloc(0))
    if (written.length === 0) throw failureOf(stderr, 'no_picture', 'the picture could not be converted')
    made = { bytes: written.length, width: 0, height: 0, ...pictureSize(written) }
  })
  return { filename: basename(file), file, ...made }
}

/** Returns ffmpeg's arguments, or `undefined` if no conversion is necessary. */
function conversion(
  bytes: Uint8Array,
  size: Size,
  { format, quality, width, height, fit }: PictureOptions,
): string[] | undefined {
  const isFilled = fit === 'fill' && width !== undefined && height !== undefined
  const { width: w, height: h } = isFilled ? { width, height } : fitted(size, { width, height })
  const resized = w !== size.width || h !== size.height
  // ffmpeg would note in the file that its pixels are not square, to keep the proportions of the original.
  const scaled = resized ? ['-vf', `scale=${w}:${h},setsar=1`] : []
  if (format === 'png') return resized || !isPng(bytes) ? [...scaled, '-c:v', 'png'] : undefined
  const scale = quantiser(quality)
  const isFine = isJpeg(bytes) && (coarseness(bytes) ?? 0) * tolerance >= (meanStep * scale) / 8
  return resized || !isFine ? [...scaled, '-c:v', 'mjpeg', '-q:v', String(scale), '-pix_fmt', 'yuvj420p'] : undefined
}

/** The largest size that fits into the frame, in the proportions of the picture and not larger than it. */
function fitted(size: Size, frame: { width: number | undefined; height: number | undefined }): Size {
  const scale = Math.min(1, (frame.width ?? size.width) / size.width, (frame.height ?? size.height) / size.height)
  const scaled = (length: number) => Math.max(1, Math.round(length * scale))
  return { width: scaled(size.width), height: scaled(size.height) }
}

/** Maps a quality of 1–100 to ffmpeg's 31–2. */
export const quantiser = (quality: number): number =>
  Math.round(31 - ((Math.min(100, Math.max(1, quality)) - 1) * 29) / 99)

/** Moves the file to the first free name and returns that name. */
async function place(temporary: string, { camera, picture, options, dir, reserved }: SaveOptions): Promise<string> {
  for (const stem of snapshotStems(camera, picture.capturedAt, options.filename)) {
    const name = `${stem}.${options.format}`
    if (!reserved.has(stem) && (await take(stem, name))) return name
  }
  throw options.filename === undefined
    ? new Failure('name_taken')
    : new Failure('name_taken', `all names from ${options.filename} to ${options.filename}-1000 are taken`)

  /** Clients find files by name alone, so `yard.png` of one camera takes the name `yard` from all cameras. */
  async function isTaken(stem: string): Promise<boolean> {
    const root = dirname(dir)
    const folders = [root, ...(options.filename === undefined ? [dir] : await foldersOfCameras(root))]
    const places = folders.flatMap((folder) => extensions.snapshots.map((extension) => join(folder, stem + extension)))
    return (await Promise.all(places.map(exists))).includes(true)
  }

  /** Returns false if a snapshot already has the name. */
  async function take(stem: string, name: string): Promise<boolean> {
    // `link` prevents duplicates in one folder only; the reservation prevents them between cameras.
    reserved.add(stem)
    try {
      return !(await isTaken(stem)) && (await linkNew(temporary, join(dir, name)))
    } finally {
      reserved.delete(stem)
    }
  }
}

async function foldersOfCameras(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory() && isCameraId(entry.name)).map(({ name }) => join(root, name))
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

/** Copies the file if it is on another file system, or if the file system does not support links. */
const linkOrCopy = (from: string, to: string): Promise<void> =>
  link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_EXCL))
