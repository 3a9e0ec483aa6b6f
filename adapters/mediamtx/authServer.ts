import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { StreamAccess } from '../../machines/domain/access.js'
import { hostInUrl } from '../../machines/domain/address.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Log } from '../../machines/domain/ports.js'
import { bytesOf } from '../bytesOf.js'
import { isSame } from './ownCredential.js'
import { questionOf } from './question.js'

export interface MediaAuthServerOptions {
  host: string
  /** 0: any free port. */
  port: number
  /** Part of the address in the media server's configuration, so that no other client can test credentials here. */
  secret: string
  access: Pick<StreamAccess, 'mayPass'>
  log: Log
  /** Limit for one answer in ms, 2 s by default. After the limit the answer is 401. */
  answerWithin?: number
}

export interface MediaAuthServer {
  /** Rejects with one sentence for people. */
  start(): Promise<{ port: number }>
  /** Never rejects. May be called twice. */
  stop(): Promise<void>
  /** Returns the number of authentication requests so far. */
  questions(): number
}

const path = '/media/auth'
/** A request normally has a few hundred bytes; a long token adds a few thousand. */
const maxBody = 32 * 1024
/** Limit for the headers, for the body and for the answer, in ms. */
const patience = 2_000
/** Maximum number of connections that have not sent the secret. The oldest are closed. */
const maxStrangers = 64

/** Returns the address for `authHTTPAddress` of the media server. */
export const mediaAuthAddress = ({ host, port, secret }: { host: string; port: number; secret: string }): string => {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${hostInUrl(reachable)}:${port}${path}?secret=${encodeURIComponent(secret)}`
}

/** Answers the media server with 200 or 401, and other clients with 404. */
export const createMediaAuthServer = ({
  host,
  port,
  secret,
  access,
  log,
  answerWithin = patience,
}: MediaAuthServerOptions): MediaAuthServer => {
  const strangers = new Set<Socket>()
  let questions = 0

  const showsSecret = ({ url = '' }: IncomingMessage): boolean => {
    const [target, query = ''] = url.split('?', 2)
    return target === path && isSame(new URLSearchParams(query).get('secret') ?? '', secret)
  }

  const mayPass = async (request: IncomingMessage): Promise<boolean> => {
    const body = await bytesOf(request, maxBody, 'the body is too long')
    const question = questionOf(JSON.parse(body.toString('utf8')))
    if (question === undefined) {
      log.warn('invalid authentication request from the media server rejected')
      return false
    }
    questions += 1
    return await inTime(access.mayPass(question), answerWithin)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!showsSecret(request) || request.method !== 'POST') {
      response.writeHead(404, { Connection: 'close', 'Content-Length': 0 }).end(() => request.socket.destroy())
      return
    }
    strangers.delete(request.socket)
    const passes = await mayPass(request).catch((error: unknown) => {
      log.error('authentication request from the media server failed', { reason: reasonOf(error) })
      return false
    })
    response.writeHead(passes ? 200 : 401, { 'Content-Length': 0 }).end()
  }

  const server = createServer(
    { headersTimeout: patience, requestTimeout: patience, connectionsCheckingInterval: patience },
    (request, response) => {
      request.on('error', () => {})
      answer(request, response).catch(() => request.socket.destroy())
    },
  )
  // The media server reuses its connections. A request on a connection that times out at that moment would fail.
  server.keepAliveTimeout = 0
  server.on('connection', (socket) => {
    strangers.add(socket)
    socket.once('close', () => strangers.delete(socket))
    const [oldest] = strangers
    if (strangers.size > maxStrangers) oldest?.destroy()
  })

  return {
    start: () =>
      new Promise((resolve, reject) => {
        const refused = (error: NodeJS.ErrnoException) => {
          const why = error.code === 'EADDRINUSE' ? 'the port is in use' : reasonOf(error)
          reject(new Error(`the stream authorisation cannot listen on ${host}:${port}: ${why}`, { cause: error }))
        }
        server.once('error', refused)
        server.listen(port, host, () => {
          server.off('error', refused)
          // A later error concerns one connection. Without a listener it would crash the process.
          server.on('error', () => {})
          resolve({ port: (server.address() as AddressInfo).port })
        })
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    questions: () => questions,
  }
}

const inTime = (answer: Promise<boolean>, limit: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no decision within ${limit / 1000} s`)), limit)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
