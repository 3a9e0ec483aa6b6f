/**
 * A text message as one WebSocket frame of a server (RFC 6455, not masked). It is made once for all subscribers: with
 * ws each socket would frame it again, which costs a quarter more.
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
