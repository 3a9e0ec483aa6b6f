/** The words of explanations, in one table for each kind. */
import type { Component } from './explanation.js'
import type { JournalEntry } from './journal.js'
import type { ReasonCode } from './reason.js'

type Words = Readonly<Record<string, string>>

/** What each state of the API means, by subject. A sentence after the name of the subject. */
export const stateWords: Readonly<Record<'camera' | 'recording' | Component, Words>> = {
  camera: {
    probing: 'is being asked for its capabilities',
    available: 'can be used',
    draining: 'ends its recording and its streams before it is released',
    unplugged: 'is not connected',
    faulty: 'cannot be used',
    retired: 'was removed',
    stopped: 'is stopped',
  },
  recording: {
    starting: 'starts: the first bytes are not on disk yet',
    recording: 'is running: its file grows',
    interrupted: 'is interrupted and continues by itself',
    stopping: 'is ending: its files are being closed',
    stopped: 'is not running',
    failed: 'is not running: the last one failed',
    'not recording': 'is not running',
  },
  mediamtx: {
    down: 'does not answer',
    syncing: 'answers, and gets the paths of the cameras',
    up: 'answers and has all paths',
    degraded: 'works only partly',
  },
  storage: {
    unknown: 'was not measured yet',
    ok: 'has room',
    warning: 'is filling up',
    critical: 'takes no recordings',
    blind: 'cannot be measured, so recordings are refused',
  },
  discovery: {
    udev: 'works: events of udev and polling',
    devfs: 'works: changes of the device folder and polling',
    off: 'does not run',
  },
}

/** What a method needs that is refused because of this reason. */
const needs: Partial<Record<ReasonCode, string>> = {
  unplugged: 'the camera is plugged in again',
  device_gone: 'the camera is plugged in again',
  replaced: 'the camera has been probed again',
  device_busy: 'the other program closes the device',
  device_error: 'the device works again: plug it in again, or replace it',
  permission_denied: 'the service gets the permission to open the device',
  usb_bandwidth: 'other cameras of the USB bus stop, or this one uses another bus',
  probe_failed: 'the camera answers the probe, which is repeated',
  unreachable: 'the camera answers again: check its power and its network',
  source_refused: 'the camera accepts the credentials of its URL',
  path_refused: 'the media server accepts the path: correct its configuration and restart it',
  server_unreachable: 'the media server answers again',
  server_error: 'the media server answers without errors',
  server_restarted: 'the paths are written again, which takes a moment',
  breaker_open: 'a trial call to the media server succeeds',
  not_started: 'the media server has started',
  storage_full: 'space is freed on the disk',
  storage_priority: 'space is freed on the disk, or recordings with a higher priority end',
  storage_read_only: 'the disk is writable again',
  storage_failed: 'the disk works again',
  storage_missing: 'the disk of the recordings is mounted',
  storage_denied: 'the service may write to the folder of the recordings',
  storage_unknown: 'the disk can be measured again',
  service_stopping: 'the service has started again',
  removed: 'the camera is added again',
}

/** What a method needs, by the code of the reason, else by the state. */
export function needOf(code: string | undefined, state: string, method: string): string {
  if (method === 'stop_recording' && state === 'not recording') return 'a recording runs: call start_recording first'
  if (method === 'start_recording' && recordingStates.includes(state))
    return 'the present recording ends: call stop_recording first'
  const known = needs[code as ReasonCode]
  if (known !== undefined) return known
  if (state === 'probing') return 'the probe of the camera ends'
  return 'the camera is available'
}

const recordingStates = Object.keys(stateWords.recording).filter((word) => word !== 'not recording')

