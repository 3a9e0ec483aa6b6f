import { createContext, type RefObject } from 'preact'
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks'
import { errorText, type Session } from './session.js'
import type { Facts } from './store.js'

export const SessionContext = createContext<Session | undefined>(undefined)

export const useSession = (): Session => {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('a view was shown without a session')
  return session
}

/** A part of the facts; the component is drawn again when it changes. */
export const useFacts = <T>(select: (facts: Facts) => T): T => {
  const { store } = useSession()
  const [value, setValue] = useState(() => select(store.get()))
  const latest = useRef(select)
  latest.current = select
  useEffect(() => {
    const read = () => setValue(() => latest.current(store.get()))
    read()
    return store.subscribe(read)
  }, [store])
  return value
}

export const useConnected = (): boolean => useFacts(({ connection }) => connection === 'open')

/** Epoch ms, again after each `every` ms. */
export const useNow = (every = 1_000): number => {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every)
    return () => clearInterval(timer)
  }, [every])
  return now
}

export interface Loaded<T> {
  data?: T
  error?: string
  /** Loads again, now. */
  reload(): void
}

/**
 * Loads at once, whenever `key` changes, and every `every` ms while the page is visible; never twice at a time. The
 * last data stay while new ones are loaded.
 */
export const useLoaded = <T>(load: (signal: AbortSignal) => Promise<T>, key: string, every?: number): Loaded<T> => {
  const [state, setState] = useState<{ data?: T; error?: string }>({})
  const [count, setCount] = useState(0)
  const latest = useRef(load)
  latest.current = load
  useEffect(() => {
    const ended = new AbortController()
    let isLoading = false
    const read = async () => {
      if (isLoading) return
      isLoading = true
      try {
        const data = await latest.current(ended.signal)
        if (!ended.signal.aborted) setState({ data })
      } catch (error) {
        if (!ended.signal.aborted) setState((before) => ({ ...before, error: errorText(error) }))
      } finally {
        isLoading = false
      }
    }
    void read()
    const timer =
      every === undefined
        ? undefined
        : setInterval(() => {
            if (document.visibilityState === 'visible') void read()
          }, every)
    return () => {
      ended.abort()
      clearInterval(timer)
    }
  }, [key, every, count])
  const reload = useCallback(() => setCount((before) => before + 1), [])
  return { ...state, reload }
}

/** True while the element is on the screen and the page is visible. */
export const useVisible = (ref: RefObject<Element | null>): boolean => {
  const [isVisible, setVisible] = useState(false)
  useEffect(() => {
    const element = ref.current
    if (element === null) return
    let isOnScreen = false
    const update = () => setVisible(isOnScreen && document.visibilityState === 'visible')
    const observer = new IntersectionObserver((entries) => {
      isOnScreen = entries.at(-1)?.isIntersecting ?? false
      update()
    })
    observer.observe(element)
    document.addEventListener('visibilitychange', update)
    return () => {
      observer.disconnect()
      document.removeEventListener('visibilitychange', update)
    }
  }, [ref])
  return isVisible
}
