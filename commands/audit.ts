import { verifyAudit } from '../adapters/audit/verify.js'
import { findSecret } from '../adapters/data/secrets.js'
import type { Configuration } from '../config/schema.js'
import { count } from '../machines/domain/amounts.js'
import { dataFolders } from './dataFolders.js'
import type { Outcome } from './outcome.js'

/** `audit verify`: checks that the audit log is complete and unchanged. The exit status is 1 if it is not. */
export async function audit(config: Configuration): Promise<Outcome> {
  const { audit: dir, secrets, state: headDir } = dataFolders(config)
  const secret = await findSecret(secrets, 'audit_secret')
  if (secret === undefined)
    return { status: 1, err: `the audit log cannot be verified: ${config.data_dir} has no secrets/audit_secret` }
  const verdict = await verifyAudit({ dir, headDir, secret })
  const entries = count(verdict.entries, 'entry', 'entries')
  return verdict.good
    ? { status: 0, out: `the audit log is complete and unchanged: ${entries}` }
    : {
        status: 1,
        out: `the audit log is incomplete or was changed: ${verdict.fault} (${entries} before it ${verdict.entries === 1 ? 'is' : 'are'} good)`,
      }
}
