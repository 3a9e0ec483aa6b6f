import { expect } from 'chai'
import { camera, connect, hold, killPublisher, leave, pathOf, readFrames, transport, until } from './client.js'
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
  const demand = { runOnDemand: camera, runOnDemandStartTimeout: '20s', runOnDemandCloseAfter: '1s' }
  before(async () => {
    dir = await temporaryFolder()
    server = await startMediaServer({
      kind,
      dir,
      paths: {
        cam: { ...demand, runOnDemandCloseAfter: '60s' },
        brief: { ...demand, runOnDemandCloseAfter: '2s' },
        doomed: demand,
        twin: demand,
        leaky: demand,
        frail: { ...demand, runOnDemandCloseAfter: '4s' },
        shy: { ...demand, maxReaders: 1 },
        mute: { runOnDemand: 'sleep 60', runOnDemandStartTimeout: '1s', runOnDemandCloseAfter: '1s' },
        broken: { runOnDemand: 'false', runOnDemandStartTimeout: '1s' },
        plain: {},
        '~^site/(.+)$': demand,
      },
    })
  })
  after(async () => {
    await server?.stop()
    await removeFolder(dir)
  })
  const api: RunningMediaServer['api'] = (...call) => server.api(...call)
  const gone = async (name: string) =>
    until(`the end of the stream of ${name}`, async () => !(await pathOf(server, name)).available)
  const readersOf = async (name: string, count: number) =>
    until(`${count} readers of ${name}`, async () => {
      const { readers } = await pathOf(server, name)
      return readers.length === count && readers
    })

  it('starts a stream for SETUP, answers when it is available, and sends no media before PLAY', async () => {
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
    const own = sessions.items.find(({ id }) => id === path.readers[0]?.id)
    expect(own).to.deep.include({
      state: 'idle',
      path: 'cam',
      query: '',
      transport: 'TCP',
      profile: 'AVP',
      outboundBytes: 0,
    })
    expect(sessions.items.find(({ id }) => id === path.source?.id)).to.deep.include({ state: 'publish', path: 'cam' })
    await until('media arrives', async () => (await pathOf(server, 'cam')).inboundBytes > 20_000)
    expect(holder.media()).to.equal(0)
    expect((await holder.request({ method: 'OPTIONS', url: server.url('cam') })).status).to.equal(200)
    leave(holder)
    await readersOf('cam', 0)
  })

  it('sends media to a reader only after PLAY', async () => {
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
    await readersOf('cam', 2)
    expect((await reader.request({ method: 'PLAY', url: `${url}/`, headers: { session } })).status).to.equal(200)
    await until('media', () => reader.media() > 10_000)
    expect((await pathOf(server, 'cam')).outboundBytes).to.be.greaterThan(10_000)
    expect(second.media()).to.equal(0)
    expect((await reader.request({ method: 'GET_PARAMETER', url, headers: { session } })).status).to.equal(200)
    expect((await reader.request({ method: 'PAUSE', url, headers: { session } })).status).to.equal(200)
    await reader.request({ method: 'TEARDOWN', url, headers: { session } }).catch(() => undefined)
    await readersOf('cam', 1)
    leave(second)
    leave(reader)
  })

  it('plays to ffmpeg over TCP', async () => {
    await readFrames(server.url('cam'), 10)
  })

  it('stops the command when there was no reader for the close time', async () => {
    const holder = await hold(server, 'brief')
    const { availableTime } = await pathOf(server, 'brief')
    leave(holder)
    await readersOf('brief', 0)
    const again = await hold(server, 'brief')
    expect((await pathOf(server, 'brief')).availableTime).to.equal(availableTime)
    leave(again)
    await gone('brief')
    expect(await pathOf(server, 'brief')).to.deep.include({ source: null, readers: [], tracks: [] })
  })

  it('starts a stream for DESCRIBE, and stops it again without a reader', async () => {
    const client = connect(server)
    expect((await client.request({ method: 'DESCRIBE', url: server.url('brief') })).status).to.equal(200)
    expect(await pathOf(server, 'brief')).to.deep.include({ available: true, readers: [] })
    await gone('brief')
    leave(client)
  })

  for (const name of ['mute', 'broken'])
    it(`answers 400 after the start time-out when the command publishes nothing (${name})`, async () => {
      const from = Date.now()
      const holders = await Promise.all([hold(server, name), hold(server, name)])
      expect(holders.map(({ answer }) => answer.status)).to.deep.equal([400, 400])
      // The default is 10 s.
      expect(Date.now() - from).to.be.within(900, 9_000)
      await Promise.all(holders.map(({ end }) => end()))
    })

  it('refuses unknown paths, unknown tracks and UDP', async () => {
    /** Returns the status, and whether the connection takes another request. */
    const setUp = async (name: string, headers: Record<string, string> = { transport }) => {
      const client = connect(server)
      const { status } = await client.request({ method: 'SETUP', url: server.url(name), headers })
      const isOpen = await client.request({ method: 'OPTIONS', url: server.url(name) }).then(
        () => true,
        () => false,
      )
      leave(client)
      return { status, isOpen }
    }
    expect(await setUp('nope/trackID=0')).to.deep.equal({ status: 400, isOpen: false })
    expect(await setUp('plain/trackID=0')).to.deep.equal({ status: 404, isOpen: false })
    expect(await setUp('cam')).to.deep.equal({ status: 400, isOpen: false })
    // A path of its own, because MediaMTX never removes this reader.
    expect(await setUp('leaky/trackID=7')).to.deep.equal({ status: 400, isOpen: false })
    const udp = { transport: 'RTP/AVP;unicast;client_port=9000-9001' }
    expect(await setUp('cam/trackID=0', udp)).to.deep.equal({ status: 461, isOpen: true })
  })

  it('refuses more readers than maxReaders', async () => {
    const first = await hold(server, 'shy')
    const second = await hold(server, 'shy')
    expect([first.answer.status, second.answer.status]).to.deep.equal([200, 400])
    leave(first)
    leave(second)
  })

  it('closes readers when the publisher is lost, and starts it again for the next request', async () => {
    const holder = await hold(server, 'frail')
    await killPublisher(server, 'frail')
    await holder.end()
    await gone('frail')
    // Until the close timer fires, a new reader is held and starts nothing. After that, the next reader starts the
    // command for both.
    const held = hold(server, 'frail')
    let answered = false
    void held.then(() => {
      answered = true
    })
    await until('the close timer fires', () => /path frail\].*not needed by anyone/.test(server.log()))
    expect(answered).to.equal(false)
    const next = await hold(server, 'frail')
    expect([(await held).answer.status, next.answer.status]).to.deep.equal([200, 200])
    leave(next)
    leave(await held)
  })

  it('kicks only the given reader', async () => {
    await readersOf('cam', 0)
    const first = await hold(server, 'cam')
    const readers = await readersOf('cam', 1)
    const second = await hold(server, 'cam')
    expect((await api('POST', `rtspsessions/kick/${readers[0]?.id}`)).status).to.equal(200)
    await first.end()
    expect((await second.request({ method: 'OPTIONS', url: server.url('cam') })).status).to.equal(200)
    await readersOf('cam', 1)
    expect((await api('POST', `rtspsessions/kick/${readers[0]?.id}`)).body).to.deep.equal({
      status: 'error',
      error: 'session not found',
    })
    leave(second)
  })

  it('closes the readers of a deleted path', async () => {
    const holder = await hold(server, 'doomed')
    expect((await api('DELETE', 'config/paths/delete/doomed')).status).to.equal(200)
    await holder.end()
    await until('no path', async () => (await api('GET', 'paths/get/doomed')).status === 404)
    const late = await hold(server, 'doomed')
    expect(late.answer.status).to.equal(400)
    leave(late)
  })

  it('keeps stream and readers when only hot fields change, and makes the path anew for other fields', async () => {
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
    await holder.end()
    await until('the path is made anew', async () => (await api('GET', 'paths/get/twin')).status === 200)
    expect(await pathOf(server, 'twin')).to.deep.include({ available: false, readers: [] })
  })

  it('makes a path for a name that a regular expression matches, and removes it when it is unused', async () => {
    expect((await api('GET', 'paths/get/site/door')).status).to.equal(404)
    const holder = await hold(server, 'site/door')
    expect(holder.answer.status).to.equal(200)
    expect(await pathOf(server, 'site/door')).to.deep.include({ confName: '~^site/(.+)$', available: true })
    leave(holder)
    await until('the path is removed', async () => (await api('GET', 'paths/get/site/door')).status === 404)
    const other = await hold(server, 'place/door')
    expect(other.answer.status).to.equal(400)
    leave(other)
  })
})
