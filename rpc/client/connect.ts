import type { Methods, SessionExpired } from './contract.js'
import { CallTimedOut, ConnectionLost, RpcError, SessionEnded } from './errors.js'
import { inTime } from './inTime.js'
import { type CallOptions, type Link, openLink, platformWebSocket, type WebSocketConstructor } from './link.js'
import { createSubscriptions, type Filters, type Topic, type TopicEvent } from './subscriptions.js'

/** `waiting`: until the next attempt to connect. `closed`: for good. */
export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'closed'

type Params<M extends keyof Methods> = Methods[M]['params']
type Result<M extends keyof Methods> = Methods[M]['result']
/** Params are optional for methods that require none. */
type Given<M extends keyof Methods> =
  Record<string, never> extends Params<M>
    ? [params?: Params<M>, options?: CallOptions]
    : [params: Params<M>, options?: CallOptions]

export interface ClientOptions {
  /** As in `ws://camera-host:8002/ws`. */
  url: string
  /**
   * A token or an API key. A function is called for each connection and whenever the service ends the session; a string
   * that has expired or was revoked closes the client with SessionEnded.
   */
  credential: string | (() => string | Promise<string>)
  /** Default: the platform's WebSocket, else that of the package `ws`. */
  WebSocket?: WebSocketConstructor
  /** Whether to connect again after a loss. Pauses in ms, random and growing; default 500 to 30 000. */
  reconnect?: boolean | { min: number; max: number }
  /** Limit of a call in ms unless the call has its own; default 30 000. Stopping a recording may take longer. */
  timeout?: number
  /** ms without a message after which the client checks that the service still answers; default 20 000. */
  heartbeat?: number
  /** `reason`: why the connection is not open. */
  onState?: (state: ConnectionState, reason?: Error) => void
}

export interface CameraServiceClient {
  readonly state: ConnectionState
  /**
   * Waits for the connection, sends the call once, and resolves with the result. Rejects with RpcError; CallTimedOut;
   * SessionEnded; ConnectionLost if the connection was lost meanwhile (the call is not sent again: only the caller
   * knows whether that does harm); or the signal's reason.
   */
  call<M extends keyof Methods>(method: M, ...given: Given<M>): Promise<Result<M>>
  /**
   * Subscribes `listener` to a topic over all connections from now on: first the present state, then facts, and after a
   * loss the missed facts or a gap. Resolves with a function that unsubscribes, once the service has accepted the
   * subscription. Rejects with RpcError if the service refuses it, with ConnectionLost if the client is closed before.
   * A reply that comes too late counts as a lost connection.
   */
  on<T extends Topic>(topic: T, filters: Filters, listener: (event: TopicEvent<T>) => void): Promise<() => void>
  /** Closes the connection for good. */
  close(): void
}

