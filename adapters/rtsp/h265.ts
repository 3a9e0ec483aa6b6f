import type { Codec } from './codec.js'
import type { AccessUnit, Packetisation } from './depacketiser.js'
import { createJoiner } from './depacketiser.js'
import { parameterSetId265 } from './sps.js'

/** Types of NAL units (ITU-T H.265 table 7-1; 48 and 49: RFC 7798). */
const [firstIrap, lastIrap] = [16, 21]
const lastSlice = 31
const [VPS, SPS, PPS] = [32, 33, 34]
const AGGREGATE = 48
const FRAGMENT = 49

const typeOf = (unit: Uint8Array): number => ((unit[0] ?? 0) >> 1) & 0x3f
const isIrap = (unit: Uint8Array): boolean => typeOf(unit) >= firstIrap && typeOf(unit) <= lastIrap
const isSlice = (unit: Uint8Array): boolean => typeOf(unit) <= lastSlice
/** `first_slice_segment_in_pic_flag`. */
const isFirstSlice = (unit: Uint8Array): boolean => isSlice(unit) && ((unit[2] ?? 0) & 0x80) !== 0

/** RFC 7798 without decoding order numbers, which no camera sends over TCP. */
const packetisation: Packetisation = {
  headerLength: 2,
  kindOf: (payload) => {
    const type = typeOf(payload)
    if (type === FRAGMENT) return 'fragment'
    if (type === AGGREGATE) return 'aggregate'
    return type < AGGREGATE ? 'unit' : 'other'
  },
  headerOf: ([first = 0, second = 0, header = 0]) => Buffer.from([(first & 0x81) | ((header & 0x3f) << 1), second]),
  isSlice,
  isFirstSlice,
}

function isKeyframe(unit: AccessUnit): boolean {
  const first = unit.find(isSlice)
  return first !== undefined && isIrap(first) && isFirstSlice(first)
}

export const h265: Codec = {
  name: 'hevc',
  createDepacketiser: (onAccessUnit, maxBytes) => createJoiner(packetisation, onAccessUnit, maxBytes),
  sets: [VPS, SPS, PPS],
  typeOf,
  setIdOf: parameterSetId265,
  isKeyframe,
  isKeySlice: isIrap,
  isRefresh: () => false,
}
