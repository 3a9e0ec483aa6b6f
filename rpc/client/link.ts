import { ConnectionLost, RpcError } from './errors.js'
import { inTime, type Limits } from './inTime.js'

/** The part of a browser's WebSocket that the client uses; the package `ws` has it too. */
export interface WebSocketLike {
  send(data: string): void
  close(code?: number, reason?: string): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
}
export type WebSocketConstructor = new (url: string) => WebSocketLike

/** Limits of one call; `timeout` in ms. */
export type CallOptions = Partial<Limits>

/** One connection, from open to lost. */
export interface Link {
  /**
   * Rejects with RpcError, ConnectionLost, CallTimedOut or the signal's reason. `answered` is called before any message
   * that follows the reply is handled.
   */
  call(method: string, params: object, options: Limits & { answered?: (result: unknown) => void }): Promise<unknown>
  /** Resolves when the connection is lost. */
  lost: Promise<ConnectionLost>
  /** True if a message came since the last time this was called. */
  wasActive(): boolean
  close(reason: string): void
}

/** The platform's constructor; on a Node without one, that of the package `ws`. */
export const platformWebSocket = async (): Promise<WebSocketConstructor> => {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor }
  if (WebSocket !== undefined) return WebSocket
  // No literal: bundlers for browsers must not resolve it.
  const name: string = 'ws'
  return ((await import(name)) as { WebSocket: WebSocketConstructor }).WebSocket
}

interface Message {
  id?: number
  method?: unknown
  params?: Record<string, unknown>
  result?: unknown
  error?: ConstructorParameters<typeof RpcError>[1]
}

const messageIn = (text: string): Message | undefined => {
  try {
    return Object(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Resolves with the open connection. Rejects with ConnectionLost if it is not open within `timeout` ms. */
export const openLink = ({
  url,
  WebSocket,
  timeout,
  signal,
  notified,
}: {
  url: string
  WebSocket: WebSocketConstructor
  timeout: number
  /** Closes the connection for good; its reason is the ConnectionLost that calls reject with. */
  signal: AbortSignal
  notified: (method: string, params: Record<string, unknown>) => void
}): Promise<Link> =>
  new Promise((opened, failed) => {
    const socket = new WebSocket(url)
    const pending = new Map<number, (message: Message | ConnectionLost) => void>()
    let lastId = 0
    let isActive = true
    let loss: ConnectionLost | undefined
    let resolveLost: (error: ConnectionLost) => void = () => {}
    const lost = new Promise<ConnectionLost>((resolve) => {
      resolveLost = resolve
    })

    const end = (error: ConnectionLost, code?: number) => {
      if (loss !== undefined) return
      loss = error
      clearTimeout(openTimer)
      signal.removeEventListener('abort', abort)
      // Later messages of a lost connection are ignored. `onerror` stays: the socket may still fail.
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.close(code)
      for (const settle of pending.values()) settle(error)
      pending.clear()
      failed(error)
      resolveLost(error)
    }
    const abort = () => end(signal.reason, 1000)
    const openTimer = setTimeout(() => end(new ConnectionLost(`no connection within ${timeout} ms`)), timeout)
    signal.addEventListener('abort', abort)

    socket.onerror = () => {}
    socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      end(new ConnectionLost(reason || `the connection was closed (${code})`, code))
    socket.onmessage = ({ data }: { data: unknown }) => {
      isActive = true
      const message = messageIn(String(data))
      if (message === undefined) return end(new ConnectionLost('the service sent something that is no message'))
      const { id, method, params = {} } = message
      if (id === undefined) {
        if (typeof method === 'string') notified(method, params)
        return
      }
      pending.get(id)?.(message)
      pending.delete(id)
    }
    socket.onopen = () => {
      clearTimeout(openTimer)
      opened(link)
    }

    const send = (id: number, method: string, params: object, answered?: (result: unknown) => void) =>
      new Promise((resolve, reject) => {
        pending.set(id, (outcome) => {
          if (outcome instanceof ConnectionLost) return reject(outcome)
          if (outcome.error !== undefined) return reject(new RpcError(method, outcome.error))
          answered?.(outcome.result)
          resolve(outcome.result)
        })
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      })

    const link: Link = {
      lost,
      wasActive: () => {
        const was = isActive
        isActive = false
        return was
      },
      close: (reason) => end(new ConnectionLost(reason)),
      call: async (method, params, { answered, ...limits }) => {
        if (loss !== undefined) throw loss
        limits.signal?.throwIfAborted()
        lastId += 1
        const id = lastId
        try {
          return await inTime(send(id, method, params, answered), method, limits)
        } finally {
          pending.delete(id)
        }
      },
    }
  })
