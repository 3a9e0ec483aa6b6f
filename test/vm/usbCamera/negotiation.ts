import {
  type CameraDescription,
  clockFrequency,
  defaultInterval,
  type Fourcc,
  frameBytes,
  intervalOf,
  payloadSize,
  rateOf,
  type VideoFormat,
} from './descriptors.js'
import { type Answer, readableAndSettable, videoRequest, word } from './videoRequest.js'

export interface Mode {
  fourcc: Fourcc
  width: number
  height: number
  rate: number
}

const streamingSelector = { probe: 1, commit: 2 }
/** Of UVC 1.1. */
const probeBytes = 34
const probeAt = {
  hint: 0,
  format: 2,
  frame: 3,
  interval: 4,
  frameSize: 18,
  payloadSize: 22,
  clock: 26,
  framing: 30,
  preferredVersion: 31,
  lowestVersion: 32,
  highestVersion: 33,
}

/** Probe and commit: the kernel and one streaming interface, which offers `formats`, agree on a mode. */
export const createNegotiation = (formats: VideoFormat[], camera: CameraDescription) => {
  const standard = { format: 1, frame: 1, interval: defaultInterval(camera) }
  let chosen = standard

  const chosenMode = ({ format, frame, interval }: typeof chosen): Mode => {
    const { fourcc, sizes } = formats[format - 1] ?? { fourcc: 'MJPG', sizes: [] }
    return { fourcc, ...(sizes[frame - 1] ?? { width: 0, height: 0 }), rate: rateOf(interval) }
  }

  const nearestOffered = (data: Buffer): typeof chosen => {
    const among = (wanted: number, count: number) => Math.min(Math.max(wanted, 1), count)
    const format = among(data[probeAt.format] ?? 1, formats.length)
    const frame = among(data[probeAt.frame] ?? 1, formats[format - 1]?.sizes.length ?? 1)
    const wanted = data.readUInt32LE(probeAt.interval)
    const interval = camera.rates
      .map(intervalOf)
      .reduce((best, each) => (Math.abs(each - wanted) < Math.abs(best - wanted) ? each : best))
    return { format, frame, interval }
  }

  const probeControl = (of: typeof chosen) => {
    const bytes = Buffer.alloc(probeBytes)
    bytes.writeUInt16LE(1, probeAt.hint)
    bytes[probeAt.format] = of.format
    bytes[probeAt.frame] = of.frame
    bytes.writeUInt32LE(of.interval, probeAt.interval)
    bytes.writeUInt32LE(frameBytes(chosenMode(of)), probeAt.frameSize)
    bytes.writeUInt32LE(payloadSize[camera.transfer], probeAt.payloadSize)
    bytes.writeUInt32LE(clockFrequency, probeAt.clock)
    bytes[probeAt.framing] = 3 // the payload headers hold the frame id and the end of a frame
    bytes[probeAt.preferredVersion] = 1
    bytes[probeAt.lowestVersion] = 1
    bytes[probeAt.highestVersion] = 1
    return bytes
  }

  return {
    mode: (): Mode => chosenMode(chosen),
    answer(selector: number, request: number, data: Buffer): Answer {
      if (selector !== streamingSelector.probe && selector !== streamingSelector.commit) return 'stall'
      if (request === videoRequest.setCurrent) {
        if (data.length < probeAt.frameSize) return 'stall'
        chosen = nearestOffered(data)
        return 'done'
      }
      if (request === videoRequest.getInfo) return Buffer.of(readableAndSettable)
      if (request === videoRequest.getLength) return word(probeBytes)
      return probeControl(request === videoRequest.getCurrent ? chosen : standard)
    },
  }
}
