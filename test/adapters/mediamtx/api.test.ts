import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { createApi, Unreachable } from '../../../adapters/mediamtx/api.js'
import { exchangeFar } from '../../../adapters/mediamtx/exchangeFar.js'
import { exchangeNear } from '../../../adapters/mediamtx/exchangeNear.js'
import { whoAnswers } from '../../../adapters/mediamtx/findServer.js'
import { fakeServer, never, ok, rejection } from './fakeServer.js'

const MiB = 1024 * 1024

const exchanges = { 'on this host': exchangeNear, 'on another host': exchangeFar }

for (const [where, exchange] of Object.entries(exchanges)) {
  describe(`media server ${where}: the size of answers`, () => {
    const closers: (() => unknown)[] = []
    afterEach(async () => {
      for (const close of closers.splice(0)) await close()
    })

    /** A server whose answers never end. `sent`: the bytes of the last one until the client closed the connection. */
    const endless = async (status = 200) => {
      const chunk = Buffer.alloc(256 * 1024, ' ')
      let sent = 0
      let closed = Promise.resolve()
      const server = createServer((_, response) => {
        sent = 0
        closed = once(response, 'close').then(() => {})
        response.writeHead(status, { 'content-type': 'application/json' })
        const more = () => {
          if (response.destroyed) return
          sent += chunk.length
          if (response.write(chunk)) setImmediate(more)
          else response.once('drain', more)
        }
        more()
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      closers.push(() => {
        server.closeAllConnections()
        server.close()
      })
      const { port } = server.address() as AddressInfo
      return { port, url: `http://127.0.0.1:${port}`, sent: () => closed.then(() => sent) }
    }
    const failure = async (apiUrl: string, path: string, method: 'GET' | 'POST' = 'GET') => {
      const error = await rejection(createApi({ apiUrl, timeout: 9_000, exchange })({ method, path, signal: never() }))
      expect(error).to.be.instanceOf(Unreachable)
      return { message: error.message, again: error instanceof Unreachable && error.again }
    }
    /** What a connection holds besides. */
    const buffers = 16 * MiB

    it('is limited to 1 MiB, and to 32 MiB for lists; the connection is closed then', async () => {
      const { url, sent } = await endless()
      const tooLarge = (size: string) => ({
        message: `the media server does not answer (its answer is larger than ${size})`,
        again: false,
      })
      expect(await failure(url, '/v3/info')).to.deep.equal(tooLarge('1 MiB'))
      expect(await sent()).to.be.within(MiB, MiB + buffers)
      expect(await failure(url, '/v3/rtspsessions/kick/x', 'POST')).to.deep.equal(tooLarge('1 MiB'))
      expect(await failure(url, '/v3/paths/list?itemsPerPage=100&page=0')).to.deep.equal(tooLarge('32 MiB'))
      expect(await sent()).to.be.within(32 * MiB, 32 * MiB + buffers)
    })

    it('is limited for errors too', async () => {
      const { url, sent } = await endless(400)
      expect((await failure(url, '/v3/info')).message).to.contain('its answer is larger than 1 MiB')
      expect(await sent()).to.be.below(MiB + buffers)
    })

    it('may be several MiB for a list', async () => {
      const items = Array.from({ length: 100 }, (_, index) => ({
        name: `camera${index}`,
        readers: 'x'.repeat(100_000),
      }))
      const server = await fakeServer(() => ({ json: { itemCount: 100, pageCount: 1, items } }))
      closers.push(server.close)
      const api = createApi({ apiUrl: server.url, timeout: 9_000, exchange })
      expect(await api({ method: 'GET', path: '/v3/paths/list', signal: never() })).to.have.deep.property(
        'items',
        items,
      )
    })

    it('does not grow by decompression, which is not requested', async () => {
      const bomb = gzipSync(Buffer.alloc(40 * MiB, ' '))
      const requested: unknown[] = []
      const server = createServer((request, response) => {
        requested.push(request.headers['accept-encoding'])
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      closers.push(() => server.close())
      const { port } = server.address() as AddressInfo
      expect((await failure(`http://127.0.0.1:${port}`, '/v3/info')).message).to.equal(
        'the media server does not answer (the server there is not MediaMTX)',
      )
      expect(requested).to.deep.equal([undefined])
    })

    it('does not matter for a call that its signal aborts', async () => {
      const { url } = await endless()
      const api = createApi({ apiUrl: url, timeout: 9_000, exchange })
      const end = new AbortController()
      const call = rejection(api({ method: 'GET', path: '/v3/paths/list', signal: end.signal }))
      end.abort(new Error('stopped'))
      expect((await call).message).to.equal('stopped')
    })

    it('is limited for the question which server answers', async () => {
      const { port, sent } = await endless()
      expect(await whoAnswers({ host: '127.0.0.1', port }, never(), 9_000)).to.equal('other')
      expect(await sent()).to.be.below(buffers)
      const small = await fakeServer(() => ok)
      closers.push(small.close)
      expect(await whoAnswers({ host: '127.0.0.1', port: small.port }, never(), 9_000)).to.equal('other')
    })
  })

  describe(`media server ${where}: a call`, () => {
    const servers: Server[] = []
    afterEach(() => {
      for (const server of servers.splice(0)) {
        server.closeAllConnections()
        server.close()
      }
    })
    const serve = async (listener: RequestListener, timeout = 9_000) => {
      const server = createServer(listener).listen(0, '127.0.0.1')
      servers.push(server)
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      return createApi({ apiUrl: `http://user:p%40ss@127.0.0.1:${port}`, timeout, exchange })
    }
    const info = { method: 'GET', path: '/v3/info' } as const

    it('sends the credentials and the body', async () => {
      const api = await serve(async (request, response) => {
        const { method, url, headers } = request
        const body = JSON.parse(Buffer.concat(await request.toArray()).toString())
        response.end(JSON.stringify({ method, url, by: headers.authorization, type: headers['content-type'], body }))
      })
      const body = { record: true, name: 'ö' }
      expect(await api({ method: 'PATCH', path: '/v3/x/a%2Fb', body, signal: never() })).to.deep.equal({
        method: 'PATCH',
        url: '/v3/x/a%2Fb',
        by: `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
        type: 'application/json',
        body,
      })
    })

    it('that has no answer in time is not repeated', async () => {
      const api = await serve(() => {}, 50)
      const error = await rejection(api({ ...info, signal: never() }))
      expect(error).to.include({ message: 'the media server does not answer (timed out after 0.05 s)', again: false })
    })

    it('whose answer stops halfway is not repeated', async () => {
      const api = await serve((_, response) => void response.writeHead(200).write('{'), 50)
      const error = await rejection(api({ ...info, signal: never() }))
      expect(error).to.include({ message: 'the media server does not answer (timed out after 0.05 s)', again: false })
    })

    it('whose connection breaks halfway can be repeated', async () => {
      const api = await serve((_, response) => void response.writeHead(200).write('{', () => response.destroy()))
      const error = await rejection(api({ ...info, signal: never() }))
      expect(error).to.include({ message: 'the media server does not answer (connection reset)', again: true })
    })

    it('ends with its signal, also halfway through the answer', async () => {
      const end = new AbortController()
      const api = await serve(
        (_, response) => void response.writeHead(200).write('{', () => end.abort(new Error('stopped'))),
      )
      expect((await rejection(api({ ...info, signal: end.signal }))).message).to.equal('stopped')
    })
  })
}

describe('media server on this host: its connection', () => {
  /** `reset`: the second question of a connection gets a reset, as from a server that was started again. */
  const serve = async ({ reset = false } = {}) => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      const { socket, method } = request
      const again = asked.includes(`GET ${socket.remotePort}`)
      asked.push(`${method} ${socket.remotePort}`)
      if (reset && again) socket.resetAndDestroy()
      else response.end('{}')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const url = new URL(`http://127.0.0.1:${port}/v3/info`)
    const ask = (method: 'GET' | 'POST' = 'GET') =>
      exchangeNear({ method, url, signal: never(), timeout: 9_000, most: MiB })
    const stop = () => {
      server.closeAllConnections()
      server.close()
    }
    return { asked, ask, stop }
  }

  it('is the same for all questions, and another one for each change', async () => {
    const { asked, ask, stop } = await serve()
    for (const method of ['GET', 'GET', 'POST', 'POST', 'GET'] as const) await ask(method)
    stop()
    const ofQuestions = asked.filter((each) => each.startsWith('GET'))
    expect([new Set(ofQuestions).size, new Set(asked).size]).to.deep.equal([1, 3])
  })

  it('is a new one after a restart of the server, so that no answer is lost', async () => {
    const { asked, ask, stop } = await serve({ reset: true })
    await ask()
    expect(await ask()).to.deep.equal({ status: 200, text: '{}' })
    stop()
    expect(asked.map((each) => each === asked[0])).to.deep.equal([true, true, false])
  })
})
