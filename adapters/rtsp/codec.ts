import type { KeyframeCodec } from '../../machines/domain/mediaServer.js'
import type { AccessUnit, Depacketiser } from './depacketiser.js'

/** A codec whose keyframes can be taken from the stream. */
export interface Codec {
  /** The name of its raw format in ffmpeg. */
  name: KeyframeCodec
  createDepacketiser(onAccessUnit: (unit: AccessUnit, timestamp: number) => void, maxBytes?: number): Depacketiser
  /** The types of the parameter sets, in the order of decoding. */
  sets: readonly number[]
  typeOf(unit: Uint8Array): number
  /** Returns the number of a parameter set. */
  setIdOf(unit: Uint8Array): number | undefined
  /** True for a picture that can be decoded alone, and whose beginning is not missing. */
  isKeyframe(unit: AccessUnit): boolean
  isKeySlice(unit: Uint8Array): boolean
  /** True for a picture from which a decoder recovers after some more pictures. */
  isRefresh(unit: AccessUnit): boolean
}
