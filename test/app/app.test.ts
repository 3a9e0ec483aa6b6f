import { createServer } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import type { Ports } from '../../adapters/open.js'
import { type App, startApp } from '../../app.js'
import { loadConfiguration } from '../../config/load.js'
import { because } from '../../machines/domain/reason.js'
import { connect } from '../support/client.js'
import { createFakePorts, frontDoor } from '../support/fakePorts.js'
import { createGate } from '../support/gate.js'
import { freePorts } from '../support/ports.js'
import { until } from '../support/until.js'

const otherDoor = { node: '/dev/video2', port: 'usb-2', serial: 'SN2' }

describe('app', () => {
  const running: App[] = []
  afterEach(async () => {
    for (const app of running.splice(0)) await app.stop('the test is over')
  })

  async function configuration(env: Record<string, string> = {}) {
    const [rpc = 0, health = 0] = await freePorts(2)
    const { config } = loadConfiguration({
      env: {
        CAMERA_SERVICE_SERVER_PORT: String(rpc),
        CAMERA_SERVICE_HTTP_HEALTH_PORT: String(health),
        CAMERA_SERVICE_SERVER_SHUTDOWN_TIMEOUT: '2s',
        ...env,
      },
    })
    return { config, rpc, health }
  }
  const isFree = (port: number) =>
    new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
  const failureOf = (start: Promise<App>) =>
    start.then(
      (app) => {
        running.push(app)
        return 'it started'
      },
      (error: Error) => error.message,
    )

  it('starts on any ports, finds the camera and becomes ready', async () => {
    const { config, rpc, health } = await configuration()
    const { open, log, published } = createFakePorts()
    const app = await startApp({ config, log, env: {}, open })
    running.push(app)
    expect(app.ports).to.deep.equal({ rpc, health })
    expect(app.isAlive()).to.equal(true)
    await until('the camera is connected', () => app.directory.cameras()[0]?.status === 'CONNECTED')
    await until('the service is ready', () => app.directory.system().status === 'ready')
    expect(published).to.deep.equal(['camera0'])
    const page = await fetch(`http://127.0.0.1:${health}/health/ready`)
    expect(page.status).to.equal(200)
  })

  it('names a camera, and keeps the name over a restart', async () => {
    const { ports: standing } = createFakePorts()
    const gate = createGate()
    gate.callers.set('admin', { role: 'admin', user: 'ann', expiresAt: Date.now() + 3_600_000 })
    const { open, log } = createFakePorts({ credentials: { ...standing.credentials, ...gate.credentials } })
    for (const name of ['Front Door', undefined]) {
      const { config, rpc } = await configuration()
      const app = await startApp({ config, log, env: {}, open })
      running.push(app)
      await until('the camera is connected', () => app.directory.cameras()[0]?.status === 'CONNECTED')
      if (name !== undefined) {
        const client = await connect(`ws://127.0.0.1:${rpc}/ws`)
        await client.call('authenticate', { auth_token: 'admin' })
        expect(await client.call('set_camera', { device: 'camera0', name })).to.deep.equal({ device: 'camera0', name })
        client.close()
      }
      expect(app.directory.camera('camera0').name).to.equal('Front Door')
      await app.stop('restart')
    }
  })

  it('shows a path that the media server refuses, with the reason, and keeps the other cameras', async () => {
    const { config } = await configuration()
    const { ports } = createFakePorts()
    const reason = because('path_refused', 'the media server refused the request: invalid source')
    const refusing: Ports['mediaServer'] = {
      ...ports.mediaServer,
      publish(spec, report) {
        if (spec.name !== 'camera0') return ports.mediaServer.publish(spec, report)
        queueMicrotask(() => report({ type: 'path.refused', reason }))
        return () => {}
      },
    }
    const usb = { ...ports.usb, list: async () => [frontDoor, { ...frontDoor, ...otherDoor }] }
    const { open, log, lines } = createFakePorts({ mediaServer: refusing, usb })
    const app = await startApp({ config, log, env: {}, open })
    running.push(app)
    const states = () => app.directory.cameras().map(({ id, status, cause }) => [id, status, cause.reason])
    await until('one camera is faulty, the other is connected', () =>
      isDeepStrictEqual(states(), [
        ['camera0', 'ERROR', reason],
        ['camera1', 'CONNECTED', undefined],
      ]),
    )
    expect(lines.join('\n')).to.match(
      /^info the status of camera\d+ changed from \w+ to ERROR: .*invalid source.*path_refused/m,
    )
  })

  it('searches for broken recordings at its start, and those of a camera after its recording', async () => {
    const { config } = await configuration()
    const searches: unknown[] = []
    const quarantine: Ports['quarantine'] = {
      suspects: async (cameras) => {
        searches.push(cameras)
        return []
      },
      move: async () => undefined,
    }
    const { open, log } = createFakePorts({ quarantine })
    const app = await startApp({ config, log, env: {}, open })
    running.push(app)
    await until('the first search', () => searches.length === 1)
    const by = { user: 'ann', request: '1', session: '' }
    const reason = because('no_data')
    const outcome = { reason, files: [], endedAt: 0, recorded: 0, bytes: 0, format: 'fmp4', gaps: [] } as const
    app.facts.publish({ type: 'recording.failed', camera: 'camera0', by, outcome: { ...outcome, files: [], gaps: [] } })
    await until('the second search', () => searches.length === 2)
    expect(searches).to.deep.equal([undefined, ['camera0']])
  })

  it('closes its ports in reverse order when it stops', async () => {
    const { config, rpc, health } = await configuration()
    const { open, log, ended } = createFakePorts()
    const app = await startApp({ config, log, env: {}, open })
    await until('the camera is connected', () => app.directory.cameras()[0]?.status === 'CONNECTED')
    await app.stop('SIGTERM')
    expect(app.isAlive()).to.equal(false)
    expect(ended).to.deep.equal(['the path of camera0', 'the media server', 'the media server', 'the data directory'])
    expect([await isFree(rpc), await isFree(health)]).to.deep.equal([true, true])
  })

  it('stops only once', async () => {
    const { config } = await configuration()
    const { open, log, ended } = createFakePorts()
    const app = await startApp({ config, log, env: {}, open })
    await Promise.all([app.stop('SIGTERM'), app.stop('SIGINT')])
    await app.stop('SIGHUP')
    expect(ended.filter((what) => what === 'the data directory')).to.have.length(1)
  })

  it('logs no warning from start to stop', async () => {
    const { config } = await configuration()
    const { open, log, lines } = createFakePorts()
    const app = await startApp({ config, log, env: {}, open })
    await until('the service is ready', () => app.directory.system().status === 'ready')
    await app.stop('SIGTERM')
    expect(lines.filter((line) => /^(warn|error)/.test(line))).to.deep.equal([])
  })

  it('leaves nothing open if the port of the API is in use', async () => {
    const { config, rpc } = await configuration()
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(rpc, '127.0.0.1', resolve))
    const { open, log, ended } = createFakePorts()
    expect(await failureOf(startApp({ config, log, env: {}, open }))).to.contain(String(rpc))
    await new Promise((resolve) => blocker.close(resolve))
    expect(ended).to.deep.equal(['the media server', 'the data directory'])
  })

  it('leaves nothing open if the health port is in use', async () => {
    const { config, rpc, health } = await configuration()
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(health, '127.0.0.1', resolve))
    const { open, log, ended } = createFakePorts()
    expect(await failureOf(startApp({ config, log, env: {}, open }))).to.contain(String(health))
    await new Promise((resolve) => blocker.close(resolve))
    expect(await isFree(rpc)).to.equal(true)
    expect(ended).to.deep.equal(['the media server', 'the data directory'])
  })

  it('leaves nothing open if the camera registry cannot be read', async () => {
    const { config, rpc, health } = await configuration()
    const registry = {
      load: async () => {
        throw new Error('state/registry.json cannot be read (EIO)')
      },
      save: async () => {},
    }
    const { open, log, ended } = createFakePorts({ registry })
    expect(await failureOf(startApp({ config, log, env: {}, open }))).to.contain('registry.json cannot be read (EIO)')
    expect([await isFree(rpc), await isFree(health)]).to.deep.equal([true, true])
    expect(ended).to.deep.equal(['the media server', 'the data directory'])
  })

  it('leaves nothing open if the start takes too long', async () => {
    const { config, rpc, health } = await configuration()
    const registry = { load: () => new Promise<never>(() => {}), save: async () => {} }
    const { open, log, ended } = createFakePorts({ registry })
    const outcome = await failureOf(startApp({ config, log, env: {}, open, startLimit: 50 }))
    expect(outcome).to.equal('the camera registry could not be read within 0.05 s')
    expect([await isFree(rpc), await isFree(health)]).to.deep.equal([true, true])
    expect(ended).to.deep.equal(['the media server', 'the data directory'])
  })

  it('aborts a shutdown that takes too long', async () => {
    const { config } = await configuration({ CAMERA_SERVICE_SERVER_SHUTDOWN_TIMEOUT: '1s' })
    const hanging: Promise<void> = new Promise(() => {})
    const ends: Promise<void>[] = [hanging]
    const { ports } = createFakePorts()
    const serverProcess = { ...ports.serverProcess, end: () => ends.pop() ?? Promise.resolve() }
    const { open, log, ended, lines } = createFakePorts({ serverProcess })
    const app = await startApp({ config, log, env: {}, open })
    await until('the service is ready', () => app.directory.system().status === 'ready')
    await app.stop('SIGTERM')
    expect(ended.at(-1)).to.equal('the data directory')
    expect(lines.join('\n')).to.contain('the shutdown took too long')
  })
})
