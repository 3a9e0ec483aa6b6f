import { type FileHandle, open } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { boxHeader, find } from './boxes.js'
import { fragmentTimes, movieDuration, samplesOf, type Track, type TrackContent, tracksOf } from './mp4Boxes.js'

/** What an MP4 file says about itself. */
export interface Mp4 {
  /** Milliseconds: from the header if it is final, otherwise the sum of the complete parts. */
  duration: number
  /** True if the header holds the duration: the file was closed properly. */
  complete: boolean
  /** True if a player finds any time with the header alone: it lists all samples, or an index of the parts follows. */
  indexed: boolean
}

const MAX_HEADER = 4_000_000
/** The header of a long file without parts lists millions of samples: it is read whole only to count them. */
const MAX_COUNTED = 64_000_000
const SMALL_HEADER = 65_536
/** Usual size of a part's header and the header of its data. */
const AHEAD = 4096
/** A part is known again by so many bytes of its header: they hold its number and its times. */
const MARK = 256

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

/** The walks over files that were not closed, by path: the next one goes on where the last one ended. */
const walks = new LRUCache<string, Walk>({ max: 512 })

/** `countsAll`: also reads the parts of a file whose header holds the duration. */
async function contentOf(file: string, countsAll = false): Promise<Content> {
  const handle = await open(file, 'r')
  try {
    if (countsAll) return await walk(handle, newWalk(), countsAll)
    const known = walks.get(file)
    const started = known && (await isSameFile(handle, known)) ? copyOf(known) : newWalk()
    const content = await walk(handle, started, countsAll)
    if (content.mp4?.complete === false && started.head && started.lastPart && started.mayGrow) walks.set(file, started)
    else walks.delete(file)
    return content
  } finally {
    await handle.close()
  }
}

interface Piece {
  at: number
  bytes: Buffer
}

/** What is known of a file up to `offset`. */
interface Walk {
  offset: number
  tracks: Map<number, Track>
  /** Seconds. */
  first: number
  last: number
  counts: Map<number, number>
  total: number
  largestPart: number
  indexed: boolean
  hasHeader: boolean
  isSure: boolean
  /** False: a box reaches to the end of the file, wherever that is. */
  mayGrow: boolean
  inode: number
  /** The header of the file as it was understood; it is written again when the file is closed. */
  head?: Piece
  /** The header of the last whole part. */
  lastPart?: Piece
}

const newWalk = (): Walk => ({
  offset: 0,
  tracks: new Map(),
  first: Number.POSITIVE_INFINITY,
  last: 0,
  counts: new Map(),
  total: 0,
  largestPart: 0,
  indexed: false,
  hasHeader: false,
  isSure: true,
  mayGrow: true,
  inode: 0,
})
/** Looks at one file may overlap. */
const copyOf = (walk: Walk): Walk => ({ ...walk, counts: new Map(walk.counts) })

/** False if the file was replaced, closed, cut or written anew since the walk. */
async function isSameFile(handle: FileHandle, { inode, offset, head, lastPart }: Walk): Promise<boolean> {
  const { ino, size } = await handle.stat()
  if (ino !== inode || size < offset || !head || !lastPart) return false
  for (const { at, bytes } of [head, lastPart]) if (!bytes.equals(await readAt(handle, at, bytes.length))) return false
  return true
}

/** Goes on from the offset of the walk, and notes in it how far it came. */
async function walk(handle: FileHandle, walked: Walk, countsAll: boolean): Promise<Content> {
  const { size: end, ino } = await handle.stat()
  walked.inode = ino
  const tracksNow = (): TrackContent[] =>
    [...walked.tracks].map(([id, { codec, hasParameterSets }]) => ({
      codec,
      hasParameterSets,
      samples: walked.counts.get(id) ?? 0,
    }))
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

  while (walked.offset < end) {
    const { offset, largestPart } = walked
    const header = boxHeader(await at(offset, 16))
    if (!header) break
    if (header.size === 0) walked.mayGrow = false
    const size = header.size === 0 ? end - offset : header.size
    const body = () => at(offset + header.header, size - header.header)
    if (header.type === 'moov') {
      if (offset + size <= end && size > SMALL_HEADER && !countsAll) {
        const { duration, hasParts } = await outline(at, offset + header.header, offset + size)
        if (duration > 0 && !hasParts)
          return { mp4: { duration, complete: true, indexed: true }, media: 'some', tracks: [], largestPart }
      }
      const most = countsAll ? MAX_COUNTED : MAX_HEADER
      if (offset + size <= end && size > most) walked.isSure = false
      if (offset + size > end || size > most) break
      const moov = Buffer.from(await body())
      const duration = movieDuration(moov)
      if (duration === undefined) break
      // Without parts, the header itself lists the frames.
      const hasParts = find(moov, 'mvex') !== undefined
      walked.tracks = new Map([...walked.tracks, ...tracksOf(moov)])
      if (!hasParts) for (const [id, samples] of samplesOf(moov)) walked.counts.set(id, samples)
      if (duration > 0 && !(countsAll && hasParts)) {
        const next = boxHeader(await at(offset + size, 16))
        const mp4 = { duration, complete: true, indexed: !hasParts || next?.type === 'sidx' }
        return { mp4, media: 'some', tracks: tracksNow(), largestPart }
      }
      if (!hasParts) walked.isSure = false
      walked.hasHeader = true
      if (size <= SMALL_HEADER) walked.head = { at: offset + header.header, bytes: moov }
    } else if (header.type === 'sidx') {
      walked.indexed = true
    } else if (header.type === 'moof' && size > MAX_HEADER) {
      walked.isSure = false
    } else if (header.type === 'moof') {
      const moof = Buffer.from(await body())
      const times = fragmentTimes(moof, walked.tracks)
      // A part without all its data was cut off.
      const data = boxHeader(await at(offset + size, 16))
      if (!data || offset + size + data.size > end) break
      walked.first = Math.min(walked.first, times.first)
      walked.last = Math.max(walked.last, times.last)
      for (const [id, samples] of times.samples) {
        walked.counts.set(id, (walked.counts.get(id) ?? 0) + samples)
        walked.total += samples
        walked.largestPart = Math.max(walked.largestPart, samples)
      }
      walked.lastPart = { at: offset + header.header, bytes: moof.subarray(0, MARK) }
    }
    walked.offset += size
  }
  const { hasHeader, isSure, total, first, last, indexed, largestPart } = walked
  const media = !isSure ? 'unknown' : hasHeader && total > 0 ? 'some' : 'none'
  const content = { media, tracks: tracksNow(), largestPart } as const
  if (!hasHeader) return content
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
