/** So late (ms) is a timer only if the whole process was away: stopped, frozen with its host, or starved. */
const lateness = 500
/** Time for the events that came meanwhile, in ms. */
const grace = 500

interface Timer {
  handle: NodeJS.Timeout
}

/**
 * The timers of the machines. After a pause of this process all timers are due at once, before a single event that came
 * meanwhile: a recording would be called interrupted, and a pipeline stalled, although data came all the time. So late
 * timers wait for these events, which stop them. `monotonic`: in ms.
 */
export const patientClock = (monotonic: () => number) => ({
  setTimeout(fire: () => void, timeout: number): Timer {
    const due = monotonic() + timeout
    const timer: Timer = {
      handle: setTimeout(() => {
        if (monotonic() - due <= lateness) return fire()
        timer.handle = setTimeout(fire, grace)
      }, timeout),
    }
    return timer
  },
  clearTimeout: ({ handle }: Timer) => clearTimeout(handle),
})
