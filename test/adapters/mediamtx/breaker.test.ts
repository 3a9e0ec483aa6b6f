import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import { Unreachable } from '../../../adapters/mediamtx/api.js'
import { createBreaker } from '../../../adapters/mediamtx/breaker.js'

describe('the breaker of the media server', () => {
  it('leaves no timer behind when it is closed, open or not, and calls nothing any more', async () => {
    const timers = useFakeTimers()
    try {
      for (const isOpen of [false, true]) {
        const breaker = createBreaker({ threshold: 1 })
        const fails = () => Promise.reject(new Unreachable('gone', false))
        if (isOpen) for (let times = 0; times < 3; times += 1) await breaker.run(fails).catch(() => {})
        breaker.close()
        expect(timers.countTimers(), `open: ${isOpen}`).to.equal(0)
        let calls = 0
        const late = await breaker.run(async () => (calls += 1)).catch((error: unknown) => error)
        expect(late).to.be.instanceOf(Unreachable)
        expect(calls).to.equal(0)
      }
    } finally {
      timers.restore()
    }
  })
})
