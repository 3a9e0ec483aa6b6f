import { open } from 'node:fs/promises'
import { Failure } from '../../machines/domain/reason.js'
import { boxHeader } from './boxes.js'

/** The header of a file with parts is at its beginning, and small. */
const headerRead = 65_536

/**
 * Writes the duration, in ms, into the header of an MP4 with parts, as MediaMTX does when it closes a file. ffmpeg
 * leaves 0 there. Rejects if there is no such header.
 */
export async function writeDuration(file: string, duration: number): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerRead), 0, headerRead, 0)
    const head = buffer.subarray(0, bytesRead)
    const moov = offsetOf('moov', head, 0)
    const at = moov === undefined ? undefined : offsetOf('mvhd', head, moov)
    if (at === undefined || at + 32 > head.length) throw new Failure('failed', 'the copy has no header')
    const isLong = head[at] === 1
    const timescale = head.readUInt32BE(at + (isLong ? 20 : 12))
    const ticks = Math.round((duration / 1_000) * timescale)
    const field = Buffer.alloc(isLong ? 8 : 4)
    if (isLong) field.writeBigUInt64BE(BigInt(ticks))
    // All ones mean "unknown".
    else field.writeUInt32BE(Math.min(ticks, 2 ** 32 - 2))
    await handle.write(field, 0, field.length, at + (isLong ? 24 : 16))
  } finally {
    await handle.close()
  }
}

/** Returns where the content of the box begins, in the boxes from `from` on. */
function offsetOf(type: string, head: Buffer, from: number): number | undefined {
  for (let offset = from; ; ) {
    const header = boxHeader(head, offset)
    if (!header) return undefined
    if (header.type === type) return offset + header.header
    if (header.size === 0) return undefined
    offset += header.size
  }
}
