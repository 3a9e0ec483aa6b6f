/** The content of the boxes of an MP4 (ISO 14496-12) that its duration and its numbers of frames depend on. */
import { boxes, find, unsigned } from './boxes.js'

/** One track of a file. */
export interface TrackContent {
  /** The type of its sample entry: `avc1`, `hev1`, `mp4a` … */
  codec: string
  samples: number
  /** A sample entry of H.265 that contains all parameter sets, as `hvc1` requires. */
  hasParameterSets: boolean
}

export interface Track extends Omit<TrackContent, 'samples'> {
  timescale: number
  /** Duration of samples that have none of their own. */
  sample: number
}

/** Returns milliseconds, 0 if the file is not closed yet (all ones mean "unknown"), `undefined` without a header. */
export function movieDuration(moov: Buffer): number | undefined {
  const mvhd = find(moov, 'mvhd')
  if (!mvhd || mvhd.length < 20) return undefined
  const long = mvhd[0] === 1
  const timescale = unsigned(mvhd, long ? 20 : 12)
  const ticks = unsigned(mvhd, long ? 24 : 16, long ? 8 : 4)
  if (!timescale || ticks === undefined || ticks >= (long ? 2 ** 63 : 2 ** 32 - 1)) return 0
  return Math.round((ticks / timescale) * 1000)
}

export function tracksOf(moov: Buffer): [number, Track][] {
  const samples = new Map<number, number>()
  for (const { type, body } of boxes(find(moov, 'mvex') ?? Buffer.alloc(0))) {
    if (type === 'trex') samples.set(unsigned(body, 4) ?? 0, unsigned(body, 12) ?? 0)
  }
  return [...boxes(moov)].flatMap(({ type, body }): [number, Track][] => {
    const tkhd = type === 'trak' ? find(body, 'tkhd') : undefined
    const mdhd = type === 'trak' ? find(body, 'mdia', 'mdhd') : undefined
    const id = tkhd && unsigned(tkhd, tkhd[0] === 1 ? 20 : 12)
    const timescale = mdhd && unsigned(mdhd, mdhd[0] === 1 ? 20 : 12)
    return id && timescale ? [[id, { timescale, sample: samples.get(id) ?? 0, ...codecOf(body) }]] : []
  })
}

/** The first sample entry of a track. */
function codecOf(trak: Buffer): Pick<Track, 'codec' | 'hasParameterSets'> {
  const entry = find(trak, 'mdia', 'minf', 'stbl', 'stsd')?.subarray(8) ?? Buffer.alloc(0)
  const at = entry.indexOf('hvcC')
  // The last byte before the arrays is their number: of VPS, SPS and PPS.
  const arrays = at < 0 ? 0 : (entry[at + 4 + 22] ?? 0)
  return { codec: entry.toString('latin1', 4, 8), hasParameterSets: arrays >= 3 }
}

/** The numbers of samples that the header itself lists, by track. */
export function samplesOf(moov: Buffer): [number, number][] {
  return [...boxes(moov)].flatMap(({ type, body }): [number, number][] => {
    const tkhd = type === 'trak' ? find(body, 'tkhd') : undefined
    const stsz = type === 'trak' ? find(body, 'mdia', 'minf', 'stbl', 'stsz') : undefined
    const id = tkhd && unsigned(tkhd, tkhd[0] === 1 ? 20 : 12)
    return id && stsz ? [[id, unsigned(stsz, 8) ?? 0]] : []
  })
}

interface PartTimes {
  first: number
  last: number
  /** By track. */
  samples: Map<number, number>
}

/** Returns the earliest start and the latest end of the tracks in a part, in seconds, and the numbers of its frames. */
export function fragmentTimes(moof: Buffer, tracks: Map<number, Track>): PartTimes {
  let first = Number.POSITIVE_INFINITY
  let last = 0
  const samples = new Map<number, number>()
  for (const { type, body } of boxes(moof)) {
    if (type !== 'traf') continue
    const tfhd = find(body, 'tfhd')
    const id = (tfhd && unsigned(tfhd, 4)) ?? 0
    for (const run of boxes(body))
      if (run.type === 'trun') samples.set(id, (samples.get(id) ?? 0) + (unsigned(run.body, 4) ?? 0))
    const tfdt = find(body, 'tfdt')
    const track = tfhd && tracks.get(unsigned(tfhd, 4) ?? 0)
    if (!tfhd || !tfdt || !track) continue
    const start = unsigned(tfdt, 4, tfdt[0] === 1 ? 8 : 4) ?? 0
    let ticks = 0
    for (const run of boxes(body))
      if (run.type === 'trun') ticks += runTicks(run.body, sampleDuration(tfhd) ?? track.sample)
    first = Math.min(first, start / track.timescale)
    last = Math.max(last, (start + ticks) / track.timescale)
  }
  return { first, last, samples }
}

const flagsOf = (box: Buffer): number => (unsigned(box, 0) ?? 0) & 0xffffff

function sampleDuration(tfhd: Buffer): number | undefined {
  const flags = flagsOf(tfhd)
  return flags & 0x8 ? unsigned(tfhd, 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0)) : undefined
}

function runTicks(trun: Buffer, each: number): number {
  const flags = flagsOf(trun)
  const count = unsigned(trun, 4) ?? 0
  if (!(flags & 0x100)) return count * each
  const bytes = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length * 4
  let offset = 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0)
  let ticks = 0
  for (let i = 0; i < count && offset + 4 <= trun.length; i++, offset += bytes) ticks += unsigned(trun, offset) ?? 0
  return ticks
}
