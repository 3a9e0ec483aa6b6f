import { appendFile, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { invalidParam } from '../../machines/domain/errors.js'
import type { FileKind, MediaFile } from '../../machines/domain/ports.js'
import { rangeOf } from '../../rpc/http/files.js'
import type { RpcOptions } from '../../rpc/options.js'
import { createStage, createWorld, noon, type World } from './fakes.js'

describe('the downloads', () => {
  const stage = createStage()
  let world: World
  let folder: string
  let port: number
  let options: RpcOptions

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
    // Trusting on purpose: what is refused below is refused before or after it.
    const find = async (kind: FileKind, name: string): Promise<MediaFile | undefined> => {
      if (name === 'refused.mp4') throw invalidParam('filename', 'must be a file name')
      const full = name === 'camera0_1' ? 'camera0_1.mp4' : name
      return { name: full, camera: 'camera0', path: join(folder, kind, full), bytes: 0, modifiedAt: 0, createdAt: 0 }
    }
    options = world.options({}, { files: { ...world.options().files, find } })
    ;({ port } = await stage.serve(options))
  })
  afterEach(async () => {
    await stage.end()
    await rm(folder, { recursive: true })
  })

  /** Not `fetch`, which tidies paths up before it sends them. */
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const sent = request(
        { port, host: '127.0.0.1', path, method, agent: false, headers: { Authorization: 'Bearer viewer', ...headers } },
        async (response) => {
          let body = ''
          for await (const chunk of response) body += chunk
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
        },
      )
      sent.on('error', reject)
      sent.end()
    })

  it('give a file whole, with what a browser needs to know', async () => {
    const { status, headers, body } = await get('/files/recordings/camera0_1.mp4')
    expect([status, body]).to.deep.equal([200, '0123456789'])
    expect(headers).to.include({
      'content-type': 'video/mp4',
      'content-length': '10',
      'accept-ranges': 'bytes',
      'last-modified': 'Sun, 01 Jun 2025 12:00:00 GMT',
      'content-disposition': `attachment; filename="camera0_1.mp4"; filename*=UTF-8''camera0_1.mp4`,
      'x-content-type-options': 'nosniff',
    })
    expect((await get('/files/recordings/camera0_1')).headers['content-disposition']).to.include('camera0_1.mp4')
    const odd = await get(`/files/snapshots/${encodeURIComponent('dör x (1).jpg')}`)
    expect(odd.status).to.equal(404)
  })

  it('to HEAD give the headers only', async () => {
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
    it(`Range: ${range} is answered ${status}`, async () => {
      const answer = await get('/files/recordings/camera0_1.mp4', { Range: range })
      expect([answer.status, answer.body, answer.headers['content-range']]).to.deep.equal([status, body, told])
    })
  }

  it('ranges of an empty file cannot be satisfied', () => {
    expect(rangeOf('bytes=0-', 0)).to.equal('unsatisfiable')
    expect(rangeOf('bytes=-5', 0)).to.equal('unsatisfiable')
    expect(rangeOf(undefined, 0)).to.equal(undefined)
  })

  it('give an empty file', async () => {
    const { status, headers, body } = await get('/files/recordings/empty.mp4')
    expect([status, headers['content-length'], body]).to.deep.equal([200, '0', ''])
  })

  it('are not sent again to who has them', async () => {
    const first = await get('/files/recordings/camera0_1.mp4')
    const etag = first.headers.etag ?? ''
    expect((await get('/files/recordings/camera0_1.mp4', { 'If-None-Match': etag })).status).to.equal(304)
    expect((await get('/files/recordings/camera0_1.mp4', { 'If-None-Match': '"other"' })).status).to.equal(200)
    expect((await get('/files/recordings/camera0_1.mp4', { 'If-Modified-Since': first.headers['last-modified'] ?? '' })).status).to.equal(304)
    expect((await get('/files/recordings/camera0_1.mp4', { Range: 'bytes=0-1', 'If-Range': etag })).status).to.equal(206)
    expect((await get('/files/recordings/camera0_1.mp4', { Range: 'bytes=0-1', 'If-Range': '"other"' })).status).to.equal(200)
  })

  it('end where a growing file ends now, and tell it from the longer one', async () => {
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
    it(`${path} is ${status}`, async () => {
      const answer = await get(path)
      expect(answer.status).to.equal(status)
      expect(answer.body).not.to.include('secret')
      expect(JSON.parse(answer.body).error).to.have.property('code')
      expect(answer.body).not.to.include(folder)
    })
  }

  it('are for bearers of a token only, who are told nothing before', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer nonsense', 'Basic viewer', `Bearer viewer/ann/${noon - 1}`]) {
      for (const path of ['/files/recordings/camera0_1.mp4', '/files/recordings/missing.mp4', '/files/recordings/..%2fx']) {
        const { status, headers, body } = await get(path, { Authorization: authorization })
        expect([status, headers['www-authenticate'], JSON.parse(body).error.code]).to.deep.equal([401, 'Bearer', -32001])
      }
    }
  })

  it('are read only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const { status, headers } = await get('/files/recordings/camera0_1.mp4', {}, method)
      expect([status, headers.allow]).to.deep.equal([405, 'GET, HEAD'])
    }
  })

  it('may be asked for by scripts of the listed origins', async () => {
    const asked = await get('/files/recordings/camera0_1.mp4', { Origin: 'http://localhost:3000' }, 'OPTIONS')
    expect([asked.status, asked.headers['access-control-allow-origin']]).to.deep.equal([204, 'http://localhost:3000'])
    expect((await get('/files/recordings/camera0_1.mp4', { Origin: 'http://evil.example' })).headers).not.to.have.property('access-control-allow-origin')
  })

  it('may be asked for by scripts of any origin where * is listed', async () => {
    ;({ port } = await stage.serve({ ...options, corsOrigins: ['*'] }))
    const { status, headers } = await get('/files/recordings/camera0_1.mp4', { Origin: 'https://any.example' })
    expect([status, headers['access-control-allow-origin']]).to.deep.equal([200, '*'])
    expect(headers).not.to.have.property('access-control-allow-credentials')
  })

  it('give a name of any letters as it is, and in ASCII for who cannot read that', async () => {
    const name = "dör ☃ 100%41 (it's).jpg"
    await writeFile(join(folder, 'snapshots', name), 'jpeg')
    const { status, headers } = await get(`/files/snapshots/${encodeURIComponent(name)}`)
    expect([status, headers['content-disposition']]).to.deep.equal([
      200,
      `attachment; filename="d_r _ 100_41 (it's).jpg"; filename*=UTF-8''d%C3%B6r%20%E2%98%83%20100%2541%20%28it%27s%29.jpg`,
    ])
  })

  it('count in the rate limit, guesses for the address', async () => {
    ;({ port } = await stage.serve({ ...options, limits: { ...options.limits, rate: { requests: 2, window: 60_000 } } }))
    for (const status of [200, 200, 429]) expect((await get('/files/recordings/camera0_1.mp4')).status).to.equal(status)
    for (const status of [401, 401, 429]) expect((await get('/files/recordings/camera0_1.mp4', { Authorization: 'Bearer guess' })).status).to.equal(status)
    expect(Number((await get('/files/recordings/camera0_1.mp4')).headers['retry-after'])).to.be.within(1, 60)
  })
})
