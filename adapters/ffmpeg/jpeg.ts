/** Reads and completes JPEG and PNG pictures. */

/**
 * Yields each marker segment before the picture's data: its code, its offset (of the 0xFF), and the offset of the next
 * one.
 */
function* segments(bytes: Uint8Array): Generator<{ code: number; at: number; end: number }> {
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const code = bytes[at + 1] ?? 0
    if (code === 0xff) {
      at += 1
      continue
    }
    const end = at + 2 + ((bytes[at + 2] ?? 0) << 8) + (bytes[at + 3] ?? 0)
    yield { code, at, end }
    if (code === SOS) return
    at = end
  }
}

const SOS = 0xda
const DHT = 0xc4
const DQT = 0xdb
const isFrameHeader = (code: number): boolean =>
  code >= 0xc0 && code <= 0xcf && code !== DHT && code !== 0xc8 && code !== 0xcc

export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8
export const isPng = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 8)).equals(Buffer.from('89504e470d0a1a0a', 'hex'))

/** Returns the size in pixels, or `undefined` if this is not a valid JPEG or PNG. */
export function pictureSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isPng(bytes) && bytes.length >= 24) return { width: view.readUInt32BE(16), height: view.readUInt32BE(20) }
  if (!isJpeg(bytes)) return undefined
  for (const { code, at } of segments(bytes)) {
    if (isFrameHeader(code) && at + 9 <= bytes.length)
      return { width: view.readUInt16BE(at + 7), height: view.readUInt16BE(at + 5) }
  }
  return undefined
}

/**
 * Returns the mean step of the luminance quantisation table, which is larger in coarser pictures; `undefined` if there
 * is no such table.
 */
export function coarseness(bytes: Uint8Array): number | undefined {
  for (const { code, at } of segments(bytes)) {
    if (code !== DQT || at + 69 > bytes.length || bytes[at + 4] !== 0) continue
    return bytes.subarray(at + 5, at + 69).reduce((sum, step) => sum + step, 0) / 64
  }
  return undefined
}

/**
 * Returns the frame of an MJPEG camera as a JPEG file: without the padding of the camera's buffer, and with the
 * standard Huffman tables if the frame has none, as MJPEG allows. Returns `undefined` for a truncated frame or no JPEG.
 */
export function completeJpeg(frame: Uint8Array): Uint8Array | undefined {
  if (!isJpeg(frame)) return undefined
  const end = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).lastIndexOf(Buffer.from([0xff, 0xd9]))
  let hasTables = false
  for (const { code, at } of segments(frame)) {
    if (code === DHT) hasTables = true
    if (code !== SOS) continue
    if (end < at) return undefined
    const whole = frame.subarray(0, end + 2)
    return hasTables ? whole : Buffer.concat([whole.subarray(0, at), standardTables, whole.subarray(at)])
  }
  return undefined
}

/** The symbols of the AC tables (ITU-T T.81, K.3.3.2), as hex pairs. */
const luminanceAc =
  '01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a343536373839' +
  '3a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7' +
  'a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa'
const chrominanceAc =
  '000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738' +
  '393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5' +
  'a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa'

/** The DHT segment that MJPEG frames may omit: class and number, codes per length, symbols. */
const standardTables = Buffer.from(
  `ffc401a2${[
    ['00', '00010501010101010100000000000000', '000102030405060708090a0b'],
    ['10', '0002010303020403050504040000017d', luminanceAc],
    ['01', '00030101010101010101010000000000', '000102030405060708090a0b'],
    ['11', '00020102040403040705040400010277', chrominanceAc],
  ]
    .flat()
    .join('')}`,
  'hex',
)
