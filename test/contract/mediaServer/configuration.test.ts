import { expect } from 'chai'
import { soon } from './client.js'
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
  const json = 'application/json; charset=utf-8'
  const ok = { status: 200, type: json, body: { status: 'ok' } }
  const refused = (error: string, status = 400) => ({ status, type: json, body: { status: 'error', error } })
  const add = (name: string, body: unknown) => api('POST', `config/paths/add/${name}`, body)
  const conf = async (name: string) => (await api('GET', `config/paths/get/${name}`)).body as Record<string, unknown>

  it('tells its version and when it was started', async () => {
    const { status, type, body } = await api('GET', 'info')
    expect({ status, type }).to.deep.equal({ status: 200, type: json })
    expect(body).to.have.all.keys('version', 'started')
    expect((body as { version: string }).version).to.equal('v1.20.1')
    expect((body as { started: string }).started).to.match(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
  })

  it('has the paths of its file, merged with the defaults', async () => {
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

  it('lists every field of a path, in order, with its default', async () => {
    const { body } = await api('GET', 'config/pathdefaults/get')
    const { recordPath, ...rest } = body as Record<string, unknown>
    expect(recordPath).to.be.a('string')
    expect(Object.keys(rest)).to.have.length(90)
    expect(rest).to.deep.include({
      name: '',
      recordMaxPartSize: '50M',
      recordSegmentDuration: '1h0m0s',
      rtspUDPSourcePortRange: [32768, 60999],
      rpiCameraFPS: 30,
    })
    const global = (await api('GET', 'config/global/get')).body as Record<string, unknown>
    expect(Object.keys(global)).to.have.length(120)
    expect(global).to.deep.include({
      logLevel: 'info',
      readTimeout: '10s',
      rtspTransports: ['tcp'],
      hlsMuxerCloseAfter: '1m0s',
      webrtc: false,
      moqTrustedProxies: [],
    })
  })

  it('adds, alters, replaces and deletes paths', async () => {
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

  it('shows an idle path', async () => {
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

  const refusals: [body: unknown, error: string][] = [
    [{ recrod: true }, 'json: unknown field "recrod"'],
    [{ Record: true }, 'json: unknown field "Record"'],
    [{ record: 'x', wrong: 1 }, 'json: unknown field "wrong"'],
    [{ record: 'yes' }, 'json: cannot unmarshal string into Go value of type bool'],
    [{ runOnDemand: 5 }, 'json: cannot unmarshal number into Go value of type string'],
    [{ maxReaders: '5' }, 'json: cannot unmarshal string into Go value of type int'],
    [{ maxReaders: 1.5 }, 'json: cannot unmarshal number 1.5 into Go value of type int'],
    [{ rtspUDPSourcePortRange: [-1, 2] }, 'json: cannot unmarshal number -1 into Go value of type uint'],
    [{ forward: [{ x: 1 }] }, 'json: unknown field "forward[0].x"'],
    [{ recordPartDuration: 'abc' }, 'time: invalid duration "abc"'],
    [{ recordPartDuration: '1.5' }, 'time: missing unit in duration "1.5"'],
    [{ recordPartDuration: '1x' }, 'time: unknown unit "x" in duration "1x"'],
    [{ recordPartDuration: 5 }, 'json: cannot unmarshal number into Go value of type string'],
    [
      { recordMaxPartSize: '50' },
      'byte quantity must be a positive integer with a unit of measurement like M, MB, MiB, G, GiB, or GB',
    ],
    [{ recordFormat: 'avi' }, "invalid record format 'avi'"],
    ['', 'unexpected end of JSON input'],
    ['{"record":', 'unexpected end of JSON input'],
    ['xx', "invalid character 'x' looking for beginning of value"],
    ['{"record":tru}', "invalid character '}' in literal true (expecting 'e')"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['{"record" true}', "invalid character 't' after object key"],
    ['{"record":true "a":1}', `invalid character '"' after object key:value pair`],
    ['{record:true}', "invalid character 'r' looking for beginning of object key string"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[]', 'json: cannot unmarshal array into Go value of type map[string]json.RawMessage'],
    [{ recordPath: '/x/%path' }, "'recordPath' must contain either %s or %Y %m %d %H %M %S"],
    [{ recordPath: '/x/%s' }, "'recordPath' must contain %path"],
    [{ recordSegmentDuration: '48h' }, 'maximum segment duration is 1 day'],
    [{ recordDeleteAfter: '1m' }, "'recordDeleteAfter' cannot be lower than 'recordSegmentDuration'"],
    [{ source: 'nonsense' }, "invalid source: 'nonsense'"],
    [
      { source: 'rtsp://h/x', runOnDemand: 'x' },
      "'runOnDemand' and 'runOnUnDemand' can be used only when source is 'publisher'",
    ],
    [{ sourceOnDemand: true }, "'sourceOnDemand' is useless when source is 'publisher'"],
    [
      { alwaysAvailable: true, runOnDemand: 'x' },
      "'runOnDemand' and 'runOnUnDemand' cannot be used with 'alwaysAvailable'",
    ],
  ]
  for (const [body, error] of refusals)
    it(`refuses ${JSON.stringify(body)}`, async () => {
      expect(await add('bad', body)).to.deep.equal(refused(error))
      expect(await api('GET', 'config/paths/get/bad')).to.deep.include({ status: 404 })
    })

  const names: [name: string, error: string][] = [
    ['', 'invalid name'],
    ['a%20b', "invalid path name 'a b': can contain only alphanumeric characters, underscore, dot, minus, slash"],
    ['/a', "invalid path name '/a': can't begin with a slash"],
    ['a/', "invalid path name 'a/': can't end with a slash"],
  ]
  for (const [name, error] of names)
    it(`refuses the name '${name}'`, async () => {
      expect(await add(name, {})).to.deep.equal(refused(error))
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

  it('takes null for "not given"', async () => {
    await api('POST', 'config/paths/replace/nil', { maxReaders: 7 })
    expect(await api('PATCH', 'config/paths/patch/nil', { maxReaders: null, source: null })).to.deep.equal(ok)
    await soon(async () => expect(await conf('nil')).to.deep.include({ maxReaders: 7, source: 'publisher' }))
    expect(await api('POST', 'config/paths/replace/nil', 'null')).to.deep.equal(ok)
    await soon(async () => expect(await conf('nil')).to.deep.include({ maxReaders: 0 }))
  })

  it('is poisoned by a PATCH that validation refuses, until that path is put right', async () => {
    await api('POST', 'config/paths/replace/sick', {})
    await api('POST', 'config/paths/replace/healthy', {})
    const text = "'recordPath' must contain either %s or %Y %m %d %H %M %S"
    expect(await api('PATCH', 'config/paths/patch/sick', { recordPath: '/x/%path' })).to.deep.equal(refused(text))
    expect((await conf('sick')).recordPath).to.not.equal('/x/%path')
    expect(await api('PATCH', 'config/paths/patch/healthy', { maxReaders: 4 })).to.deep.equal(refused(text))
    expect(await add('newcomer', {})).to.deep.equal(refused(text))
    expect(await api('PATCH', 'config/pathdefaults/patch', { maxReaders: 9 })).to.deep.equal(refused(text))
    expect(await api('DELETE', 'config/paths/delete/healthy')).to.deep.equal(refused(text))
    await soon(async () => expect(await conf('healthy')).to.deep.include({ maxReaders: 0 }))
    expect(await api('POST', 'config/paths/replace/sick', {})).to.deep.equal(ok)
    await soon(async () => expect(await conf('healthy')).to.deep.include({ maxReaders: 4 }))
    expect(await api('PATCH', 'config/paths/patch/healthy', { maxReaders: 1 })).to.deep.equal(ok)
  })

  it('is cured by a PATCH that corrects the field, and by a DELETE', async () => {
    await api('POST', 'config/paths/replace/sick', {})
    expect((await api('PATCH', 'config/paths/patch/sick', { recordDeleteAfter: '1s' })).status).to.equal(400)
    expect(await api('PATCH', 'config/paths/patch/sick', { recordDeleteAfter: '2h' })).to.deep.equal(ok)
    expect((await api('PATCH', 'config/paths/patch/sick', { recordDeleteAfter: '1s' })).status).to.equal(400)
    expect((await api('POST', 'config/paths/replace/healthy', {})).status).to.equal(400)
    expect(await api('DELETE', 'config/paths/delete/sick')).to.deep.equal(ok)
    expect(await api('POST', 'config/paths/replace/healthy', {})).to.deep.equal(ok)
  })

  it('is not poisoned by an unknown field, nor by refused defaults', async () => {
    await api('POST', 'config/paths/replace/healthy', {})
    expect((await api('PATCH', 'config/paths/patch/healthy', { nonsense: 1 })).status).to.equal(400)
    expect(await api('PATCH', 'config/pathdefaults/patch', { recordPath: 'x' })).to.deep.equal(
      refused("'recordPath' must contain %path"),
    )
    expect(await api('PATCH', 'config/paths/patch/healthy', { maxReaders: 1 })).to.deep.equal(ok)
  })

  it('turns pages', async () => {
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

  it('checks what is changed globally', async () => {
    const patch = (body: unknown) => api('PATCH', 'config/global/patch', body)
    expect(await patch({ x: 1 })).to.deep.equal(refused('json: unknown field "x"'))
    expect(await patch({ writeQueueSize: 500 })).to.deep.equal(refused("'writeQueueSize' must be a power of two"))
    expect(await patch({ readTimeout: '0s' })).to.deep.equal(refused("'readTimeout' must be greater than zero"))
    expect(await patch({ authMethod: 'http' })).to.deep.equal(refused("'authHTTPAddress' is empty"))
    expect(await patch({ rtspTransports: ['pigeon'] })).to.deep.equal(refused('invalid transport: pigeon'))
    expect(await patch({ authInternalUsers: [{ x: 1 }] })).to.deep.equal(
      refused('json: unknown field "authInternalUsers[0].x"'),
    )
    expect(await patch({ hlsSegmentDuration: '2000ms' })).to.deep.equal(ok)
    // Its API may be gone for a moment.
    await soon(async () =>
      expect((await api('GET', 'config/global/get')).body).to.deep.include({ hlsSegmentDuration: '2s' }),
    )
  })

  it('knows no other routes', async () => {
    const nothing = { status: 404, type: 'text/plain', body: '404 page not found' }
    expect(await api('GET', 'nonsense')).to.deep.equal(nothing)
    expect(await api('POST', 'info', {})).to.deep.equal(nothing)
    expect(await api('GET', 'hlsmuxers/list')).to.deep.equal(nothing)
    expect(await api('OPTIONS', 'paths/list')).to.deep.equal(nothing)
  })

  it('tells sessions that are not there from names that are none', async () => {
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

  it('knows no recordings yet', async () => {
    expect((await api('GET', 'recordings/list')).body).to.deep.equal({ itemCount: 0, pageCount: 0, items: [] })
    expect((await api('GET', 'recordings/get/other')).body).to.deep.equal({ name: 'other', segments: [] })
    expect(await api('GET', 'recordings/get/nope')).to.deep.equal(refused("path 'nope' is not configured"))
    const { body } = await api('DELETE', 'recordings/deletesegment?path=other&start=2026-01-01T00:00:00Z')
    expect((body as { error: string }).error).to.match(
      /^remove \/.*other_2026-01-01_00-00-00-000000\.mp4: no such file or directory$/,
    )
    expect(await api('DELETE', 'recordings/deletesegment?path=other&start=x')).to.deep.equal(
      refused(
        'invalid \'start\' parameter: parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
      ),
    )
  })
})
