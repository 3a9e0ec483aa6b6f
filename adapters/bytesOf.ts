/**
 * Reads a stream of at most `most` bytes. Rejects with the message `tooLong` if there are more. Calls
 * `moved` for each part.
 */
export async function bytesOf(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  most: number,
  tooLong: string,
  moved = () => {},
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    moved()
    length += chunk.length
    if (length > most) throw new Error(tooLong)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
