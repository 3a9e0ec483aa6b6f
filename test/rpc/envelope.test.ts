import { expect } from 'chai'
import Type from 'typebox'
import type { Caller } from '../../machines/domain/access.js'
import { type ErrorKey, errorBody, errorKinds, notFound, ServiceError } from '../../machines/domain/errors.js'
import { createDispatcher } from '../../rpc/dispatcher.js'
import { method } from '../../rpc/method.js'
import { methods } from '../../rpc/methods/index.js'
import { createRateLimits } from '../../rpc/rateLimits.js'
import { None } from '../../rpc/schemas.js'
import { apiVersion } from '../../rpc/version.js'
import { type Client, cameraView, createStage, createWorld, type Reply, type World } from './fakes.js'
import { until } from './wait.js'

describe('envelope', () => {
  const stage = createStage()
  let world: World
  let client: Client
  let port: number

  beforeEach(async () => {
    world = createWorld()
    ;({ port } = await stage.serve(world.options()))
    client = await stage.connect(port, { role: 'operator' })
  })
  afterEach(() => stage.end())

  const shortOf = (replies: Reply[]) =>
    replies.map(({ id, error, result }) => [id, error === undefined ? result : error.code, error?.data.reason])

  for (const [frame, answer] of [
    ['not json', [[null, -32600, 'invalid_request']]],
    ['', [[null, -32600, 'invalid_request']]],
    ['null', [[null, -32600, 'invalid_request']]],
    ['17', [[null, -32600, 'invalid_request']]],
    [[], [[null, -32600, 'invalid_request']]],
    [{}, [[null, -32600, 'invalid_version']]],
    [{ jsonrpc: '1.0', id: 'a', method: 'ping' }, [['a', -32600, 'invalid_version']]],
    [{ id: 0, method: 'ping' }, [[0, -32600, 'invalid_version']]],
    [{ jsonrpc: '2.0', id: 'a' }, [['a', -32600, 'invalid_request']]],
    [{ jsonrpc: '2.0', id: 'a', method: 5 }, [['a', -32600, 'invalid_request']]],
    [{ jsonrpc: '2.0', id: 'a', method: 'ping', params: 'x' }, [['a', -32600, 'invalid_request']]],
    [{ jsonrpc: '2.0', id: 'a', method: 'ping', params: [] }, [['a', 'pong', undefined]]],
    [{ jsonrpc: '2.0', id: 'a', method: 'ping', params: [1] }, [['a', -32602, 'invalid_params']]],
    ['\ufeff{"jsonrpc":"2.0","id":"a","method":"ping"}', [['a', 'pong', undefined]]],
    ['\ufeff\ufeff{"jsonrpc":"2.0","id":"a","method":"ping"}', [[null, -32600, 'invalid_request']]],
    [{ jsonrpc: '2.0', id: 'a', method: 'ping', params: null }, [['a', 'pong', undefined]]],
    [{ jsonrpc: '2.0', id: '', method: 'ping' }, [['', 'pong', undefined]]],
    [{ jsonrpc: '2.0', id: 1.5, method: 'ping', extra: {} }, [[1.5, 'pong', undefined]]],
    [{ jsonrpc: '2.0', id: { odd: [1] }, method: 'ping' }, [[null, -32600, 'invalid_request']]],
    [{ jsonrpc: '2.0', id: [], method: 'ping' }, [[null, -32600, 'invalid_request']]],
    [{ jsonrpc: '1.0', id: {}, method: 'ping' }, [[null, -32600, 'invalid_version']]],
    [{ jsonrpc: '2.0', id: true, method: 'ping' }, [[true, 'pong', undefined]]],
    [{ jsonrpc: '2.0', id: 'x'.repeat(300), method: 'ping' }, [['x'.repeat(300), 'pong', undefined]]],
    [{ jsonrpc: '2.0', id: [`${'x'.repeat(300)}`], method: 'ping' }, [[null, -32600, 'invalid_request']]],
    [{ jsonrpc: '2.0', method: 'ping' }, []],
    [{ jsonrpc: '2.0', id: null, method: 'ping' }, []],
    [{ jsonrpc: '2.0', method: 'no_such_method' }, []],
    [{ jsonrpc: '2.0', method: 'delete_recording', params: {} }, []],
  ] as [unknown, unknown[]][]) {
    it(`replies to ${JSON.stringify(frame).slice(0, 70)} with ${JSON.stringify(answer).slice(0, 70)}`, async () => {
      expect(shortOf(await client.answersTo(frame))).to.deep.equal(answer)
    })
  }

  for (const id of [
    ...['8466830112817644860', '-9223372036854775808', '1e3', '1E+2', '0.1', '-0', '0', '1.0', '1.50', '1e400'],
    ...['"a"', '"\\u0061"', '"\\/"', '"\\""', '"\\ud800"', '"é"', '"1e3"', 'true'],
  ]) {
    it(`returns the id ${id} as it was written`, async () => {
      const raw = await stage.raw(port)
      const member = `"id" : ${id}\n`
      for (const frame of [
        `{"jsonrpc":"2.0",${member},"method":"ping"}`,
        `{"id":7,"params":{"id":5,"x":"\\"id\\":6"},"jsonrpc":"2.0","method":"ping","\\u0069d":${id}}`,
        `{"jsonrpc":"2.0",${member},"method":"ping","params":[1]}`,
        `{"jsonrpc":"1.0",${member}}`,
      ])
        expect(await raw(frame), frame)
          .to.match(/^\{"jsonrpc":"2\.0","id":/)
          .and.include(`"id":${id},"`)
      const other = '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"id":[3,{"id":4}]}}'
      const batch = await raw(`[${other}, [{"id":9}], {"jsonrpc":"2.0",${member},"method":"ping"}]`)
      expect(
        [...batch.matchAll(/"jsonrpc":"2\.0","id":(.*?),"(?:result|error)/g)].map((match) => match[1]),
      ).to.deep.equal(['1', 'null', id])
    })
  }

  it('returns a large list again and again, alone and in a batch, with any id', async () => {
    world.cameras = Array.from({ length: 30 }, (_, index) =>
      cameraView({ id: `camera${index}`, name: `Hof ü${index}` }),
    )
    const list = (id: string) => `{"jsonrpc":"2.0","id":${id},"method":"get_camera_list"}`
    const raw = await stage.raw(port, 'operator')
    const results: unknown[] = []
    for (const id of ['1', '"é"', '1e3']) {
      const text = await raw(list(id))
      expect(text.startsWith(`{"jsonrpc":"2.0","id":${id},"result":{"cameras":`), text.slice(0, 80)).to.equal(true)
      results.push(JSON.parse(text).result)
    }
    for (const { result } of JSON.parse(await raw(`[${list('1')},${list('2')}]`))) results.push(result)
    expect(results).to.have.length(5)
    for (const result of results) expect(result).to.deep.equal(results[0])
    expect(results[0]).to.deep.nested.include({ 'cameras[29].name': 'Hof ü29', total: 30 })
  })

  describe('batches', () => {
    const ping = (id: unknown) => ({ jsonrpc: '2.0', id, method: 'ping' })
    const notification = { jsonrpc: '2.0', method: 'ping' }
    const answerTo = async (frame: unknown) => JSON.parse(await (await stage.raw(port))(JSON.stringify(frame)))

    it('answers all requests in one message, in their order, and notifications not at all', async () => {
      const answer = await answerTo([ping(1), notification, { jsonrpc: '2.0', id: 2, method: 'nonsense' }, 17, ping(3)])
      expect(shortOf(answer)).to.deep.equal([
        [1, 'pong', undefined],
        [2, -32601, 'method_not_found'],
        [null, -32600, 'invalid_request'],
        [3, 'pong', undefined],
      ])
    })

    it('answers an empty batch and one that is too long with one error', async () => {
      expect(shortOf([await answerTo([])])).to.deep.equal([[null, -32600, 'invalid_request']])
      const long = await answerTo(Array.from({ length: 51 }, (_, id) => ping(id)))
      expect(shortOf([long])).to.deep.equal([[null, -32600, 'invalid_request']])
      expect(long.error.data.details).to.equal('the batch has 51 requests: at most 50 are allowed')
      expect(await answerTo(Array.from({ length: 50 }, (_, id) => ping(id)))).to.have.length(50)
    })

    it('sends nothing for a batch of notifications', async () => {
      expect(await client.answersTo([notification, notification])).to.deep.equal([])
    })

    it('waits for all of them, and replays events after the reply', async () => {
      let finish = () => {}
      world.ask.releaseStream = () =>
        new Promise((resolve) => {
          finish = () => resolve({ camera: 'camera0', since: world.now, continues: true })
        })
      const messages: unknown[] = []
      client.socket.on('message', (data) => messages.push(JSON.parse(String(data))))
      const stop = { jsonrpc: '2.0', id: 'stop', method: 'stop_streaming', params: { device: 'camera0' } }
      const subscribe = {
        jsonrpc: '2.0',
        id: 'sub',
        method: 'subscribe_events',
        params: { topics: ['camera.connected'] },
      }
      client.socket.send(JSON.stringify([stop, subscribe]))
      await client.call('ping')
      expect(messages).to.have.length(1)
      finish()
      await until('the batch is answered', () => messages.length > 1)
      expect((messages[1] as Reply[]).map(({ id }) => id)).to.deep.equal(['stop', 'sub'])
    })

    it('lets authenticate take effect for the requests behind it', async () => {
      const authenticate = { jsonrpc: '2.0', id: 1, method: 'authenticate', params: { auth_token: 'viewer' } }
      const answer = await answerTo([authenticate, { jsonrpc: '2.0', id: 2, method: 'get_camera_list' }])
      expect(answer.map(({ error }: Reply) => error)).to.deep.equal([undefined, undefined])
    })

    it('counts each request of a batch', async () => {
      // The connection itself counts as the first.
      const { port } = await stage.serve(world.options({ rate: { requests: 4, addressRequests: 4, window: 600_000 } }))
      const raw = await stage.raw(port)
      const answer = JSON.parse(await raw(JSON.stringify([1, 2, 3, 4].map(ping))))
      expect(answer.map(({ error }: Reply) => error?.code)).to.deep.equal([undefined, undefined, undefined, -32040])
    })
  })

  it('replies to an id and to params that are nested deeper than the stack', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    expect(shortOf(await client.answersTo(`{"jsonrpc":"2.0","id":${deep},"method":"ping"}`))).to.deep.equal([
      [null, -32600, 'invalid_request'],
    ])
    expect(
      shortOf(
        await client.answersTo(`{"jsonrpc":"2.0","id":"d","method":"get_camera_list","params":{"x":${deep}}}`),
      )[0]?.[0],
    ).to.equal('d')
  })

  it('carries out a notification without a reply', async () => {
    await client.answersTo({ jsonrpc: '2.0', method: 'start_recording', params: { device: 'camera0' } })
    expect(world.asked).to.have.length(1)
  })

  it('adds metadata to every reply, and all members of data to every error', async () => {
    const { metadata } = await client.call('ping')
    expect(metadata).to.have.all.keys('processing_time_ms', 'server_timestamp', 'request_id', 'api_version')
    expect(metadata?.api_version).to.equal(apiVersion)
    expect(metadata?.processing_time_ms).to.satisfy(Number.isInteger)
    expect(metadata?.server_timestamp).to.equal('2025-06-01T12:00:00.000Z')
    const failed = await client.call('nonsense')
    expect(failed.error?.data).to.include.all.keys('reason', 'details', 'suggestion', 'hint')
    expect(failed).to.have.property('metadata')
  })

  it('names the params that had no effect', async () => {
    const { metadata } = await client.call('ping', { speed: 'high', 'a "b"': 1 })
    expect(metadata?.ignored_params).to.deep.equal(['speed', 'a "b"'])
    const failed = await client.call('get_camera_status', { device: 'camera9', colour: 'red' })
    expect(failed.metadata).to.have.property('ignored_params').deep.equal(['colour'])
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`x${index}`.repeat(100), index]))
    const ignored = ((await client.call('ping', many)).metadata?.ignored_params ?? []) as string[]
    expect([ignored.length, ignored[0]?.length]).to.deep.equal([10, 64])
    expect((await client.call('ping', [1])).metadata).not.to.have.property('ignored_params')
  })

  it('suggests what to do, in the words of the transport', async () => {
    const suggestionFor = (error: ServiceError, transport?: 'http') => errorBody(error, transport).data.suggestion
    expect(suggestionFor(new ServiceError('authRequired'))).to.equal('Call authenticate with a valid token or API key')
    expect(suggestionFor(new ServiceError('authRequired'), 'http')).to.match(/Authorization: Bearer.*X-API-Key/)
    expect(suggestionFor(new ServiceError('authFailed', { reason: 'token_expired' }), 'http')).to.match(
      /new token|fresh/,
    )
    expect(suggestionFor(new ServiceError('invalidRequest', { reason: 'contradicting_credentials' }), 'http')).to.equal(
      'Show one credential only',
    )
    expect(suggestionFor(new ServiceError('invalidRequest'), 'http')).not.to.include('JSON-RPC')
    expect(suggestionFor(new ServiceError('permissionDenied', { reason: 'foreign_origin' }), 'http')).to.include(
      'origin',
    )
    expect(suggestionFor(notFound('Key', 'x'))).to.include('list_api_keys')
    expect(suggestionFor(notFound('Session', 'x'))).to.include('list_sessions')
    expect(suggestionFor(notFound('Recording', 'x'))).to.include('list_recordings')
  })

  it('says each thing once: what is wrong, and what to do next', () => {
    const cases = (Object.keys(errorKinds) as ErrorKey[]).flatMap((key) =>
      [undefined, ...Object.keys(errorKinds[key].cases ?? {})].map(
        (reason) => new ServiceError(key, { ...(reason && { reason }) }),
      ),
    )
    for (const error of cases) {
      for (const transport of ['rpc', 'http'] as const) {
        const { reason, details, suggestion } = errorBody(error, transport).data
        expect(reason, error.key).to.match(/^[a-z_]+$/)
        expect(details, `${error.key} ${reason}`)
          .to.match(/^[a-z].*[^.]$/)
          .and.not.equal(suggestion)
        expect(suggestion, `${error.key} ${reason}`).to.match(/^[A-Z].*[^.]$/)
      }
    }
  })

  it('passes hint on as details, and sends hint only where older clients expect it', () => {
    const { data } = errorBody(new ServiceError('unsupported', { feature: 'x', hint: 'x is off' }))
    expect(data).to.include({ feature: 'x', details: 'x is off' }).and.not.to.have.property('hint')
    expect(errorBody(new ServiceError('invalidRequest', { details: 'no JSON' })).data).to.include({ hint: 'no JSON' })
  })

  it('explains a wrong form in words instead of a regular expression', async () => {
    const admin = await stage.connect(port, { role: 'admin' })
    const { error } = await admin.call('take_snapshot', { device: 'camera0', filename: '../x' })
    expect(error?.data).to.deep.include({ param: 'filename', rule: 'has the wrong form' })
    expect(error?.data.hint).to.include('no dot, dash or space at its beginning')
    expect(error?.data.details).to.equal(error?.data.hint)
    expect(JSON.stringify(error)).not.to.match(/\^|must match/)
    const wordless = methods.filter(({ params }) =>
      /\{(?![^{}]*"description")[^{}]*"pattern"[^{}]*\}/.test(JSON.stringify(params).replace(/\\[pu]\{\w+\}/g, '')),
    )
    expect(wordless.map(({ name }) => name)).to.deep.equal([])
  })

  it('announces with each reply that a method will be removed, and its replacement', async () => {
    const deprecated = { since: '1.1', removed_in: '2.0', use: 'ping' }
    const old = method({
      name: 'old',
      summary: '',
      role: 'none',
      since: '1.0',
      deprecated,
      params: None,
      result: Type.String(),
      handler: () => 'x',
    })
    const sent: string[] = []
    const options = world.options()
    const session = { id: 'a', address: '192.0.2.1', requests: 0, send: (text: string) => sent.push(text) }
    const services = { ...options, rateLimits: createRateLimits({ requests: 10, window: 1_000 }) }
    createDispatcher({ services: services as never, methods: [old] })(
      '{"jsonrpc":"2.0","id":1,"method":"old"}',
      session as never,
    )
    expect(JSON.parse(sent[0] ?? '').metadata).to.deep.include({ deprecated })
  })

  it('replies to a request while an earlier one is not finished', async () => {
    let finish = () => {}
    world.ask.stopRecording = () =>
      new Promise((_, reject) => {
        finish = () => reject(new Error('released'))
      })
    const slow = client.call('stop_recording', { device: 'camera0' })
    expect((await client.call('ping')).result).to.equal('pong')
    expect(client.replies.at(-1)?.result).to.equal('pong')
    finish()
    expect((await slow).error?.code).to.equal(-32603)
  })

  it('limits the open requests of one connection, but not those that get their reply at once', async () => {
    const { port } = await stage.serve(world.options({ maxInFlight: 3 }))
    const busy = await stage.connect(port, { role: 'operator' })
    const finish: (() => void)[] = []
    world.ask.releaseStream = () =>
      new Promise((resolve) => finish.push(() => resolve({ camera: 'camera0', since: world.now, continues: true })))
    const slow = [1, 2, 3].map(() => busy.call('stop_streaming', { device: 'camera0' }))
    const refused = await busy.call('stop_streaming', { device: 'camera0' })
    expect(refused.error).to.deep.include({ code: -32040 })
    expect(refused.error?.data).to.deep.include({ reason: 'too_many_requests_in_flight' })
    for (const end of finish) end()
    for (const { error } of await Promise.all(slow)) expect(error).to.equal(undefined)
    const pings = await Promise.all(Array.from({ length: 200 }, () => busy.call('ping')))
    expect(pings.filter(({ result }) => result === 'pong')).to.have.length(200)
  })

  it('makes a request that is sent right after authenticate wait for the outcome', async () => {
    const eager = await stage.connect(port)
    const [first, second] = await Promise.all([
      eager.call('authenticate', { auth_token: 'viewer' }),
      eager.call('get_camera_list'),
    ])
    expect(first.error).to.equal(undefined)
    expect(second.error).to.equal(undefined)
  })

  it('starts nothing for a connection that ended while its request waited', async () => {
    let verified = () => {}
    const verify = () =>
      new Promise<Caller>((resolve) => {
        verified = () => resolve({ user: 'ann', role: 'operator', expiresAt: world.now + 1_000 })
      })
    const { port, server } = await stage.serve(
      world.options({}, { credentials: { ...world.options().credentials, verify } }),
    )
    const [eager, witness] = await Promise.all([stage.connect(port), stage.connect(port)])
    eager.call('authenticate', { auth_token: 'operator' })
    eager.call('start_streaming', { device: 'camera0' })
    eager.socket.close()
    await eager.closed
    await until('the service notices the end of the connection', () => server.connections() === 1)
    verified()
    await witness.call('ping')
    expect(world.asked).to.deep.equal([])
  })
})
