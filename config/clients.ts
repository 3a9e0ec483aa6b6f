import { isCameraPattern, isName, type Role, roles } from '../machines/domain/access.js'
import { readMap } from './cameras.js'
import { type Format, listOf, oneOf, textLike } from './formats.js'
import { type Raw, type Report, text } from './raw.js'
import { parseYaml } from './yaml.js'

/** One item of `server.tls.clients`. */
export interface ClientItem {
  /** A common name, or a SHA-256 fingerprint in upper case with colons. */
  subject: string
  user: string
  role: Role
  cameras?: string[]
}

const fingerprint = /^[0-9a-f]{2}(?::?[0-9a-f]{2}){31}$/i

const fields = {
  subject: textLike(
    'a common name of 1 to 256 characters, or a SHA-256 fingerprint',
    (value) => value.length >= 1 && value.length <= 256,
  ),
  user: textLike('a user of 1 to 256 characters', isName),
  role: oneOf(...roles),
  cameras: listOf(textLike('a camera id in which * stands for any characters (camera0, camera1*)', isCameraPattern)),
}

/** What may stand in one item, for the documentation. */
export const clientFields: Record<keyof typeof fields, { allowed: string; doc: string }> = {
  subject: {
    allowed: fields.subject.allowed,
    doc: 'Required, unique. The common name of the certificate, or its SHA-256 fingerprint, with or without colons, for one certificate alone.',
  },
  user: { allowed: fields.user.allowed, doc: 'Required. The user that its bearer is.' },
  role: { allowed: fields.role.allowed, doc: 'Required.' },
  cameras: { allowed: fields.cameras.allowed, doc: 'The cameras that it may use; default all.' },
}

/** A YAML list; in the environment its text (JSON is YAML). */
export const clientList: Format<ClientItem[]> = {
  allowed: 'a list of clients',
  type: 'Array',
  read: (raw, report) => {
    const list = raw.kind === 'scalar' && typeof raw.value === 'string' ? (parseYaml(raw.value).root ?? raw) : raw
    if (list.kind !== 'list') {
      report('must be a list of clients', raw)
      return undefined
    }
    const below =
      (index: number): Report =>
      (rule, value, where = '') =>
        report(rule, value, `[${index}]${where}`)
    const items = list.items.map((item, index) => readItem(item, below(index)))
    const whole = items.filter((item) => item !== undefined)
    if (whole.length < items.length) return undefined
    const twin = whole.findIndex(({ subject }, index) => whole.findIndex((other) => other.subject === subject) < index)
    if (twin < 0) return whole
    below(twin)('must be unique: another client has the same subject', text(whole[twin]?.subject ?? ''), '.subject')
    return undefined
  },
}

function readItem(raw: Raw, report: Report): ClientItem | undefined {
  const values = readMap(raw, Object.keys(fields), report)
  if (!values) return undefined
  let good = values.good
  const read = <T>(key: keyof typeof fields, format: Format<T>): T | undefined => {
    const value = values.map.get(key)
    const result = value && format.read(value, (rule, at, where = '') => report(rule, at, `.${key}${where}`))
    if (value && result === undefined) good = false
    return result
  }
  const subject = read('subject', fields.subject)
  const user = read('user', fields.user)
  const role = read('role', fields.role)
  const cameras = read('cameras', fields.cameras)
  for (const key of ['subject', 'user', 'role']) if (!values.map.has(key)) report(`has no ${key}`, raw)
  if (!good || subject === undefined || user === undefined || role === undefined) return undefined
  return { subject: fingerprint.test(subject) ? written(subject) : subject, user, role, ...(cameras && { cameras }) }
}

/** As Node writes it. */
const written = (hex: string) => (hex.replaceAll(':', '').toUpperCase().match(/../g) ?? []).join(':')
