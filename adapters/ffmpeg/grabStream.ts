/** Pictures of the stream, without the device. */
import type { KeyframeCodec, Picture, StreamReader } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { checkPicture, type GrabOptions, onePicture } from './grab.js'
import type { Ran } from './run.js'
import { intoTemporary } from './temporary.js'

/** Stretches a picture whose pixels are not square: files and viewers of stills know nothing of pixel aspects. */
const squarePixels = ['-vf', 'scale=iw*max(1\\,sar):ih*max(1\\,1/sar),setsar=1']

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

/** The same, of a stream whose decoder says whether a part of the picture is missing. */
async function checkWhole(file: string, ran: Ran): Promise<void> {
  if (incomplete.test(ran.stderr)) throw new Failure('picture_incomplete')
  await checkPicture(file, ran)
}
