import { type Caller, limitOf, mayUse } from '../machines/domain/access.js'
import { ServiceError } from '../machines/domain/errors.js'

type Rights = Pick<Caller, 'cameras'>

/** Nobody is in the way where nobody asks: such calls are ours. */
export const hasAllCameras = ({ cameras }: Rights = {}): boolean => limitOf(cameras).cameras === undefined

/** Whether one has every camera that these ids or patterns name: nobody hands on, sees or ends more than they have. */
export const covers = (own: Rights = {}, cameras?: readonly string[]): boolean =>
  hasAllCameras(own) ||
  (cameras?.every((pattern) => own.cameras?.includes(pattern) || (!pattern.includes('*') && mayUse(own, pattern))) ??
    false)

/** For what concerns every camera, or one that is not there yet. Throws `permissionDenied`; `what`: `the policy is for all cameras`. */
export const demandAllCameras = (caller: Caller | undefined, what: string): void => {
  if (caller === undefined || hasAllCameras(caller)) return
  const details = `${what}, and your rights are for some`
  throw new ServiceError('permissionDenied', { have_role: caller.role, reason: 'limited_to_cameras', details })
}
