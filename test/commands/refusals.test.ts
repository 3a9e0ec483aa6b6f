import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { causeOf } from '../../commands/client/causes.js'
import { paramNames } from '../../commands/client/paramNames.js'
import { openSaved } from '../../commands/client/saved.js'
import { connectTo, httpRefusal, refusalOf } from '../../commands/client/service.js'
import { commandFor, forPerson, suggestionFor } from '../../commands/client/words.js'
import { parseArguments } from '../../commands/line/arguments.js'
import { failure } from '../../commands/outcome.js'
import { type ErrorKey, errorBody, errorKinds, ServiceError, suggestionKeyOf } from '../../machines/domain/errors.js'
import { needOf } from '../../machines/domain/explanationWords.js'
import { RpcError } from '../../rpc/client/index.js'
import { methods } from '../../rpc/methods/index.js'
import { freePort } from '../support/ports.js'

/** Words of the API: members, params and methods. Keys of the configuration have a dot, methods behind `call` stay. */
const wordsOfApi = (text: string): string[] =>
  text
    .replace(/camera-service call [\w.]+( '[^']*')?/g, '')
    .match(/(?<![\w.-])(?:data\.)?[a-z]+(?:_[a-z]+)+(?![\w.])|JSON-RPC/g) ?? []

describe('a refusal on the terminal', () => {
  it('suggests commands for every kind of error, and no words of the API', () => {
    for (const [key, { cases = {} }] of Object.entries(errorKinds) as [ErrorKey, (typeof errorKinds)[ErrorKey]][])
      for (const reason of [undefined, ...Object.keys(cases)])
        for (const transport of ['rpc', 'http'] as const) {
          const own = { cameras: ['camera0'], allowed_methods: ['stop_recording'], retry_after_ms: 1500 }
          const error = new ServiceError(key, { ...own, ...(reason !== undefined && { reason }) })
          const { code, data } = errorBody(error, transport)
          expect(suggestionKeyOf(code, data), 'its place in the table').to.match(/^\w+/)
          const said = suggestionFor(code, data) ?? ''
          expect(wordsOfApi(said), `${key}: ${said}`).to.deep.equal([])
        }
  })

  it('keeps a suggestion that an error has for itself', () => {
    const suggestion = 'Correct the host in the URL'
    const { code, data } = errorBody(new ServiceError('invalidParams', { suggestion }))
    expect([suggestionKeyOf(code, data), suggestionFor(code, data)]).to.deep.equal([undefined, suggestion])
  })

  it('says what is possible now, and when to try again', () => {
    const say = (key: keyof typeof errorKinds, data: object) => {
      const { code, message, data: body } = errorBody(new ServiceError(key, data))
      return refusalOf(new RpcError('start_recording', { code, message, data: { ...body } }))?.err
    }
    expect(say('invalidState', { details: 'camera0 is being recorded', allowed_methods: ['stop_recording'] })).to.equal(
      'camera-service: Invalid state; camera0 is being recorded; possible now: stop',
    )
    expect(say('rateLimited', { retry_after_ms: 900 })).to.equal(
      'camera-service: Rate limited; too many requests were sent; try again in 1 second',
    )
    expect(say('notFound', { resource: 'key' })).to.match(/; camera-service keys list lists all keys$/)
    expect(say('permissionDenied', { required_role: 'operator', have_role: 'viewer' })).to.match(
      /on the host of the service, camera-service token --role operator prints one$/,
    )
    expect(say('authFailed', {})).to.contain('camera-service token prints one')
    expect(say('internal', { request_id: 'r7' })).to.match(/look for the request r7$/)
    const body = JSON.stringify({ error: errorBody(new ServiceError('authRequired'), 'http') })
    expect(httpRefusal(401, body).err).to.contain('; show a valid token or API key: --token-file FILE')
    expect(httpRefusal(502, 'no').err).to.equal('camera-service: HTTP 502 Bad Gateway')
  })

  it('keeps the words of the API for call', () => {
    const error = new RpcError('get_camera_status', {
      code: -32010,
      message: 'Camera not found',
      data: { suggestion: 'Check the id; get_camera_list returns all cameras' },
    })
    expect(refusalOf(error, 'API')?.err).to.equal(
      'camera-service: get_camera_status: Camera not found; Check the id; get_camera_list returns all cameras',
    )
  })

  it('does not speak of data that call does not show', () => {
    const refused = new ServiceError('invalidParams', { param: 'filename', rule: 'has the wrong form' })
    const error = new RpcError('take_snapshot', errorBody(refused))
    expect(refusalOf(error, 'API')?.err).to.equal(
      'camera-service: take_snapshot: Invalid parameters; filename has the wrong form',
    )
  })

  it('names the command in sentences of the service, and leaves keys of the configuration', () => {
    const need = needOf({ state: 'not recording', method: 'stop_recording', allowed: ['start_recording'] })
    expect(forPerson(need, 'camera3')).to.equal('a recording runs: run camera-service record camera3 first')
    expect(forPerson('use `auth_token`')).to.equal('use the token')
    const sentence = 'add its origin to security.cors_origins, or server.port; see free_target of storage.yml'
    expect(forPerson(sentence)).to.equal(sentence)
  })

  it('knows the params of each method, and names only commands that exist', () => {
    expect(Object.keys(paramNames)).to.have.members(methods.map(({ name }) => name))
    for (const name of Object.keys(paramNames)) {
      const words = commandFor(name).replace('ID', 'camera0').split(' ')
      const options = { 'keys create': ['--role', 'viewer'] }[commandFor(name)] ?? []
      expect(() => parseArguments([...words, ...options]), name).not.to.throw()
    }
  })
})

describe('a connection that fails', () => {
  const servers: { close(): unknown }[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })
  const listening = async (server: Server | ReturnType<typeof createTcpServer>) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    servers.push(server)
    return (server.address() as AddressInfo).port
  }
  const said = (url: string) =>
    connectTo({ url, credential: 'csk_x', tls: {} }).then(
      () => 'connected',
      (error: unknown) => failure(error).err?.replace(`camera-service: the service does not answer at ${url}: `, ''),
    )

  it('names the cause: refused, another path, another program, no TLS, TLS', async () => {
    const port = await freePort()
    expect(await said(`ws://127.0.0.1:${port}/ws`)).to.equal(
      `the connection was refused, because no program listens on port ${port}; ` +
        'start the service (systemctl start camera-service), or correct the address',
    )
    const refusing = await listening(createServer((_, response) => response.writeHead(404).end()))
    expect(await said(`ws://127.0.0.1:${refusing}/w`)).to.match(
      /^there is no service at this path \(HTTP 404\); correct/,
    )
    expect(await said(`wss://127.0.0.1:${refusing}/ws`)).to.match(/^the program there does not speak TLS; use .*ws:/)
    const other = await listening(createServer((_, response) => response.writeHead(200).end()))
    expect(await said(`ws://127.0.0.1:${other}/ws`)).to.match(/^another program answers \(HTTP 200\); correct the port/)
    const closing = await listening(createTcpServer((socket) => socket.destroy()))
    expect(await said(`ws://127.0.0.1:${closing}/ws`)).to.match(/^the connection was closed at once; .*wss:\/\//)
  })

  it('names the others by their codes', () => {
    const of = (code: string, url = 'wss://cam.example:1/ws') => {
      const { what, todo } = causeOf(Object.assign(new Error('x'), { code }), url)
      return `${what}; ${todo}`
    }
    expect(of('EHOSTUNREACH')).to.match(/^there is no route to cam\.example; check the address/)
    expect(of('ENOTFOUND')).to.match(/^the name cam\.example was not found \(DNS\); correct the name/)
    expect(of('EAI_AGAIN')).to.match(/^the name cam\.example could not be looked up, .*DNS/)
    expect(of('ETIMEDOUT')).to.match(/^cam\.example did not answer in time; .*firewall/)
    expect(of('CERT_HAS_EXPIRED')).to.match(/^its TLS certificate has expired; renew/)
    expect(of('ERR_TLS_CERT_ALTNAME_INVALID')).to.match(/^its TLS certificate is not for cam\.example; use a name/)
    expect(of('DEPTH_ZERO_SELF_SIGNED_CERT')).to.match(
      /^its TLS certificate is not trusted .*; name .* ca_file in a profile/,
    )
    const all = new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })])
    expect(causeOf(new TypeError('fetch failed', { cause: all }), 'http://a:7/').what).to.match(/refused.* port 7$/)
    expect(causeOf(new Error('no connection within 10 ms'), 'ws://a/ws').what).to.equal('a did not answer in time')
    expect(causeOf(new Error('something'), 'ws://a/ws').what).to.equal('something')
  })
})

