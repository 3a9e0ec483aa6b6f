import { readFile, stat, writeFile } from 'node:fs/promises'
import type { CameraId, Capabilities, CaptureMode, Device, Pipeline, UsbDevice } from '../../machines/domain/camera.js'
import { chooseMode, isStill } from '../../machines/domain/captureMode.js'
import type { Picture, StreamReader } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { type Clockwork, inputArgs, inputFormats, lockFile } from './command.js'
import { failureOf } from './endReason.js'
import { completeJpeg, pictureSize } from './jpeg.js'
import { quiet, type Ran, type Run } from './run.js'
import { discard, intoTemporary, temporaryFile } from './temporary.js'

export interface GrabOptions {
  camera: CameraId
  pipeline: Pipeline
  runDir: string
  run: Run
  signal: AbortSignal
  /** Milliseconds. */
  timeout: number
}

/** Number of frames to skip, because the first frames of a webcam are dark. */
const skipped = 4
/** Exit code of flock when another process holds the lock. */
const lockTaken = 75
/** The quality of the still tap (ffmpeg's scale, 2 is best), so that `save` rarely has to encode again. */
const stillQuality = ['-q:v', '4', '-pix_fmt', 'yuvj420p']
const onePicture = ['-frames:v', '1', '-update', '1', '-c:v', 'mjpeg', ...stillQuality, '-f', 'image2']

/** Stretches a picture whose pixels are not square: files and viewers of stills know nothing of pixel aspects. */
const squarePixels = ['-vf', 'scale=iw*max(1\\,sar):ih*max(1\\,1/sar),setsar=1']

/** Bytes per pixel of the raw formats whose frames are not padded. */
const depth: Record<string, number> = {
  YUYV: 2,
  UYVY: 2,
  NV12: 1.5,
  NV21: 1.5,
  YU12: 1.5,
  YV12: 1.5,
  BGR3: 3,
  RGB3: 3,
  GREY: 1,
}

/**
 * Tier 0: captures one frame from V4L2, several times faster than with ffmpeg. Resolves with the path of a JPEG in the
 * run folder.
 */
export async function grabFromV4l2(device: UsbDevice, mode: CaptureMode, options: GrabOptions): Promise<string> {
  const frame = temporaryFile(options.runDir, '.frame')
  const size = `width=${mode.width},height=${mode.height}${mode.fourcc ? `,pixelformat=${mode.fourcc}` : ''}`
  const format = ['-d', device.node, `--set-fmt-video=${size}`]
  const stream = ['--stream-mmap=2', `--stream-skip=${skipped}`, '--stream-count=1', `--stream-to=${frame}`]
  try {
    const { stdout, stderr } = await underLock(['v4l2-ctl', ...format, ...stream], options)
    const { size: bytes } = await stat(frame).catch(() => ({ size: 0 }))
    // v4l2-ctl also exits with 0 if the device is busy, so only the file counts.
    if (bytes === 0) throw failureOf(stdout + stderr, 'no_frames', 'the device delivered no frame')
    return await asJpeg(frame, mode, options)
  } finally {
    await discard(frame)
  }
}

async function asJpeg(frame: string, { fourcc, width, height }: CaptureMode, options: GrabOptions): Promise<string> {
  const bytes = await readFile(frame)
  const whole = completeJpeg(bytes)
  if (whole) return intoTemporary(options.runDir, '.jpg', (file) => writeFile(file, whole))
  const format = inputFormats[fourcc]
  if (format === undefined || bytes.length < width * height * (depth[fourcc] ?? Number.POSITIVE_INFINITY))
    throw new Failure('no_picture', 'the device delivered a broken frame')
  const pixels = fourcc === 'YV12' ? ['-vf', 'shuffleplanes=0:2:1'] : []
  return intoTemporary(options.runDir, '.jpg', async (file) => {
    const input = ['-f', 'rawvideo', '-pixel_format', format, '-video_size', `${width}x${height}`, '-i', frame]
    await checkPicture(file, await options.run('ffmpeg', [...quiet, ...input, ...pixels, ...onePicture, file], options))
  })
}

