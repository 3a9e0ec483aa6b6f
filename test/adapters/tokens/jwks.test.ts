import { generateKeyPairSync } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import sinon from 'sinon'
import { createTokens } from '../../../adapters/tokens/tokens.js'
import { createTrustedKeys, type TrustedKeys } from '../../../adapters/tokens/trustedKeys.js'
import { ServiceError } from '../../../machines/domain/errors.js'
import type { Log } from '../../../machines/domain/ports.js'
import { day } from '../../support/clock.js'
import { freePort } from '../../support/ports.js'
import { jwk, maker, signBy } from './makers.js'

const start = Date.UTC(2026, 0, 1)
const minute = 60_000

describe('trusted keys by URL', () => {
  const [first, second, edwards] = [maker('RS256'), maker('ES256'), maker('EdDSA')]
  let requests = 0
  let warned: string[] = []
  let answer: (response: ServerResponse) => void
  const ends: (() => void)[] = []
  /** jose reads the time of the process. */
  let time: sinon.SinonFakeTimers
  let stepped = 0
  const clock = { now: () => Date.now(), monotonic: () => Date.now() - stepped }
  const note = (_message: string, fields?: Record<string, unknown>) => void warned.push(String(fields?.reason))
  const log: Log = { error: note, warn: note, info: () => {}, debug: () => {} }

  beforeEach(() => {
    time = sinon.useFakeTimers({ now: start, toFake: ['Date'] })
    requests = 0
    stepped = 0
    warned = []
    answer = keys({ keys: [jwk(first, { kid: 'a' })] })
  })
  afterEach(() => {
    for (const end of ends.splice(0).reverse()) end()
    time.restore()
  })

  const keys = (set: object) => (response: ServerResponse) =>
    void response.setHeader('content-type', 'application/json').end(JSON.stringify(set))
  const serve = () =>
    new Promise<number>((resolve) => {
      const server = createServer((_request, response) => {
        requests += 1
        answer(response)
      })
      ends.push(() => {
        server.closeAllConnections()
        server.close()
      })
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  const open = async (port?: number, timeout = 5_000) => {
    const url = `http://127.0.0.1:${port ?? (await serve())}/jwks`
    const trusted: TrustedKeys = await createTrustedKeys({
      sources: [{ kind: 'url', url, algorithms: ['RS256', 'ES256'] }],
      clock,
      log,
      limits: { timeout, bytes: 64 * 1024 },
    })
    ends.push(() => trusted.close())
    const tokens = createTokens({ secret: new Uint8Array(32), clock, trusted })
    return async (who: typeof first, kid?: string, offline = false) => {
      const claims = { user_id: 'ann', role: 'operator', iat: Date.now() / 1000, exp: Date.now() / 1000 + 60 }
      const token = await signBy(who, claims, kid === undefined ? {} : { kid })
      return tokens.verify(token, { offline }).then(
        () => 'accepted',
        (error: unknown) => (error instanceof ServiceError ? error.data.reason : error),
      )
    }
  }

  it('verify with the key that the token names, or with each key when it names none', async () => {
    answer = keys({
      keys: [jwk(first, { kid: 'a' }), jwk(second, { kid: 'b' }), { kty: 'oct', k: 'AAAA', kid: 'c' }, 'rubbish'],
    })
    const verdict = await open()
    expect(await verdict(first, 'a')).to.equal('accepted')
    expect(await verdict(second, 'b')).to.equal('accepted')
    expect(await verdict(first)).to.equal('accepted')
    expect(await verdict(first, 'b')).to.equal('auth_failed')
    expect(requests).to.equal(1)
  })

  it('are all tried when several fit, except those that are too weak', async () => {
    const other = maker('RS256')
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
    answer = keys({ keys: [weak, jwk(first, { kid: 'a' }), jwk(other, { kid: 'b' })] })
    const verdict = await open()
    for (const who of [first, other]) expect(await verdict(who)).to.equal('accepted')
    expect(await verdict(maker('RS256'))).to.equal('auth_failed')
  })

  it('verify only with the configured algorithms', async () => {
    answer = keys({ keys: [jwk(edwards, { kid: 'd' })] })
    const verdict = await open()
    expect(await verdict(edwards, 'd')).to.equal('auth_failed')
  })

  it('follow a rotation, with at most one request in 30 seconds for any tokens', async () => {
    const verdict = await open()
    expect(await verdict(first, 'a')).to.equal('accepted')
    answer = keys({ keys: [jwk(second, { kid: 'b' })] })
    for (let tries = 0; tries < 5; tries += 1) expect(await verdict(second, 'b')).to.equal('auth_failed')
    expect(requests).to.equal(1)
    time.setSystemTime(Date.now() + 30_000)
    expect(await Promise.all([verdict(second, 'b'), verdict(second, 'b'), verdict(second, 'x')])).to.deep.equal([
      'accepted',
      'accepted',
      'auth_failed',
    ])
    expect(requests).to.equal(2)
    expect(await verdict(first, 'a'), 'the key that was taken out').to.equal('auth_failed')
  })

  it('are not fetched by an offline look-up, which never waits', async () => {
    const port = await serve()
    const arrived = new Promise<ServerResponse>((resolve) => {
      answer = resolve
    })
    const verdict = await open(port)
    const online = verdict(first, 'a').then((outcome) => `online: ${outcome}`)
    expect(await Promise.race([online, verdict(first, 'a', true)]), 'not fetched yet').to.equal('auth_failed')
    const response = await arrived
    response.destroy()
    expect(await online, 'the server breaks off').to.equal('online: auth_failed')
    answer = keys({ keys: [jwk(first, { kid: 'a' })] })
    time.setSystemTime(Date.now() + minute)
    expect(await verdict(first, 'a', true)).to.equal('auth_failed')
    expect(requests).to.equal(1)
    expect(await verdict(first, 'a')).to.equal('accepted')
    expect(await verdict(first, 'a', true)).to.equal('accepted')
  })

  it('are requested at most once in 30 seconds while the server fails', async () => {
    answer = (response) => void response.writeHead(503).end()
    const verdict = await open()
    for (let tries = 0; tries < 5; tries += 1) expect(await verdict(first, `kid${tries}`)).to.equal('auth_failed')
    expect(requests).to.equal(1)
    time.setSystemTime(Date.now() + 30_000)
    expect(await verdict(first, 'a')).to.equal('auth_failed')
    expect(requests).to.equal(2)
    expect(warned).to.deep.equal(Array(2).fill('the server answered 503'))
  })

  for (const [direction, step] of Object.entries({ forward: 2 * day, back: -2 * day }))
    it(`stay valid, and follow a rotation, if the clock is set ${direction}`, async () => {
      const verdict = await open()
      expect(await verdict(first, 'a')).to.equal('accepted')
      stepped += step
      time.setSystemTime(Date.now() + step)
      expect(await verdict(first, 'a', true)).to.equal('accepted')
      answer = keys({ keys: [jwk(second, { kid: 'b' })] })
      expect([await verdict(second, 'b'), requests], 'the last request was a moment ago').to.deep.equal([
        'auth_failed',
        1,
      ])
      time.setSystemTime(Date.now() + 30_000)
      expect([await verdict(second, 'b'), requests]).to.deep.equal(['accepted', 2])
    })

  it('stay valid for a day while the server is away', async () => {
    const verdict = await open()
    expect(await verdict(first, 'a')).to.equal('accepted')
    answer = (response) => void response.writeHead(503).end()
    time.setSystemTime(Date.now() + 23 * 60 * minute)
    for (const offline of [true, false]) expect(await verdict(first, 'a', offline)).to.equal('accepted')
    time.setSystemTime(Date.now() + 61 * minute)
    for (const offline of [true, false]) expect(await verdict(first, 'a', offline)).to.equal('auth_failed')
  })

  const bad: Record<string, { answer: (response: ServerResponse) => void; reason: string; timeout?: number }> = {
    'is slow': {
      answer: (response) => {
        response.write('{"keys":[')
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
      reason: 'no whole answer within 1 s',
      timeout: 1_000,
    },
    'is huge': {
      answer: (response) =>
        void response.end(JSON.stringify({ keys: [jwk(first, { kid: 'a' })], more: 'x'.repeat(70_000) })),
      reason: 'the answer is larger than 65.5 KB',
    },
    redirects: {
      answer: (response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
      reason: 'the server answered 302',
    },
    'answers no JWKS': { answer: (response) => void response.end('{"keys":5}'), reason: 'the answer is no JWKS' },
    'holds too many keys': {
      answer: (response) => void response.end(JSON.stringify({ keys: Array.from({ length: 101 }, () => ({})) })),
      reason: 'the answer is no JWKS',
    },
    'breaks off': {
      answer: (response) => void response.destroy(),
      reason: 'the server cannot be reached (UND_ERR_SOCKET)',
    },
  }
  for (const [what, { answer: given, reason, timeout }] of Object.entries(bad)) {
    it(`verify no token while the server ${what}`, async () => {
      answer = given
      const verdict = await open(undefined, timeout)
      expect(await verdict(first, 'a')).to.equal('auth_failed')
      expect(warned).to.deep.equal([reason])
      answer = keys({ keys: [jwk(first, { kid: 'a' })] })
      time.setSystemTime(Date.now() + 30_000)
      expect(await verdict(first, 'a')).to.equal('accepted')
    })
  }

  it('verify no token while the server is down', async () => {
    const verdict = await open(await freePort())
    expect(await verdict(first, 'a')).to.equal('auth_failed')
    expect(warned).to.have.length(1)
  })
})
