import { dependencyFailed, ServiceError } from '../machines/domain/errors.js'
import type { SnapshotFact } from '../machines/domain/facts.js'
import { because, type Reason } from '../machines/domain/reason.js'
import type { CameraView } from '../machines/domain/views.js'

export type RequestMethod =
  | 'start_recording'
  | 'stop_recording'
  | 'take_snapshot'
  | 'start_streaming'
  | 'stop_streaming'
  | 'simulate'

/** No way to take a picture was left; the error names them all. */
export const noPicture = ({ reason, passedOver }: Extract<SnapshotFact, { passedOver: unknown; reason: Reason }>) => {
  const tried = passedOver.map(({ tier, reason: { details } }) => `tier ${tier}: ${details}`).join('; ')
  return failedBy(reason, tried ? `${reason.details} (${tried})` : reason.details)
}

/** A request that failed, or is refused, for a reason outside the camera's state. */
export const failedBy = (reason: Reason, details = reason.details): ServiceError =>
  dependencyFailed(dependencyOf(reason), because(reason.code, details))

/** Returns the name of the dependency that the reason concerns. */
function dependencyOf({ code }: Reason): string {
  if (code.startsWith('storage_')) return 'storage'
  return code.startsWith('server_') || code === 'breaker_open' || code === 'not_started' ? 'mediamtx' : 'camera'
}

/** The error has the present state, the states that allow the method, and the methods that are allowed now. */
export function refusal({ id, cause, recording, allowed, obstacles }: CameraView, method: RequestMethod): ServiceError {
  const isAvailable = cause.state === 'available'
  const obstacle = isAvailable ? obstacleTo(method, obstacles, recording !== undefined) : undefined
  if (obstacle) return failedBy(obstacle)
  if (isAvailable && method === 'start_streaming')
    return failedBy(because('crashed', 'the stream is restarted after an internal error'))
  const isIdle = method === 'stop_recording' && recording === undefined
  const isOfRecording = isIdle || (method.endsWith('_recording') && (isAvailable || recording !== undefined))
  const { state, details } = isOfRecording ? recordingState(id, recording, isIdle) : cameraState(id, cause)
  const recordingStates = method === 'stop_recording' ? stoppable : ['not recording']
  return new ServiceError('invalidState', {
    reason: 'invalid_state',
    state,
    allowed_states: isOfRecording ? recordingStates : ['available'],
    allowed_methods: allowed,
    details,
  })
}

/** The states of a recording in which it can be stopped. */
export const stoppable = ['starting', 'recording', 'interrupted']

/** Why an available camera refuses the method, outside its own state. */
function obstacleTo(method: RequestMethod, { storage, server }: CameraView['obstacles'], isRecorded: boolean) {
  if (method === 'start_recording' && !isRecorded) return storage ?? server
  return method === 'start_streaming' ? server : undefined
}

const cameraState = (id: string, { state, reason }: CameraView['cause']) => ({
  state,
  details: `${id} is ${state}${reason ? `: ${reason.details}` : ''}`,
})

function recordingState(id: string, recording: CameraView['recording'], isIdle: boolean) {
  if (isIdle) return { state: 'not recording', details: `${id} is not being recorded` }
  // After a restart of the service, or a crash of the recording, it is not known yet whether one continues.
  const state = recording?.status.toLowerCase() ?? 'recalling'
  const what = recording ? `is ${state}` : 'of before may continue: this is being found out'
  return { state, details: `the recording of ${id} ${what}` }
}

/** Requests that a person makes, in the order in which they are listed. */
const requests: readonly RequestMethod[] = ['take_snapshot', 'start_recording', 'stop_recording', 'start_streaming']

/** `reason`: the code of what is wrong, which may be more exact than that of the error. */
export interface Refusal {
  method: RequestMethod
  reason: string
  error: ServiceError
}

/** The requests that the camera would refuse now, with the errors that clients would get. */
export const refusalsOf = (view: CameraView): Refusal[] =>
  requests
    .filter((method) => !view.allowed.includes(method))
    .map((method) => {
      const error = refusal(view, method)
      return { method, reason: reasonOf(view, error), error }
    })

/** The reason of the state of the camera, if it is the state that refuses. */
function reasonOf({ cause }: CameraView, { data }: ServiceError): string {
  const isOfCamera = data.reason === 'invalid_state' && data.state === cause.state
  return (isOfCamera ? cause.reason?.code : data.reason) ?? 'invalid_state'
}

export const simulationDisabled = (): ServiceError =>
  new ServiceError('unsupported', { feature: 'simulation', suggestion: 'Set simulation.enabled to true' })

const kinds = { usb: 'a USB camera', v4l2: 'a capture device', rtsp: 'an RTSP camera', virtual: 'a virtual camera' }

/** Only virtual cameras can simulate faults. */
export const notVirtual = ({ id, kind }: CameraView): ServiceError =>
  new ServiceError('unsupported', {
    feature: `simulation of ${kinds[kind]}`,
    details: `${id} is ${kinds[kind]}: only virtual cameras can simulate faults`,
    suggestion: 'Call it for a virtual camera: get_camera_list returns the kind of each camera',
  })
