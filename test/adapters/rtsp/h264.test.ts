import { expect } from 'chai'
import fc from 'fast-check'
import { type AccessUnit, parseRtp, type RtpPacket, toAnnexB } from '../../../adapters/rtsp/depacketiser.js'
import { createDepacketiser, isWholeIdr } from '../../../adapters/rtsp/h264.js'
import { createKeyframeCatcher } from '../../../adapters/rtsp/keyframes.js'

const sps = Buffer.from('6742c00cda0507ec0440000003004000000 7a3c50aa8'.replaceAll(' ', ''), 'hex')
const pps = Buffer.from('68ce0fc8', 'hex')
/** Returns a slice of a picture; `first` is true if it holds the first macroblock. */
const slice = (type: 1 | 5, first: boolean, mark = 1, length = 40): Buffer =>
  Buffer.from([0x60 | type, first ? 0x88 : 0x44, ...Array(length).fill(mark)])

describe('parseRtp', () => {
  it('reads packets with extension, sources and padding', () => {
    const header = (first: number): number[] => [first, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 1, 2, 3, 4]
    const payload = [0x65, 1, 2]
    const expected = { payloadType: 96, marker: true, sequence: 0x1234, timestamp: 9, payload: Buffer.from(payload) }
    expect(parseRtp(Buffer.from([...header(0x80), ...payload]))).to.deep.equal(expected)
    const all = [...header(0xb1), 7, 7, 7, 7, 0xbe, 0xde, 0, 1, 8, 8, 8, 8, ...payload, 0, 2]
    expect(parseRtp(Buffer.from(all))).to.deep.equal(expected)
  })

  it('returns undefined for invalid packets', () => {
    for (const bytes of [
      [],
      [0x80, 1],
      [0x40, ...Array(20).fill(0)],
      [0xa0, ...Array(10).fill(0), 200],
      [0x90, ...Array(13).fill(0), 9, 9],
    ])
      expect(parseRtp(Buffer.from(bytes))).to.equal(undefined)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void parseRtp(Buffer.from(bytes))))
  })
})

describe('H.264 depacketiser', () => {
  const nal = fc.record({ type: fc.integer({ min: 1, max: 23 }), length: fc.integer({ min: 1, max: 400 }) })
  const pictures = fc.array(fc.array(nal, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 })

  it('restores the units of any packetisation, also when the sequence number wraps', () => {
    fc.assert(
      fc.property(
        pictures,
        fc.integer({ min: 20, max: 120 }),
        fc.boolean(),
        fc.integer({ min: 65_530, max: 65_535 }),
        (wanted, size, markers, sequence) => {
          const units = wanted.map((picture, n) =>
            picture.map(({ type, length }) => Buffer.from([type, ...Array(length).fill(n)])),
          )
          const got = depacketise(packetise(units, { size, sequence, markers }))
          expect(got).to.deep.equal(units)
        },
      ),
    )
  })

  it('keeps a picture together whose units all have a marker, and ends it when the timestamp changes', () => {
    const quarters = [0, 1, 2, 3].map((n) => slice(5, n === 0, n))
    const packets = packetise([[sps, pps, ...quarters], [slice(1, true)]], { size: 30 })
    const got: AccessUnit[] = []
    const depacketiser = createDepacketiser((unit) => got.push(unit))
    for (const packet of packets.slice(0, -2)) depacketiser.push({ ...packet, marker: true })
    expect(got, 'before the next picture').to.deep.equal([])
    for (const packet of packets.slice(-2)) depacketiser.push({ ...packet, marker: true })
    expect(got).to.deep.equal([[sps, pps, ...quarters]])
  })

  it('begins another picture at a first slice, if the timestamp never changes', () => {
    const units = [1, 2, 3].map((n) => [slice(5, true, n), slice(5, false, n)])
    const packets = packetise(units, { size: 60 }).map((packet) => ({ ...packet, timestamp: 7 }))
    expect(depacketise(packets)).to.deep.equal(units)
  })

  it('takes a packet that comes twice once', () => {
    const units = [[slice(5, true, 1, 200)], [slice(5, true, 2, 200)]]
    expect(depacketise(packetise(units, { size: 60 }).flatMap((packet) => [packet, packet]))).to.deep.equal(units)
  })

  it('drops the picture to which a lost packet belongs, and also the one before if it may belong to that', () => {
    const units = [1, 2, 3].map((n) => [slice(5, true, n, 200), slice(5, false, n, 200)])
    const packets = packetise(units, { size: 60 })
    const of = (n: number): RtpPacket[] => packets.filter(({ timestamp }) => timestamp === n)
    const [first, second, third] = [of(0), of(1), of(2)]
    for (let lost = 0; lost < second.length; lost++) {
      const whole = depacketise([...first, ...second.filter((_, n) => n !== lost), ...third]).filter(isWholeIdr)
      expect(whole, `lost ${lost} of ${second.length}`).to.deep.equal(lost === 0 ? [units[2]] : [units[0], units[2]])
    }
  })

  it('drops the rest of a unit whose beginning is missing', () => {
    const lookalike = Buffer.from([0x65, ...Array(60).fill([0x65, 0x88]).flat()])
    expect(depacketise(packetise([[lookalike, slice(1, true)]], { size: 50 }).slice(1))).to.deep.equal([
      [slice(1, true)],
    ])
  })

  it('drops a picture larger than the limit', () => {
    const units = [[slice(1, true, 1, 300)], [slice(1, true, 2, 50)]]
    expect(depacketise(packetise(units, { size: 50 }), 200)).to.deep.equal([units[1]])
  })

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ payload: fc.uint8Array({ maxLength: 20 }), marker: fc.boolean() }), { maxLength: 20 }),
        (parts) => {
          depacketise(
            parts.map(({ payload, marker }, sequence) => ({
              payload: Buffer.from(payload),
              marker,
              sequence,
              timestamp: 0,
              payloadType: 96,
            })),
          )
        },
      ),
    )
  })
})

