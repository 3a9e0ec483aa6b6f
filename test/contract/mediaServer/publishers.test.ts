import { createServer } from 'node:http'
import { expect } from 'chai'
import { freePort } from '../../support/ports.js'
import { camera, connect, hold, killPublisher, leave, pathOf, readFrames, transport, until } from './client.js'
import { none, publish } from './publish.js'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'

describeMediaServers('media server, publishers and sources', (kind) => {
  let server: RunningMediaServer
  let dir: string
  const demand = { runOnDemand: camera, runOnDemandStartTimeout: '20s', runOnDemandCloseAfter: '1s' }
  before(async () => {
    dir = await temporaryFolder()
    server = await startMediaServer({
      kind,
      dir,
      paths: {
        cam: { ...demand, runOnDemandCloseAfter: '60s' },
        sturdy: { ...demand, runOnDemandRestart: true, runOnDemandCloseAfter: '10s' },
        plain: {},
        single: { overridePublisher: false },
      },
    })
  })
  after(async () => {
    await server?.stop()
    await removeFolder(dir)
  })
  const api: RunningMediaServer['api'] = (...call) => server.api(...call)

  it('refuses a publisher whose path has changed since ANNOUNCE', async () => {
    expect(await publish(server, 'plain', none)).to.equal(200)
    expect(await publish(server, 'plain', () => api('POST', 'config/paths/replace/plain', {}))).to.equal(200)
    const change = async () => {
      await api('PATCH', 'config/paths/patch/plain', { record: true })
      await until(
        'the change is applied',
        async () => ((await api('GET', 'config/paths/get/plain')).body as { record: boolean }).record,
      )
    }
    expect(await publish(server, 'plain', change)).to.equal(400)
  })

  it('pulls from another server on demand, and answers 400 after the time-out when there is none', async () => {
    const other = await temporaryFolder()
    const puller = await startMediaServer({
      kind,
      dir: other,
      paths: {
        remote: { source: `${server.url('cam')}`, sourceOnDemand: true, sourceOnDemandCloseAfter: '1s' },
        dead: {
          source: `rtsp://127.0.0.1:${await freePort()}/x`,
          sourceOnDemand: true,
          sourceOnDemandStartTimeout: '1s',
        },
      },
    })
    try {
      expect(await pathOf(puller, 'remote')).to.deep.include({
        available: false,
        source: { type: 'rtspSource', id: '' },
      })
      const dead = hold(puller, 'dead')
      await readFrames(puller.url('remote'), 10)
      expect(await pathOf(puller, 'remote')).to.deep.include({ tracks: ['H264'] })
      expect((await dead).answer.status).to.equal(400)
      leave(await dead)
      await until('the end of the stream', async () => !(await pathOf(puller, 'remote')).available)
      const again = await hold(puller, 'remote')
      expect(again.answer.status).to.equal(200)
      await killPublisher(server, 'cam')
      await again.end()
    } finally {
      await puller.stop()
      await removeFolder(other)
    }
  })

  it('closes a publisher that sends nothing for the read time-out', async () => {
    const other = await temporaryFolder()
    const strict = await startMediaServer({ kind, dir: other, paths: { plain: {} }, global: { readTimeout: '1s' } })
    try {
      const from = Date.now()
      const status = await publish(strict, 'plain', none, async () => {
        const holder = await hold(strict, 'plain')
        expect(holder.answer.status).to.equal(200)
        await holder.end()
      })
      expect(status).to.equal(200)
      // The default is 10 s.
      expect(Date.now() - from).to.be.within(900, 9_000)
      expect(await pathOf(strict, 'plain')).to.deep.include({ available: false, source: null })
    } finally {
      await strict.stop()
      await removeFolder(other)
    }
  })

  it('ends a publisher that is kicked', async () => {
    const kick = async () => {
      const { source } = await pathOf(server, 'plain')
      expect((await api('POST', `rtspsessions/kick/${source?.id}`)).body).to.deep.equal({ status: 'ok' })
      await until('the end of the stream', async () => !(await pathOf(server, 'plain')).available)
    }
    expect(await publish(server, 'plain', none, kick)).to.equal(200)
  })

  it('lets a second publisher replace the first by default, and refuses it with overridePublisher false', async () => {
    const publisher = async (name: string) => (await pathOf(server, name)).source?.id
    const second = async (name: string) => {
      let outcome: unknown
      const first = await publish(server, name, none, async () => {
        const before = await publisher(name)
        const status = await publish(server, name, none, async () => {
          outcome = { isSame: before !== undefined && (await publisher(name)) === before }
        })
        outcome = { ...(outcome as object), status }
      })
      return { first, ...(outcome as object) }
    }
    expect(await second('plain')).to.deep.equal({ first: 200, isSame: false, status: 200 })
    expect(await second('single')).to.deep.equal({ first: 200, isSame: true, status: 400 })
    await until('the end of the first publisher', async () => !(await pathOf(server, 'single')).available)
    expect(await publish(server, 'single', none), 'after the end of the first').to.equal(200)
  })

  it('starts the command again 5 s after its end, for a reader that waits', async () => {
    const holder = await hold(server, 'sturdy')
    await killPublisher(server, 'sturdy')
    await holder.end()
    const from = Date.now()
    const again = await hold(server, 'sturdy')
    expect(again.answer.status).to.equal(200)
    expect(Date.now() - from).to.be.at.least(4_500)
    leave(again)
  })

  it('calls the authentication callback once for each DESCRIBE and SETUP', async () => {
    const calls: Record<string, unknown>[] = []
    const callback = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk) => {
        text += chunk
      })
      request.on('end', () => {
        const body = JSON.parse(text) as Record<string, unknown>
        calls.push(body)
        response.writeHead(body.query === 'key=right' || body.action === 'publish' ? 204 : 401).end()
      })
    })
    await new Promise<void>((resolve) => callback.listen(0, '127.0.0.1', resolve))
    const address = callback.address()
    const port = address && typeof address === 'object' ? address.port : 0
    const other = await temporaryFolder()
    const guarded = await startMediaServer({
      kind,
      dir: other,
      paths: { cam: demand },
      global: {
        authMethod: 'http',
        authHTTPAddress: `http://127.0.0.1:${port}/`,
        authHTTPExclude: [{ action: 'api' }],
      },
    })
    try {
      const client = connect(guarded)
      const url = `${guarded.url('cam')}`
      const refusal = await client.request({ method: 'DESCRIBE', url: `${url}?key=wrong` })
      expect([refusal.status, refusal.headers['www-authenticate']]).to.deep.equal([401, 'Basic realm="ipcam"'])
      expect((await client.request({ method: 'DESCRIBE', url: `${url}?key=right` })).status).to.equal(200)
      const setup = await client.request({
        method: 'SETUP',
        url: `${url}?key=right/trackID=0`,
        headers: { transport, 'user-agent': 'probe' },
      })
      expect(setup.status).to.equal(200)
      const plain = { ip: '127.0.0.1', user: '', password: '', token: '', path: 'cam', protocol: 'rtsp' }
      const { readers } = await pathOf(guarded, 'cam')
      expect(calls.map(({ id, ...rest }) => ({ ...rest, id: typeof id }))).to.deep.equal([
        { ...plain, action: 'read', query: 'key=wrong', userAgent: '', id: 'string' },
        { ...plain, action: 'read', query: 'key=right', userAgent: '', id: 'string' },
        { ...plain, action: 'publish', query: '', userAgent: calls[2]?.userAgent, id: 'string' },
        { ...plain, action: 'read', query: 'key=right', userAgent: 'probe', id: 'string' },
      ])
      expect(calls[3]?.id).to.equal(readers[0]?.id)
      leave(client)
    } finally {
      await guarded.stop()
      callback.close()
      callback.closeAllConnections()
      await removeFolder(other)
    }
  })
})
