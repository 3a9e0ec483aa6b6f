import { setFlagsFromString } from 'node:v8'

/** ms from the start of the process. */
const startIsOver = 10_000

/**
 * Young objects get 1 MB during the start instead of up to 16, which would stay: at rest 9 MB less. Later V8 may give
 * them more under load, because collecting 1 MB again and again takes a fifth of the time of a request; it takes the
 * memory back when the load is over. Old objects may then grow by half before V8 collects them, not to four times their
 * size: under load 40 MB less. Call it before the script is compiled: V8's code is for the flags set then.
 */
export function limitMemory(later: (act: () => void, ms: number) => void): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  later(() => {
    setFlagsFromString('--semi-space-growth-factor=2')
    setFlagsFromString('--heap-growing-percent=50')
  }, startIsOver)
}
