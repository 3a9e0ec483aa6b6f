/** The types of cameras: devices, identities, capabilities and pipelines. */

import type { Encoder, EncoderWish } from './encoder.js'
import type { SourceDescription } from './sourceDescription.js'

/** One per identity, kept in the data directory, never reused: `camera0`, `camera1` … */
export type CameraId = `camera${number}`

export const isCameraId = (text: string): text is CameraId => /^camera[0-9]+$/.test(text)
export const cameraNumber = (id: CameraId): number => Number(id.slice('camera'.length))

/** A USB camera that is plugged in. `node` never leaves the service. */
export interface UsbDevice {
  kind: 'usb'
  /** `/dev/videoN` of the `:capture:` node; changes with every plug. */
  node: string
  /** Other nodes of the same function that give pictures: ELP and exploreHD have MJPEG on one, H.264 on the other. */
  otherNodes?: string[]
  /** Differs each time it is plugged in; absent if it is not known. A node alone does not: it is given again. */
  plug?: string
  /** Four lower-case hex digits, as in `1d6b`. */
  vendorId: string
  productId: string
  /** As the device reports it; absent if the device has none. */
  serial?: string
  /** Normalised port path (`pci-0000:00:14.0-usb-0:1.2:1.0`); absent if udev reports none. */
  port?: string
  /** The port as earlier versions named it, if that differs: to find the camera in their registry. */
  formerPort?: string
  /** The display name of the product. */
  model: string
  /** The lasting links to its nodes, as udev makes them: `/dev/v4l/by-id/…`, `/dev/v4l/by-path/…`. */
  links?: string[]
}

/** A capture device that is not USB: CSI, loopback, a PCI card. It is a camera only if the configuration names it. */
export interface V4l2Device {
  kind: 'v4l2'
  /** `/dev/videoN`. */
  node: string
  model: string
  /** As in `UsbDevice`; empty if udev makes none. */
  links: string[]
}

/** A device with a node on this host. */
export type LocalDevice = UsbDevice | V4l2Device

/** How a network camera is reached, as far as its entry says. */
export interface RtspAccess {
  /** Absent: the media server tries UDP, then TCP. */
  transport?: 'tcp' | 'udp'
  /** SHA-256 of the certificate, 64 lower-case hex digits. It is trusted, and no other. */
  fingerprint?: string
  /** The user whose password is in the file. It is read at each use, so that it may change. */
  user?: string
  passwordFile?: string
  /** How the service asks whether the camera is there; absent: by DESCRIBE. `off`: not while it is connected. */
  keepalive?: 'options' | 'off'
  /** An idle camera is asked this seldom, in ms; absent: as often as all. */
  checkInterval?: number
}

/** A network camera, configured or added by a client. `url` may hold credentials: never log or return it unmasked. */
export interface RtspDevice extends RtspAccess {
  kind: 'rtsp'
  name: string
  url: string
  /** Added by a client: its address is checked before every use. */
  added?: true
}

/** A test pattern with a running clock, made by ffmpeg. */
export interface VirtualDevice {
  kind: 'virtual'
  name: string
}

export type Device = LocalDevice | RtspDevice | VirtualDevice

/** True for a device with a node on this host, whatever its bus: only it can be captured directly, and is dark at first. */
export const isLocal = (device: Device): device is LocalDevice => 'node' in device

export type SourceKind = Device['kind']

/**
 * The evidence of an identity, best first. `name`: the name in the configuration (RTSP and virtual cameras), or the
 * URL of an added stream.
 */
export type IdentityBasis = 'serial' | 'port' | 'model' | 'name'

export interface Identity {
  /**
   * Unique among cameras, and the same each time the camera comes back: `serial:1d6b:0102:762B1F5F`,
   * `port:1d6b:0102:…`, `model:1d6b:0102:0`, `virtual:demo`, `rtsp:yard`, `rtsp:rtsp://10.0.0.9:554/`.
   */
  key: string
  basis: IdentityBasis
  confidence: 'high' | 'medium' | 'low'
  /** Another camera reports the same serial, or cannot be told apart at all (basis `model`). */
  ambiguous: boolean
}

/** The settings of one camera in the configuration. The service chooses those that are absent. */
export interface CameraSettings {
  name?: string
  /** Requested frame size. */
  width?: number
  height?: number
  fps?: number
  /** Overrides of `mediamtx.codec.*`. */
  codec?: Partial<CodecSettings>
  /** Override of `mediamtx.codec.encoder`. */
  encoder?: EncoderWish
  /** Priority of its recordings, 0–100: the higher one stays longer when the disk fills up. */
  priority?: number
  limits?: CameraLimits
  /** Number of frames that a snapshot from the device skips; `auto`: until the brightness has settled. */
  skipFrames?: number | 'auto'
}

/** Limits for the files of a camera, beside the retention policy. */
export interface CameraLimits {
  maxAgeDays?: number
  /** 10⁹ bytes. */
  maxSizeGb?: number
}

/** How the service encodes H.264 for cameras without an own encoder (STANAG 4406 profile by default). */
export interface CodecSettings {
  profile: 'baseline' | 'main' | 'high'
  /** `3.0` …, or `auto`: the lowest level, from 3.0 up, that allows the mode. */
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
  /** The node that has it, if that is not the first one of the camera. */
  node?: string
  /** V4L2 code: `MJPG`, `YUYV`, `H264` …; `H264` also for RTSP cameras. */
  fourcc: string
  description: string
  sizes: FrameSize[]
}

export interface Capabilities {
  formats: Format[]
  /** Of a network camera: what its stream consists of. */
  stream?: SourceDescription
}

/** The format, size and rate in which a camera is captured. */
export interface CaptureMode {
  /** As in `Format`. */
  node?: string
  fourcc: string
  width: number
  height: number
  fps: number
}

/** How the frames of a camera become its stream, and why. */
export interface Pipeline {
  /** `copy`: the camera's own H.264; `encode`: encoded by this host; `pull`: MediaMTX reads the RTSP camera. */
  kind: 'copy' | 'encode' | 'pull'
  mode: CaptureMode
  /** When encoded: the settings with the computed level (`3.1`). */
  codec?: CodecSettings
  /** When encoded: the encoder, libx264 if absent, and why it was chosen: one sentence for people. */
  encoder?: Encoder
  encoderReason?: string
  /** When encoded: the highest rate of the stream, below that of the mode. */
  maxFps?: number
  /** One sentence for people. */
  reason: string
}

/** The result of a probe. */
export interface Probe {
  capabilities: Capabilities
  pipeline: Pipeline
}
