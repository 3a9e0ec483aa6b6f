import { reasonOf } from '../../machines/domain/errors.js'

/** One line of `doctor`. */
export interface Finding {
  check: string
  status: 'ok' | 'warn' | 'fail'
  message: string
  /** What to do; only if it is not ok. */
  fix?: string
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message })
export const warn = (check: string, message: string, fix: string): Finding => ({ check, status: 'warn', message, fix })
export const fail = (check: string, message: string, fix: string): Finding => ({ check, status: 'fail', message, fix })

/** A check that fails unexpectedly must not hide the others. */
export const guarded = (check: string, examine: () => Promise<Finding[]>): Promise<Finding[]> =>
  examine().catch((error: unknown) => [
    warn(check, `it could not be checked: ${reasonOf(error)}`, 'report this as a fault of camera-service doctor'),
  ])
