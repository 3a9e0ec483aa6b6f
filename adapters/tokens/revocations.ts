import type { Static } from 'typebox'
import * as Type from 'typebox'
import {
  type Credential,
  type Credentials,
  credentialKinds,
  credentialName,
  type OutsideChange,
} from '../../machines/domain/access.js'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Dispose, Log, WallClock } from '../../machines/domain/ports.js'
import { createListeners } from '../data/listeners.js'
import { openSharedFile } from '../data/sharedFile.js'

const Revocation = Type.Object({
  kind: Type.Enum(credentialKinds),
  id: Type.String({ minLength: 1 }),
  /** When the credential expires anyway. */
  until: Type.Number(),
})
type Revocation = Static<typeof Revocation>
const Revocations = Type.Object({ revoked: Type.Array(Revocation) })

/**
 * About 8 MB. The limit is high because a token that is revoked by its id alone stays in the list for good: nobody
 * knows when it expires, and no revocation may be dropped to make room.
 */
const most = 50_000
/** How long an expired credential stays in the list, in ms: the clock may be wrong, and be set back later. */
const remembered = 30 * 86_400_000

export type Revocations = Pick<Credentials, 'revoke' | 'isRevoked' | 'onRevoked'> & {
  /** Calls `listener` with each revocation by another process. */
  onOutsideChange(listener: (change: OutsideChange) => void): Dispose
  close(): Promise<void>
}

/**
 * Opens the revoked credentials in `revoked.json`, which the command line changes too. Rejects if the file is damaged:
 * without it, revoked credentials would be accepted again.
 */
export async function createRevocations(options: {
  stateDir: string
  clock: WallClock
  log: Log
}): Promise<Revocations> {
  const { stateDir, clock, log } = options
  const file = await openSharedFile({
    dir: stateDir,
    name: 'revoked.json',
    what: 'the list of revoked credentials',
    schema: Revocations,
    empty: { revoked: [] },
    whenDamaged: 'restore it from a backup; or change security.jwt_secret_key, which ends every token, and delete it',
    clock,
    log,
  })
  const ended = createListeners<Credential>()
  const outside = createListeners<OutsideChange>()
  /** Keeps every revocation until 30 days after it expires, even if the file is lost while the service runs. */
  const revocations = new Map<string, Revocation>()

  const takeOver = ({ revoked }: Static<typeof Revocations>, isOutside: boolean) => {
    for (const each of revoked) {
      const { kind, id, until } = each
      const known = revocations.get(credentialName(each))
      if (known === undefined || known.until < until) revocations.set(credentialName(each), each)
      if (known !== undefined) continue
      ended.notify({ kind, id })
      if (isOutside)
        outside.notify({ action: 'revocations', subject: id, reason: `${kind} revoked by the command line` })
    }
  }
  takeOver(file.value(), false)
  file.onChange(({ value, by }) => takeOver(value, by === 'another process'))

  const isOver = ({ until }: Pick<Revocation, 'until'>) => until + remembered <= clock.now()
  const prune = () => {
    for (const [name, each] of revocations) if (isOver(each)) revocations.delete(name)
  }

  return {
    async revoke({ kind, id }, until) {
      prune()
      const name = credentialName({ kind, id })
      const known = revocations.get(name)
      if (isOver({ until }) || (known?.until ?? 0) >= until) return
      if (known === undefined && revocations.size >= most) throw tooMany()
      await file.change(
        ({ revoked }) => {
          // Includes what the file has lost.
          const all = [...revoked, ...revocations.values()].filter((each) => !isOver(each))
          const byName = new Map(all.map((each) => [credentialName(each), each]))
          byName.delete(name)
          return { revoked: [...byName.values(), { kind, id, until }] }
        },
        { atOnce: true },
      )
    },
    isRevoked: (credential) => revocations.has(credentialName(credential)),
    onRevoked: ended.add,
    onOutsideChange: outside.add,
    close: file.close,
  }
}

const tooMany = () =>
  new ServiceError('invalidState', {
    reason: 'too_many_revoked',
    state: `${most} credentials are revoked`,
    suggestion: 'change the key of the tokens (security.jwt_secret_key), which ends every token at once',
  })
