import { isCameraPattern, isName, type Rights, roles } from '../machines/domain/access.js'
import { type Format, oneOf, textLike } from './formats.js'
import { documented, groupOf, groupsOf, listOf, mapped } from './groups.js'

/** One item of `server.tls.clients`. */
export interface ClientItem extends Rights {
  /** A common name, or a SHA-256 fingerprint in upper case with colons. */
  subject: string
}

const fingerprint = /^[0-9a-f]{2}(?::?[0-9a-f]{2}){31}$/i
const isShort = (value: string) => value.length >= 1 && value.length <= 256

const fields = {
  subject: textLike('a common name of 1 to 256 characters, or a SHA-256 fingerprint', isShort),
  user: textLike('a user of 1 to 256 characters', isName),
  role: oneOf(...roles),
  cameras: listOf(textLike('a camera id in which * stands for any characters (camera0, camera1*)', isCameraPattern)),
}

/** The keys of one item, for the documentation. */
export const clientFields = documented(fields, {
  subject:
    'Required, unique. The common name of the certificate. Or the SHA-256 fingerprint of a single certificate, ' +
    'with or without colons.',
  user: 'Required. The user name of the client.',
  role: 'Required.',
  cameras: 'The cameras that the client may use. Default: all.',
})

/** The list `server.tls.clients`. */
export const clientList: Format<ClientItem[]> = groupsOf(
  mapped(
    groupOf(fields, ['subject', 'user', 'role']),
    ({ subject, ...rights }): ClientItem => ({
      subject: fingerprint.test(subject) ? canonical(subject) : subject,
      ...rights,
    }),
  ),
  'clients',
  [
    {
      key: 'subject',
      idOf: ({ subject }) => subject,
      rule: () => 'must be unique: another client has the same subject',
    },
  ],
)

/** A fingerprint in the notation of Node. */
const canonical = (hex: string) => (hex.replaceAll(':', '').toUpperCase().match(/../g) ?? []).join(':')
