/**
 * A text message as a server puts it on the wire (RFC 6455, one frame, not masked): made once, it can go to any number of
 * WebSockets, which saves each of them framing it again.
 */
export const textFrame = (text: string): Buffer => {
  const length = Buffer.byteLength(text)
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const frame = Buffer.allocUnsafe(2 + lengthBytes + length)
  frame[0] = 0x81
  frame[1] = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2)
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2)
  frame.write(text, 2 + lengthBytes)
  return frame
}
