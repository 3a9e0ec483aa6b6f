import { closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseRtp } from '../../rtsp/depacketiser.js'
import { createDepacketiser, isWholeIdr, PPS, SPS, typeOf } from '../../rtsp/h264.js'
import { parameterSetsOf } from '../../rtsp/sdp.js'
import { parseH264Sps } from '../../rtsp/sps.js'
import { microseconds } from '../clock.js'
import { milliseconds, parseSize } from '../config/duration.js'
import type { PathConf } from '../config/fields.js'
import { errorText } from '../errorText.js'
import type { Log } from '../log.js'
import type { Hooks } from '../paths/hooks.js'
import { countTracks, type Stream, type Track } from '../stream.js'
import { durationOffset, initSegment, part, type Sample, timescale, u32 } from './fmp4.js'
import { fileOf, momentOf, patternOf } from './naming.js'

/** What a recorder needs. */
export interface RecorderOptions {
  path: string
  stream: Stream
  conf: PathConf
  log: Log
  hooks: Pick<Hooks, 'segmentCreated' | 'segmentCompleted'>
}

/** Writes the H.264 track of a stream to files, from a keyframe on. The last file is final when `close` returns. */
export interface Recorder {
  close(): void
}

/** How long MediaMTX waits after an error before it starts the recorder again, in ms. */
const restartPause = 2000
/** How far the time of the stream may differ from the clock before a new file starts, in ms. */
const driftTolerance = 5000

/** The `profile_idc` of streams without reordering. */
const baseline = 66
/** How many pictures the others reorder: the default of common encoders. */
const reorderDepth = 2

/** Starts to record. Without a track that it can record it only logs a warning. */
export function createRecorder(options: RecorderOptions): Recorder {
  const { stream, conf, log } = options
  const track = stream.tracks.findIndex(({ section }) => section.codec === 'H264')
  const target = stream.tracks[track]
  for (const [n, { label }] of stream.tracks.entries())
    if (n !== track) log('WAR', `skipping track ${n + 1} (${label})`)
  if (!target || conf.recordFormat !== 'fmp4') {
    log(
      'WAR',
      target
        ? `format '${conf.recordFormat}' is not simulated, skipping recording`
        : 'no supported tracks found, skipping recording',
    )
    return { close: () => log('INF', 'recording stopped') }
  }
  log('INF', `recording ${countTracks([target.label])}`)

  let writer: Writer | undefined
  let pause: NodeJS.Timeout | undefined
  let detach = (): void => {}
  const start = (): void => {
    const present = createWriter(options, target)
    writer = present
    detach = stream.attach((number, rtcp, packet) => {
      if (number !== track || rtcp) return
      try {
        present.push(packet)
      } catch (error) {
        stop(error)
        pause = setTimeout(start, restartPause)
      }
    })
  }
  const stop = (reason?: unknown): void => {
    detach()
    if (reason !== undefined) log('ERR', errorText(reason))
    try {
      writer?.close(reason === undefined)
    } catch (error) {
      log('ERR', errorText(error))
    }
    writer = undefined
  }
  start()
  return {
    close: () => {
      clearTimeout(pause)
      stop()
      log('INF', 'recording stopped')
    },
  }
}

/** One access unit. The next one determines its duration. */
interface Unit {
  data: Buffer
  /** In ticks; does not wrap at the 32 bits of RTP. */
  pts: number
  dts: number
  isKey: boolean
  /** Microseconds since 1970. */
  arrived: number
}

interface Writer {
  push(packet: Buffer): void
  /** `whole`: pictures that wait for reordering are written too. */
  close(whole: boolean): void
}

