import { setTimeout as sleep } from 'node:timers/promises'
import { fromPromise } from 'xstate'
import type { CameraEvent } from '../../machines/camera.js'
import type { CameraId, CameraSettings, Device, Probe } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { AddressCheck } from '../../machines/domain/external.js'
import { choosePipeline } from '../../machines/domain/pipeline.js'
import type {
  CaptureDefaults,
  Clock,
  DeviceProbe,
  Log,
  MediaServer,
  Pipelines,
  StreamReader,
} from '../../machines/domain/ports.js'
import { readStreamUrl } from '../../machines/domain/streamUrl.js'
import { callback } from './callback.js'
import { holdStream } from './stream.js'
import { waitUntil, within } from './time.js'

export interface CameraPorts {
  mediaServer: MediaServer
  reader: StreamReader
  probe: DeviceProbe
  pipelines: Pipelines
  /** Asked at every look at an added stream: what its name leads to may change. */
  addresses?: AddressCheck
  defaults: CaptureDefaults
  /** How long a stream may take to start, in ms. */
  startLimit: number
  /** How often an RTSP camera is asked whether it is still there, in ms; the second silence in a row counts. */
  sourceInterval: number
  clock: Clock
  log: Log
}

interface OnDevice {
  id: CameraId
  device: Device
  settings: CameraSettings
}

/** For a name to be resolved, in ms. */
const resolveLimit = 3_000

/** Where its address must not lead. No silence: the stream is lost at once. */
class Refused extends Error {}

/** The effects that machines/camera.ts names. */
export const cameraEffects = ({
  mediaServer,
  reader,
  probe,
  pipelines,
  addresses,
  defaults,
  sourceInterval,
  clock,
  log,
  startLimit,
}: CameraPorts) => ({
  holdStream: holdStream({ reader, startLimit }),
  waitUntil: waitUntil({ clock }),

  probeDevice: fromPromise<Probe & { at: number }, OnDevice>(async ({ input: { device, settings }, signal }) => {
    await mayBeAsked(device, addresses, signal)
    const capabilities = await probe.capabilities(device, signal)
    return { capabilities, pipeline: choosePipeline(device.kind, capabilities, settings, defaults), at: clock.now() }
  }),

  publishPath: callback<CameraEvent, { id: CameraId; device: Device; probe: Probe }>(
    ({
      input: {
        id,
        device,
        probe: { pipeline },
      },
    }) => {
      const ended = new AbortController()
      mediaServer.publish(pipelines.spec(id, device, pipeline), ended.signal).catch((error: unknown) => {
        // Wanted all the same: the next sync puts it there.
        if (!ended.signal.aborted)
          log.debug('the path waits for the media server', { camera: id, reason: reasonOf(error) })
      })
      return () => {
        ended.abort()
        mediaServer
          .withdraw(id)
          .catch((error: unknown) =>
            log.debug('the path could not be removed', { camera: id, reason: reasonOf(error) }),
          )
      }
    },
  ),

  watchPipeline: callback<CameraEvent, { id: CameraId; device: Device }>(({ input: { id, device }, send }) =>
    device.kind === 'rtsp' ? undefined : pipelines.watch(id, send),
  ),

  watchSource: callback<CameraEvent, { id: CameraId; device: Device }>(({ input: { device }, send }) => {
    if (device.kind !== 'rtsp') return undefined
    const ended = new AbortController()
    const { signal } = ended
    const watch = async () => {
      for (let silences = 0; !signal.aborted; ) {
        await sleep(sourceInterval, undefined, { signal }).catch(() => {})
        if (signal.aborted) return
        try {
          await mayBeAsked(device, addresses, signal)
          await reader.describe(device.url, signal)
          silences = 0
        } catch (error) {
          silences += 1
          if ((silences >= 2 || error instanceof Refused) && !signal.aborted)
            send({ type: 'source.lost', reason: reasonOf(error) })
        }
      }
    }
    void watch()
    return () => ended.abort()
  }),

  recyclePipeline: fromPromise<boolean, { id: CameraId }>(({ input: { id } }) => pipelines.recycle(id)),
})

/** Throws for an added stream whose name leads, by now, to where nobody may be sent. What the configuration names is the administrator's. */
async function mayBeAsked(device: Device, addresses: AddressCheck | undefined, signal: AbortSignal): Promise<void> {
  if (device.kind !== 'rtsp' || !device.added || addresses === undefined) return
  const { host, port } = readStreamUrl(device.url)
  const refusal = await addresses.refusal(host, port, within(resolveLimit, signal))
  if (refusal !== undefined) throw new Refused(`its address ${refusal}`)
}
