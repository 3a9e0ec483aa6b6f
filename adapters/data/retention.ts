import * as Type from 'typebox'
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
    // Deleted recordings do not come back, so no policy is guessed, not even that of a copy.
    empty: keepAll,
    consequence: 'nothing is deleted automatically until it is set again',
    clock,
    log,
  })

  return {
    async load() {
      const { value: policy, from } = await file.load()
      if (from === 'nothing') return undefined
      return from === 'file' ? { policy } : { policy, reason: 'the stored policy was damaged: set it again' }
    },
    save: (policy) => file.write(policy),
  }
}
