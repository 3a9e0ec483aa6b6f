/**
 * What a camera tells of itself when it is plugged in: USB 2.0 (chapter 9) and USB Video Class 1.1 descriptors, in the
 * specifications' own field names. One video function: interface 0 controls it, the following ones stream it.
 */

export type Fourcc = 'MJPG' | 'YUY2' | 'H264'

export interface VideoFormat {
  fourcc: Fourcc
  sizes: { width: number; height: number }[]
}

export interface CameraDescription {
  vendorId: number
  productId: number
  manufacturer: string
  product: string
  /** Empty: the camera tells none, as cheap ones do. */
  serial: string
  transfer: 'bulk' | 'isochronous'
  /** The formats of each streaming interface: the kernel makes a capture node of each. */
  streams: VideoFormat[][]
  /** Frames per second, offered for every size. */
  rates: number[]
}

export const descriptorType = {
  device: 1,
  configuration: 2,
  string: 3,
  interface: 4,
  endpoint: 5,
  interfaceAssociation: 0x0b,
  classInterface: 0x24,
} as const
export const controlInterface = 0
export const processingUnit = 2
/** The interface of a stream, counted from 0; its endpoint has the same number. */
export const streamingInterface = (stream: number): number => stream + 1
/** Payload bytes of one isochronous packet, or of one bulk transfer. */
export const payloadSize = { isochronous: 1024, bulk: 16384 } as const
export const clockFrequency = 48_000_000
/** Frame intervals are in units of 100 ns. */
export const intervalOf = (rate: number): number => Math.round(10_000_000 / rate)
export const rateOf = (interval: number): number => 10_000_000 / interval
/** Also the size of an MJPEG or H.264 buffer: no frame of ours is larger than the raw picture. */
export const frameBytes = ({ width, height }: { width: number; height: number }): number => width * height * 2

const usbVersion = 0x0200
const uvcVersion = 0x0110
const inEndpointAddress = (stream: number) => 0x80 | streamingInterface(stream)
const videoClass = 0x0e
const subclass = { control: 1, streaming: 2, collection: 3 } as const
const controlSubtype = { header: 1, inputTerminal: 2, outputTerminal: 3, processingUnit: 5 } as const
const streamingSubtype = { inputHeader: 1, colorFormat: 0x0d } as const
const formatSubtype = {
  YUY2: { format: 4, frame: 5 },
  MJPG: { format: 6, frame: 7 },
  H264: { format: 0x10, frame: 0x11 },
} as const
const terminal = { camera: 1, output: (stream: number) => 3 + stream } as const
const terminalType = { streaming: 0x0101, camera: 0x0201 } as const
const stringIndex = { none: 0, manufacturer: 1, product: 2, serial: 3 } as const
const bitRate = { lowest: 100_000, highest: 100_000_000 } as const

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
const doubleWord = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
/** A descriptor of these fields (numbers are single bytes), its length before it. */
const descriptor = (...fields: (number | Buffer)[]): Buffer => {
  const body = Buffer.concat(fields.map((field) => (typeof field === 'number' ? Buffer.of(field) : field)))
  return Buffer.concat([Buffer.of(body.length + 1), body])
}
/** Some descriptors hold the total length of themselves and of what follows. */
const withTotalLength = (header: (total: number) => Buffer, ...rest: Buffer[]): Buffer => {
  const following = Buffer.concat(rest)
  return Buffer.concat([header(header(0).length + following.length), following])
}
const guidOf = (fourcc: Fourcc): Buffer =>
  Buffer.concat([Buffer.from(fourcc, 'latin1'), Buffer.from('00001000800000aa00389b71', 'hex')])

export const defaultInterval = ({ rates }: CameraDescription): number =>
  intervalOf(rates[Math.min(1, rates.length - 1)] ?? 10)

export const deviceDescriptor = ({ vendorId, productId, serial }: CameraDescription): Buffer =>
  // Class, subclass and protocol: "look at the interface association"; then the largest packet of endpoint 0;
  // bcdDevice 1.0; one configuration.
  descriptor(
    ...[descriptorType.device, word(usbVersion), 0xef, 2, 1, 64, word(vendorId), word(productId), word(0x0100)],
    ...[stringIndex.manufacturer, stringIndex.product, serial === '' ? stringIndex.none : stringIndex.serial, 1],
  )

export const configurationDescriptor = (camera: CameraDescription): Buffer => {
  const interfaces = 1 + camera.streams.length
  const body = Buffer.concat([
    descriptor(
      descriptorType.interfaceAssociation,
      controlInterface,
      interfaces,
      videoClass,
      subclass.collection,
      0,
      stringIndex.product,
    ),
    interfaceDescriptor({ number: controlInterface, alternate: 0, endpoints: 0 }),
    controlDescriptors(camera),
    ...camera.streams.flatMap((formats, stream) => streamingInterfaces(formats, stream, camera)),
  ])
  // Configuration 1, bus-powered, 500 mA.
  return withTotalLength(
    (total) => descriptor(descriptorType.configuration, word(total), interfaces, 1, 0, 0x80, 250),
    body,
  )
}

/** `undefined`: there is no string of this index. */
export const stringDescriptor = (
  index: number,
  { manufacturer, product, serial }: CameraDescription,
): Buffer | undefined => {
  const englishUs = Buffer.of(9, 4)
  if (index === 0) return descriptor(descriptorType.string, englishUs)
  const text = {
    [stringIndex.manufacturer]: manufacturer,
    [stringIndex.product]: product,
    [stringIndex.serial]: serial,
  }[index]
  return text === undefined ? undefined : descriptor(descriptorType.string, Buffer.from(text, 'utf16le'))
}

