/** Why retention deletes nothing. */

import { type ClockRecord, isSuspect, reasonOfSuspicion } from './clockTrust.js'
import type { Reason } from './reason.js'
import { type Excess, type RetentionPolicy, reasonOfExcess } from './retention.js'

/**
 * Returns why nothing is deleted, or nothing by age. Without the list of protected recordings nothing is, whatever the
 * policy. Then comes the clock, because it is often the cause of the excess; both only concern an enabled policy that
 * deletes by age.
 */
export function suspensionOf({
  policy: { type, enabled },
  loss,
  clock,
  excess,
  hasAgeLimits = false,
}: {
  policy: RetentionPolicy
  /** Why the list of protected recordings is not complete. */
  loss?: Reason | undefined
  clock?: ClockRecord | undefined
  excess?: Excess | undefined
  /** Cameras have limits by age of their own. */
  hasAgeLimits?: boolean
}): Reason | undefined {
  if (loss) return loss
  if (!enabled || type === 'manual' || (type === 'size' && !hasAgeLimits)) return undefined
  if (clock && isSuspect(clock)) return reasonOfSuspicion(clock)
  return excess && reasonOfExcess(excess)
}
