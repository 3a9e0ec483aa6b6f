import { type FileHandle, open } from 'node:fs/promises'
import { boxes, boxHeader, find, unsigned } from './boxes.js'

/** What an MP4 file says about itself. */
export interface Mp4 {
  /** Milliseconds: from the header if it is final, otherwise the sum of the complete parts. */
  duration: number
  /** True if the header holds the duration: the file was closed properly. */
  complete: boolean
}

interface Track {
  timescale: number
  /** Duration of samples that have none of their own. */
  sample: number
}

const MAX_HEADER = 4_000_000
/** Usual size of a part's header and the header of its data. */
const AHEAD = 4096

interface Content {
  /** Absent: the file is no MP4 or has no header yet. */
  mp4?: Mp4
  /** `unknown`: a part of the file was not understood. */
  media: 'some' | 'none' | 'unknown'
}

/** Resolves with `undefined` if the file is no MP4 or has no header yet. Rejects if it cannot be read. */
export const readMp4 = async (file: string): Promise<Mp4 | undefined> => (await contentOf(file)).mp4

/** Resolves with true if no frame in the file can be played, with false in doubt. Rejects if it cannot be read. */
export const hasNoMedia = async (file: string): Promise<boolean> => (await contentOf(file)).media === 'none'

async function contentOf(file: string): Promise<Content> {
  const handle = await open(file, 'r')
  try {
    return await walk(handle)
  } finally {
    await handle.close()
  }
}

async function walk(handle: FileHandle): Promise<Content> {
  const { size: end } = await handle.stat()
  const tracks = new Map<number, Track>()
  let first = Number.POSITIVE_INFINITY
  let last = 0
  let known = false
  let samples = 0
  let isSure = true
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
      if (offset + size <= end && size > MAX_HEADER) isSure = false
      if (offset + size > end || size > MAX_HEADER) break
      const moov = await body()
      const duration = movieDuration(moov)
      if (duration === undefined) break
      if (duration > 0) return { mp4: { duration, complete: true }, media: 'some' }
      // Without parts, the header itself lists the frames.
      if (!find(moov, 'mvex')) isSure = false
      for (const [id, track] of tracksOf(moov)) tracks.set(id, track)
      known = true
    } else if (header.type === 'moof' && size > MAX_HEADER) {
      isSure = false
    } else if (header.type === 'moof') {
      const times = fragmentTimes(Buffer.from(await body()), tracks)
      // A part without all its data was cut off.
      const data = boxHeader(await at(offset + size, 16))
      if (!data || offset + size + data.size > end) break
      first = Math.min(first, times.first)
      last = Math.max(last, times.last)
      samples += times.samples
    }
    offset += size
  }
  const media = !isSure ? 'unknown' : known && samples > 0 ? 'some' : 'none'
  if (!known) return { media }
  return { mp4: { duration: last > first ? Math.round((last - first) * 1000) : 0, complete: false }, media }
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
    return id && timescale ? [[id, { timescale, sample: samples.get(id) ?? 0 }]] : []
  })
}

/** Returns the earliest start and the latest end of the tracks in a part, in seconds, and the number of its frames. */
function fragmentTimes(moof: Buffer, tracks: Map<number, Track>): { first: number; last: number; samples: number } {
  let first = Number.POSITIVE_INFINITY
  let last = 0
  let samples = 0
  for (const { type, body } of boxes(moof)) {
    if (type !== 'traf') continue
    for (const run of boxes(body)) if (run.type === 'trun') samples += unsigned(run.body, 4) ?? 0
    const tfhd = find(body, 'tfhd')
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
