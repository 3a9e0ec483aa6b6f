import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { type JWTPayload, SignJWT } from 'jose'
import { createTokens } from '../../../adapters/tokens/tokens.js'
import { ServiceError } from '../../../machines/domain/errors.js'

const secret = new TextEncoder().encode('a key of thirty-two bytes, or so.')
const start = Date.UTC(2026, 0, 1)
const seconds = start / 1000

describe('tokens', () => {
  let now = start
  beforeEach(() => {
    now = start
  })
  const tokens = createTokens({ secret, clock: { now: () => now } })
  /** The reason of a refusal, or `accepted`. */
  const verdict = (token: unknown) =>
    tokens.verify(token as string).then(
      () => 'accepted',
      (error: unknown) => {
        if (!(error instanceof ServiceError) || error.key !== 'authFailed' || error.code !== -32001) throw error
        expect(error.message).to.equal(`Authentication failed or token expired (${error.data.reason})`)
        return error.data.reason
      },
    )
  const sign = (payload: Record<string, unknown>, key = secret) =>
    new SignJWT(payload as JWTPayload).setProtectedHeader({ alg: 'HS256' }).sign(key)
  const good = { user_id: 'ann', role: 'operator', iat: seconds, exp: seconds + 60 }

  it('carry the user, role and cameras they were issued for', async () => {
    const token = await tokens.issue({
      user: 'ann',
      role: 'operator',
      expiresIn: 60_000,
      cameras: ['camera0', 'camera1*'],
      id: 'first',
    })
    const caller = {
      user: 'ann',
      role: 'operator',
      expiresAt: start + 60_000,
      cameras: ['camera0', 'camera1*'],
      credential: { kind: 'token', id: 'first' },
    }
    for (const time of ['first', 'second']) expect(await tokens.verify(token), time).to.deep.equal(caller)
    const [header, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
    expect(JSON.parse(header ?? '')).to.deep.equal({ alg: 'HS256', typ: 'JWT' })
    expect(JSON.parse(claims ?? '')).to.deep.equal({ ...good, jti: 'first', cameras: ['camera0', 'camera1*'] })
  })

  it('have no camera limit when their list includes every camera', async () => {
    for (const cameras of [['*'], ['camera0', '*'], ['**']]) {
      const caller = await tokens.verify(
        await tokens.issue({ user: 'ann', role: 'viewer', expiresIn: 60_000, cameras }),
      )
      expect(caller, cameras.join()).to.not.have.property('cameras')
    }
    expect(
      (await tokens.verify(await tokens.issue({ user: 'ann', role: 'viewer', expiresIn: 60_000, cameras: [] })))
        .cameras,
    ).to.deep.equal([])
  })

  it('have unique ids', async () => {
    const ids = await Promise.all(
      [1, 2].map(
        async () =>
          (await tokens.verify(await tokens.issue({ user: 'ann', role: 'viewer', expiresIn: 60_000 }))).credential?.id,
      ),
    )
    expect(new Set(ids).size).to.equal(2)
  })

  it('without an id are named by what was signed, however the signature is written', async () => {
    const token = await sign(good)
    const id = (await tokens.verify(token)).credential?.id
    expect(id).to.match(/^sha256:[0-9a-f]{32}$/)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // The last of 43 letters holds four bits: the other two are free.
    const last = alphabet.indexOf(token.slice(-1))
    const other = `${token.slice(0, -1)}${alphabet[last ^ 1]}`
    expect(other).not.to.equal(token)
    const same = await tokens.verify(other).then(
      ({ credential }) => credential?.id,
      () => id,
    )
    expect(same).to.equal(id)
    expect((await tokens.verify(await sign({ ...good, exp: seconds + 61 }))).credential?.id).not.to.equal(id)
  })

  it('made by another program with the same key and claims are accepted', async () => {
    expect(await tokens.verify(await sign({ ...good, jti: 'x' }))).to.deep.equal({
      user: 'ann',
      role: 'operator',
      expiresAt: start + 60_000,
      credential: { kind: 'token', id: 'x' },
    })
  })

  it('expire to the second', async () => {
    const token = await tokens.issue({ user: 'ann', role: 'viewer', expiresIn: 60_000 })
    now = start + 59_999
    expect(await verdict(token)).to.equal('accepted')
    now = start + 60_000
    expect(await verdict(token)).to.equal('token_expired')
    now = start
    expect(await verdict(token)).to.equal('accepted')
    now = start - 60_000
    expect(await verdict(token), 'the clock was put back').to.equal('auth_failed')
  })

  it('tolerate a difference between clocks, as configured', async () => {
    const tolerant = createTokens({ secret, clock: { now: () => now }, tolerance: 5_000 })
    const outcome = async (claims: object) =>
      tolerant.verify(await sign({ ...good, ...claims })).then(
        ({ expiresAt }) => expiresAt,
        (error: unknown) => error instanceof ServiceError && error.data.reason,
      )
    expect(await outcome({ exp: seconds - 4 })).to.equal(start + 1_000)
    expect(await outcome({ exp: seconds - 5 })).to.equal('token_expired')
    expect(await outcome({ iat: seconds + 5 })).to.equal(start + 65_000)
    expect(await outcome({ iat: seconds + 6 })).to.equal('auth_failed')
    expect(await outcome({ nbf: seconds + 5 })).to.equal(start + 65_000)
    expect(await outcome({ nbf: seconds + 6 })).to.equal('auth_failed')
  })

  describe('issued by a clock that is ahead', () => {
    const lines: unknown[] = []
    beforeEach(() => lines.splice(0))
    const tokensWith = (options: { tolerance?: number; issuedAhead?: number }) => {
      const log = { warn: (message: string, fields?: object) => void lines.push([message, fields]) }
      return createTokens({ secret, clock: { now: () => now }, log, ...options })
    }
    const outcome = async (tolerant: ReturnType<typeof tokensWith>, claims: object) =>
      tolerant.verify(await sign({ ...good, ...claims })).then(
        () => 'accepted',
        (error: unknown) => error instanceof ServiceError && error.data.reason,
      )
    const disagreement = (fields: object) => [
      'a token was refused because it was issued in the future: the clocks of its issuer and of this host disagree',
      { ...fields, remedy: 'synchronise both clocks' },
    ]

    it('are tolerated as configured; nbf and exp are not', async () => {
      const tolerant = tokensWith({ issuedAhead: 30_000 })
      expect(await outcome(tolerant, { iat: seconds + 30 })).to.equal('accepted')
      expect(await outcome(tolerant, { nbf: seconds + 2 })).to.equal('auth_failed')
      expect(await outcome(tolerant, { exp: seconds })).to.equal('token_expired')
      expect(lines).to.have.length(1)
    })

    it('are refused beyond that, and the log has the difference', async () => {
      expect(await outcome(tokensWith({ issuedAhead: 30_000 }), { iat: seconds + 31, exp: seconds + 60 })).to.equal(
        'auth_failed',
      )
      now += 400
      expect(await outcome(tokensWith({}), { iat: seconds + 3_600, exp: seconds + 7_200 })).to.equal('auth_failed')
      expect(lines).to.deep.equal([
        disagreement({ user: 'ann', seconds: 31, tolerated: 30 }),
        disagreement({ user: 'ann', seconds: 3_600, tolerated: 0 }),
      ])
    })

    it('are tolerated at least as much as all clocks', async () => {
      const tolerant = tokensWith({ tolerance: 60_000, issuedAhead: 30_000 })
      expect(await outcome(tolerant, { iat: seconds + 60, exp: seconds + 90 })).to.equal('accepted')
      expect(await outcome(tolerant, { iat: seconds + 61, exp: seconds + 90 })).to.equal('auth_failed')
    })

    it('stay refused after the clock of this host was put back, also if they were accepted before', async () => {
      const tolerant = tokensWith({ issuedAhead: 30_000 })
      expect(await outcome(tolerant, {})).to.equal('accepted')
      now -= 30_000
      expect(await outcome(tolerant, {})).to.equal('accepted')
      now -= 10_000
      expect(await outcome(tolerant, {})).to.equal('auth_failed')
    })

    it('are only logged if their signature is valid', async () => {
      const forged = await sign({ ...good, iat: seconds + 3_600, exp: seconds + 7_200 }, new Uint8Array(32))
      expect(
        await tokensWith({})
          .verify(forged)
          .catch((error: ServiceError) => error.data.reason),
      ).to.equal('auth_failed')
      expect(lines).to.deep.equal([
        ['a token was refused', { problem: 'its signature was not made with a key of the service' }],
      ])
    })
  })

  describe('that are refused', () => {
    const lines: unknown[] = []
    beforeEach(() => lines.splice(0))
    const log = { warn: (message: string, fields?: object) => void lines.push([message, fields]) }
    const strict = createTokens({ secret, clock: { now: () => now }, log, audience: 'cameras', issuer: 'here' })
    const right = { ...good, aud: 'cameras', iss: 'here' }
    const without = (claim: string) => Object.fromEntries(Object.entries(right).filter(([each]) => each !== claim))
    const refusal = async (token: string) =>
      strict.verify(token).then(
        () => 'accepted',
        (error: ServiceError) => [error.data.reason, error.data.details],
      )

    for (const [claims, details, fields] of [
      [without('user_id'), 'the token has no claim user_id', { claim: 'user_id' }],
      [without('role'), 'the token has no claim role', { claim: 'role' }],
      [without('exp'), 'the token has no claim exp', { claim: 'exp' }],
      [without('iat'), 'the token has no claim iat', { claim: 'iat' }],
      [without('aud'), 'the token has no claim aud', { claim: 'aud', user: 'ann', expected: 'cameras' }],
      [
        { ...right, aud: ['others'] },
        'the claim aud of the token is not the one that the service accepts',
        { claim: 'aud', user: 'ann', found: '["others"]', expected: 'cameras' },
      ],
      [
        { ...right, iss: 'there' },
        'the claim iss of the token is not the one that the service accepts',
        { claim: 'iss', user: 'ann', found: '"there"', expected: 'here' },
      ],
      [
        { ...right, role: 'Admin' },
        'the claim role of the token must be one of viewer, operator, admin',
        { claim: 'role', user: 'ann', found: '"Admin"' },
      ],
      [
        { ...right, cameras: 'camera0' },
        'the claim cameras of the token must be a list of camera ids such as camera0 or camera1*',
        { claim: 'cameras', user: 'ann', found: '"camera0"' },
      ],
      [
        { ...right, nbf: seconds + 3 },
        'the token is not valid yet (nbf): check the clocks',
        { claim: 'nbf', user: 'ann', found: String(seconds + 3) },
      ],
    ] as const) {
      it(`say why: ${details}`, async () => {
        expect(await refusal(await sign(claims))).to.deep.equal(['auth_failed', details])
        expect(lines).to.deep.equal([['a token was refused because of a claim', { ...fields, problem: details }]])
      })
    }

    it('say by how much the clocks differ', async () => {
      expect(await refusal(await sign({ ...right, iat: seconds + 3 }))).to.deep.equal([
        'auth_failed',
        'the token was issued 3 s in the future: the clocks of its issuer and of the service differ',
      ])
      expect(lines).to.have.length(1)
    })

    it('without a valid signature say nothing to the client, and no claim to the log', async () => {
      const forged = await sign({ ...right, user_id: 'mallory' }, new Uint8Array(32))
      const [, body, signature] = forged.split('.')
      const head = Buffer.from('{"alg":"PS256","kid":"mine"}').toString('base64url')
      for (const text of [forged, `${head}.${body}.${signature}`, 'abc'])
        expect(await refusal(text)).to.deep.equal(['auth_failed', undefined])
      expect(lines).to.deep.equal(
        [
          'its signature was not made with a key of the service',
          'no key of the service is for PS256 tokens',
          'it is neither a token (three parts with dots) nor an API key',
        ].map((problem) => ['a token was refused', { problem }]),
      )
    })
  })

  describe('with claims under other names', () => {
    const claims = { user: 'sub', role: 'realm_access.roles', cameras: 'https://example.org/cameras' }
    const mapped = createTokens({ secret, clock: { now: () => now }, claims })
    const { iat, exp } = good
    const outcome = async (payload: object) =>
      mapped.verify(await sign({ iat, exp, ...payload })).then(
        ({ user, role, cameras }) => ({ user, role, cameras }),
        (error: ServiceError) => error.data.details,
      )

    it('give the rights that these say', async () => {
      expect(
        await outcome({
          sub: 'f3a1',
          realm_access: { roles: ['offline_access', 'viewer', 'operator'] },
          'https://example.org/cameras': ['camera1'],
        }),
      ).to.deep.equal({ user: 'f3a1', role: 'operator', cameras: ['camera1'] })
      expect(await outcome({ sub: 'f3a1', realm_access: { roles: 'viewer' } })).to.deep.equal({
        user: 'f3a1',
        role: 'viewer',
        cameras: undefined,
      })
    })

    it('are refused by these names', async () => {
      expect(await outcome({ realm_access: { roles: ['viewer'] } })).to.equal('the token has no claim sub')
      expect(await outcome({ sub: 'x', role: 'admin' })).to.equal('the token has no claim realm_access.roles')
      for (const roles of [[], ['Admin'], {}, [['admin']]])
        expect(await outcome({ sub: 'x', realm_access: { roles } })).to.equal(
          'the claim realm_access.roles of the token must be one of viewer, operator, admin',
        )
      expect(
        await outcome({ sub: 'x', realm_access: { roles: ['admin'] }, 'https://example.org/cameras': 5 }),
      ).to.equal(
        'the claim https://example.org/cameras of the token must be a list of camera ids such as camera0 or camera1*',
      )
    })

    it('leave our own tokens as they are', async () => {
      const own = await mapped.issue({ user: 'ann', role: 'admin', expiresIn: 60_000, cameras: ['camera0'] })
      expect(await mapped.verify(own)).to.deep.include({ user: 'ann', role: 'admin', cameras: ['camera0'] })
    })

    it('do not let other issuers use our names', async () => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519')
      const trusted = { find: async () => [publicKey], close: () => {} }
      const verifier = createTokens({ secret, clock: { now: () => now }, claims, trusted })
      const token = await new SignJWT({ user_id: 'ann', role: 'admin', iat, exp, sub: 'x' })
        .setProtectedHeader({ alg: 'EdDSA' })
        .sign(privateKey)
      const details = await verifier.verify(token).catch((error: ServiceError) => error.data.details)
      expect(details).to.equal('the token has no claim realm_access.roles')
    })
  })

  it('name issuer and audience if these are configured', async () => {
    const strict = createTokens({ secret, clock: { now: () => now }, issuer: 'here', audience: 'cameras' })
    const own = await strict.issue({ user: 'ann', role: 'viewer', expiresIn: 60_000 })
    expect((await strict.verify(own)).user).to.equal('ann')
    const reason = async (claims: object) =>
      strict.verify(await sign({ ...good, ...claims })).then(
        () => 'accepted',
        (error: unknown) => error instanceof ServiceError && error.data.reason,
      )
    expect(await reason({ iss: 'here', aud: ['others', 'cameras'] })).to.equal('accepted')
    for (const claims of [
      {},
      { iss: 'here' },
      { aud: 'cameras' },
      { iss: 'there', aud: 'cameras' },
      { iss: 'here', aud: 'others' },
      { iss: ['here'], aud: 'cameras' },
    ]) {
      expect(await reason(claims), JSON.stringify(claims)).to.equal('auth_failed')
    }
    expect(await verdict(own), 'where nothing is configured').to.equal('accepted')
  })

  it('are required', async () => {
    for (const none of ['', undefined, null]) expect(await verdict(none)).to.equal('auth_required')
  })

  it('need each claim in its type', async () => {
    const wrong: Record<string, unknown>[] = [
      { ...good, user_id: 5 },
      { ...good, user_id: { name: 'ann' } },
      { ...good, user_id: null },
      { ...good, user_id: '' },
      { ...good, user_id: 'x'.repeat(257) },
      { ...good, role: 'root' },
      { ...good, role: 'Admin' },
      { ...good, role: ['admin'] },
      { ...good, role: '__proto__' },
      { ...good, iat: 'now' },
      { ...good, exp: 'later' },
      { ...good, exp: null },
      { ...good, exp: 1e300 },
      { ...good, iat: -1 },
      { ...good, iat: seconds + 2 },
      { ...good, nbf: seconds + 30 },
      { ...good, nbf: 'soon' },
      { ...good, user_id: 'ann\nadmin' },
      { ...good, jti: 5 },
      { ...good, jti: '' },
      { ...good, jti: 'x'.repeat(257) },
      { ...good, cameras: null },
      { ...good, cameras: 'camera0' },
      { ...good, cameras: ['camera0', 5] },
      { ...good, cameras: ['camera0', ''] },
      { ...good, cameras: ['../camera0'] },
      { ...good, cameras: { 0: 'camera0' } },
      { ...good, cameras: Array.from({ length: 257 }, () => 'camera0') },
      ...Object.keys(good).map((key) => Object.fromEntries(Object.entries(good).filter(([each]) => each !== key))),
    ]
    for (const claims of wrong)
      expect(await verdict(await sign(claims)), JSON.stringify(claims)).to.equal('auth_failed')
  })

  it('need our key and our algorithm', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const token = await sign(good)
    const [head = '', body = '', signature = ''] = token.split('.')
    const wrong = {
      'another key': await sign(good, new TextEncoder().encode('another key of thirty-two bytes.....')),
      HS512: await new SignJWT(good).setProtectedHeader({ alg: 'HS512' }).sign(new Uint8Array(64)),
      none: `${part({ alg: 'none' })}.${body}.`,
      'none, signed': `${part({ alg: 'none' })}.${body}.${signature}`,
      'another role': `${head}.${part({ ...good, role: 'admin' })}.${signature}`,
      'no JSON': `${head}.${Buffer.from('{').toString('base64url')}.${signature}`,
      'no token': 'abc',
      'too long': `${token}${'x'.repeat(9000)}`,
    }
    for (const [what, each] of Object.entries(wrong)) expect(await verdict(each), what).to.equal('auth_failed')
    for (const each of [5, {}, [], true, Symbol('x')]) expect(await verdict(each)).to.equal('auth_failed')
  })

  it('signed with our key but another algorithm are refused', async () => {
    const key = new Uint8Array(64).fill(7)
    const others = createTokens({ secret: key, clock: { now: () => now } })
    const token = (alg: string) => new SignJWT(good).setProtectedHeader({ alg }).sign(key)
    expect((await others.verify(await token('HS256'))).user).to.equal('ann')
    for (const alg of ['HS384', 'HS512']) {
      const reason = await others
        .verify(await token(alg))
        .catch((error: unknown) => error instanceof ServiceError && error.data.reason)
      expect(reason, alg).to.equal('auth_failed')
    }
  })

  it('are refused with an authentication error, whatever the text', async () => {
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.base64String(), { minLength: 3, maxLength: 3 }).map((parts) => parts.join('.')),
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, fc.anything()), async (token) => {
        expect(await verdict(token)).to.be.oneOf(['auth_failed', 'auth_required'])
      }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom('user_id', 'role', 'iat', 'exp', 'x'), fc.jsonValue()),
        async (claims) => {
          expect(await verdict(await sign(claims))).to.be.oneOf(['auth_failed', 'token_expired', 'accepted'])
        },
      ),
      { numRuns: 50 },
    )
  })

  it('are not issued with invalid claims', async () => {
    const rejected = (claims: object) =>
      tokens.issue({ user: 'ann', role: 'viewer', expiresIn: 60_000, ...claims }).then(
        () => 'issued',
        (error: Error) => error.message,
      )
    expect(await rejected({ user: '' })).to.contain('user')
    expect(await rejected({ role: 'root' })).to.contain('role')
    expect(await rejected({ cameras: ['Camera 0'] })).to.contain('cameras')
    expect(await rejected({ id: '' })).to.contain('id')
    for (const expiresIn of [0, -1, Number.NaN, Infinity])
      expect(await rejected({ expiresIn }), String(expiresIn)).to.contain('life')
  })

  it('need a key of 32 bytes', () => {
    expect(() => createTokens({ secret: new Uint8Array(31), clock: { now: () => 0 } })).to.throw('at least 32 bytes')
  })
})