/** Tier 1: captures one frame with ffmpeg, from the device or from the test pattern. */
export const grabFromDevice = (
  device: Exclude<Device, { kind: 'rtsp' }>,
  clockwork: Clockwork | undefined,
  options: GrabOptions,
): Promise<string> =>
  intoTemporary(options.runDir, '.jpg', async (file) => {
    const { camera, pipeline } = options
    const input = inputArgs(camera, device, pipeline.mode, clockwork)
    // H.264 cameras: no skipping, because the next keyframe is no brighter and may come late.
    const warmUp = device.kind === 'usb' && pipeline.mode.fourcc !== 'H264' ? ['-vf', `select=gte(n\\,${skipped})`] : []
    await checkPicture(file, await underLock(['ffmpeg', ...quiet, ...input, ...warmUp, ...onePicture, file], options))
  })

/** Tiers 2 and 3: reads the next keyframe of the stream, and starts ffmpeg at the same time. */
export async function grabKeyframe(
  reader: Pick<StreamReader, 'keyframe'>,
  now: () => number,
  { camera, runDir, run, signal, timeout }: Omit<GrabOptions, 'pipeline'>,
): Promise<Picture> {
  const ended = new AbortController()
  const keyframe = reader
    .keyframe(camera, AbortSignal.any([signal, ended.signal]))
    .then((bytes) => ({ bytes, capturedAt: now() }))
  // `run` forwards its failure, but not if ffmpeg cannot be started.
  keyframe.catch(() => {})
  try {
    const file = await intoTemporary(runDir, '.jpg', async (to) => {
      const input = ['-f', 'h264', '-probesize', '32', '-analyzeduration', '0', '-flags', 'low_delay', '-i', 'pipe:0']
      const stdin = keyframe.then(({ bytes }) => bytes)
      const args = [...quiet, ...input, ...squarePixels, ...onePicture, to]
      await checkPicture(to, await run('ffmpeg', args, { signal, timeout, stdin }))
    })
    return { file, capturedAt: (await keyframe).capturedAt }
  } finally {
    ended.abort()
  }
}

/**
 * Returns the mode for a still: the pipeline's mode, or a mode of another format if that is H.264, whose frames are not
 * complete pictures.
 */
export async function stillMode({ mode }: Pipeline, capabilities: () => Promise<Capabilities>): Promise<CaptureMode> {
  if (mode.fourcc === '' || isStill(mode.fourcc)) return mode
  const { formats } = await capabilities()
  const choice = chooseMode({ formats: formats.filter(({ fourcc }) => isStill(fourcc)) }, mode)
  if (!choice) throw new Failure('format_not_offered', 'the camera offers H.264 only, which has no still pictures')
  return choice.mode
}

/**
 * Runs the command under the lock of the camera's device. Rejects at once if another process holds the lock.
 */
async function underLock(command: string[], { camera, runDir, run, signal, timeout }: GrabOptions): Promise<Ran> {
  const lock = ['--no-fork', '-n', '-E', String(lockTaken), lockFile({ runDir }, camera)]
  const ran = await run('flock', [...lock, ...command], { signal, timeout })
  if (ran.code === lockTaken) throw new Failure('device_busy')
  if (ran.code === 69 || /flock: failed to execute/.test(ran.stderr))
    throw new Failure('program_missing', `${command[0]} is not installed`)
  if (/^flock: /m.test(ran.stderr)) throw new Failure('failed', 'the device lock cannot be acquired')
  return ran
}

/** Checks the file, because the exit code of ffmpeg is not reliable. */
async function checkPicture(file: string, { stderr }: Ran): Promise<void> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0))
  if (!pictureSize(bytes)) throw failureOf(stderr, 'no_picture', 'the program wrote no picture')
}
