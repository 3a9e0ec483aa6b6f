import type { Codec } from './codec.js'
import { type Depacketiser, type RtpPacket, toAnnexB } from './depacketiser.js'
import { h264 } from './h264.js'
import { h265 } from './h265.js'

/** Names of the codecs in descriptions → how to find their keyframes. */
export const codecs: Readonly<Record<string, Codec>> = { H264: h264, H265: h265, HEVC: h265 }

export interface FinderEvents {
  /** `picture`: Annex B behind its parameter sets. */
  onKeyframe(picture: Buffer, timestamp: number): void
  /** A picture from which a decoder can begin, but that is not whole alone. */
  onRefresh?(): void
  /** Any picture. */
  onPicture?(timestamp: number, sets: readonly Uint8Array[]): void
}

/**
 * Finds the pictures that can be decoded alone. `known` are the parameter sets of the description; those of the stream
 * replace them.
 */
export function createKeyframeFinder(
  codec: Codec,
  known: readonly Uint8Array[],
  { onKeyframe, onRefresh, onPicture }: FinderEvents,
): Depacketiser {
  const sets = new Map<string, Uint8Array>()
  const isSet = (unit: Uint8Array): boolean => codec.sets.includes(codec.typeOf(unit))
  const remember = (unit: Uint8Array): void => {
    const id = codec.setIdOf(unit)
    if (id !== undefined && id < 256) sets.set(`${codec.typeOf(unit)}:${id}`, unit)
  }
  const ofType = (type: number): Uint8Array[] => [...sets.values()].filter((unit) => codec.typeOf(unit) === type)
  known.filter(isSet).forEach(remember)
  return codec.createDepacketiser((unit, timestamp) => {
    const own = unit.filter(isSet)
    own.forEach(remember)
    onPicture?.(timestamp, own)
    const inOrder = codec.sets.map(ofType)
    if (inOrder.some((list) => list.length === 0)) return
    if (codec.isKeyframe(unit))
      onKeyframe(toAnnexB([...inOrder.flat(), ...unit.filter((nal) => codec.isKeySlice(nal))]), timestamp)
    else if (codec.isRefresh(unit)) onRefresh?.()
  })
}

/** Returns the first keyframe: `push` and `flush` return it from the packet on that completes it. */
export function createKeyframeCatcher(known: readonly Uint8Array[] = [], codec: Codec = h264) {
  let caught: Buffer | undefined
  const finder = createKeyframeFinder(codec, known, { onKeyframe: (picture) => (caught ??= picture) })
  return {
    push: (packet: RtpPacket): Buffer | undefined => {
      finder.push(packet)
      return caught
    },
    flush: (): Buffer | undefined => {
      finder.flush()
      return caught
    },
  }
}
