import { fromPromise } from 'xstate'
import type { Pipelines, Presence, TapEvent } from '../../machines/domain/capture.js'
import type { MediaServer, StreamReader } from '../../machines/domain/mediaServer.js'
import type { Clock } from '../../machines/domain/ports.js'
import type { Reason } from '../../machines/domain/reason.js'
import type { KeyframesInput } from '../../machines/keyframes.js'
import type { StreamInput } from '../../machines/pipeline.js'
import type { PathMeasurement } from '../../machines/pull.js'
import { callback } from './callback.js'
import { within } from './time.js'

/** The effects of machines/pipeline.ts. */
export const pipelineEffects = ({
  pipelines,
}: {
  pipelines: Pick<Pipelines, 'watch' | 'presence' | 'takeReport' | 'recycle'>
}) => ({
  watchTaps: callback<TapEvent, StreamInput>(({ input: { camera }, send }) => pipelines.watch(camera, send)),
  findProcess: fromPromise<Presence, StreamInput>(async ({ input: { camera } }) => pipelines.presence(camera)),
  takeReport: fromPromise<Reason | undefined, StreamInput>(async ({ input: { camera } }) =>
    pipelines.takeReport(camera),
  ),
  recycleProcess: fromPromise<boolean, StreamInput>(({ input: { camera } }) => pipelines.recycle(camera)),
})

/** Limit for the media server's list of streams, in ms. */
const measureLimit = 3_000

interface PullPorts {
  mediaServer: Pick<MediaServer, 'stream'>
  reader: Pick<StreamReader, 'isFollowed'>
  clock: Clock
}

/** The effects of machines/keyframes.ts. */
export const keyframesEffects = ({ reader }: { reader: Pick<StreamReader, 'follow'> }) => ({
  followKeyframes: fromPromise<void, KeyframesInput>(({ input: { camera }, signal }) => reader.follow(camera, signal)),
})

/** The effects of machines/pull.ts. */
export const pullEffects = ({ mediaServer, reader, clock }: PullPorts) => ({
  measurePath: fromPromise<PathMeasurement, StreamInput>(async ({ input: { camera }, signal }) => {
    // Before the question: a reader that has just come is not in the answer yet.
    const own = reader.isFollowed(camera) ? 1 : 0
    const state = await within(measureLimit, signal, (limited) => mediaServer.stream(camera, limited))
    return {
      ready: state?.ready ?? false,
      used: (state?.readers ?? 0) > own,
      bytes: state?.bytesReceived ?? 0,
      at: clock.monotonic(),
      ...(state?.media && { media: state.media }),
    }
  }),
})
