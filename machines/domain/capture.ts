/** USB cameras, the pipelines that capture them and still pictures, as ports. Times are epoch ms, durations ms. */
import type { CameraId, Capabilities, Device, Pipeline, UsbDevice } from './camera.js'
import type { Dispose } from './dispose.js'
import type { PathSpec } from './mediaServer.js'
import type { Reason } from './reason.js'

/** Finds USB cameras. */
export interface UsbDevices {
  /** The cameras that are plugged in: `:capture:` nodes only, ordered by port. */
  list(signal: AbortSignal): Promise<UsbDevice[]>
  /** Calls `hint` when something may have changed. `mode`: by udev events, or by inotify on /dev. */
  watch(hint: () => void): { mode: 'udev' | 'devfs'; dispose: Dispose }
}

/** Looks at one device. */
export interface DeviceProbe {
  /** Formats, sizes, rates. Waits out the ~100 ms of EACCES after a plug. Rejects with `Failure`. */
  capabilities(device: Device, signal: AbortSignal): Promise<Capabilities>
}

export interface PipelineProgress {
  frames: number
  fps: number
  /** Bits per second, 0 when unknown. */
  bitrate: number
}

/** What the taps of a pipeline report. `sender`: differs between processes. */
export type TapEvent =
  /** Twice a second while the process runs; the number of frames shows whether it captures. */
  | { type: 'tap.progress'; sender: number; progress: PipelineProgress }
  /** The process ends in good order. */
  | { type: 'tap.finished'; sender: number }
  /** The failure tap was written to: a process has begun, or failed. */
  | { type: 'tap.reported' }

/** `unknown`: no process of this camera was ever seen, as when the media server runs under another user. */
export type Presence = 'running' | 'gone' | 'unknown'

/** The ffmpeg of each camera, started by the media server, watched through its taps (progress, failure, still). */
export interface Pipelines {
  /** The path whose command captures `device` (holding its device lock) and feeds the taps. */
  spec(camera: CameraId, device: Device, pipeline: Pipeline): PathSpec
  watch(camera: CameraId, listener: (event: TapEvent) => void): Dispose
  /** pid and start of the process that runs. */
  process(camera: CameraId): { pid: number; since: number } | undefined
  presence(camera: CameraId): Presence
  /** Why the last process failed, if it said so. Empties the failure tap, unless a process runs. */
  takeReport(camera: CameraId): Reason | undefined
  /** Kills the camera's process, so that the media server starts a new one. False: there was none. */
  recycle(camera: CameraId): Promise<boolean>
  /** The newest still of the pipeline, if it decodes and the still is fresh. */
  still(camera: CameraId): Promise<{ file: string; capturedAt: number } | undefined>
  /** Plays a fault of a virtual camera. */
  simulate(camera: CameraId, fault: 'stall' | 'resume' | 'busy'): Promise<void>
}

/** A picture in a temporary file of ours: JPEG or PNG as captured; `save` converts. */
export interface Picture {
  file: string
  capturedAt: number
}

export interface PictureOptions {
  /** Without extension; default: `<camera>_YYYY-MM-DD_HH-MM-SS-mmm`. Its shape is checked already. */
  filename?: string
  format: 'jpg' | 'png'
  /** 1–100. */
  quality: number
  width?: number
  height?: number
  /** Only looked at: not kept among the snapshots, removed by the caller. */
  fleeting?: true
  /** The cameras (ids or patterns) of a limited caller: a name that another camera's file has gives way to the next free one. */
  cameras?: readonly string[]
}

export interface SavedPicture {
  filename: string
  file: string
  bytes: number
  width: number
  height: number
}

/** Ways to a picture. Each rejects with `Failure`: device_busy, device_gone, timed_out … */
export interface Pictures {
  /** Tier 0: straight from V4L2. */
  grabDirect(camera: CameraId, device: Device, pipeline: Pipeline, signal: AbortSignal): Promise<Picture>
  /** Tier 1: ffmpeg from the device. */
  grabByFfmpeg(camera: CameraId, device: Device, pipeline: Pipeline, signal: AbortSignal): Promise<Picture>
  /** Tiers 2 and 3: the still tap if younger than `maxAge`, else the next keyframe of the stream (which wakes it). */
  grabFromStream(camera: CameraId, maxAge: number, signal: AbortSignal): Promise<Picture>
  /** Converts as asked and moves it into the snapshots folder in one step. Removes the temporary file, unless `keep`. Rejects with `name_taken`. */
  save(
    camera: CameraId,
    picture: Picture,
    options: PictureOptions,
    signal: AbortSignal,
    also?: { keep: boolean },
  ): Promise<SavedPicture>
}
