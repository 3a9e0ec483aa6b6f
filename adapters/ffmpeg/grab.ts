import { readFile, stat, writeFile } from 'node:fs/promises'
import {
  type CameraId,
  type Capabilities,
  type CaptureMode,
  type Device,
  isLocal,
  type LocalDevice,
  type Pipeline,
} from '../../machines/domain/camera.js'
import { chooseMode, isStill } from '../../machines/domain/captureMode.js'
import { Failure } from '../../machines/domain/reason.js'
import { type Clockwork, inputArgs, lockFile, v4l2Capture } from './command.js'
import { failureOf } from './endReason.js'
import { completeJpeg, pictureSize } from './jpeg.js'
import { isPiped, pixelFormats, v4l2Code } from './pixelFormats.js'
import { quiet, type Ran, type Run } from './run.js'
import { discard, intoTemporary, temporaryFile } from './temporary.js'
import { brightnessFilter, brightnessIn, settledAfter, type WarmUp } from './warmUp.js'

export interface GrabOptions {
  camera: CameraId
  pipeline: Pipeline
  runDir: string
  run: Run
  signal: AbortSignal
  /** Milliseconds. */
  timeout: number
  warmUp: WarmUp
}

/** A captured picture. `skipped`: number of frames before it; `settled`: how many were needed, if that was measured. */
export interface Grabbed {
  file: string
  skipped: number
  settled?: number
}

/** Exit code of flock when another process holds the lock. */
const lockTaken = 75
/** The quality of the still tap (ffmpeg's scale, 2 is best), so that `save` rarely has to encode again. */
const stillQuality = ['-q:v', '4', '-pix_fmt', 'yuvj420p']
const newestPicture = ['-update', '1', '-c:v', 'mjpeg', ...stillQuality, '-f', 'image2']
export const onePicture = ['-frames:v', '1', ...newestPicture]

/**
 * Tier 0: captures one frame from V4L2, several times faster than with ffmpeg. Resolves with the path of a JPEG in the
 * run folder.
 */
export async function grabFromV4l2(device: LocalDevice, mode: CaptureMode, options: GrabOptions): Promise<Grabbed> {
  const { warmUp } = options
  const frame = temporaryFile(options.runDir, '.frame')
  const size = `width=${mode.width},height=${mode.height}${mode.fourcc ? `,pixelformat=${v4l2Code(mode.fourcc)}` : ''}`
  const format = ['-d', mode.node ?? device.node, `--set-fmt-video=${size}`]
  const [skip, count] = 'skip' in warmUp ? [warmUp.skip, 1] : [0, warmUp.measure]
  const stream = ['--stream-mmap=2', `--stream-skip=${skip}`, `--stream-count=${count}`, `--stream-to=${frame}`]
  try {
    const { stdout, stderr } = await underLock(['v4l2-ctl', ...format, ...stream], options)
    const { size: bytes } = await stat(frame).catch(() => ({ size: 0 }))
    // v4l2-ctl also exits with 0 if the device is busy, so only the file counts.
    if (bytes === 0) throw failureOf(stdout + stderr, 'no_frames', 'the device delivered no frame')
    return count > 1 ? await lastOf(frame, mode, options) : { file: await asJpeg(frame, mode, options), skipped: skip }
  } finally {
    await discard(frame)
  }
}

async function asJpeg(frame: string, { fourcc, width, height }: CaptureMode, options: GrabOptions): Promise<string> {
  const bytes = await readFile(frame)
  const whole = completeJpeg(bytes)
  if (whole) return intoTemporary(options.runDir, '.jpg', (file) => writeFile(file, whole))
  const { name: format, bits = Number.POSITIVE_INFINITY } = pixelFormats[fourcc] ?? {}
  if (format === undefined || bytes.length < (width * height * bits) / 8)
    throw new Failure('no_picture', 'the device delivered a broken frame')
  const pixels = fourcc === 'YV12' ? ['-vf', 'shuffleplanes=0:2:1'] : []
  return intoTemporary(options.runDir, '.jpg', async (file) => {
    const input = ['-f', 'rawvideo', '-pixel_format', format, '-video_size', `${width}x${height}`, '-i', frame]
    await checkPicture(file, await options.run('ffmpeg', [...quiet, ...input, ...pixels, ...onePicture, file], options))
  })
}

/** The last one of several frames, with their brightness. */
async function lastOf(frames: string, { fourcc, width, height }: CaptureMode, options: GrabOptions): Promise<Grabbed> {
  const isCompressed = (await readFile(frames)).subarray(0, 2).equals(Buffer.from('ffd8', 'hex'))
  const format = pixelFormats[fourcc]?.name
  if (!isCompressed && format === undefined) throw new Failure('no_picture', 'the device delivered a broken frame')
  const raw = ['-f', 'rawvideo', '-pixel_format', format ?? '', '-video_size', `${width}x${height}`]
  const pixels = fourcc === 'YV12' && !isCompressed ? 'shuffleplanes=0:2:1,' : ''
  const filter = ['-vf', pixels + brightnessFilter]
  let stdout = ''
  const file = await intoTemporary(options.runDir, '.jpg', async (to) => {
    const input = [...(isCompressed ? ['-f', 'mjpeg'] : raw), '-i', frames]
    const ran = await options.run('ffmpeg', [...quiet, ...input, ...filter, ...newestPicture, to], options)
    await checkPicture(to, ran)
    stdout = ran.stdout
  })
  return measured(file, stdout)
}

