import type { Clock, MediaServer, StreamState } from '../../machines/domain/ports.js'

type Streams = Pick<MediaServer, 'streams' | 'stream'>

/**
 * What the media server says of its streams, at most `maxAge` ms old: any number of askers share one question, so that
 * clients that poll cannot drown its API. Waits at most `limit` ms, whatever the asker's signal says: others wait for the same answer.
 */
export function sampledStreams({ mediaServer, clock, maxAge, limit }: { mediaServer: Streams; clock: Clock; maxAge: number; limit: number }): Streams {
  let sample: { at: number; states: Promise<StreamState[]> } | undefined
  const ask = (): Promise<StreamState[]> => {
    if (sample && clock.now() - sample.at < maxAge) return sample.states
    const states = mediaServer.streams(AbortSignal.timeout(limit))
    const asked = { at: clock.now(), states }
    sample = asked
    states.catch(() => {
      // A failure is told to those who wait, and not kept for others.
      if (sample === asked) sample = undefined
    })
    return states
  }
  return {
    streams: ask,
    stream: async (name) => (await ask()).find((state) => state.name === name),
  }
}
