import { expect } from 'chai'
import { ok, refused, soon } from './client.js'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'

/** Bodies that are not JSON, with MediaMTX's message. */
const malformed: readonly [body: string, message: string][] = [
  ['', 'unexpected end of JSON input'],
  ['{"record":', 'unexpected end of JSON input'],
  ['xx', "invalid character 'x' looking for beginning of value"],
  ['{"record":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{} x', "invalid character 'x' after top-level value"],
  ['{"record" true}', "invalid character 't' after object key"],
  ['{"record":true "a":1}', `invalid character '"' after object key:value pair`],
  ['{record:true}', "invalid character 'r' looking for beginning of object key string"],
  ['[1 2]', "invalid character '2' after array element"],
]

describeMediaServers('media server, refused configuration', (kind) => {
  let server: RunningMediaServer
  let dir: string
  before(async () => {
    dir = await temporaryFolder()
    server = await startMediaServer({ kind, dir })
  })
  after(async () => {
    await server?.stop()
    await removeFolder(dir)
  })

  const api: RunningMediaServer['api'] = (...call) => server.api(...call)
  const add = (name: string, body: unknown) => api('POST', `config/paths/add/${name}`, body)
  const conf = async (name: string) => (await api('GET', `config/paths/get/${name}`)).body as Record<string, unknown>

  const refusals: [body: unknown, error: string][] = [
    [{ recrod: true }, 'json: unknown field "recrod"'],
    [{ Record: true }, 'json: unknown field "Record"'],
    [{ record: 'x', wrong: 1 }, 'json: unknown field "wrong"'],
    [{ record: 'yes' }, 'json: cannot unmarshal string into Go value of type bool'],
    [{ runOnDemand: 5 }, 'json: cannot unmarshal number into Go value of type string'],
    [{ maxReaders: '5' }, 'json: cannot unmarshal string into Go value of type int'],
    [{ maxReaders: 1.5 }, 'json: cannot unmarshal number 1.5 into Go value of type int'],
    [{ recordPartDuration: 'abc' }, 'time: invalid duration "abc"'],
    [{ recordPartDuration: '1.5' }, 'time: missing unit in duration "1.5"'],
    [{ recordPartDuration: '1x' }, 'time: unknown unit "x" in duration "1x"'],
    [{ recordPartDuration: 5 }, 'json: cannot unmarshal number into Go value of type string'],
    [
      { recordMaxPartSize: '50' },
      'byte quantity must be a positive integer with a unit of measurement like M, MB, MiB, G, GiB, or GB',
    ],
    [{ recordFormat: 'avi' }, "invalid record format 'avi'"],
    ...malformed.map(([body, text]): [string, string] => [body, kind === 'real' ? text : 'the body is not JSON']),
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

  it('refuses every change after a refused PATCH, until that path is replaced', async () => {
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

  it('accepts changes again after a PATCH that corrects the field, and after a DELETE', async () => {
    await api('POST', 'config/paths/replace/sick', {})
    expect((await api('PATCH', 'config/paths/patch/sick', { recordDeleteAfter: '1s' })).status).to.equal(400)
    expect(await api('PATCH', 'config/paths/patch/sick', { recordDeleteAfter: '2h' })).to.deep.equal(ok)
    expect((await api('PATCH', 'config/paths/patch/sick', { recordDeleteAfter: '1s' })).status).to.equal(400)
    expect((await api('POST', 'config/paths/replace/healthy', {})).status).to.equal(400)
    expect(await api('DELETE', 'config/paths/delete/sick')).to.deep.equal(ok)
    expect(await api('POST', 'config/paths/replace/healthy', {})).to.deep.equal(ok)
  })

  it('accepts changes after an unknown field and after refused defaults', async () => {
    await api('POST', 'config/paths/replace/healthy', {})
    expect((await api('PATCH', 'config/paths/patch/healthy', { nonsense: 1 })).status).to.equal(400)
    expect(await api('PATCH', 'config/pathdefaults/patch', { recordPath: 'x' })).to.deep.equal(
      refused("'recordPath' must contain %path"),
    )
    expect(await api('PATCH', 'config/paths/patch/healthy', { maxReaders: 1 })).to.deep.equal(ok)
  })
})
