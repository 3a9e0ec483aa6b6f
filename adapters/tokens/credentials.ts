import type { Credential, Credentials, OutsideChange } from '../../machines/domain/access.js'
import { authFailed } from '../../machines/domain/errors.js'
import type { Dispose, Log, WallClock } from '../../machines/domain/ports.js'
import { type KeyKeeper, looksLikeKey } from '../keys/apiKeys.js'
import { credentialIn } from './pasted.js'
import { createRevocations } from './revocations.js'
import type { TokenVerifier } from './tokens.js'

type Keys = Pick<KeyKeeper, 'verify' | 'revoke' | 'isRevoked' | 'onRevoked' | 'onOutsideChange'>

export interface CredentialsOptions {
  tokens: TokenVerifier
  keys: Keys
  /** The data directory's `state`. */
  stateDir: string
  clock: WallClock
  log: Log
}

export type CredentialKeeper = Credentials & {
  /**
   * Calls `listener` with each change that another process, such as the command line, makes to keys and revocations.
   */
  onOutsideChange(listener: (change: OutsideChange) => void): Dispose
  close(): Promise<void>
}

/**
 * Tokens and API keys together. Rejects if the list of revoked credentials cannot be read. `close` leaves tokens and
 * keys open.
 */
export async function createCredentials({
  tokens,
  keys,
  stateDir,
  clock,
  log,
}: CredentialsOptions): Promise<CredentialKeeper> {
  const revocations = await createRevocations({ stateDir, clock, log })
  const isRevoked = (credential: Credential): boolean =>
    revocations.isRevoked(credential) || (credential.kind === 'key' && keys.isRevoked(credential.id))
  return {
    async verify(given, also) {
      if (!given) throw authFailed('auth_required')
      if (typeof given !== 'string') throw authFailed('auth_failed')
      const text = credentialIn(given)
      if (!text) throw authFailed('auth_required')
      const caller = await (looksLikeKey(text) ? keys.verify(text) : tokens.verify(text, also))
      if (caller.credential !== undefined && isRevoked(caller.credential)) throw authFailed('revoked')
      return caller
    },
    async revoke(credential, until) {
      if (credential.kind === 'key') await keys.revoke(credential.id)
      else await revocations.revoke(credential, until)
    },
    isRevoked,
    onRevoked(listener) {
      return both(keys.onRevoked(listener), revocations.onRevoked(listener))
    },
    onOutsideChange(listener) {
      return both(keys.onOutsideChange(listener), revocations.onOutsideChange(listener))
    },
    close: () => revocations.close(),
  }
}

const both =
  (one: Dispose, other: Dispose): Dispose =>
  () => {
    one()
    other()
  }
