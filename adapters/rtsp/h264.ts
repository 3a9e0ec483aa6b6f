import type { Codec } from './codec.js'
import { type AccessUnit, createJoiner, type Depacketiser, type Packetisation } from './depacketiser.js'
import { parameterSetId } from './sps.js'

/** Types of NAL units (ITU-T H.264 table 7-1; 24 and 28: RFC 6184). */
const IDR = 5
const SEI = 6
export const SPS = 7
export const PPS = 8
const STAP_A = 24
const FU_A = 28
/** Type of an SEI message: the picture is whole from here, or after some more pictures. */
const RECOVERY_POINT = 6

/** Returns the type of a NAL unit. */
export const typeOf = (unit: Uint8Array): number => (unit[0] ?? 0) & 0x1f

const isSlice = (unit: Uint8Array): boolean => typeOf(unit) >= 1 && typeOf(unit) <= IDR

/** RFC 6184, packetization-mode 0 and 1. */
const packetisation: Packetisation = {
  headerLength: 1,
  kindOf: (payload) => {
    const type = typeOf(payload)
    if (type === FU_A) return 'fragment'
    if (type === STAP_A) return 'aggregate'
    return type > 0 && type < STAP_A ? 'unit' : 'other'
  },
  headerOf: ([indicator = 0, header = 0]) => Buffer.from([(indicator & 0xe0) | (header & 0x1f)]),
  isSlice,
  // `first_mb_in_slice` is 0: a single set bit.
  isFirstSlice: (unit) => isSlice(unit) && ((unit[1] ?? 0) & 0x80) !== 0,
}

/** Joins RTP packets of H.264 to access units; by default of at most 8 MiB. */
export const createDepacketiser = (
  onAccessUnit: (unit: AccessUnit, timestamp: number) => void,
  maxBytes?: number,
): Depacketiser => createJoiner(packetisation, onAccessUnit, maxBytes)

/** True for an IDR picture whose first slice begins with the first macroblock: its beginning is not missing. */
export function isWholeIdr(unit: AccessUnit): boolean {
  const first = unit.find(isSlice)
  return first !== undefined && typeOf(first) === IDR && packetisation.isFirstSlice(first)
}

/** True for a picture from which the stream can be decoded, but that is not whole alone (intra refresh, open GOP). */
const isRefresh = (unit: AccessUnit): boolean =>
  !unit.some((nal) => typeOf(nal) === IDR) && unit.some((nal) => typeOf(nal) === SEI && nal[1] === RECOVERY_POINT)

export const h264: Codec = {
  name: 'h264',
  createDepacketiser,
  sets: [SPS, PPS],
  typeOf,
  setIdOf: parameterSetId,
  isKeyframe: isWholeIdr,
  isKeySlice: (unit) => typeOf(unit) === IDR,
  isRefresh,
}
