import { type FileHandle, open } from 'node:fs/promises'
import { boxes, boxHeader, find, unsigned } from './boxes.js'

/** What an MP4 file says about itself. */
export interface Mp4 {
  /** Milliseconds: from the header if it is final, otherwise the sum of the complete parts. */
  duration: number
  /** True if the header holds the duration: the file was closed properly. */
  complete: boolean
  /** True if a player finds any time with the header alone: it lists all samples, or an index of the parts follows. */
  indexed: boolean
}

/** One track of a file. */
export interface TrackContent {
  /** The type of its sample entry: `avc1`, `hev1`, `mp4a` … */
  codec: string
  samples: number
  /** A sample entry of H.265 that contains all parameter sets, as `hvc1` requires. */
  hasParameterSets: boolean
}

interface Track extends Omit<TrackContent, 'samples'> {
  timescale: number
  /** Duration of samples that have none of their own. */
  sample: number
}

const MAX_HEADER = 4_000_000
/** The header of a long file without parts lists millions of samples: it is read whole only to count them. */
const MAX_COUNTED = 64_000_000
const SMALL_HEADER = 65_536
/** Usual size of a part's header and the header of its data. */
const AHEAD = 4096

interface Content {
  /** Absent: the file is no MP4 or has no header yet. */
  mp4?: Mp4
  /** Of all parts if they were counted. */
  tracks: TrackContent[]
  largestPart: number
  /** `unknown`: a part of the file was not understood. */
  media: 'some' | 'none' | 'unknown'
}

/** Resolves with `undefined` if the file is no MP4 or has no header yet. Rejects if it cannot be read. */
export const readMp4 = async (file: string): Promise<Mp4 | undefined> => (await contentOf(file)).mp4

/**
 * Resolves with the tracks of the file and the samples in its whole parts, in the order of the header, and with the
 * largest number of samples of one part. Reads the headers of all parts. Rejects if the file cannot be read.
 */
export async function readTracks(file: string): Promise<{ tracks: TrackContent[]; largestPart: number }> {
  const { tracks, largestPart } = await contentOf(file, true)
  return { tracks, largestPart }
}

/** Resolves with true if no frame in the file can be played, with false in doubt. Rejects if it cannot be read. */
export const hasNoMedia = async (file: string): Promise<boolean> => (await contentOf(file)).media === 'none'

async function contentOf(file: string, countsAll = false): Promise<Content> {
  const handle = await open(file, 'r')
  try {
    return await walk(handle, countsAll)
  } finally {
    await handle.close()
  }
}

