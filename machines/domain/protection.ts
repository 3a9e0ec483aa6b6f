/** Recordings that nothing may delete until a client ends their protection. */

import type { Reason } from './reason.js'

/** A recording by its name without extension: a remux changes that. */
export const bareName = (name: string): string => name.replace(/\.\w+$/, '')

/** Maximum number of protected recordings. */
export const mostProtected = 1_000

export interface Protection {
  /** `name`: with or without its extension. */
  has(name: string): boolean
  /**
   * Resolves when the change is on disk. Rejects with `limit_reached`, or `not_written`: then nothing has changed. At
   * the limit, files that no longer exist are forgotten first.
   */
  set(name: string, isProtected: boolean): Promise<void>
  /** Why recordings may have been protected that are not in the list; undefined: the list is complete. */
  loss(): Reason | undefined
  /** Takes the list as complete. Resolves when this is on disk. Rejects with `not_written`. */
  acceptLoss(): Promise<void>
}
