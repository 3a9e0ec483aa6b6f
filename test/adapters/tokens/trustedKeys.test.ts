import { createHmac, generateKeyPairSync } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createTokens } from '../../../adapters/tokens/tokens.js'
import { createTrustedKeys, type KeySource, readKeyFiles } from '../../../adapters/tokens/trustedKeys.js'
import { ServiceError } from '../../../machines/domain/errors.js'
import type { Log } from '../../../machines/domain/ports.js'
import { jwk, maker, pem, signBy } from './makers.js'

const start = Date.UTC(2026, 0, 1)
const seconds = start / 1000
const good = { user_id: 'ann', role: 'operator', iat: seconds, exp: seconds + 60, jti: 'x' }
const clock = { now: () => start, monotonic: () => 0 }
const log: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

describe('trusted keys in files', () => {
  const [rsa, otherRsa, ec, edwards] = [maker('RS256'), maker('RS256'), maker('ES256'), maker('EdDSA')]
  let dir = ''
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'keys-'))
  })
  after(() => rm(dir, { recursive: true }))

  const file = async (
    name: string,
    text: string | object,
    algorithm: 'RS256' | 'ES256' | 'EdDSA',
  ): Promise<KeySource> => {
    const path = join(dir, name)
    await writeFile(path, typeof text === 'string' ? text : JSON.stringify(text))
    return { kind: 'file', algorithm, file: path }
  }
  const tokensWith = async (...sources: KeySource[]) =>
    createTokens({
      secret: new Uint8Array(32).fill(1),
      clock,
      trusted: await createTrustedKeys({ sources, clock, log }),
    })
  const verdict = (promise: Promise<unknown>) =>
    promise.then(
      () => 'accepted',
      (error: unknown) => (error instanceof ServiceError && error.key === 'authFailed' ? error.data.reason : error),
    )

  it('verify the tokens of their holders', async () => {
    const tokens = await tokensWith(
      await file('rsa.pem', pem(rsa), 'RS256'),
      await file('ec.json', jwk(ec, { kid: 'e', use: 'sig', alg: 'ES256' }), 'ES256'),
      await file('ed.json', { keys: [jwk(rsa), jwk(edwards, { kid: 'd' })] }, 'EdDSA'),
    )
    for (const who of [rsa, ec, edwards]) {
      expect(await tokens.verify(await signBy(who, good)), who.algorithm).to.include({ user: 'ann', role: 'operator' })
    }
    expect(await verdict(tokens.verify(await signBy(rsa, good, { kid: 'any' }))), 'a PEM has no kid').to.equal(
      'accepted',
    )
    expect(await verdict(tokens.verify(await signBy(ec, good, { kid: 'e' })))).to.equal('accepted')
    expect(await verdict(tokens.verify(await signBy(ec, good, { kid: 'f' })))).to.equal('auth_failed')
    expect(await verdict(tokens.verify(await signBy(rsa, { ...good, exp: seconds - 1 })))).to.equal('token_expired')
    const own = await tokens.issue({ user: 'bea', role: 'viewer', expiresIn: 60_000 })
    expect((await tokens.verify(own)).user).to.equal('bea')
  })

  it('verify with their own algorithm and no other', async () => {
    const tokens = await tokensWith(await file('rsa.pem', pem(rsa), 'RS256'), await file('ec.pem', pem(ec), 'ES256'))
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const hmacWith = (key: string | Buffer) => {
      const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...good, role: 'admin' })}`
      return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
    }
    const [head = '', body = '', signature = ''] = (await signBy(rsa, good)).split('.')
    const attacks: Record<string, string> = {
      'HS256 with the public key as secret (PEM)': hmacWith(pem(rsa)),
      'the same without its last line break': hmacWith(pem(rsa).trimEnd()),
      'the same as DER': hmacWith(rsa.publicKey.export({ type: 'spki', format: 'der' })),
      'the same as JWK': hmacWith(JSON.stringify(jwk(rsa))),
      'alg none': `${part({ alg: 'none' })}.${body}.`,
      'alg None with the signature': `${part({ alg: 'None' })}.${body}.${signature}`,
      'the header of another algorithm': `${part({ alg: 'ES256' })}.${body}.${signature}`,
      'PS256 of the same key pair': `${part({ alg: 'PS256' })}.${body}.${signature}`,
      'another maker': await signBy(otherRsa, good),
      'an algorithm without a key': await signBy(edwards, good),
      'a key that it brings itself': await signBy(otherRsa, good, { jwk: jwk(otherRsa) }),
      'a kid that is no text': `${part({ alg: 'RS256', kid: { x: 1 } })}.${body}.${signature}`,
      'a critical extension': await signBy(rsa, good, { crit: ['x'], x: 1 }).catch(() => `${head}.${body}.x`),
      'no signature': `${head}.${body}.`,
    }
    for (const [what, token] of Object.entries(attacks))
      expect(await verdict(tokens.verify(token)), what).to.equal('auth_failed')
  })

  it('are not searched for our own tokens, nor for text that is no token', async () => {
    const requests: string[] = []
    const trusted = {
      find: async ({ algorithm }: { algorithm: string }) => {
        requests.push(algorithm)
        return []
      },
      close: () => {},
    }
    const tokens = createTokens({ secret: new Uint8Array(32), clock, trusted })
    await verdict(tokens.verify(await tokens.issue({ user: 'ann', role: 'viewer', expiresIn: 60_000 })))
    expect(await verdict(tokens.verify('x'.repeat(9_000)))).to.equal('auth_failed')
    expect(requests).to.deep.equal([])
  })

  it('reject with a sentence that names the item when they cannot be used', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' })
    const secret = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })
    const refused = async (source: KeySource) =>
      readKeyFiles([{ kind: 'url', url: 'https://example.org', algorithms: ['RS256'] }, source]).then(
        () => 'accepted',
        (error: Error) => error.message,
      )
    const open = await file('open.pem', pem(rsa), 'RS256')
    if (open.kind === 'file') await chmod(open.file, 0o666)
    const sentences: [KeySource, string][] = [
      [
        { kind: 'file', algorithm: 'RS256', file: join(dir, 'none.pem') },
        'the file of security.jwt_keys[1] does not exist',
      ],
      [{ kind: 'file', algorithm: 'RS256', file: dir }, 'the file of security.jwt_keys[1] is not a file'],
      [
        open,
        'the file of security.jwt_keys[1] is open to others (mode 0666): other users could replace it; ' +
          'run chmod o-w on it',
      ],
      [
        await file('private.pem', String(secret), 'RS256'),
        'the file of security.jwt_keys[1] holds a private key: use the public key alone',
      ],
      [
        await file('text.pem', 'a key', 'RS256'),
        'the file of security.jwt_keys[1] holds no public key: PEM (BEGIN PUBLIC KEY), JWK and JWKS are supported',
      ],
      [
        await file('broken.json', '{', 'RS256'),
        'the file of security.jwt_keys[1] holds no public key: PEM (BEGIN PUBLIC KEY), JWK and JWKS are supported',
      ],
      [
        await file('small.pem', String(small), 'RS256'),
        'the file of security.jwt_keys[1] holds no public key for RS256 (RSA of at least 2048 bits)',
      ],
      [
        await file('ec.pem', pem(ec), 'EdDSA'),
        'the file of security.jwt_keys[1] holds no public key for EdDSA (Ed25519)',
      ],
      [
        await file('other.json', jwk(ec, { alg: 'ES512' }), 'ES256'),
        'the file of security.jwt_keys[1] holds no public key for ES256 (EC on the curve P-256)',
      ],
      [
        await file('enc.json', jwk(ec, { use: 'enc' }), 'ES256'),
        'the file of security.jwt_keys[1] holds no public key for ES256 (EC on the curve P-256)',
      ],
      [
        await file('shared.json', { kty: 'oct', k: 'c2VjcmV0', alg: 'RS256' }, 'RS256'),
        'the file of security.jwt_keys[1] holds no public key for RS256 (RSA of at least 2048 bits)',
      ],
    ]
    for (const [source, sentence] of sentences) expect(await refused(source)).to.equal(sentence)
  })
})
