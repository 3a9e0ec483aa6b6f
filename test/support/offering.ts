import type { Capabilities } from '../../machines/domain/camera.js'

/** Capabilities with these modes: `MJPG 1280x720@30` … */
export function offering(...modes: string[]): Capabilities {
  return {
    formats: modes.map((text) => {
      const [fourcc = '', width, height, rate] = text.split(/[ x@]/)
      return {
        fourcc,
        description: '',
        sizes: [{ width: Number(width), height: Number(height), rates: [Number(rate)] }],
      }
    }),
  }
}
