import type { AuditLog, OutsideChange } from '../machines/domain/access.js'
import type { Told } from '../machines/domain/facts.js'

/**
 * Writes an audit entry for each file that retention deletes, because the entry of the method does not list them, and
 * for each file that is quarantined, and each change of the configuration that no client asked for.
 */
export const auditFacts =
  (audit: Pick<AuditLog, 'write'>) =>
  (fact: Told): void => {
    if (fact.type === 'file.quarantined')
      audit.write({
        event: 'change',
        action: 'quarantine',
        result: 'ok',
        user: '',
        address: '',
        subject: `recordings/${fact.filename}`,
        reason: fact.reason.code,
      })
    if (fact.type === 'config.changed' || fact.type === 'config.rolledBack') {
      const result = fact.type === 'config.changed' ? 'ok' : 'failed'
      const subject = fact.origin
      if (!fact.by) audit.write({ event: 'change', action: 'configuration', result, user: '', address: '', subject })
    }
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

/** Writes an audit entry for each change by the command line, which cannot write to the log while the service runs. */
export const auditOutside =
  (audit: Pick<AuditLog, 'write'>) =>
  (change: OutsideChange): void =>
    audit.write({ event: 'change', result: 'ok', user: '', address: '', ...change })
