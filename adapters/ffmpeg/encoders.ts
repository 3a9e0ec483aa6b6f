/** Finds out which H.264 encoders work on this host, by encoding one picture with each. */
import { readdir } from 'node:fs/promises'
import {
  type EncoderChoice,
  type Encoders,
  type EncoderWish,
  encoderLine,
  type HardwareEncoder,
  hardwareEncoders,
} from '../../machines/domain/encoder.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { unlessAborted } from '../wait.js'
import { deviceArgs, encoderArgs, uploadFilters } from './encoderArgs.js'
import { errorLines } from './endReason.js'
import { behindStreams, quiet, type Run, run } from './run.js'

/** Time limit of one program, in ms: a driver may hang. */
const limit = 5_000
/** A picture that all encoders take: some refuse smaller ones. */
const picture = 'testsrc=size=640x480:rate=30'
const codec = {
  profile: 'baseline',
  level: '3.1',
  pixelFormat: 'yuv420p',
  preset: 'ultrafast',
  bitrate: 1_000_000,
} as const

/** The device nodes without which an encoder cannot work: without them ffmpeg need not be started. */
const nodes: Record<HardwareEncoder, RegExp> = {
  h264_nvenc: /^(?:nvidia|dxg$)/,
  h264_vaapi: /^dri\/renderD128$/,
  h264_rkmpp: /^(?:mpp_service|vpu.service|rkvenc)$/,
  h264_v4l2m2m: /^video\d+$/,
}

/** Why an encoder does not work here. */
interface Obstacle {
  text: string
  /** It is there, but its test failed. */
  isFailure?: boolean
}

export interface EncodersOptions {
  runner?: Run
  /** Resolves with the names below /dev, as in `video0` and `dri/renderD128`. */
  devices?: () => Promise<string[]>
}

/** `close` ends the programs that run. */
export function createEncoders({ runner = run, devices = deviceNames }: EncodersOptions = {}): Encoders & {
  close(): void
} {
  const runs = behindStreams(runner)
  const closing = new AbortController()
  const options = { timeout: limit, signal: closing.signal }
  const none = { tested: new Map<HardwareEncoder, Promise<Obstacle | undefined>>() }
  let known: typeof none & { listed?: Promise<Set<string>> } = none

  const list = async (): Promise<Set<string>> => {
    const { stdout } = await runs('ffmpeg', ['-hide_banner', '-encoders'], options)
    return new Set([...stdout.matchAll(/^ [A-Z.]{6} (\S+)/gm)].map(([, name = '']) => name))
  }
  /** Resolves with why the encoder does not work here; `undefined` if it works. */
  const test = async (encoder: HardwareEncoder, listed: () => Promise<Set<string>>): Promise<Obstacle | undefined> => {
    const missing = { text: `this host has no device for ${encoder}` }
    if (!(await devices()).some((name) => nodes[encoder].test(name))) return missing
    try {
      if (!(await listed()).has(encoder)) return { text: `this ffmpeg has no ${encoder}` }
      const { code, stderr } = await runs('ffmpeg', testArgs(encoder), options)
      if (code === 0) return undefined
      // V4L2 gives cameras and encoders the same names.
      if (encoder === 'h264_v4l2m2m' && /Could not find a valid device/.test(stderr)) return missing
      const [line = `exit status ${code}`] = errorLines(stderr)
      return { text: `${encoder} failed its test: ${encoderLine(line)}`, isFailure: true }
    } catch (error) {
      return { text: `${encoder} failed its test: ${reasonOf(error)}`, isFailure: true }
    }
  }
  const fault = (encoder: HardwareEncoder): Promise<Obstacle | undefined> => {
    const now = known
    const listed = () => {
      now.listed ??= list()
      return now.listed
    }
    const before = now.tested.get(encoder)
    if (before) return before
    const result = test(encoder, listed)
    now.tested.set(encoder, result)
    return result
  }
  const find = async (wish: EncoderWish): Promise<EncoderChoice> => {
    if (wish === 'libx264') return { encoder: wish, reason: 'the configuration selects it' }
    const faults: Obstacle[] = []
    // One after the other: the first ones are the best, and cameras already stream.
    for (const encoder of wish === 'auto' ? hardwareEncoders : [wish]) {
      const found = await fault(encoder)
      if (found === undefined) return { encoder, reason: 'this host encodes with it' }
      faults.push(found)
    }
    const failures = faults.filter(({ isFailure }) => isFailure)
    if (wish === 'auto' && failures.length === 0)
      return { encoder: 'libx264', reason: 'this host has no hardware encoder' }
    const told = failures.length > 0 ? failures : faults
    return { encoder: 'libx264', reason: told.map(({ text }) => text).join('; ') }
  }

  return {
    choose: (wish, signal) => unlessAborted(find(wish), signal),
    forget() {
      known = { tested: new Map() }
    },
    close: () => closing.abort(new Error('the service is stopping')),
  }
}

/** The arguments that encode one picture as a stream would be encoded, and drop the result. */
function testArgs(encoder: HardwareEncoder): string[] {
  const filters = uploadFilters(encoder)
  return [
    ...[...quiet, ...deviceArgs(encoder), '-f', 'lavfi', '-i', picture, '-map', '0:v:0', '-frames:v', '1'],
    ...(filters.length > 0 ? ['-vf', filters.join(',')] : []),
    ...[...encoderArgs(encoder, codec, 30), '-f', 'null', '-'],
  ]
}

async function deviceNames(): Promise<string[]> {
  const [plain, graphics] = await Promise.all(['/dev', '/dev/dri'].map((dir) => readdir(dir).catch(() => [])))
  return [...(plain ?? []), ...(graphics ?? []).map((name) => `dri/${name}`)]
}
