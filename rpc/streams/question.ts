import type { MediaQuestion } from '../../machines/domain/access.js'

/**
 * A question of the media server, or `undefined` when it is none. Members that a server does not know yet are empty (`token`
 * came with 1.12.3, `userAgent` with 1.19.0), those that we do not know yet are passed over; of a wrong type there may be none.
 */
export function questionOf(body: unknown): MediaQuestion | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
  const members = body as Record<string, unknown>
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(members, name) ? members[name] : ''
    return typeof value === 'string' ? value : undefined
  }
  const [action, path, protocol, ip] = [text('action'), text('path'), text('protocol'), text('ip')]
  const [user, password, token, query, userAgent] = [
    text('user'),
    text('password'),
    text('token'),
    text('query'),
    text('userAgent'),
  ]
  const id = Object.hasOwn(members, 'id') ? members.id : null
  if (!action || !ip || (id !== null && typeof id !== 'string')) return undefined
  if (path === undefined || protocol === undefined || user === undefined || password === undefined) return undefined
  if (token === undefined || query === undefined || userAgent === undefined) return undefined
  return { action, path, protocol, ip, user, password, token, query, userAgent, id }
}
