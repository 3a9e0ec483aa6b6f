import { open } from 'node:fs/promises'

const SEGMENT = 0x18538067
const INFO = 0x1549a966
const SCALE = 0x2ad7b1
const DURATION = 0x4489

/**
 * Reads the duration of a Matroska file, in ms. Resolves with `undefined` if it is no Matroska file or was not closed.
 * Rejects if it cannot be read.
 */
export async function readMatroska(file: string): Promise<number | undefined> {
  const handle = await open(file, 'r')
  try {
    // Muxers write Info within the first kilobytes.
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, 65_536, 0)
    const head = buffer.subarray(0, bytesRead)
    if (head.length < 4 || head.readUInt32BE(0) !== 0x1a45dfa3) return undefined
    const info = element(element(head, SEGMENT), INFO)
    const duration = number(element(info, DURATION))
    const scale = integer(element(info, SCALE)) ?? 1_000_000
    return duration === undefined ? undefined : Math.round((duration * scale) / 1_000_000)
  } finally {
    await handle.close()
  }
}

/** Returns the content of the first element with this id in `body`. */
function element(body: Buffer | undefined, wanted: number): Buffer | undefined {
  for (let offset = 0; body && offset < body.length; ) {
    const id = variable(body, offset, true)
    const size = id && variable(body, offset + id.bytes, false)
    if (!id || !size) return undefined
    const start = offset + id.bytes + size.bytes
    // All ones: the size is unknown, as in a live stream.
    const end = size.value >= 2 ** (7 * size.bytes) - 1 ? body.length : Math.min(body.length, start + size.value)
    if (id.value === wanted) return body.subarray(start, end)
    offset = end
  }
  return undefined
}

/** Reads an EBML number of variable length, with its length marker or without. */
function variable(body: Buffer, offset: number, marker: boolean): { value: number; bytes: number } | undefined {
  const lead = body[offset]
  if (lead === undefined || lead === 0) return undefined
  const bytes = Math.clz32(lead) - 23
  if (offset + bytes > body.length) return undefined
  let value = marker ? lead : lead & (0xff >> bytes)
  for (let i = 1; i < bytes; i++) value = value * 256 + (body[offset + i] ?? 0)
  return { value, bytes }
}

function number(body: Buffer | undefined): number | undefined {
  if (body?.length === 4) return body.readFloatBE(0)
  return body?.length === 8 ? body.readDoubleBE(0) : undefined
}

const integer = (body: Buffer | undefined): number | undefined =>
  body && body.length > 0 && body.length <= 6 ? body.readUIntBE(0, body.length) : undefined
