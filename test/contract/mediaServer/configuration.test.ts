import { expect } from 'chai'
import { globalFields, pathFields } from '../../../adapters/simulator/config/fields.js'
import { defaultsOf } from '../../../adapters/simulator/config/kinds.js'
import { json, ok, refused, soon } from './client.js'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'

describeMediaServers('media server, configuration', (kind) => {
  let server: RunningMediaServer
  let dir: string
  before(async () => {
    dir = await temporaryFolder()
    server = await startMediaServer({ kind, dir, paths: { fromfile: null, other: { maxReaders: 3 } } })
  })
  after(async () => {
    await server?.stop()
    await removeFolder(dir)
  })

  const api: RunningMediaServer['api'] = (...call) => server.api(...call)
  const add = (name: string, body: unknown) => api('POST', `config/paths/add/${name}`, body)
  const conf = async (name: string) => (await api('GET', `config/paths/get/${name}`)).body as Record<string, unknown>

  it('returns its version and the time of its start', async () => {
    const { status, type, body } = await api('GET', 'info')
    expect({ status, type }).to.deep.equal({ status: 200, type: json })
    expect(body).to.have.all.keys('version', 'started')
    expect((body as { version: string }).version).to.equal('v1.20.1')
    expect((body as { started: string }).started).to.match(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
  })

  it('has the paths of its file, with defaults for the other fields', async () => {
    const { body } = await api('GET', 'config/paths/list')
    expect(body).to.deep.include({ itemCount: 2, pageCount: 1 })
    expect(await conf('other')).to.deep.include({
      name: 'other',
      maxReaders: 3,
      source: 'publisher',
      runOnDemandStartTimeout: '10s',
      recordPartDuration: '200ms',
    })
  })

  it('has the same default for every field that the simulator knows', async () => {
    const { recordPath, recordPartDuration, recordDeleteAfter, ...path } = defaultsOf(pathFields)
    const { body } = await api('GET', 'config/pathdefaults/get')
    expect(body).to.deep.include(path)
    expect(body).to.deep.include({ recordPartDuration: '200ms', recordDeleteAfter: '' })
    expect((body as { recordPath: unknown }).recordPath).to.be.a('string')
    expect(Object.keys(body as object)).to.have.length(kind === 'real' ? 91 : Object.keys(pathFields).length)

    const given = { api: true, hls: false, webrtc: false, rtmp: false, srt: false, moq: false, rtspTransports: ['tcp'] }
    const { apiAddress, rtspAddress, ...global } = { ...defaultsOf(globalFields), ...given }
    const { body: shown } = await api('GET', 'config/global/get')
    expect(shown).to.deep.include(global)
    expect(Object.keys(shown as object)).to.have.length(kind === 'real' ? 120 : Object.keys(globalFields).length)
  })

  it('adds, changes, replaces and deletes paths', async () => {
    expect(await add('a', { maxReaders: 1, record: true })).to.deep.equal(ok)
    expect(await add('a', {})).to.deep.equal(refused('path already exists'))
    expect(await api('PATCH', 'config/paths/patch/a', { maxReaders: 2 })).to.deep.equal(ok)
    await soon(async () => expect(await conf('a')).to.deep.include({ maxReaders: 2, record: true }))
    expect(await api('POST', 'config/paths/replace/a', { maxReaders: 5 })).to.deep.equal(ok)
    await soon(async () => expect(await conf('a')).to.deep.include({ maxReaders: 5, record: false }))
    expect(await api('DELETE', 'config/paths/delete/a')).to.deep.equal(ok)
    expect(await api('DELETE', 'config/paths/delete/a')).to.deep.equal(refused('path not found', 404))
    expect(await api('PATCH', 'config/paths/patch/a', {})).to.deep.equal(refused('path not found', 404))
    await soon(async () =>
      expect(await api('GET', 'config/paths/get/a')).to.deep.equal(refused('path configuration not found', 404)),
    )
    await soon(async () => expect(await api('GET', 'paths/get/a')).to.deep.equal(refused('path not found', 404)))
    expect(await api('POST', 'config/paths/replace/site/one', { name: 'ignored' })).to.deep.equal(ok)
    await soon(async () => expect(await conf('site/one')).to.deep.include({ name: 'site/one' }))
    expect(await api('DELETE', 'config/paths/delete/site/one')).to.deep.equal(ok)
  })

  it('returns an idle path', async () => {
    expect((await api('GET', 'paths/get/fromfile')).body).to.deep.equal({
      name: 'fromfile',
      confName: 'fromfile',
      ready: false,
      readyTime: null,
      available: false,
      availableTime: null,
      online: false,
      onlineTime: null,
      source: null,
      tracks: [],
      tracks2: [],
      readers: [],
      inboundBytes: 0,
      outboundBytes: 0,
      inboundFramesInError: 0,
      bytesReceived: 0,
      bytesSent: 0,
    })
  })

  const durations: [given: string, shown: string][] = [
    ['60s', '1m0s'],
    ['24h', '1d'],
    ['36h', '1d12h0m0s'],
    ['1d12h', '1d12h0m0s'],
    ['0s', ''],
    ['', ''],
    ['1500ms', '1.5s'],
    ['90m', '1h30m0s'],
    ['100us', '100µs'],
    ['-1.5h', '-1h30m0s'],
  ]
  for (const [given, shown] of durations)
    it(`shows the duration '${given}' as '${shown}'`, async () => {
      expect(await api('POST', 'config/paths/replace/time', { runOnDemandCloseAfter: given })).to.deep.equal(ok)
      await soon(async () => expect(await conf('time')).to.deep.include({ runOnDemandCloseAfter: shown }))
    })

  for (const [given, shown] of [
    ['50m', '50M'],
    ['1.5G', '1.5G'],
    ['512K', '512K'],
    ['1024MiB', '1G'],
  ])
    it(`shows the size '${given}' as '${shown}'`, async () => {
      expect(await api('POST', 'config/paths/replace/size', { recordMaxPartSize: given })).to.deep.equal(ok)
      await soon(async () => expect(await conf('size')).to.deep.include({ recordMaxPartSize: shown }))
    })

  it('ignores a field that is null', async () => {
    await api('POST', 'config/paths/replace/nil', { maxReaders: 7 })
    expect(await api('PATCH', 'config/paths/patch/nil', { maxReaders: null, source: null })).to.deep.equal(ok)
    await soon(async () => expect(await conf('nil')).to.deep.include({ maxReaders: 7, source: 'publisher' }))
    expect(await api('POST', 'config/paths/replace/nil', 'null')).to.deep.equal(ok)
    await soon(async () => expect(await conf('nil')).to.deep.include({ maxReaders: 0 }))
  })

  it('lists pages', async () => {
    await Promise.all(
      ['p1', 'p2', 'p3', 'p4', 'p5'].map((name) => api('POST', `config/paths/replace/pages/${name}`, {})),
    )
    const list = async () =>
      (await api('GET', 'config/paths/list')).body as {
        itemCount: number
        pageCount: number
        items: { name: string }[]
      }
    await soon(async () =>
      expect((await list()).items.filter(({ name }) => name.startsWith('pages/'))).to.have.length(5),
    )
    const all = await list()
    const names = all.items.map(({ name }) => name)
    expect(names).to.deep.equal([...names].sort())
    const page = await api('GET', 'config/paths/list?itemsPerPage=2&page=1')
    expect(page.body).to.deep.include({ itemCount: all.itemCount, pageCount: Math.ceil(all.itemCount / 2) })
    expect((page.body as typeof all).items.map(({ name }) => name)).to.deep.equal(names.slice(2, 4))
    expect((await api('GET', 'paths/list?itemsPerPage=2&page=99')).body).to.deep.include({ items: [] })
    expect(await api('GET', 'paths/list?itemsPerPage=0')).to.deep.equal(refused('invalid items per page'))
    expect(await api('GET', 'paths/list?itemsPerPage=x')).to.deep.equal(
      refused('strconv.ParseUint: parsing "x": invalid syntax'),
    )
    expect(await api('GET', 'paths/list?page=-1')).to.deep.equal(
      refused('strconv.ParseUint: parsing "-1": invalid syntax'),
    )
  })

  it('checks a change of global fields', async () => {
    const patch = (body: unknown) => api('PATCH', 'config/global/patch', body)
    expect(await patch({ x: 1 })).to.deep.equal(refused('json: unknown field "x"'))
    expect(await patch({ writeQueueSize: 500 })).to.deep.equal(refused("'writeQueueSize' must be a power of two"))
    expect(await patch({ readTimeout: '0s' })).to.deep.equal(refused("'readTimeout' must be greater than zero"))
    expect(await patch({ authMethod: 'http' })).to.deep.equal(refused("'authHTTPAddress' is empty"))
    expect(await patch({ rtspTransports: ['pigeon'] })).to.deep.equal(refused('invalid transport: pigeon'))
    expect(await patch({ authInternalUsers: [{ x: 1 }] })).to.deep.equal(
      refused('json: unknown field "authInternalUsers[0].x"'),
    )
    expect(await patch({ hlsMuxerCloseAfter: '2000ms' })).to.deep.equal(ok)
    // The API may be closed for a moment.
    await soon(async () =>
      expect((await api('GET', 'config/global/get')).body).to.deep.include({ hlsMuxerCloseAfter: '2s' }),
    )
  })

  it('allows pages of a browser only when apiAllowOrigins does', async () => {
    const allowed = async () => {
      const headers = { origin: 'http://page.example' }
      return (await fetch(`http://127.0.0.1:${server.apiPort}/v3/info`, { headers })).headers.get(
        'access-control-allow-origin',
      )
    }
    expect(await allowed()).to.equal('*')
    expect(await api('PATCH', 'config/global/patch', { apiAllowOrigins: [] })).to.deep.equal(ok)
    await soon(async () => expect(await allowed()).to.equal(null))
  })

  it('answers 404 in plain text to an unknown route', async () => {
    const nothing = { status: 404, type: 'text/plain', body: '404 page not found' }
    expect(await api('GET', 'nonsense')).to.deep.equal(nothing)
    expect(await api('POST', 'info', {})).to.deep.equal(nothing)
    expect(await api('GET', 'hlsmuxers/list')).to.deep.equal(nothing)
    expect(await api('OPTIONS', 'paths/list')).to.deep.equal(nothing)
  })

  it('distinguishes an unknown session from an invalid id', async () => {
    expect(await api('POST', 'rtspsessions/kick/zz')).to.deep.equal(refused('invalid UUID length: 2'))
    expect(await api('POST', 'rtspsessions/kick/a97295fc-5a61-43ec-9a80-27dece926785')).to.deep.equal(
      refused('session not found', 404),
    )
    expect(await api('GET', 'rtspsessions/get/a97295fc-5a61-43ec-9a80-27dece926785')).to.deep.equal(
      refused('session not found', 404),
    )
    expect((await api('GET', 'rtspsessions/list')).body).to.deep.equal({ itemCount: 0, pageCount: 0, items: [] })
    expect((await api('GET', 'rtspconns/list')).body).to.deep.equal({ itemCount: 0, pageCount: 0, items: [] })
  })

  it('lists no recordings at first', async () => {
    expect((await api('GET', 'recordings/list')).body).to.deep.equal({ itemCount: 0, pageCount: 0, items: [] })
    expect((await api('GET', 'recordings/get/other')).body).to.deep.equal({ name: 'other', segments: [] })
    expect(await api('GET', 'recordings/get/nope')).to.deep.equal(refused("path 'nope' is not configured"))
    const { body } = await api('DELETE', 'recordings/deletesegment?path=other&start=2026-01-01T00:00:00Z')
    expect((body as { error: string }).error).to.match(
      /^remove \/.*other_2026-01-01_00-00-00-000000\.mp4: no such file or directory$/,
    )
    const fault =
      kind === 'real'
        ? 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'
        : '"x" is not a time in RFC 3339'
    expect(await api('DELETE', 'recordings/deletesegment?path=other&start=x')).to.deep.equal(
      refused(`invalid 'start' parameter: ${fault}`),
    )
  })
})
