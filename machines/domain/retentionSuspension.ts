/** Why a policy by age deletes nothing. */

import { type ClockRecord, isSuspect, reasonOfSuspicion } from './clockTrust.js'
import type { Reason } from './reason.js'
import { type Excess, type RetentionPolicy, reasonOfExcess } from './retention.js'

/**
 * Returns why the policy deletes nothing although it is enabled; the clock comes first, because it is often the cause
 * of the excess. Policies by size do not depend on the clock.
 */
export function suspensionOf({
  policy: { type, enabled },
  clock,
  excess,
  hasAgeLimits = false,
}: {
  policy: RetentionPolicy
  clock?: ClockRecord | undefined
  excess?: Excess | undefined
  /** Cameras have limits by age of their own. */
  hasAgeLimits?: boolean
}): Reason | undefined {
  if (!enabled || type === 'manual' || (type === 'size' && !hasAgeLimits)) return undefined
  if (clock && isSuspect(clock)) return reasonOfSuspicion(clock)
  return excess && reasonOfExcess(excess)
}
