import { expect } from 'chai'
import { fromPromise, SimulatedClock } from 'xstate'
import { reasonOfLevel } from '../../machines/domain/diskReason.js'
import type { Measured, StorageSettings } from '../../machines/domain/diskRoom.js'
import type { DiskUsage, RecordingFolder } from '../../machines/domain/ports.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { storageMachine, storageView } from '../../machines/storage.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

describe('storage', () => {
  it('has hysteresis at the limits', async () => {
    const { levels, measures } = disk()
    for (const percent of [50, 80, 79, 78.5, 77.9, 90, 89, 88, 87.9, 95, 10]) await measures(percent)
    expect(levels()).to.deep.equal(['ok', 'warning', 'ok', 'critical', 'warning', 'critical', 'ok'])
  })

  it('judges the last measurement again by other limits', async () => {
    const { actor, levels, heard, measures } = disk()
    await measures(50)
    const limits = { warnPercent: 30, minFree: 0, interval: 5_000 }
    actor.send({ type: 'limits.set', ...limits, blockPercent: 40 })
    expect(heard.at(-1)).to.deep.equal({
      type: 'storage.blocked',
      reason: because('storage_full', 'the disk is 50.0 % full, the limit is 40 %'),
    })
    actor.send({ type: 'limits.set', ...limits, blockPercent: 90 })
    expect(levels()).to.deep.equal(['ok', 'critical', 'warning'])
  })

  it('blocks recordings while the disk is full, with the reason', async () => {
    const { actor, heard, measures } = disk()
    await measures(50)
    await measures(93.25)
    await measures(70)
    expect(heard.filter(isLevel)).to.deep.equal([
      { type: 'storage.freed' },
      { type: 'storage.blocked', reason: because('storage_full', 'the disk is 93.3 % full, the limit is 90 %') },
      { type: 'storage.freed' },
    ])
    await measures(93.25)
    expect(storageView(actor.getSnapshot(), 7).cause).to.deep.equal({
      state: 'critical',
      since: 7,
      reason: because('storage_full', 'the disk is 93.3 % full, the limit is 90 %'),
    })
  })

  it('keeps the last values after one failed measurement, with the reason', async () => {
    const { actor, measures, fails } = disk()
    await measures(50)
    await fails('gone')
    const failure = because('storage_unknown', 'the free space of the disk cannot be measured: gone')
    expect(storageView(actor.getSnapshot(), 0)).to.deep.include({ state: 'ok', percent: 50 })
    expect(storageView(actor.getSnapshot(), 0).cause.reason).to.deep.equal(failure)
    await measures(51)
    expect(storageView(actor.getSnapshot(), 0).cause.reason).to.equal(undefined)
  })

  it('forgets a failed measurement of the folder that is no longer in use', async () => {
    const { actor, measures, fails } = disk()
    await measures(50)
    await fails('gone')
    actor.send({ type: 'folder.used', folder: 'fallback' })
    expect(storageView(actor.getSnapshot(), 0).cause.reason).to.equal(undefined)
  })

  it('is blind and blocks recordings after two failed measurements in a row', async () => {
    const { heard, levels, measures, fails } = disk()
    await measures(50)
    await fails('gone')
    await fails('gone')
    await fails('gone')
    expect(levels()).to.deep.equal(['ok', 'blind'])
    expect(heard.at(-1)).to.deep.equal({
      type: 'storage.blocked',
      reason: because('storage_unknown', 'the free space of the disk cannot be measured: gone'),
    })
    await measures(85)
    expect(levels()).to.deep.equal(['ok', 'blind', 'warning'])
    expect(heard.at(-1)).to.deep.equal({ type: 'storage.freed' })
  })

  it('is critical when the inodes are used up, and says so', async () => {
    const { actor, heard, facts, levels, measures } = disk()
    const reason = because(
      'storage_full',
      '100.0 % of the inodes of the disk are used, the limit is 90 %: no file can be created',
    )
    await measures(50, { inodesPercent: 85 })
    await measures(50, { inodesPercent: 100, fault: because('storage_full', 'no file can be written (ENOSPC)') })
    expect(facts.at(-1)).to.deep.equal({ type: 'storage.critical', percent: 50, available: 500, reason })
    expect(heard.at(-1)).to.deep.equal({ type: 'storage.blocked', reason })
    expect(storageView(actor.getSnapshot(), 7).cause).to.deep.equal({ state: 'critical', since: 7, reason })
    await measures(50, { inodesPercent: 89 })
    await measures(50, { inodesPercent: 20 })
    expect(levels()).to.deep.equal(['warning', 'critical', 'ok'])
  })

  for (const code of ['storage_read_only', 'storage_failed', 'storage_missing', 'storage_denied'] as const)
    it(`blocks recordings at once when no file can be written (${code}), until one can`, async () => {
      const { actor, heard, levels, measures } = disk()
      await measures(50)
      await measures(50, { fault: because(code) })
      expect(heard.at(-1)).to.deep.equal({ type: 'storage.blocked', reason: because(code) })
      expect(storageView(actor.getSnapshot(), 7).cause).to.deep.equal({
        state: 'critical',
        since: 7,
        reason: because(code),
      })
      await measures(50)
      expect(heard.at(-1)).to.deep.equal({ type: 'storage.freed' })
      expect(levels()).to.deep.equal(['ok', 'critical', 'ok'])
    })

  it('tells the new reason when a full disk becomes read-only', async () => {
    const { heard, levels, measures } = disk()
    await measures(95)
    await measures(95, { fault: because('storage_read_only') })
    await measures(95, { fault: because('storage_read_only') })
    expect(levels()).to.deep.equal(['critical', 'critical'])
    expect(heard.at(-1)).to.deep.equal({ type: 'storage.blocked', reason: because('storage_read_only') })
  })

  it('stays critical, for the same reason, after one failed measurement', async () => {
    const { actor, heard, levels, measures, fails } = disk()
    await measures(95)
    await measures(89)
    const { reason } = storageView(actor.getSnapshot(), 0).cause
    await fails('late')
    expect(storageView(actor.getSnapshot(), 0).cause.reason).to.deep.equal(reason)
    expect(levels()).to.deep.equal(['critical'])
    expect(heard.filter(isLevel)).to.have.length(1)
  })

  it('has no hysteresis at the end of a fault: the disk was never full', async () => {
    const { levels, measures } = disk()
    await measures(89, { fault: because('storage_missing') })
    await measures(89)
    await measures(91)
    await measures(89)
    expect(levels()).to.deep.equal(['critical', 'warning', 'critical'])
  })

  it('blocks recordings with the reason of a disk that takes no file though it is not full', async () => {
    const { heard, measures } = disk()
    const reason = because('storage_full', 'no file can be written (EDQUOT)')
    await measures(50, { fault: reason })
    expect(heard).to.deep.equal([{ type: 'storage.blocked', reason }])
  })

  it('blocks recordings at once when the measurement itself shows a fault of the disk', async () => {
    const { actor, heard, levels, measures, fails } = disk()
    await measures(50)
    await fails(new Failure('storage_missing'))
    expect(heard.at(-1)).to.deep.equal({ type: 'storage.blocked', reason: because('storage_missing') })
    expect(storageView(actor.getSnapshot(), 0)).to.deep.include({ state: 'critical', percent: 50 })
    await measures(50)
    expect(levels()).to.deep.equal(['ok', 'critical', 'ok'])
  })

  it('takes one failed measurement after a fault for an exception, and a fault after it for a fault', async () => {
    const { heard, levels, measures, fails } = disk()
    await measures(50)
    await fails(new Failure('storage_missing'))
    await fails('late')
    expect(levels()).to.deep.equal(['ok', 'critical'])
    await measures(50)
    await fails('late')
    await fails(new Failure('storage_denied'))
    expect(levels()).to.deep.equal(['ok', 'critical', 'ok', 'critical'])
    expect(heard.at(-1)).to.deep.equal({ type: 'storage.blocked', reason: because('storage_denied') })
    await fails('late')
    expect(levels().at(-1)).to.equal('critical')
  })

  it('blocks recordings if the first measurement already shows a fault', async () => {
    const { heard, levels, fails } = disk()
    await fails(new Failure('storage_missing'))
    expect(levels()).to.deep.equal(['critical'])
    expect(heard).to.deep.equal([{ type: 'storage.blocked', reason: because('storage_missing') }])
  })

  it('keeps the reserve also after a failed measurement', async () => {
    const { reserve, measures, fails } = disk()
    await measures(50)
    await fails('late')
    await measures(50)
    expect(reserve.asked).to.equal(2)
  })

  it('measures at once when somebody begins to write', async () => {
    const { actor, asked, clock, measured } = disk()
    await measured(50)
    clock.increment(1)
    expect(asked()).to.equal(1)
    actor.send({ type: 'disk.check' })
    expect(asked()).to.equal(2)
  })

  it('keeps the reserve for state files while there is room, and makes it again after a full disk', async () => {
    const { reserve, measures } = disk()
    await measures(50)
    await measures(95)
    await measures(50, { fault: because('storage_read_only') })
    expect(reserve.asked).to.equal(1)
    reserve.fails = true
    await measures(50)
    reserve.fails = false
    await measures(50)
    expect(reserve.asked).to.equal(3)
  })
})

