import { parameterSetId } from './sps.js'

/** Types of NAL units (ITU-T H.264 table 7-1; 24 and 28: RFC 6184). */
const IDR = 5
export const SPS = 7
export const PPS = 8
const STAP_A = 24
const FU_A = 28

/** Returns the type of a NAL unit. */
export const typeOf = (unit: Uint8Array): number => (unit[0] ?? 0) & 0x1f

/** The NAL units of one picture, without start codes. */
export type AccessUnit = Buffer[]

export interface RtpPacket {
  payloadType: number
  marker: boolean
  sequence: number
  timestamp: number
  payload: Buffer
}

/** Reads an RTP packet (RFC 3550). Returns `undefined` if it is none. */
export function parseRtp(bytes: Buffer): RtpPacket | undefined {
  const [first = 0, second = 0] = bytes
  if (bytes.length < 12 || first >> 6 !== 2) return undefined
  let start = 12 + 4 * (first & 0x0f)
  if (first & 0x10) {
    if (bytes.length < start + 4) return undefined
    start += 4 + 4 * bytes.readUInt16BE(start + 2)
  }
  const end = bytes.length - (first & 0x20 ? (bytes.at(-1) ?? 0) : 0)
  if (start > end) return undefined
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    payload: bytes.subarray(start, end),
  }
}

/**
 * Joins RTP packets of H.264 to access units (RFC 6184, packetization-mode 0 and 1); each comes with its RTP timestamp.
 * Drops access units with a gap in the sequence and those larger than `maxBytes` (8 MiB by default). The first access
 * unit, and the first one after a gap, may lack its beginning: `isWholeIdr` checks that.
 */
export function createDepacketiser(
  onAccessUnit: (unit: AccessUnit, timestamp: number) => void,
  maxBytes = 8 * 1024 * 1024,
): { push(packet: RtpPacket): void } {
  let units: AccessUnit = []
  let fragments: Buffer[] = []
  let bytes = 0
  let damaged = false
  let expected: { sequence: number; timestamp: number } | undefined

  const finish = (time: number): void => {
    const done = units
    const sound = !damaged
    units = []
    fragments = []
    bytes = 0
    damaged = false
    if (sound && done.length > 0) onAccessUnit(done, time)
  }

  const addFragment = (payload: Buffer): void => {
    const [indicator = 0, header = 0] = payload
    if (payload.length < 3) return
    if (header & 0x80) fragments = [Buffer.from([(indicator & 0xe0) | (header & 0x1f)])]
    // The beginning of the unit is missing: the stream was joined in the middle of it.
    if (fragments.length === 0) return
    fragments.push(payload.subarray(2))
    if ((header & 0x40) === 0) return
    units.push(Buffer.concat(fragments))
    fragments = []
  }

  const addAggregate = (payload: Buffer): void => {
    for (let at = 1; at + 2 < payload.length; ) {
      const end = at + 2 + payload.readUInt16BE(at)
      if (end > payload.length) return
      if (end > at + 2) units.push(payload.subarray(at + 2, end))
      at = end
    }
  }

  return {
    push: ({ sequence, timestamp, marker, payload }) => {
      if (expected && expected.sequence !== sequence) {
        damaged = true
        finish(expected.timestamp)
      } else if (expected && expected.timestamp !== timestamp) finish(expected.timestamp)
      expected = { sequence: (sequence + 1) & 0xffff, timestamp }
      bytes += payload.length
      if (bytes > maxBytes) {
        damaged = true
        units = []
        fragments = []
      } else if (typeOf(payload) === FU_A) addFragment(payload)
      else if (typeOf(payload) === STAP_A) addAggregate(payload)
      else if (payload.length > 0 && typeOf(payload) > 0 && typeOf(payload) < STAP_A) units.push(payload)
      if (marker) finish(timestamp)
    },
  }
}

/** True for an IDR picture whose first slice begins with the first macroblock: nothing of it is missing. */
export function isWholeIdr(unit: AccessUnit): boolean {
  const first = unit.find((nal) => typeOf(nal) >= 1 && typeOf(nal) <= IDR)
  // `first_mb_in_slice` is 0: a single set bit.
  return first !== undefined && typeOf(first) === IDR && ((first[1] ?? 0) & 0x80) !== 0
}

const startCode = Buffer.from([0, 0, 0, 1])
export const toAnnexB = (units: readonly Uint8Array[]): Buffer =>
  Buffer.concat(units.flatMap((unit) => [startCode, unit]))

/**
 * Finds a picture that can be decoded alone: `push` returns it, as Annex B behind its SPS and PPS, from the packet on
 * that completes it. `known` are the parameter sets of the description; those of the stream replace them.
 */
export function createKeyframeCatcher(known: readonly Uint8Array[] = []): {
  push(packet: RtpPacket): Buffer | undefined
} {
  const sets = new Map<string, Uint8Array>()
  const remember = (unit: Uint8Array): void => {
    const id = parameterSetId(unit)
    if (id !== undefined && id < 256) sets.set(`${typeOf(unit)}:${id}`, unit)
  }
  const isSet = (unit: Uint8Array): boolean => typeOf(unit) === SPS || typeOf(unit) === PPS
  const ofType = (type: number): Uint8Array[] => [...sets.values()].filter((unit) => typeOf(unit) === type)
  let caught: Buffer | undefined
  const depacketiser = createDepacketiser((unit) => {
    unit.filter(isSet).forEach(remember)
    if (caught || !isWholeIdr(unit) || ofType(SPS).length === 0 || ofType(PPS).length === 0) return
    caught = toAnnexB([...ofType(SPS), ...ofType(PPS), ...unit.filter((nal) => typeOf(nal) === IDR)])
  })
  known.filter(isSet).forEach(remember)
  return {
    push: (packet) => {
      depacketiser.push(packet)
      return caught
    },
  }
}
