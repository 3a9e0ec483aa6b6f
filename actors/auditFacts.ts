import type { AuditLog, OutsideChange } from '../machines/domain/access.js'
import type { Told } from '../machines/domain/facts.js'

/** Writes an audit entry for each file that retention deletes: the entry of the method does not name them. */
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

/** Writes an audit entry for what the command line changed while the service runs: it cannot write into the log itself. */
export const auditOutside =
  (audit: Pick<AuditLog, 'write'>) =>
  (change: OutsideChange): void =>
    audit.write({ event: 'change', result: 'ok', user: '', address: '', ...change })