/** Resolves once the client is connected and authenticated. Rejects if the first attempt fails. */
export async function connectCameraService(options: ClientOptions): Promise<CameraServiceClient> {
  const { url, credential, reconnect = true, timeout = 30_000, heartbeat = 20_000, onState } = options
  const { min, max } = typeof reconnect === 'object' ? reconnect : { min: 500, max: 30_000 }
  const WebSocket = options.WebSocket ?? (await platformWebSocket())
  const closing = new AbortController()
  const subscriptions = createSubscriptions({ timeout })
  let state: ConnectionState = 'connecting'
  let link: Link | undefined
  /** What later calls of a closed client reject with. */
  let closed = new ConnectionLost('the client is closed', 1000)
  /** Calls that wait for a connection. */
  const waiting = new Set<() => void>()

  const enter = (next: ConnectionState, reason?: Error) => {
    if (state === next || state === 'closed') return
    state = next
    if (next === 'open' || next === 'closed') for (const settle of [...waiting]) settle()
    onState?.(next, reason)
  }

  /** Closes the client for good. `reason`: why, unless its user closed it. */
  const end = (reason?: Error) => {
    if (state === 'closed') return
    if (reason instanceof SessionEnded) closed = reason
    else if (reason !== undefined) closed = new ConnectionLost(reason.message, 1000)
    subscriptions.end(closed)
    closing.abort(reason === undefined ? new ConnectionLost('the client was closed', 1000) : closed)
    enter('closed', reason)
  }

  /** True if another attempt would fail for the same reason: the only credential is refused. */
  const isFinal = (error: unknown) =>
    typeof credential === 'string' && error instanceof RpcError && error.code === -32001

  const authenticate = async (on: Link) => {
    const auth_token = typeof credential === 'string' ? credential : await credential()
    await on.call('authenticate', { auth_token }, { timeout })
  }

  /** Authenticates again and continues the subscriptions, which the service stopped with the session. */
  const renew = async (on: Link) => {
    subscriptions.pause()
    try {
      await authenticate(on)
      await subscriptions.resume(on)
    } catch (error) {
      if (isFinal(error)) end(errorFrom(error))
      else on.close(errorFrom(error).message)
    }
  }

  const notified = (method: string, params: Record<string, unknown>) => {
    if (method !== 'session.expired') return subscriptions.deliver(method, params as never)
    if (link === undefined) return
    const { reason } = params as unknown as SessionExpired
    // A session that was merely ended leaves its credential valid.
    if (typeof credential === 'string' && reason !== 'ended') end(new SessionEnded(reason))
    else void renew(link)
  }

  const connect = async (): Promise<Link> => {
    enter('connecting')
    const opened = await openLink({
      url,
      WebSocket,
      timeout: Math.min(timeout, 10_000),
      signal: closing.signal,
      notified,
    })
    try {
      await authenticate(opened)
      link = opened
      enter('open')
      await subscriptions.resume(opened)
    } catch (error) {
      link = undefined
      subscriptions.pause()
      opened.close(errorFrom(error).message)
      throw error
    }
    return opened
  }

  /** Checks that the service still answers; closes the link if it does not. */
  const check = async (on: Link) => {
    const method = subscriptions.any() ? 'get_subscription_stats' : 'ping'
    try {
      const stats = (await on.call(method, {}, { timeout: Math.min(timeout, heartbeat) })) as { seq?: number }
      if (typeof stats.seq === 'number') subscriptions.reached(stats.seq)
    } catch (error) {
      if (error instanceof CallTimedOut) on.close('the service gives no sign of life')
    }
  }

  /** Resolves when the connection is lost. */
  const lossOf = async (on: Link) => {
    const timer = setInterval(() => {
      if (!on.wasActive()) void check(on)
    }, heartbeat)
    const loss = await on.lost
    clearInterval(timer)
    link = undefined
    subscriptions.pause()
    return loss
  }

  const pauseAfter = (failures: number, error: Error) => {
    const required = error instanceof RpcError ? Number(error.data.retry_after_ms ?? 0) : 0
    return Math.max(required, min + Math.random() * (Math.min(max, min * 2 ** Math.min(failures + 1, 20)) - min))
  }

  /** Tries until there is a connection again; `undefined` once the client is closed. */
  const connectAgain = async (loss: Error): Promise<Link | undefined> => {
    let error = loss
    for (let failures = 0; !closing.signal.aborted; failures += 1) {
      enter('waiting', error)
      await pause(pauseAfter(failures, error), closing.signal)
      if (closing.signal.aborted) return undefined
      try {
        return await connect()
      } catch (thrown) {
        error = errorFrom(thrown)
        if (isFinal(error)) end(error)
      }
    }
    return undefined
  }

  const stayConnected = async (first: Link) => {
    for (let on: Link | undefined = first; on !== undefined; ) {
      const loss = await lossOf(on)
      if (reconnect === false) end(loss)
      on = await connectAgain(loss)
    }
  }

  /** Resolves with the open connection. Rejects when the client is closed, or by the limits of the call. */
  const connected = (method: string, limits: CallOptions & { timeout: number }): Promise<Link> => {
    let settle = () => {}
    const next = new Promise<Link>((resolve, reject) => {
      settle = () => (link === undefined ? reject(closed) : resolve(link))
      waiting.add(settle)
      if (link !== undefined || state === 'closed') settle()
    })
    return inTime(next, method, limits).finally(() => waiting.delete(settle))
  }

  const client: CameraServiceClient = {
    get state() {
      return state
    },
    call: async (method, ...[params = {}, { signal, timeout: own = timeout } = {}]) => {
      const began = performance.now()
      const also = signal && { signal }
      const on = link ?? (await connected(method, { timeout: own, ...also }))
      const left = Math.max(1, Math.round(own - (performance.now() - began)))
      return (await on.call(method, params, { timeout: left, ...also })) as Result<typeof method>
    },
    on: (topic, filters, listener) =>
      state === 'closed' ? Promise.reject(closed) : subscriptions.on(topic, filters, listener),
    close: () => end(),
  }

  try {
    void stayConnected(await connect())
  } catch (error) {
    end(errorFrom(error))
    throw error
  }
  return client
}

const errorFrom = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

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
