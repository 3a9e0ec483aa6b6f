import type { Clock, MediaServer, StreamState } from '../../machines/domain/ports.js'

type Streams = Pick<MediaServer, 'streams' | 'stream'>

export interface SampledStreams extends Streams {
  /**
   * Returns the last answer at once, and starts a new request if it is older than `maxAge`. `undefined` if it is older
   * than `usableFor`.
   */
  sample(): readonly StreamState[] | undefined
}

export interface SampledOptions {
  mediaServer: Streams
  clock: Clock
  /** How long an answer is used for callers that wait, in ms. */
  maxAge: number
  /** How long an answer is used for callers that do not wait, in ms. */
  usableFor: number
  /** Limit for an answer in ms, independent of a caller's signal, because other callers wait for the same answer. */
  limit: number
}

/**
 * Reads the streams of the media server. Callers share one request, so that polling clients cannot overload its API.
 */
export function sampledStreams({ mediaServer, clock, maxAge, usableFor, limit }: SampledOptions): SampledStreams {
  let request: { at: number; states: Promise<StreamState[]> } | undefined
  let answer: { at: number; states: StreamState[] } | undefined
  const isYounger = (one: { at: number } | undefined, age: number) =>
    one !== undefined && clock.monotonic() - one.at < age

  /** Requests may settle in another order than they were sent. */
  const isLatest = (at: number) => answer === undefined || answer.at <= at

  const ask = (): Promise<StreamState[]> => {
    if (request !== undefined && isYounger(request, maxAge)) return request.states
    const at = clock.monotonic()
    const states = mediaServer.streams(AbortSignal.timeout(limit))
    const own = { at, states }
    request = own
    states.then(
      (states) => {
        if (isLatest(at)) answer = { at, states }
      },
      () => {
        // A failure is not kept for later callers.
        if (request === own) request = undefined
        if (isLatest(at)) answer = undefined
      },
    )
    return states
  }
  return {
    sample() {
      if (!isYounger(answer, usableFor)) return undefined
      if (!isYounger(request, maxAge)) void ask()
      return answer?.states
    },
    streams: ask,
    stream: async (name) => (await ask()).find((state) => state.name === name),
  }
}