describe('keyframe catcher', () => {
  it('returns the first complete IDR behind the parameter sets of the description', () => {
    const idr = [slice(5, true, 2), slice(5, false, 2)]
    expect(catchKeyframe([[slice(1, true)], [Buffer.from([6, 1]), ...idr]], [sps, pps])).to.deep.equal(
      toAnnexB([sps, pps, ...idr]),
    )
  })

  it('prefers the parameter sets of the stream', () => {
    const other = Buffer.from([...sps.subarray(0, -1), 0xa9])
    expect(catchKeyframe([[other], [slice(5, true)]], [sps, pps])).to.deep.equal(toAnnexB([other, pps, slice(5, true)]))
  })

  it('waits for the parameter sets if there are none', () => {
    expect(catchKeyframe([[slice(5, true, 1)]])).to.equal(undefined)
    const second = [sps, pps, slice(5, true, 2)]
    expect(catchKeyframe([[slice(5, true, 1)], second])).to.deep.equal(toAnnexB(second))
  })

  it('skips a picture whose beginning is missing', () => {
    const packets = packetise([[slice(5, true, 1), slice(5, false, 1, 300)], [slice(5, true, 2)]], { size: 60 })
    const catcher = createKeyframeCatcher([sps, pps])
    for (let from = 1; from < packets.length - 1; from++)
      expect(packets.slice(from, -1).map(catcher.push).at(-1), `from ${from}`).to.equal(undefined)
    const last = packets.at(-1)
    expect(last && catcher.push(last)).to.equal(undefined)
    expect(catcher.flush()).to.deep.equal(toAnnexB([sps, pps, slice(5, true, 2)]))
  })
})

function depacketise(packets: RtpPacket[], maxBytes?: number): AccessUnit[] {
  const units: AccessUnit[] = []
  const depacketiser = createDepacketiser((unit) => units.push(unit), maxBytes)
  packets.forEach(depacketiser.push)
  depacketiser.flush()
  return units
}

function catchKeyframe(units: AccessUnit[], known: Buffer[] = []): Buffer | undefined {
  const catcher = createKeyframeCatcher(known)
  packetise(units, { size: 60 }).forEach(catcher.push)
  return catcher.flush()
}

/** RFC 6184: small units together (STAP-A), large ones in pieces (FU-A), the others alone. */
function packetise(
  pictures: AccessUnit[],
  { size, sequence = 0, markers = true }: { size: number; sequence?: number; markers?: boolean },
): RtpPacket[] {
  let next = sequence
  return pictures.flatMap((units, timestamp) => {
    const payloads: Buffer[] = []
    let small: Buffer[] = []
    const flush = (): void => {
      const [only] = small
      if (only)
        payloads.push(
          small.length === 1
            ? only
            : Buffer.concat([Buffer.from([0x78]), ...small.flatMap((unit) => [Buffer.from([0, unit.length]), unit])]),
        )
      small = []
    }
    for (const unit of units) {
      if (unit.length <= size) {
        if (small.reduce((sum, { length }) => sum + length, unit.length) > size) flush()
        small.push(unit)
        continue
      }
      flush()
      const [header = 0] = unit
      for (let at = 1; at < unit.length; at += size) {
        const bits = (at === 1 ? 0x80 : 0) | (at + size >= unit.length ? 0x40 : 0)
        payloads.push(
          Buffer.concat([Buffer.from([(header & 0xe0) | 28, bits | (header & 0x1f)]), unit.subarray(at, at + size)]),
        )
      }
    }
    flush()
    return payloads.map((payload, n) => ({
      payload,
      timestamp,
      payloadType: 96,
      marker: markers && n === payloads.length - 1,
      sequence: next++ & 0xffff,
    }))
  })
}
