import type { MediaQuestion } from '../../machines/domain/access.js'
import { plainAddress } from '../../machines/domain/address.js'
import { isObject } from './api.js'

const texts = ['action', 'path', 'protocol', 'ip', 'user', 'password', 'token', 'query', 'userAgent'] as const

/**
 * Reads the body of an authentication request; undefined if it is not valid. Members that an old server does not send
 * are empty (`token` exists since MediaMTX 1.12.3, `userAgent` since 1.19.0). Unknown members are ignored.
 */
export function questionOf(body: unknown): MediaQuestion | undefined {
  if (!isObject(body)) return undefined
  const member = (name: string, absent: unknown): unknown => (Object.hasOwn(body, name) ? body[name] : absent)
  const members = Object.fromEntries(texts.map((name) => [name, member(name, '')]))
  const id = member('id', null)
  if (!Object.values(members).every((value) => typeof value === 'string')) return undefined
  if (id !== null && typeof id !== 'string') return undefined
  const question = members as Record<(typeof texts)[number], string>
  if (question.action === '' || question.ip === '') return undefined
  return { ...question, ip: plainAddress(question.ip), id }
}
