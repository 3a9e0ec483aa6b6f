import type { Directory } from '../actors/directory.js'
import { type Caller, limitOf, mayUse } from '../machines/domain/access.js'
import { ServiceError } from '../machines/domain/errors.js'
import { keptValues } from '../machines/domain/kept.js'
import type { CameraView } from '../machines/domain/views.js'

type Rights = Pick<Caller, 'cameras'>

/** True if the rights are for every camera. Without rights: the call is the service's own. */
export const hasAllCameras = ({ cameras }: Rights = {}): boolean => limitOf(cameras).cameras === undefined

/** True if the caller may use the camera. Without a caller: the call is the service's own. */
export const mayReach = (caller: Caller | undefined, camera: string): boolean =>
  caller === undefined || mayUse(caller, camera)

const kept = keptValues()

/** The cameras that the caller may use, by number. */
export const camerasFor = (caller: Caller | undefined, directory: Directory): readonly CameraView[] => {
  const all = directory.cameras()
  if (caller?.cameras === undefined) return all
  return kept(caller, 'cameras', [all], () => all.filter(({ id }) => mayUse(caller, id)))
}

/** True if `own` includes every camera that these ids or patterns name. */
export const covers = (own: Rights = {}, cameras?: readonly string[]): boolean =>
  hasAllCameras(own) ||
  (cameras?.every((pattern) => own.cameras?.includes(pattern) || (!pattern.includes('*') && mayUse(own, pattern))) ??
    false)

/** Throws `permissionDenied` unless the caller may use every camera. `what`: why that is needed, as a sentence. */
export const demandAllCameras = (caller: Caller | undefined, what: string): void => {
  if (caller === undefined || hasAllCameras(caller)) return
  const details = `${what}, but the rights of the caller are limited to specific cameras`
  throw new ServiceError('permissionDenied', { have_role: caller.role, reason: 'limited_to_cameras', details })
}

/** A start happens once: to ask the actors at each request would cost more than the rest of the check. */
const started = new WeakSet<Directory>()

/** Throws `dependencyFailed` until the service has started. */
export const demandStarted = (directory: Directory): void => {
  if (started.has(directory)) return
  const { status, message: detail } = directory.system()
  if (status !== 'starting') {
    started.add(directory)
    return
  }
  const reason = 'service_initializing'
  throw new ServiceError('dependencyFailed', { reason, dependency: 'camera_service', detail })
}
