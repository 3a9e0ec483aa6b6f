import type { Clock, MediaServer, StreamState } from '../../machines/domain/ports.js'

type Streams = Pick<MediaServer, 'streams' | 'stream'>

export interface SampledStreams extends Streams {
  /** Returns the last answer at once, and renews it when it is older than `maxAge`. `undefined` when it is older than `usableFor`. */
  sample(): readonly StreamState[] | undefined
}

export interface SampledOptions {
  mediaServer: Streams
  clock: Clock
  /** ms for which callers that wait get the same answer. */
  maxAge: number
  /** ms for which callers that do not wait get it. */
  usableFor: number
  /** ms that an answer may take, whatever a caller's signal says: others wait for the same answer. */
  limit: number
}

/** Asks the media server for its streams. Any number of callers share one request, so that polling clients cannot flood its API. */
export function sampledStreams({ mediaServer, clock, maxAge, usableFor, limit }: SampledOptions): SampledStreams {
  let request: { at: number; states: Promise<StreamState[]> } | undefined
  let answer: { at: number; states: StreamState[] } | undefined
  const isYounger = (one: { at: number } | undefined, age: number) => one !== undefined && clock.now() - one.at < age

  const ask = (): Promise<StreamState[]> => {
    if (request !== undefined && isYounger(request, maxAge)) return request.states
    const at = clock.now()
    const states = mediaServer.streams(AbortSignal.timeout(limit))
    const own = { at, states }
    request = own
    states.then(
      (states) => {
        answer = { at, states }
      },
      () => {
        // A failure is for those who wait, and not kept for others.
        if (request === own) request = undefined
        answer = undefined
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
