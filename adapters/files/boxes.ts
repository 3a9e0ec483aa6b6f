/** One box of the ISO base media file format (MP4). */
export interface Box {
  type: string
  /** Its content, a view of the buffer. */
  body: Buffer
}

/**
 * Reads the header of the box at `offset`. Returns `undefined` if it is incomplete or invalid. A `size` of 0 means that
 * the box extends to the end of the file.
 */
export function boxHeader(buffer: Buffer, offset = 0): { type: string; size: number; header: number } | undefined {
  if (buffer.length < offset + 8) return undefined
  const short = buffer.readUInt32BE(offset)
  const type = buffer.toString('latin1', offset + 4, offset + 8)
  // A power failure may leave a tail of zeros, which is no box.
  if (!/^[\x20-\x7e\xa9]{4}$/.test(type)) return undefined
  if (short !== 1) return short === 0 || short >= 8 ? { type, size: short, header: 8 } : undefined
  if (buffer.length < offset + 16) return undefined
  const size = Number(buffer.readBigUInt64BE(offset + 8))
  return size >= 16 ? { type, size, header: 16 } : undefined
}

/** Yields the boxes in a body, up to the first damaged one. */
export function* boxes(body: Buffer): Generator<Box> {
  for (let offset = 0; ; ) {
    const header = boxHeader(body, offset)
    if (!header) return
    const end = header.size === 0 ? body.length : offset + header.size
    if (end > body.length) return
    yield { type: header.type, body: body.subarray(offset + header.header, end) }
    offset = end
  }
}

/** Returns the content of the first box at the path (`moov`, `mvhd`). */
export function find(body: Buffer, ...path: string[]): Buffer | undefined {
  let found: Buffer | undefined = body
  for (const type of path) {
    if (!found) return undefined
    found = [...boxes(found)].find((box) => box.type === type)?.body
  }
  return found
}

/** Reads a big-endian unsigned number of 4 or 8 bytes; `undefined` beyond the end. */
export function unsigned(buffer: Buffer, offset: number, bytes: 4 | 8 = 4): number | undefined {
  if (offset + bytes > buffer.length) return undefined
  return bytes === 4 ? buffer.readUInt32BE(offset) : Number(buffer.readBigUInt64BE(offset))
}