describe('storage with a limit of free bytes', () => {
  it('warns below twice the limit and blocks below the limit, whatever the percentage is', async () => {
    const { heard, facts, levels, measures } = disk({ minFree: 500 })
    for (const percent of [0, 10, 51, 46, 40, 10, 0]) await measures(percent, { available: 1_000 - percent * 10 })
    expect(levels()).to.deep.equal(['ok', 'warning', 'critical', 'warning'])
    expect(facts[1]).to.deep.include({
      reason: because('storage_warning', 'only 0.0 MB are free, the limit is 0.0 MB'),
    })
    expect(heard.filter(isLevel).map(({ type }) => type)).to.deep.equal([
      'storage.freed',
      'storage.freed',
      'storage.blocked',
      'storage.freed',
    ])
  })

  it('names the free space and the limit', async () => {
    const { heard, measures } = disk({ minFree: 500e6 })
    await measures(50, { total: 1e9, used: 5e8, available: 499_900_000 })
    const reason = because('storage_full', 'only 499.9 MB are free, the limit is 500.0 MB')
    expect(heard.find(({ type }) => type === 'storage.blocked')).to.deep.equal({ type: 'storage.blocked', reason })
  })

  it('chooses the limit by the size of the disk, if it is to', async () => {
    const small = disk({ minFree: 'auto', warnPercent: 98, blockPercent: 99 })
    await small.measures(80)
    await small.measures(94)
    await small.measures(96)
    expect(small.levels()).to.deep.equal(['ok', 'warning', 'critical'])
    const large = disk({ minFree: 'auto', warnPercent: 99, blockPercent: 100 })
    const of = (available: number) => ({ total: 1e12, used: 1e12 - available, available })
    await large.measures(96, of(40e9))
    await large.measures(97, of(200e6))
    await large.measures(97, of(100e6))
    expect(large.levels()).to.deep.equal(['ok', 'warning', 'critical'])
  })
})

