/** Runs bundles of tests in one process, one after the other, until the first failure of each. */
import { pathToFileURL } from 'node:url'
import Mocha from 'mocha'

/**
 * `failure`: the title of the test that failed; undefined: all tests passed. `isInvalid`: the program cannot even be
 * loaded. `cpu`: ms.
 */
export interface Verdict {
  failure: string | undefined
  isInvalid: boolean
  tests: number
  cpu: number
}

/** ms in which a test of a busy host must end. */
const limit = 20_000

/** `bundle`: a path, with a query. */
async function run(bundle: string): Promise<Verdict> {
  const before = process.cpuUsage()
  const mocha = new Mocha({ bail: true, timeout: limit, reporter: class {} as never })
  mocha.suite.emit('pre-require', globalThis, '', mocha)
  let failure: string | undefined
  let isInvalid = false
  let tests = 0
  try {
    const [path = '', query] = bundle.split('?')
    await import(`${pathToFileURL(path).href}?${query}`)
    await new Promise<void>((resolve) => {
      const runner = mocha.run(() => resolve())
      runner.on('pass', () => {
        tests += 1
      })
      runner.on('fail', (test, error) => {
        failure ??= `${test.fullTitle()}: ${String(error?.message).split('\n')[0]}`
      })
    })
  } catch (error) {
    isInvalid = true
    failure = `it cannot be loaded: ${String(error).split('\n')[0]}`
  }
  const { user, system } = process.cpuUsage(before)
  return { failure, isInvalid, tests, cpu: (user + system) / 1_000 }
}

// What a failed test has left behind concerns the mutant before.
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})
process.on('message', async (bundle: string) => {
  const verdict = await run(bundle)
  process.send?.(verdict)
})
