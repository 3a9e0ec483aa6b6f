import { createServer } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { expect } from 'chai'
import { freePort } from '../../support/ports.js'
import { camera, connect, ffmpeg, hold, leave, pathOf, transport, until } from './client.js'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'

describeMediaServers('media server, streams', (kind) => {
  let server: RunningMediaServer
  let dir: string
  const demand = { runOnDemand: camera, runOnDemandStartTimeout: '10s', runOnDemandCloseAfter: '1s' }
  before(async () => {
    dir = await temporaryFolder()
    server = await startMediaServer({
      kind,
      dir,
      paths: {
        cam: demand,
        brief: demand,
        doomed: demand,
        twin: demand,
        leaky: demand,
        sturdy: { ...demand, runOnDemandRestart: true, runOnDemandCloseAfter: '10s' },
        frail: { ...demand, runOnDemandCloseAfter: '2s' },
        shy: { ...demand, maxReaders: 1 },
        mute: { runOnDemand: 'sleep 60', runOnDemandStartTimeout: '1s', runOnDemandCloseAfter: '1s' },
        broken: { runOnDemand: 'false', runOnDemandStartTimeout: '1s' },
        plain: {},
      },
    })
  })
  after(async () => {
    await server?.stop()
    await removeFolder(dir)
  })
  const api: RunningMediaServer['api'] = (...call) => server.api(...call)
  const gone = async (name: string) => until(`${name} asleep`, async () => !(await pathOf(server, name)).available)

  it('starts a stream for a SETUP, answers when it is live, and gives no media before PLAY', async () => {
    const holder = await hold(server, 'cam')
    expect(holder.answer.status).to.equal(200)
    expect(holder.answer.headers.session).to.match(/^[0-9a-f]{32};timeout=55$/)
    expect(holder.answer.headers.transport).to.match(/^RTP\/AVP\/TCP;unicast;interleaved=0-1/)
    const path = await pathOf(server, 'cam')
    expect(path).to.deep.include({ available: true, tracks: ['H264'], outboundBytes: 0 })
    expect(path.source?.type).to.equal('rtspSession')
    expect(path.readers.map(({ type }) => type)).to.deep.equal(['rtspSession'])
    expect((path as unknown as { tracks2: unknown }).tracks2).to.deep.equal([
      { codec: 'H264', codecProps: { width: 320, height: 240, profile: 'Baseline', level: '1.2' } },
    ])
    const sessions = (await api('GET', 'rtspsessions/list')).body as { items: Record<string, unknown>[] }
    const mine = sessions.items.find(({ id }) => id === path.readers[0]?.id)
    expect(mine).to.deep.include({
      state: 'idle',
      path: 'cam',
      query: '',
      transport: 'TCP',
      profile: 'AVP',
      outboundBytes: 0,
    })
    expect(sessions.items.find(({ id }) => id === path.source?.id)).to.deep.include({ state: 'publish', path: 'cam' })
    await until('media arrive', async () => (await pathOf(server, 'cam')).inboundBytes > 20_000)
    expect(holder.media()).to.equal(0)
    expect((await holder.request({ method: 'OPTIONS', url: server.url('cam') })).status).to.equal(200)
    leave(holder)
  })

  it('gives media after PLAY, to several readers, until PAUSE', async () => {
    const reader = connect(server)
    const url = server.url('cam')
    const described = await reader.request({ method: 'DESCRIBE', url, headers: { accept: 'application/sdp' } })
    expect(described.status).to.equal(200)
    expect(described.headers['content-base']).to.equal(`${url}/`)
    expect(described.body.toString()).to.match(
      /m=video 0 RTP\/AVP 96\r\na=control:trackID=0\r\na=rtpmap:96 H264\/90000\r\n/,
    )
    expect(described.body.toString()).to.contain('sprop-parameter-sets=')
    const setup = await reader.request({ method: 'SETUP', url: `${url}/trackID=0`, headers: { transport } })
    const session = setup.headers.session?.split(';')[0] ?? ''
    const second = await hold(server, 'cam')
    expect(second.answer.status).to.equal(200)
    expect((await pathOf(server, 'cam')).readers).to.have.length(2)
    expect((await reader.request({ method: 'PLAY', url: `${url}/`, headers: { session } })).status).to.equal(200)
    await until('media', () => reader.media() > 10_000)
    expect((await pathOf(server, 'cam')).outboundBytes).to.be.greaterThan(10_000)
    expect(second.media()).to.equal(0)
    expect((await reader.request({ method: 'GET_PARAMETER', url, headers: { session } })).status).to.equal(200)
    expect((await reader.request({ method: 'PAUSE', url, headers: { session } })).status).to.equal(200)
    await reader.request({ method: 'TEARDOWN', url, headers: { session } }).catch(() => undefined)
    await until('one reader less', async () => (await pathOf(server, 'cam')).readers.length === 1)
    leave(second)
    leave(reader)
  })

  it('plays to ffmpeg over TCP', async () => {
    const { done } = ffmpeg('-rtsp_transport', 'tcp', '-i', server.url('cam'), '-frames:v', '10', '-f', 'null', '-')
    const { code, said } = await done
    expect(said).to.match(/frame= +10/)
    expect(code).to.equal(0)
  })

  it('stops the command once the last reader is gone for long enough', async () => {
    const holder = await hold(server, 'brief')
    const { availableTime } = await pathOf(server, 'brief')
    leave(holder)
    await until('no reader', async () => (await pathOf(server, 'brief')).readers.length === 0)
    const again = await hold(server, 'brief')
    expect((await pathOf(server, 'brief')).availableTime).to.equal(availableTime)
    leave(again)
    await gone('brief')
    expect(await pathOf(server, 'brief')).to.deep.include({ source: null, readers: [], tracks: [] })
  })

  it('starts for a DESCRIBE too, but is not held by it', async () => {
    const asker = connect(server)
    expect((await asker.request({ method: 'DESCRIBE', url: server.url('brief') })).status).to.equal(200)
    expect(await pathOf(server, 'brief')).to.deep.include({ available: true, readers: [] })
    await gone('brief')
    leave(asker)
  })

  for (const name of ['mute', 'broken'])
    it(`answers 400 after the start time-out when the command gives nothing (${name})`, async () => {
      const from = Date.now()
      const holders = await Promise.all([hold(server, name), hold(server, name)])
      expect(holders.map(({ answer }) => answer.status)).to.deep.equal([400, 400])
      expect(Date.now() - from).to.be.within(900, 2500)
      await Promise.all(holders.map(({ closed }) => closed))
    })

  it('refuses paths that it does not know, tracks that are not there, and UDP', async () => {
    const ask = async (name: string, more: Record<string, string> = { transport }) => {
      const client = connect(server)
      const answer = await client.request({ method: 'SETUP', url: server.url(name), headers: more })
      const end = await Promise.race([client.closed, new Promise((resolve) => setTimeout(() => resolve('open'), 150))])
      leave(client)
      return [answer.status, end === 'open' ? 'open' : 'closed']
    }
    expect(await ask('nope/trackID=0')).to.deep.equal([400, 'closed'])
    expect(await ask('plain/trackID=0')).to.deep.equal([404, 'closed'])
    expect(await ask('cam')).to.deep.equal([400, 'closed'])
    // A path of its own: MediaMTX never forgets this reader.
    expect(await ask('leaky/trackID=7')).to.deep.equal([400, 'closed'])
    expect(await ask('cam/trackID=0', { transport: 'RTP/AVP;unicast;client_port=9000-9001' })).to.deep.equal([
      461,
      'open',
    ])
  })

  it('keeps to the number of readers', async () => {
    const first = await hold(server, 'shy')
    const second = await hold(server, 'shy')
    expect([first.answer.status, second.answer.status]).to.deep.equal([200, 400])
    leave(first)
    leave(second)
  })

  it('closes readers at once when the publisher dies, and starts it again for the next demand', async () => {
    const holder = await hold(server, 'frail')
    const { source } = await pathOf(server, 'frail')
    expect((await api('POST', `rtspsessions/kick/${source?.id}`)).body).to.deep.equal({ status: 'ok' })
    await holder.closed
    await gone('frail')
    // Until the close timer fires a new reader is held and nothing is started; after it the next one starts a new cycle for both.
    const held = hold(server, 'frail')
    let answered = false
    void held.then(() => {
      answered = true
    })
    await until('the command is given up', () => /path frail\].*not needed by anyone/.test(server.log()))
    expect(answered).to.equal(false)
    const next = await hold(server, 'frail')
    expect([(await held).answer.status, next.answer.status]).to.deep.equal([200, 200])
    leave(next)
    leave(await held)
  })

  it('kicks a reader, and no other', async () => {
    const first = await hold(server, 'cam')
    const { readers } = await pathOf(server, 'cam')
    const second = await hold(server, 'cam')
    expect((await api('POST', `rtspsessions/kick/${readers[0]?.id}`)).status).to.equal(200)
    await first.closed
    expect((await second.request({ method: 'OPTIONS', url: server.url('cam') })).status).to.equal(200)
    await until('one reader', async () => (await pathOf(server, 'cam')).readers.length === 1)
    expect((await api('POST', `rtspsessions/kick/${readers[0]?.id}`)).body).to.deep.equal({
      status: 'error',
      error: 'session not found',
    })
    leave(second)
  })

  it('closes the readers of a path that is deleted', async () => {
    const holder = await hold(server, 'doomed')
    expect((await api('DELETE', 'config/paths/delete/doomed')).status).to.equal(200)
    await holder.closed
    await until('no path', async () => (await api('GET', 'paths/get/doomed')).status === 404)
    const late = await hold(server, 'doomed')
    expect(late.answer.status).to.equal(400)
    leave(late)
  })

  it('keeps a stream and its readers when its path is replaced by the same, or in hot fields, and makes it anew otherwise', async () => {
    const body = (await api('GET', 'config/paths/get/twin')).body as Record<string, unknown>
    const holder = await hold(server, 'twin')
    const { availableTime, readers } = await pathOf(server, 'twin')
    for (const more of [{}, { record: true }, { recordDeleteAfter: '3d' }, { record: false }]) {
      expect((await api('POST', 'config/paths/replace/twin', { ...demand, ...more })).status).to.equal(200)
      await until('applied', async () => {
        const { recordDeleteAfter } = (await api('GET', 'config/paths/get/twin')).body as Record<string, unknown>
        return recordDeleteAfter === ('recordDeleteAfter' in more ? '3d' : body.recordDeleteAfter)
      })
    }
    expect(await pathOf(server, 'twin')).to.deep.include({ availableTime, readers })
    expect(
      (await api('POST', 'config/paths/replace/twin', { ...demand, runOnDemand: `${camera} -y` })).status,
    ).to.equal(200)
    await holder.closed
    await until('made anew', async () => (await api('GET', 'paths/get/twin')).status === 200)
    expect(await pathOf(server, 'twin')).to.deep.include({ available: false, readers: [] })
  })

  it('refuses a publisher whose path has changed since it announced itself', async () => {
    expect(await publish(server, 'plain', async () => undefined)).to.equal(200)
    expect(await publish(server, 'plain', () => api('POST', 'config/paths/replace/plain', {}))).to.equal(200)
    const change = async () => {
      await api('PATCH', 'config/paths/patch/plain', { record: true })
      await until(
        'applied',
        async () => ((await api('GET', 'config/paths/get/plain')).body as { record: boolean }).record,
      )
    }
    expect(await publish(server, 'plain', change)).to.equal(400)
  })

  it('pulls another server on demand, and waits out the time-out for one that is not there', async () => {
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
      const { code, said } = await ffmpeg(
        '-rtsp_transport',
        'tcp',
        '-i',
        puller.url('remote'),
        '-frames:v',
        '10',
        '-f',
        'null',
        '-',
      ).done
      expect([code, /frame= +10/.test(said)]).to.deep.equal([0, true])
      expect(await pathOf(puller, 'remote')).to.deep.include({ tracks: ['H264'] })
      expect((await dead).answer.status).to.equal(400)
      leave(await dead)
      await until('let go', async () => !(await pathOf(puller, 'remote')).available)
      const again = await hold(puller, 'remote')
      expect(again.answer.status).to.equal(200)
      const { source } = await pathOf(server, 'cam')
      await server.api('POST', `rtspsessions/kick/${source?.id}`)
      await again.closed
    } finally {
      await puller.stop()
      await removeFolder(other)
    }
  })

  it('gives up a publisher that says nothing', async () => {
    const other = await temporaryFolder()
    const strict = await startMediaServer({ kind, dir: other, paths: { plain: {} }, global: { readTimeout: '1s' } })
    try {
      const from = Date.now()
      const status = await publish(
        strict,
        'plain',
        async () => undefined,
        async () => {
          const holder = await hold(strict, 'plain')
          expect(holder.answer.status).to.equal(200)
          await holder.closed
        },
      )
      expect(status).to.equal(200)
      expect(Date.now() - from).to.be.within(900, 2500)
      expect(await pathOf(strict, 'plain')).to.deep.include({ available: false, source: null })
    } finally {
      await strict.stop()
      await removeFolder(other)
    }
  })

  it('starts the command again 5 s after it ended, for a reader that is held meanwhile', async () => {
    const holder = await hold(server, 'sturdy')
    const { source } = await pathOf(server, 'sturdy')
    await api('POST', `rtspsessions/kick/${source?.id}`)
    await holder.closed
    const from = Date.now()
    const again = await hold(server, 'sturdy')
    expect(again.answer.status).to.equal(200)
    expect(Date.now() - from).to.be.within(4500, 7000)
    leave(again)
  })

  it('asks a callback, once for each DESCRIBE and SETUP', async () => {
    const asked: Record<string, unknown>[] = []
    const callback = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk) => {
        text += chunk
      })
      request.on('end', () => {
        const body = JSON.parse(text) as Record<string, unknown>
        asked.push(body)
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
      expect(asked.map(({ id, ...rest }) => ({ ...rest, id: typeof id }))).to.deep.equal([
        { ...plain, action: 'read', query: 'key=wrong', userAgent: '', id: 'string' },
        { ...plain, action: 'read', query: 'key=right', userAgent: '', id: 'string' },
        { ...plain, action: 'publish', query: '', userAgent: asked[2]?.userAgent, id: 'string' },
        { ...plain, action: 'read', query: 'key=right', userAgent: 'probe', id: 'string' },
      ])
      expect(asked[3]?.id).to.equal(readers[0]?.id)
      leave(client)
    } finally {
      await guarded.stop()
      callback.close()
      callback.closeAllConnections()
      await removeFolder(other)
    }
  })
})