describe('storage that retention can free', () => {
  const pressed = (heard: { type: string }[]) =>
    heard.splice(0).flatMap((news) => (news.type === 'storage.pressed' && 'missing' in news ? news.missing : []))

  it('reports with each measurement how much is missing until recordings may continue', async () => {
    const { heard, measures } = disk()
    for (const percent of [87, 95, 90, 88, 80]) await measures(percent)
    expect(pressed(heard)).to.deep.equal([
      { bytes: 70, files: 0 },
      { bytes: 20, files: 0 },
    ])
  })

  it('reports how much is missing to the target, at every level', async () => {
    const { heard, measures } = disk({ freeTarget: 400 })
    for (const percent of [50, 70, 95]) await measures(percent)
    expect(pressed(heard)).to.deep.equal([
      { bytes: 100, files: 0 },
      { bytes: 350, files: 0 },
    ])
  })

  it('reports how many files are missing when the inodes are used up, until recordings may continue', async () => {
    const { heard, measures } = disk()
    await measures(50, { inodesPercent: 100, inodes: 2_000 })
    await measures(95, { inodesPercent: 90.5, inodes: 2_000 })
    await measures(50, { inodesPercent: 87.9, inodes: 2_000 })
    // 12 % of 2000 files are above 88 %, at which recordings may not continue yet.
    expect(pressed(heard)).to.deep.equal([
      { bytes: 0, files: 241 },
      { bytes: 70, files: 51 },
    ])
  })

  it('asks for nothing while the disk has another fault', async () => {
    const { heard, measures } = disk()
    await measures(95, { fault: because('storage_read_only'), inodesPercent: 100, inodes: 2_000 })
    expect(pressed(heard)).to.deep.equal([])
  })
})

