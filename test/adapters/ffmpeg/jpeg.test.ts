import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import { coarseness, completeJpeg, pictureSize } from '../../../adapters/ffmpeg/jpeg.js'

const DHT = 0xc4

describe('JPEG frames', () => {
  let whole: Buffer = Buffer.alloc(0)
  before(() => {
    whole = picture('mjpeg', '-huffman', 'default')
  })

  it('get the standard Huffman tables if they have none', () => {
    const frame = without(whole, DHT)
    const completed = Buffer.from(completeJpeg(frame) ?? [])
    expect(frame).to.have.length(whole.length - 420)
    expect(completed).to.have.length(whole.length)
    expect(tables(completed)).to.deep.equal(tables(whole))
  })

  it('stay unchanged if they are complete', () => expect(completeJpeg(whole)).to.deep.equal(new Uint8Array(whole)))
  it('lose the padding of the buffer', () =>
    expect(completeJpeg(Buffer.concat([whole, Buffer.alloc(999)]))).to.have.length(whole.length))
  it('are rejected if they are truncated or not JPEG', () => {
    for (const broken of [
      whole.subarray(0, -2),
      whole.subarray(0, 100),
      Buffer.alloc(500),
      Buffer.alloc(0),
      Buffer.from([0xff, 0xd8]),
      Buffer.from('ffd8ffd9', 'hex'),
    ])
      expect(completeJpeg(broken)).to.equal(undefined)
  })
})

describe('pictureSize and coarseness', () => {
  it('read JPEG and PNG headers', () => {
    expect(pictureSize(picture('mjpeg'))).to.deep.equal({ width: 322, height: 182 })
    expect(pictureSize(picture('png'))).to.deep.equal({ width: 322, height: 182 })
  })
  it('measure the quantisation', () => {
    const at = (q: string) => coarseness(picture('mjpeg', '-q:v', q)) ?? 0
    expect(at('2')).to.be.within(5, 9)
    expect(at('16')).to.be.within(60, 72)
  })
  it('return nothing for invalid data', () => {
    for (const noise of [
      Buffer.alloc(0),
      Buffer.alloc(30),
      Buffer.from([0xff, 0xd8, 0xff]),
      Buffer.from('ffd8ffff', 'hex'),
      Buffer.alloc(40, 0xff),
    ]) {
      expect(pictureSize(noise)).to.equal(undefined)
      expect(coarseness(noise)).to.equal(undefined)
    }
  })
})

function picture(encoder: string, ...args: string[]): Buffer {
  const input = ['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', 'testsrc2=size=322x182']
  return execFileSync('ffmpeg', [...input, '-frames:v', '1', '-c:v', encoder, ...args, '-f', 'image2pipe', '-'])
}

/** Returns the header segments with their codes. */
function headers(jpeg: Buffer): { code: number; bytes: Buffer }[] {
  const found: { code: number; bytes: Buffer }[] = []
  for (let at = 2; jpeg[at + 1] !== 0xda; ) {
    const end = at + 2 + jpeg.readUInt16BE(at + 2)
    found.push({ code: jpeg[at + 1] ?? 0, bytes: jpeg.subarray(at, end) })
    at = end
  }
  return found
}

const without = (jpeg: Buffer, code: number): Buffer => {
  const dropped = headers(jpeg).filter((one) => one.code === code)
  return dropped.reduce((rest, { bytes }) => {
    const at = rest.indexOf(bytes)
    return Buffer.concat([rest.subarray(0, at), rest.subarray(at + bytes.length)])
  }, jpeg)
}

/** Returns the Huffman tables by class and number. */
function tables(jpeg: Buffer): Record<string, string> {
  const found: [string, string][] = []
  for (const { code, bytes } of headers(jpeg)) {
    for (let at = 4; code === DHT && at < bytes.length; ) {
      const end = at + 17 + bytes.subarray(at + 1, at + 17).reduce((sum, count) => sum + count, 0)
      found.push([String(bytes[at]), bytes.toString('hex', at + 1, end)])
      at = end
    }
  }
  return Object.fromEntries(found.sort(([a], [b]) => Number(a) - Number(b)))
}
