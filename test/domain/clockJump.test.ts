import { expect } from 'chai'
import { changeBetween, isFirstSetting, isJump } from '../../machines/domain/clockJump.js'

const jump = (from: number, to: number) => ({ type: 'system.clock_jumped' as const, from, to, by: to - from })

describe('a jump of the clock', () => {
  it('is the difference from the time that the clock would have shown', () => {
    const before = { wall: 10_000, monotonic: 500 }
    expect(changeBetween(before, { wall: 11_000, monotonic: 1_500 })).to.deep.equal({ from: 11_000, to: 11_000, by: 0 })
    expect(changeBetween(before, { wall: 3_000, monotonic: 1_499.6 })).to.deep.equal({
      from: 11_000,
      to: 3_000,
      by: -8_000,
    })
  })

  it('is more than two seconds, in either direction', () => {
    expect([-2_001, -2_000, 0, 2_000, 2_001].map((by) => isJump({ from: 0, to: by, by }))).to.deep.equal([
      ...[true, false, false, false],
      true,
    ])
  })

  it('is the first setting if the clock began in 1970', () => {
    const now = Date.UTC(2026, 0, 1)
    expect(isFirstSetting(jump(60_000, now))).to.equal(true)
    expect(isFirstSetting(jump(now, now + 60_000))).to.equal(false)
    expect(isFirstSetting(jump(60_000, 120_000))).to.equal(false)
    expect(isFirstSetting({ ...jump(60_000, now), type: 'link.breakerOpened' } as never)).to.equal(false)
  })
})
