import type { Screen } from '../../commands/client/screen.js'
import type { CameraServiceClient, ConnectionState, TopicEvent } from '../../rpc/client/index.js'

type Reply = unknown | ((params: Record<string, unknown>) => unknown)

/** A client of which a test decides each reply, by method; an error is thrown. */
export function fakeClient(replies: Record<string, Reply>) {
  const calls: { method: string; params: unknown }[] = []
  const listeners = new Map<string, (event: TopicEvent<never>) => void>()
  const stateListeners: ((state: ConnectionState, reason?: Error) => void)[] = []
  const client = {
    state: 'open' as const,
    call: async (method: string, params: Record<string, unknown> = {}) => {
      calls.push({ method, params })
      const reply = replies[method]
      const result = typeof reply === 'function' ? await reply(params) : reply
      if (result instanceof Error) throw result
      if (result === undefined) throw new Error(`the test has no reply to ${method}`)
      return result
    },
    on: async (topic: string, _filters: unknown, listener: (event: TopicEvent<never>) => void) => {
      const refusal = replies[`on ${topic}`]
      if (refusal instanceof Error) throw refusal
      listeners.set(topic, listener)
      return () => void listeners.delete(topic)
    },
    close: () => {},
  } as unknown as CameraServiceClient
  return {
    client,
    calls,
    listeners,
    service: {
      client,
      url: 'ws://camera-host:8002/ws',
      tls: {},
      onState: (listener: (typeof stateListeners)[number]) => void stateListeners.push(listener),
    },
    /** A notification arrives. */
    tell: (topic: string, params: Record<string, unknown>) =>
      listeners.get(topic)?.({ type: 'fact', topic, params } as never),
    missed: (topic: string, reason: string) =>
      listeners.get(topic)?.({ type: 'gap', topic, reason, state: [] } as never),
    enter: (state: ConnectionState, reason?: Error) => {
      for (const listener of stateListeners) listener(state, reason)
    },
  }
}

/** A terminal whose progress is kept, line by line. */
export function fakeScreen(also: Partial<Screen> = {}) {
  const shown: string[] = []
  return { shown, screen: { colours: false, progress: (text: string) => void shown.push(text), ...also } }
}
