import { access, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Still, StillRequest } from '../../actors/ask.js'
import { dependencyFailed, ServiceError } from '../../machines/domain/errors.js'
import { createStillsHandler } from '../../rpc/http/stills.js'
import type { RpcOptions } from '../../rpc/options.js'
import { stillUrl } from '../../rpc/signedUrls.js'
import { later, turn } from '../support/later.js'
import { unplugging } from './fakeExplain.js'
import { createWorld, noon, type World } from './fakes.js'
import { createWeb, fakeRateLimits } from './web.js'

/** Waits 2 s at most. */
const until = async (isIt: () => boolean) => {
  const end = performance.now() + 2_000
  while (!isIt()) {
    if (performance.now() > end) throw new Error(`never came: ${isIt}`)
    await turn()
  }
}

describe('pictures by URL', () => {
  const web = createWeb()
  let world: World
  let rateLimits: ReturnType<typeof fakeRateLimits>
  let services: RpcOptions
  let get: Awaited<ReturnType<typeof web.serve>>['get']

  beforeEach(async () => {
    world = createWorld()
    services = world.options()
    rateLimits = fakeRateLimits()
    ;({ get } = await web.serve(createStillsHandler({ services, rateLimits })))
  })
  afterEach(() => web.end())

  const path = '/cameras/camera0/snapshot.jpg'
  const anonymous = { Authorization: '' }
  const requests = () =>
    world.asked.filter(({ what }) => what === 'takeStill').map(({ request }) => request as StillRequest)

  /** Captures that wait for the test. */
  const captures = () => {
    const open: ReturnType<typeof later<Still>>[] = []
    world.ask.takeStill = () => {
      const one = later<Still>()
      open.push(one)
      return one.promise
    }
    const give = async (index: number, capturedAt = world.now) => {
      const file = join(tmpdir(), `still-test-${process.pid}-${index}.jpg`)
      await writeFile(file, `picture ${index}`)
      open[index]?.resolve({ file, bytes: 9, tier: 3, capturedAt })
    }
    return { open, give, opened: (count: number) => until(() => open.length >= count) }
  }

  it('are refused with the facts of the state, as by RPC', async () => {
    world.entries = unplugging(noon)
    world.ask.takeStill = () => {
      throw new ServiceError('invalidState', {
        state: world.cameras.find(({ id }) => id === 'camera1')?.cause.state ?? '',
      })
    }
    const { status, body } = await get('/cameras/camera1/snapshot.jpg')
    expect(status).to.equal(409)
    expect(JSON.parse(body).error.data).to.deep.include({
      evidence: { reason: 'unplugged', details: 'the camera was unplugged', udev_action: 'remove' },
      causes: ['the device is gone: the camera was unplugged; before it, the system reported a change of its devices'],
    })
    world.ask.takeStill = () => {
      throw dependencyFailed('storage', 'the disk is full')
    }
    const { data } = JSON.parse((await get(path)).body).error
    expect(data).to.include({ dependency: 'storage' })
    expect(data.causes).to.deep.equal(['the disk was measured: it has room'])
  })

  it('come with their tier and age, and leave no file', async () => {
    let file = ''
    const { takeStill } = services.ask
    world.ask.takeStill = async (camera, request) => {
      const still = await takeStill(camera, request)
      file = still.file
      return still
    }
    const { status, headers, body } = await get(path)
    expect([status, body]).to.deep.equal([200, 'a picture'])
    expect(headers).to.include({
      'content-type': 'image/jpeg',
      'content-length': '9',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-snapshot-tier': '2',
      'x-snapshot-age': '100',
      'x-snapshot-captured-at': '2025-06-01T11:59:59.900Z',
    })
    expect(headers).not.to.have.property('etag')
    const gone = await access(file).then(
      () => false,
      () => true,
    )
    expect(gone).to.equal(true)
  })

  it('answer HEAD with the headers only', async () => {
    const { status, headers, body } = await get(path, {}, 'HEAD')
    expect([status, headers['content-length'], headers['x-snapshot-tier'], body]).to.deep.equal([200, '9', '2', ''])
  })

  it('follow the query', async () => {
    await get(`${path}?max_age=0.25&w=320&h=240&q=50&_=1234`)
    await get(path)
    expect(requests().map(({ by, ...wish }) => ({ user: by.user, ...wish }))).to.deep.equal([
      { user: 'a-viewer', maxAge: 250, width: 320, height: 240, quality: 50 },
      { user: 'a-viewer', maxAge: 1_000, quality: 90 },
    ])
  })

  it('fill a frame on request, as a picture of their own', async () => {
    await get(`${path}?w=100&h=100&fit=fill`)
    await get(`${path}?w=100&h=100&fit=contain`)
    expect(requests().map(({ fit }) => fit)).to.deep.equal(['fill', undefined])
    for (const query of ['fit=fill', 'w=100&fit=fill', 'fit=cover', 'w=100&h=100&fit=fill&fit=contain']) {
      const { status, body } = await get(`${path}?${query}`)
      expect([status, JSON.parse(body).error.data.param], query).to.deep.equal([400, 'fit'])
    }
  })

  for (const query of [
    'max_age=-1',
    'max_age=1e3',
    'max_age=3601',
    'max_age=',
    'w=15',
    'w=7681',
    'w=20.5',
    'h=4321',
    'q=0',
    'q=101',
    'q=NaN',
    'w=100&w=200',
  ]) {
    it(`answer 400 with the allowed range to ${query}`, async () => {
      const { status, body } = await get(`${path}?${query}`)
      const { data } = JSON.parse(body).error
      expect([status, data.param]).to.deep.equal([400, query.split('=')[0]])
      expect(data.rule).to.match(/from \d+ to \d+/)
      expect(requests()).to.deep.equal([])
    })
  }

  it('answer 404 for cameras that do not exist or that the caller may not use', async () => {
    const asked = await Promise.all(
      [
        '/cameras/camera9/snapshot.jpg',
        '/cameras/yard/snapshot.jpg',
        '/cameras/..%2fcamera0/snapshot.jpg',
        '/cameras/camera00/snapshot.jpg',
      ].map((each) => get(each)),
    )
    expect(asked.map(({ status }) => status)).to.deep.equal([404, 404, 404, 404])
    for (const other of [
      '/cameras/',
      '/cameras/camera0',
      '/cameras/camera0/snapshot.jpg/x',
      '/cameras/camera0/snapshot.png',
      '/cameras//snapshot.jpg',
    ])
      expect((await get(other)).status, other).to.equal(404)
    expect(world.audited.filter(({ event }) => event === 'refusal')).to.deep.equal([])
    const hidden = await get(path, { Authorization: `Bearer admin/bob/${noon + 1}/camera1*` })
    expect([hidden.status, hidden.body]).to.deep.equal([404, asked[0]?.body.replace('camera9', 'camera0')])
    expect(
      world.audited.slice(-2).map(({ event, action, user, subject, reason }) => [event, action, user, subject, reason]),
    ).to.deep.equal([
      ['authentication', 'GET /cameras/snapshot.jpg', 'bob', undefined, undefined],
      ['refusal', 'GET /cameras/snapshot.jpg', 'bob', 'camera0/snapshot.jpg', 'camera_right'],
    ])
    expect(requests()).to.deep.equal([])
  })

  it('need a credential, before anything is revealed', async () => {
    for (const each of [path, '/cameras/camera9/snapshot.jpg', `${path}?w=1`]) {
      expect((await get(each, anonymous)).status).to.equal(401)
      expect((await get(each, { Authorization: 'Bearer guess' })).status).to.equal(401)
    }
    expect(rateLimits.failures).to.equal(3)
  })

  it('cost as much as a snapshot', async () => {
    await get(path)
    expect(rateLimits.taken).to.deep.equal([{ user: 'a-viewer', address: '127.0.0.1', cost: 10 }])
  })

  it('accept a signed URL of the same camera', async () => {
    const call = { services, session: { address: '127.0.0.1' }, caller: await services.credentials.verify('operator') }
    const url = stillUrl(call, 'camera0')
    expect((await get(`${url}&w=64`, anonymous)).status).to.equal(200)
    expect((await get(url.replace('camera0', 'camera1'), anonymous)).status).to.equal(401)
    const sig = services.links.sign({ subject: 'stream:camera0', user: 'ann', expiresAt: noon + 1_000 })
    expect((await get(`${path}?sig=${sig}`, anonymous)).status).to.equal(401)
    await services.credentials.revoke({ kind: 'token', id: 'operator' }, noon)
    const { status, body } = await get(url, anonymous)
    expect([status, JSON.parse(body).error.data.reason]).to.deep.equal([401, 'revoked'])
  })

  it('are taken once for equal requests at the same time', async () => {
    const { open, give, opened } = captures()
    const answers = Promise.all([get(path), get(path), get(path), get(`${path}?w=64`)])
    await opened(2)
    await until(() => rateLimits.taken.length >= 4)
    await give(0)
    await give(1)
    expect((await answers).map(({ status }) => status)).to.deep.equal([200, 200, 200, 200])
    expect(open).to.have.length(2)
    expect((await answers).filter(({ body }) => body === 'picture 1')).to.have.length(1)
  })

  it('are taken once more for a request that came when the picture was too old already', async () => {
    const { give, opened } = captures()
    const first = get(`${path}?max_age=0`)
    await opened(1)
    world.now += 500
    const second = get(`${path}?max_age=0`)
    await until(() => rateLimits.taken.length >= 2)
    await turn()
    await give(0, noon + 100)
    await opened(2)
    await give(1)
    expect([(await first).body, (await second).body]).to.deep.equal(['picture 0', 'picture 1'])
  })

  it('are waited for by 32 requests at most, without those that were aborted', async () => {
    const { give, opened } = captures()
    const handler = createStillsHandler({ services, rateLimits })
    const gone = later<void>()
    const { port, get } = await web.serve((asked, answer) => {
      if (asked.url === `${path}?away`) answer.once('close', () => gone.resolve())
      return handler(asked, answer)
    })
    const away = request({
      port,
      host: '127.0.0.1',
      path: `${path}?away`,
      agent: false,
      headers: { Authorization: 'Bearer viewer' },
    })
    away.on('error', () => {})
    away.end()
    const waiting = Array.from({ length: 31 }, () => get(path))
    await opened(1)
    await until(() => rateLimits.taken.length >= 32)
    const late = await get(path)
    expect([late.status, late.headers['retry-after'], JSON.parse(late.body).error.data.reason]).to.deep.equal([
      429,
      '1',
      'too_many_waiting',
    ])
    away.destroy()
    await gone.promise
    await turn()
    waiting.push(get(path))
    await until(() => rateLimits.taken.length >= 34)
    await give(0)
    expect((await Promise.all(waiting)).map(({ status }) => status)).to.deep.equal(new Array(32).fill(200))
  })

  for (const [what, error, status] of [
    [
      'a camera in the wrong state',
      new ServiceError('invalidState', { reason: 'invalid_state', state: 'unplugged', allowed_states: ['available'] }),
      409,
    ],
    ['a failed capture', dependencyFailed('camera', 'no keyframe'), 503],
    ['an internal error', new Error('/secret/path'), 500],
  ] as const) {
    it(`answer ${status} to ${what}`, async () => {
      world.ask.takeStill = async () => {
        throw error
      }
      const answer = await get(path)
      expect(answer.status).to.equal(status)
      expect(answer.body).not.to.include('secret')
      expect((await get(path)).status).to.equal(status)
    })
  }

  it('are not taken while the service starts', async () => {
    world.system = { ...world.system, status: 'starting', message: 'cameras are being looked for' }
    const { status, body } = await get(path)
    expect([status, JSON.parse(body).error.data.reason]).to.deep.equal([503, 'service_initializing'])
  })

  it('answer 405 to POST, and allow scripts of listed origins', async () => {
    expect((await get(path, {}, 'POST')).status).to.equal(405)
    const { status, headers } = await get(path, { Origin: 'http://localhost:3000' }, 'OPTIONS')
    expect([status, headers['access-control-allow-headers']]).to.deep.equal([
      204,
      'Authorization, X-API-Key, Range, If-Range',
    ])
  })
})
