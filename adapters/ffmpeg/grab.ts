import { readFile, stat, writeFile } from 'node:fs/promises'
import type {
  CameraId,
  Capabilities,
  CaptureMode,
  Device,
  LocalDevice,
  Pipeline,
} from '../../machines/domain/camera.js'
import { chooseMode, isStill } from '../../machines/domain/captureMode.js'
import type { KeyframeCodec, Picture, StreamReader } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { type Clockwork, inputArgs, lockFile } from './command.js'
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
const onePicture = ['-frames:v', '1', ...newestPicture]

/** Stretches a picture whose pixels are not square: files and viewers of stills know nothing of pixel aspects. */
const squarePixels = ['-vf', 'scale=iw*max(1\\,sar):ih*max(1\\,1/sar),setsar=1']

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
  const isSkipping = 'node' in device && pipeline.mode.fourcc !== 'H264'
  const measures = isSkipping && 'measure' in warmUp ? warmUp.measure : 0
  const skip = isSkipping && 'skip' in warmUp ? warmUp.skip : 0
  let stdout = ''
  const file = await intoTemporary(options.runDir, '.jpg', async (to) => {
    if ('node' in device && isPiped(pipeline.mode))
      throw new Failure('format_not_offered', `ffmpeg cannot read ${pipeline.mode.fourcc} from the device`)
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

/** Decodes with one thread: with several, the decoder does not tell that a part of the picture is missing. */
const telling = ['-hide_banner', '-nostdin', '-y', '-nostats', '-loglevel', 'warning', '-threads', '1']
const incomplete = /corrupt decoded frame|concealing \d+ DC/
/** How many keyframes are tried if a part of each is missing. */
const tries = 3

export type StreamGrabOptions = Omit<GrabOptions, 'pipeline' | 'warmUp'>

/**
 * Tiers 2 and 3: reads the next keyframe of the stream, and starts ffmpeg while it waits. ffmpeg reads the stream itself
 * if our reader does not know its codec.
 */
export async function grabFromPath(
  reader: Pick<StreamReader, 'keyframe' | 'address'>,
  now: () => number,
  options: StreamGrabOptions,
): Promise<Picture> {
  const late = new AbortController()
  const seconds = Math.round(options.timeout / 100) / 10
  const timer = setTimeout(() => late.abort(new Failure('timed_out', `timed out after ${seconds} s`)), options.timeout)
  const grab = { ...options, signal: AbortSignal.any([options.signal, late.signal]) }
  try {
    for (let tried = 1; ; tried++) {
      try {
        return await grabKeyframe(reader, now, grab)
      } catch (error) {
        const { code } = error instanceof Failure ? error : { code: 'failed' }
        if (code === 'codec_unsupported') return await grabByReading(reader.address(grab.camera), now, grab)
        if (code !== 'picture_incomplete' || tried >= tries) throw error
      }
    }
  } finally {
    clearTimeout(timer)
  }
}

async function grabKeyframe(
  reader: Pick<StreamReader, 'keyframe'>,
  now: () => number,
  options: StreamGrabOptions,
): Promise<Picture> {
  const { camera, signal } = options
  const ended = new AbortController()
  let describe = (_: KeyframeCodec): void => {}
  const described = new Promise<KeyframeCodec>((resolve) => {
    describe = resolve
  })
  const keyframe = reader
    .keyframe(camera, AbortSignal.any([signal, ended.signal]), (codec) => describe(codec))
    .then((bytes) => ({ bytes, capturedAt: now() }))
  // `run` forwards its failure, but not if ffmpeg cannot be started.
  keyframe.catch(() => {})
  try {
    const codec = await Promise.race([described, keyframe.then((): KeyframeCodec => 'h264')])
    const bytes = keyframe.then((caught) => caught.bytes)
    const file = await decodeKeyframe(codec, bytes, options)
    return { file, capturedAt: (await keyframe).capturedAt }
  } finally {
    ended.abort()
  }
}

/** Resolves with a JPEG of the keyframe. ffmpeg starts while the keyframe is waited for. */
export function decodeKeyframe(
  codec: KeyframeCodec,
  stdin: Uint8Array | Promise<Uint8Array>,
  { runDir, run, signal, timeout }: StreamGrabOptions,
): Promise<string> {
  const input = ['-f', codec, '-probesize', '32', '-analyzeduration', '0', '-flags', 'low_delay', '-i', 'pipe:0']
  return intoTemporary(runDir, '.jpg', async (to) => {
    const args = [...telling, ...input, ...squarePixels, ...onePicture, to]
    await checkWhole(to, await run('ffmpeg', args, { signal, timeout, stdin }))
  })
}

/**
 * Lets ffmpeg read the stream. Its URL goes through a list on stdin, because other users of the host can read the
 * command.
 */
async function grabByReading(
  url: string,
  now: () => number,
  { runDir, run, signal, timeout }: StreamGrabOptions,
): Promise<Picture> {
  const stdin = Buffer.from(`ffconcat version 1.0\nfile '${url}'\n`)
  const input = ['-f', 'concat', '-safe', '0', '-protocol_whitelist', 'pipe,rtsp,rtp,udp,tcp', '-i', 'pipe:0']
  const file = await intoTemporary(runDir, '.jpg', async (to) => {
    const args = [...telling, ...input, ...squarePixels, ...onePicture, to]
    await checkWhole(to, await run('ffmpeg', args, { signal, timeout, stdin }))
  })
  return { file, capturedAt: now() }
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
async function checkPicture(file: string, { stderr }: Ran): Promise<void> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0))
  if (!pictureSize(bytes)) throw failureOf(stderr, 'no_picture', 'the program wrote no picture')
}

/** The same, of a stream whose decoder says whether a part of the picture is missing. */
async function checkWhole(file: string, ran: Ran): Promise<void> {
  if (incomplete.test(ran.stderr)) throw new Failure('picture_incomplete')
  await checkPicture(file, ran)
}
