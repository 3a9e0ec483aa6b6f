import { constants, copyFile, link, mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { limitOf, mayUse } from '../../machines/domain/access.js'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import { NameTaken } from '../../machines/domain/nameTaken.js'
import type { Picture, PictureOptions, SavedPicture } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { endReason } from './endReason.js'
import { coarseness, isJpeg, isPng, pictureSize } from './jpeg.js'
import type { Run } from './run.js'
import { discard, intoTemporary } from './temporary.js'

export interface SaveOptions {
  camera: CameraId
  picture: Picture
  options: PictureOptions
  /** Snapshots of this camera, beside those of the others; made when missing. */
  dir: string
  /** Names that are just being taken, and by which camera; shared by all calls. */
  reserved: Map<string, CameraId>
  run: Run
  signal: AbortSignal
}

/** Mean of the intra matrix that ffmpeg's JPEG encoder multiplies by q/8. */
const meanStep = 33
/** An asked quality that is hardly below what the picture has is not worth a second loss. */
const tolerance = 1.5
/** Every name a snapshot may have. */
const extensions = ['.jpg', '.jpeg', '.png']
/** Bytes of a file name that are left beside the longest of them by what clients may ask for. */
const longestStem = 251

/**
 * Puts the picture into the snapshots, converted if it must be, under a name that is new: complete from its first moment
 * on, never over another file. The given file is left alone.
 */
export async function savePicture({
  camera,
  picture,
  options,
  dir,
  reserved,
  run,
  signal,
}: SaveOptions): Promise<SavedPicture> {
  await mkdir(dir, { recursive: true })
  const temporary = await asWished({ picture, options, dir, run, signal })
  try {
    await synced(temporary)
    signal.throwIfAborted()
    const filename = await place(temporary, {
      camera,
      options,
      dir,
      reserved,
      wanted: names(camera, picture.capturedAt, options, `.${options.format}`),
    })
    return await described(join(dir, filename))
  } finally {
    await discard(temporary)
  }
}

/** The picture, converted if it must be, in a temporary file of `dir`; the given file is left alone. */
export async function convertPicture(wish: Wish): Promise<SavedPicture> {
  return described(await asWished(wish))
}

type Wish = Pick<SaveOptions, 'picture' | 'options' | 'dir' | 'run' | 'signal'>

async function asWished({ picture, options, dir, run, signal }: Wish): Promise<string> {
  signal.throwIfAborted()
  const bytes = await readFile(picture.file).catch(() => Buffer.alloc(0))
  const size = pictureSize(bytes)
  if (!size) throw new Error('the captured picture is broken')
  const args = conversion(bytes, size, options)
  return intoTemporary(dir, `.${options.format}`, async (file) => {
    if (args) await convert(picture.file, [...args, file], file, { run, signal })
    else await linkOrCopy(picture.file, file)
  })
}

async function described(file: string): Promise<SavedPicture> {
  const bytes = await readFile(file)
  return { filename: basename(file), file, bytes: bytes.length, width: 0, height: 0, ...pictureSize(bytes) }
}

/** ffmpeg's arguments, or `undefined` when the picture is as asked for. */
function conversion(
  bytes: Uint8Array,
  size: { width: number; height: number },
  { format, quality, width, height }: PictureOptions,
): string[] | undefined {
  const resized = (width ?? size.width) !== size.width || (height ?? size.height) !== size.height
  const scaled = resized ? ['-vf', `scale=${width ?? -1}:${height ?? -1}`] : []
  if (format === 'png') return resized || !isPng(bytes) ? [...scaled, '-c:v', 'png'] : undefined
  const scale = quantiser(quality)
  const isFine = isJpeg(bytes) && (coarseness(bytes) ?? 0) * tolerance >= (meanStep * scale) / 8
  return resized || !isFine ? [...scaled, '-c:v', 'mjpeg', '-q:v', String(scale), '-pix_fmt', 'yuvj420p'] : undefined
}

/** 1–100 as ffmpeg's 31–2. */
export const quantiser = (quality: number): number =>
  Math.round(31 - ((Math.min(100, Math.max(1, quality)) - 1) * 29) / 99)

async function convert(
  from: string,
  args: string[],
  to: string,
  { run, signal }: Pick<SaveOptions, 'run' | 'signal'>,
): Promise<void> {
  const command = [
    '-hide_banner',
    '-nostdin',
    '-y',
    '-loglevel',
    'error',
    '-i',
    from,
    '-frames:v',
    '1',
    '-update',
    '1',
    ...args.slice(0, -1),
    '-f',
    'image2',
    to,
  ]
  const { stderr } = await run('ffmpeg', command, { signal, timeout: 10_000 })
  if ((await stat(to).catch(() => ({ size: 0 }))).size === 0)
    throw new Error(endReason(stderr) ?? 'the picture could not be converted')
}

/** A given name and those that come next to it, or the instant's: a second picture of the same millisecond takes the next one. */
function* names(
  camera: CameraId,
  capturedAt: number,
  { filename }: PictureOptions,
  extension: string,
): Generator<string> {
  if (filename === undefined)
    for (let at = capturedAt; at < capturedAt + 1_000; at += 1) yield `${camera}_${timeName(at)}${extension}`
  else for (let n = 1; n <= 1_000; n += 1) yield `${n === 1 ? filename : shortened(filename, `-${n}`)}${extension}`
}

/** The name with its end, within the bytes that a file name may have beside its extension. */
function shortened(name: string, end: string): string {
  const characters = [...name]
  while (Buffer.byteLength(characters.join('') + end) > longestStem) characters.pop()
  return characters.join('') + end
}

/** `YYYY-MM-DD_HH-MM-SS-mmm`, UTC. */
export const timeName = (at: number): string =>
  new Date(at).toISOString().slice(0, 23).replace('T', '_').replace(/[:.]/g, '-')

interface Placing extends Pick<SaveOptions, 'camera' | 'options' | 'dir' | 'reserved'> {
  wanted: Iterable<string>
}

async function place(temporary: string, { camera, options, dir, reserved, wanted }: Placing): Promise<string> {
  /** The camera that has the name; `undefined`: the picture has it now. */
  const put = async (name: string, stem: string): Promise<CameraId | undefined> => {
    const taker = reserved.get(stem)
    if (taker !== undefined) return taker
    // `link` decides within one folder only; between cameras this does.
    reserved.set(stem, camera)
    try {
      const holder = await holderOf(dirname(dir), stem, camera)
      return holder ?? ((await moved(temporary, join(dir, name))) ? undefined : camera)
    } finally {
      reserved.delete(stem)
    }
  }
  let asked: string | undefined
  for (const name of wanted) {
    const stem = stemOf(name)
    const holder = await put(name, stem)
    if (holder === undefined) return name
    asked ??= stem
    if (options.filename === asked && stem === asked && mayUse(limitOf(options.cameras), holder)) break
  }
  throw new NameTaken(`a snapshot named ${asked} exists already`)
}

const stemOf = (name: string): string => name.replace(/\.\w+$/, '')

/**
 * The camera that has the name, `camera` for what lies beside the cameras' folders. Files are found by name alone, without camera and
 * extension: `yard.png` of one camera takes `yard.jpg` from all others, too.
 */
async function holderOf(root: string, stem: string, camera: CameraId): Promise<CameraId | undefined> {
  const folders = await readdir(root, { withFileTypes: true })
  const cameras = folders.flatMap((entry) => (entry.isDirectory() && isCameraId(entry.name) ? [entry.name] : []))
  const isThere = (file: string) =>
    stat(file).then(
      () => true,
      () => false,
    )
  const holders = await Promise.all(
    [{ holder: camera, folder: root }, ...cameras.map((holder) => ({ holder, folder: join(root, holder) }))].flatMap(
      ({ holder, folder }) =>
        extensions.map(async (extension) => ((await isThere(join(folder, stem + extension))) ? holder : undefined)),
    ),
  )
  return holders.find((holder) => holder !== undefined)
}

/** False: somebody was faster. `link` refuses what exists, where `rename` would replace it; some file systems have no links. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!noLinks.has(codeOf(error))) throw failure(error)
  }
  try {
    await (await open(to, 'wx')).close()
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw failure(error)
  }
  await rename(from, to)
  return true
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch {
    // Another file system, or one without links.
    await copyFile(from, to, constants.COPYFILE_EXCL).catch((error: unknown) => Promise.reject(failure(error)))
  }
}

async function synced(file: string): Promise<void> {
  const handle = await open(file, 'r')
  await handle.sync().finally(() => handle.close())
}

const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'])
const failure = (error: unknown): Error =>
  new Error(
    codeOf(error) === 'ENOSPC'
      ? 'no space left for the snapshot'
      : `the snapshot could not be written: ${codeOf(error)}`,
  )
