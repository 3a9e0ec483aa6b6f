import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { CryptoKey } from 'jose'
import type { JwtAlgorithm } from '../../machines/domain/jwt.js'
import { attempt } from '../attempt.js'

/** How many keys a JWKS may hold. */
export const mostKeys = 100
/** How many keys are tried for one token. */
export const mostTried = 8

/** The members of a token's header that select its key. */
export interface KeyHeader {
  algorithm: string
  kid?: string
}

/** A public key for jose, which accepts both kinds. */
export type VerifyKey = KeyObject | CryptoKey

/** A public key from a file; verifies tokens of this one algorithm. */
export interface TrustedKey {
  algorithm: JwtAlgorithm
  /** Absent: the key is tried whatever `kid` a token names. */
  kid?: string
  key: KeyObject
}

/**
 * The one algorithm that a key verifies: the key decides, never the token. `undefined`: the key is too weak or of
 * another kind.
 */
function algorithmOf({
  type,
  asymmetricKeyType: kind,
  asymmetricKeyDetails: details,
}: KeyObject): JwtAlgorithm | undefined {
  if (type !== 'public') return undefined
  if (kind === 'rsa') return (details?.modulusLength ?? 0) >= 2048 ? 'RS256' : undefined
  if (kind === 'ec') return details?.namedCurve === 'prime256v1' ? 'ES256' : undefined
  return kind === 'ed25519' ? 'EdDSA' : undefined
}

/** Members that only a private or a shared key has. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** `undefined`: the JWK is no public key that can be used here. */
function keyOfJwk(jwk: unknown): TrustedKey | undefined {
  if (!isRecord(jwk) || secretMembers.some((member) => member in jwk)) return undefined
  const { kid, alg, use, key_ops: operations } = jwk
  if (use !== undefined && use !== 'sig') return undefined
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return undefined
  if (kid !== undefined && !isKid(kid)) return undefined
  const key = attempt(() => createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }))
  const algorithm = key && algorithmOf(key)
  if (key === undefined || algorithm === undefined || (alg !== undefined && alg !== algorithm)) return undefined
  return { algorithm, key, ...(kid === undefined ? {} : { kid }) }
}

export const isKid = (value: unknown): value is string =>
  typeof value === 'string' && value.length >= 1 && value.length <= 256

/** The usable keys of a JWKS or a JWK; `undefined`: it is neither. */
function keysOfJwks(value: unknown): TrustedKey[] | undefined {
  if (!isRecord(value)) return undefined
  const members = 'keys' in value ? value.keys : [value]
  if (!Array.isArray(members) || members.length > mostKeys) return undefined
  return members.map(keyOfJwk).filter((key) => key !== undefined)
}

/** The keys in a file's text: PEM, JWK or JWKS. Throws a fragment that completes the sentence "the file …". */
export function keysOfText(text: string, algorithm: JwtAlgorithm): TrustedKey[] {
  if (/PRIVATE KEY/.test(text)) throw new Error('holds a private key: use the public key alone')
  const found = text.trimStart().startsWith('{') ? attempt(() => keysOfJwks(JSON.parse(text))) : keyOfPem(text)
  if (found === undefined) throw new Error('holds no public key: PEM (BEGIN PUBLIC KEY), JWK and JWKS are supported')
  const fitting = found.filter((key) => key.algorithm === algorithm)
  if (fitting.length === 0) throw new Error(`holds no public key for ${algorithm} (${needs[algorithm]})`)
  return fitting
}

const needs: Record<JwtAlgorithm, string> = {
  RS256: 'RSA of at least 2048 bits',
  ES256: 'EC on the curve P-256',
  EdDSA: 'Ed25519',
}

function keyOfPem(text: string): TrustedKey[] | undefined {
  const key = attempt(() => createPublicKey({ key: text, format: 'pem' }))
  if (key === undefined) return undefined
  const algorithm = algorithmOf(key)
  return algorithm === undefined ? [] : [{ algorithm, key }]
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
