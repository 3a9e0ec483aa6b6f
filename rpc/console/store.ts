import type { Camera, Status } from '../client/index.js'

export type Role = 'viewer' | 'operator' | 'admin'

/** What the page knows. Views read it; the session and its subscriptions write it. */
export interface Facts {
  connection: 'connecting' | 'open' | 'waiting'
  /** Why there is no connection. */
  lost?: string
  role: Role
  cameras: Camera[]
  /** True once the list of cameras has arrived. */
  isLoaded: boolean
  /** `at`: when it was so. */
  health?: Status & { at: string }
  /** Rises when recordings or snapshots were made or deleted. */
  files: number
  /** The results of the last actions, also for screen readers. */
  messages: Message[]
}

export interface Message {
  id: number
  text: string
  kind: 'done' | 'failed'
}

export interface Store {
  get(): Facts
  change(how: (facts: Facts) => Partial<Facts>): void
  subscribe(listener: () => void): () => void
}

/** Messages of refusals stay longer: they are read. */
const messageLife = { done: 5_000, failed: 12_000 }
const mostMessages = 3

export const createStore = (): Store => {
  let facts: Facts = { connection: 'connecting', role: 'viewer', cameras: [], isLoaded: false, files: 0, messages: [] }
  const listeners = new Set<() => void>()
  return {
    get: () => facts,
    change: (how) => {
      facts = { ...facts, ...how(facts) }
      for (const listener of [...listeners]) listener()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

let lastId = 0

/** Shows a message for some seconds. */
export const tell = (store: Store, text: string, kind: Message['kind'] = 'done'): void => {
  lastId += 1
  const id = lastId
  store.change(({ messages }) => ({ messages: [...messages, { id, text, kind }].slice(-mostMessages) }))
  setTimeout(() => dismiss(store, id), messageLife[kind])
}

export const dismiss = (store: Store, id: number): void =>
  store.change(({ messages }) => ({ messages: messages.filter((message) => message.id !== id) }))
