/** The encoders of H.264: the one of x264, and those of hardware that ffmpeg knows. */
import { textForClients } from './mask.js'
import type { Reason } from './reason.js'

/** In the order in which `auto` tries them. */
export const hardwareEncoders = ['h264_nvenc', 'h264_vaapi', 'h264_rkmpp', 'h264_v4l2m2m'] as const

export type HardwareEncoder = (typeof hardwareEncoders)[number]
export type Encoder = 'libx264' | HardwareEncoder
/** `auto`: the first hardware encoder that works on this host, else libx264. */
export type EncoderWish = 'auto' | Encoder

export const isHardware = (encoder: Encoder | undefined): encoder is HardwareEncoder =>
  hardwareEncoders.some((name) => name === encoder)

/** An encoder, and why it was chosen: one sentence for people. */
export interface EncoderChoice {
  encoder: Encoder
  reason: string
}

/** Finds out which encoders work on this host. */
export interface Encoders {
  /**
   * Resolves with the encoder for the wish, libx264 if no other one works. Tests hardware encoders at the first call
   * and remembers the results. Rejects only when `signal` aborts; the test goes on for the other callers.
   */
  choose(wish: EncoderWish, signal: AbortSignal): Promise<EncoderChoice>
  /** The next choice tests again. */
  forget(): void
}

/** A hardware encoder that failed in the pipeline of a camera. */
export interface FailedEncoder {
  encoder: HardwareEncoder
  reason: Reason
}

/** The choice for a camera whose hardware encoder has failed. */
export function withoutHardware({ encoder, reason: { details, evidence } }: FailedEncoder): EncoderChoice {
  const line = typeof evidence?.line === 'string' ? encoderLine(evidence.line) : details
  return { encoder: 'libx264', reason: `${encoder} failed in the stream: ${line}` }
}

/** A line of ffmpeg without the name and address of the part that wrote it, and without paths. */
export const encoderLine = (line: string): string =>
  textForClients(line.replace(/^(?:\[[^\]]*\]\s*)+/, '')).slice(0, 160)
