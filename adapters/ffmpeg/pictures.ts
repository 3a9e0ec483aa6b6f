import { copyFile } from 'node:fs/promises'
import {
  type CameraId,
  type Capabilities,
  type Device,
  isLocal,
  type LocalDevice,
} from '../../machines/domain/camera.js'
import type {
  DeviceProbe,
  Log,
  Picture,
  Pictures,
  Pipelines,
  StreamReader,
  WallClock,
} from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { isSameDevice } from '../../machines/domain/roster.js'
import { codeOf } from '../errorCode.js'
import type { DeviceUsage } from '../usb/usage.js'
import { findClockwork } from './clockwork.js'
import { type Grabbed, grabFromDevice, grabFromV4l2, stillMode } from './grab.js'
import { decodeKeyframe, grabFromPath } from './grabStream.js'
import { behindStreams, type Run, run as runProgram } from './run.js'
import { convertPicture, savePicture } from './savePicture.js'
import { discard, discardLeftovers, intoTemporary } from './temporary.js'
import { createWarmUps, usualSkip } from './warmUp.js'

export interface PicturesOptions {
  /** Returns the folder of a camera's snapshots. */
  snapshotsDir: (camera: CameraId) => string
  /** The folder of the pipelines' locks; temporary files are put there too. */
  runDir: string
  reader: Pick<StreamReader, 'keyframe' | 'kept' | 'address'>
  pipelines: Pick<Pipelines, 'still'>
  /** Names who holds a busy device; by default nobody does. */
  usage?: Pick<DeviceUsage, 'explained'>
  clock: WallClock
  log: Log
  /** Reads the other formats of an H.264 camera. If absent, such a camera has no tier 0. */
  probe?: DeviceProbe
  run?: Run
  /** Limits in ms. */
  limits?: { direct: number; ffmpeg: number; stream: number }
  /** Number of frames to skip, because the first ones are dark. `auto`: until the brightness has settled. */
  skipFrames?: number | 'auto'
}

/** Takes pictures under the device lock. A failed or aborted attempt leaves no process and no file. */
export function createPictures(options: PicturesOptions): Pictures {
  const { snapshotsDir, runDir, reader, pipelines, clock, log, probe } = options
  const run = behindStreams(options.run ?? runProgram)
  const { limits = { direct: 2_000, ffmpeg: 6_000, stream: 20_000 } } = options
  /** Adds to a failure who uses the device. Throws it again. */
  const naming = (camera: CameraId, device: Device) => (error: unknown) => {
    if (!(error instanceof Failure) || options.usage === undefined) throw error
    const { code, message: details, evidence } = error
    const known = evidence === undefined ? { code, details } : { code, details, evidence }
    const { evidence: seen } = options.usage.explained(camera, known, device)
    throw seen === evidence ? error : new Failure(code, details, seen)
  }
  const warmUps = createWarmUps({ skipFrames: options.skipFrames ?? usualSkip, now: () => performance.now() })
  const taken = (camera: CameraId, node: string, { file, skipped, settled }: Grabbed): Picture => {
    if (settled !== undefined) warmUps.keep(camera, node, settled)
    return { file, capturedAt: clock.now(), skippedFrames: skipped }
  }
  const reserved = new Set<string>()
  const known = new Map<CameraId, { device: LocalDevice; capabilities: Capabilities }>()
  const cleaned = new Map<string, Promise<void>>()
  let clockwork: ReturnType<typeof findClockwork> | undefined

  /** Removes the files that a killed service left in a folder, before the first new file. */
  const clean = (dir: string): Promise<void> => {
    const done = cleaned.get(dir) ?? discardLeftovers(dir)
    cleaned.set(dir, done)
    return done
  }

  /** Probes the device once each time it is plugged in. */
  const capabilitiesOf = async (camera: CameraId, device: LocalDevice, signal: AbortSignal): Promise<Capabilities> => {
    const last = known.get(camera)
    if (last && isSameDevice(last.device, device)) return last.capabilities
    const capabilities = (await probe?.capabilities(device, signal)) ?? { formats: [] }
    known.set(camera, { device, capabilities })
    return capabilities
  }

  return {
    grabDirect: withoutPaths(async (camera, device, pipeline, signal, skipFrames) => {
      if (!isLocal(device)) throw new Failure('not_a_usb_camera')
      await clean(runDir)
      const mode = await stillMode(pipeline, () => capabilitiesOf(camera, device, signal))
      const warmUp = warmUps.of(camera, device.node, mode, skipFrames)
      const grab = { camera, pipeline, runDir, run, signal, timeout: limits.direct, warmUp }
      return taken(camera, device.node, await grabFromV4l2(device, mode, grab).catch(naming(camera, device)))
    }),

    grabByFfmpeg: withoutPaths(async (camera, device, pipeline, signal, skipFrames) => {
      if (device.kind === 'rtsp') throw new Failure('not_a_local_device')
      await clean(runDir)
      if (device.kind === 'virtual') clockwork ??= findClockwork({ runner: run })
      const node = isLocal(device) ? device.node : ''
      const warmUp = warmUps.of(camera, node, pipeline.mode, isLocal(device) ? skipFrames : 0)
      const grab = { camera, pipeline, runDir, run, signal, timeout: limits.ffmpeg, warmUp }
      return taken(camera, node, await grabFromDevice(device, await clockwork, grab).catch(naming(camera, device)))
    }),

    grabFromStream: withoutPaths(async (camera, maxAge, signal) => {
      await clean(runDir)
      const still = await pipelines.still(camera)
      if (still && clock.now() - still.capturedAt <= maxAge) {
        // ffmpeg replaces the file in one step, so the copy is never a mixture of two stills.
        const file = await intoTemporary(runDir, '.jpg', (to) => copyFile(still.file, to)).catch((error: unknown) =>
          log.debug('the still could not be copied', { camera, error }),
        )
        if (file) return { file, capturedAt: still.capturedAt }
      }
      const grab = { camera, runDir, run, signal, timeout: limits.stream }
      const kept = reader.kept(camera)
      if (kept && kept.age <= maxAge) {
        const capturedAt = clock.now() - kept.age
        const file = await decodeKeyframe(kept.codec, kept.picture, grab).catch((error: unknown) =>
          log.debug('the kept keyframe could not be decoded', { camera, error }),
        )
        if (file) return { file, capturedAt }
      }
      return grabFromPath(reader, () => clock.now(), grab)
    }),

    save: withoutPaths(async (camera, picture, wish, signal, { keep } = { keep: false }) => {
      try {
        if (wish.fleeting) return await convertPicture({ picture, options: wish, dir: runDir, run, signal })
        const dir = snapshotsDir(camera)
        await clean(dir)
        return await savePicture({ camera, picture, options: wish, dir, reserved, run, signal })
      } finally {
        if (!keep) await discard(picture.file)
      }
    }),
  }
}

/** Replaces system errors by failures, because their messages contain paths. */
const withoutPaths =
  <Args extends unknown[], Result>(way: (...args: Args) => Promise<Result>) =>
  (...args: Args): Promise<Result> =>
    way(...args).catch((error: unknown) => {
      if (!(error instanceof Error && 'syscall' in error)) throw error
      throw unwritten(codeOf(error))
    })

/** The failure of a picture that could not be written. `errno`: of the system, as in `ENOSPC`. */
export const unwritten = (errno: string): Failure =>
  errno === 'ENOSPC'
    ? new Failure('storage_full', 'no space is left for the picture')
    : new Failure('not_written', `the picture could not be written (${errno})`)
