import type { Clock } from '../machines/domain/ports.js'

/** The clocks of the host. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }
