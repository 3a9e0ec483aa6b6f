import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RateLimits, Who } from '../../rpc/rateLimits.js'

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Rate limits that record what is taken and wait as long as a test says. */
export const fakeRateLimits = () => {
  const taken: (Who & { cost: number })[] = []
  const rateLimits = {
    taken,
    failures: 0,
    wait: 0,
    pauseFor: 0,
    take: (who: Who, cost: number) => {
      taken.push({ ...who, cost })
      return rateLimits.wait
    },
    pause: () => rateLimits.pauseFor,
    failed: () => {
      rateLimits.failures += 1
    },
  }
  return rateLimits satisfies RateLimits & object
}

/** Serves one handler. Requests are a viewer’s unless their headers say otherwise. */
export const createWeb = () => {
  const ends: (() => void)[] = []

  const listen = async (handler: Handler): Promise<{ port: number; closed: Promise<unknown> }> => {
    const server = createServer((asked, answer) => void handler(asked, answer))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(() => {
      server.close()
      server.closeAllConnections()
    })
    const closed = new Promise((resolve) => server.once('connection', (socket) => socket.once('close', resolve)))
    return { port: (server.address() as AddressInfo).port, closed }
  }

  /** Not by `fetch`, which normalises paths. */
  const serve = async (handler: Handler) => {
    const { port } = await listen(handler)
    const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
        const sent = request(
          {
            port,
            host: '127.0.0.1',
            path,
            method,
            agent: false,
            headers: { Authorization: 'Bearer viewer', ...headers },
          },
          async (response) => {
            let body = ''
            for await (const chunk of response) body += chunk
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
          },
        )
        sent.on('error', reject)
        sent.end()
      })
    return { port, get }
  }

  /** Starts a request and reads the headers of the reply only, until `received` is called. */
  const begin = async (handler: Handler, path: string, headers: Record<string, string> = {}) => {
    const { port, closed } = await listen(handler)
    const sent = request({ port, host: '127.0.0.1', path, agent: false, headers })
    sent.on('error', () => {})
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    response.on('error', () => {})
    let isCut = false
    void closed.then(() => {
      isCut = true
    })
    const received = async () => {
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
      })
      await new Promise((resolve) => response.once('close', resolve))
      return size
    }
    return { response, received, closed, isCut: () => isCut }
  }

  const end = async () => {
    for (const stop of ends.splice(0)) stop()
  }
  return { serve, begin, end }
}
