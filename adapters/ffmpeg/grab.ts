import { readFile, stat, writeFile } from 'node:fs/promises'
import type { CameraId, Capabilities, CaptureMode, Device, Pipeline, UsbDevice } from '../../machines/domain/camera.js'
import { chooseMode, isStill } from '../../machines/domain/captureMode.js'
import type { StreamReader } from '../../machines/domain/ports.js'
import { type Clockwork, inputArgs, inputFormats, lockFile } from './command.js'
import { endReason } from './endReason.js'
import { completeJpeg, pictureSize } from './jpeg.js'
import type { Ran, Run, RunOptions } from './run.js'
import { discard, intoTemporary, temporaryFile } from './temporary.js'

export interface GrabOptions {
  camera: CameraId
  pipeline: Pipeline
  runDir: string
  run: Run
  signal: AbortSignal
  timeout: number
}

/** The first frames of a cold webcam are dark. */
const skipped = 4
/** flock's answer when the lock is taken. */
const lockTaken = 75
/** As JPEG quality of ffmpeg (2 is its best): that of the still tap, which `save` seldom needs to encode again. */
const stillQuality = ['-q:v', '4', '-pix_fmt', 'yuvj420p']
const onePicture = ['-frames:v', '1', '-update', '1', '-c:v', 'mjpeg', ...stillQuality, '-f', 'image2']
const quietly = ['-hide_banner', '-nostdin', '-y', '-loglevel', 'error']

/** Bytes per pixel of the raw formats whose frames come whole and unpadded. */
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
 * Tier 0: one frame straight from V4L2, several times faster than by ffmpeg. v4l2-ctl exits with 0 when the device is busy,
 * so that only the file tells. Resolves with a JPEG's path in the run folder.
 */
export async function grabFromV4l2(device: UsbDevice, mode: CaptureMode, options: GrabOptions): Promise<string> {
  const { runDir, camera } = options
  const frame = temporaryFile(runDir, '.frame')
  const size = `width=${mode.width},height=${mode.height}${mode.fourcc ? `,pixelformat=${mode.fourcc}` : ''}`
  const count = [`--stream-skip=${skipped}`, '--stream-count=1', `--stream-to=${frame}`]
  try {
    const ran = await underLock(
      camera,
      ['v4l2-ctl', '-d', device.node, `--set-fmt-video=${size}`, '--stream-mmap=2', ...count],
      options,
    )
    const bytes = await stat(frame).then(
      ({ size }) => size,
      () => 0,
    )
    if (bytes === 0) throw new Error(endReason(ran.stdout + ran.stderr) ?? 'the device gave no frame')
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
    throw new Error('the device gave a broken frame')
  const pixels = fourcc === 'YV12' ? ['-vf', 'shuffleplanes=0:2:1'] : []
  return intoTemporary(options.runDir, '.jpg', async (file) => {
    const input = ['-f', 'rawvideo', '-pixel_format', format, '-video_size', `${width}x${height}`, '-i', frame]
    await picture(file, await options.run('ffmpeg', [...quietly, ...input, ...pixels, ...onePicture, file], options))
  })
}

/** Tier 1: one frame by ffmpeg, from the device or of the test pattern. */
export const grabFromDevice = (
  device: Exclude<Device, { kind: 'rtsp' }>,
  clockwork: Clockwork | undefined,
  options: GrabOptions,
): Promise<string> =>
  intoTemporary(options.runDir, '.jpg', async (file) => {
    const { camera, pipeline } = options
    // A keyframe that comes with the first packet is as bright as any: H.264 cameras are not made to wait for the next.
    const warmUp = device.kind === 'usb' && pipeline.mode.fourcc !== 'H264' ? ['-vf', `select=gte(n\\,${skipped})`] : []
    const input = inputArgs(camera, device, pipeline.mode, clockwork)
    await picture(
      file,
      await underLock(camera, ['ffmpeg', ...quietly, ...input, ...warmUp, ...onePicture, file], options),
    )
  })

/** Tiers 2 and 3: the stream's next keyframe. ffmpeg starts while it is waited for. */
export async function grabKeyframe(
  reader: Pick<StreamReader, 'keyframe'>,
  now: () => number,
  options: Omit<GrabOptions, 'pipeline'>,
) {
  const { camera, runDir, run, signal, timeout } = options
  let capturedAt = 0
  const caught = new AbortController()
  const keyframe = reader.keyframe(camera, AbortSignal.any([signal, caught.signal])).then((bytes) => {
    capturedAt = now()
    return bytes
  })
  keyframe.catch(() => {})
  try {
    const file = await intoTemporary(runDir, '.jpg', async (to) => {
      const input = ['-f', 'h264', '-probesize', '32', '-analyzeduration', '0', '-flags', 'low_delay', '-i', 'pipe:0']
      const args = [...quietly.filter((arg) => arg !== '-nostdin'), ...input, ...onePicture, to]
      await picture(to, await run('ffmpeg', args, { signal, timeout, stdin: keyframe }))
    })
    return { file, capturedAt }
  } finally {
    caught.abort()
  }
}

/** The mode for a still: the pipeline's own, or another format's when that is H.264, whose frames are no pictures. */
export async function stillMode({ mode }: Pipeline, capabilities: () => Promise<Capabilities>): Promise<CaptureMode> {
  if (mode.fourcc === '' || isStill(mode.fourcc)) return mode
  const { formats } = await capabilities()
  const choice = chooseMode({ formats: formats.filter(({ fourcc }) => isStill(fourcc)) }, mode)
  if (!choice) throw new Error('no still format: the camera gives H.264 only')
  return choice.mode
}

/** The program has the device to itself, or says at once that it cannot. */
async function underLock(
  camera: CameraId,
  command: string[],
  { runDir, run, signal, timeout }: GrabOptions,
): Promise<Ran> {
  const options: RunOptions = { signal, timeout }
  const ran = await run(
    'flock',
    ['--no-fork', '-n', '-E', String(lockTaken), lockFile({ runDir }, camera), ...command],
    options,
  )
  if (ran.code === lockTaken) throw new Error('device busy')
  if (ran.code === 69 || /flock: failed to execute/.test(ran.stderr)) throw new Error(`${command[0]} is not installed`)
  if (/^flock: /m.test(ran.stderr)) throw new Error('the device lock cannot be taken')
  return ran
}

/** The exit code lies in both directions; a picture with a size is one. */
async function picture(file: string, { stderr }: Ran): Promise<void> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0))
  if (!pictureSize(bytes)) throw new Error(endReason(stderr) ?? 'no picture came out')
}
