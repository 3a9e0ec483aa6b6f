import {
  type CameraDescription,
  clockFrequency,
  configurationDescriptor,
  controlInterface,
  defaultInterval,
  descriptorType,
  deviceDescriptor,
  type Fourcc,
  frameBytes,
  intervalOf,
  payloadSize,
  processingUnit,
  rateOf,
  streamingInterface,
  stringDescriptor,
} from './descriptors.js'

export interface Mode {
  fourcc: Fourcc
  width: number
  height: number
  rate: number
}

/** What the control endpoint tells the stream. */
export interface ControlEvents {
  /** The kernel chose an alternate setting of the streaming interface; 0 ends an isochronous stream. */
  settingChosen(alternate: number): void
  /** CLEAR_FEATURE of the endpoint: how uvcvideo ends a bulk stream. */
  halted(): void
}

/** The answer to a control request: data, or `done` where there is none to give, or `stall`. */
export type Answer = Buffer | 'done' | 'stall'

const standardRequest = {
  getStatus: 0,
  clearFeature: 1,
  setFeature: 3,
  getDescriptor: 6,
  getConfiguration: 8,
  setConfiguration: 9,
  getInterface: 10,
  setInterface: 11,
}
const videoRequest = {
  setCurrent: 1,
  getCurrent: 0x81,
  getMinimum: 0x82,
  getMaximum: 0x83,
  getResolution: 0x84,
  getLength: 0x85,
  getInfo: 0x86,
  getDefault: 0x87,
}
const streamingSelector = { probe: 1, commit: 2 }
const brightnessSelector = 2
const brightnessRange = { minimum: 0, maximum: 255, resolution: 1, standard: 128 }
/** GET_INFO: may be read and set. */
const readableAndSettable = 3
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

const word = (value: number): Buffer => Buffer.of(value & 255, value >> 8)

/** Endpoint 0: who the camera is, which mode it will stream, and its one control (brightness). */
export const createControlEndpoint = (camera: CameraDescription, events: ControlEvents) => {
  const standard = { format: 1, frame: 1, interval: defaultInterval(camera) }
  let chosen = standard
  let alternate = 0
  let brightness = brightnessRange.standard

  const chosenMode = ({ format, frame, interval }: typeof chosen): Mode => {
    const { fourcc, sizes } = camera.formats[format - 1] ?? { fourcc: 'MJPG', sizes: [] }
    return { fourcc, ...(sizes[frame - 1] ?? { width: 0, height: 0 }), rate: rateOf(interval) }
  }

  const descriptorFor = (type: number, index: number): Answer => {
    if (type === descriptorType.device) return deviceDescriptor(camera)
    if (type === descriptorType.configuration) return configurationDescriptor(camera)
    if (type === descriptorType.string) return stringDescriptor(index, camera) ?? 'stall'
    return 'stall'
  }

  const answerStandard = ({
    recipient,
    request,
    value,
    index,
  }: {
    recipient: number
    request: number
    value: number
    index: number
  }): Answer => {
    const toEndpoint = 2
    switch (request) {
      case standardRequest.getDescriptor:
        return descriptorFor(value >> 8, value & 255)
      case standardRequest.getStatus:
        return word(0)
      case standardRequest.getConfiguration:
        return Buffer.of(1)
      case standardRequest.getInterface:
        return Buffer.of(alternate)
      case standardRequest.setInterface:
        if (index !== streamingInterface) return 'done'
        alternate = value
        events.settingChosen(alternate)
        return 'done'
      case standardRequest.clearFeature:
        if (recipient === toEndpoint) events.halted()
        return 'done'
      case standardRequest.setConfiguration:
      case standardRequest.setFeature:
        return 'done'
      default:
        return 'stall'
    }
  }

  const nearestOffered = (data: Buffer): typeof chosen => {
    const among = (wanted: number, count: number) => Math.min(Math.max(wanted, 1), count)
    const format = among(data[probeAt.format] ?? 1, camera.formats.length)
    const frame = among(data[probeAt.frame] ?? 1, camera.formats[format - 1]?.sizes.length ?? 1)
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

  const answerStreaming = (request: number, data: Buffer): Answer => {
    if (request === videoRequest.setCurrent) {
      if (data.length < probeAt.frameSize) return 'stall'
      chosen = nearestOffered(data)
      return 'done'
    }
    if (request === videoRequest.getInfo) return Buffer.of(readableAndSettable)
    if (request === videoRequest.getLength) return word(probeBytes)
    return probeControl(request === videoRequest.getCurrent ? chosen : standard)
  }

  const answerBrightness = (request: number, data: Buffer): Answer => {
    switch (request) {
      case videoRequest.setCurrent:
        brightness = data.readInt16LE(0)
        return 'done'
      case videoRequest.getCurrent:
        return word(brightness)
      case videoRequest.getMinimum:
        return word(brightnessRange.minimum)
      case videoRequest.getMaximum:
        return word(brightnessRange.maximum)
      case videoRequest.getResolution:
        return word(brightnessRange.resolution)
      case videoRequest.getDefault:
        return word(brightnessRange.standard)
      case videoRequest.getLength:
        return word(2)
      case videoRequest.getInfo:
        return Buffer.of(readableAndSettable)
      default:
        return 'stall'
    }
  }

  return {
    mode: (): Mode => chosenMode(chosen),
    /** `setup` is the request's eight bytes, `data` what the kernel sends with it. */
    answer(setup: Buffer, data: Buffer): Answer {
      const [requestType = 0, request = 0] = setup
      const value = setup.readUInt16LE(2)
      const index = setup.readUInt16LE(4)
      const isStandard = (requestType & 0x60) === 0
      if (isStandard) return answerStandard({ recipient: requestType & 0x1f, request, value, index })
      const selector = value >> 8
      const target = index & 255
      const unit = index >> 8
      if (
        target === streamingInterface &&
        (selector === streamingSelector.probe || selector === streamingSelector.commit)
      )
        return answerStreaming(request, data)
      if (target === controlInterface && unit === processingUnit && selector === brightnessSelector)
        return answerBrightness(request, data)
      return 'stall'
    },
  }
}
