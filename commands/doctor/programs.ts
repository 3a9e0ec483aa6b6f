import type { EncoderChoice, EncoderWish } from '../../machines/domain/encoder.js'
import { type Finding, fail, ok, warn } from './finding.js'
import type { DoctorHost } from './host.js'

/** The encoders of streams and of pictures. */
const needed = { libx264: 'streams of cameras that do not send H.264', mjpeg: 'snapshots' }

/** ffmpeg with its encoders, v4l2-ctl and flock. */
export async function checkPrograms(
  host: Pick<DoctorHost, 'programs' | 'encoders' | 'encoder'>,
  wish: EncoderWish,
): Promise<Finding[]> {
  const programs = await host.programs()
  const hasFfmpeg = programs.some(({ name, file }) => name === 'ffmpeg' && file !== undefined)
  const encoders = hasFfmpeg
    ? [...encoderFindings(await host.encoders()), encoderFinding(wish, await host.encoder(wish))]
    : []
  return [...programs.map(programFinding), ...encoders]
}

/** The encoder that streams get. Without hardware, x264 is no fault, unless the configuration asks for the hardware. */
function encoderFinding(wish: EncoderWish, { encoder, reason }: EncoderChoice): Finding {
  if (wish === 'auto' || wish === encoder) return ok('encoder', `${encoder}: ${reason}`)
  const fix = 'give the service the device of the encoder (docs/cameras.md), or set mediamtx.codec.encoder to auto'
  return warn('encoder', `${encoder} instead of ${wish}: ${reason}`, fix)
}

function programFinding({
  name,
  package: from,
  file,
  version,
  effect,
}: Awaited<ReturnType<DoctorHost['programs']>>[0]) {
  const install = `apt-get install ${from}`
  if (file === undefined) {
    // Only USB cameras need it.
    if (name === 'v4l2-ctl') return warn(name, 'it is missing: USB cameras cannot be used', install)
    const why = name === 'ffmpeg' ? 'no camera can be used' : 'the data directory cannot be locked'
    return fail(name, `it is missing: the service does not start, because ${why}`, install)
  }
  const what = version ?? 'of an unknown version'
  if (effect === undefined) return ok(name, `${what} (${file})`)
  if (name === 'flock') return fail(name, `it ${effect}`, install)
  return warn(name, `${what} is old: ${effect}`, `install a newer ${name}: package ${from}`)
}

function encoderFindings(list: string | undefined): Finding[] {
  if (list === undefined)
    return [warn('encoders', 'ffmpeg did not list its encoders in 20 s', 'run doctor again when the host is less busy')]
  const encoders = new Set([...list.matchAll(/^ [A-Z.]{6} (\S+)/gm)].map(([, name]) => name))
  const missing = Object.entries(needed).filter(([name]) => !encoders.has(name))
  if (missing.length === 0) return [ok('encoders', `${Object.keys(needed).join(' and ')} are there`)]
  return missing.map(([name, use]) =>
    fail(
      'encoders',
      `ffmpeg has no ${name}, which is needed for ${use}`,
      `install an ffmpeg with ${name}, as Debian's`,
    ),
  )
}
