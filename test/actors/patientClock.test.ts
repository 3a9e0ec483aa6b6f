import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { patientClock } from '../../actors/patientClock.js'

describe('the timers of the machines', () => {
  let timers: SinonFakeTimers
  beforeEach(() => {
    timers = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => timers.restore())

  const stage = () => {
    let away = 0
    const fired: number[] = []
    const clock = patientClock(() => timers.now + away)
    return {
      clock,
      fired,
      set: (timeout: number) => clock.setTimeout(() => void fired.push(timers.now), timeout),
      /** The process does not run for this time. */
      pause: (ms: number) => {
        away += ms
      },
    }
  }

  it('fire in time, also if the process is busy for a moment', () => {
    const { set, fired, pause } = stage()
    set(3_000)
    pause(500)
    timers.tick(3_000)
    expect(fired).to.deep.equal([3_000])
  })

  it('give way to the events of a pause of the process, and fire half a second later', () => {
    const { set, fired, pause } = stage()
    set(3_000)
    pause(501)
    timers.tick(3_499)
    expect(fired).to.deep.equal([])
    timers.tick(1)
    expect(fired).to.deep.equal([3_500])
  })

  it('can be cleared before they are due, and while they give way', () => {
    const { clock, set, fired, pause } = stage()
    clock.clearTimeout(set(1_000))
    const late = set(2_000)
    pause(10_000)
    timers.tick(2_000)
    clock.clearTimeout(late)
    timers.tick(10_000)
    expect(fired).to.deep.equal([])
  })
})
