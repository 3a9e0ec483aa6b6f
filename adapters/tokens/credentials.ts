import type { Credential, Credentials, OutsideChange } from '../../machines/domain/access.js'
import type { Clock, Dispose, Log } from '../../machines/domain/ports.js'
import { looksLikeKey } from '../keys/apiKeys.js'
import { refusal } from './refusal.js'
import { createRevocations } from './revocations.js'
import type { TokenVerifier } from './tokens.js'

/** What is needed of the API keys. */
interface Keys {
  verify: Credentials['verify']
  revoke(id: string): Promise<unknown>
  isRevoked(id: string): boolean
  onRevoked(listener: (credential: Credential) => void): Dispose
  onOutsideChange(listener: (change: OutsideChange) => void): Dispose
}

export interface CredentialsOptions {
  tokens: TokenVerifier
  keys: Keys
  /** The data directory's `state`. */
  stateDir: string
  clock: Clock
  log: Log
}

export type CredentialKeeper = Credentials & {
  /** Told of what another process did to keys and revocations, such as the command line. */
  onOutsideChange(listener: (change: OutsideChange) => void): Dispose
  close(): Promise<void>
}

/** Everything that can be shown. Rejects when the list of what is revoked cannot be read. Closing ends neither tokens nor keys. */
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
    async verify(text, also) {
      if (!text) throw refusal('auth_required')
      if (typeof text !== 'string') throw refusal('auth_failed')
      const caller = await (looksLikeKey(text) ? keys.verify(text) : tokens.verify(text, also))
      if (caller.credential !== undefined && isRevoked(caller.credential)) throw refusal('revoked')
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