/** `countsAll`: also reads the parts of a file whose header holds the duration. */
async function walk(handle: FileHandle, countsAll: boolean): Promise<Content> {
  const { size: end } = await handle.stat()
  const tracks = new Map<number, Track>()
  let first = Number.POSITIVE_INFINITY
  let last = 0
  let known = false
  let total = 0
  const counts = new Map<number, number>()
  let largestPart = 0
  let indexed = false
  let isSure = true
  const tracksNow = (): TrackContent[] =>
    [...tracks].map(([id, { codec, hasParameterSets }]) => ({ codec, hasParameterSets, samples: counts.get(id) ?? 0 }))
  // Each part takes one read: its header, its times and the header of its data.
  let window: Buffer = Buffer.alloc(0)
  let windowAt = 0
  const at = async (offset: number, length: number): Promise<Buffer> => {
    if (offset < windowAt || offset + length > windowAt + window.length) {
      window = await readAt(handle, offset, Math.max(length, AHEAD))
      windowAt = offset
    }
    return window.subarray(offset - windowAt, offset - windowAt + length)
  }

  for (let offset = 0; offset < end; ) {
    const header = boxHeader(await at(offset, 16))
    if (!header) break
    const size = header.size === 0 ? end - offset : header.size
    const body = () => at(offset + header.header, size - header.header)
    if (header.type === 'moov') {
      if (offset + size <= end && size > SMALL_HEADER && !countsAll) {
        const { duration, hasParts } = await outline(at, offset + header.header, offset + size)
        if (duration > 0 && !hasParts)
          return { mp4: { duration, complete: true, indexed: true }, media: 'some', tracks: [], largestPart }
      }
      const most = countsAll ? MAX_COUNTED : MAX_HEADER
      if (offset + size <= end && size > most) isSure = false
      if (offset + size > end || size > most) break
      const moov = Buffer.from(await body())
      const duration = movieDuration(moov)
      if (duration === undefined) break
      // Without parts, the header itself lists the frames.
      const hasParts = find(moov, 'mvex') !== undefined
      for (const [id, track] of tracksOf(moov)) tracks.set(id, track)
      if (!hasParts) for (const [id, samples] of samplesOf(moov)) counts.set(id, samples)
      if (duration > 0 && !(countsAll && hasParts)) {
        const next = boxHeader(await at(offset + size, 16))
        const mp4 = { duration, complete: true, indexed: !hasParts || next?.type === 'sidx' }
        return { mp4, media: 'some', tracks: tracksNow(), largestPart }
      }
      if (!hasParts) isSure = false
      known = true
    } else if (header.type === 'sidx') {
      indexed = true
    } else if (header.type === 'moof' && size > MAX_HEADER) {
      isSure = false
    } else if (header.type === 'moof') {
      const times = fragmentTimes(Buffer.from(await body()), tracks)
      // A part without all its data was cut off.
      const data = boxHeader(await at(offset + size, 16))
      if (!data || offset + size + data.size > end) break
      first = Math.min(first, times.first)
      last = Math.max(last, times.last)
      for (const [id, samples] of times.samples) {
        counts.set(id, (counts.get(id) ?? 0) + samples)
        total += samples
        largestPart = Math.max(largestPart, samples)
      }
    }
    offset += size
  }
  const media = !isSure ? 'unknown' : known && total > 0 ? 'some' : 'none'
  const content = { media, tracks: tracksNow(), largestPart } as const
  if (!known) return content
  return {
    ...content,
    mp4: { duration: last > first ? Math.round((last - first) * 1000) : 0, complete: false, indexed },
  }
}

/** Reads the duration of a large header, and whether parts follow it, without the lists of its tracks. */
async function outline(at: (offset: number, length: number) => Promise<Buffer>, from: number, end: number) {
  let duration = 0
  let hasParts = false
  for (let offset = from; offset < end; ) {
    const header = boxHeader(await at(offset, 16))
    if (!header || header.size === 0) break
    // `movieDuration` finds the box with its header.
    if (header.type === 'mvhd') duration = movieDuration(Buffer.from(await at(offset, header.size))) ?? 0
    if (header.type === 'mvex') hasParts = true
    offset += header.size
  }
  return { duration, hasParts }
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** Returns milliseconds, 0 if the file is not closed yet (all ones mean "unknown"), `undefined` without a header. */
function movieDuration(moov: Buffer): number | undefined {
  const mvhd = find(moov, 'mvhd')
  if (!mvhd || mvhd.length < 20) return undefined
  const long = mvhd[0] === 1
  const timescale = unsigned(mvhd, long ? 20 : 12)
  const ticks = unsigned(mvhd, long ? 24 : 16, long ? 8 : 4)
  if (!timescale || ticks === undefined || ticks >= (long ? 2 ** 63 : 2 ** 32 - 1)) return 0
  return Math.round((ticks / timescale) * 1000)
}

function tracksOf(moov: Buffer): [number, Track][] {
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
function samplesOf(moov: Buffer): [number, number][] {
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
function fragmentTimes(moof: Buffer, tracks: Map<number, Track>): PartTimes {
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

/** The first bytes of an MP4 hold its header. */
const headerRead = 65_536

/** True if the header holds the duration: the file was closed. Reads only the beginning. False if it is unreadable. */
export async function isFinal(file: string): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => undefined)
  if (!handle) return false
  try {
    const moov = find(await readAt(handle, 0, headerRead), 'moov')
    return moov !== undefined && (movieDuration(moov) ?? 0) > 0
  } catch {
    return false
  } finally {
    await handle.close()
  }
}
