/** The words of explanations, in one table for each kind. */
import { bytesText, percentText } from './amounts.js'
import { effectWords } from './effectWords.js'
import type { Component } from './explanation.js'
import type { JournalEntry } from './journal.js'
import { delayWords, eventWords } from './journalWords.js'
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
  unreachable: 'the camera answers: check its power, its network and its address',
  timed_out: 'the camera answers in time: check its power, its network and its address',
  source_refused: 'the camera accepts its user and its password',
  stream_not_found: 'the camera has a stream at the path of its URL',
  not_a_stream: 'the camera has video at the path of its URL',
  not_rtsp: 'a program that speaks RTSP listens at the port of its URL',
  source_error: 'the camera answers without errors',
  source_closed: 'the camera keeps the connection open',
  redirected: 'its URL is the address to which the camera redirects',
  address_refused: 'the address of the camera is allowed',
  certificate_untrusted: 'the certificate of the camera is trusted',
  path_refused: 'the media server accepts the path: correct its configuration and restart it',
  server_unreachable: 'the media server answers again',
  server_ended: 'the media server has started again',
  server_hung: 'the media server has started again',
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

/** The same by the error code of the connection. */
const connectionNeeds: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'a program listens at the port of its URL: check the port and the address',
  ENOTFOUND: 'the name in its URL is known: correct it, or use the IP address',
  EAI_AGAIN: 'the name in its URL is known: check the DNS of this host, or use the IP address',
}

interface Lack {
  code?: string | undefined
  errno?: unknown
  state: string
  method: string
  /** The methods that are allowed now: no other one is advised. */
  allowed?: readonly string[]
}

/** What a refused method needs, by the code of the reason, else by the state. */
export function needOf({ code, errno, state, method, allowed = [] }: Lack): string {
  const first = (other: string) => (allowed.includes(other) ? `: call ${other} first` : '')
  if (method === 'stop_recording' && state === 'not recording') return `a recording runs${first('start_recording')}`
  if (method === 'start_recording' && recordingStates.includes(state))
    return `the present recording ends${first('stop_recording')}`
  const known = connectionNeeds[String(errno)] ?? needs[code as ReasonCode]
  if (known !== undefined) return known
  if (state === 'probing') return 'the probe of the camera ends'
  return 'the camera is available'
}

const recordingStates = Object.keys(stateWords.recording).filter((word) => word !== 'not recording')

/** The delays after which the service looks or tries again. After the others it only stops to wait. */
export const newTries: ReadonlySet<string> = new Set([
  'camera.probeRetry',
  'camera.restartPause',
  'fleet.restartPause',
  'mediamtxLink.retry',
  'mediamtxLink.reset',
  'recording.interruptionLimit',
  'recording.keyframeLimit',
  'recording.retryPause',
  'serverProcess.pause',
  'serverProcess.silenceLimit',
  'serverProcess.lastAnswer',
  'storage.interval',
  'discovery.pollEvery',
])

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
  'recording.confirmLimit': 'a recording without bytes on disk waits for a keyframe, is tried again, or has failed',
  'recording.keyframeLimit': 'a recording without a keyframe is tried again, or has failed',
  'recording.interruptionLimit': 'the file is closed and a new one is tried',
  'recording.retryPause': 'the recording is tried again',
  'serverProcess.pause': 'the media server is started again',
  'serverProcess.startLimit': 'a media server that does not answer after its start is ended',
  'serverProcess.silenceLimit': 'the media server is asked for the last time',
  'serverProcess.lastAnswer': 'the media server is killed, if it does not answer',
  'storage.interval': 'the disk is measured again',
  'discovery.pollEvery': 'all devices are looked at again',
}

/** The levels of the disk after a measurement. */
const fillings: Words = { critical: 'it is full', warning: 'it is filling up', ok: 'it has room' }

/** An event of the journal in words: `the camera could not be probed`. `machine`: the one that got it. */
export function eventInWords(event: string, machine = '', isReasoned = false): string {
  const [, effect = '', outcome] = /^(\S+) (done|failed)$/.exec(event) ?? []
  if (outcome !== undefined) {
    const [done, failed, reasoned = done] = outcomesOf(effect)
    return outcome === 'failed' ? failed : isReasoned ? reasoned : done
  }
  const [, delay] = /^after (\S+)$/.exec(event) ?? []
  if (delay !== undefined) return delayWords[`${machine}.${delay}`] ?? delayWords[delay] ?? 'a time was over'
  // The journal may hold entries of another version of the service.
  return eventWords[event] ?? `the event ${event} came`
}

const outcomesOf = (effect: string) => effectWords[effect] ?? [`the step ${effect} ended`, `the step ${effect} failed`]

/** One entry in words: what happened, how it ended, and who asked for it. */
export function entryInWords(entry: JournalEntry): string {
  const { event, cause, evidence } = entry
  const [machine] = entry.machine?.split('@') ?? []
  const by = cause?.by ? ` (${cause.by.user}, request ${cause.by.request})` : ''
  const what = eventInWords(event, machine, evidence?.reason !== undefined)
  const details =
    typeof evidence?.details === 'string'
      ? evidence.details
      : (runBefore(entry) ?? faultOf(entry) ?? fillingOf(entry, machine))
  const outside = cause !== undefined && cause.seq === undefined && cause.event !== event
  return `${what}${by}${details ? `: ${details}` : ''}${outside ? `; before it, ${eventInWords(cause.event)}` : ''}`
}

/** Which fault was simulated. */
const faultOf = ({ event, evidence }: JournalEntry): string | undefined =>
  event === 'causeFault done' && evidence?.action !== undefined ? String(evidence.action) : undefined

/** How the run of the service before this one ended. */
function runBefore({ event, evidence = {} }: JournalEntry): string | undefined {
  const { previous_run: previous, last_alive: alive } = evidence
  if (event !== 'started' || previous === undefined) return undefined
  if (previous === 'stopped') return 'the run before it was stopped'
  return `the run before it ${previous}${alive === undefined ? '' : `, soon after ${alive}`}`
}

/** What the measurement of a disk found. */
function fillingOf({ event, state = '', evidence }: JournalEntry, machine?: string): string | undefined {
  if (event !== 'measureDisk done') return undefined
  const { percent, available } = evidence ?? {}
  const used = typeof percent === 'number' ? `${percentText(percent)} used` : undefined
  const free = typeof available === 'number' ? `${bytesText(available)} free` : undefined
  const amounts = [used, free].filter(Boolean).join(', ')
  const filling = machine === 'storage' ? fillings[state] : undefined
  return filling && amounts ? `${filling} (${amounts})` : (filling ?? amounts)
}

/** The texts of a chain of causes, the newest first: an event that is passed on appears once. */
export const withoutRepeats = (texts: readonly string[]): string[] =>
  texts.filter((text, index) => text !== texts[index - 1])
