import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'

export const algorithms = ['RS256', 'ES256', 'EdDSA'] as const
export type Algorithm = (typeof algorithms)[number]

/** A key whose holder may make tokens, by this one algorithm. */
export interface TrustedKey {
  algorithm: Algorithm
  /** Absent: tokens that name another key are tried with it too. */
  kid?: string
  key: KeyObject
}

/** The only algorithm that a key may verify here: decided by the key, never by a token. `undefined`: it is too weak or of another kind. */
export function algorithmOf({
  type,
  asymmetricKeyType: kind,
  asymmetricKeyDetails: details,
}: KeyObject): Algorithm | undefined {
  if (type !== 'public') return undefined
  if (kind === 'rsa') return (details?.modulusLength ?? 0) >= 2048 ? 'RS256' : undefined
  if (kind === 'ec') return details?.namedCurve === 'prime256v1' ? 'ES256' : undefined
  return kind === 'ed25519' ? 'EdDSA' : undefined
}

/** Members of a JWK that only a private or a shared key has. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** `undefined`: no public key for signatures that could be used here. */
export function keyOfJwk(jwk: unknown): TrustedKey | undefined {
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

/** Of a JWKS, or of one JWK; `undefined`: it is neither. Keys that cannot be used are left out. */
export function keysOfJwks(value: unknown): TrustedKey[] | undefined {
  if (!isRecord(value)) return undefined
  const members = 'keys' in value ? value.keys : [value]
  if (!Array.isArray(members) || members.length > 100) return undefined
  return members.map(keyOfJwk).filter((key) => key !== undefined)
}

/** Of a file's text: PEM, JWK or JWKS. Throws one sentence fragment that completes "the file … ". */
export function keysOfText(text: string, algorithm: Algorithm): TrustedKey[] {
  if (/PRIVATE KEY/.test(text)) throw new Error('holds a private key: give the public one alone')
  const found = text.trimStart().startsWith('{') ? attempt(() => keysOfJwks(JSON.parse(text))) : keyOfPem(text)
  if (found === undefined)
    throw new Error('holds no public key: PEM (BEGIN PUBLIC KEY), a JWK and a JWKS are understood')
  const fitting = found.filter((key) => key.algorithm === algorithm)
  if (fitting.length === 0) throw new Error(`holds no public key for ${algorithm} (${needs[algorithm]})`)
  return fitting
}

const needs: Record<Algorithm, string> = {
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

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
