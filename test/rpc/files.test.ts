import { appendFile, mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import type { Grant } from '../../machines/domain/access.js'
import { invalidParam } from '../../machines/domain/errors.js'
import type { FileKind, MediaFile } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { createFilesHandler, rangeOf } from '../../rpc/http/files.js'
import type { RpcOptions } from '../../rpc/options.js'
import { downloadUrl } from '../../rpc/signedUrls.js'
import { turn } from '../support/later.js'
import { createStage, createWorld, noon, type World } from './fakes.js'
import { createWeb, fakeRateLimits } from './web.js'

describe('the downloads', () => {
  const web = createWeb()
  let world: World
  let folder: string
  let rateLimits: ReturnType<typeof fakeRateLimits>
  let options: RpcOptions
  let get: Awaited<ReturnType<typeof web.serve>>['get']

  beforeEach(async () => {
    world = createWorld()
    folder = await mkdtemp(join(tmpdir(), 'rpc-files-'))
    await mkdir(join(folder, 'recordings'))
    await mkdir(join(folder, 'snapshots'))
    await writeFile(join(folder, 'recordings', 'camera0_1.mp4'), '0123456789')
    await utimes(join(folder, 'recordings', 'camera0_1.mp4'), noon / 1000, noon / 1000)
    await writeFile(join(folder, 'snapshots', 'dör "x" (1).jpg'), 'jpeg')
    await writeFile(join(folder, 'recordings', 'empty.mp4'), '')
    await writeFile(join(folder, 'outside.mp4'), 'secret')
    await symlink(join(folder, 'outside.mp4'), join(folder, 'recordings', 'link.mp4'))
    await mkdir(join(folder, 'recordings', 'folder.mp4'))
    // Accepts every name on purpose: the refusals below must come from the handler.
    const find = async (kind: FileKind, name: string): Promise<MediaFile | undefined> => {
      if (name === 'unreadable.mp4') throw new Failure('storage_missing')
      if (name === 'refused.mp4') throw invalidParam('filename', 'must be a file name')
      const full = name === 'camera0_1' ? 'camera0_1.mp4' : name
      return { name: full, camera: 'camera0', path: join(folder, kind, full), bytes: 0, modifiedAt: 0, createdAt: 0 }
    }
    options = world.options({}, { files: { ...world.options().files, find } })
    rateLimits = fakeRateLimits()
    ;({ get } = await web.serve(createFilesHandler({ services: options, rateLimits })))
  })
  afterEach(async () => {
    await web.end()
    await rm(folder, { recursive: true })
  })

  const link = (subject: string, changes: Partial<Grant> = {}) =>
    options.links.sign({
      subject,
      user: 'ann',
      expiresAt: noon + 60_000,
      credential: { kind: 'token', id: 'viewer/ann' },
      ...changes,
    })
  const anonymous = { Authorization: '' }

  it('send a whole file with the headers that a browser needs', async () => {
    // `ctime` is rounded to the next millisecond, which may be in the next second.
    const { ctimeMs } = await stat(join(folder, 'recordings', 'camera0_1.mp4'))
    const { status, headers, body } = await get('/files/recordings/camera0_1.mp4')
    expect([status, body]).to.deep.equal([200, '0123456789'])
    expect(headers).to.include({
      'content-type': 'video/mp4',
      'content-length': '10',
      'accept-ranges': 'bytes',
      'last-modified': new Date(ctimeMs).toUTCString(),
      'content-disposition': 'attachment; filename="camera0_1.mp4"',
      'x-content-type-options': 'nosniff',
    })
    expect((await get('/files/recordings/camera0_1')).headers['content-disposition']).to.include('camera0_1.mp4')
    const odd = await get(`/files/snapshots/${encodeURIComponent('dör x (1).jpg')}`)
    expect(odd.status).to.equal(404)
  })

  it('answer 503 with the reason if the folder cannot be read', async () => {
    const { status, body } = await get('/files/recordings/unreadable.mp4')
    expect([status, JSON.parse(body).error?.data?.reason ?? body]).to.deep.equal([503, 'storage_missing'])
  })

  it('answer HEAD with the headers only', async () => {
    const { status, headers, body } = await get('/files/recordings/camera0_1.mp4', {}, 'HEAD')
    expect([status, headers['content-length'], body]).to.deep.equal([200, '10', ''])
  })

  for (const [range, status, body, told] of [
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=5-100', 206, '56789', 'bytes 5-9/10'],
    ['bytes=-100', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=5-2', 200, '0123456789', undefined],
    ['bytes=0-1,3-4', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
  ] as const) {
    it(`answer ${status} to Range: ${range}`, async () => {
      const answer = await get('/files/recordings/camera0_1.mp4', { Range: range })
      expect([answer.status, answer.body, answer.headers['content-range']]).to.deep.equal([status, body, told])
    })
  }

  it('find every range of an empty file unsatisfiable', () => {
    expect(rangeOf('bytes=0-', 0)).to.equal('unsatisfiable')
    expect(rangeOf('bytes=-5', 0)).to.equal('unsatisfiable')
    expect(rangeOf(undefined, 0)).to.equal(undefined)
  })

  it('send an empty file', async () => {
    const { status, headers, body } = await get('/files/recordings/empty.mp4')
    expect([status, headers['content-length'], body]).to.deep.equal([200, '0', ''])
  })

  it('answer 304 to a client that has the file, and honour If-Range', async () => {
    const first = await get('/files/recordings/camera0_1.mp4')
    const etag = first.headers.etag ?? ''
    expect((await get('/files/recordings/camera0_1.mp4', { 'If-None-Match': etag })).status).to.equal(304)
    expect((await get('/files/recordings/camera0_1.mp4', { 'If-None-Match': '"other"' })).status).to.equal(200)
    expect(
      (await get('/files/recordings/camera0_1.mp4', { 'If-Modified-Since': first.headers['last-modified'] ?? '' }))
        .status,
    ).to.equal(304)
    expect((await get('/files/recordings/camera0_1.mp4', { Range: 'bytes=0-1', 'If-Range': etag })).status).to.equal(
      206,
    )
    expect(
      (await get('/files/recordings/camera0_1.mp4', { Range: 'bytes=0-1', 'If-Range': '"other"' })).status,
    ).to.equal(200)
  })

  it('show by ETag and date that the file was replaced by one of the same size and time', async () => {
    const file = join(folder, 'recordings', 'camera0_1.mp4')
    const first = await get('/files/recordings/camera0_1.mp4')
    // A new file has its own time until it gets that of the original.
    await writeFile(`${file}.tmp`, 'abcdefghij')
    await utimes(`${file}.tmp`, noon / 1000, noon / 1000)
    await rename(`${file}.tmp`, file)
    for (const condition of [first.headers.etag ?? '', new Date(noon).toUTCString()]) {
      const rest = await get('/files/recordings/camera0_1.mp4', { Range: 'bytes=5-', 'If-Range': condition })
      expect([rest.status, rest.body], condition).to.deep.equal([200, 'abcdefghij'])
    }
    const stale = { 'If-Modified-Since': new Date(noon).toUTCString() }
    expect((await get('/files/recordings/camera0_1.mp4', stale)).body).to.equal('abcdefghij')
    expect((await get('/files/recordings/camera0_1.mp4')).headers.etag).not.to.equal(first.headers.etag)
  })

  it('send a growing file up to its present end, with another ETag when it has grown', async () => {
    const first = await get('/files/recordings/camera0_1.mp4')
    await appendFile(join(folder, 'recordings', 'camera0_1.mp4'), 'more')
    const second = await get('/files/recordings/camera0_1.mp4')
    expect([first.body, second.body]).to.deep.equal(['0123456789', '0123456789more'])
    expect(second.headers.etag).not.to.equal(first.headers.etag)
  })

  for (const [path, status] of [
    ['/files/recordings/../outside.mp4', 404],
    ['/files/recordings/..%2foutside.mp4', 400],
    ['/files/recordings/%2e%2e%2foutside.mp4', 400],
    ['/files/recordings/..%5coutside.mp4', 400],
    ['/files/recordings/%2fetc%2fpasswd', 400],
    ['/files/recordings/camera0_1.mp4%00.jpg', 400],
    ['/files/recordings/%zz', 400],
    ['/files/recordings/..', 400],
    ['/files/recordings/.hidden', 400],
    ['/files/recordings/-rf.mp4', 400],
    ['/files/recordings/a%e2%80%aeb.mp4', 400],
    [`/files/recordings/${encodeURIComponent('ä'.repeat(128))}`, 400],
    ['/files/recordings/', 404],
    ['/files/recordings', 404],
    ['/files/other/camera0_1.mp4', 404],
    ['/files/recordings//etc/passwd', 404],
    ['/files/recordings/link.mp4', 404],
    ['/files/recordings/folder.mp4', 404],
    ['/files/recordings/missing.mp4', 404],
    ['/files/recordings/refused.mp4', 400],
  ] as const) {
    it(`answer ${status} to ${path}`, async () => {
      const answer = await get(path)
      expect(answer.status).to.equal(status)
      expect(answer.body).not.to.include('secret')
      expect(JSON.parse(answer.body).error).to.have.property('code')
      expect(answer.body).not.to.include(folder)
    })
  }

  it('need a credential, before anything about a file is revealed', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer nonsense', 'Basic viewer', `Bearer viewer/ann/${noon - 1}`]) {
      for (const path of [
        '/files/recordings/camera0_1.mp4',
        '/files/recordings/missing.mp4',
        '/files/recordings/..%2fx',
      ]) {
        const { status, headers, body } = await get(path, { Authorization: authorization })
        expect([status, headers['www-authenticate'], JSON.parse(body).error.code]).to.deep.equal([
          401,
          'Bearer',
          -32001,
        ])
      }
    }
  })

  it('answer 405 to any method but GET and HEAD', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const { status, headers } = await get('/files/recordings/camera0_1.mp4', {}, method)
      expect([status, headers.allow]).to.deep.equal([405, 'GET, HEAD'])
    }
  })

  it('allow scripts of listed origins', async () => {
    const asked = await get('/files/recordings/camera0_1.mp4', { Origin: 'http://localhost:3000' }, 'OPTIONS')
    expect([asked.status, asked.headers['access-control-allow-origin']]).to.deep.equal([204, 'http://localhost:3000'])
    expect(
      (await get('/files/recordings/camera0_1.mp4', { Origin: 'http://evil.example' })).headers,
    ).not.to.have.property('access-control-allow-origin')
  })

  it('allow scripts of any origin if * is listed', async () => {
    ;({ get } = await web.serve(createFilesHandler({ services: { ...options, corsOrigins: ['*'] }, rateLimits })))
    const { status, headers } = await get('/files/recordings/camera0_1.mp4', { Origin: 'https://any.example' })
    expect([status, headers['access-control-allow-origin']]).to.deep.equal([200, '*'])
    expect(headers).not.to.have.property('access-control-allow-credentials')
  })

  it('name a file in UTF-8, and in ASCII for old clients', async () => {
    const name = "dör ☃ 100%41 (it's).jpg"
    await writeFile(join(folder, 'snapshots', name), 'jpeg')
    const { status, headers } = await get(`/files/snapshots/${encodeURIComponent(name)}`)
    expect([status, headers['content-disposition']]).to.deep.equal([
      200,
      `attachment; filename="d_r _ 100_41 (it's).jpg"; ` +
        "filename*=UTF-8''d%C3%B6r%20%E2%98%83%20100%2541%20%28it%27s%29.jpg",
    ])
  })

  it('count in the rate limits, wrong credentials for the address', async () => {
    await get('/files/recordings/camera0_1.mp4')
    await get('/files/recordings/camera0_1.mp4', { Authorization: 'Bearer guess' })
    await get('/files/recordings/camera0_1.mp4', anonymous)
    expect(rateLimits.taken).to.deep.equal([
      { user: 'a-viewer', address: '127.0.0.1', cost: 1 },
      { address: '127.0.0.1', cost: 1 },
      { address: '127.0.0.1', cost: 1 },
    ])
    expect(rateLimits.failures).to.equal(1)
    rateLimits.wait = 4_200
    const { status, headers } = await get('/files/recordings/camera0_1.mp4')
    expect([status, headers['retry-after']]).to.deep.equal([429, '5'])
  })

  it('throttle an address with wrong credentials, but no valid credential', async () => {
    rateLimits.pauseFor = 30_000
    for (const headers of [{ Authorization: 'Bearer guess' }, { ...anonymous, 'X-API-Key': 'guess' }]) {
      const answer = await get('/files/recordings/camera0_1.mp4', headers)
      expect([answer.status, answer.headers['retry-after']]).to.deep.equal([429, '30'])
    }
    expect((await get('/files/recordings/camera0_1.mp4?camera=camera0&sig=guess', anonymous)).status).to.equal(429)
    for (const headers of [{}, { ...anonymous, 'X-API-Key': 'viewer' }])
      expect((await get('/files/recordings/camera0_1.mp4', headers)).status).to.equal(200)
    expect(
      (
        await get(
          `/files/recordings/camera0_1.mp4?camera=camera0&sig=${link('recordings/camera0/camera0_1.mp4')}`,
          anonymous,
        )
      ).status,
    ).to.equal(200)
    expect([
      rateLimits.failures,
      rateLimits.taken.length,
      world.audited.filter(({ event }) => event === 'refusal'),
    ]).to.deep.equal([0, 6, []])
  })

  it('accept an API key in X-API-Key', async () => {
    expect((await get('/files/recordings/camera0_1.mp4', { ...anonymous, 'X-API-Key': 'viewer' })).status).to.equal(200)
    expect((await get('/files/recordings/camera0_1.mp4', { ...anonymous, 'X-API-Key': 'guess' })).status).to.equal(401)
    expect((await get('/files/recordings/camera0_1.mp4', { 'X-API-Key': 'viewer' })).status).to.equal(200)
    expect((await get('/files/recordings/camera0_1.mp4', { 'X-API-Key': 'admin' })).status).to.equal(400)
  })

  it('accept a client certificate as long as it is valid', async () => {
    const caller = {
      user: 'box',
      role: 'viewer' as const,
      expiresAt: noon + 1_000,
      cameras: ['camera0'],
      credential: { kind: 'certificate' as const, id: 'ab' },
    }
    ;({ get } = await web.serve(
      createFilesHandler({ services: options, rateLimits, certificateCallerOf: () => caller }),
    ))
    const ask = async () => (await get('/files/recordings/camera0_1.mp4', anonymous)).status
    expect(await ask()).to.equal(200)
    // A picture in a foreign page: the browser sends the certificate and no Origin.
    expect(
      (await get('/files/recordings/camera0_1.mp4', { ...anonymous, 'Sec-Fetch-Site': 'cross-site' })).status,
    ).to.equal(401)
    world.now = noon + 1_000
    expect(await ask()).to.equal(401)
    world.now = noon
    await options.credentials.revoke(caller.credential, noon)
    expect(await ask()).to.equal(401)
  })

  it('hide the files of cameras that the caller may not use', async () => {
    const hidden = await get('/files/recordings/camera0_1.mp4', {
      Authorization: `Bearer operator/bob/${noon + 1}/camera1*`,
    })
    const missing = await get('/files/recordings/missing.mp4', {})
    expect([hidden.status, missing.status]).to.deep.equal([404, 404])
    expect(hidden.body.replace('camera0_1', 'missing')).to.equal(missing.body)
    const credential = `token:operator/bob/${noon + 1}/camera1*`
    expect(world.audited.filter(({ user }) => user === 'bob')).to.deep.equal([
      {
        event: 'authentication',
        action: 'GET /files/recordings',
        result: 'ok',
        user: 'bob',
        role: 'operator',
        credential,
        address: '127.0.0.1',
      },
      {
        event: 'refusal',
        action: 'GET /files/recordings',
        result: 'refused',
        user: 'bob',
        role: 'operator',
        credential,
        address: '127.0.0.1',
        subject: 'recordings/camera0_1.mp4',
        reason: 'camera_right',
      },
    ])
  })

  describe('by signed URLs', () => {
    const refused = async (path: string, reason: string) => {
      const { status, headers, body } = await get(path, anonymous)
      expect([status, headers['www-authenticate'], JSON.parse(body).error.data.reason], path).to.deep.equal([
        401,
        'Bearer',
        reason,
      ])
    }
    const path = '/files/recordings/camera0_1.mp4'

    it('need no header, also for HEAD and ranges', async () => {
      const call = {
        services: options,
        session: { address: '127.0.0.1' },
        caller: await options.credentials.verify('viewer'),
      }
      const url = downloadUrl(call, 'recordings', { camera: 'camera0', name: 'camera0_1.mp4' })
      expect(url).to.match(/^\/files\/recordings\/camera0_1\.mp4\?camera=camera0&sig=/)
      const whole = await get(url, anonymous)
      expect([whole.status, whole.body, whole.headers['referrer-policy']]).to.deep.equal([
        200,
        '0123456789',
        'no-referrer',
      ])
      expect((await get(url, anonymous, 'HEAD')).status).to.equal(200)
      expect(world.audited, 'the bearer of a signed URL shows no credential').to.deep.equal([])
      expect((await get(url, { ...anonymous, Range: 'bytes=2-3' })).body).to.equal('23')
      expect((await get(url, { Authorization: 'Basic cHJveHk6eA==' })).status).to.equal(200)
    })

    it('expire, never later than the credential', async () => {
      const { credentials, links } = options
      const grantOf = async (token: string) => {
        const call = { services: options, session: { address: '127.0.0.1' }, caller: await credentials.verify(token) }
        const sig =
          new URLSearchParams(downloadUrl(call, 'recordings', { camera: 'camera0', name: 'a.mp4' }).split('?')[1]).get(
            'sig',
          ) ?? ''
        return links.verify(sig, { subject: 'recordings/camera0/a.mp4', address: '127.0.0.1' })
      }
      const { expiresAt, credential, address } = await grantOf('viewer')
      expect({ expiresAt, credential, address }).to.deep.equal({
        expiresAt: noon + 900_000,
        credential: { kind: 'token', id: 'viewer' },
        address: undefined,
      })
      expect((await grantOf(`viewer/ann/${noon + 5_000}`)).expiresAt).to.equal(noon + 5_000)
      options = { ...options, urls: { ...options.urls, bindAddress: true } }
      expect((await grantOf('viewer')).address).to.equal('127.0.0.1')
    })

    it('open one file, also by its name without extension', async () => {
      const sig = link('recordings/camera0/camera0_1.mp4')
      expect((await get(`/files/recordings/camera0_1?camera=camera0&sig=${sig}`, anonymous)).status).to.equal(200)
      for (const other of [
        '/files/recordings/empty.mp4',
        '/files/snapshots/camera0_1.mp4',
        '/files/recordings/camera0_1.mkv',
        '/files/recordings/..%2fcamera0_1.mp4',
      ])
        await refused(`${other}?camera=camera0&sig=${sig}`, 'auth_failed')
      // The name without extension finds another file than the grant's.
      expect(
        (
          await get(
            `/files/recordings/camera0_1?camera=camera0&sig=${link('recordings/camera0/camera0_1.mkv')}`,
            anonymous,
          )
        ).status,
      ).to.equal(404)
      await refused(`${path}?camera=camera0&sig=${link('recordings/camera0/camera0_1')}`, 'auth_failed')
    })

    it('are refused if they are forged, of another kind or of another address', async () => {
      for (const sig of [
        '',
        'x',
        link('snapshots/camera0/camera0_1.mp4'),
        link('still:camera0'),
        link('stream:camera0'),
        link('recordings/camera0/'),
        'a'.repeat(4_000),
      ])
        await refused(`${path}?camera=camera0&sig=${sig}`, 'auth_failed')
      await refused(
        `${path}?camera=camera0&sig=${link('recordings/camera0/camera0_1.mp4', { address: '10.0.0.9' })}`,
        'auth_failed',
      )
      expect(rateLimits.failures).to.equal(8)
      expect(world.audited.every(({ reason }) => reason === 'auth_failed')).to.equal(true)
      expect(
        (
          await get(
            `${path}?camera=camera0&sig=${link('recordings/camera0/camera0_1.mp4', { address: '127.0.0.1' })}`,
            anonymous,
          )
        ).status,
      ).to.equal(200)
    })

    it('are refused with the reason if they have ended, and do not count as guesses', async () => {
      await refused(
        `${path}?camera=camera0&sig=${link('recordings/camera0/camera0_1.mp4', { expiresAt: noon })}`,
        'token_expired',
      )
      await options.credentials.revoke({ kind: 'token', id: 'viewer/ann' }, noon + 60_000)
      await refused(`${path}?camera=camera0&sig=${link('recordings/camera0/camera0_1.mp4')}`, 'revoked')
      expect(rateLimits.failures).to.equal(0)
    })

    it('open nothing if another camera’s file has taken the name since', async () => {
      const sig = link('recordings/camera1/camera0_1.mp4')
      expect((await get(`${path}?camera=camera1&sig=${sig}`, anonymous)).status).to.equal(404)
      await refused(`${path}?camera=camera0&sig=${sig}`, 'auth_failed')
      await refused(`${path}?sig=${sig}`, 'auth_failed')
    })

    it('are used only without a credential in a header, and only once', async () => {
      const sig = link('recordings/camera0/camera0_1.mp4')
      expect((await get(`${path}?camera=camera0&sig=${sig}`, { Authorization: 'Bearer guess' })).status).to.equal(401)
      expect((await get(`${path}?camera=camera0&sig=guess`)).status).to.equal(200)
      expect((await get(`${path}?camera=camera0&sig=${sig}&sig=${sig}`, anonymous)).status).to.equal(400)
    })
  })

  it('are served on the port of the API, at the URLs of a list, beside the pictures', async () => {
    const stage = createStage()
    try {
      const { port } = await stage.serve(options)
      const client = await stage.connect(port, { role: 'viewer' })
      const { result } = await client.call('list_recordings')
      const { filename, download_url: url } = result.files[0]
      await writeFile(join(folder, 'recordings', filename), 'recorded')
      const answer = await fetch(new URL(url, `http://127.0.0.1:${port}`))
      expect([answer.status, await answer.text()]).to.deep.equal([200, 'recorded'])
      const picture = await fetch(`http://127.0.0.1:${port}/cameras/camera0/snapshot.jpg`, {
        headers: { 'X-API-Key': 'viewer' },
      })
      expect([picture.status, await picture.text()]).to.deep.equal([200, 'a picture'])
    } finally {
      await stage.end()
    }
  })

  it('are cut when the credential is revoked', async () => {
    await writeFile(join(folder, 'recordings', 'long.mp4'), Buffer.alloc(64 * 1024 * 1024))
    const url = `/files/recordings/long.mp4?camera=camera0&sig=${link('recordings/camera0/long.mp4')}`
    const slow = await web.begin(createFilesHandler({ services: options, rateLimits }), url)
    expect(slow.response.statusCode).to.equal(200)
    await options.credentials.revoke({ kind: 'token', id: 'other' }, noon)
    expect(slow.isCut()).to.equal(false)
    await options.credentials.revoke({ kind: 'token', id: 'viewer/ann' }, noon)
    expect(await slow.received()).to.be.lessThan(64 * 1024 * 1024)
    expect(slow.isCut()).to.equal(true)
  })

  for (const [what, { path = '', headers = {}, total = 3_600_000, limit }] of Object.entries<{
    path?: string
    headers?: Record<string, string>
    total?: number
    limit: number
  }>({
    'when their credential ends': { headers: { Authorization: `Bearer viewer/ann/${noon + 10_000}` }, limit: 10_000 },
    'a minute after the end of their URL': { path: '?sig', limit: 70_000 },
    'when they take too long': { headers: { Authorization: 'Bearer viewer' }, total: 5_000, limit: 5_000 },
  })) {
    it(`are cut ${what}, whatever the client reads`, async () => {
      await writeFile(join(folder, 'recordings', 'long.mp4'), Buffer.alloc(64 * 1024 * 1024))
      const timers = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      try {
        const services = { ...options, limits: { ...options.limits, downloadTimeout: 0, downloadTotal: total } }
        const sig = link('recordings/camera0/long.mp4', { expiresAt: noon + 10_000 })
        const url = `/files/recordings/long.mp4${path && `?camera=camera0&sig=${sig}`}`
        const slow = await web.begin(createFilesHandler({ services, rateLimits }), url, headers)
        const pass = (ms: number) => {
          world.now += ms
          timers.tick(ms)
        }
        pass(limit - 1)
        await turn()
        expect(slow.isCut()).to.equal(false)
        pass(1)
        await slow.closed
        expect(await slow.received()).to.be.lessThan(64 * 1024 * 1024)
      } finally {
        timers.restore()
      }
    })
  }

  it('are cut when the file is deleted: a slow client would keep the disk full', async () => {
    const file = join(folder, 'recordings', 'long.mp4')
    await writeFile(file, Buffer.alloc(64 * 1024 * 1024))
    const timers = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const slow = await web.begin(
        createFilesHandler({ services: options, rateLimits }),
        `/files/recordings/long.mp4?camera=camera0&sig=${link('recordings/camera0/long.mp4')}`,
      )
      await rm(file)
      timers.tick(10_000)
      await slow.closed
      expect(await slow.received()).to.be.lessThan(64 * 1024 * 1024)
    } finally {
      timers.restore()
    }
  })

  it('go on with the old file when it is replaced, until the new one is deleted', async () => {
    const file = join(folder, 'recordings', 'long.mp4')
    const url = `/files/recordings/long.mp4?camera=camera0&sig=${link('recordings/camera0/long.mp4')}`
    await writeFile(file, Buffer.alloc(64 * 1024 * 1024))
    const timers = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const handler = createFilesHandler({ services: options, rateLimits })
      const [whole, cut] = [await web.begin(handler, url), await web.begin(handler, url)]
      await writeFile(`${file}.tmp`, 'new')
      await rename(`${file}.tmp`, file)
      timers.tick(10_000)
      // The checks read the disk, too.
      for (let reads = 0; reads < 20; reads += 1) await stat(file)
      expect([whole.isCut(), cut.isCut()]).to.deep.equal([false, false])
      expect(await whole.received()).to.equal(64 * 1024 * 1024)
      await rm(file)
      timers.tick(10_000)
      await cut.closed
      expect(await cut.received()).to.be.lessThan(64 * 1024 * 1024)
    } finally {
      timers.restore()
    }
  })

  it('are cut if the client does not read', async () => {
    await writeFile(join(folder, 'recordings', 'long.mp4'), Buffer.alloc(64 * 1024 * 1024))
    const services = { ...options, limits: { ...options.limits, downloadTimeout: 50 } }
    const slow = await web.begin(
      createFilesHandler({ services, rateLimits }),
      `/files/recordings/long.mp4?camera=camera0&sig=${link('recordings/camera0/long.mp4')}`,
    )
    await slow.closed
    expect(await slow.received()).to.be.lessThan(64 * 1024 * 1024)
  })
})
