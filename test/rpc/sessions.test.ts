import { expect } from 'chai'
import type { Credential, MediaSession } from '../../machines/domain/access.js'
import { because } from '../../machines/domain/reason.js'
import { day } from '../support/clock.js'
import { type Client, createStage, createWorld, noon, type World } from './fakes.js'

describe('sessions', () => {
  const stage = createStage()
  let world: World
  let port: number
  /** A clock that runs, so that callers expire by themselves. */
  const running = () => {
    const began = performance.now()
    return { now: () => world.now + performance.now() - began, monotonic: () => performance.now() }
  }
  const serve = async (limits: Parameters<World['options']>[0] = {}) => {
    const clock = running()
    const served = await stage.serve(world.options(limits, { clock }))
    port = served.port
    return { ...served, clock }
  }
  const expiredOf = (client: Client) =>
    client.notices.filter(({ method }) => method === 'session.expired').map(({ params }) => params)
  const untilExpired = async (client: Client) => {
    await client.until(() => expiredOf(client).length > 0, 'session.expired')
    return expiredOf(client)
  }
  const media = (credential: Credential): MediaSession => ({
    id: `rtsp-${credential.id}`,
    protocol: 'rtsp',
    camera: 'camera0',
    user: 'ann',
    address: '192.0.2.5',
    since: noon,
    expiresAt: noon + 60_000,
    credential,
  })

  beforeEach(() => {
    world = createWorld()
  })
  afterEach(() => stage.end())

  describe('that expire', () => {
    it('notify in time, refuse calls with the reason, release their holds, and close', async () => {
      const { clock } = await serve({ expiryGrace: 200 })
      const expiresAt = Math.round(clock.now()) + 150
      const token = `operator/ann/${expiresAt}`
      world.mediaSessions = [media({ kind: 'token', id: token }), media({ kind: 'token', id: 'another' })]
      const client = await stage.connect(port, { role: token })
      const other = await stage.connect(port, { role: 'viewer' })
      const [notice, ...more] = await untilExpired(client)
      expect(clock.now()).to.be.at.least(expiresAt)
      expect(more).to.deep.equal([])
      expect(notice).to.include({ reason: 'token_expired' })
      expect(Date.parse(String(notice?.closes_at)) - Date.parse(String(notice?.at))).to.equal(200)
      expect(world.released).to.deep.equal([notice?.session_id])
      const { error } = await client.call('get_camera_list')
      expect([error?.code, error?.data.reason]).to.deep.equal([-32001, 'token_expired'])
      expect((await client.call('ping')).result).to.equal('pong')
      expect(world.mediaSessions.map(({ id }) => id)).to.deep.equal(['rtsp-another'])
      expect(await client.closed).to.deep.equal({ code: 4401, reason: 'the session is over: token_expired' })
      expect((await other.call('get_camera_list')).error).to.equal(undefined)
    })

    it('continue if they authenticate again within the grace', async () => {
      const { clock } = await serve({ expiryGrace: 400 })
      const expiresAt = Math.round(clock.now()) + 50
      const client = await stage.connect(port, { role: `operator/ann/${expiresAt}` })
      const other = await stage.connect(port, { role: `operator/bob/${expiresAt + 10}` })
      await untilExpired(client)
      expect((await client.call('authenticate', { auth_token: 'operator/ann' })).error).to.equal(undefined)
      expect((await client.call('get_camera_list')).error).to.equal(undefined)
      expect((await other.closed).code).to.equal(4401)
      expect((await client.call('get_camera_list')).error).to.equal(undefined)
      expect(expiredOf(client)).to.have.length(1)
    })

    for (const [direction, step] of Object.entries({ forward: day, back: -day }))
      it(`expire by elapsed time if the clock is set ${direction}`, async () => {
        let monotonic = 5_000
        const clock = { now: () => world.now, monotonic: () => monotonic }
        const served = await stage.serve(world.options({}, { clock }))
        const client = await stage.connect(served.port, { role: `viewer/ann/${noon + 3_600_000}` })
        await client.call('subscribe_events', { topics: ['system.error'] })
        world.now += step
        expect((await client.call('get_camera_list')).error).to.equal(undefined)
        world.tell({ type: 'storage.blind', reason: because('storage_unknown') })
        await client.until(() => client.notices.some(({ method }) => method === 'system.error'), 'the notification')
        monotonic += 3_600_000
        const { error } = await client.call('get_camera_list')
        expect(error?.data.reason).to.equal('token_expired')
        expect(expiredOf(client)).to.have.length(1)
      })

    it('are judged again when a clock that started in 1970 is set', async () => {
      world.now = 1_000
      const served = await stage.serve(world.options({}, { clock: { now: () => world.now, monotonic: () => 5_000 } }))
      const expired = await stage.connect(served.port, { role: `viewer/ann/${noon - 1}` })
      const valid = await stage.connect(served.port, { role: `viewer/bob/${noon + 60_000}` })
      world.now = noon
      world.tell({ type: 'system.clock_jumped', from: 1_000, to: noon, by: noon - 1_000 })
      expect(await untilExpired(expired)).to.have.length(1)
      expect((await valid.call('get_camera_list')).error).to.equal(undefined)
    })

    it('do not expire early if their end is further away than a timer can wait', async () => {
      const { clock } = await serve()
      const warnings: string[] = []
      const note = ({ name }: Error) => warnings.push(name)
      process.on('warning', note)
      const client = await stage.connect(port, { role: `viewer/ann/${noon + 10 * 365 * 86_400_000}` })
      await untilExpired(await stage.connect(port, { role: `viewer/bob/${Math.round(clock.now()) + 50}` }))
      process.off('warning', note)
      expect(warnings).to.deep.equal([])
      expect(expiredOf(client)).to.deep.equal([])
      expect((await client.call('get_camera_list')).error).to.equal(undefined)
    })

    it('get no more notifications', async () => {
      const { clock } = await serve()
      const client = await stage.connect(port, { role: `viewer/ann/${Math.round(clock.now()) + 60}` })
      await client.call('subscribe_events', { topics: ['camera.disconnected'] })
      await untilExpired(client)
      world.tell({ type: 'camera.disconnected', camera: 'camera0', reason: because('unplugged') })
      await client.call('ping')
      expect(client.notices.map(({ method }) => method)).to.deep.equal(['session.expired'])
    })
  })

  describe('whose credential is revoked', () => {
    it('end at once, all of them, and cannot authenticate with it again', async () => {
      await serve({ expiryGrace: 200 })
      const [one, two, other] = [
        await stage.connect(port, { role: 'viewer/ann' }),
        await stage.connect(port, { role: 'viewer/ann' }),
        await stage.connect(port, { role: 'viewer/bob' }),
      ]
      await world.options().credentials.revoke({ kind: 'token', id: 'viewer/ann' }, noon)
      for (const client of [one, two]) {
        expect((await untilExpired(client))[0]).to.include({ reason: 'revoked' })
        expect((await client.call('get_camera_list')).error?.data.reason).to.equal('revoked')
        expect((await client.call('authenticate', { auth_token: 'viewer/ann' })).error?.data.reason).to.equal('revoked')
      }
      expect((await Promise.all([one.closed, two.closed])).map(({ code }) => code)).to.deep.equal([4401, 4401])
      expect(await other.call('get_camera_list')).not.to.have.property('error')
    })

    it('cannot start if it is revoked during its check', async () => {
      const { credentials } = world.options()
      const verify = async (text: string) => {
        const caller = await credentials.verify(text)
        if (caller.credential) await credentials.revoke(caller.credential, noon)
        return caller
      }
      ;({ port } = await stage.serve(world.options({}, { credentials: { ...credentials, verify } })))
      const client = await stage.connect(port)
      expect((await client.call('authenticate', { auth_token: 'admin' })).error?.data.reason).to.equal('revoked')
      expect((await client.call('get_camera_list')).error?.data.reason).to.equal('auth_required')
    })
  })

  describe('for an administrator', () => {
    it('are listed with caller, address, start and subscriptions', async () => {
      await serve()
      const admin = await stage.connect(port, { role: 'admin' })
      const viewer = await stage.connect(port, { role: `viewer/ann/${noon + 5_000}/camera0` })
      await stage.connect(port)
      await viewer.call('subscribe_events', { topics: ['camera.connected'] })
      world.mediaSessions = [media({ kind: 'key', id: 'key1' })]
      const { result } = await admin.call('list_sessions')
      expect([result.total, result.media_total]).to.deep.equal([3, 1])
      const [first, second, third] = result.sessions
      expect(first).to.deep.include({
        state: 'authenticated',
        user: 'a-admin',
        role: 'admin',
        credential: 'token',
        credential_id: 'admin',
        address: '127.0.0.1',
      })
      expect(second).to.deep.include({
        user: 'ann',
        cameras: ['camera0'],
        requests: 2,
        subscriptions: ['camera.connected'],
      })
      expect(second.expires_at).to.equal(new Date(noon + 5_000).toISOString())
      expect(third).to.deep.include({ state: 'unauthenticated', requests: 0 })
      expect(third).not.to.have.any.keys('user', 'role', 'expires_at')
      expect(result.media[0]).to.deep.include({
        id: 'rtsp-key1',
        protocol: 'rtsp',
        device: 'camera0',
        credential: 'key',
        credential_id: 'key1',
      })
      expect(
        (await admin.call('list_sessions', { limit: 1, offset: 1 })).result.sessions.map(
          ({ user }: { user: string }) => user,
        ),
      ).to.deep.equal(['ann'])
    })

    it('do not exist for an administrator limited to other cameras', async () => {
      await serve()
      const admin = await stage.connect(port, { role: 'admin' })
      const limited = await stage.connect(port, { role: `admin/eve/${noon + 60_000}/camera1` })
      await stage.connect(port, { role: `viewer/ann/${noon + 60_000}/camera0` })
      world.mediaSessions = [media({ kind: 'key', id: 'key1' })]
      const { sessions } = (await admin.call('list_sessions')).result
      const { result } = await limited.call('list_sessions')
      expect(result).to.deep.include({ total: 1, media: [], media_total: 0 })
      expect(result.sessions[0]).to.include({ user: 'eve' })
      for (const { session_id, user } of sessions) {
        if (user !== 'eve')
          expect((await limited.call('end_session', { session_id })).error).to.include({
            code: -32010,
            message: 'Session not found',
          })
      }
      expect((await admin.call('list_sessions')).result.total).to.equal(3)
      // An ended session keeps its owner.
      await admin.call('end_session', {
        session_id: sessions.find(({ user }: { user: string }) => user === 'ann').session_id,
      })
      expect((await limited.call('list_sessions')).result.total).to.equal(1)
    })

    it('can be ended; the client may authenticate again with its token', async () => {
      await serve()
      const admin = await stage.connect(port, { role: 'admin' })
      const viewer = await stage.connect(port, { role: 'viewer/ann' })
      world.mediaSessions = [media({ kind: 'token', id: 'viewer/ann' })]
      const { sessions } = (await admin.call('list_sessions')).result
      const { session_id } = sessions[1]
      const { result } = await admin.call('end_session', { session_id })
      expect(result).to.deep.equal({ session_id, ended: true, revoked: false, media_ended: 1 })
      expect((await untilExpired(viewer))[0]).to.include({ reason: 'ended', session_id })
      expect((await viewer.call('get_camera_list')).error?.data.reason).to.equal('ended')
      expect((await viewer.call('authenticate', { auth_token: 'viewer/ann' })).error).to.equal(undefined)
      expect(world.audited.find(({ action }) => action === 'end_session')).to.deep.include({
        event: 'change',
        result: 'ok',
        user: 'a-admin',
        subject: session_id,
      })
    })

    it('can be ended together with their credential', async () => {
      await serve()
      const admin = await stage.connect(port, { role: 'admin' })
      const [viewer, twin] = [
        await stage.connect(port, { role: 'viewer/ann' }),
        await stage.connect(port, { role: 'viewer/ann' }),
      ]
      const { sessions } = (await admin.call('list_sessions')).result
      expect((await admin.call('end_session', { session_id: sessions[1].session_id, revoke: true })).result).to.include(
        { revoked: true },
      )
      expect(world.revoked).to.deep.equal([{ kind: 'token', id: 'viewer/ann' }])
      for (const client of [viewer, twin]) expect((await untilExpired(client))[0]).to.include({ reason: 'revoked' })
      expect((await viewer.call('authenticate', { auth_token: 'viewer/ann' })).error?.data.reason).to.equal('revoked')
    })

    it('can be ended without a caller, if they exist, and only by an administrator', async () => {
      await serve()
      const admin = await stage.connect(port, { role: 'admin' })
      const nobody = await stage.connect(port)
      const { sessions } = (await admin.call('list_sessions')).result
      const { session_id } = sessions[1]
      expect((await admin.call('end_session', { session_id, revoke: true })).error?.code).to.equal(-32020)
      expect((await admin.call('end_session', { session_id })).error).to.equal(undefined)
      expect((await nobody.closed).code).to.equal(4401)
      expect((await admin.call('end_session', { session_id })).error).to.include({
        code: -32010,
        message: 'Session not found',
      })
      const operator = await stage.connect(port, { role: 'operator' })
      for (const method of ['list_sessions', 'end_session'])
        expect((await operator.call(method, {})).error?.code).to.equal(-32002)
    })
  })

  it('release the holds of an earlier caller when the next one has other rights', async () => {
    await serve()
    const client = await stage.connect(port, { role: 'operator/ann' })
    const { result } = await client.call('authenticate', { auth_token: 'operator/ann' })
    expect(world.released).to.deep.equal([])
    await client.call('authenticate', { auth_token: 'viewer/bob' })
    expect(world.released).to.deep.equal([result.session_id])
  })

  it('write authentications, refusals and changes to the audit log', async () => {
    await serve()
    const client = await stage.connect(port)
    await client.call('get_camera_list')
    await client.call('authenticate', {})
    await client.call('authenticate', { auth_token: 'forged' })
    await client.call('authenticate', { auth_token: `operator/ann/${noon + 600_000}/camera1` })
    await client.call('get_status')
    await client.call('get_camera_status', { device: 'camera0' })
    await client.call('start_recording', { device: 'camera1' })
    await client.call('start_recording', { device: '/dev/video0' })
    await client.call('delete_recording', { filename: 'x' })
    await client.call('get_camera_list')
    const { result } = await client.call('authenticate', { auth_token: 'admin/eve' })
    await client.call('delete_recording', { filename: world.recordings[0]?.name })
    const short = world.audited.map(({ event, action, result, user, subject, reason }) => [
      event,
      action,
      result,
      user,
      subject,
      reason,
    ])
    expect(short).to.deep.equal([
      ['authentication', 'authenticate', 'refused', '', undefined, 'auth_failed'],
      ['authentication', 'authenticate', 'ok', 'ann', undefined, undefined],
      ['refusal', 'get_status', 'refused', 'ann', undefined, 'permission_denied'],
      ['refusal', 'get_camera_status', 'refused', 'ann', 'camera0', 'camera_right'],
      ['change', 'start_recording', 'ok', 'ann', 'camera1', undefined],
      ['change', 'start_recording', 'refused', 'ann', '/dev/video0', 'invalid_params'],
      ['refusal', 'delete_recording', 'refused', 'ann', 'x', 'permission_denied'],
      ['authentication', 'authenticate', 'ok', 'eve', undefined, undefined],
      ['deletion', 'delete_recording', 'ok', 'eve', 'camera0_2025-06-01_11-00-00-000000.mp4', undefined],
    ])
    expect(
      world.audited.every(({ address, session }) => address === '127.0.0.1' && session === result.session_id),
    ).to.equal(true)
    expect(world.audited.map(({ credential = '' }) => credential.slice(0, 14)).slice(0, 3)).to.deep.equal([
      '',
      'token:operator',
      'token:operator',
    ])
    // In this test the id of a token is the token itself.
    expect(JSON.stringify(world.audited.map(({ credential: _, ...rest }) => rest))).not.to.match(/forged|admin\/eve/)
  })

  it('measure each request once, by the name of its method', async () => {
    const measured: string[] = []
    const metrics = {
      ...world.options().metrics,
      call: (method: string, outcome: string) => measured.push(`${method} ${outcome}`),
    }
    ;({ port } = await stage.serve(world.options({}, { metrics })))
    const client = await stage.connect(port, { role: 'viewer' })
    await client.call('ping')
    await client.call('get_status')
    await client.call('/etc/passwd')
    await client.answersTo('nonsense')
    world.ask.takeSnapshot = async () => Promise.reject(new Error('broken'))
    await client.call('authenticate', { auth_token: 'operator' })
    await client.call('take_snapshot', { device: 'camera0' })
    expect(measured).to.deep.equal([
      'authenticate ok',
      'ping ok',
      'get_status refused',
      'unknown refused',
      'unknown refused',
      'ping ok',
      'authenticate ok',
      'take_snapshot failed',
    ])
  })
})