const interfaceDescriptor = ({
  number,
  alternate,
  endpoints,
}: {
  number: number
  alternate: number
  endpoints: number
}) => {
  const isControl = number === controlInterface
  const name = isControl ? stringIndex.product : stringIndex.none
  return descriptor(
    descriptorType.interface,
    number,
    alternate,
    endpoints,
    videoClass,
    isControl ? subclass.control : subclass.streaming,
    0,
    name,
  )
}

/** Camera terminal → processing unit (brightness only) → an output terminal for each stream. */
const controlDescriptors = ({ streams }: CameraDescription) => {
  const { classInterface } = descriptorType
  return withTotalLength(
    (total) =>
      descriptor(
        classInterface,
        controlSubtype.header,
        word(uvcVersion),
        word(total),
        doubleWord(clockFrequency),
        streams.length,
        Buffer.from(streams.map((_, stream) => streamingInterface(stream))),
      ),
    descriptor(
      ...[
        classInterface,
        controlSubtype.inputTerminal,
        terminal.camera,
        word(terminalType.camera),
        0,
        stringIndex.none,
      ],
      ...[word(0), word(0), word(0), 3, 0, 0, 0], // no zoom; three bytes of controls, none set
    ),
    descriptor(
      classInterface,
      controlSubtype.processingUnit,
      processingUnit,
      terminal.camera,
      word(0),
      2,
      1,
      0,
      stringIndex.none,
      0,
    ),
    ...streams.map((_, stream) =>
      descriptor(
        classInterface,
        controlSubtype.outputTerminal,
        terminal.output(stream),
        word(terminalType.streaming),
        0,
        processingUnit,
        stringIndex.none,
      ),
    ),
  )
}

/** Isochronous cameras have a second setting with the endpoint: setting 0 takes no bandwidth of the bus. */
const streamingInterfaces = (formats: VideoFormat[], stream: number, camera: CameraDescription) => {
  const asynchronous = 5
  const bulk = 2
  const setting = (alternate: number, endpoints: number) =>
    interfaceDescriptor({ number: streamingInterface(stream), alternate, endpoints })
  const endpoint = (attributes: number, packetSize: number, interval: number) =>
    descriptor(descriptorType.endpoint, inEndpointAddress(stream), attributes, word(packetSize), interval)
  const streaming = streamingDescriptors(formats, stream, camera)
  return camera.transfer === 'bulk'
    ? [setting(0, 1), streaming, endpoint(bulk, 512, 0)]
    : [setting(0, 0), streaming, setting(1, 1), endpoint(asynchronous, payloadSize.isochronous, 4)]
}

const streamingDescriptors = (formats: VideoFormat[], stream: number, camera: CameraDescription) => {
  const count = formats.length
  // Linked to the output terminal; no still pictures, no trigger; one empty byte of controls a format.
  const header = (total: number) =>
    descriptor(
      ...[
        descriptorType.classInterface,
        streamingSubtype.inputHeader,
        count,
        word(total),
        inEndpointAddress(stream),
        0,
        terminal.output(stream),
      ],
      ...[0, 0, 0, 1, Buffer.alloc(count)],
    )
  // BT.709 primaries and transfer, SMPTE 170M matrix: what MJPEG is.
  const colors = descriptor(descriptorType.classInterface, streamingSubtype.colorFormat, 1, 1, 4)
  return withTotalLength(
    header,
    ...formats.flatMap((format, index) => [
      formatDescriptor(format, index + 1),
      ...frameDescriptors(format, camera),
      colors,
    ]),
  )
}

const formatDescriptor = ({ fourcc, sizes }: VideoFormat, index: number) => {
  const bitsPerPixel = 16
  const fixedSizeSamples = 1
  const variableSizeFrames = 1
  const defaultFrame = 1
  const noAspectNorInterlacing = [0, 0, 0, 0]
  const start = [descriptorType.classInterface, formatSubtype[fourcc].format, index, sizes.length]
  if (fourcc === 'MJPG') return descriptor(...start, fixedSizeSamples, defaultFrame, ...noAspectNorInterlacing)
  const raw = [...start, guidOf(fourcc), bitsPerPixel, defaultFrame, ...noAspectNorInterlacing]
  return fourcc === 'H264' ? descriptor(...raw, variableSizeFrames) : descriptor(...raw)
}

const frameDescriptors = ({ fourcc, sizes }: VideoFormat, camera: CameraDescription) => {
  const intervals = camera.rates.map((rate) => doubleWord(intervalOf(rate)))
  const interval = doubleWord(defaultInterval(camera))
  return sizes.map((size, index) => {
    const rates = [doubleWord(bitRate.lowest), doubleWord(bitRate.highest)]
    const start = [
      descriptorType.classInterface,
      formatSubtype[fourcc].frame,
      index + 1,
      0,
      word(size.width),
      word(size.height),
      ...rates,
    ]
    return fourcc === 'H264'
      ? descriptor(...start, interval, intervals.length, doubleWord(0), ...intervals)
      : descriptor(...start, doubleWord(frameBytes(size)), interval, intervals.length, ...intervals)
  })
}
