import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { StreamAccess } from '../../machines/domain/access.js'
import { hostInUrl } from '../../machines/domain/address.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Log } from '../../machines/domain/ports.js'
import { listen, shutdown } from '../listen.js'
import { isSame } from './own.js'
import { questionOf } from './question.js'

export interface MediaAuthServerOptions {
  host: string
  /** 0: any free one. */
  port: number
  /** Part of the address that the media server is given, so that nobody else can try credentials here. */
  secret: string
  access: Pick<StreamAccess, 'mayPass'>
  log: Log
  /** A question that is not answered by then (ms) is answered with no; 2 s by default: the media server stands still meanwhile. */
  answerWithin?: number
}

export interface MediaAuthServer {
  /** Rejects with one sentence for people. */
  start(): Promise<{ port: number }>
  /** Never rejects; may be called twice. */
  stop(): Promise<void>
  /** Questions so far. */
  questions(): number
}

const path = '/media/auth'
/** A question is a few hundred bytes; a long token may add some thousand. */
const maxBody = 32 * 1024
/** For headers and for a body, in ms. */
const patience = 2_000
/** Connections that have shown nothing yet; of more, the oldest go. The media server shows the secret at once. */
const maxStrangers = 64

/** What a media server is told to ask. */
export const mediaAuthAddress = ({ host, port, secret }: { host: string; port: number; secret: string }): string => {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${hostInUrl(reachable)}:${port}${path}?secret=${encodeURIComponent(secret)}`
}

/** Answers the media server: 200 or 401, from memory, nothing else to nobody else. */
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

  const isOurs = ({ url = '' }: IncomingMessage): boolean => {
    const [target, query = ''] = url.split('?', 2)
    return target === path && isSame(new URLSearchParams(query).get('secret') ?? '', secret)
  }

  const mayPass = async (request: IncomingMessage): Promise<boolean> => {
    const question = questionOf(JSON.parse(await bodyOf(request)))
    if (question === undefined) {
      log.warn('the media server asked something that is no question')
      return false
    }
    questions += 1
    return await inTime(access.mayPass(question), answerWithin)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!isOurs(request) || request.method !== 'POST') {
      response.writeHead(404, { Connection: 'close', 'Content-Length': 0 }).end(() => request.socket.destroy())
      return
    }
    strangers.delete(request.socket)
    const status = (await mayPass(request).catch((error: unknown) => refusedFor(error))) ? 200 : 401
    response.writeHead(status, { 'Content-Length': 0 }).end()
  }

  const refusedFor = (error: unknown): false => {
    log.error('a question of the media server could not be answered, so it was answered with no', {
      reason: reasonOf(error),
    })
    return false
  }

  const server = createServer(
    { headersTimeout: patience, requestTimeout: patience, connectionsCheckingInterval: patience / 4 },
    (request, response) => {
      request.on('error', () => {})
      answer(request, response).catch(() => request.socket.destroy())
    },
  )
  // The media server keeps its connections; one that we closed in the moment of its next question would be a refusal.
  server.keepAliveTimeout = 0
  server.on('connection', (socket) => {
    strangers.add(socket)
    socket.once('close', () => strangers.delete(socket))
    const [oldest] = strangers
    if (strangers.size > maxStrangers) oldest?.destroy()
  })

  return {
    start: () => listen(server, { host, port }, 'stream authorisation'),
    stop: () => shutdown(server),
    questions: () => questions,
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > maxBody) throw new Error('it is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const inTime = (answer: Promise<boolean>, limit: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it took longer than ${limit / 1000} s`)), limit)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
