/** A text, or its parts; bytes are UTF-8. */
export type Message = string | readonly (string | Buffer)[]

export const joined = (message: Message): string => (typeof message === 'string' ? message : message.join(''))

/**
 * A text message as one WebSocket frame of a server (RFC 6455, not masked). It is made once for all subscribers: with
 * ws each socket would frame it again, which costs a quarter more.
 */
export const textFrame = (text: string): Buffer => {
  const length = Buffer.byteLength(text)
  const head = headLength(length)
  const frame = Buffer.allocUnsafe(head + length)
  writeHead(frame, length)
  frame.write(text, head)
  return frame
}

/** To copy so many bytes costs less than to hand them over one by one. */
const mostCopied = 4_096

/** The same in pieces, to be written one after the other: many bytes are not copied, because many replies share them. */
export function framePieces(message: Message): readonly Buffer[] {
  if (typeof message === 'string') return [textFrame(message)]
  const length = message.reduce((sum, part) => sum + lengthOf(part), 0)
  if (length <= mostCopied) return [frameOf(message, length)]
  const parts = message.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))
  const head = Buffer.allocUnsafe(headLength(length))
  writeHead(head, length)
  return [head, ...parts]
}

function frameOf(parts: Exclude<Message, string>, length: number): Buffer {
  let at = headLength(length)
  const frame = Buffer.allocUnsafe(at + length)
  writeHead(frame, length)
  for (const part of parts) at += typeof part === 'string' ? frame.write(part, at) : part.copy(frame, at)
  return frame
}

const lengthOf = (part: string | Buffer): number => (typeof part === 'string' ? Buffer.byteLength(part) : part.length)

const headLength = (length: number): number => 2 + (length < 126 ? 0 : length < 65_536 ? 2 : 8)

function writeHead(frame: Buffer, length: number): void {
  frame[0] = 0x81
  frame[1] = length < 126 ? length : length < 65_536 ? 126 : 127
  if (frame[1] === 126) frame.writeUInt16BE(length, 2)
  if (frame[1] === 127) frame.writeBigUInt64BE(BigInt(length), 2)
}
