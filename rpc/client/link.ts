import { CallTimedOut, ConnectionLost, RpcError } from './errors.js'

/** The part of a browser's WebSocket that is needed; `ws` has it too. */
export interface WebSocketLike {
  send(data: string): void
  close(code?: number, reason?: string): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
}
export type WebSocketConstructor = new (url: string) => WebSocketLike

export interface CallOptions {
  /** Gives up waiting; what was sent may be carried out all the same. */
  signal?: AbortSignal
  /** ms. */
  timeout?: number
}

/** One connection, from open to lost. */
export interface Link {
  /** Rejects with RpcError, ConnectionLost, CallTimedOut or the signal's reason. `answered` is called before anything that came behind the reply is told. */
  call(
    method: string,
    params: object,
    options: CallOptions & { answered?: (result: unknown) => void },
  ): Promise<unknown>
  /** Resolves when it is lost. */
  lost: Promise<ConnectionLost>
  /** Whether anything came since the last question. */
  wasHeard(): boolean
  close(reason: string, code?: number): void
}

/** The constructor that the platform has; on a Node without one, that of the package `ws`. */
export const platformWebSocket = async (): Promise<WebSocketConstructor> => {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor }
  if (WebSocket !== undefined) return WebSocket
  // Not a literal, so that bundlers for browsers leave it alone.
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

interface Waiting {
  method: string
  resolve(result: unknown): void
  reject(error: unknown): void
}

/** Resolves with the open connection; rejects with ConnectionLost when there is none within `timeout` ms. */
export const openLink = ({
  url,
  WebSocket,
  timeout,
  signal,
  told,
}: {
  url: string
  WebSocket: WebSocketConstructor
  timeout: number
  signal: AbortSignal
  told: (method: string, params: Record<string, unknown>) => void
}): Promise<Link> =>
  new Promise((opened, failed) => {
    const socket = new WebSocket(url)
    const waiting = new Map<number, Waiting>()
    let lastId = 0
    let heard = true
    let over: ConnectionLost | undefined
    let tellLost: (error: ConnectionLost) => void = () => {}
    const lost = new Promise<ConnectionLost>((resolve) => {
      tellLost = resolve
    })

    const end = (error: ConnectionLost, code?: number) => {
      if (over !== undefined) return
      over = error
      clearTimeout(patience)
      signal.removeEventListener('abort', abort)
      // What still comes is of a connection that counts as lost. A socket that fails later may still tell so: onerror stays.
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.close(code, code === undefined ? undefined : error.message.slice(0, 100))
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
      failed(error)
      tellLost(error)
    }
    const abort = () => end(new ConnectionLost('the client was closed', 1000), 1000)
    const patience = setTimeout(() => end(new ConnectionLost(`no connection within ${timeout} ms`)), timeout)
    signal.addEventListener('abort', abort)

    const take = (text: string) => {
      heard = true
      const message = messageIn(text)
      if (message === undefined) return end(new ConnectionLost('the service sent something that is no message'))
      if (typeof message.method === 'string' && message.id === undefined)
        return told(message.method, message.params ?? {})
      const { id = 0 } = message
      const call = waiting.get(id)
      if (call === undefined) return
      waiting.delete(id)
      if (message.error === undefined) call.resolve(message.result)
      else call.reject(new RpcError(call.method, message.error))
    }

    socket.onerror = () => {}
    socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      end(new ConnectionLost(reason || `the connection was closed (${code})`, code))
    socket.onmessage = ({ data }: { data: unknown }) => take(String(data))
    socket.onopen = () => {
      clearTimeout(patience)
      opened(link)
    }

    const link: Link = {
      lost,
      wasHeard: () => {
        const was = heard
        heard = false
        return was
      },
      close: (reason, code) => end(new ConnectionLost(reason, code), code),
      call: (method, params, { signal, timeout, answered }) =>
        new Promise((resolve, reject) => {
          if (over !== undefined) return reject(over)
          if (signal?.aborted) return reject(signal.reason)
          lastId += 1
          const id = lastId
          const settle = () => {
            waiting.delete(id)
            clearTimeout(timer)
            signal?.removeEventListener('abort', giveUp)
          }
          const giveUp = () => {
            settle()
            reject(signal?.reason)
          }
          const timer =
            timeout === undefined
              ? undefined
              : setTimeout(() => {
                  settle()
                  reject(new CallTimedOut(method, timeout))
                }, timeout)
          signal?.addEventListener('abort', giveUp)
          waiting.set(id, {
            method,
            resolve: (result) => {
              settle()
              answered?.(result)
              resolve(result)
            },
            reject: (error) => {
              settle()
              reject(error)
            },
          })
          try {
            socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
          } catch (error) {
            settle()
            reject(error)
          }
        }),
    }
  })
