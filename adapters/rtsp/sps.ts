/** The content of a sequence parameter set: H.264 (ITU-T H.264 7.3.2.1.1) or H.265 (ITU-T H.265 7.3.2.2). */
export interface Sps {
  /** Size of the picture after cropping. */
  width: number
  height: number
  /** `profile_idc`: 66 baseline, 77 main, 100 high; of H.265 1 main, 2 main 10. */
  profile: number
  /** `3.1`. */
  level: string
}

/** What an SPS says of the order and rate of the pictures, as far as it does. */
export interface Timing {
  /** Frames per second. */
  fps?: number
  /** Pictures are shown in another order than they are sent: there are B-frames. */
  reorders?: boolean
}

/** Profiles whose SPS holds the chroma format. */
const withChroma = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

/** `unit` is the whole NAL unit without start code. Returns `undefined` if it is no valid SPS. */
export const parseH264Sps = (unit: Uint8Array): Sps | undefined => attempt(unit, 1, (bits) => readH264Sps(bits).sps)

export const parseH265Sps = (unit: Uint8Array): Sps | undefined => attempt(unit, 2, (bits) => readH265Sps(bits).sps)

/** Returns what the SPS says of time. Empty if it says nothing, or is not valid. */
export const h264Timing = (unit: Uint8Array): Timing =>
  attempt(unit, 1, (bits) => {
    const { sps, orderType } = readH264Sps(bits)
    const timing = bits.u(1) ? readVui(bits) : {}
    // The baseline profile and the order type 2 allow no B-frames.
    return sps.profile === 66 || orderType === 2 ? { ...timing, reorders: false } : timing
  }) ?? {}

export const h265Timing = (unit: Uint8Array): Timing =>
  attempt(unit, 2, (bits) => ({ reorders: readH265Sps(bits).reorders(bits) })) ?? {}

/** Returns `seq_parameter_set_id` of an SPS or `pic_parameter_set_id` of a PPS (H.264). */
export const parameterSetId = (unit: Uint8Array): number | undefined => {
  const isSps = ((unit[0] ?? 0) & 0x1f) === 7
  return attempt(unit, isSps ? 4 : 1, (bits) => bits.ue())
}

/** Returns the number of a VPS, SPS or PPS of H.265. */
export const parameterSetId265 = (unit: Uint8Array): number | undefined => {
  const type = ((unit[0] ?? 0) >> 1) & 0x3f
  if (type === 32) return attempt(unit, 2, (bits) => bits.u(4))
  return attempt(unit, 2, (bits) => {
    if (type === 33) readProfile(bits)
    return bits.ue()
  })
}

function readH264Sps(bits: Bits): { sps: Sps; orderType: number } {
  const profile = bits.u(8)
  const constraints = bits.u(8)
  const level = bits.u(8)
  bits.ue()
  let chroma = 1
  let separatePlanes = false
  if (withChroma.has(profile)) {
    chroma = bits.ue()
    if (chroma === 3) separatePlanes = bits.u(1) === 1
    bits.ue()
    bits.ue()
    bits.u(1)
    if (bits.u(1)) skipScalingLists(bits, chroma === 3 ? 12 : 8)
  }
  bits.ue()
  const orderType = readOrderType(bits)
  bits.ue()
  bits.u(1)
  const columns = bits.ue() + 1
  const rows = bits.ue() + 1
  const frameOnly = bits.u(1)
  if (!frameOnly) bits.u(1)
  bits.u(1)
  const crop = readCrop(bits)
  const plain = chroma === 0 || separatePlanes
  const cropX = plain || chroma === 3 ? 1 : 2
  const cropY = (plain || chroma !== 1 ? 1 : 2) * (2 - frameOnly)
  // The older profiles write level 1b as 1.1 with a constraint flag.
  const is1b = level === 11 && (constraints & 0x10) !== 0 && !withChroma.has(profile)
  const sps = {
    width: columns * 16 - crop.x * cropX,
    height: rows * 16 * (2 - frameOnly) - crop.y * cropY,
    profile,
    level: is1b ? '1b' : (level / 10).toFixed(1),
  }
  return { sps, orderType }
}

/** Reads the video usability information (H.264 annex E.1.1). */
function readVui(bits: Bits): Timing {
  if (bits.u(1) && bits.u(8) === 255) bits.skip(32)
  if (bits.u(1)) bits.skip(1)
  if (bits.u(1)) {
    bits.skip(4)
    if (bits.u(1)) bits.skip(24)
  }
  if (bits.u(1)) {
    bits.ue()
    bits.ue()
  }
  const [units, scale] = bits.u(1) ? [bits.u(32), bits.u(32), bits.skip(1)] : [0, 0]
  // One frame has two ticks. Some cameras write nonsense.
  const rate = units > 0 ? Math.round((scale / units / 2) * 100) / 100 : 0
  const fps = rate > 0 && rate <= 240 ? { fps: rate } : {}
  const hasNal = bits.u(1) === 1 && skipHrd(bits)
  const hasVcl = bits.u(1) === 1 && skipHrd(bits)
  if (hasNal || hasVcl) bits.skip(1)
  bits.skip(1)
  if (!bits.u(1)) return fps
  bits.skip(1)
  for (let n = 0; n < 4; n++) bits.ue()
  return { ...fps, reorders: bits.ue() > 0 }
}