/** What happens at the end of a delay, by machine and name. Delays of polling loops are not listed. */
export const timerWords: Words = {
  'camera.retirement': 'the camera is removed from the list',
  'camera.probeRetry': 'the camera is probed again',
  'camera.restartPause': 'the crashed part of the camera starts again',
  'demand.closeAfter': 'the media server ends the unused stream',
  'fleet.drainLimit': 'cameras that still drain are abandoned',
  'fleet.restartPause': 'the crashed part of the service starts again',
  'fleet.saveRetry': 'the registry of cameras is saved again',
  'mediamtxLink.connectLimit': 'the media server counts as down',
  'mediamtxLink.retry': 'the media server is asked again',
  'mediamtxLink.reset': 'a trial call is made to the media server',
  'pipeline.firstFrameLimit': 'a pipeline without a frame counts as stalled',
  'recording.confirmLimit': 'a recording without bytes on disk counts as failed, or is tried again',
  'recording.interruptionLimit': 'the file is closed and a new one is tried',
  'recording.retryPause': 'the recording is tried again',
  'serverProcess.pause': 'the media server is started again',
  'storage.interval': 'the disk is measured again',
  'discovery.pollEvery': 'all devices are looked at again',
}

/** Events and effects in words. All others are shown by their names. */
const eventWords: Words = {
  start: 'it was started',
  stop: 'it was ended together with its parent',
  started: 'the service started',
  stopped: 'the service stopped',
  'devices.hint': 'the system reported a change of its devices',
  'devices.scanned': 'the devices were listed',
  'device.removed': 'the device is gone',
  'device.found': 'the device was found',
  'device.replaced': 'the device or its settings changed',
  'device.simulate': 'it was simulated',
  'camera.lost': 'the camera was lost',
  'camera.ready': 'the camera is ready again',
  'recording.start': 'start_recording was called',
  'recording.stop': 'stop_recording was called',
  'recording.claimed': 'a recording uses the camera',
  'recording.released': 'the recording released the camera',
  'snapshot.take': 'take_snapshot was called',
  'stream.hold': 'start_streaming was called',
  'stream.release': 'stop_streaming was called',
  'stream.lost': 'the stream was lost',
  'stream.held': 'the stream is live',
  'storage.blocked': 'the disk takes no recordings',
  'storage.freed': 'the disk takes recordings again',
  'server.lost': 'the media server was lost',
  'server.restored': 'the media server is back',
  'server.exited': 'the process of the media server ended',
  'server.started': 'the process of the media server started',
  'service.stopping': 'the service stops',
  'system.stop': 'the service was asked to stop',
  'path.refused': 'the media server refused the path',
  'breaker.opened': 'too many calls to the media server failed',
  'tap.progress': 'ffmpeg reported frames',
  'tap.reported': 'ffmpeg wrote its report',
  'tap.finished': 'ffmpeg ended normally',
  'segment.grew': 'the file grew',
  'segment.added': 'a new file appeared',
  'segment.deleted': 'the file was deleted',
  'link.check': 'a check was requested',
}

const effectWords: Words = {
  probeDevice: 'the probe of the camera',
  openCapture: 'switching the recorder on',
  closeCapture: 'closing the file',
  confirmSegment: 'the first bytes on disk',
  measureDisk: 'the measurement of the disk',
  askInfo: 'the check of the media server',
  tryCall: 'the trial call to the media server',
  syncPaths: 'writing the paths to the media server',
  scanDevices: 'the listing of devices',
  describeSource: 'the question to the network camera',
  source: 'the watch over the network camera',
  saveIntent: 'noting the recording on disk',
  finishRecording: 'finishing the files',
  takeReport: 'reading the report of ffmpeg',
  saveRegistry: 'saving the registry of cameras',
  loadRegistry: 'loading the registry of cameras',
}

/** An event of the journal in words: `the probe of the camera failed`. */
export function eventInWords(event: string): string {
  const [, effect = '', outcome] = /^(\S+) (done|failed)$/.exec(event) ?? []
  if (outcome !== undefined) return `${effectWords[effect] ?? effect} ${outcome === 'done' ? 'succeeded' : 'failed'}`
  const [, delay] = /^after (\S+)$/.exec(event) ?? []
  if (delay !== undefined) return `the time ${delay} was over`
  return eventWords[event] ?? event
}

/** One entry in words: what happened and who asked for it. */
export function entryInWords({ event, cause, evidence }: JournalEntry): string {
  const by = cause?.by ? ` (${cause.by.user}, request ${cause.by.request})` : ''
  const details = typeof evidence?.details === 'string' ? `: ${evidence.details}` : ''
  const outside = cause !== undefined && cause.seq === undefined && cause.event !== event
  return `${eventInWords(event)}${by}${details}${outside ? `; before it, ${eventInWords(cause.event)}` : ''}`
}
