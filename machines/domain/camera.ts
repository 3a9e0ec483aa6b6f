/** The words of cameras: what discovery reports, who a camera is, what it can do, what was chosen for it. */

/** Given once per identity, kept in the data directory, never reused: `camera0`, `camera1` … */
export type CameraId = `camera${number}`

export const isCameraId = (text: string): text is CameraId => /^camera[0-9]+$/.test(text)
export const cameraNumber = (id: CameraId): number => Number(id.slice('camera'.length))

/** A USB camera that is plugged in now. `node` is its current attribute and never leaves the service. */
export interface UsbDevice {
  kind: 'usb'
  /** `/dev/videoN` of the `:capture:` node; changes with every plug. */
  node: string
  /** Four lower-case hex digits, as in `1d6b`. */
  vendorId: string
  productId: string
  /** As the device tells it; absent when it tells none. */
  serial?: string
  /** Normalised port path (`pci-0000:00:14.0-usb-0:1.2:1.0`), absent when udev knows none. */
  port?: string
  /** The product's own name, for people. */
  model: string
}

/** A network camera, of the configuration or added by a client. `url` may hold credentials: never log or reply it unmasked. */
export interface RtspDevice {
  kind: 'rtsp'
  name: string
  url: string
  /** By a client: whose name leads to where it may lead is asked at every look. */
  added?: true
}

/** A test pattern with a running clock, made by ffmpeg. */
export interface VirtualDevice {
  kind: 'virtual'
  name: string
}

export type Device = UsbDevice | RtspDevice | VirtualDevice
export type SourceKind = Device['kind']

/** What an identity rests on, best first; `name` is that of the configuration (RTSP and virtual cameras), or the URL of an added stream. */
export type IdentityBasis = 'serial' | 'port' | 'model' | 'name'

export interface Identity {
  /** Unique among cameras, the same at every return: `serial:1d6b:0102:SN0001`, `port:1d6b:0102:…`, `model:1d6b:0102:0`, `virtual:demo`, `rtsp:yard`, `rtsp:rtsp://10.0.0.9:554/`. */
  key: string
  basis: IdentityBasis
  confidence: 'high' | 'medium' | 'low'
  /** Another camera reports the same serial: both go by port. */
  ambiguous: boolean
}

/** What one camera's entry of the configuration asks for; everything absent is ours to choose. */
export interface CameraSettings {
  name?: string
  /** Frame size asked for. */
  width?: number
  height?: number
  fps?: number
  /** Overrides of `mediamtx.codec.*`. */
  codec?: Partial<CodecSettings>
}

/** H.264 as it is encoded where a camera has none of its own (STANAG 4406 profile by default). */
export interface CodecSettings {
  profile: 'baseline' | 'main' | 'high'
  /** `3.0` or `auto`: the lowest level, from 3.0 up, whose limits the mode fits. */
  level: string
  pixelFormat: string
  preset: string
  /** Bits per second. */
  bitrate: number
}

/** One frame size of a format and its frame rates, best first. */
export interface FrameSize {
  width: number
  height: number
  rates: number[]
}

export interface Format {
  /** V4L2 code: `MJPG`, `YUYV`, `H264` …; `H264` too for what RTSP cameras send. */
  fourcc: string
  description: string
  sizes: FrameSize[]
}

export interface Capabilities {
  formats: Format[]
}

/** The way a camera is captured. */
export interface CaptureMode {
  fourcc: string
  width: number
  height: number
  fps: number
}

/** How a camera's frames become its stream, and why so. */
export interface Pipeline {
  /** `copy`: the camera's own H.264; `encode`: by x264; `pull`: MediaMTX reads the RTSP camera itself. */
  kind: 'copy' | 'encode' | 'pull'
  mode: CaptureMode
  /** Of an encoded one: the settings with the level that was computed (`3.1`). */
  codec?: CodecSettings
  /** One sentence for people. */
  reason: string
}

/** What a probe learnt. */
export interface Probe {
  capabilities: Capabilities
  pipeline: Pipeline
}
