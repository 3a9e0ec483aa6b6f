/** What the on-demand states need. */
export interface DemandOptions {
  /** In ms. */
  startTimeout: number
  /** How long the source runs without a reader, in ms. */
  closeAfter: number
  /** Starts the source. Returns a function that stops it. */
  start: (query: string) => (reason: string) => void
  /** Called when there is no stream after `startTimeout`, before the source is stopped. */
  timedOut: () => void
  /** Called when there was no reader for `closeAfter`, before the source is stopped. */
  unused: () => void
  /** Called after the source was stopped by either timer. */
  stopped: () => void
}

/** Starts and stops the source of one path. */
export interface Demand {
  /** A request waits for the stream. */
  request(query: string): void
  /** The stream is available. */
  available(): void
  /** The stream has a reader. */
  occupied(): void
  /** The stream has no reader. */
  vacant(): void
  /** Stops the source if it was started. */
  stop(reason: string): void
}

/**
 * MediaMTX's on-demand states: initial → waiting → closing ⇄ ready, and back to initial. MediaMTX has a
 * trap here: after the publisher is lost the state is `closing`, and a request is held without a timer. It starts
 * nothing; only a request after the close timer does.
 */
export function createDemand({ startTimeout, closeAfter, start, timedOut, unused, stopped }: DemandOptions): Demand {
  let state: 'initial' | 'waiting' | 'ready' | 'closing' = 'initial'
  let timer: NodeJS.Timeout | undefined
  let stopSource: ((reason: string) => void) | undefined

  const stop = (reason: string): void => {
    clearTimeout(timer)
    state = 'initial'
    stopSource?.(reason)
    stopSource = undefined
  }
  const close = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      unused()
      stop('not needed by anyone')
      stopped()
    }, closeAfter)
    state = 'closing'
  }

  return {
    request: (query) => {
      if (state !== 'initial') return
      stopSource = start(query)
      timer = setTimeout(() => {
        timedOut()
        stop('timed out')
        stopped()
      }, startTimeout)
      state = 'waiting'
    },
    available: () => {
      if (state !== 'initial') close()
    },
    occupied: () => {
      if (state !== 'closing') return
      clearTimeout(timer)
      state = 'ready'
    },
    vacant: () => {
      if (state === 'ready') close()
    },
    stop,
  }
}
