import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createParser, formatResponse, type HeaderFields, type RtspRequest } from '../../../adapters/rtsp/message.js'

/** `undefined` for no answer. */
export type Answer = { status: number; headers?: HeaderFields; body?: string } | undefined

export interface FakeServer {
  port: number
  /** `METHOD url` of all requests, in order. */
  asked: string[]
  /** Resolves with the next request of this method, also if it has come already. */
  next(method: string): Promise<RtspRequest>
  /** Resolves when no connection is left. */
  idle(): Promise<void>
  drop(): void
  stop(): Promise<void>
}

/** Starts an RTSP server that sends the given answers; CSeq is added. */
export async function startFake(
  answer: (request: RtspRequest, socket: Socket) => Answer,
  host = '127.0.0.1',
): Promise<FakeServer> {
  const sockets = new Set<Socket>()
  const asked: string[] = []
  const unseen: RtspRequest[] = []
  const watchers = new Set<() => void>()
  const tell = (): void => watchers.forEach((watcher) => void watcher())
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      tell()
    })
    const parser = createParser({
      onRequest: (request) => {
        asked.push(`${request.method} ${request.url}`)
        unseen.push(request)
        const reply = answer(request, socket)
        if (reply)
          socket.write(formatResponse({ ...reply, headers: { cseq: request.headers.cseq ?? '', ...reply.headers } }))
        tell()
      },
    })
    socket.on('data', (chunk) => parser.push(chunk))
  })
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  const until = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const watch = (): void => {
        const found = look()
        if (found === undefined) return
        watchers.delete(watch)
        resolve(found)
      }
      watchers.add(watch)
      watch()
    })
  const drop = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: address && typeof address === 'object' ? address.port : 0,
    asked,
    next: (method) =>
      until(() => {
        const at = unseen.findIndex((request) => request.method === method)
        return at === -1 ? undefined : unseen.splice(at, 1)[0]
      }),
    idle: async () => void (await until(() => (sockets.size === 0 ? true : undefined))),
    drop,
    stop: async () => {
      drop()
      server.close()
      await once(server, 'close')
    },
  }
}
