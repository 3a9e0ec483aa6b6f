import { setTimeout as delay } from 'node:timers/promises'
import { reasonOf } from '../../../machines/domain/errors.js'

/**
 * Runs steps in order, times them, goes on after a failure, and prints them as a table at the end. After `seconds` no
 * step begins and the running one fails, so that there is still time for the table and the logs. `only`: leaves out
 * steps whose names do not match, except those that all others need.
 */
export const createSteps = ({ seconds: limit, only = /./ }: { seconds: number; only?: RegExp }) => {
  const start = performance.now()
  const timeIsUp = delay(limit * 1000, undefined, { ref: false }).then(() => {
    throw new Error(`the run's ${limit} s are over`)
  })
  timeIsUp.catch(() => {}) // heard by the steps
  const rows: { name: string; seconds: number; result: string }[] = []
  let failures = 0
  return {
    /** `act` returns a note for the table, or nothing. Resolves with whether it passed. */
    async step(name: string, act: () => Promise<string | undefined>, { needed = false } = {}): Promise<boolean> {
      if (!needed && !only.test(name)) return true
      const began = performance.now()
      let result: string
      let passed = true
      try {
        const isOver = performance.now() - start > limit * 1000
        result = (await Promise.race(isOver ? [timeIsUp] : [act(), timeIsUp])) ?? 'ok'
      } catch (error) {
        result = `FAILED ${reasonOf(error)}`
        passed = false
        failures += 1
      }
      const seconds = (performance.now() - began) / 1000
      rows.push({ name, seconds, result })
      const note = result === 'ok' ? '' : ` — ${result}`
      console.log(`${passed ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(5)} s  ${name}${note}`)
      return passed
    },
    failures: () => failures,
    print() {
      const width = Math.max(...rows.map(({ name }) => name.length))
      console.log(`\n${'step'.padEnd(width)}  seconds  result`)
      for (const { name, seconds, result } of rows)
        console.log(`${name.padEnd(width)}  ${seconds.toFixed(1).padStart(7)}  ${result}`)
      console.log(
        failures === 0 ? `\nAll ${rows.length} steps passed.` : `\n${failures} of ${rows.length} steps failed.`,
      )
    },
  }
}

export type Steps = ReturnType<typeof createSteps>
