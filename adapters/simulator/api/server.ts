import { createServer, type IncomingMessage } from 'node:http'
import { authorise, basicCredentials, Refused } from '../auth.js'
import { NotFound } from '../config/config.js'
import { errorText } from '../errorText.js'
import { listen } from '../listen.js'
import { type Log, labelled } from '../log.js'
import { type Answer, createRoutes, type RouteOptions } from './routes.js'

/** The listener of the control API. */
export interface ApiServer {
  /** Rejects when the address cannot be had. */
  listen(): Promise<void>
  close(): void
}

const maxBody = 10 * 1024 * 1024

/** The v3 control API over HTTP. */
export function createApiServer({ config, log: parentLog, ...rest }: RouteOptions & { log: Log }): ApiServer {
  const log = labelled(parentLog, 'API')
  const route = createRoutes({ config, ...rest })

  const answerTo = async (request: IncomingMessage): Promise<Answer> => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    try {
      await authorise(config.now.global, {
        action: 'api',
        path: '',
        protocol: '',
        id: null,
        ip: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
        query: url.search.slice(1),
        userAgent: request.headers['user-agent'] ?? '',
        ...basicCredentials(request.headers.authorization),
      })
      return await route(request.method ?? '', url, () => bodyOf(request))
    } catch (error) {
      if (error instanceof Refused) return { status: 401, json: { status: 'error', error: 'authentication error' } }
      const message = errorText(error)
      log('ERR', message)
      return { status: error instanceof NotFound ? 404 : 400, json: { status: 'error', error: message } }
    }
  }

  const server = createServer((request, response) => {
    void answerTo(request).then(({ status, json, text = '' }) => {
      const body = json === undefined ? text : JSON.stringify(json)
      response.writeHead(status, {
        ...(config.now.global.apiAllowOrigins.includes('*') && { 'Access-Control-Allow-Origin': '*' }),
        'Content-Type': json === undefined ? 'text/plain' : 'application/json; charset=utf-8',
        Server: 'mediamtx',
        ...(status === 401 && { 'WWW-Authenticate': 'Basic realm="mediamtx"' }),
        'Content-Length': Buffer.byteLength(body),
      })
      response.end(body)
    })
  })
  return {
    listen: async () => {
      const { apiAddress } = config.now.global
      await listen(server, apiAddress)
      log('INF', `started with listener on ${apiAddress} (TCP/HTTP)`)
    },
    close: () => {
      log('INF', 'closing')
      server.close()
      server.closeAllConnections()
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > maxBody) throw new Error('http: request body too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
