import { expect } from 'chai'
import { fromPromise, SimulatedClock } from 'xstate'
import type { DiskUsage } from '../../machines/domain/ports.js'
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
    actor.send({ type: 'limits.set', warnPercent: 30, blockPercent: 40 })
    expect(heard.at(-1)).to.deep.equal({
      type: 'storage.blocked',
      reason: because('storage_full', 'the disk is 50.0 % full, the limit is 40 %'),
    })
    actor.send({ type: 'limits.set', warnPercent: 30, blockPercent: 90 })
    expect(levels()).to.deep.equal(['ok', 'critical', 'warning'])
  })

  it('blocks recordings while the disk is full, with the reason', async () => {
    const { actor, heard, measures } = disk()
    await measures(50)
    await measures(93.25)
    await measures(70)
    expect(heard).to.deep.equal([
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
    const { heard, levels, measures, fails } = disk()
    await measures(95)
    await measures(89)
    await fails('late')
    expect(levels()).to.deep.equal(['critical'])
    expect(heard).to.have.length(1)
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

/** A disk with measurements from the test, five seconds apart. */
function disk() {
  const clock = new SimulatedClock()
  let measuring = later<DiskUsage>()
  const measureDisk = fromPromise<DiskUsage>(() => {
    measuring = later()
    return measuring.promise
  })
  const reserve = { asked: 0, fails: false }
  const keepReserve = fromPromise<void>(async () => {
    reserve.asked += 1
    if (reserve.fails) throw new Error('no room')
  })
  const { actor, facts, heard } = withParent(storageMachine.provide({ actors: { measureDisk, keepReserve } }), {
    input: { warnPercent: 80, blockPercent: 90 },
    clock,
  })
  const after = async () => {
    await turn()
    await turn()
    clock.increment(5_000)
  }
  return {
    actor,
    heard,
    facts,
    reserve,
    levels: () => facts.map((fact) => fact.type.slice('storage.'.length)),
    measures: (percent: number, more: Partial<DiskUsage> = {}) => {
      measuring.resolve({ total: 1_000, used: percent * 10, available: 1_000 - percent * 10, percent, ...more })
      return after()
    },
    fails: (reason: string | Error) => {
      measuring.reject(reason)
      return after()
    },
  }
}