function measured(file: string, output: string): Grabbed {
  const brightness = brightnessIn(output)
  return { file, skipped: Math.max(0, brightness.length - 1), settled: settledAfter(brightness) }
}

/** Tier 1: captures one frame with ffmpeg, from the device or from the test pattern. */
export async function grabFromDevice(
  device: Exclude<Device, { kind: 'rtsp' }>,
  clockwork: Clockwork | undefined,
  options: GrabOptions,
): Promise<Grabbed> {
  const { camera, pipeline, warmUp } = options
  // A test pattern is not dark. Of H.264, the next keyframe is no brighter and may come late.
  const isSkipping = isLocal(device) && pipeline.mode.fourcc !== 'H264'
  const measures = isSkipping && 'measure' in warmUp ? warmUp.measure : 0
  const skip = isSkipping && 'skip' in warmUp ? warmUp.skip : 0
  if (isLocal(device) && isPiped(pipeline.mode)) return grabCaptured(device, { skip, measures }, options)
  let stdout = ''
  const file = await intoTemporary(options.runDir, '.jpg', async (to) => {
    const input = inputArgs(camera, device, pipeline.mode, clockwork)
    const skipping = skip > 0 ? ['-vf', `select=gte(n\\,${skip})`] : []
    const measuring = ['-vf', brightnessFilter, '-frames:v', String(measures), ...newestPicture]
    const output = measures > 0 ? measuring : [...skipping, ...onePicture]
    const ran = await underLock(['ffmpeg', ...quiet, ...input, ...output, to], options)
    await checkPicture(to, ran)
    stdout = ran.stdout
  })
  return measures > 0 ? measured(file, stdout) : { file, skipped: skip }
}

/** An encoder begins with a keyframe; some send it with the second buffer only. */
const encodedFrames = 5

/**
 * Tier 1 of a format that ffmpeg cannot read from the device: v4l2-ctl captures the frames, as for the stream. They go
 * through a file, because a killed shell would leave both ends of a pipe behind, with the device.
 */
async function grabCaptured(
  device: LocalDevice,
  { skip, measures }: { skip: number; measures: number },
  options: GrabOptions,
): Promise<Grabbed> {
  const { camera, pipeline } = options
  const isEncoded = pixelFormats[pipeline.mode.fourcc]?.piped === 'hevc'
  const frames = temporaryFile(options.runDir, '.frame')
  const skipped = isEncoded ? 0 : skip
  const count = isEncoded ? encodedFrames : Math.max(1, measures)
  const amount = [`--stream-skip=${skipped}`, `--stream-count=${count}`, `--stream-to=${frames}`]
  try {
    const { stdout, stderr } = await underLock([...v4l2Capture(device, pipeline.mode), ...amount], options)
    const { size } = await stat(frames).catch(() => ({ size: 0 }))
    if (size === 0) throw failureOf(stdout + stderr, 'no_frames', 'the device delivered no frame')
    const input = inputArgs(camera, device, pipeline.mode, undefined, frames)
    const isMeasured = measures > 0 && !isEncoded
    let printed = ''
    const file = await intoTemporary(options.runDir, '.jpg', async (to) => {
      const output = isMeasured ? ['-vf', brightnessFilter, ...newestPicture] : onePicture
      const ran = await options.run('ffmpeg', [...quiet, ...input, ...output, to], options)
      await checkPicture(to, ran)
      printed = ran.stdout
    })
    return isMeasured ? measured(file, printed) : { file, skipped }
  } finally {
    await discard(frames)
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
async function underLock(
  command: string[],
  { camera, runDir, run, signal, timeout }: Omit<GrabOptions, 'warmUp'>,
): Promise<Ran> {
  const lock = ['--no-fork', '-n', '-E', String(lockTaken), lockFile({ runDir }, camera)]
  const ran = await run('flock', [...lock, ...command], { signal, timeout })
  if (ran.code === lockTaken) throw new Failure('device_busy')
  if (ran.code === 69 || /flock: failed to execute/.test(ran.stderr))
    throw new Failure('program_missing', `${command[0]} is not installed`)
  if (/busybox/i.test(ran.stderr)) throw new Failure('program_missing', 'flock of util-linux is not installed')
  if (/^flock: /m.test(ran.stderr)) throw new Failure('failed', 'the device lock cannot be acquired')
  return ran
}

/** Checks the file, because the exit code of ffmpeg is not reliable. */
export async function checkPicture(file: string, { stderr }: Ran): Promise<void> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0))
  if (!pictureSize(bytes)) throw failureOf(stderr, 'no_picture', 'the program wrote no picture')
}
