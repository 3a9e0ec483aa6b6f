import { fromPromise } from 'xstate'
import type { Pipelines, Presence, TapEvent } from '../../machines/domain/capture.js'
import type { MediaServer } from '../../machines/domain/mediaServer.js'
import type { Clock } from '../../machines/domain/ports.js'
import type { Reason } from '../../machines/domain/reason.js'
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

/** The effects of machines/pull.ts. */
export const pullEffects = ({ mediaServer, clock }: { mediaServer: Pick<MediaServer, 'stream'>; clock: Clock }) => ({
  measurePath: fromPromise<PathMeasurement, StreamInput>(async ({ input: { camera }, signal }) => {
    const state = await mediaServer.stream(camera, within(measureLimit, signal))
    return {
      ready: state?.ready ?? false,
      used: (state?.readers ?? 0) > 0,
      bytes: state?.bytesReceived ?? 0,
      at: clock.monotonic(),
      ...(state?.media && { media: state.media }),
    }
  }),
})
