import { request as ask } from 'node:http'
import { connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import type { MediaQuestion, MediaSession } from '../../machines/domain/access.js'
import type { MediaServer } from '../../machines/domain/ports.js'
import { createStreamAccess, type StreamAccessOptions } from '../../rpc/streams/access.js'
import { createMediaAuthServer, type MediaAuthServer, mediaAuthAddress } from '../../rpc/streams/authServer.js'
import { createOwnCredential } from '../../rpc/streams/own.js'
import { questionOf } from '../../rpc/streams/question.js'
import { createGate } from '../support/gate.js'
import { later, turn } from '../support/later.js'

const own = createOwnCredential()
const key = { kind: 'key', id: 'key1' } as const

const question = (changes: Partial<MediaQuestion> = {}): MediaQuestion => ({
  action: 'read',
  path: 'camera0',
  protocol: 'rtsp',
  id: 'b8a1',
  ip: '192.0.2.7',
  user: '',
  password: '',
  token: '',
  query: '',
  userAgent: '',
  ...changes,
})
const shown = ({ user, password }: { user: string; password: string }): Partial<MediaQuestion> => ({
  user,
  password,
  token: password,
})

type Kick = Parameters<MediaServer['kick']>[0]

describe('who may see a stream', () => {
  let timers: SinonFakeTimers | undefined
  const ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends.splice(0)) end()
    timers?.restore()
    timers = undefined
  })

  const arrange = (changes: Partial<StreamAccessOptions> = {}) => {
    const gate = createGate()
    const kicked: Kick[] = []
    const media = {
      /** What the media server says to a kick. */
      answer: (_: Kick): boolean => true,
      present: ['b8a1', 'never'].map((id) => ({ id, connections: [] as string[] })),
    }
    const mediaServer: Pick<MediaServer, 'kick' | 'sessions'> = {
      kick: async (session) => {
        kicked.push(session)
        return media.answer(session)
      },
      sessions: async () => media.present,
    }
    const access = createStreamAccess({ ...gate, mediaServer, own, open: false, ...changes })
    ends.push(access.close)
    const may = (change: Partial<MediaQuestion>) => access.mayPass(question(change))
    const signed = (grant: Parameters<typeof gate.sign>[0] = {}) => ({
      query: `sig=${encodeURIComponent(gate.sign(grant))}`,
    })
    return { ...gate, access, may, signed, kicked, media }
  }

  describe('takes part in the rate limits', () => {
    const counting = () => {
      const rateLimits = {
        paused: 0,
        failures: [] as string[],
        pause: () => rateLimits.paused,
        failed: (address: string) => void rateLimits.failures.push(address),
      }
      return rateLimits
    }

    it('with what was guessed, from a stream too', async () => {
      const rateLimits = counting()
      const { may, signed, callers, audited } = arrange({ rateLimits })
      callers.set('good', { user: 'ann', role: 'viewer', expiresAt: Date.now() + 60_000 })
      await may({ query: 'sig=guess' })
      await may({ user: 'x', password: 'guess', ip: '::ffff:192.0.2.8' })
      await may({ action: 'publish', user: 'x', password: 'guess' })
      await may({ action: 'api', user: 'x', password: 'guess' })
      expect(rateLimits.failures).to.deep.equal(['192.0.2.7', '192.0.2.8', '192.0.2.7', '192.0.2.7'])
      await may({})
      await may(signed({ expiresAt: Date.now() - 1 }))
      expect(rateLimits.failures, 'nothing shown, or an old one: no guess').to.have.length(4)
      const refusals = () => audited.filter(({ event }) => event === 'refusal').length
      expect(refusals()).to.equal(5)
      rateLimits.paused = 1_000
      expect([await may(signed()), await may({ password: 'good' })], 'what is good passes').to.deep.equal([true, true])
      expect(await may({ query: 'sig=guess' })).to.equal(false)
      expect([rateLimits.failures.length, refusals()], 'and the rest is not told of one by one').to.deep.equal([4, 5])
    })
  })

  it('must come from an address that may come at all', async () => {
    const { may, signed, audited } = arrange({ allowedIps: ['192.0.2.0/29', 'fd00::/8'] })
    const query = signed()
    expect([
      await may(query),
      await may({ ...query, ip: '::ffff:192.0.2.6' }),
      await may({ ...query, ip: 'fd00::1' }),
    ]).to.deep.equal([true, true, true])
    expect([
      await may({ ...query, ip: '192.0.2.9' }),
      await may({ ...query, ip: '127.0.0.1' }),
      await may({ ip: '192.0.2.9' }),
    ]).to.deep.equal([false, false, false])
    expect(audited.flatMap(({ reason }) => reason ?? [])).to.deep.equal(['foreign_address', 'foreign_address'])
    expect(await may({ ip: '127.0.0.1', ...shown(own.reader) }), 'the service itself').to.equal(true)
    const open = arrange({ open: true, allowedIps: ['192.0.2.0/29'] })
    expect([
      await open.may({}),
      await open.may({ ip: '192.0.2.9' }),
      await open.may({ ip: '127.0.0.1', ...shown(own.reader) }),
    ]).to.deep.equal([true, false, true])
  })

  describe('decides', () => {
    it('by a signed URL: for its camera, until its end, as it was signed', async () => {
      const { may, sign, signed, access } = arrange()
      const { query } = signed()
      expect(await may({ query })).to.equal(true)
      expect(await may({ query: `cookieCheck=1&${query}&z=2`, protocol: 'hls' }), 'in any order').to.equal(true)
      expect(await may({ query, path: 'camera1' }), 'transplanted').to.equal(false)
      expect(await may({ query: `${query}A` }), 'forged').to.equal(false)
      const [text = '', seal = ''] = sign().split('.')
      const grant = JSON.parse(Buffer.from(text, 'base64url').toString())
      const stretched = Buffer.from(JSON.stringify({ ...grant, expiresAt: grant.expiresAt + 1e9 })).toString(
        'base64url',
      )
      expect(await may({ query: `sig=${stretched}.${seal}` }), 'stretched').to.equal(false)
      expect(await may(signed({ expiresAt: Date.now() - 1 })), 'expired').to.equal(false)
      expect(await may({ query: `${query}&${query}` }), 'twice').to.equal(false)
      expect(await may({ query: 'sig=' })).to.equal(false)
      expect(access.sessions()).to.have.length(2)
    })

    it('by an address that the URL is bound to', async () => {
      const { may, signed } = arrange()
      expect(await may({ ...signed({ address: '192.0.2.7' }), ip: '::ffff:192.0.2.7' })).to.equal(true)
      expect(await may(signed({ address: '192.0.2.8' }))).to.equal(false)
      expect(await may({ ...signed({ address: '[2001:db8::1]' }), ip: '2001:db8::1' })).to.equal(true)
    })

    it('by a token or an API key, within its rights, from memory alone', async () => {
      const { may, callers, credentials, asked, access } = arrange()
      callers.set('jwt', {
        user: 'ann',
        role: 'viewer',
        expiresAt: Date.now() + 60_000,
        cameras: ['camera0'],
        credential: key,
      })
      expect(await may({ user: 'any', password: 'jwt', token: 'jwt' })).to.equal(true)
      expect(await may({ token: 'jwt' }), 'as ?token=').to.equal(true)
      expect(await may({ token: 'jwt', path: 'camera1' })).to.equal(false)
      expect(await may({ token: 'other' })).to.equal(false)
      expect(asked.every(({ offline }) => offline === true)).to.equal(true)
      expect(access.sessions()).to.have.length(1)
      await credentials.revoke(key, 0)
      expect(await may({ token: 'jwt' })).to.equal(false)
    })

    it('against a credential that is revoked while it is checked', async () => {
      const { may, callers, credentials, access } = arrange()
      callers.set('jwt', { user: 'ann', role: 'viewer', expiresAt: Date.now() + 60_000, credential: key })
      const answer = may({ token: 'jwt' })
      await Promise.all([credentials.revoke(key, 0), answer])
      expect(await answer).to.equal(false)
      expect(access.sessions()).to.deep.equal([])
    })

    it('against the media server that pulls from itself, as a source may send it to do with a URL that it was given', async () => {
      const { may, signed, callers, audited } = arrange()
      callers.set('key', { user: 'bob', role: 'viewer', expiresAt: 8.64e15, credential: key })
      for (const ip of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
        expect(await may({ ...signed(), ip, userAgent: 'gortsplib' }), ip).to.equal(false)
      expect(audited[0]).to.deep.include({ reason: 'loop', subject: 'camera0' })
      expect(await may({ ...signed(), userAgent: 'gortsplib' }), 'a MediaMTX elsewhere').to.equal(true)
      expect(await may({ ...signed(), ip: '127.0.0.1', userAgent: 'Lavf60.16.100' })).to.equal(true)
      expect(
        await may({ token: 'key', ip: '127.0.0.1', userAgent: 'gortsplib' }),
        'another MediaMTX of this machine, by a key',
      ).to.equal(true)
      expect(await may({ ip: '127.0.0.1', userAgent: 'gortsplib', ...shown(own.reader) })).to.equal(true)
    })

    it('for itself: each own credential opens one thing, from this machine alone', async () => {
      const { may } = arrange()
      const here = Object.values(networkInterfaces()).flatMap(
        (addresses) => addresses?.map(({ address }) => address) ?? [],
      )
      for (const action of ['read', 'publish', 'api', 'playback', 'metrics', 'pprof', '']) {
        for (const purpose of ['reader', 'publisher', 'api'] as const) {
          const path = action === 'api' ? '' : 'camera0'
          const good = { read: 'reader', publish: 'publisher', api: 'api' }[action] === purpose
          const what = `${action} as ${purpose}`
          for (const ip of ['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1', ...here])
            expect(await may({ action, path, ip, ...shown(own[purpose]) }), `${what} from ${ip}`).to.equal(good)
          expect(await may({ action, path, ...shown(own[purpose]) }), `${what} from elsewhere`).to.equal(false)
          expect(await may({ action, path, ip: '127.0.0.1', ...shown(own[purpose]), user: 'x' }), what).to.equal(false)
          if (action !== 'api')
            expect(await may({ action, path: 'yard', ip: '127.0.0.1', ...shown(own[purpose]) }), what).to.equal(false)
        }
      }
      expect(await may({ action: 'publish', protocol: 'webrtc', ip: '127.0.0.1', ...shown(own.publisher) })).to.equal(
        false,
      )
    })

    it('against publishers and users of the API who are none of ours, whatever they may see', async () => {
      const { may, callers, signed } = arrange()
      callers.set('jwt', { user: 'root', role: 'admin', expiresAt: Date.now() + 60_000 })
      for (const action of ['publish', 'api', 'playback', 'metrics', 'pprof', 'sing']) {
        expect(await may({ action, ip: '127.0.0.1', ...signed(), password: 'jwt', token: 'jwt' }), action).to.equal(
          false,
        )
      }
    })

    it('and tells of who was refused, without what was shown; nothing of who has shown nothing yet', async () => {
      const counted: string[] = []
      const { may, audited, lines, signed } = arrange({ metrics: { refused: (why) => counted.push(why) } })
      for (const action of ['read', 'publish', 'api']) await may({ action })
      expect([audited, lines, counted]).to.deep.equal([[], [], []])
      const { query } = signed({ expiresAt: 1 })
      await may({ query })
      await may({ action: 'publish', user: 'me', password: 'hunter2', path: 'x'.repeat(500) })
      await may({ action: 'api', path: '', protocol: '', user: 'me', password: 'hunter2' })
      const entry = { event: 'refusal', result: 'refused', user: '', address: '192.0.2.7' }
      expect(audited).to.deep.equal([
        { ...entry, action: 'RTSP read', subject: 'camera0', reason: 'token_expired' },
        { ...entry, action: 'RTSP publish', subject: 'x'.repeat(64), reason: 'only cameras publish' },
        { ...entry, action: 'media server API', reason: 'only the service uses the API' },
      ])
      expect(lines.join()).to.contain('192.0.2.7').and.not.contain('hunter2').and.not.contain(query.slice(4))
      expect(counted).to.have.length(3)
    })

    it('and tells once of each session that somebody was let in, and by what', async () => {
      const { may, audited, callers, signed } = arrange()
      callers.set('jwt', { user: 'bob', role: 'viewer', expiresAt: Date.now() + 60_000, credential: key })
      const session = { protocol: 'hls', id: 'h1', ...signed({ credential: { kind: 'token', id: 't' } }) }
      for (let times = 0; times < 5; times += 1) await may(session)
      await may({ id: 'r1', password: 'jwt', ip: '2001:db8::1' })
      await may({ id: 'own', ip: '127.0.0.1', ...shown(own.reader) })
      await may({ id: 'other', password: 'jwt', path: 'x' })
      const entry = { event: 'authentication', result: 'ok', subject: 'camera0' }
      expect(audited.filter(({ event }) => event === 'authentication')).to.deep.equal([
        { ...entry, action: 'HLS read', user: 'ann', credential: 'token:t', address: '192.0.2.7' },
        { ...entry, action: 'RTSP read', user: 'bob', credential: 'key:key1', address: '[2001:db8::1]' },
      ])
    })

    it('for everybody who reads, when streams are open, and says so', async () => {
      const { may, lines, access } = arrange({ open: true })
      expect(lines).to.deep.equal([
        'warn security.streams is open: whoever reaches the ports of the media server can watch every camera {}',
      ])
      expect(await may({})).to.equal(true)
      expect(await may({ query: 'sig=bad' })).to.equal(true)
      expect(await may({ action: 'publish', ip: '127.0.0.1' })).to.equal(false)
      expect(await may({ action: 'api', ip: '127.0.0.1' })).to.equal(false)
      expect(await may({ action: 'publish', ip: '127.0.0.1', ...shown(own.publisher) })).to.equal(true)
      expect(access.sessions()).to.deep.equal([])
    })

    it('with no when a credential cannot be checked at all', async () => {
      const gate = createGate()
      const broken = { ...gate.credentials, verify: () => Promise.reject(new TypeError('x is not a function')) }
      const { may, lines } = arrange({ credentials: broken })
      expect(await may({ token: 'jwt' })).to.equal(false)
      expect(lines[0]).to.match(/^error a credential could not be checked/)
    })
  })

  describe('ends who watches', () => {
    const settle = async (ms = 0) => {
      await timers?.tickAsync(ms)
    }
    beforeEach(() => {
      timers = useFakeTimers({
        now: 1_000_000,
        toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
      })
    })
    const ids = (kicked: Kick[]) => kicked.map(({ id }) => id)

    it('when the credential ends, each in its time', async () => {
      const { may, signed, kicked, access } = arrange()
      const short = signed({ expiresAt: Date.now() + 5_000 })
      await may({ id: 'late', ...signed({ expiresAt: Date.now() + 9_000 }) })
      await may({ id: 'soon', ...short })
      expect(
        access.sessions().map(({ id, camera, user, address, since }) => ({ id, camera, user, address, since }))[1],
      ).to.deep.equal({
        id: 'soon',
        camera: 'camera0',
        user: 'ann',
        address: '192.0.2.7',
        since: 1_000_000,
      })
      await settle(4_999)
      expect(kicked).to.deep.equal([])
      await settle(1)
      expect(kicked).to.deep.equal([{ protocol: 'rtsp', id: 'soon', query: short.query }])
      expect(await may({ id: 'again', ...short })).to.equal(false)
      await settle(4_000)
      expect(ids(kicked)).to.deep.equal(['soon', 'late'])
      expect(access.sessions()).to.deep.equal([])
    })

    it('at once when the credential is revoked, and nobody else', async () => {
      const { may, signed, kicked, credentials, callers } = arrange()
      callers.set('key', { user: 'bob', role: 'viewer', expiresAt: 8.64e15, credential: key })
      await may({ id: 'url', ...signed({ credential: key }) })
      await may({ id: 'other', ...signed({ credential: { kind: 'key', id: 'key2' } }) })
      await may({ id: 'basic', token: 'key', query: 'x=1' })
      await credentials.revoke(key, 0)
      await settle()
      expect(ids(kicked)).to.deep.equal(['url', 'basic'])
      expect(kicked[1], 'a query that opened nothing names nobody').to.not.have.property('query')
    })

    it('again and again while the media server cannot be reached', async () => {
      const { may, signed, kicked, media, access } = arrange()
      media.answer = () => {
        throw new Error('the media server does not answer')
      }
      await may(signed({ expiresAt: Date.now() + 100_000 }))
      await settle(100_000)
      expect(kicked).to.have.length(1)
      await settle(20_000)
      expect(kicked).to.have.length(8)
      media.answer = () => true
      await settle(5_000)
      expect(access.sessions()).to.deep.equal([])
      await settle(60_000)
      expect(kicked).to.have.length(9)
    })

    it('also one that only comes into being after its end', async () => {
      const { may, signed, kicked, media, access } = arrange({ startLimit: 20_000 })
      media.answer = () => false
      await may(signed({ expiresAt: Date.now() + 1_000 }))
      await settle(10_000)
      expect(kicked.length).to.be.greaterThan(3)
      media.answer = () => true
      await settle(5_000)
      expect(access.sessions()).to.deep.equal([])
      // What is not there and can no longer come is forgotten.
      media.answer = () => false
      await may(signed({ expiresAt: Date.now() + 1_000 }))
      await settle(26_000)
      expect(access.sessions()).to.deep.equal([])
    })

    it('for an administrator, and tells how many', async () => {
      const { may, signed, media, access } = arrange()
      for (const [id, user] of Object.entries({ one: 'ann', two: 'ann', three: 'bob', gone: 'ann' }))
        await may({ id, ...signed({ user }) })
      media.answer = ({ id }) => id !== 'gone'
      expect(await access.end(({ user }: MediaSession) => user === 'ann', 'ended by an administrator')).to.equal(2)
      expect(
        access.sessions().map(({ id }) => id),
        'neither whom it found nor whom it did not',
      ).to.deep.equal(['three'])
    })

    it('not before its time, however far that is', async () => {
      const { may, signed, kicked } = arrange()
      await may(signed({ expiresAt: Date.now() + 2 ** 31 + 10_000 }))
      await may({ id: 'never', ...signed({ expiresAt: 8.64e15 }) })
      await settle(600_000)
      expect(kicked).to.deep.equal([])
    })

    it('in time also when the clock was set', async () => {
      const { may, signed, kicked } = arrange()
      await may(signed({ expiresAt: Date.now() + 3_600_000 }))
      timers?.setSystemTime(Date.now() + 3_600_000)
      await settle(60_000)
      expect(kicked).to.have.length(1)
    })

    it('and forgets those who left', async () => {
      const { may, signed, media, access } = arrange()
      for (const id of ['describe', 'setup', 'old-connection', 'left'])
        await may({ id, ...signed({ expiresAt: 8.64e15 }) })
      media.present = [
        { id: 'setup', connections: ['describe'] },
        { id: 'unknown', connections: ['old-connection'] },
      ]
      expect(access.sessions(), 'all of them may become one').to.have.length(4)
      await settle(7_000)
      expect(
        access.sessions().map(({ id }) => id),
        'whom the media server has',
      ).to.deep.equal(['setup', 'old-connection'])
      media.present.push({ id: 'left', connections: [] })
      await settle(3_000)
      expect(
        access.sessions().map(({ id }) => id),
        'its camera slept',
      ).to.deep.equal(['setup', 'old-connection', 'left'])
      media.present.pop()
      await settle(50_000)
      expect(access.sessions().map(({ id }) => id)).to.deep.equal(['setup', 'old-connection'])
    })

    it('and lets nobody in whom it could not end', async () => {
      const { may, signed, audited } = arrange()
      const { query } = signed({ user: 'mad', expiresAt: 8.64e15 })
      for (let n = 0; n < 1_000; n++) await may({ id: `n${n}`, query })
      expect(await may({ id: 'one too many', query })).to.equal(false)
      expect(audited.at(-1)?.reason).to.equal('too many sessions')
      expect(await may({ id: 'somebody else', ...signed() })).to.equal(true)
    })

    it('no more once it is closed', async () => {
      const { may, signed, kicked, access, credentials } = arrange()
      await may(signed({ expiresAt: Date.now() + 5_000, credential: key }))
      access.close()
      await credentials.revoke(key, 0)
      await settle(10_000)
      expect(kicked).to.deep.equal([])
    })
  })
})

