import type { ReasonCode } from '../../machines/domain/reason.js'

/** The faults of the fault table. Each world (simulated, real processes, virtual machine) causes those that it can. */

/** What the service uses when the fault comes: cameras that it captures, or streams of network cameras. */
export type Source = 'captured' | 'network'

export interface Fault {
  /** One sentence for the table. */
  what: string
  source: Source
  /** ms from the start of the fault to its end; 0: it ends by itself, like a killed process. */
  lasts: number
  /** It concerns some cameras, not the whole service: the last camera must not notice it. */
  isOfCamera?: true
  /** Media that a recording may lose beyond the fault, in ms. More than a second needs its reason in `because`. */
  mayLose: number
  because?: string
}

const promise = 1_000
const captured = (what: string, lasts = 0): Fault => ({ what, source: 'captured', lasts, mayLose: promise })
const ofCamera = (what: string, lasts = 0): Fault => ({ ...captured(what, lasts), isOfCamera: true })
const network = (what: string, lasts: number): Fault => ({ ...ofCamera(what, lasts), source: 'network' })
const losing = (mayLose: number, reason: string, fault: Fault): Fault => ({ ...fault, mayLose, because: reason })

export const faults = {
  // The camera.
  unplugged: ofCamera('camera unplugged for 2 s', 2_000),
  unpluggedLong: ofCamera('camera unplugged for 8 s', 8_000),
  otherPort: ofCamera('camera plugged into another port after 2 s', 2_000),
  udevSilent: losing(
    11_000,
    'only the look at all devices every 10 s (`camera.poll_interval`) finds it',
    ofCamera('camera unplugged for 8 s, without any event of udev', 8_000),
  ),
  cameraHangs: ofCamera('camera delivers no frames for 8 s', 8_000),
  deviceBusy: ofCamera('camera unplugged for 1 s, then another program uses it for 4 s', 5_000),
  deviceDenied: ofCamera('camera unplugged for 1 s, then its node cannot be opened for 0.3 s', 1_300),
  twinPlugged: captured('another camera with the same serial plugged in for 6 s', 6_000),
  // The pipeline.
  ffmpegKilled: ofCamera('ffmpeg killed'),
  ffmpegStopped: losing(
    6_000,
    'a process without frames counts as hanging after 5 s',
    ofCamera('ffmpeg stopped (SIGSTOP)'),
  ),
  // Network cameras.
  sourceBlip: network('network camera away for 0.3 s', 300),
  sourceAway: network('network camera away for 6 s', 6_000),
  sourceSilent: network('network camera connected, but silent for 4 s', 4_000),
  // The media server.
  serverKilled: losing(
    1_500,
    'the media server needs 0.2 s to start, and the streams that begin again half a second to a second',
    captured('media server killed'),
  ),
  serverHangs: losing(
    15_000,
    'a silent media server is killed after 10 s (`mediamtx.hang_timeout`) and a check of up to 3 s before',
    captured('media server hangs (SIGSTOP)'),
  ),
  serverGone: losing(
    5_500,
    'a media server that ends at once is started again after up to 5 s',
    captured('media server killed, and cannot start for 6 s', 6_000),
  ),
  serverSlow: captured('control API answers after 1.5 s, for 8 s', 8_000),
  serverErrors: captured('control API answers every call with an error, for 8 s', 8_000),
  pathsLost: losing(
    2_000,
    'a media server that is not a child of the service is asked every second',
    captured('media server restarted by itself and lost all paths'),
  ),
  // The disk.
  diskFull: captured('disk full for 6 s', 6_000),
  inodesUsed: captured('no inodes left for 6 s', 6_000),
  readOnly: captured('disk read-only for 6 s', 6_000),
  folderRemoved: captured('folder of the recordings removed for 6 s', 6_000),
  writeErrors: captured('disk reports errors for 6 s', 6_000),
  diskHangs: captured('disk does not answer for 6 s', 6_000),
  fileDeleted: losing(
    1_500,
    'the deletion is noticed within half a second, and the stream is started again',
    captured('file that is being recorded deleted'),
  ),
  stateUnwritable: captured('state files cannot be written for 6 s', 6_000),
  // Time.
  clockForward: captured('clock set one day forward'),
  clockBack: captured('clock set one day back'),
  // The service.
  serviceKilled: captured('service killed, and started again after 1 s', 1_000),
  serviceRestarted: captured('service restarted (SIGTERM)', 1_000),
  servicePaused: captured('service stopped for 4 s (SIGSTOP), then continued', 4_000),
  serviceHangs: losing(
    45_000,
    'the watchdog of systemd ends a service that does not answer for 30 s (`WatchdogSec=`)',
    captured('service hangs (SIGSTOP), under systemd'),
  ),
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof faults

/** Codes of the reasons that the gaps of a recording may have. */
export const gapReasons: Partial<Record<FaultName, readonly ReasonCode[]>> = {
  unplugged: ['unplugged'],
  unpluggedLong: ['unplugged'],
  otherPort: ['unplugged'],
  udevSilent: ['unplugged'],
  cameraHangs: ['pipeline_restarted'],
  deviceBusy: ['unplugged'],
  deviceDenied: ['unplugged'],
  ffmpegKilled: ['pipeline_killed'],
  ffmpegStopped: ['pipeline_restarted'],
  sourceBlip: ['source_closed'],
  sourceAway: ['unreachable'],
  sourceSilent: ['no_data'],
  serverKilled: ['server_ended'],
  serverHangs: ['server_hung', 'server_unreachable'],
  serverGone: ['server_ended'],
  pathsLost: ['server_restarted'],
  diskFull: ['storage_full'],
  inodesUsed: ['storage_full'],
  readOnly: ['storage_read_only'],
  folderRemoved: ['storage_missing', 'folder_removed'],
  writeErrors: ['storage_failed'],
  fileDeleted: ['file_removed'],
  serviceKilled: ['service_restarted'],
  serviceRestarted: ['service_restarted'],
  serviceHangs: ['service_restarted'],
}

export const faultNames = Object.keys(faults) as FaultName[]
