import { createDevice, type DeviceOptions } from './device.js'
import { createMessageReader } from './usbip.js'
import { attach, type Cable } from './vhci.js'

export interface UsbCamera {
  /** Frames made, and dropped because the kernel did not fetch them in time; of all streams together. */
  stats(): { frames: number; dropped: number }
  /** Hangs: answers as before, but sends no frames. */
  pause(): void
  resume(): void
  /** Gives a third of its frames, like a webcam in the dark. */
  dim(): void
  light(): void
  unplug(): void
}

export interface CameraOptions extends Omit<DeviceOptions, 'send'> {
  /** 0–6: a root hub's port each. */
  port: number
}

/**
 * A USB Video Class camera in user space, plugged into this kernel: like a real one, it is enumerated, bound by
 * uvcvideo and named by udev.
 */
export const plugCamera = async ({ port, description, frame }: CameraOptions): Promise<UsbCamera> => {
  let cable: Cable | undefined
  const device = createDevice({ description, frame, send: (bytes) => cable?.send(bytes) })
  const read = createMessageReader()
  const plugged = await attach({
    port,
    received: (bytes, from) => {
      cable = from // the kernel asks before `attach` has resolved
      for (const message of read(bytes)) device.handle(message)
    },
    closed: device.end,
  })
  return {
    stats: device.stats,
    pause: device.pause,
    resume: device.resume,
    dim: device.dim,
    light: device.light,
    unplug: () => {
      device.end()
      plugged.pull()
    },
  }
}
