import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { OwnAccess } from '../../machines/domain/access.js'
import { isLoopback, plainAddress } from '../../machines/domain/address.js'
import { ownAddresses } from '../rtsp/addresses.js'

interface UserAndPassword {
  user: string
  password: string
}

/** The credentials of the service itself, one for each purpose: created at each start, and kept in memory only. */
export interface OwnCredential extends OwnAccess {
  /** For the service's own reads. */
  reader: UserAndPassword
  /** For the pipeline of one camera. It gives no other right, because other users of the host can read it in `ps`. */
  publisher(camera: string): UserAndPassword
  /** For the control API. */
  api: UserAndPassword
}

export const createOwnCredential = (): OwnCredential => {
  const make = (user: string): UserAndPassword => ({ user, password: randomBytes(24).toString('base64url') })
  const made = {
    reader: make('camera-service-reader'),
    api: make('camera-service-api'),
  }
  const publisherKey = randomBytes(32)
  const publisher = (camera: string): UserAndPassword => ({
    user: 'camera-service-publisher',
    password: createHmac('sha256', publisherKey).update(camera).digest('base64url'),
  })
  const purposes = ['reader', 'publisher', 'api'] as const
  return {
    ...made,
    publisher,
    purposeOf: ({ user, password, path }) => {
      const all = { ...made, publisher: publisher(path) }
      return purposes.find((purpose) => all[purpose].user === user && isSame(all[purpose].password, password))
    },
    isOwnAddress: (address) => {
      const plain = plainAddress(address)
      return isLoopback(plain) || ownAddresses().includes(plain)
    },
  }
}

/** Compares in constant time. */
export const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
