import { join } from 'node:path'
import type { Clock, Log } from '../machines/domain/ports.js'
import { openAuditLog } from './audit/auditLog.js'
import type { Closers } from './closers.js'
import type { DataDirectory } from './data/directory.js'
import { jwtSecret, keptSecret } from './data/secrets.js'
import { type ApiKeysOptions, createApiKeys } from './keys/apiKeys.js'
import { createLinks } from './links/links.js'
import type { ClaimNames } from './tokens/claims.js'
import { createCredentials } from './tokens/credentials.js'
import { createTokens } from './tokens/tokens.js'
import { createTrustedKeys, type KeySource } from './tokens/trustedKeys.js'

export interface AccessOptions {
  jwtSecret: { value: string; file: string }
  jwtKeys: readonly KeySource[]
  tokens: { issuer: string; audience: string; tolerance: number; issuedAhead: number; claims: ClaimNames }
  keys: ApiKeysOptions['defaults']
  audit: { maxSize: number; maxFiles: number }
}

/** Credentials, rights and the audit log: opened first, closed last. */
export async function openAccess(
  options: AccessOptions,
  data: DataDirectory,
  { log, env, clock }: { log: Log; env: NodeJS.ProcessEnv; clock: Clock },
  closers: Closers,
) {
  const { key: secret } = await jwtSecret({
    ...options.jwtSecret,
    credentialsDirectory: env.CREDENTIALS_DIRECTORY,
    secretsDir: data.secrets,
    service: { clock, log },
  })
  const trusted = await createTrustedKeys({ sources: options.jwtKeys, clock, log })
  closers.push(trusted.close)
  const tokens = createTokens({ secret, clock, trusted, log, ...options.tokens })
  const keys = await createApiKeys({ stateDir: data.state, clock, log, defaults: options.keys })
  closers.push(keys.close)
  const credentials = await createCredentials({ tokens, keys, stateDir: data.state, clock, log })
  closers.push(credentials.close)
  const linkSecret = await keptSecret(data.secrets, 'link_secret', { clock, log })
  const links = createLinks({ secret: linkSecret.key, clock, isRevoked: credentials.isRevoked })
  const auditSecret = await keptSecret(data.secrets, 'audit_secret', { clock, log })
  const audit = await openAuditLog({
    dir: join(data.dir, 'audit'),
    headDir: data.state,
    secret: auditSecret.key,
    // With a secret of an earlier run there was a log.
    isNew: auditSecret.from === 'generated',
    clock,
    log,
    ...options.audit,
  })
  closers.push(audit.close)
  return { tokens, keys, credentials, links, audit }
}
