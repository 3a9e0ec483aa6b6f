import type { Clock, MediaServer, StreamState } from '../../machines/domain/ports.js'

type Streams = Pick<MediaServer, 'streams' | 'stream'>

export interface SampledStreams extends Streams {
  /** The last answer, at once, unless it is older than `usableFor`; one that is older than `maxAge` is renewed meanwhile. `undefined`: it is to be asked. */
  sample(): readonly StreamState[] | undefined
}

export interface SampledOptions {
  mediaServer: Streams
  clock: Clock
  /** ms for which who waits is given the same answer. */
  maxAge: number
  /** ms for which who does not wait is. */
  usableFor: number
  /** ms that an answer may take, whatever the asker's signal says: others wait for the same one. */
  limit: number
}

/** What the media server says of its streams. Any number of askers share one question, so that clients that poll cannot drown its API. */
export function sampledStreams({ mediaServer, clock, maxAge, usableFor, limit }: SampledOptions): SampledStreams {
  let asked: { at: number; states: Promise<StreamState[]> } | undefined
  let told: { at: number; states: StreamState[] } | undefined
  const isYounger = (one: { at: number } | undefined, age: number) => one !== undefined && clock.now() - one.at < age

  const ask = (): Promise<StreamState[]> => {
    if (asked !== undefined && isYounger(asked, maxAge)) return asked.states
    const at = clock.now()
    const states = mediaServer.streams(AbortSignal.timeout(limit))
    const question = { at, states }
    asked = question
    states.then(
      (answer) => {
        told = { at, states: answer }
      },
      () => {
        // A failure is told to those who wait, and not kept for others.
        if (asked === question) asked = undefined
        told = undefined
      },
    )
    return states
  }
  return {
    sample() {
      if (!isYounger(told, usableFor)) return undefined
      if (!isYounger(asked, maxAge)) void ask()
      return told?.states
    },
    streams: ask,
    stream: async (name) => (await ask()).find((state) => state.name === name),
  }
}
