import type { CameraId } from '../../machines/domain/camera.js'
import type { StreamReader } from '../../machines/domain/mediaServer.js'
import type { Dispose } from '../../machines/domain/ports.js'
import { type Reason, reasonFrom } from '../../machines/domain/reason.js'
import { type StreamHoldEvent, streamHoldMachine } from '../../machines/streamHold.js'
import { callback } from './callback.js'
import { within } from './time.js'

/**
 * Limit in ms for one SETUP: the first may wait for a whole start. After its publisher died, MediaMTX never answers a
 * waiting SETUP, and only a new one gets the stream, so the second limit is short. It grows, because a slow host needs
 * longer. A start in progress continues, and the next SETUP joins it.
 */
const waitOf = (attempts: number, startLimit: number): number =>
  attempts === 0 ? startLimit : Math.min(startLimit, 1_000 * attempts)

/** Returns the machine that holds a stream, with its effect. `startLimit`: ms that a stream may take to start. */
export const provideStreamHold = ({ reader, startLimit }: { reader: Pick<StreamReader, 'hold'>; startLimit: number }) =>
  streamHoldMachine.provide({
    actors: {
      openStream: callback<StreamHoldEvent, { camera: CameraId; attempts: number }>(
        ({ send, input: { camera, attempts } }) => {
          const ended = new AbortController()
          let release: Dispose = () => {}
          const lost = (reason: Reason) => {
            release = () => {}
            send({ type: 'stream.lost', reason })
          }
          reader.hold(camera, lost, within(waitOf(attempts, startLimit), ended.signal)).then(
            (dispose) => {
              if (ended.signal.aborted) return dispose()
              release = dispose
              send({ type: 'stream.held' })
            },
            (error: unknown) => {
              if (!ended.signal.aborted) send({ type: 'stream.lost', reason: reasonFrom(error, 'stream_lost') })
            },
          )
          return () => {
            ended.abort()
            release()
          }
        },
      ),
    },
  })
