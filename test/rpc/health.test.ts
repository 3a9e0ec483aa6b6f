import { expect } from 'chai'
import { createHealthServer, durationText } from '../../rpc/http/health.js'
import { createWorld, noon, type World } from './fakes.js'

describe('the health endpoints', () => {
  let world: World
  let port: number
  let stop: () => Promise<void>

  beforeEach(async () => {
    world = createWorld()
    const { directory, clock, log, about } = world.options()
    const server = createHealthServer({ host: '127.0.0.1', port: 0, directory, clock, log, about })
    ;({ port } = await server.start())
    stop = server.stop
  })
  afterEach(() => stop())

  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }

  it('tell that all is well', async () => {
    const basic = await get('/health')
    expect(basic.status).to.equal(200)
    expect(basic.body).to.deep.equal({ status: 'healthy', timestamp: '2025-06-01T12:00:00.000Z', version: '0.1.0', uptime: '1m0s' })
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
    expect(body.metrics).to.deep.equal({ uptime_seconds: 60, component_count: 4, components_healthy: 4, components_degraded: 0, components_unhealthy: 0 })
    expect(body.cameras).to.deep.equal({ total: 2, connected: 1 })
  })

  it('tell that the media server is gone, and since when', async () => {
    world.link = { state: 'down', cause: { state: 'down', since: noon - 1_000, reason: 'connection refused' } }
    expect(await get('/health')).to.deep.include({ status: 503 })
    expect((await get('/health/ready')).body).to.deep.include({ ready: false, message: 'the media server is down: connection refused' })
    expect(await get('/health/live')).to.deep.include({ status: 200 })
    const { status, body } = await get('/health/detailed')
    expect([status, body.status]).to.deep.equal([200, 'unhealthy'])
    expect(body.components[2]).to.deep.equal({
      name: 'mediamtx',
      status: 'unhealthy',
      state: 'down',
      since: '2025-06-01T11:59:59.000Z',
      message: 'connection refused',
    })
  })

  it('are not ready while the service starts', async () => {
    world.system = { ...world.system, status: 'starting', message: 'looking for cameras' }
    const { status, body } = await get('/health/ready')
    expect([status, body.ready, body.message]).to.deep.equal([503, false, 'looking for cameras'])
    expect((await get('/health')).body.status).to.equal('degraded')
  })

  it('tell of a full disk without being down', async () => {
    world.storage = { ...world.storage, state: 'critical', cause: { state: 'critical', since: noon, reason: '95 % used' } }
    const { status, body } = await get('/health')
    expect([status, body.status]).to.deep.equal([200, 'degraded'])
  })

  it('are read only, and nothing else is there', async () => {
    expect((await get('/health', 'POST')).status).to.equal(405)
    expect(await get('/health', 'HEAD')).to.deep.include({ status: 200, body: undefined })
    expect((await get('/health/other')).status).to.equal(404)
    expect((await get('/')).status).to.equal(404)
  })

  it('count time as Go does', () => {
    expect([30.169, 125.5, 3_600.25, 0].map(durationText)).to.deep.equal(['30.169s', '2m5.5s', '1h0m0.25s', '0s'])
  })
})
