/** USB cameras, the pipelines that capture them and still pictures, as ports. Times are epoch ms, durations ms. */
import type { CameraId, Capabilities, Device, LocalDevice, Pipeline } from './camera.js'
import type { Dispose } from './dispose.js'
import type { PathSpec } from './mediaServer.js'
import type { Evidence, Reason } from './reason.js'

/** Finds USB cameras and other capture devices of this host. */
export interface UsbDevices {
  /**
   * Resolves with the devices that are plugged in and give pictures, ordered by port. Nodes of one function are one
   * device.
   */
  list(signal: AbortSignal): Promise<LocalDevice[]>
  /**
   * Calls `hint` when something may have changed, with what was seen. `mode`: the source of the events, udev or inotify
   * on /dev.
   */
  watch(hint: (evidence?: Evidence) => void): { mode: 'udev' | 'devfs'; dispose: Dispose }
}

/** Reads the capabilities of one device. */
export interface DeviceProbe {
  /** Formats, sizes, rates. Retries while udev sets the permissions (EACCES for ~100 ms). Rejects with `Failure`. */
  capabilities(device: Device, signal: AbortSignal): Promise<Capabilities>
}

export interface PipelineProgress {
  frames: number
  fps: number
  /** Bits per second, 0 when unknown. */
  bitrate: number
  /** Media time per time of the clock in the last seconds; absent when unknown. 1: in real time. */
  speed?: number
  /** How much later the frames come out than at best since the start of the process, in ms. */
  lag?: number
  /** Frames that ffmpeg added or left out to keep a rate, since its start. */
  duplicated?: number
  dropped?: number
  /** The size of the frames as they come; absent when unknown. */
  size?: { width: number; height: number }
}

/** The reports of a pipeline's taps. `sender`: identifies the process. */
export type TapEvent =
  /** Twice a second while the process runs; the number of frames shows whether it captures. */
  | { type: 'tap.progress'; sender: number; progress: PipelineProgress }
  /** The process ends normally. */
  | { type: 'tap.finished'; sender: number }
  /** The failure tap was written: a process has started, or failed. */
  | { type: 'tap.reported' }

/**
 * `waiting`: the process does not capture, because it waits for the device, or starts ffmpeg again. `unknown`: no
 * process of this camera was seen so far, for example if the media server runs as another user.
 */
export type Presence = 'running' | 'waiting' | 'gone' | 'unknown'

/** The ffmpeg processes of the cameras. The media server starts them; taps report progress, failure and stills. */
export interface Pipelines {
  /** Returns the path whose command captures `device` under its device lock and writes to the taps. */
  spec(camera: CameraId, device: Device, pipeline: Pipeline): PathSpec
  watch(camera: CameraId, listener: (event: TapEvent) => void): Dispose
  /** The pid and start time of the running process. */
  process(camera: CameraId): { pid: number; since: number } | undefined
  presence(camera: CameraId): Presence
  /**
   * True if a process of the camera is connected and has not been admitted before: each may publish once. Always true
   * for the processes of a media server of another user, which are not visible.
   */
  admit(camera: CameraId): boolean
  /** Returns why the last process failed, if it reported that. Empties the failure tap, unless a process runs. */
  takeReport(camera: CameraId): Reason | undefined
  /** Kills the camera's process, so that the media server starts a new one. False if there was none. */
  recycle(camera: CameraId): Promise<boolean>
  /** Resolves with the newest still of the pipeline, if the pipeline decodes and the still is fresh. */
  still(camera: CameraId): Promise<{ file: string; capturedAt: number } | undefined>
  /** Simulates a fault of a virtual camera. */
  simulate(camera: CameraId, fault: 'stall' | 'resume' | 'busy'): Promise<void>
}

/** A picture in a temporary file: JPEG or PNG as captured; `save` converts it. */
export interface Picture {
  file: string
  capturedAt: number
  /** Number of frames that were skipped before it; absent: it comes from a stream. */
  skippedFrames?: number
}

export interface PictureOptions {
  /** Without extension; default: `<camera>_YYYY-MM-DD_HH-MM-SS-mmm`. Already validated. The next free one is used. */
  filename?: string
  format: 'jpg' | 'png'
  /** 1–100. */
  quality: number
  /** The frame that the picture must fit into: it is made smaller, never larger, and keeps its proportions. */
  width?: number
  height?: number
  /** The picture gets exactly the size of the frame, whatever its proportions. */
  fit?: 'fill'
  /** Not saved as a snapshot; the caller removes the file. */
  fleeting?: true
}

export interface SavedPicture {
  filename: string
  file: string
  bytes: number
  width: number
  height: number
}

/** `skipFrames`: the setting of the camera, if it has one. */
type Grab = (
  camera: CameraId,
  device: Device,
  pipeline: Pipeline,
  signal: AbortSignal,
  skipFrames?: number | 'auto',
) => Promise<Picture>

/** Takes and saves pictures. Each method rejects with `Failure`: device_busy, device_gone, timed_out … */
export interface Pictures {
  /** Tier 0: directly from V4L2. */
  grabDirect: Grab
  /** Tier 1: with ffmpeg from the device. */
  grabByFfmpeg: Grab
  /** Tiers 2 and 3: the still tap if younger than `maxAge`, else the next keyframe. Starts the stream if necessary. */
  grabFromStream(camera: CameraId, maxAge: number, signal: AbortSignal): Promise<Picture>
  /**
   * Converts the picture as requested and moves it into the snapshots folder in one step. Removes the temporary file,
   * unless `keep`. Rejects with `name_taken`.
   */
  save(
    camera: CameraId,
    picture: Picture,
    options: PictureOptions,
    signal: AbortSignal,
    also?: { keep: boolean },
  ): Promise<SavedPicture>
}
