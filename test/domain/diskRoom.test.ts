import { expect } from 'chai'
import {
  type DiskLimits,
  fullness,
  isLeft,
  nextCheck,
  rateAfter,
  reached,
  unknownRate,
} from '../../machines/domain/diskRoom.js'
import { because } from '../../machines/domain/reason.js'

const limits: DiskLimits = { warnPercent: 80, blockPercent: 90, minFree: 0 }
const usage = (available: number) => ({ total: 1e9, used: 1e9 - available, available, percent: 100 - available / 1e7 })
const idle = { perMs: 0, isKnown: true }

describe('the next look at the disk', () => {
  it('is after the interval while nobody writes', () => {
    expect(nextCheck(limits, usage(9e8), idle, 5_000)).to.equal(5_000)
  })

  it('is after a second while somebody writes', () => {
    expect(nextCheck(limits, usage(9e8), { perMs: 40, isKnown: true }, 5_000)).to.equal(1_000)
  })

  it('is after the interval while only logs are written: each look writes a file, too', () => {
    expect(nextCheck(limits, usage(9e8), { perMs: 20, isKnown: true }, 5_000)).to.equal(5_000)
  })

  it('is after a second while the disk has a fault or is full, because its end is waited for', () => {
    const faulty = { ...usage(9e8), fault: because('storage_read_only') }
    expect(nextCheck(limits, faulty, idle, 5_000)).to.equal(1_000)
    expect(nextCheck(limits, usage(5e7), idle, 5_000)).to.equal(1_000)
  })

  it('is sooner when the disk fills up soon', () => {
    // 2 MB until the limit at 1 kB a millisecond: two seconds.
    expect(nextCheck(limits, usage(1.02e8), { perMs: 1e4, isKnown: true }, 5_000)).to.equal(250)
    expect(nextCheck(limits, usage(1.02e8), { perMs: 1e3, isKnown: true }, 5_000)).to.be.closeTo(500, 1)
  })
})

describe('a level of the disk', () => {
  it('is left when writers have twice the room that they need until they stop', () => {
    // A recording takes 1.25 s until it has stopped: 12.5 MB. The disk is full when 100 MB are left.
    const fast = { perMs: 1e4, isKnown: true }
    expect(isLeft('full', limits, usage(1.24e8), fast)).to.equal(false)
    expect(isLeft('full', limits, usage(1.26e8), fast)).to.equal(true)
    expect(isLeft('full', limits, usage(1.24e8), idle)).to.equal(true)
  })

  it('is that of the bytes or of the inodes, of which a disk may have none', () => {
    expect(fullness(usage(9.95e8))).to.equal(usage(9.95e8).percent)
    expect(fullness({ ...usage(9.95e8), inodesPercent: 70 })).to.equal(70)
  })

  it('comes early if recordings must stop for it, but not if it is only a warning', () => {
    const fast = { perMs: 1e4, isKnown: true }
    expect(reached('full', limits, usage(1e8 + 5_000), fast)).to.equal('forecast')
    expect(reached('warning', limits, usage(2e8 + 5_000), fast)).to.equal(undefined)
  })
})

describe('the rate at which the disk is used', () => {
  const at = (ms: number, available: number) => ({ ...usage(available), at: ms })

  it('is forgotten when space is freed: what filled it may have ended', () => {
    const start = rateAfter(unknownRate, at(0, 9e8), 9e8)
    const filled = rateAfter(start, at(1_000, 0), 9e8)
    expect(filled.perMs).to.equal(9e5)
    // Somebody began to write just before: there is no earlier measurement to compare with.
    const freed = rateAfter({ perMs: filled.perMs, isKnown: false }, at(2_000, 9e8), 0)
    expect(freed).to.deep.include({ perMs: 0, isKnown: false })
    expect(rateAfter(freed, at(3_000, 8.99e8), 9e8)).to.deep.include({ perMs: 1_000, isKnown: true })
  })
})
