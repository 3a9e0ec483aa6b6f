import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { within } from '../../actors/effects/time.js'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

describe('within', () => {
  it('aborts after its limit, even if there is no other reference to it', async () => {
    const controllers = Array.from({ length: 20 }, () => new AbortController())
    let fired = 0
    for (const { signal } of controllers) within(100, signal).addEventListener('abort', () => fired++)
    await sleep(20)
    // In Node 20, AbortSignal.any of an AbortSignal.timeout would be garbage-collected here and never abort.
    collectGarbage()
    await sleep(200)
    expect(fired).to.equal(20)
  })

  it('aborts with the signal and its reason, at once if it is aborted already', async () => {
    const controller = new AbortController()
    const signal = within(60_000, controller.signal)
    controller.abort(new Error('given up'))
    expect(signal.reason).to.have.property('message', 'given up')
    expect(within(60_000, controller.signal).reason).to.have.property('message', 'given up')
  })
})
