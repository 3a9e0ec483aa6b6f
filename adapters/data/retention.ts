import Type from 'typebox'
import type { RetentionPolicy, RetentionStore } from '../../machines/domain/retention.js'
import { openStateFile, type StoreOptions } from './stateFile.js'

const Limit = Type.Optional(Type.Number({ exclusiveMinimum: 0 }))
const Policy = Type.Object({
  type: Type.Enum(['age', 'size', 'manual']),
  enabled: Type.Boolean(),
  maxAgeDays: Limit,
  maxSizeGb: Limit,
})

const hasItsLimit = ({ type, maxAgeDays, maxSizeGb }: RetentionPolicy) =>
  type === 'manual' || (type === 'age' ? maxAgeDays : maxSizeGb) !== undefined

const keepAll: RetentionPolicy = { type: 'manual', enabled: false }

/** The policy that a client has set, in `retention.json`. */
export function createRetentionStore({ dir, clock, log }: StoreOptions): RetentionStore {
  const file = openStateFile({
    dir,
    name: 'retention.json',
    what: 'the retention policy',
    schema: Policy,
    isValid: hasItsLimit,
    clock,
  })

  return {
    async load() {
      const policy = await file.read()
      if (policy === 'missing') return undefined
      if (policy !== 'damaged') return { policy }
      // Deleted recordings do not come back, so no policy is guessed.
      await file.repair(keepAll, 'nothing is deleted automatically until it is set again', log)
      return { policy: keepAll, reason: 'the stored policy was damaged: set it again' }
    },
    save: file.write,
  }
}
