import { fromPromise } from 'xstate'
import type { OnDevice } from '../../machines/cameraContext.js'
import type { CameraId, Device, Pipeline, Probe } from '../../machines/domain/camera.js'
import type { DeviceProbe, Pipelines } from '../../machines/domain/capture.js'
import { easedSettings, thinned } from '../../machines/domain/ease.js'
import { withoutHardware } from '../../machines/domain/encoder.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { AddressCheck } from '../../machines/domain/external.js'
import type { Segments } from '../../machines/domain/files.js'
import type { MediaServer, PathEvent, StreamReader } from '../../machines/domain/mediaServer.js'
import { choosePipeline } from '../../machines/domain/pipeline.js'
import type { CaptureDefaults, Encoders, Log, WallClock } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import type { GapStore, IntentStore, Recalled } from '../../machines/domain/recording.js'
import { endOfFile } from '../../machines/recordingContext.js'
import type { SourceInput } from '../../machines/source.js'
import { callback } from './callback.js'
import { addressRefusal } from './external.js'
import { within } from './time.js'

export interface CameraPorts {
  mediaServer: Pick<MediaServer, 'publish' | 'setRecording'>
  probe: DeviceProbe
  encoders: Encoders
  pipelines: Pick<Pipelines, 'spec'>
  addresses: AddressCheck
  intents: Pick<IntentStore, 'find' | 'remove'>
  gaps: Pick<GapStore, 'save'>
  segments: Pick<Segments, 'recall' | 'list' | 'finish' | 'toMatroska'>
  defaults: CaptureDefaults
  /** The network cameras whose paths are published. The effects that hold their streams read it. */
  sources: Map<CameraId, SourceInput>
  clock: WallClock
  log: Log
}

/** Limit for stopping the recorder after a crash, in ms. */
const abandonLimit = 2_500

/** The effects of machines/camera.ts. */
export const cameraEffects = ({
  mediaServer,
  probe,
  encoders,
  pipelines,
  addresses,
  intents,
  gaps,
  segments,
  defaults,
  sources,
  clock,
  log,
}: CameraPorts) => {
  const recall = async (camera: CameraId, signal: AbortSignal): Promise<Recalled | undefined> => {
    const intent = await intents.find(camera)
    if (intent === undefined) return undefined
    const { startedAt, unfinished, earlier = [] } = intent
    if (unfinished === undefined) {
      await segments.recall(camera, startedAt - 1, earlier)
      const [newest] = (await segments.list(camera, startedAt - 1)).slice(-1)
      const [file] = newest ? await segments.finish(camera, [newest], signal) : []
      return { intent, grewAt: newest && file ? endOfFile(newest, file, clock.now()) : startedAt }
    }
    // The last run of the service ended while it converted the files.
    const names = unfinished.map((filename) => ({ filename, startedAt }))
    const files = await segments.toMatroska(await segments.finish(camera, names, signal), signal)
    await gaps.save({ camera, endedAt: clock.now(), files: files.map(({ name }) => name), gaps: intent.gaps })
    await intents.remove(camera)
    return undefined
  }
  /** Adds the encoder to a stream that is encoded. */
  const encodedBy = async (
    pipeline: Pipeline,
    { settings, failedEncoder }: Pick<OnDevice, 'settings' | 'failedEncoder'>,
    signal: AbortSignal,
  ): Promise<Pipeline> => {
    if (pipeline.kind !== 'encode') return pipeline
    // It may have failed for all cameras.
    if (failedEncoder) encoders.forget()
    const { encoder, reason } = failedEncoder
      ? withoutHardware(failedEncoder)
      : await encoders.choose(settings.encoder ?? defaults.encoder ?? 'auto', signal)
    return { ...pipeline, encoder, encoderReason: reason }
  }
  return {
    probeDevice: fromPromise<Probe & { at: number }, OnDevice>(
      async ({ input: { device, ease = 0, ...input }, signal }) => {
        if (device.kind === 'rtsp') await checkAddress(device, addresses, signal)
        const capabilities = await probe.capabilities(device, signal)
        const wish = easedSettings(input.settings, defaults, ease)
        const chosen = choosePipeline(device.kind, capabilities, wish.settings, wish.defaults)
        const pipeline = ease > 0 ? thinned(chosen, wish.defaults.fps) : chosen
        return { capabilities, pipeline: await encodedBy(pipeline, input, signal), at: clock.now() }
      },
    ),

    publishPath: callback<PathEvent, { id: CameraId; device: Device; probe: Probe }>(
      ({ input: { id, device, probe: found }, send }) => {
        const { kind } = device
        if (kind === 'rtsp') sources.set(id, device)
        const dispose = mediaServer.publish(pipelines.spec(id, device, found.pipeline), send)
        return () => {
          sources.delete(id)
          dispose()
        }
      },
    ),

    recallIntent: fromPromise<Recalled | undefined, { camera: CameraId }>(({ input: { camera }, signal }) =>
      recall(camera, signal).catch((error: unknown) => {
        if (!signal.aborted)
          log.error('the recording of an earlier run cannot be continued yet', { camera, reason: reasonOf(error) })
        throw error
      }),
    ),

    abandonCapture: fromPromise<void, { camera: CameraId }>(({ input: { camera }, signal }) =>
      within(abandonLimit, signal, (limited) => mediaServer.setRecording(camera, false, limited)),
    ),
  }
}

/** The effects of machines/source.ts. */
export const sourceEffects = ({
  reader,
  addresses,
}: {
  reader: Pick<StreamReader, 'describe' | 'reach'>
  addresses: AddressCheck
}) => ({
  describeSource: fromPromise<void, SourceInput>(({ input, signal }) =>
    askSource(input, { reader, addresses }, signal),
  ),
})

/** Rejects if the network camera does not answer, or its address is not allowed. */
export async function askSource(
  source: SourceInput,
  { reader, addresses }: { reader: Pick<StreamReader, 'describe' | 'reach'>; addresses: AddressCheck },
  signal: AbortSignal,
): Promise<void> {
  if (source.keepalive === 'off') return
  await checkAddress(source, addresses, signal)
  if (source.keepalive === 'options') await reader.reach(source.url, signal, source)
  else await reader.describe(source.url, signal, source)
}

/**
 * Rejects if the host of an added stream now resolves to an address that is not allowed. Configured streams are not
 * checked: they are the administrator's responsibility.
 */
async function checkAddress({ url, added }: SourceInput, addresses: AddressCheck, signal: AbortSignal): Promise<void> {
  if (!added) return
  const refusal = await addressRefusal(url, addresses, signal)
  if (refusal !== undefined) throw new Failure('address_refused', `its address ${refusal}`)
}
