import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Log } from '../../../machines/domain/ports.js'
import { freePort } from '../../support/ports.js'

export interface FakeRequest {
  method: string
  path: string
  body: unknown
  at: number
}

export type Answer =
  | { status?: number; json?: unknown; text?: string; hold?: Promise<unknown>; reset?: boolean }
  | undefined

/** An HTTP server with scripted answers. Collects the requests; can be closed and reopened on the same port. */
export async function fakeServer(script: (request: FakeRequest) => Answer) {
  const requests: FakeRequest[] = []
  const sockets = new Set<Socket>()
  let most = 0
  let open = 0
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    open++
    most = Math.max(most, open)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const asked: FakeRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      body: text === '' ? undefined : JSON.parse(text),
      at: performance.now(),
    }
    requests.push(asked)
    const answer = script(asked) ?? {}
    await answer.hold
    open--
    if (answer.reset) return request.socket.resetAndDestroy()
    response.statusCode = answer.status ?? 200
    if (answer.text !== undefined) return response.setHeader('content-type', 'text/plain').end(answer.text)
    if (answer.json === undefined) return response.end()
    return response.setHeader('content-type', 'application/json; charset=utf-8').end(JSON.stringify(answer.json))
  }
  const listen = async (port: number) => {
    const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()))
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    return server
  }
  const port = await freePort()
  let server = await listen(port)
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    /** Returns the maximum number of simultaneous requests. */
    most: () => most,
    close,
    reopen: async () => {
      server = await listen(port)
    },
  }
}

export const ok: Answer = { json: { status: 'ok' } }
export const refusal = (error: string, status = 400): Answer => ({ status, json: { status: 'error', error } })
export const page = (items: unknown[], pageCount = 1): Answer => ({
  json: { itemCount: items.length, pageCount, items },
})

/** A log that collects its lines, `level message`. */
export function keptLog(): Log & { lines: string[] } {
  const lines: string[] = []
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void lines.push(`${level} ${message}${fields ? ` ${JSON.stringify(fields)}` : ''}`)
  return { lines, error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}

export const never = (): AbortSignal => new AbortController().signal

/** Resolves with the error of a rejected promise. */
export const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('was not rejected')
    },
    (error: Error) => error,
  )