describe('a question of the media server', () => {
  const whole = { ...question(), id: null }

  it('may lack what old servers do not send, and hold what newer ones will', () => {
    const { token: _, userAgent: __, ...old } = whole
    expect(questionOf({ ...old, colour: 'red' })).to.deep.equal(whole)
    expect(questionOf({ action: 'api', ip: '::1' })).to.deep.include({ action: 'api', path: '', id: null })
  })

  it('is refused when a member is of a wrong type, or what matters is missing', () => {
    for (const body of [null, [], 'x', 1, {}, { action: 'read' }, { ip: '::1' }, { action: '', ip: '::1' }])
      expect(questionOf(body), JSON.stringify(body)).to.equal(undefined)
    for (const name of Object.keys(whole)) {
      for (const value of [1, true, {}, ['camera0'], ...(name === 'id' ? [] : [null])])
        expect(questionOf({ ...whole, [name]: value }), name).to.equal(undefined)
    }
    expect(questionOf(JSON.parse('{"__proto__": {"action": "read", "ip": "::1"}}'))).to.equal(undefined)
  })
})

describe('the server that the media server asks', () => {
  const secret = 'a secret'
  const servers: MediaAuthServer[] = []
  const sockets: Socket[] = []
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    for (const server of servers.splice(0)) await server.stop()
  })

  const arrange = async (mayPass: (question: MediaQuestion) => Promise<boolean>, answerWithin?: number) => {
    const { log, lines } = createGate()
    const server = createMediaAuthServer({
      host: '127.0.0.1',
      port: 0,
      secret,
      access: { mayPass },
      log,
      ...(answerWithin !== undefined && { answerWithin }),
    })
    servers.push(server)
    const { port } = await server.start()
    const address = mediaAuthAddress({ host: '127.0.0.1', port, secret })
    const post = (body: unknown, to = address, method = 'POST') =>
      new Promise<number>((resolve, reject) => {
        const request = ask(to, { method, agent: false }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
        request.on('error', reject)
        request.end(typeof body === 'string' ? body : JSON.stringify(body))
      })
    return { server, port, address, post, lines }
  }

  it('answers 200 and 401 to who knows the secret, 404 to others', async () => {
    const { post, address, server } = await arrange(async ({ path }) => path === 'camera0')
    expect(await post(question())).to.equal(200)
    expect(await post(question({ path: 'camera1' }))).to.equal(401)
    for (const to of [
      address.slice(0, -1),
      address.replace(/\?.*/, ''),
      address.replace('/media/auth', '/'),
      address.replace('=', '=x'),
    ])
      expect(await post(question(), to), to).to.equal(404)
    expect(await post(question(), address, 'PUT')).to.equal(404)
    expect(server.questions()).to.equal(2)
  })

  it('says no to what is no question, too long, or cannot be answered', async () => {
    const { post, lines } = await arrange(async ({ path }) => {
      if (path === 'camera0') throw new Error('out of order')
      return path === 'camera1' ? later<boolean>().promise : true
    }, 20)
    for (const body of [
      '',
      '{',
      '[]',
      '{"action":1}',
      JSON.stringify(question({ path: 'x', query: 'x'.repeat(40_000) })),
      question(),
      question({ path: 'camera1' }),
    ])
      expect(await post(body), JSON.stringify(body).slice(0, 40)).to.equal(401)
    expect(lines.join('\n')).to.contain('out of order').and.contain('it took longer than 0.02 s')
    expect(await post(question({ path: 'camera2' }))).to.equal(200)
  })

  it('answers one connection again and again, within milliseconds', async () => {
    const { port } = await arrange(async () => true)
    const body = JSON.stringify(question())
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    const times: number[] = []
    for (let n = 0; n < 50; n++) {
      const began = performance.now()
      socket.write(
        `POST /media/auth?secret=a%20secret HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
      expect(answer).to.match(/^HTTP\/1\.1 200 /)
      times.push(performance.now() - began)
    }
    expect(times.sort((a, b) => a - b)[25]).to.be.lessThan(5)
  })

  it('is not kept from answering by who only connects, or never ends', async () => {
    const { port, post } = await arrange(async () => true)
    let closed = 0
    for (let n = 0; n < 200; n++) {
      const socket = connect(port, '127.0.0.1', () => socket.write('POST /media/auth HTTP/1.1\r\nX-A: '))
      socket.on('error', () => {}).resume()
      socket.on('close', () => closed++)
      sockets.push(socket)
    }
    const end = Date.now() + 5_000
    // Long before they are cut for their silence.
    while (closed < 136 && Date.now() < end - 3_500) await turn()
    expect(closed).to.be.at.least(136)
    expect(await post(question())).to.equal(200)
    while (closed < 200 && Date.now() < end) await turn()
    expect(closed, 'cut for want of headers').to.equal(200)
  })

  it('says why it cannot listen', async () => {
    const { port } = await arrange(async () => true)
    const { log } = createGate()
    const second = createMediaAuthServer({
      host: '127.0.0.1',
      port,
      secret,
      access: { mayPass: async () => true },
      log,
    })
    const failure = await second.start().catch((error: Error) => error.message)
    expect(failure).to.equal(`the stream authorisation cannot listen on 127.0.0.1:${port}: the port is in use`)
  })

  it('is told to the media server as an address that can be reached', () => {
    const at = (host: string) => mediaAuthAddress({ host, port: 9, secret: 'a&b' })
    expect([at('0.0.0.0'), at('::'), at('192.0.2.7')]).to.deep.equal([
      'http://127.0.0.1:9/media/auth?secret=a%26b',
      'http://[::1]:9/media/auth?secret=a%26b',
      'http://192.0.2.7:9/media/auth?secret=a%26b',
    ])
  })
})
