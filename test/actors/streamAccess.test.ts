import { networkInterfaces } from 'node:os'
import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { createActor } from 'xstate'
import { mediaSessionsEffects } from '../../actors/effects/mediaSessions.js'
import { createStreamAccess, type StreamAccessPorts } from '../../actors/streamAccess.js'
import { createOwnCredential } from '../../adapters/mediamtx/ownCredential.js'
import type { MediaQuestion, MediaSession } from '../../machines/domain/access.js'
import { allowList } from '../../machines/domain/address.js'
import type { MediaServer } from '../../machines/domain/ports.js'
import { mediaSessionsMachine } from '../../machines/mediaSessions.js'
import { day } from '../support/clock.js'
import { createGate } from '../support/gate.js'

const own = createOwnCredential()
/** The service's own credential for a purpose; that of a publisher is for one camera. */
const ownFor = (purpose: 'reader' | 'publisher' | 'api', camera = 'camera0') =>
  shown(purpose === 'publisher' ? own.publisher(camera) : own[purpose])
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

describe('stream access', () => {
  let timers: SinonFakeTimers | undefined
  const ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends.splice(0)) end()
    timers?.restore()
    timers = undefined
  })

  const arrange = ({ startLimit = 30_000, ...changes }: Partial<StreamAccessPorts> & { startLimit?: number } = {}) => {
    const gate = createGate()
    const kicked: Kick[] = []
    const media = {
      /** The media server's answer to a kick. */
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
    const actor = createActor(
      mediaSessionsMachine.provide({ actors: mediaSessionsEffects({ ...gate, mediaServer }) }),
      { input: { startLimit } },
    ).start()
    const access = createStreamAccess({
      ...gate,
      mediaSessions: () => actor,
      own,
      pipelines: { admit: () => true },
      isAllowed: allowList([]),
      open: false,
      ...changes,
    })
    const close = () => {
      access.close()
      actor.stop()
    }
    ends.push(close)
    const may = (change: Partial<MediaQuestion>) => access.mayPass(question(change))
    const signed = (grant: Parameters<typeof gate.sign>[0] = {}) => ({
      query: `sig=${encodeURIComponent(gate.sign(grant))}`,
    })
    return { ...gate, access, close, may, signed, kicked, media }
  }

  describe('counts failed authentications', () => {
    const counting = () => {
      const failing = {
        paused: 0,
        failures: [] as string[],
        pause: () => failing.paused,
        failed: (address: string) => void failing.failures.push(address),
      }
      return failing
    }

    it('with signatures, with passwords, of publishers and of API clients', async () => {
      const failing = counting()
      const { may, signed, callers, audited } = arrange({ failures: failing })
      callers.set('good', { user: 'ann', role: 'viewer', expiresAt: Date.now() + 60_000 })
      await may({ query: 'sig=guess' })
      await may({ user: 'x', password: 'guess', ip: '::ffff:192.0.2.8' })
      await may({ action: 'publish', user: 'x', password: 'guess' })
      await may({ action: 'api', user: 'x', password: 'guess' })
      expect(failing.failures).to.deep.equal(['192.0.2.7', '192.0.2.8', '192.0.2.7', '192.0.2.7'])
      await may({})
      await may(signed({ expiresAt: Date.now() - 1 }))
      expect(failing.failures, 'a missing or expired credential does not count').to.have.length(4)
      const refusals = () => audited.filter(({ event }) => event === 'refusal').length
      expect(refusals()).to.equal(5)
      failing.paused = 1_000
      expect([await may(signed()), await may({ password: 'good' })], 'a good credential passes').to.deep.equal([
        true,
        true,
      ])
      expect(await may({ query: 'sig=guess' })).to.equal(false)
      expect([failing.failures.length, refusals()], 'the others are not reported').to.deep.equal([4, 5])
    })
  })

  it('is limited to the allowed addresses', async () => {
    const { may, signed, audited } = arrange({ isAllowed: allowList(['192.0.2.0/29', 'fd00::/8']) })
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
    const open = arrange({ open: true, isAllowed: allowList(['192.0.2.0/29']) })
    expect([
      await open.may({}),
      await open.may({ ip: '192.0.2.9' }),
      await open.may({ ip: '127.0.0.1', ...shown(own.reader) }),
    ]).to.deep.equal([true, false, true])
  })

  describe('checks', () => {
    it('a signed URL: valid for its camera, until its expiry, unchanged', async () => {
      const { may, sign, signed, access } = arrange()
      const { query } = signed()
      expect(await may({ query })).to.equal(true)
      expect(await may({ query: `cookieCheck=1&${query}&z=2`, protocol: 'hls' }), 'in any order').to.equal(true)
      expect(await may({ query, path: 'camera1' }), 'another camera').to.equal(false)
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

    it('a signed URL that is bound to an address', async () => {
      const { may, signed } = arrange()
      expect(await may({ ...signed({ address: '192.0.2.7' }), ip: '::ffff:192.0.2.7' })).to.equal(true)
      expect(await may(signed({ address: '192.0.2.8' }))).to.equal(false)
      expect(await may({ ...signed({ address: '[2001:db8::1]' }), ip: '2001:db8::1' })).to.equal(true)
    })

    it('a token or an API key by its rights, without the network', async () => {
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

    it('a credential that is revoked during the check', async () => {
      const { may, callers, credentials, access } = arrange()
      callers.set('jwt', { user: 'ann', role: 'viewer', expiresAt: Date.now() + 60_000, credential: key })
      const answer = may({ token: 'jwt' })
      await Promise.all([credentials.revoke(key, 0), answer])
      expect(await answer).to.equal(false)
      expect(access.sessions()).to.deep.equal([])
    })

    it('a source that redirects the media server to itself', async () => {
      const { may, signed, callers, audited } = arrange()
      callers.set('key', { user: 'bob', role: 'viewer', expiresAt: 8.64e15, credential: key })
      for (const ip of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
        expect(await may({ ...signed(), ip, userAgent: 'gortsplib' }), ip).to.equal(false)
      expect(audited[0]).to.deep.include({ reason: 'loop', subject: 'camera0' })
      expect(await may({ ...signed(), userAgent: 'gortsplib' }), 'a MediaMTX elsewhere').to.equal(true)
      expect(await may({ ...signed(), ip: '127.0.0.1', userAgent: 'Lavf60.16.100' })).to.equal(true)
      expect(
        await may({ token: 'key', ip: '127.0.0.1', userAgent: 'gortsplib' }),
        'another MediaMTX on this host, with a key',
      ).to.equal(true)
      expect(await may({ ip: '127.0.0.1', userAgent: 'gortsplib', ...shown(own.reader) })).to.equal(true)
    })

    it('the credentials of the service: each has one purpose, from this host', async () => {
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
            expect(await may({ action, path, ip, ...ownFor(purpose) }), `${what} from ${ip}`).to.equal(good)
          expect(await may({ action, path, ...ownFor(purpose) }), `${what} from elsewhere`).to.equal(false)
          expect(await may({ action, path, ip: '127.0.0.1', ...ownFor(purpose), user: 'x' }), what).to.equal(false)
          if (action !== 'api')
            expect(await may({ action, path: 'yard', ip: '127.0.0.1', ...ownFor(purpose) }), what).to.equal(false)
        }
      }
      expect(await may({ action: 'publish', protocol: 'webrtc', ip: '127.0.0.1', ...ownFor('publisher') })).to.equal(
        false,
      )
    })

    it('a publisher with the credential of another camera', async () => {
      const { may, audited } = arrange()
      const publish = { action: 'publish', ip: '127.0.0.1' }
      expect(await may({ ...publish, path: 'camera1', ...ownFor('publisher', 'camera1') })).to.equal(true)
      expect(await may({ ...publish, path: 'camera0', ...ownFor('publisher', 'camera1') })).to.equal(false)
      expect(audited.map(({ subject, reason }) => ({ subject, reason }))).to.deep.equal([
        { subject: 'camera0', reason: 'publishing_denied' },
      ])
    })

    it('a publisher other than the pipeline that has just been started, and says so', async () => {
      const asked: string[] = []
      const admit = (camera: string) => {
        asked.push(camera)
        return camera === 'camera1'
      }
      const { may, lines, audited } = arrange({ pipelines: { admit } })
      const publish = (path: string, camera = path) =>
        may({ action: 'publish', ip: '127.0.0.1', path, ...ownFor('publisher', camera) })
      expect([await publish('camera0'), await publish('camera1')]).to.deep.equal([false, true])
      expect(await may({ action: 'publish', path: 'camera1', ...ownFor('publisher', 'camera1') })).to.equal(false)
      expect(await publish('camera1', 'camera0')).to.equal(false)
      expect(asked, 'asked only for good credentials from this host').to.deep.equal(['camera0', 'camera1'])
      expect(audited.map(({ reason }) => reason)).to.deep.equal([
        'no_new_pipeline',
        'not_this_host',
        'publishing_denied',
      ])
      expect(lines[0]).to.equal(
        'warn publisher refused: it has the password of this camera, but is not its ffmpeg that has just been started ' +
          '{"action":"RTSP publish","path":"camera0","address":"127.0.0.1","reason":"no_new_pipeline"}',
      )
    })

    it('other publishers and API clients, with any role', async () => {
      const { may, callers, signed } = arrange()
      callers.set('jwt', { user: 'root', role: 'admin', expiresAt: Date.now() + 60_000 })
      for (const action of ['publish', 'api', 'playback', 'metrics', 'pprof', 'sing']) {
        expect(await may({ action, ip: '127.0.0.1', ...signed(), password: 'jwt', token: 'jwt' }), action).to.equal(
          false,
        )
      }
    })

    it('and reports a rejected credential without the secret, but not a missing one', async () => {
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
        { ...entry, action: 'RTSP publish', subject: 'x'.repeat(64), reason: 'publishing_denied' },
        { ...entry, action: 'media server API', reason: 'api_denied' },
      ])
      expect(lines.join()).to.contain('192.0.2.7').and.not.contain('hunter2').and.not.contain(query.slice(4))
      expect(counted).to.have.length(3)
    })

    it('and audits each admitted session once, with its credential', async () => {
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

    it('no readers if streams are open, and logs a warning', async () => {
      const { may, lines, access } = arrange({ open: true })
      expect(lines).to.deep.equal([
        'warn security.streams is open: every client that reaches the media server can watch every camera {}',
      ])
      expect(await may({})).to.equal(true)
      expect(await may({ query: 'sig=bad' })).to.equal(true)
      expect(await may({ action: 'publish', ip: '127.0.0.1' })).to.equal(false)
      expect(await may({ action: 'api', ip: '127.0.0.1' })).to.equal(false)
      expect(await may({ action: 'publish', ip: '127.0.0.1', ...ownFor('publisher') })).to.equal(true)
      expect(access.sessions()).to.deep.equal([])
    })

    it('a credential as invalid if the check fails', async () => {
      const gate = createGate()
      const broken = { ...gate.credentials, verify: () => Promise.reject(new TypeError('x is not a function')) }
      const { may, lines } = arrange({ credentials: broken })
      expect(await may({ token: 'jwt' })).to.equal(false)
      expect(lines[0]).to.match(/^error a credential could not be checked/)
    })
  })

  it('refuses readers while the media sessions do not run', async () => {
    const { may, signed, access } = arrange({ mediaSessions: () => undefined })
    expect(await may(signed())).to.equal(false)
    expect([access.sessions(), await access.end(() => true, 'ended')]).to.deep.equal([[], 0])
  })

  describe('ends media sessions', () => {
    const settle = async (ms = 0) => {
      await timers?.tickAsync(ms)
    }
    beforeEach(() => {
      timers = useFakeTimers({
        now: 1_000_000,
        toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'],
      })
    })
    const ids = (kicked: Kick[]) => kicked.map(({ id }) => id)

    it('when their credential expires', async () => {
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

    it('at once when their credential is revoked, and no others', async () => {
      const { may, signed, kicked, credentials, callers } = arrange()
      callers.set('key', { user: 'bob', role: 'viewer', expiresAt: 8.64e15, credential: key })
      await may({ id: 'url', ...signed({ credential: key }) })
      await may({ id: 'other', ...signed({ credential: { kind: 'key', id: 'key2' } }) })
      await may({ id: 'basic', token: 'key', query: 'x=1' })
      await credentials.revoke(key, 0)
      await settle()
      expect(ids(kicked)).to.deep.equal(['url', 'basic'])
      expect(kicked[1], 'a query without a signature does not identify a reader').to.not.have.property('query')
    })

    it('with repeated kicks while the media server does not answer', async () => {
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

    it('that start after their credential expired', async () => {
      const { may, signed, kicked, media, access } = arrange({ startLimit: 20_000 })
      media.answer = () => false
      await may(signed({ expiresAt: Date.now() + 1_000 }))
      await settle(10_000)
      expect(kicked.length).to.be.greaterThan(3)
      media.answer = () => true
      await settle(5_000)
      expect(access.sessions()).to.deep.equal([])
      // A reader that can no longer start is removed.
      media.answer = () => false
      await may(signed({ expiresAt: Date.now() + 1_000 }))
      await settle(26_000)
      expect(access.sessions()).to.deep.equal([])
    })

    it('on request of an administrator, and counts them', async () => {
      const { may, signed, media, access } = arrange()
      for (const [id, user] of Object.entries({ one: 'ann', two: 'ann', three: 'bob', gone: 'ann' }))
        await may({ id, ...signed({ user }) })
      media.answer = ({ id }) => id !== 'gone'
      expect(await access.end(({ user }: MediaSession) => user === 'ann', 'ended by an administrator')).to.equal(2)
      expect(
        access.sessions().map(({ id }) => id),
        'neither the ended ones nor the absent one',
      ).to.deep.equal(['three'])
    })

    it('not before their credential expires', async () => {
      const { may, signed, kicked } = arrange()
      await may(signed({ expiresAt: Date.now() + 2 ** 31 + 10_000 }))
      await may({ id: 'never', ...signed({ expiresAt: 8.64e15 }) })
      await settle(600_000)
      expect(kicked).to.deep.equal([])
    })

    it('not while an HLS client shows its URL again after the clock was set forward, until it ends', async () => {
      const { may, signed, access } = arrange()
      const hls = { protocol: 'hls', ...signed({ expiresAt: Date.now() + 3_600_000 }) }
      expect(await may(hls)).to.equal(true)
      timers?.setSystemTime(Date.now() + day)
      expect(await may(hls)).to.equal(true)
      expect(await may({ ...hls, id: 'another' }), 'a new reader').to.equal(false)
      expect(await may({ ...hls, query: `${hls.query}&x` }), 'another URL').to.equal(false)
      await access.end(() => true, 'ended')
      expect(await may(hls)).to.equal(false)
    })

    for (const [direction, step] of Object.entries({ forward: day, back: -day }))
      it(`by elapsed time if the clock is set ${direction}`, async () => {
        const { may, signed, kicked } = arrange()
        await may(signed({ expiresAt: Date.now() + 3_600_000 }))
        timers?.setSystemTime(Date.now() + step)
        await settle(3_599_000)
        expect(kicked).to.have.length(0)
        await settle(1_000)
        expect(kicked).to.have.length(1)
      })

    it('and removes readers that left', async () => {
      const { may, signed, media, access } = arrange()
      for (const id of ['describe', 'setup', 'old-connection', 'left'])
        await may({ id, ...signed({ expiresAt: 8.64e15 }) })
      media.present = [
        { id: 'setup', connections: ['describe'] },
        { id: 'unknown', connections: ['old-connection'] },
      ]
      expect(access.sessions(), 'each of them may still start').to.have.length(4)
      await settle(7_000)
      expect(
        access.sessions().map(({ id }) => id),
        'the readers of the media server',
      ).to.deep.equal(['setup', 'old-connection'])
      media.present.push({ id: 'left', connections: [] })
      await settle(3_000)
      expect(
        access.sessions().map(({ id }) => id),
        'the stream had to start',
      ).to.deep.equal(['setup', 'old-connection', 'left'])
      media.present.pop()
      await settle(50_000)
      expect(access.sessions().map(({ id }) => id)).to.deep.equal(['setup', 'old-connection'])
    })

    it('and removes them at once while somebody looks', async () => {
      const { may, signed, media, access } = arrange()
      await may({ id: 'left', ...signed({ expiresAt: 8.64e15 }) })
      media.present = [{ id: 'left', connections: [] }]
      await settle(40_000)
      media.present = []
      await settle(100)
      expect(access.sessions(), 'nobody has looked').to.have.length(1)
      await settle(100)
      expect(access.sessions()).to.deep.equal([])
    })

    it('and refuses more readers than it can end', async () => {
      const { may, signed, audited } = arrange()
      const { query } = signed({ user: 'mad', expiresAt: 8.64e15 })
      for (let n = 0; n < 1_000; n++) await may({ id: `n${n}`, query })
      expect(await may({ id: 'one too many', query })).to.equal(false)
      expect(audited.at(-1)?.reason).to.equal('too_many_sessions')
      expect(await may({ id: 'somebody else', ...signed() })).to.equal(true)
    })

    it('until the stop, which resolves waiting calls', async () => {
      const { may, signed, media, access, close } = arrange()
      await may(signed())
      media.answer = () => {
        throw new Error('the media server does not answer')
      }
      const ended = access.end(() => true, 'ended')
      close()
      expect(await ended).to.equal(0)
    })

    it('not after the stop', async () => {
      const { may, signed, kicked, close, credentials } = arrange()
      await may(signed({ expiresAt: Date.now() + 5_000, credential: key }))
      close()
      await credentials.revoke(key, 0)
      await settle(10_000)
      expect(kicked).to.deep.equal([])
    })
  })
})
