import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import { Refused, Unreachable } from '../../../adapters/mediamtx/api.js'
import { createBreaker } from '../../../adapters/mediamtx/breaker.js'

/** Outcomes of calls: success, failure, refusal, abortion. */
const outcomes: Record<string, () => Promise<unknown>> = {
  S: async () => 1,
  F: async () => Promise.reject(new Unreachable('gone', false)),
  R: async () => Promise.reject(new Refused(400, true, 'bad request')),
  A: async () => Promise.reject(new DOMException('aborted', 'AbortError')),
}

describe('the breaker of the media server', () => {
  for (const { calls, threshold = 5, opens } of [
    { calls: 'FFFFF', opens: 5 },
    { calls: `${'S'.repeat(20)}FFFFF`, opens: 25 },
    { calls: 'FFSFFSFFSFFFF' },
    { calls: 'SSFFF' },
    { calls: 'FFFFSFFFF' },
    { calls: 'FFFFSFFFFF', opens: 10 },
    { calls: 'FFFFRFFFF' },
    { calls: 'RRRRRRRR' },
    { calls: 'AAAAAAAA' },
    { calls: 'FFFFAAF', opens: 7 },
    { calls: 'F', threshold: 1, opens: 1 },
    { calls: 'SSSF', threshold: 1, opens: 4 },
    { calls: 'FSFSFSFS', threshold: 2 },
  ])
    it(`opens after ${threshold} failures in a row: ${calls}, ${opens ? `at call ${opens}` : 'never'}`, async () => {
      const breaker = createBreaker({ threshold })
      let made = 0
      let openedAt: number | undefined
      breaker.on(({ type }) => {
        if (type === 'breaker.opened') openedAt ??= made
      })
      for (const call of calls) {
        made += 1
        await breaker.run(outcomes[call] ?? (() => Promise.reject(new Error(call)))).catch(() => {})
      }
      breaker.close()
      expect(openedAt).to.equal(opens)
    })

  it('counts failures in a row however much time is between them', async () => {
    const timers = useFakeTimers()
    try {
      const breaker = createBreaker({ threshold: 3 })
      const events: string[] = []
      breaker.on(({ type }) => events.push(type))
      for (const pause of [0, 60_000, 60_000]) {
        timers.tick(pause)
        await breaker.run(outcomes.F as never).catch(() => {})
      }
      breaker.close()
      expect(events).to.deep.equal(['breaker.opened'])
    } finally {
      timers.restore()
    }
  })

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
