import { type Credential, type Credentials, isSameCredential } from '../../machines/domain/access.js'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { openSharedFile } from '../data/sharedFile.js'

interface Revocation extends Credential {
  /** When it would have expired anyway. */
  until: number
}

interface Revoked {
  revoked: readonly Revocation[]
}

/** A megabyte or so; who needs more changes the key of the tokens. */
const most = 10_000

export type Revocations = Pick<Credentials, 'revoke' | 'isRevoked' | 'onRevoked'> & { close(): Promise<void> }

/**
 * What is barred, in `revoked.json`, which the command line changes too. Rejects when the file is damaged: to go on
 * without it would let in who was shut out.
 */
export async function createRevocations({ stateDir, clock, log }: { stateDir: string; clock: Clock; log: Log }): Promise<Revocations> {
  const file = await openSharedFile<Revoked>({
    dir: stateDir,
    name: 'revoked.json',
    what: 'list of revoked credentials',
    parse,
    empty: { revoked: [] },
    damaged: 'refuse',
    clock,
    log,
  })
  const listeners = new Set<(credential: Credential) => void>()
  /** Only grows while the service runs, whatever becomes of the file. */
  const barred = new Map<string, Revocation>()

  const takeOver = ({ revoked }: Revoked) => {
    for (const each of revoked) {
      const known = barred.get(nameOf(each))
      if (known === undefined || known.until < each.until) barred.set(nameOf(each), each)
      if (known === undefined) for (const listener of listeners) listener({ kind: each.kind, id: each.id })
    }
  }
  takeOver(file.value())
  file.onChange(takeOver)

  const prune = () => {
    const now = clock.now()
    for (const [name, { until }] of barred) if (until <= now) barred.delete(name)
  }

  return {
    async revoke({ kind, id }, until) {
      prune()
      if (until <= clock.now() || (barred.get(nameOf({ kind, id }))?.until ?? 0) >= until) return
      if (barred.size >= most) throw tooMany()
      const all = (): Revocation[] => [...barred.values()]
      await file.change(
        ({ revoked }) => {
          const before = revoked.filter((each) => !isSameCredential(each, { kind, id }) && each.until > clock.now())
          const lost = all().filter((each) => !isSameCredential(each, { kind, id }) && !before.some((one) => isSameCredential(one, each)))
          return { revoked: [...before, ...lost, { kind, id, until }] }
        },
        { atOnce: true },
      )
    },
    isRevoked: (credential) => barred.has(nameOf(credential)),
    onRevoked(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => file.close(),
  }
}

const nameOf = ({ kind, id }: Credential) => `${kind} ${id}`

const tooMany = () =>
  new ServiceError('invalidState', {
    reason: 'too_many_revoked',
    state: `${most} credentials are revoked`,
    suggestion: 'change the key of the tokens (security.jwt_secret_key), which ends every token at once',
  })

function parse({ revoked }: Record<string, unknown>): Revoked | undefined {
  return Array.isArray(revoked) && revoked.every(isRevocation) ? { revoked: revoked.map(({ kind, id, until }) => ({ kind, id, until })) } : undefined
}

function isRevocation(value: unknown): value is Revocation {
  if (typeof value !== 'object' || value === null) return false
  const { kind, id, until } = value as Record<string, unknown>
  return (kind === 'token' || kind === 'key' || kind === 'certificate') && typeof id === 'string' && id !== '' && typeof until === 'number'
}
