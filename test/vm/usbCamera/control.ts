import {
  type CameraDescription,
  configurationDescriptor,
  controlInterface,
  descriptorType,
  deviceDescriptor,
  processingUnit,
  streamingInterface,
  stringDescriptor,
} from './descriptors.js'
import { createNegotiation, type Mode } from './negotiation.js'
import { type Answer, readableAndSettable, videoRequest, word } from './videoRequest.js'

/** What the control endpoint tells the streams, which are counted from 0. */
export interface ControlEvents {
  /** The kernel chose an alternate setting of a streaming interface; 0 ends an isochronous stream. */
  settingChosen(stream: number, alternate: number): void
  /** CLEAR_FEATURE of an endpoint: how uvcvideo ends a bulk stream. */
  halted(stream: number): void
}

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
const brightnessSelector = 2
const brightnessRange = { minimum: 0, maximum: 255, resolution: 1, standard: 128 }

/** Endpoint 0: who the camera is, which mode each stream will have, and its one control (brightness). */
export const createControlEndpoint = (camera: CameraDescription, events: ControlEvents) => {
  const streams = camera.streams.map((formats, stream) => ({
    address: streamingInterface(stream),
    negotiation: createNegotiation(formats, camera),
    alternate: 0,
  }))
  let brightness = brightnessRange.standard

  /** `address`: of an interface, or of its endpoint. */
  const placeOf = (address: number) => streams.findIndex((stream) => stream.address === address)

  const descriptorFor = (type: number, index: number): Answer => {
    if (type === descriptorType.device) return deviceDescriptor(camera)
    if (type === descriptorType.configuration) return configurationDescriptor(camera)
    if (type === descriptorType.string) return stringDescriptor(index, camera) ?? 'stall'
    return 'stall'
  }

  const choose = (address: number, alternate: number) => {
    const place = placeOf(address)
    const stream = streams[place]
    if (stream === undefined) return
    stream.alternate = alternate
    events.settingChosen(place, alternate)
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
    const endpointNumber = 0x0f
    switch (request) {
      case standardRequest.getDescriptor:
        return descriptorFor(value >> 8, value & 255)
      case standardRequest.getStatus:
        return word(0)
      case standardRequest.getConfiguration:
        return Buffer.of(1)
      case standardRequest.getInterface:
        return Buffer.of(streams[placeOf(index)]?.alternate ?? 0)
      case standardRequest.setInterface:
        choose(index, value)
        return 'done'
      case standardRequest.clearFeature:
        if (recipient === toEndpoint) events.halted(placeOf(index & endpointNumber))
        return 'done'
      case standardRequest.setConfiguration:
      case standardRequest.setFeature:
        return 'done'
      default:
        return 'stall'
    }
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
    mode(stream: number): Mode {
      const found = streams[stream]
      if (found === undefined) throw new Error(`there is no stream ${stream}`)
      return found.negotiation.mode()
    },
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
      if (target === controlInterface && unit === processingUnit && selector === brightnessSelector)
        return answerBrightness(request, data)
      return streams[placeOf(target)]?.negotiation.answer(selector, request, data) ?? 'stall'
    },
  }
}
