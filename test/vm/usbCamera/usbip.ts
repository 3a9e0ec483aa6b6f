/**
 * The messages between the kernel's virtual host controller (vhci_hcd) and a device, as the kernel's
 * `Documentation/usb/usbip_protocol.rst` lays them out: big-endian headers of 48 bytes, data behind them.
 */

const headerBytes = 48
const packetBytes = 16
const command = { submit: 1, unlink: 2, submitReply: 3, unlinkReply: 4 } as const
/** Offsets in a header; `status` onward differ by command. */
const at = {
  command: 0,
  sequence: 4,
  direction: 12,
  endpoint: 16,
  unlinkSequence: 20,
  status: 20,
  length: 24,
  packets: 32,
  setup: 40,
} as const
/** `number_of_packets` of what is not isochronous. */
const notIsochronous = 0xffffffff
const packetAt = { offset: 0, length: 4, actualLength: 8 } as const

/** Linux error numbers, negative as a URB's status is. */
export const status = { ok: 0, stall: -32, unlinked: -104 } as const

/** A request for a transfer (URB). */
export interface Submit {
  kind: 'submit'
  sequence: number
  endpoint: number
  direction: 'in' | 'out'
  /** Bytes that the kernel has room for, or sends. */
  length: number
  setup: Buffer
  /** What the kernel sends. */
  data: Buffer
  /** Room of each isochronous packet. */
  packets: number[]
}
/** The kernel takes a request back. */
export interface Unlink {
  kind: 'unlink'
  sequence: number
  target: number
}
export type Message = Submit | Unlink

/** Cuts a byte stream into messages, however it was chopped on its way. */
export const createMessageReader = (): ((chunk: Buffer) => Message[]) => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const messages: Message[] = []
    for (let found = readMessage(rest); found !== undefined; found = readMessage(rest)) {
      messages.push(found.message)
      rest = rest.subarray(found.bytes)
    }
    return messages
  }
}

const readMessage = (bytes: Buffer): { message: Message; bytes: number } | undefined => {
  if (bytes.length < headerBytes) return undefined
  const sequence = bytes.readUInt32BE(at.sequence)
  if (bytes.readUInt32BE(at.command) === command.unlink) {
    return { message: { kind: 'unlink', sequence, target: bytes.readUInt32BE(at.unlinkSequence) }, bytes: headerBytes }
  }
  const direction = bytes.readUInt32BE(at.direction) === 0 ? 'out' : 'in'
  const length = bytes.readInt32BE(at.length)
  const told = bytes.readUInt32BE(at.packets)
  const count = told === notIsochronous ? 0 : told
  const dataEnd = headerBytes + (direction === 'out' ? length : 0)
  const end = dataEnd + count * packetBytes
  if (bytes.length < end) return undefined
  const packets = Array.from({ length: count }, (_, index) =>
    bytes.readUInt32BE(dataEnd + index * packetBytes + packetAt.length),
  )
  const setup = bytes.subarray(at.setup, headerBytes)
  const message: Submit = {
    kind: 'submit',
    sequence,
    endpoint: bytes.readUInt32BE(at.endpoint),
    direction,
    length,
    setup,
    data: bytes.subarray(headerBytes, dataEnd),
    packets,
  }
  return { message, bytes: end }
}

const replyHeader = ({ kind, sequence, result }: { kind: number; sequence: number; result: number }) => {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32BE(kind, at.command)
  header.writeUInt32BE(sequence, at.sequence)
  header.writeInt32BE(result, at.status)
  return header
}

/** A finished transfer: `data` for an `in` one, `taken` bytes of an `out` one. */
export const submitReply = (
  { sequence }: Submit,
  reply: { data?: Buffer; taken?: number; result?: number },
): Buffer => {
  const data = reply.data ?? Buffer.alloc(0)
  const header = replyHeader({ kind: command.submitReply, sequence, result: reply.result ?? status.ok })
  header.writeInt32BE(reply.taken ?? data.length, at.length)
  return Buffer.concat([header, data])
}

/** A finished isochronous transfer: one payload (empty ones too) for each of its packets. */
export const isochronousReply = (submit: Submit, payloads: Buffer[]): Buffer => {
  const data = Buffer.concat(payloads)
  const header = replyHeader({ kind: command.submitReply, sequence: submit.sequence, result: status.ok })
  header.writeInt32BE(data.length, at.length)
  header.writeUInt32BE(payloads.length, at.packets)
  const table = Buffer.alloc(payloads.length * packetBytes)
  let offset = 0
  for (const [index, payload] of payloads.entries()) {
    const room = submit.packets[index] ?? 0
    table.writeUInt32BE(offset, index * packetBytes + packetAt.offset)
    table.writeUInt32BE(room, index * packetBytes + packetAt.length)
    table.writeUInt32BE(payload.length, index * packetBytes + packetAt.actualLength)
    offset += room
  }
  return Buffer.concat([header, data, table])
}

/** `found`: the request was still waiting and will get no other reply. */
export const unlinkReply = ({ sequence }: Unlink, found: boolean): Buffer =>
  replyHeader({ kind: command.unlinkReply, sequence, result: found ? status.unlinked : status.ok })
