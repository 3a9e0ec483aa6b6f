import Type from 'typebox'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import type { RetentionPolicy, RetentionStore } from '../../machines/domain/retention.js'
import { openStateFile } from './stateFile.js'

const name = 'retention.json'

const Limit = Type.Optional(Type.Number({ exclusiveMinimum: 0 }))
const Policy = Type.Object({
  type: Type.Enum(['age', 'size', 'manual']),
  enabled: Type.Boolean(),
  maxAgeDays: Limit,
  maxSizeGb: Limit,
})

const hasItsLimit = ({ type, maxAgeDays, maxSizeGb }: RetentionPolicy) =>
  type === 'manual' || (type === 'age' ? maxAgeDays : maxSizeGb) !== undefined

/** The policy that a client has set, in `retention.json`. */
export function createRetentionStore({ dir, clock, log }: { dir: string; clock: Clock; log: Log }): RetentionStore {
  const file = openStateFile({
    dir,
    name,
    what: 'the retention policy',
    schema: Policy,
    isValid: hasItsLimit,
    clock,
  })

  /** Deleted recordings do not come back, so no policy is guessed: everything is kept until a client sets one. */
  const keepAll = async () => {
    const policy: RetentionPolicy = { type: 'manual', enabled: false }
    try {
      log.error(
        `state/${name}: the retention policy was damaged: nothing is deleted automatically until it is set again`,
        {
          kept_as: await file.replace(policy),
        },
      )
    } catch (error) {
      log.error(
        `state/${name}: the retention policy is damaged: nothing is deleted automatically until it is set again`,
        {
          reason: reasonOf(error),
        },
      )
    }
    return { policy, reason: 'the stored policy was damaged: set it again' }
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
