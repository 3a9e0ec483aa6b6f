import type { Credential, Credentials, OutsideChange } from '../../machines/domain/access.js'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Clock, Dispose, Log } from '../../machines/domain/ports.js'
import { openSharedFile } from '../data/sharedFile.js'

interface Revocation extends Credential {
  /** When it would have expired anyway. */
  until: number
}

interface Revoked {
  revoked: readonly Revocation[]
}

/**
 * Some 8 MB; who needs more changes the key of the tokens. So many, since those that were revoked by their id alone stay for good: when
 * they would have expired is not known, and none may come back to make room.
 */
const most = 50_000

export type Revocations = Pick<Credentials, 'revoke' | 'isRevoked' | 'onRevoked'> & {
  /** Told of what another process revoked, such as the command line. */
  onOutsideChange(listener: (change: OutsideChange) => void): Dispose
  close(): Promise<void>
}

/**
 * What is barred, in `revoked.json`, which the command line changes too. Rejects when the file is damaged: to go on
 * without it would let in who was shut out.
 */
export async function createRevocations({
  stateDir,
  clock,
  log,
}: {
  stateDir: string
  clock: Clock
  log: Log
}): Promise<Revocations> {
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
  const outsideListeners = new Set<(change: OutsideChange) => void>()
  /** Only grows while the service runs, whatever becomes of the file. */
  const barred = new Map<string, Revocation>()

  const takeOver = ({ revoked }: Revoked, _before?: Revoked, from?: 'here' | 'outside') => {
    for (const each of revoked) {
      const known = barred.get(nameOf(each))
      if (known === undefined || known.until < each.until) barred.set(nameOf(each), each)
      if (known !== undefined) continue
      for (const listener of listeners) listener({ kind: each.kind, id: each.id })
      if (from !== 'outside') continue
      for (const listener of outsideListeners)
        listener({ action: 'revocations', subject: each.id, reason: `${each.kind} revoked by the command line` })
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
      const name = nameOf({ kind, id })
      const known = barred.get(name)
      if (until <= clock.now() || (known?.until ?? 0) >= until) return
      if (known === undefined && barred.size >= most) throw tooMany()
      await file.change(
        ({ revoked }) => {
          // What the file has lost is written again.
          const all = new Map(
            [...revoked, ...barred.values()]
              .filter((each) => each.until > clock.now())
              .map((each) => [nameOf(each), each]),
          )
          all.delete(name)
          return { revoked: [...all.values(), { kind, id, until }] }
        },
        { atOnce: true },
      )
    },
    isRevoked: (credential) => barred.has(nameOf(credential)),
    onRevoked(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onOutsideChange(listener) {
      outsideListeners.add(listener)
      return () => outsideListeners.delete(listener)
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
  return Array.isArray(revoked) && revoked.every(isRevocation)
    ? { revoked: revoked.map(({ kind, id, until }) => ({ kind, id, until })) }
    : undefined
}

function isRevocation(value: unknown): value is Revocation {
  if (typeof value !== 'object' || value === null) return false
  const { kind, id, until } = value as Record<string, unknown>
  return (
    (kind === 'token' || kind === 'key' || kind === 'certificate') &&
    typeof id === 'string' &&
    id !== '' &&
    typeof until === 'number'
  )
}
