import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Log } from '../../machines/domain/ports.js'
import type { RetentionPolicy, RetentionStore } from '../../machines/domain/retention.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'

/** The newest layout; a file of a later one is left alone. */
const version = 1

/** What a client has set, in `retention.json` of the data directory's `state`. */
export function createRetentionStore({ dir, clock, log }: { dir: string; clock: Clock; log: Log }): RetentionStore {
  const file = join(dir, 'retention.json')
  let queue: Promise<void> = Promise.resolve()

  const write = async (policy: RetentionPolicy) => {
    await writeAtomically(file, `${JSON.stringify({ version, ...policy }, null, 2)}\n`).catch((error: unknown) => {
      throw new Error(`the retention policy cannot be written (${codeOf(error)})`)
    })
  }

  /** A file that was deleted by a guessed policy does not come back: until somebody says again what to keep, all is kept. */
  const keepAll = async () => {
    const aside = `retention.json.damaged-${new Date(clock.now()).toISOString().replace(/[:.]/g, '-')}`
    const policy: RetentionPolicy = { type: 'manual', enabled: false }
    await rename(file, join(dir, aside))
      .then(() => write(policy))
      .catch((error: unknown) => log.warn('the damaged retention policy could not be replaced', { reason: codeOf(error) }))
    log.error('the retention policy was damaged: nothing is deleted by itself until it is set again', { kept_as: aside })
    return { policy, reason: 'the policy that was kept was damaged: set it again' }
  }

  return {
    load: async () => {
      let text: string
      try {
        text = await readFile(file, 'utf8')
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        throw new Error(`the retention policy cannot be read (${codeOf(error)})`)
      }
      const policy = parse(text)
      if (policy === 'newer') throw new Error('the retention policy was written by a newer version of this service')
      return policy === 'damaged' ? keepAll() : { policy }
    },
    save: (policy) => {
      const saved = queue.then(() => write(policy))
      queue = saved.catch(() => {})
      return saved
    },
  }
}

function parse(text: string): RetentionPolicy | 'damaged' | 'newer' {
  let value: Record<string, unknown>
  try {
    value = Object(JSON.parse(text))
  } catch {
    return 'damaged'
  }
  if (typeof value.version === 'number' && value.version > version) return 'newer'
  const { type, enabled, maxAgeDays, maxSizeGb } = value
  const isLimit = (limit: unknown): limit is number | undefined => limit === undefined || (typeof limit === 'number' && limit > 0)
  if (value.version !== version || typeof enabled !== 'boolean' || !isLimit(maxAgeDays) || !isLimit(maxSizeGb)) return 'damaged'
  if (type !== 'age' && type !== 'size' && type !== 'manual') return 'damaged'
  if ((type === 'age' && maxAgeDays === undefined) || (type === 'size' && maxSizeGb === undefined)) return 'damaged'
  return { type, enabled, ...(maxAgeDays !== undefined && { maxAgeDays }), ...(maxSizeGb !== undefined && { maxSizeGb }) }
}
