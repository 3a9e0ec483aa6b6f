import { setTimeout as sleep } from 'node:timers/promises'
import type { CameraId } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Dispose, StreamReader } from '../../machines/domain/ports.js'
import type { HoldEvent } from '../../machines/recording.js'
import { callback } from './callback.js'
import { within } from './time.js'

/**
 * The first SETUP may wait for a whole start. Later ones are cut short: after its publisher died MediaMTX keeps a SETUP for ever, and only a new one
 * wakes the path again. A start that is underway goes on meanwhile, and the next SETUP joins it.
 */
const nextWait = 3_000
/** A device needs a moment to be released. */
const pause = 500

/** Holds the camera's stream until disposed: asks again whenever it is lost. `startLimit`: ms that a stream may take to start. */
export const holdStream = ({ reader, startLimit }: { reader: Pick<StreamReader, 'hold'>; startLimit: number }) =>
  callback<HoldEvent, { camera: CameraId }>(({ send, input: { camera } }) => {
    const ended = new AbortController()
    let release: Dispose | undefined
    const keep = async () => {
      for (let wait = startLimit; !ended.signal.aborted; wait = nextWait) {
        try {
          const lost = new Promise<string>((resolve, reject) => {
            reader.hold(camera, resolve, within(wait, ended.signal)).then((dispose) => {
              if (ended.signal.aborted) return dispose()
              release = dispose
              send({ type: 'stream.held' })
            }, reject)
          })
          send({ type: 'stream.lost', reason: await lost })
        } catch (error) {
          if (ended.signal.aborted) return
          send({ type: 'stream.lost', reason: reasonOf(error) })
        }
        release = undefined
        await sleep(pause, undefined, { signal: ended.signal }).catch(() => {})
      }
    }
    void keep()
    return () => {
      ended.abort()
      release?.()
    }
  })
