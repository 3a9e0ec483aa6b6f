import { copyFile } from 'node:fs/promises'
import type { CameraId, Capabilities, Device } from '../../machines/domain/camera.js'
import type { Clock, DeviceProbe, Log, Pictures, Pipelines, StreamReader } from '../../machines/domain/ports.js'
import { findClockwork } from './clockwork.js'
import { grabFromDevice, grabFromV4l2, grabKeyframe, stillMode } from './grab.js'
import { type Run, run as runProgram } from './run.js'
import { convertPicture, savePicture } from './savePicture.js'
import { discard, discardLeftovers, intoTemporary } from './temporary.js'

export interface PicturesOptions {
  /** Where a camera's snapshots belong. */
  snapshotsDir: (camera: CameraId) => string
  /** Of the pipelines' locks; temporary files are put there too. */
  runDir: string
  reader: Pick<StreamReader, 'keyframe'>
  pipelines: Pick<Pipelines, 'still'>
  clock: Clock
  log: Log
  /** Asked whether an H.264 camera has a still format beside; without it, such a camera has no tier 0. */
  probe?: DeviceProbe
  run?: Run
  /** Milliseconds for each way. */
  limits?: { direct: number; ffmpeg: number; stream: number }
}

/** Ways to a picture, the device lock kept. Nothing of a way that failed or was given up stays behind: no process, no file. */
export function createPictures(options: PicturesOptions): Pictures {
  const {
    snapshotsDir,
    runDir,
    reader,
    pipelines,
    clock,
    log,
    probe,
    run = runProgram,
    limits = { direct: 2_000, ffmpeg: 6_000, stream: 20_000 },
  } = options
  const cleaned = new Map<string, Promise<void>>()
  const reserved = new Map<string, CameraId>()
  const clockwork = once(() => findClockwork({ runner: run }))
  const known = new Map<CameraId, { node: string; capabilities: Capabilities }>()

  /** Before the first file of our own in a folder: what a killed service left there goes. */
  const clean = (dir: string): Promise<void> => {
    const done = cleaned.get(dir) ?? discardLeftovers(dir)
    cleaned.set(dir, done)
    return done
  }

  /** Asked once per plug. */
  const capabilitiesOf = async (
    camera: CameraId,
    device: Device & { kind: 'usb' },
    signal: AbortSignal,
  ): Promise<Capabilities> => {
    const last = known.get(camera)
    if (last?.node === device.node) return last.capabilities
    const capabilities = (await probe?.capabilities(device, signal)) ?? { formats: [] }
    known.set(camera, { node: device.node, capabilities })
    return capabilities
  }

  return {
    async grabDirect(camera, device, pipeline, signal) {
      if (device.kind !== 'usb') throw new Error('not a USB camera')
      await clean(runDir)
      const mode = await stillMode(pipeline, () => capabilitiesOf(camera, device, signal))
      const file = await grabFromV4l2(device, mode, { camera, pipeline, runDir, run, signal, timeout: limits.direct })
      return { file, capturedAt: clock.now() }
    },

    async grabByFfmpeg(camera, device, pipeline, signal) {
      if (device.kind === 'rtsp') throw new Error('not a local device')
      await clean(runDir)
      const drawn = device.kind === 'virtual' ? await clockwork() : undefined
      const file = await grabFromDevice(device, drawn, {
        camera,
        pipeline,
        runDir,
        run,
        signal,
        timeout: limits.ffmpeg,
      })
      return { file, capturedAt: clock.now() }
    },

    async grabFromStream(camera, maxAge, signal) {
      await clean(runDir)
      const still = await pipelines.still(camera)
      if (still && clock.now() - still.capturedAt <= maxAge) {
        // Opened before the next one takes its name, so that it is copied whole.
        const file = await intoTemporary(runDir, '.jpg', (to) => copyFile(still.file, to)).catch((error: unknown) =>
          log.debug('the still could not be copied', { camera, error }),
        )
        if (file) return { file, capturedAt: still.capturedAt }
      }
      return grabKeyframe(reader, () => clock.now(), { camera, runDir, run, signal, timeout: limits.stream })
    },

    async save(camera, picture, wish, signal, { keep } = { keep: false }) {
      try {
        if (wish.fleeting) return await convertPicture({ picture, options: wish, dir: runDir, run, signal })
        await clean(snapshotsDir(camera))
        return await savePicture({ camera, picture, options: wish, dir: snapshotsDir(camera), reserved, run, signal })
      } finally {
        if (!keep) await discard(picture.file)
      }
    },
  }
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => {
    made ??= make()
    return made
  }
}
