import { fromPromise } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import type { AddressCheck } from '../../machines/domain/external.js'
import type { StreamReader } from '../../machines/domain/mediaServer.js'
import type { Dispose } from '../../machines/domain/ports.js'
import { type Reason, reasonFrom } from '../../machines/domain/reason.js'
import type { SourceInput } from '../../machines/source.js'
import { type StreamHoldEvent, streamHoldMachine } from '../../machines/streamHold.js'
import { callback } from './callback.js'
import { askSource } from './camera.js'
import { within } from './time.js'

/**
 * Limit in ms for one SETUP: the first may wait for a whole start. After its publisher died, MediaMTX never answers a
 * waiting SETUP, and only a new one gets the stream, so the second limit is short. It grows, because a slow host needs
 * longer. A start in progress continues, and the next SETUP joins it.
 */
const waitOf = (attempts: number, startLimit: number): number =>
  attempts === 0 ? startLimit : Math.min(startLimit, 1_000 * attempts)

/** In ms. */
const askLimit = 2_000

interface StreamHoldPorts {
  reader: Pick<StreamReader, 'hold' | 'describe' | 'reach'>
  addresses: AddressCheck
  /** The network camera of a path; undefined for others. */
  sourceOf(camera: CameraId): SourceInput | undefined
  /** How long a stream may take to start, in ms. */
  startLimit: number
}

type SourcePorts = Pick<StreamHoldPorts, 'addresses' | 'sourceOf'> & {
  reader: Pick<StreamReader, 'describe' | 'reach'>
}

/** The effect that asks the network camera of a path. Resolves at once for other cameras. */
export const createSourceQuestion = ({ reader, addresses, sourceOf }: SourcePorts) =>
  fromPromise<void, { camera: CameraId }>(async ({ input: { camera }, signal }) => {
    const source = sourceOf(camera)
    if (source) await within(askLimit, signal, (limited) => askSource(source, { reader, addresses }, limited))
  })

/** Returns the machine that holds a stream, with its effects. */
export const provideStreamHold = (ports: StreamHoldPorts) => {
  const { reader, startLimit } = ports
  return streamHoldMachine.provide({
    actors: {
      askSource: createSourceQuestion(ports),

      openStream: callback<StreamHoldEvent, { camera: CameraId; attempts: number }>(
        ({ send, input: { camera, attempts } }) => {
          const ended = new AbortController()
          let release: Dispose = () => {}
          const lost = (reason: Reason) => {
            release = () => {}
            send({ type: 'stream.lost', reason })
          }
          const hold = (limited: AbortSignal) => reader.hold(camera, lost, limited)
          within(waitOf(attempts, startLimit), ended.signal, hold).then(
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
}
