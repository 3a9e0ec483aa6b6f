import type { Methods } from './contract.js'
import { CallTimedOut, ConnectionLost, RpcError } from './errors.js'
import { type CallOptions, type Link, openLink, platformWebSocket, type WebSocketConstructor } from './link.js'
import { createSubscriptions, type Filters, type Topic, type TopicEvent } from './subscriptions.js'

/** `waiting`: for the next attempt. `closed`: for good. */
export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'closed'

type Params<M extends keyof Methods> = Methods[M]['params']
type Result<M extends keyof Methods> = Methods[M]['result']
/** Params may be left out where none is required. */
type Given<M extends keyof Methods> =
  Record<string, never> extends Params<M>
    ? [params?: Params<M>, options?: CallOptions]
    : [params: Params<M>, options?: CallOptions]

export interface ClientOptions {
  /** As in `ws://camera-host:8002/ws`. */
  url: string
  /** A token or an API key; a function is asked anew at each connection and when the service says that the last one has ended. */
  credential: string | (() => string | Promise<string>)
  /** Default: the platform's, else that of the package `ws`. */
  WebSocket?: WebSocketConstructor
  /** Whether a lost connection is made again; pauses in ms, default 500 to 30 000, growing and random. */
  reconnect?: boolean | { min: number; max: number }
  /** ms that a call may take unless it says otherwise; default 30 000. A recording's stop may take longer. */
  timeout?: number
  /** ms without any message after which the service is asked for a sign of life; default 20 000. */
  heartbeat?: number
  /** `reason`: why it is not open. */
  onState?: (state: ConnectionState, reason?: Error) => void
}

export interface CameraServiceClient {
  readonly state: ConnectionState
  /**
   * Waits for the connection, sends once, and resolves with the result. Rejects with RpcError; CallTimedOut; ConnectionLost
   * when the connection went away meanwhile (it is not sent again: only the caller knows whether that does harm); or the
   * signal's reason.
   */
  call<M extends keyof Methods>(method: M, ...given: Given<M>): Promise<Result<M>>
  /**
   * Tells `listener` of a topic, over all connections from now on: first the present state, then facts, and after a drop
   * the facts that were missed, or a gap. Resolves, once the service has accepted it, with what ends it; rejects with RpcError
   * when the service refuses, with ConnectionLost when the client is closed before. No answer in time counts as a lost connection.
   */
  on<T extends Topic>(topic: T, filters: Filters, listener: (event: TopicEvent<T>) => void): Promise<() => void>
  /** Ends the connection for good. */
  close(): void
}