describe('storage on a disk whose usage is simulated', () => {
  it('has its levels, but no file is deleted because of it, and the leap is no rate of writing', async () => {
    const { actor, heard, levels, measures } = disk({ freeTarget: 400 })
    await measures(10)
    await measures(85, { simulated: true })
    expect(storageView(actor.getSnapshot(), 0).state).to.equal('warning')
    await measures(100, { simulated: true })
    await measures(10)
    await measures(11)
    expect(levels()).to.deep.equal(['ok', 'warning', 'critical', 'ok'])
    expect(heard.filter(({ type }) => type === 'storage.pressed')).to.deep.equal([])
    await measures(70)
    expect(heard.filter(({ type }) => type === 'storage.pressed')).to.have.length(1)
  })
})

describe('storage on a disk that is being filled', () => {
  it('names the rate at which the disk fills up, if that is why recordings stop', () => {
    const limits = { warnPercent: 80, blockPercent: 90, minFree: 0 }
    const usage = { total: 1e9, used: 8.99e8, available: 1.01e8, percent: 89.9 }
    expect(reasonOfLevel('full', limits, usage, { perMs: 1_000, isKnown: true })).to.deep.equal(
      because('storage_full', 'the disk fills up with 1.0 MB per second, only 101.0 MB are free'),
    )
  })

  it('measures more often the sooner the disk is full, and stops recordings before it is', async () => {
    const { levels, used, seconds } = await filling({ size: 40e6, rate: 30e6 / 8 })
    expect(levels()).to.include.members(['ok', 'critical'])
    expect(used()).to.be.below(40e6)
    expect(seconds()).to.be.below(11)
  })

  it('stops them in time if they begin when little room is left, after a time without a writer', async () => {
    const { levels, used } = await filling({ size: 40e6, rate: 30e6 / 8, used: 33e6, idle: 60_000 })
    expect(levels().at(-1)).to.equal('critical')
    expect(used()).to.be.below(40e6)
  })

  it('does not measure more often than every 5 s while nobody writes', async () => {
    const { asked, clock, measures, measured } = disk({}, 5_000)
    for (let times = 0; times < 4; times += 1) await measures(50)
    await measured(50)
    const before = asked()
    clock.increment(4_999)
    expect(asked()).to.equal(before)
    clock.increment(1)
    expect(asked()).to.equal(before + 1)
  })

  it('does not block and free alternately when the writers stop and continue', async () => {
    const { levels } = await filling({ size: 40e6, rate: 30e6 / 8, seconds: 60 })
    expect(levels().filter((level) => level === 'critical').length).to.be.at.most(5)
  })
})

describe('storage with recordings of different priorities', () => {
  it('announces the limit with each measurement, and that there is room again until it is settled', async () => {
    const { actor, heard, measures } = disk({ isGraded: true })
    const types = () =>
      heard
        .splice(0)
        .filter(isLevel)
        .map(({ type }) => type.slice('storage.'.length))
    await measures(84)
    expect(types()).to.deep.equal(['freed'])
    await measures(85)
    await measures(84)
    expect(types()).to.deep.equal(['strained', 'strained'])
    await measures(82)
    await measures(82)
    expect(types()).to.deep.equal(['relaxed', 'relaxed'])
    await measures(85)
    await measures(84)
    actor.send({ type: 'strain.settled' })
    await measures(84)
    expect(types(), 'the limit is reached again').to.deep.equal(['strained', 'strained', 'strained'])
    await measures(82)
    expect(types()).to.deep.equal(['relaxed'])
    actor.send({ type: 'strain.settled' })
    await measures(82)
    expect(types()).to.deep.equal([])
  })

  it('allows recordings gradually after a full disk', async () => {
    const { heard, measures } = disk({ isGraded: true })
    await measures(95)
    await measures(87)
    expect(heard).to.deep.include({ type: 'storage.freed', gradually: true })
  })

  it('allows all recordings after a fault of the disk, if there was room before it', async () => {
    const { heard, measures } = disk({ isGraded: true })
    await measures(84)
    await measures(84, { fault: because('storage_read_only') })
    await measures(84)
    expect(heard.filter(isLevel).at(-1)).to.deep.equal({ type: 'storage.freed' })
  })

  it('relaxes also if the priorities differ only since a change of the configuration', async () => {
    const { actor, heard, measures } = disk()
    await measures(95)
    actor.send({ type: 'limits.set', warnPercent: 80, blockPercent: 90, minFree: 0, interval: 5_000, isGraded: true })
    await measures(87)
    expect(heard).to.deep.include({ type: 'storage.freed', gradually: true })
    await measures(82)
    expect(heard.at(-1)).to.deep.equal({ type: 'storage.relaxed' })
  })
})