function skipHrd(bits: Bits): true {
  const count = bits.ue() + 1
  bits.skip(8)
  for (let n = 0; n < count; n++) {
    bits.ue()
    bits.ue()
    bits.skip(1)
  }
  bits.skip(20)
  return true
}

/** Reads the beginning of an SPS of H.265, up to its number. */
function readProfile(bits: Bits): { profile: number; level: number; layers: number } {
  bits.u(4)
  const layers = bits.u(3)
  bits.u(1)
  const profile = bits.u(8) & 0x1f
  bits.skip(80)
  const level = bits.u(8)
  const present = Array.from({ length: layers }, () => ({ profile: bits.u(1), level: bits.u(1) }))
  if (layers > 0) bits.skip(2 * (8 - layers))
  for (const layer of present) bits.skip(88 * layer.profile + 8 * layer.level)
  return { profile, level, layers }
}

function readH265Sps(bits: Bits): { sps: Sps; reorders: (rest: Bits) => boolean } {
  const { profile, level, layers } = readProfile(bits)
  bits.ue()
  const chroma = bits.ue()
  const separatePlanes = chroma === 3 && bits.u(1) === 1
  const width = bits.ue()
  const height = bits.ue()
  const crop = readCrop(bits)
  const cropX = !separatePlanes && (chroma === 1 || chroma === 2) ? 2 : 1
  const cropY = !separatePlanes && chroma === 1 ? 2 : 1
  const sps = {
    width: width - crop.x * cropX,
    height: height - crop.y * cropY,
    profile,
    level: (level / 30).toFixed(1),
  }
  return { sps, reorders: (rest) => readsReordering(rest, layers) }
}

/** Reads what follows the size: whether a layer has pictures that are reordered. */
function readsReordering(bits: Bits, layers: number): boolean {
  bits.ue()
  bits.ue()
  bits.ue()
  const count = bits.u(1) ? layers + 1 : 1
  const depths = Array.from({ length: count }, () => [bits.ue(), bits.ue(), bits.ue()][1] ?? 0)
  return depths.some((depth) => depth > 0)
}

function readCrop(bits: Bits): { x: number; y: number } {
  if (!bits.u(1)) return { x: 0, y: 0 }
  const [left, right, top, bottom] = [bits.ue(), bits.ue(), bits.ue(), bits.ue()]
  return { x: left + right, y: top + bottom }
}

function skipScalingLists(bits: Bits, count: number): void {
  for (let list = 0; list < count; list++) {
    if (!bits.u(1)) continue
    let last = 8
    // A `next` of 0 means that the rest of the list repeats the last value.
    for (let n = 0; n < (list < 6 ? 16 : 64); n++) {
      const next = (last + bits.se() + 256) % 256
      if (next === 0) break
      last = next
    }
  }
}

/** Returns `pic_order_cnt_type`, and skips what follows it. */
function readOrderType(bits: Bits): number {
  const type = bits.ue()
  if (type === 0) bits.ue()
  if (type !== 1) return type
  bits.u(1)
  bits.se()
  bits.se()
  for (let left = bits.ue(); left > 0; left--) bits.se()
  return type
}

interface Bits {
  u(count: number): number
  ue(): number
  se(): number
  skip(count: number): void
}

class EndOfBits extends Error {}

/**
 * Returns a reader for the bits of `unit` after `from` bytes. Removes the emulation prevention bytes (00 00 **03**).
 */
function bitsOf(unit: Uint8Array, from: number): Bits {
  const bytes = unit
    .subarray(from)
    .filter((byte, n, all) => !(byte === 3 && n >= 2 && all[n - 1] === 0 && all[n - 2] === 0))
  let at = 0
  const bit = (): number => {
    const byte = bytes[at >> 3]
    if (byte === undefined) throw new EndOfBits()
    return (byte >> (7 - (at++ & 7))) & 1
  }
  const u = (count: number): number => {
    let value = 0
    for (let n = 0; n < count; n++) value = value * 2 + bit()
    return value
  }
  const ue = (): number => {
    let zeros = 0
    while (bit() === 0) if (++zeros > 31) throw new EndOfBits()
    return 2 ** zeros - 1 + u(zeros)
  }
  const se = (): number => {
    const value = ue()
    return value % 2 === 1 ? (value + 1) / 2 : -value / 2
  }
  const skip = (count: number): void => {
    at += count
  }
  return { u, ue, se, skip }
}

function attempt<T>(unit: Uint8Array, headerLength: number, read: (bits: Bits) => T): T | undefined {
  try {
    return read(bitsOf(unit, headerLength))
  } catch (error) {
    if (error instanceof EndOfBits) return undefined
    throw error
  }
}
