import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'

/** An issuer of tokens. */
export interface Maker {
  algorithm: 'RS256' | 'ES256' | 'EdDSA'
  publicKey: KeyObject
  privateKey: KeyObject
}

const pairs = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
}

export const maker = (algorithm: Maker['algorithm']): Maker => ({ algorithm, ...pairs[algorithm]() })

export const pem = ({ publicKey }: Maker): string => String(publicKey.export({ type: 'spki', format: 'pem' }))

export const jwk = ({ publicKey }: Maker, also: object = {}): object => ({
  ...publicKey.export({ format: 'jwk' }),
  ...also,
})

export const signBy = ({ algorithm, privateKey }: Maker, claims: object, header: object = {}): Promise<string> =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: algorithm, ...header }).sign(privateKey)
