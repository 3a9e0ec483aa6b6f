import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { transfer } from '../../commands/client/transfer.js'
import { failure } from '../../commands/outcome.js'
import { fakeScreen } from './fakeClient.js'

describe('transfer of a file', () => {
  let dir: string
  let server: Server
  let reply: (request: IncomingMessage, response: ServerResponse) => void
  let url: string
  before(async () => {
    server = createServer((request, response) => reply(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    url = `ws://127.0.0.1:${typeof address === 'object' && address?.port}/ws`
  })
  after(() => server.close())
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const stage = () => {
    const { shown, screen } = fakeScreen()
    const ending = new AbortController()
    let now = 0
    // Each look at the clock is a second later: every piece is shown.
    const clock = { now: () => now, monotonic: () => (now += 1000) }
    const output = new PassThrough()
    const run = (to: string, force = false) =>
      transfer(
        { url, tls: {} },
        { path: '/files/recordings/a.mp4?sig=x', name: 'a.mp4', to, force },
        { screen, signal: ending.signal, clock, output },
      )
    return { shown, ending, output, run }
  }

  it('saves a file, and shows how much is there', async () => {
    let asked = ''
    reply = ({ url = '' }, response) => {
      asked = url
      response.writeHead(200, { 'Content-Length': 2000 }).end('x'.repeat(2000))
    }
    const { run, shown } = stage()
    const to = join(dir, 'a.mp4')
    await writeFile(to, 'old')
    expect(await run(to, true)).to.equal(2000)
    expect(asked).to.equal('/files/recordings/a.mp4?sig=x')
    expect(await readFile(to, 'utf8')).to.have.length(2000)
    expect(await readdir(dir)).to.deep.equal(['a.mp4'])
    expect(shown.slice(-2)).to.deep.equal(['a.mp4: 2.0 KB of 2.0 KB (100 %)', ''])
  })

  it('writes to standard output, and leaves it open', async () => {
    reply = (_, response) => response.end('media')
    const { run, output } = stage()
    expect(await run('-')).to.equal(5)
    output.end('.')
    expect(await text(output)).to.equal('media.')
  })

  it('leaves no file, and the old one as it was, if the connection breaks', async () => {
    reply = (_, response) => {
      response.writeHead(200, { 'Content-Length': 2000 })
      response.write('x'.repeat(1000), () => response.destroy())
    }
    const to = join(dir, 'a.mp4')
    await writeFile(to, 'old')
    const { status, err } = failure(
      await stage()
        .run(to, true)
        .catch((error: unknown) => error),
    )
    expect(status).to.equal(69)
    expect(err).to.match(/^camera-service: the download has failed: .*; try again$/)
    expect([await readdir(dir), await readFile(to, 'utf8')]).to.deep.equal([['a.mp4'], 'old'])
  })

  it('leaves no file after Ctrl-C, with status 130', async () => {
    const { run, ending } = stage()
    reply = (_, response) => {
      response.writeHead(200, { 'Content-Length': 2000 })
      response.write('x', () => ending.abort())
    }
    const { status, err } = failure(await run(join(dir, 'a.mp4')).catch((error: unknown) => error))
    expect([status, err]).to.deep.equal([130, 'camera-service: interrupted: nothing was saved'])
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('fails with the sentence of the service', async () => {
    const error = {
      code: -32001,
      message: 'token expired',
      data: { details: 'it has expired', suggestion: 'Get a new one' },
    }
    reply = (_, response) => response.writeHead(401).end(JSON.stringify({ error }))
    const { status, err } = failure(
      await stage()
        .run(join(dir, 'a'))
        .catch((error: unknown) => error),
    )
    expect([status, err]).to.deep.equal([77, 'camera-service: token expired; it has expired; Get a new one'])
    reply = (_, response) => response.writeHead(502).end('<html>')
    const other = failure(
      await stage()
        .run(join(dir, 'a'))
        .catch((error: unknown) => error),
    )
    expect([other.status, other.err]).to.deep.equal([1, 'camera-service: HTTP 502 Bad Gateway'])
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('names the reason if the file cannot be written', async () => {
    reply = (_, response) => response.end('media')
    const { err } = failure(
      await stage()
        .run(join(dir, 'none', 'a'))
        .catch((error: unknown) => error),
    )
    expect(err).to.equal('camera-service: the file cannot be written (ENOENT): name another one with -o')
    const folder = failure(
      await stage()
        .run(dir)
        .catch((error: unknown) => error),
    )
    expect(folder.err).to.equal(`camera-service: ${dir} is a folder: name a file with -o`)
  })

  it('writes to a device, and does not replace it', async () => {
    reply = (_, response) => response.end('media')
    expect(await stage().run('/dev/null')).to.equal(5)
    expect((await (await import('node:fs/promises')).stat('/dev/null')).isCharacterDevice()).to.equal(true)
  })
})
