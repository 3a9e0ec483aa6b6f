import { once } from 'node:events'
import { WebSocket } from 'ws'
import { assert, eventually } from './shell.js'

export interface Notification {
  method: string
  params: Record<string, unknown>
}

export interface RpcClient {
  /** Resolves with the result; rejects with the error's code, message and data. */
  call<Result = unknown>(
    method: string,
    params?: Record<string, unknown>,
    options?: { seconds?: number },
  ): Promise<Result>
  /** Everything that was notified, in order. */
  notifications: Notification[]
  /** Waits for a notification at or after `from` and resolves with its place in `notifications`. */
  notified(
    method: string,
    matches: (params: Record<string, unknown>) => boolean,
    options?: { from?: number; seconds?: number },
  ): Promise<number>
  close(): void
}

interface Reply {
  id?: number
  method?: string
  params?: Record<string, unknown>
  result?: unknown
  error?: { code: number; message: string; data?: unknown }
}

/** A JSON-RPC 2.0 client over WebSocket. */
export const connectRpc = async (url: string): Promise<RpcClient> => {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const waiting = new Map<number, (reply: Reply) => void>()
  const notifications: Notification[] = []
  let lastId = 0

  socket.on('message', (data) => {
    const message: Reply = JSON.parse(String(data))
    if (message.id !== undefined) waiting.get(message.id)?.(message)
    else if (message.method !== undefined) notifications.push({ method: message.method, params: message.params ?? {} })
  })
  socket.on('close', () => {
    for (const settle of waiting.values()) settle({ error: { code: 0, message: 'the connection was closed' } })
  })
  socket.on('error', () => {}) // 'close' follows

  return {
    async call<Result>(method: string, params: Record<string, unknown> = {}, { seconds = 30 } = {}) {
      assert(socket.readyState === WebSocket.OPEN, `${method}: not connected`)
      lastId += 1
      const id = lastId
      const reply = await new Promise<Reply>((resolve) => {
        const timer = setTimeout(
          () => resolve({ error: { code: 0, message: `no reply within ${seconds} s` } }),
          seconds * 1000,
        )
        waiting.set(id, (message) => {
          clearTimeout(timer)
          resolve(message)
        })
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      })
      waiting.delete(id)
      if (reply.error)
        throw new Error(
          `${method}: ${reply.error.code} ${reply.error.message} ${JSON.stringify(reply.error.data ?? {})}`,
        )
      return reply.result as Result
    },
    notifications,
    notified: (method, matches, { from = 0, seconds = 15 } = {}) =>
      eventually(
        `the notification ${method}`,
        () => {
          const place = notifications.findIndex(
            (each, index) => index >= from && each.method === method && matches(each.params),
          )
          return place < 0 ? undefined : place
        },
        { seconds },
      ),
    close: () => socket.terminate(),
  }
}