describe('a file that a command saves', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const save = async (to: string, force: boolean, meanwhile = async () => {}) => {
    const file = await openSaved(to, { force, output: new PassThrough() })
    await new Promise<void>((resolve) => file.stream.end('new', () => resolve()))
    await meanwhile()
    try {
      await file.keep()
    } catch (error) {
      await file.drop()
      throw error
    }
  }
  const refusal = (saving: Promise<void>) => saving.then(() => 'saved', failure)

  it('replaces no other one without --force, not even one that came meanwhile', async () => {
    const to = join(dir, 'a.jpg')
    await save(to, false)
    expect(await readFile(to, 'utf8')).to.equal('new')
    await writeFile(to, 'old')
    expect(await refusal(save(to, false))).to.deep.include({ status: 1 })
    const late = join(dir, 'b.jpg')
    expect(await refusal(save(late, false, () => writeFile(late, 'other')))).to.deep.include({ status: 1 })
    expect([await readFile(to, 'utf8'), await readFile(late, 'utf8')]).to.deep.equal(['old', 'other'])
    await save(to, true)
    expect(await readFile(to, 'utf8')).to.equal('new')
    expect(await readdir(dir)).to.have.members(['a.jpg', 'b.jpg'])
  })

  it('is written into a device, and refused for a folder', async () => {
    const link = join(dir, 'null')
    await symlink('/dev/null', link)
    await save(link, false)
    expect(await refusal(save(dir, true))).to.deep.include({ status: 1 })
  })
})
