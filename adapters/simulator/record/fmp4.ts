/** Fragmented MP4 (ISO 14496-12, 14496-15) of one H.264 track, in MediaMTX's layout. */

/** Ticks of one second. */
export const timescale = 90_000

/** One picture. */
export interface Sample {
  /** NAL units, each after its length. */
  data: Buffer
  /** In ticks of 1/90000 s. */
  duration: number
  /** From decoding to presentation, in ticks. */
  offset: number
  isKey: boolean
}

/** The parameter sets of the track, and its size in pixels. */
export interface TrackInit {
  sps: Uint8Array
  pps: Uint8Array
  width: number
  height: number
}

const u8 = (...values: number[]): Buffer => Buffer.from(values)
const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
/** Returns 32-bit numbers, big-endian. */
export const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [n, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * n)
  return bytes
}
const zeros = (count: number): Buffer => Buffer.alloc(count)

const box = (type: string, ...content: Uint8Array[]): Buffer => {
  const size = content.reduce((sum, { length }) => sum + length, 8)
  return Buffer.concat([u32(size), Buffer.from(type, 'latin1'), ...content], size)
}
/** `head`: the version in the upper 8 bits, and the flags. */
const fullBox = (type: string, head: number, ...content: Uint8Array[]): Buffer => box(type, u32(head), ...content)
const version1 = 0x1000000

const matrix = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

/** Returns `ftyp` and `moov`. The duration is 0; it is written later at `durationOffset`. */
export function initSegment(track: TrackInit): Buffer {
  const ftyp = box('ftyp', Buffer.from('mp42'), u32(1), Buffer.from('mp41mp42isomhlsf'))
  const times = u32(0, 0, 1000, 0)
  const mvhd = fullBox('mvhd', 0, times, u32(0x10000), u16(0x100), zeros(10), matrix, zeros(24), u32(0xffffffff))
  const trex = fullBox('trex', 0, u32(1, 1, 0, 0, 0))
  return Buffer.concat([ftyp, box('moov', mvhd, trak(track), box('mvex', trex))])
}

/**
 * Position of `mvhd.duration` (32 bits, milliseconds): after `ftyp` (32 bytes), the heads of `moov` and `mvhd`, the
 * version, two times and the timescale.
 */
export const durationOffset = 32 + 8 + 8 + 16

function trak(track: TrackInit): Buffer {
  const { width, height } = track
  const size = u32(width * 0x10000, height * 0x10000)
  const tkhd = fullBox('tkhd', 3, u32(0, 0, 1, 0, 0), zeros(16), matrix, size)
  const mdhd = fullBox('mdhd', 0, u32(0, 0, timescale, 0), u16(0x55c4), zeros(2))
  const hdlr = fullBox('hdlr', 0, u32(0), Buffer.from('vide'), zeros(12), Buffer.from('VideoHandler\0'))
  const dref = fullBox('dref', 0, u32(1), fullBox('url ', 1))
  const stbl = box(
    'stbl',
    fullBox('stsd', 0, u32(1), avc1(track)),
    fullBox('stts', 0, u32(0)),
    fullBox('stsc', 0, u32(0)),
    fullBox('stsz', 0, u32(0, 0)),
    fullBox('stco', 0, u32(0)),
  )
  const minf = box('minf', fullBox('vmhd', 1, zeros(8)), box('dinf', dref), stbl)
  return box('trak', tkhd, box('mdia', mdhd, hdlr, minf))
}

function avc1({ sps, pps, width, height }: TrackInit): Buffer {
  const profile = u8(1, sps[1] ?? 0, sps[2] ?? 0, sps[3] ?? 0, 0xff, 0xe1)
  const avcC = box('avcC', profile, u16(sps.length), sps, u8(1), u16(pps.length), pps)
  const resolution = u32(0x480000, 0x480000)
  const picture = [u16(width), u16(height), resolution, u32(0), u16(1), zeros(32), u16(0x18), u16(0xffff)]
  return box('avc1', zeros(6), u16(1), zeros(16), ...picture, avcC)
}

/** Returns one `moof` and `mdat`. `baseTime`: ticks from the start of the file to the first sample. */
export function part(sequence: number, baseTime: number, samples: readonly Sample[]): Buffer {
  const hasOffsets = samples.some(({ offset }) => offset !== 0)
  const rows = samples.map(({ data, duration, offset, isKey }) =>
    u32(duration, data.length, isKey ? 0 : 0x10000, ...(hasOffsets ? [offset] : [])),
  )
  const flags = 0x701 | (hasOffsets ? 0x800 : 0)
  const moof = (dataOffset: number): Buffer => {
    const tfhd = fullBox('tfhd', 0x20000, u32(1))
    const tfdt = fullBox('tfdt', version1, u32(Math.floor(baseTime / 2 ** 32), baseTime % 2 ** 32))
    const trun = fullBox('trun', version1 + flags, u32(samples.length, dataOffset), ...rows)
    return box('moof', fullBox('mfhd', 0, u32(sequence)), box('traf', tfhd, tfdt, trun))
  }
  const length = moof(0).length
  return Buffer.concat([moof(length + 8), box('mdat', ...samples.map(({ data }) => data))])
}
