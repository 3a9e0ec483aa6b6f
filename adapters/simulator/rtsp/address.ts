/** The parts of a request's URL. */
export interface RtspTarget {
  /** Without the leading slash. */
  path: string
  /** Without `?`. */
  query: string
  /** The number of the track that a SETUP names. */
  track?: number
}

/**
 * Returns the parts of a request's URL; `undefined` when it is not an RTSP URL. `trackID=N` stands after the query
 * (ffmpeg) or before it (GStreamer).
 */
export function targetOf(url: string): RtspTarget | undefined {
  const match = /^rtsps?:\/\/[^/]*(?:\/(.*))?$/i.exec(url)
  if (!match) return undefined
  const [path = '', ...query] = (match[1] ?? '').split('?')
  const target = { path: decode(path), query: query.join('?') }
  const inQuery = /^(.*)\/trackID=(\d+)$/.exec(target.query)
  if (inQuery) return { path: target.path, query: inQuery[1] ?? '', track: Number(inQuery[2]) }
  const inPath = /^(.*)\/trackID=(\d+)$/.exec(target.path)
  if (inPath) return { path: inPath[1] ?? '', query: target.query, track: Number(inPath[2]) }
  return target
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Returns the channels that a client proposes for TCP; `undefined` when it does not offer TCP. */
export function interleavedOf(transport = ''): { channels?: [rtp: number, rtcp: number] } | undefined {
  const offer = transport.split(',').find((one) => /^\s*RTP\/AVP\/TCP/i.test(one))
  if (offer === undefined) return undefined
  const [, first, second] = /interleaved=(\d{1,3})-(\d{1,3})/.exec(offer) ?? []
  return first === undefined ? {} : { channels: [Number(first), Number(second)] }
}

/**
 * Returns the first channel of the proposed pair, or of the next free pair when none is proposed; `undefined` when the
 * proposed pair is invalid or taken.
 */
export function freeChannel(
  taken: ReadonlyMap<number, unknown>,
  proposed?: [rtp: number, rtcp: number],
): number | undefined {
  if (proposed) {
    const [rtp, rtcp] = proposed
    return rtcp === rtp + 1 && rtp <= 254 && !taken.has(rtp) && !taken.has(rtcp) ? rtp : undefined
  }
  let free = 0
  while (taken.has(free)) free += 2
  return free
}
