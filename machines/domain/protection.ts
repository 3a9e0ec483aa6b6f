/** Recordings that nothing may delete until a client ends their protection. */

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
}
