import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { health } from '../../commands/health.js'
import { parseArguments } from '../../commands/line/arguments.js'
import { failure, type Outcome } from '../../commands/outcome.js'
import { loadConfiguration } from '../../config/load.js'

describe('camera-service health', () => {
  let server: Server | undefined
  afterEach(async () => {
    server?.closeAllConnections()
    await new Promise((done) => (server ? server.close(done) : done(undefined)))
    server = undefined
  })

  /** Answers at the health port; resolves with the port. */
  async function serviceThat(answers: RequestListener): Promise<number> {
    const started = createServer(answers)
    server = started
    await new Promise<void>((done) => started.listen(0, '127.0.0.1', done))
    return (started.address() as AddressInfo).port
  }
  const saying =
    (status: number, body: unknown): RequestListener =>
    ({ url }, response) =>
      response.writeHead(status).end(JSON.stringify({ url, ...(typeof body === 'object' ? body : { body }) }))
  const ask = (port: number, { live = false, json = false } = {}, env: Record<string, string> = {}, limit = 30_000) =>
    health(
      loadConfiguration({ env: { CAMERA_SERVICE_HTTP_HEALTH_PORT: String(port), ...env } }).config,
      { live, json },
      limit,
    ).catch((error: unknown): Outcome => failure(error))

  it('says whether the service is ready, in one line', async () => {
    const good = await serviceThat(saying(200, { ready: true, message: 'System is ready' }))
    expect(await ask(good)).to.deep.equal({ status: 0, out: 'the service is ready' })
  })

  it('says why the service is not ready', async () => {
    const port = await serviceThat(saying(503, { ready: false, message: 'the media server is down: it was killed' }))
    expect(await ask(port)).to.deep.equal({
      status: 1,
      out: 'the service is not ready: the media server is down: it was killed',
    })
  })

  it('asks the page of liveness with --live, and prints its JSON with --json', async () => {
    const port = await serviceThat(saying(200, { alive: true }))
    expect(await ask(port, { live: true })).to.deep.equal({ status: 0, out: 'the service is alive' })
    expect(await ask(port, { live: true, json: true })).to.deep.equal({
      status: 0,
      out: '{"url":"/health/live","alive":true}',
    })
  })

  it('ends with 69 if nobody answers, in time or at all, or another program', async () => {
    const silent = await serviceThat(() => {})
    expect(await ask(silent, {}, {}, 50)).to.deep.equal({
      status: 69,
      err:
        `camera-service: the service does not answer at http://127.0.0.1:${silent}/health/ready: ` +
        '127.0.0.1 did not answer in time; check the address, and that no firewall drops the connection',
    })
    server?.closeAllConnections()
    await new Promise((done) => server?.close(done))
    expect(await ask(silent)).to.deep.equal({
      status: 69,
      err:
        `camera-service: the service does not answer at http://127.0.0.1:${silent}/health/ready: ` +
        `the connection was refused, because no program listens on port ${silent}; ` +
        'start the service (systemctl start camera-service), or correct the address',
    })
    const other = await serviceThat((_, response) => response.end('<html>'))
    expect((await ask(other)).status).to.equal(69)
    expect((await ask(other)).err).to.contain('another program answers')
  })

  it('says what is wrong with the configuration of the port', async () => {
    const refusing = await serviceThat((_, response) => response.writeHead(403).end())
    expect(await ask(refusing)).to.deep.equal({
      status: 1,
      err: 'camera-service: the service answers, but not to this host: add it to http_health.allowed_ips',
    })
    expect(await ask(refusing, {}, { CAMERA_SERVICE_HTTP_HEALTH_ENABLED: 'false' })).to.deep.equal({
      status: 78,
      err: 'http_health.enabled is false: there is no health port to ask',
    })
    expect((await ask(0)).status).to.equal(78)
  })

  it('asks this host for a service that listens at all addresses', async () => {
    const port = await serviceThat(saying(200, { ready: true }))
    expect((await ask(port, {}, { CAMERA_SERVICE_HTTP_HEALTH_HOST: '0.0.0.0' })).status).to.equal(0)
  })

  it('is understood with the options that the image and the manifest use', () => {
    expect(parseArguments(['health'])).to.deep.equal({ name: 'health', live: false, json: false, flags: {} })
    expect(parseArguments(['health', '--live'])).to.deep.include({ live: true })
  })
})
