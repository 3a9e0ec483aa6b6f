import { type RequestMethod, refusalsOf } from '../actors/refusals.js'
import { errorBody } from '../machines/domain/errors.js'
import type { CameraView } from '../machines/domain/views.js'

/** A method that a camera would refuse now. `reason`: why, as in `explain`. `details`: of the error. */
export interface Refused {
  method: RequestMethod
  reason: string
  details: string
}

/** Views never change, and clients read them often. */
const known = new WeakMap<CameraView, Refused[]>()

/** The requests that are not in `allowed`, with the reasons. */
export const refusedBy = (view: CameraView): Refused[] => {
  const before = known.get(view)
  if (before !== undefined) return before
  const refused = refusalsOf(view).map(({ method, reason, error }) => {
    const { details } = errorBody(error).data
    return { method, reason, details }
  })
  known.set(view, refused)
  return refused
}
