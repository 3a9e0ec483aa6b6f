import { expect } from 'chai'
import { afterReading, type ClockRecord, confirmed, isSuspect } from '../../machines/domain/clockTrust.js'
import { wrongTimes } from '../../machines/domain/wrongTimes.js'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const build = Date.UTC(2023, 2, 1)
const today = Date.UTC(2026, 4, 1)

/** A host whose clock is read every ten minutes. */
function host() {
  let record: ClockRecord | undefined
  let wall = 0
  let boot = 0
  const read = (elapsed: number) => {
    record = afterReading(record, { wall, boot: `boot ${boot}` }, elapsed)
  }
  const known = (): ClockRecord => {
    if (!record) throw new Error('the clock was not read yet')
    return record
  }
  return {
    boots(at: number) {
      wall = at
      boot++
      read(0)
    },
    /** The service starts again; the host goes on. */
    restarts: () => read(0),
    runs(ms: number) {
      for (let time = 0; time < ms; time += 10 * minute) {
        wall += 10 * minute
        read(10 * minute)
      }
    },
    /** The clock is set just before the next reading. */
    isSet(to: number) {
      wall = to
      read(10 * minute)
    },
    confirms() {
      record = confirmed(known())
      read(0)
    },
    isSuspect: () => isSuspect(known()),
    /** True if a file of this time is never deleted by age. */
    isWrong: (time: number) => wrongTimes(known(), wall).some(({ from, to }) => time >= from && time <= to),
    record: known,
  }
}

describe('times of a wrong clock', () => {
  it('are those that it showed before it was set: the time of the firmware, and ten minutes', () => {
    const it = host()
    it.boots(build)
    it.runs(hour)
    it.isSet(today)
    expect(it.isSuspect()).to.equal(true)
    it.runs(day)
    expect(it.isSuspect()).to.equal(false)
    expect([build, build + hour, today + minute, build - minute].map(it.isWrong)).to.deep.equal([
      true,
      true,
      false,
      false,
    ])
  })

  it('are known for a clock that was only two months late, too', () => {
    const it = host()
    it.boots(today - 60 * day)
    it.runs(2 * hour)
    it.isSet(today)
    it.runs(day)
    expect([today - 60 * day + hour, today - 59 * day].map(it.isWrong)).to.deep.equal([true, false])
  })

  it('are known at once when a client confirms the clock', () => {
    const it = host()
    it.boots(today - 60 * day)
    it.runs(hour)
    it.isSet(today)
    it.confirms()
    expect(it.isSuspect()).to.equal(false)
    expect(it.record().wrong).to.deep.equal([{ from: today - 60 * day, to: today - 60 * day + hour + 10 * minute }])
  })

  it('are kept over a restart of the service, on both sides', () => {
    const it = host()
    it.boots(today - 60 * day)
    it.runs(hour)
    it.restarts()
    it.runs(hour)
    it.isSet(today)
    it.restarts()
    it.runs(day)
    it.boots(today + 2 * day)
    expect([today - 60 * day + 10 * minute, today].map(it.isWrong)).to.deep.equal([true, false])
  })

  it('are known after each start of a host without a battery, whose clock goes back to its firmware', () => {
    const it = host()
    it.boots(build)
    it.isSet(today)
    it.runs(day)
    it.boots(build)
    expect(it.isSuspect()).to.equal(true)
    it.runs(3 * hour)
    it.isSet(today + day + 4 * hour)
    expect(it.isSuspect()).to.equal(false)
    expect([build + 2 * hour, today, today + hour].map(it.isWrong)).to.deep.equal([true, false, false])
  })

  it('are known if the clock was set between two starts', () => {
    const it = host()
    it.boots(build)
    it.runs(7 * day)
    it.boots(today)
    it.runs(day)
    expect(it.isSuspect()).to.equal(false)
    expect([build, build + 7 * day, today].map(it.isWrong)).to.deep.equal([true, true, false])
  })

  it('are those of one start at which the clock was far behind', () => {
    const it = host()
    it.boots(today)
    it.runs(day)
    it.boots(build)
    it.runs(hour)
    it.boots(today + 2 * day)
    it.runs(hour)
    expect(it.isSuspect()).to.equal(false)
    expect([build, build + hour, today].map(it.isWrong)).to.deep.equal([true, true, false])
  })

  it('are not the times before a weekend off, also of a host that continues where it was switched off', () => {
    for (const start of [today + 4 * day, today + day]) {
      const it = host()
      it.boots(today)
      it.runs(day)
      it.boots(start)
      if (start !== today + 4 * day) {
        it.runs(10 * minute)
        it.isSet(today + 4 * day)
      }
      it.runs(day)
      expect(it.isSuspect()).to.equal(false)
      expect([today, today + day - minute].map(it.isWrong)).to.deep.equal([false, false])
    }
  })

  it('are not the right times before a clock jumped ahead and was corrected', () => {
    const it = host()
    it.boots(today)
    it.runs(day)
    it.isSet(today + 40 * day)
    it.runs(2 * hour)
    it.isSet(today + day + 2 * hour + 20 * minute)
    expect(it.isSuspect()).to.equal(false)
    it.runs(2 * day)
    expect([today, today + day].map(it.isWrong)).to.deep.equal([false, false])
  })

  it('are bounded in number', () => {
    const it = host()
    it.boots(build)
    for (let index = 1; index <= 65; index++) {
      it.runs(10 * minute)
      // The gaps grow: only the first one is the smallest.
      it.isSet(build + index * (3 * day + index * minute))
      it.confirms()
    }
    expect(it.record().wrong).to.have.length(20)
    expect([build, build + 2 * 3 * day].map(it.isWrong)).to.deep.equal([true, true])
    expect(wrongTimes(it.record(), it.record().wall), 'none is lost').to.deep.equal(it.record().wrong)
    for (let year = 2030; year < 2060; year++) it.boots(Date.UTC(year, 0, 1))
    expect(it.record().eras).to.have.length.at.most(10)
  })

  it('do not contain the time before clocks', () => {
    const it = host()
    it.boots(minute)
    it.runs(hour)
    it.isSet(today)
    expect(it.record()).to.not.have.any.keys('wrong', 'doubted')
  })
})
