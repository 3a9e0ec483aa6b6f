import { request } from 'node:http'
import { hostname } from 'node:os'
import { expect } from 'chai'
import { because } from '../../machines/domain/reason.js'
import { createHealthServer, durationText, type HealthOptions, isInternal } from '../../rpc/http/health.js'
import { createWorld, noon, type World } from './fakes.js'

describe('the health endpoints', () => {
  let world: World
  let port: number
  const stops: (() => Promise<void>)[] = []

  const serve = async (changes: Partial<HealthOptions> = {}) => {
    const { directory, retention, clock, log, about } = world.options()
    const server = createHealthServer({
      host: '127.0.0.1',
      port: 0,
      directory,
      retention,
      clock,
      log,
      about,
      ...changes,
    })
    ;({ port } = await server.start())
    stops.push(server.stop)
  }
  beforeEach(async () => {
    world = createWorld()
    await serve()
  })
  afterEach(() => Promise.all(stops.splice(0).map((stop) => stop())))

  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }

  it('report that nothing is deleted, because the list of protected recordings is lost', async () => {
    world.suspension = because('protections_lost')
    expect((await get('/health')).body.status).to.equal('degraded')
    const { components } = (await get('/health/detailed')).body
    expect(components.at(-1)).to.deep.include({ name: 'retention', status: 'degraded', state: 'suspended' })
  })

  it('report a healthy service', async () => {
    const basic = await get('/health')
    expect(basic.status).to.equal(200)
    expect(basic.body).to.deep.equal({
      status: 'healthy',
      timestamp: '2025-06-01T12:00:00.000Z',
      version: '0.1.0',
      uptime: '1m0s',
    })
    expect(basic.headers.get('cache-control')).to.equal('no-cache, no-store, must-revalidate')
    expect(basic.headers.get('access-control-allow-origin')).to.equal('*')
    expect((await get('/health/live')).body).to.deep.include({ alive: true })
    expect((await get('/health/ready')).body).to.deep.include({ ready: true, message: 'System is ready' })
    const { body } = await get('/health/detailed')
    expect(body.components.map(({ name, status }: { name: string; status: string }) => [name, status])).to.deep.equal([
      ['websocket_server', 'healthy'],
      ['camera_monitor', 'healthy'],
      ['mediamtx', 'healthy'],
      ['storage', 'healthy'],
    ])
    expect(body.metrics).to.deep.equal({
      uptime_seconds: 60,
      component_count: 4,
      components_healthy: 4,
      components_degraded: 0,
      components_unhealthy: 0,
    })
    expect(body.cameras).to.deep.equal({ total: 2, connected: 1 })
  })

  it('report that the media server is down, and since when', async () => {
    world.link = {
      ...world.link,
      state: 'down',
      cause: { state: 'down', since: noon - 1_000, reason: because('server_unreachable') },
    }
    expect(await get('/health')).to.deep.include({ status: 503 })
    expect((await get('/health/ready')).body).to.deep.include({
      ready: false,
      message: 'the media server is down: the media server does not answer',
    })
    expect(await get('/health/live')).to.deep.include({ status: 200 })
    const { status, body } = await get('/health/detailed')
    expect([status, body.status]).to.deep.equal([200, 'unhealthy'])
    expect(body.components[2]).to.deep.equal({
      name: 'mediamtx',
      status: 'unhealthy',
      state: 'down',
      since: '2025-06-01T11:59:59.000Z',
      message: 'the media server does not answer',
    })
  })

  it('are ready, though degraded, while another program changes paths', async () => {
    const degraded = (code: 'path_changed' | 'server_unreachable') => {
      const cause = { state: 'degraded', since: noon, reason: because(code) }
      world.link = { ...world.link, state: 'degraded', cause }
    }
    degraded('path_changed')
    expect((await get('/health/ready')).body).to.deep.include({ ready: true })
    expect((await get('/health')).body.status).to.equal('degraded')
    degraded('server_unreachable')
    expect(await get('/health/ready')).to.deep.include({ status: 503 })
  })

  it('are not ready while the service starts', async () => {
    world.system = { ...world.system, status: 'starting', message: 'looking for cameras' }
    const { status, body } = await get('/health/ready')
    expect([status, body.ready, body.message]).to.deep.equal([503, false, 'looking for cameras'])
    expect((await get('/health')).body.status).to.equal('degraded')
  })

  it('report a full disk as degraded', async () => {
    world.storage = {
      ...world.storage,
      state: 'critical',
      cause: { state: 'critical', since: noon, reason: because('storage_full') },
    }
    const { status, body } = await get('/health')
    expect([status, body.status]).to.deep.equal([200, 'degraded'])
  })

  it('report recordings in the fallback folder as degraded, with the reason', async () => {
    const reason = because('storage_read_only')
    world.storage = { ...world.storage, folder: { inUse: 'fallback', since: noon, reason } }
    expect((await get('/health')).body.status).to.equal('degraded')
    const { components } = (await get('/health/detailed')).body
    expect(components.find(({ name }: { name: string }) => name === 'storage')).to.deep.include({
      status: 'degraded',
      message: 'recordings go to the fallback folder: the disk is read-only',
      since: '2025-06-01T12:00:00.000Z',
    })
    world.storage = { ...world.storage, folder: { inUse: 'main', since: noon } }
    expect((await get('/health')).body.status).to.equal('healthy')
  })

  it('answer at the usual addresses of other services', async () => {
    expect((await get('/health/alive')).body).to.deep.include({ alive: true })
    expect(await get('/healthz')).to.deep.include({ status: 200, body: { status: 'ok' } })
    expect((await get('/health/mediamtx')).body).to.deep.equal({
      status: 'healthy',
      state: 'up',
      since: '2025-06-01T11:59:10.000Z',
      timestamp: '2025-06-01T12:00:00.000Z',
      kind: 'managed',
      version: 'v1.20.1',
    })
    expect((await get('/health/cameras')).body).to.deep.equal({
      total: 2,
      connected: 1,
      states: { available: 1, unplugged: 1 },
      timestamp: '2025-06-01T12:00:00.000Z',
    })
    world.link = {
      ...world.link,
      state: 'down',
      cause: { state: 'down', since: noon - 1_000, reason: because('server_unreachable') },
    }
    expect(await get('/healthz')).to.deep.include({
      status: 503,
      body: { status: 'unavailable', message: 'the media server is down: the media server does not answer' },
    })
    const { status, body } = await get('/health/mediamtx')
    expect([status, body.status, body.message]).to.deep.equal([503, 'unhealthy', 'the media server does not answer'])
  })

  it('reveal neither paths nor serials', async () => {
    for (const path of ['/health', '/health/detailed', '/health/cameras', '/health/mediamtx']) {
      expect(JSON.stringify((await get(path)).body), path).not.to.match(/SECRET|\/dev\/|\/data\//)
    }
  })

  it('reveal nothing to pages of foreign host names (DNS rebinding)', async () => {
    await serve({ metrics: async () => ({ contentType: 'text/plain', text: 'x 1\n' }), hosts: ['cameras.example'] })
    const statusOf = (path: string, host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const asked = request({ host: '127.0.0.1', port, path, headers: { Host: host } }, (answer) =>
          resolve(answer.resume().statusCode),
        )
        asked.on('error', reject).end()
      })
    const hosts = [
      '127.0.0.1:8003',
      '[::1]:8003',
      '192.168.1.9',
      'localhost',
      hostname(),
      `${hostname()}.:80`,
      'Cameras.Example:8003',
    ]
    for (const path of ['/metrics', '/health/detailed', '/health/cameras', '/health/mediamtx']) {
      for (const host of hosts) expect(await statusOf(path, host), `${path} ${host}`).to.equal(200)
      for (const host of ['evil.example', 'localhost.evil.example:8003', 'cameras.example@evil', '1.2.3.4.evil']) {
        expect(await statusOf(path, host), `${path} ${host}`).to.equal(403)
      }
      expect(
        (await fetch(`http://127.0.0.1:${port}${path}`)).headers.get('access-control-allow-origin'),
        path,
      ).to.equal(null)
    }
    expect(await statusOf('/health', 'evil.example'), 'tells nothing').to.equal(200)
  })

  it('answer private networks only, unless addresses are configured', async () => {
    const statusFor = async (changes: Partial<HealthOptions>) => {
      await serve(changes)
      const answers = await Promise.all(
        ['/health', '/metrics', '/other'].map(async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).status),
      )
      return answers.join()
    }
    const metrics = async () => ({ contentType: 'text/plain', text: 'x 1\n' })
    expect(await statusFor({ metrics })).to.equal('200,200,404')
    expect(await statusFor({ metrics, allowedIps: ['192.0.2.0/24', '127.0.0.1'] })).to.equal('200,200,404')
    // Exactly these: this host itself is refused too.
    expect(await statusFor({ metrics, allowedIps: ['192.0.2.0/24'] })).to.equal('403,403,403')
    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).text()).to.equal('')
    expect(await statusFor({ internalOnly: false })).to.equal('200,404,404')
  })

  it('distinguish private networks from public ones', () => {
    const inside = [
      '127.0.0.1',
      '::ffff:10.1.2.3',
      '172.31.0.1',
      '192.168.0.9',
      '169.254.1.1',
      '::1',
      'fe80::1%eth0',
      'fd12::1',
    ]
    const outside = ['8.8.8.8', '172.32.0.1', '192.169.0.1', '::ffff:100.64.0.1', '2001:db8::1', undefined]
    expect(inside.map(isInternal)).to.deep.equal(inside.map(() => true))
    expect(outside.map(isInternal)).to.deep.equal(outside.map(() => false))
  })

  it('answer 405 to POST and 404 to other addresses', async () => {
    const { status, body } = await get('/health', 'POST')
    expect([status, body.error.data.reason]).to.deep.equal([405, 'method_not_allowed'])
    expect(await get('/health', 'HEAD')).to.deep.include({ status: 200, body: undefined })
    expect((await get('/health/other')).status).to.equal(404)
    expect((await get('/')).status).to.equal(404)
  })

  it('write durations as Go does', () => {
    expect([30.169, 125.5, 3_600.25, 0].map(durationText)).to.deep.equal(['30.169s', '2m5.5s', '1h0m0.25s', '0s'])
  })
})
