import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  type AuditEntry,
  type Caller,
  type Credential,
  type Credentials,
  type Grant,
  isSameCredential,
  type Links,
} from '../../machines/domain/access.js'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Log } from '../../machines/domain/ports.js'

const failed = (reason: string) => new ServiceError('authFailed', { reason })

const withStack = (_: string, value: unknown) => (value instanceof Error ? value.stack : value)

/** Fake credentials and signed URLs, with the audit entries and log lines. `callers`: credential → caller. */
export function createGate({ now = Date.now }: { now?: () => number } = {}) {
  const callers = new Map<string, Caller>()
  const revoked: Credential[] = []
  const listeners = new Set<(credential: Credential) => void>()
  const audited: AuditEntry[] = []
  const lines: string[] = []
  const asked: { offline?: boolean }[] = []

  const credentials: Credentials = {
    verify: async (text, also = {}) => {
      asked.push(also)
      const caller = callers.get(text)
      if (caller === undefined) throw failed('auth_failed')
      if (caller.expiresAt <= now()) throw failed('token_expired')
      if (caller.credential && credentials.isRevoked(caller.credential)) throw failed('revoked')
      return caller
    },
    revoke: async (credential) => {
      revoked.push(credential)
      for (const listener of listeners) listener(credential)
    },
    isRevoked: (credential) => revoked.some((one) => isSameCredential(one, credential)),
    onRevoked: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }

  const seal = (text: string) => createHmac('sha256', 'a key of the tests').update(text).digest('base64url')
  const links: Links = {
    sign: (grant) => {
      const text = Buffer.from(JSON.stringify(grant)).toString('base64url')
      return `${text}.${seal(text)}`
    },
    verify: (sig, { subject, address }) => {
      const [text = '', given = ''] = sig.split('.')
      const right = seal(text)
      if (given.length !== right.length || !timingSafeEqual(Buffer.from(given), Buffer.from(right)))
        throw failed('auth_failed')
      const grant: Grant = JSON.parse(Buffer.from(text, 'base64url').toString())
      if (grant.subject !== subject || (grant.address ?? address) !== address) throw failed('auth_failed')
      if (grant.expiresAt <= now()) throw failed('token_expired')
      if (grant.credential && credentials.isRevoked(grant.credential)) throw failed('revoked')
      return grant
    },
  }

  const at = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {}, withStack)}`)
  const log: Log = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
  const sign = (grant: Partial<Grant> = {}) =>
    links.sign({ subject: 'stream:camera0', user: 'ann', expiresAt: now() + 60_000, ...grant })
  return {
    callers,
    credentials,
    links,
    log,
    lines,
    audited,
    audit: { write: (entry: AuditEntry) => void audited.push(entry) },
    asked,
    sign,
    clock: { now, monotonic: () => performance.now() },
  }
}
