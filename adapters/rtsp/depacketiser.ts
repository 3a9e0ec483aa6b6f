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

/** How NAL units of a codec are packed in RTP. */
export interface Packetisation {
  /** Bytes of the header of a NAL unit. */
  headerLength: number
  /** `fragment`: a piece of a NAL unit; `aggregate`: several NAL units; `unit`: one; `other`: none that we read. */
  kindOf(payload: Buffer): 'fragment' | 'aggregate' | 'unit' | 'other'
  /** Returns the header of the NAL unit whose first fragment this is. */
  headerOf(payload: Buffer): Buffer
  /** True for a slice of a picture. */
  isSlice(unit: Uint8Array): boolean
  /** True for a slice that holds the first block of a picture. */
  isFirstSlice(unit: Uint8Array): boolean
}

export interface Depacketiser {
  push(packet: RtpPacket): void
  /** Ends the access unit. To be called in a pause of the stream. */
  flush(): void
}

/**
 * Joins RTP packets to access units; each comes with its RTP timestamp. An access unit ends when the timestamp changes,
 * or when another picture begins. The marker does not end it: some cameras set it on each NAL unit, and the picture
 * would lack its lower part. Drops access units with a gap in the sequence and those larger than `maxBytes`. The first
 * access unit, and the first one after a gap, may lack its beginning: `isFirstSlice` shows that.
 */
export function createJoiner(
  packetisation: Packetisation,
  onAccessUnit: (unit: AccessUnit, timestamp: number) => void,
  maxBytes = 8 * 1024 * 1024,
): Depacketiser {
  const { headerLength, kindOf, headerOf, isSlice, isFirstSlice } = packetisation
  let units: AccessUnit = []
  let fragments: Buffer[] = []
  let bytes = 0
  let damaged = false
  let hasSlice = false
  let last: { sequence: number; timestamp: number } | undefined

  const finish = (): void => {
    const [done, sound] = [units, !damaged]
    units = []
    fragments = []
    bytes = 0
    damaged = false
    hasSlice = false
    if (last && sound && done.length > 0) onAccessUnit(done, last.timestamp)
  }

  const add = (unit: Buffer): void => {
    if (unit.length <= headerLength) return
    // Some cameras do not change the timestamp.
    if (hasSlice && isFirstSlice(unit)) finish()
    hasSlice ||= isSlice(unit)
    units.push(unit)
  }

  const addFragment = (payload: Buffer): void => {
    const bits = payload[headerLength] ?? 0
    if (payload.length < headerLength + 2) return
    if (bits & 0x80) fragments = [headerOf(payload)]
    // The beginning of the unit is missing: the stream was joined in the middle of it.
    if (fragments.length === 0) return
    fragments.push(payload.subarray(headerLength + 1))
    if ((bits & 0x40) === 0) return
    const whole = Buffer.concat(fragments)
    fragments = []
    add(whole)
  }

  const addAggregate = (payload: Buffer): void => {
    for (let at = headerLength; at + 2 < payload.length; ) {
      const end = at + 2 + payload.readUInt16BE(at)
      if (end > payload.length) return
      add(payload.subarray(at + 2, end))
      at = end
    }
  }

  return {
    push: ({ sequence, timestamp, payload }) => {
      if (last?.sequence === sequence) return
      if (last && ((last.sequence + 1) & 0xffff) !== sequence) {
        damaged = true
        finish()
      } else if (last && last.timestamp !== timestamp) finish()
      last = { sequence, timestamp }
      bytes += payload.length
      const kind = payload.length === 0 ? 'other' : kindOf(payload)
      if (bytes > maxBytes) {
        damaged = true
        units = []
        fragments = []
      } else if (kind === 'fragment') addFragment(payload)
      else if (kind === 'aggregate') addAggregate(payload)
      else if (kind === 'unit') add(payload)
    },
    flush: () => {
      if (fragments.length === 0) finish()
    },
  }
}

const startCode = Buffer.from([0, 0, 0, 1])
export const toAnnexB = (units: readonly Uint8Array[]): Buffer =>
  Buffer.concat(units.flatMap((unit) => [startCode, unit]))
