/** What we show the media server ourselves. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import type { MediaQuestion } from '../../machines/domain/access.js'
import { isLoopback, plainAddress } from '../../machines/domain/address.js'

interface Credential {
  user: string
  password: string
}

/** One for each purpose, made anew in each life of the service and written nowhere but where it is shown. */
export interface OwnCredential {
  /** Of the service's own reads. */
  reader: Credential
  /** Of pipelines. It stands on their command lines, which other users of the machine can see: it opens nothing else. */
  publisher: Credential
  /** Of the control API. */
  api: Credential
}

export const createOwnCredential = (): OwnCredential => {
  const made = (user: string): Credential => ({ user, password: randomBytes(24).toString('base64url') })
  return {
    reader: made('camera-service-reader'),
    publisher: made('camera-service-publisher'),
    api: made('camera-service-api'),
  }
}

/** In a time that does not tell how much of it is right. */
export const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

export const shows = ({ user, password }: Pick<MediaQuestion, 'user' | 'password'>, own: Credential): boolean =>
  user === own.user && isSame(password, own.password)

/** Of this machine, as a peer on it sees it: loopback, or that of any interface. */
export const isOwnAddress = (ip: string): boolean => {
  const plain = plainAddress(ip)
  if (isLoopback(plain)) return true
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === plain))
}
