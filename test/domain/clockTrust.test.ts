import { expect } from 'chai'
import {
  type ClockRecord,
  isSuspect,
  judgeClock,
  reasonOfSuspicion,
  unknownTime,
} from '../../machines/domain/clockTrust.js'

const hour = 3_600_000
const day = 24 * hour
const noon = Date.UTC(2026, 0, 2, 12)
const seen: ClockRecord = { wall: noon, expected: noon }

/** The record after readings of the wall clock, each an hour of monotonic time after the one before. */
const afterHours = (record: ClockRecord, walls: number[]) =>
  walls.reduce((before, wall) => judgeClock(before, wall, hour), record)

/** Readings of a steady clock, one in an hour. */
const steady = (from: number, hours: number) => Array.from({ length: hours }, (_, index) => from + index * hour)

describe('the wall clock', () => {
  it('is trusted at the first start, and while it runs with the monotonic clock', () => {
    expect(judgeClock(undefined, noon, 0)).to.deep.equal(seen)
    expect(judgeClock(seen, noon + hour, hour)).to.deep.equal({ wall: noon + hour, expected: noon + hour })
  })

  it('is trusted after a step or a time off of at most a day', () => {
    for (const wall of [noon + day, noon - day, noon + 3 * hour])
      expect(judgeClock(seen, wall, 0)).to.deep.equal({ wall, expected: wall })
  })

  it('is suspect if a start finds it more than a day later, or earlier, than the last time seen', () => {
    const late = noon + 365 * day
    expect(judgeClock(seen, late, 0)).to.deep.equal({ wall: late, expected: noon, steadyFor: 0 })
    const early = noon - day - 1
    expect(judgeClock(seen, early, 0)).to.deep.equal({ wall: early, expected: noon, steadyFor: 0 })
  })

  it('is suspect if it jumps by more than a day while the service runs', () => {
    const late = noon + hour + day + 1
    expect(judgeClock(seen, late, hour)).to.deep.equal({ wall: late, expected: noon + hour, steadyFor: 0 })
  })

  it('is trusted at once when it is corrected, also hours later', () => {
    const suspect = afterHours(seen, steady(noon + 365 * day, 5))
    const back = noon + 6 * hour
    expect(judgeClock(suspect, back, hour)).to.deep.equal({ wall: back, expected: back })
  })

  it('is trusted after 24 hours without another jump, but not before', () => {
    const late = noon + 40 * day
    expect(isSuspect(afterHours(seen, steady(late, 24)))).to.equal(true)
    const last = late + 24 * hour
    expect(afterHours(seen, steady(late, 25))).to.deep.equal({ wall: last, expected: last })
  })

  it('begins the 24 hours again after another jump', () => {
    const again = [...steady(noon + 40 * day, 20), ...steady(noon + 90 * day, 24)]
    expect(afterHours(seen, again)).to.deep.include({ steadyFor: 23 * hour })
  })

  it('keeps its suspicion and the steady hours over a restart; the time off is not counted', () => {
    const suspect = afterHours(seen, steady(noon + 40 * day, 11))
    expect(suspect).to.deep.include({ steadyFor: 10 * hour })
    const restarted = judgeClock(suspect, suspect.wall + 16 * hour, 0)
    expect(restarted).to.deep.equal({
      wall: suspect.wall + 16 * hour,
      expected: noon + 11 * hour,
      steadyFor: 10 * hour,
    })
    const off = judgeClock(suspect, suspect.wall + 2 * day, 0)
    expect(off).to.deep.include({ steadyFor: 0 })
  })

  it('is suspect while it shows a time before 2000, and trusted when it is set for the first time', () => {
    const unset = judgeClock(undefined, hour, 0)
    expect(unset).to.deep.equal({ wall: hour, steadyFor: 0 })
    expect(judgeClock(unset, 26 * hour, 25 * hour)).to.deep.equal({ wall: 26 * hour, steadyFor: 0 })
    expect(judgeClock(unset, noon, hour)).to.deep.equal(seen)
  })

  it('is suspect for 24 hours if the last time seen is lost', () => {
    expect(judgeClock(unknownTime, noon, 0)).to.deep.equal({ wall: noon, expected: 0, steadyFor: 0 })
    expect(isSuspect(afterHours(unknownTime, steady(noon, 24)))).to.equal(true)
    expect(isSuspect(afterHours(unknownTime, steady(noon, 25)))).to.equal(false)
  })

  for (const [record, details] of [
    [
      { wall: noon + 365 * day, expected: noon, steadyFor: 0 },
      'the clock shows 2027-01-02T12:00:00.000Z, 365 days later than expected. No file is deleted by age ' +
        'until it has run for 24 hours without another jump: if it is right, call cleanup_old_files; if not, set it',
    ],
    [
      { wall: noon, expected: noon + 2 * day, steadyFor: 0 },
      'the clock shows 2026-01-02T12:00:00.000Z, 2 days earlier than expected. No file is deleted by age ' +
        'until it has run for 24 hours without another jump: if it is right, call cleanup_old_files; if not, set it',
    ],
    [
      { wall: noon, expected: 0, steadyFor: 0 },
      'the clock shows 2026-01-02T12:00:00.000Z, but the last time seen is not known. No file is deleted by age ' +
        'until it has run for 24 hours without another jump: if it is right, call cleanup_old_files; if not, set it',
    ],
    [
      { wall: 60_000, steadyFor: 0 },
      'the clock shows 1970-01-01T00:01:00.000Z: it was not set. No file is deleted by age until it is set',
    ],
  ] as const)
    it(`has the reason: ${details.slice(0, 70)} …`, () =>
      expect(reasonOfSuspicion(record)).to.deep.equal({ code: 'clock_suspect', details }))
})