/** Turns access units into samples, samples into parts and parts into segments. Throws the errors of the disk. */
function createWriter(options: RecorderOptions, track: Track): Writer {
  const { conf } = options
  const sets = parameterSetsOf(track.section)
  let sps = sets.find((unit) => typeOf(unit) === SPS) ?? Buffer.alloc(0)
  let pps = sets.find((unit) => typeOf(unit) === PPS) ?? Buffer.alloc(0)
  const segmentTicks = (milliseconds(conf.recordSegmentDuration) * timescale) / 1000
  let next: Unit | undefined
  let origin: Unit | undefined
  let segment: Segment | undefined

  const take = (unit: Unit): void => {
    const sample = next
    next = unit
    if (!sample) return
    origin ??= sample
    const drift = (unit.arrived - origin.arrived) / 1000 - ((unit.dts - origin.dts) / timescale) * 1000
    if (Math.abs(drift) > driftTolerance)
      throw new Error('detected drift between recording duration and absolute time, resetting')
    segment ??= createSegment(options, sample, { sps, pps })
    segment.write(sample, unit.dts - sample.dts)
    if (unit.isKey && unit.dts - segment.start >= segmentTicks) {
      const full = segment
      segment = undefined
      full.close()
    }
  }

  // Pictures arrive in the order of decoding. The baseline profile shows them in that order. Other profiles need a
  // delay, so that the n-th picture gets the n-th smallest time as its decoding time.
  const pending: Unit[] = []
  const times: number[] = []
  let latest = -Infinity
  const release = (depth: number): void => {
    for (const unit of pending.splice(0, pending.length - depth)) {
      unit.dts = Math.max(times.shift() ?? unit.pts, latest + 1)
      latest = unit.dts
      take(unit)
    }
  }
  const arrive = (unit: Unit): void => {
    if (latest === -Infinity && pending.length === 0 && !unit.isKey) return
    pending.push(unit)
    times.push(unit.pts)
    times.sort((a, b) => a - b)
    release(sps[1] === baseline ? 0 : reorderDepth)
  }

  let time: number | undefined
  const depacketiser = createDepacketiser((nals, timestamp) => {
    sps = nals.find((unit) => typeOf(unit) === SPS) ?? sps
    pps = nals.find((unit) => typeOf(unit) === PPS) ?? pps
    // The step from one time of RTP to the next is a signed number of 32 bits.
    const pts: number = time === undefined ? timestamp : time + ((timestamp - time) | 0)
    time = pts
    arrive({
      data: Buffer.concat(nals.flatMap((nal) => [u32(nal.length), nal])),
      pts,
      dts: pts,
      isKey: isWholeIdr(nals) && sps.length > 0 && pps.length > 0,
      arrived: microseconds(),
    })
  })
  return {
    push: (bytes) => {
      const packet = parseRtp(bytes)
      if (packet?.payloadType !== track.section.payloadType || packet.payload.length === 0) return
      depacketiser.push(packet)
      // As in MediaMTX, the marker ends the picture.
      if (packet.marker) depacketiser.flush()
    },
    close: (whole) => {
      try {
        if (whole) release(0)
      } finally {
        segment?.close()
      }
    },
  }
}

interface Segment {
  /** The time of its first sample, in ticks. */
  start: number
  write(unit: Unit, duration: number): void
  close(): void
}

/** One file. It is created when its first part is complete. */
function createSegment(
  { path, conf, hooks }: RecorderOptions,
  first: Unit,
  { sps, pps }: { sps: Buffer; pps: Buffer },
): Segment {
  const file = fileOf(patternOf(conf, path), momentOf(first.arrived))
  const partTicks = (milliseconds(conf.recordPartDuration) * timescale) / 1000
  const maxPartSize = parseSize(conf.recordMaxPartSize)
  const start = first.dts
  let descriptor: number | undefined
  let sequence = 0
  let end = start
  let samples: Sample[] = []
  let partStart = start
  let partSize = 0

  const writePart = (): void => {
    if (samples.length === 0) return
    const bytes = part(sequence++, partStart - start, samples)
    samples = []
    partSize = 0
    descriptor ??= create()
    writeFileSync(descriptor, bytes)
  }

  /** As in MediaMTX, an empty file stays behind on a full disk. */
  const create = (): number => {
    makeFolder(dirname(file))
    const made = openSync(file, 'w+')
    hooks.segmentCreated(file)
    const { width = 0, height = 0 } = parseH264Sps(sps) ?? {}
    try {
      writeFileSync(made, initSegment({ sps, pps, width, height }))
    } catch (error) {
      closeSync(made)
      throw error
    }
    return made
  }

  const complete = (opened: number): void => {
    const seconds = (end - start) / timescale
    try {
      writeSync(opened, u32(Math.floor(seconds * 1000)), 0, 4, durationOffset)
    } finally {
      closeSync(opened)
      hooks.segmentCompleted(file, seconds)
    }
  }

  return {
    start,
    write: ({ data, pts, dts, isKey }, duration) => {
      if (samples.length > 0 && end - partStart >= partTicks) writePart()
      if (samples.length === 0) partStart = dts
      partSize += data.length
      if (partSize > maxPartSize) throw new Error('reached maximum part size')
      samples.push({ data, duration, offset: pts - dts, isKey })
      end = dts + duration
    },
    close: () => {
      try {
        writePart()
      } finally {
        if (descriptor !== undefined) complete(descriptor)
      }
    },
  }
}

/** Makes a folder and its parents. Node's recursive mkdir never returns below `/proc`, which refuses with ENOENT. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  mkdirSync(folder)
}
