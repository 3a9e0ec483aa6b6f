import { expect } from 'chai'
import { type ForecastInput, forecastOf } from '../../machines/domain/forecast.js'
import type { RetentionPolicy } from '../../machines/domain/retention.js'

const hour = 3_600_000
const now = Date.UTC(2026, 0, 2)
const none: RetentionPolicy = { type: 'manual', enabled: true }

describe('the forecast of the disk', () => {
  /** A recording from `from` to `to` hours ago. */
  const file = (from: number, to: number, bytes: number) => ({
    name: `camera0_${from}.mp4`,
    camera: 'camera0' as const,
    bytes,
    createdAt: now - from * hour,
    modifiedAt: now - to * hour,
  })
  const forecast = (recordings: ForecastInput['recordings'], changes: Partial<ForecastInput> = {}) => {
    const bytes = recordings.reduce((sum, each) => sum + each.bytes, 0)
    return forecastOf({ recordings, bytes, room: 1_000, policy: none, hasTarget: false, now, ...changes })
  }

  it('counts the recordings of the last day, and the part of a file that belongs to it', () => {
    const recordings = [file(50, 48, 9_999), file(25, 23, 100), file(2, 1, 150)]
    expect(forecast(recordings)).to.deep.equal({ bytesPerDay: 200, from: now - 24 * hour, daysLeft: 5 })
  })

  it('extrapolates from the first recording if that is younger than a day', () => {
    expect(forecast([file(6, 5, 100)])).to.deep.equal({ bytesPerDay: 400, from: now - 6 * hour, daysLeft: 2.5 })
  })

  it('counts a file that was written at once, and one that begins now', () => {
    expect(forecast([file(6, 6, 100)])?.bytesPerDay).to.equal(400)
    expect(forecast([file(6, 5, 100), file(0, 0, 50)])?.bytesPerDay).to.equal(600)
  })

  it('says nothing without recordings, or with one of the last minutes only', () => {
    expect(forecast([])).to.equal(undefined)
    expect(forecast([file(0.1, 0, 100)])).to.equal(undefined)
    expect(forecast([file(0.25, 0, 100)])?.bytesPerDay, 'a quarter of an hour').to.equal(9_600)
    expect(forecast([file(-5, -6, 100)])).to.equal(undefined)
  })

  it('has no end if nothing was recorded for a day, and ends now on a full disk', () => {
    expect(forecast([file(50, 48, 100)])).to.deep.equal({ bytesPerDay: 0, from: now - 24 * hour })
    expect(forecast([file(6, 5, 100)], { room: -5 })?.daysLeft).to.equal(0)
  })

  it('has no end if retention keeps the files below the limit', () => {
    const recordings = [file(24, 0, 100)]
    const of = (policy: Partial<RetentionPolicy>, more: Partial<ForecastInput> = {}) =>
      forecast(recordings, { policy: { type: 'age', enabled: true, ...policy }, ...more })?.daysLeft
    expect(of({ maxAgeDays: 11 })).to.equal(undefined)
    expect(of({ maxAgeDays: 12 })).to.equal(10)
    expect(of({ type: 'size', maxSizeGb: 1.1e-6 })).to.equal(undefined)
    expect(of({ type: 'size', maxSizeGb: 1.2e-6 })).to.equal(10)
    expect(of({ maxAgeDays: 11, enabled: false })).to.equal(10)
    expect(of({ maxAgeDays: 99 }, { hasTarget: true })).to.equal(undefined)
    expect(of({ type: 'manual' }, { hasTarget: true })).to.equal(10)
  })
})
