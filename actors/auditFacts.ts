import type { AuditLog, OutsideChange } from '../machines/domain/access.js'
import type { Told } from '../machines/domain/facts.js'

/** An audit entry for each file that retention deletes: what the method that asked for it has written does not name them. */
export const auditFacts =
  (audit: Pick<AuditLog, 'write'>) =>
  (fact: Told): void => {
    if (fact.type !== 'file.deleted') return
    const { by, kind, name, reason } = fact
    const who = by === undefined ? { user: '' } : { user: by.user, session: by.session, request: by.request }
    audit.write({
      event: 'deletion',
      action: by === undefined ? 'retention' : 'cleanup_old_files',
      result: 'ok',
      ...who,
      address: '',
      subject: `${kind}/${name}`,
      reason,
    })
  }

/** An audit entry for what the command line did while the service runs: it cannot write into the log itself. */
export const auditOutside =
  (audit: Pick<AuditLog, 'write'>) =>
  (change: OutsideChange): void =>
    audit.write({ event: 'change', result: 'ok', user: '', address: '', ...change })