/** True for news that concern recordings, not retention. */
const isLevel = ({ type }: { type: string }) => type !== 'storage.pressed'

/**
 * Writes at `rate` bytes per second to a disk of `size` bytes whenever recordings are allowed; they take half a second
 * to stop. `idle`: ms before they begin.
 */
async function filling({
  size,
  rate,
  used = 0,
  idle = 0,
  seconds = 30,
}: {
  size: number
  rate: number
  used?: number
  idle?: number
  seconds?: number
}) {
  const clock = new SimulatedClock()
  let bytes = used
  let most = used
  let fullAt = Number.POSITIVE_INFINITY
  const measureDisk = fromPromise<Measured, { folder: RecordingFolder }>(async () => ({
    at: clock.now(),
    total: size,
    used: bytes,
    available: size - bytes,
    percent: (bytes / size) * 100,
  }))
  const keepReserve = fromPromise<void>(async () => {})
  const { actor, facts, heard } = withParent(storageMachine.provide({ actors: { measureDisk, keepReserve } }), {
    input: { warnPercent: 80, blockPercent: 90, minFree: 'auto', interval: 5_000 } satisfies StorageSettings,
    clock,
  })
  const step = 50
  let stopsAt = 0
  let wasAllowed = false
  for (let time = 0; time < idle + seconds * 1_000; time += step) {
    const news = heard.filter(({ type }) => type === 'storage.blocked' || type === 'storage.freed').at(-1)
    const isAllowed = time >= idle && news?.type === 'storage.freed'
    if (isAllowed && !wasAllowed) actor.send({ type: 'disk.check' })
    if (isAllowed) stopsAt = time + 500
    else if (wasAllowed) fullAt = Math.min(fullAt, time)
    wasAllowed = isAllowed
    if (time < stopsAt) bytes = Math.min(size, bytes + (rate * step) / 1_000)
    most = Math.max(most, bytes)
    clock.increment(step)
    for (let turns = 0; turns < 3; turns += 1) await turn()
  }
  return {
    used: () => most,
    seconds: () => fullAt / 1_000,
    levels: () => facts.map((fact) => fact.type.slice('storage.'.length)),
  }
}

/** A disk with measurements from the test, by default so far apart that nobody seems to write. */
function disk(limits: Partial<StorageSettings> = {}, pause = 10 * 24 * 3_600_000) {
  const clock = new SimulatedClock()
  let measuring = later<Measured>()
  let at = 0
  let asked = 0
  const measureDisk = fromPromise<Measured, { folder: RecordingFolder }>(() => {
    asked += 1
    measuring = later()
    return measuring.promise
  })
  const reserve = { asked: 0, fails: false }
  const keepReserve = fromPromise<void>(async () => {
    reserve.asked += 1
    if (reserve.fails) throw new Error('no room')
  })
  const { actor, facts, heard } = withParent(storageMachine.provide({ actors: { measureDisk, keepReserve } }), {
    input: { warnPercent: 80, blockPercent: 90, minFree: 0, interval: 5_000, ...limits },
    clock,
  })
  const measured = async (percent: number, more: Partial<DiskUsage> = {}) => {
    at += pause
    measuring.resolve({ at, total: 1_000, used: percent * 10, available: 1_000 - percent * 10, percent, ...more })
    await turn()
    await turn()
  }
  return {
    actor,
    heard,
    facts,
    reserve,
    clock,
    /** Number of measurements. */
    asked: () => asked,
    levels: () => facts.map((fact) => fact.type.slice('storage.'.length)),
    /** A measurement, without the time until the next one. */
    measured,
    measures: async (percent: number, more: Partial<DiskUsage> = {}) => {
      await measured(percent, more)
      clock.increment(5_000)
    },
    fails: async (reason: string | Error) => {
      measuring.reject(reason)
      await turn()
      await turn()
      clock.increment(5_000)
    },
  }
}