/** Resolves once it is connected and authenticated; rejects when the first attempt fails. */
export async function connectCameraService(options: ClientOptions): Promise<CameraServiceClient> {
  const { url, credential, reconnect = true, timeout = 30_000, heartbeat = 20_000, onState } = options
  const { min, max } = typeof reconnect === 'object' ? reconnect : { min: 500, max: 30_000 }
  const WebSocket = options.WebSocket ?? (await platformWebSocket())
  const ending = new AbortController()
  const subscriptions = createSubscriptions({ timeout })
  let state: ConnectionState = 'connecting'
  let link: Link | undefined
  let reason: Error | undefined
  /** Calls that wait for a connection. */
  const waiting = new Set<() => void>()

  const closed = () => new ConnectionLost(reason?.message ?? 'the client is closed', 1000)

  const enter = (next: ConnectionState, why?: Error) => {
    if (state === next || state === 'closed') return
    state = next
    reason = why
    if (next === 'open' || next === 'closed') for (const wake of [...waiting]) wake()
    if (next === 'closed') subscriptions.end(closed())
    onState?.(next, why)
  }

  const authenticate = async (on: Link) => {
    const auth_token = typeof credential === 'string' ? credential : await credential()
    await on.call('authenticate', { auth_token }, { timeout })
  }

  /** What the service stopped telling when the credential ended is told again once there is a new one. */
  const renew = async (on: Link) => {
    subscriptions.pause()
    try {
      await authenticate(on)
      await subscriptions.resume(on)
    } catch (error) {
      on.close(messageOf(error))
    }
  }

  const told = (method: string, params: Record<string, unknown>) => {
    if (method !== 'session.expired') subscriptions.told(method, params as never)
    else if (link !== undefined && typeof credential === 'function') void renew(link)
  }

  const connect = async () => {
    enter('connecting')
    const opened = await openLink({ url, WebSocket, timeout: Math.min(timeout, 10_000), signal: ending.signal, told })
    try {
      await authenticate(opened)
      link = opened
      enter('open')
      await subscriptions.resume(opened)
    } catch (error) {
      link = undefined
      subscriptions.pause()
      opened.close(messageOf(error))
      throw error
    }
    return opened
  }

  /** Asks whether somebody is there whenever nothing has come for a while. */
  const watch = async (on: Link) => {
    const asked = subscriptions.any() ? 'get_subscription_stats' : 'ping'
    try {
      const stats = (await on.call(asked, {}, { timeout: Math.min(timeout, heartbeat) })) as { seq?: number }
      if (typeof stats.seq === 'number') subscriptions.reached(stats.seq)
    } catch (error) {
      if (error instanceof CallTimedOut) on.close('the service gives no sign of life')
    }
  }

  const stay = async (on: Link) => {
    const timer = setInterval(() => {
      if (!on.wasHeard()) void watch(on)
    }, heartbeat)
    const error = await on.lost
    clearInterval(timer)
    link = undefined
    subscriptions.pause()
    return error
  }

  const run = async (first: Link) => {
    let on: Link | undefined = first
    for (let failures = 0; ; failures += 1) {
      let why: Error
      if (on !== undefined) {
        why = await stay(on)
        failures = 0
      } else why = reason ?? new ConnectionLost('never connected')
      if (ending.signal.aborted || reconnect === false) return enter('closed', why)
      enter('waiting', why)
      await pause(pauseFor(failures, why), ending.signal)
      if (ending.signal.aborted) return
      on = undefined
      try {
        on = await connect()
      } catch (error) {
        reason = error instanceof Error ? error : new Error(String(error))
        // The same text will not be let in another time.
        if (
          ending.signal.aborted ||
          (typeof credential === 'string' && error instanceof RpcError && error.code === -32001)
        )
          return enter('closed', reason)
      }
    }
  }

  const pauseFor = (failures: number, why: Error) => {
    const wanted = why instanceof RpcError ? Number(why.data.retry_after_ms ?? 0) : 0
    return Math.max(wanted, min + Math.random() * (Math.min(max, min * 2 ** Math.min(failures + 1, 20)) - min))
  }

  const connected = (
    { signal, timeout }: { signal: AbortSignal | undefined; timeout: number },
    method: string,
  ): Promise<Link> =>
    new Promise((resolve, reject) => {
      const settle = () => {
        waiting.delete(wake)
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
      }
      const wake = () => {
        settle()
        if (link !== undefined) resolve(link)
        else reject(closed())
      }
      const giveUp = () => {
        settle()
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        settle()
        reject(new CallTimedOut(method, timeout))
      }, timeout)
      waiting.add(wake)
      signal?.addEventListener('abort', giveUp)
      if (signal?.aborted) giveUp()
      else if (link !== undefined || state === 'closed') wake()
    })

  const client: CameraServiceClient = {
    get state() {
      return state
    },
    call: async (method, ...[params = {}, { signal, timeout: own = timeout } = {}]) => {
      const began = Date.now()
      const on = link ?? (await connected({ signal, timeout: own }, method))
      const left = Math.max(1, own - (Date.now() - began))
      return (await on.call(method, params, { timeout: left, ...(signal && { signal }) })) as Result<typeof method>
    },
    on: (topic, filters, listener) =>
      state === 'closed' ? Promise.reject(closed()) : subscriptions.on(topic, filters, listener),
    close: () => {
      ending.abort()
      enter('closed')
    },
  }

  try {
    void run(await connect())
  } catch (error) {
    enter('closed', error instanceof Error ? error : undefined)
    throw error
  }
  return client
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