const sdp =
  'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:streamid=0\r\n'

/** Announces itself, does something, and records without ever sending media; resolves with the status of RECORD. */
async function publish(
  server: RunningMediaServer,
  name: string,
  between: () => Promise<unknown>,
  after: () => Promise<unknown> = async () => undefined,
): Promise<number> {
  const url = server.url(name)
  const client = rawClient(server.rtspPort)
  await client.ask(
    `ANNOUNCE ${url} RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`,
  )
  const setup = await client.ask(
    `SETUP ${url}/streamid=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: ${transport};mode=record\r\n\r\n`,
  )
  const session = /Session: (\w+)/.exec(setup)?.[1]
  await between()
  const record = await client.ask(`RECORD ${url} RTSP/1.0\r\nCSeq: 3\r\nSession: ${session}\r\n\r\n`)
  await after()
  client.close()
  return Number(/^RTSP\/1.0 (\d+)/.exec(record)?.[1])
}

/** Sends text, gets text: for what a reader never says. */
function rawClient(port: number): { ask(text: string): Promise<string>; close(): void } {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {})
  return {
    ask: (text) =>
      new Promise((resolve) => {
        socket.once('data', (answer) => resolve(answer.toString('latin1')))
        socket.once('close', () => resolve(''))
        socket.write(text)
      }),
    close: () => socket.destroy(),
  }
}
