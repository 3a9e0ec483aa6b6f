import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import type { RetentionPolicy, RetentionStore } from '../../machines/domain/retention.js'
import { openStateFile } from './stateFile.js'

/** What a client has set, in `retention.json` of the data directory's `state`. */
export function createRetentionStore({ dir, clock, log }: { dir: string; clock: Clock; log: Log }): RetentionStore {
  const file = openStateFile({ dir, name: 'retention.json', what: 'the retention policy', contentOf: policyOf, clock })

  /** A file that was deleted by a guessed policy does not come back: until somebody says again what to keep, all is kept. */
  const keepAll = async () => {
    const policy: RetentionPolicy = { type: 'manual', enabled: false }
    try {
      const aside = await file.setAside()
      log.error('the retention policy was damaged: nothing is deleted by itself until it is set again', {
        kept_as: aside,
      })
      await file.write(policy)
    } catch (error) {
      log.warn('the damaged retention policy could not be replaced: nothing is deleted by itself', {
        reason: reasonOf(error),
      })
    }
    return { policy, reason: 'the policy that was kept was damaged: set it again' }
  }

  return {
    load: async () => {
      const policy = await file.read()
      if (policy === 'missing') return undefined
      return policy === 'damaged' ? keepAll() : { policy }
    },
    save: file.write,
  }
}

const isLimit = (limit: unknown): limit is number | undefined =>
  limit === undefined || (typeof limit === 'number' && limit > 0)

function policyOf({ type, enabled, maxAgeDays, maxSizeGb }: Record<string, unknown>): RetentionPolicy | undefined {
  if (typeof enabled !== 'boolean' || !isLimit(maxAgeDays) || !isLimit(maxSizeGb)) return undefined
  if (type !== 'age' && type !== 'size' && type !== 'manual') return undefined
  if ((type === 'age' && maxAgeDays === undefined) || (type === 'size' && maxSizeGb === undefined)) return undefined
  return {
    type,
    enabled,
    ...(maxAgeDays !== undefined && { maxAgeDays }),
    ...(maxSizeGb !== undefined && { maxSizeGb }),
  }
}
