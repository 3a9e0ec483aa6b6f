import { getEventListeners, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import { within } from '../../actors/effects/time.js'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

describe('within', () => {
  it('aborts after its limit, even if there is no other reference to it', async () => {
    const controllers = Array.from({ length: 20 }, () => new AbortController())
    let fired = 0
    for (const { signal } of controllers)
      within(100, signal, (limited) => {
        limited.addEventListener('abort', () => fired++)
        return new Promise<void>(() => {})
      })
    await sleep(20)
    // In Node 20, AbortSignal.any of an AbortSignal.timeout would be garbage-collected here and never abort.
    collectGarbage()
    await sleep(200)
    expect(fired).to.equal(20)
  })

  it('aborts with the signal and its reason, at once if it is aborted already', async () => {
    const controller = new AbortController()
    const reason = () =>
      within(60_000, controller.signal, async (limited) => {
        if (!limited.aborted) await once(limited, 'abort')
        return limited.reason
      })
    const before = reason()
    controller.abort(new Error('given up'))
    expect(await before).to.have.property('message', 'given up')
    expect(await reason()).to.have.property('message', 'given up')
  })

  it('leaves no timer and no listener when the act has ended, well or not', async () => {
    const { signal } = new AbortController()
    const clock = useFakeTimers()
    await within(60_000, signal, async () => {})
    const failed = await within(60_000, signal, () => Promise.reject(new Error('refused'))).catch((error) => error)
    const left = clock.countTimers()
    clock.restore()
    expect(failed).to.have.property('message', 'refused')
    expect(getEventListeners(signal, 'abort')).to.deep.equal([])
    expect(left).to.equal(0)
  })
})
