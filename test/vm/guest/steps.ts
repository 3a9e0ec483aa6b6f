import { reasonOf } from '../../../machines/domain/errors.js'

/** Runs steps in order, times them, goes on after a failure, and prints them as a table at the end. */
export const createSteps = () => {
  const rows: { name: string; seconds: number; result: string }[] = []
  let failures = 0
  return {
    /** `act` returns a note for the table, or nothing. `undefined`: the step failed. */
    async step(name: string, act: () => Promise<string | undefined>): Promise<boolean> {
      const start = performance.now()
      let result: string
      let passed = true
      try {
        result = (await act()) ?? 'ok'
      } catch (error) {
        result = `FAILED ${reasonOf(error)}`
        passed = false
        failures += 1
      }
      const seconds = (performance.now() - start) / 1000
      rows.push({ name, seconds, result })
      console.log(`${passed ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(5)} s  ${name}${result === 'ok' ? '' : ` — ${result}`}`)
      return passed
    },
    failures: () => failures,
    print() {
      const width = Math.max(...rows.map(({ name }) => name.length))
      console.log(`\n${'step'.padEnd(width)}  seconds  result`)
      for (const { name, seconds, result } of rows) console.log(`${name.padEnd(width)}  ${seconds.toFixed(1).padStart(7)}  ${result}`)
      console.log(failures === 0 ? `\nAll ${rows.length} steps passed.` : `\n${failures} of ${rows.length} steps failed.`)
    },
  }
}
