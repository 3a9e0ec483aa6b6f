import { expect } from 'chai'
import { fromPromise, SimulatedClock } from 'xstate'
import type { DiskUsage } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import { storageMachine, storageView } from '../../machines/storage.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

describe('storage', () => {
  it('has hysteresis at the limits', async () => {
    const { levels, measures } = disk()
    for (const percent of [50, 80, 79, 78.5, 77.9, 90, 89, 88, 87.9, 95, 10]) await measures(percent)
    expect(levels()).to.deep.equal(['ok', 'warning', 'ok', 'critical', 'warning', 'critical', 'ok'])
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
      reason: because('storage_full', '93.3 % of the disk is used, the limit is 90 %'),
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
})

/** A disk with measurements from the test, five seconds apart. */
function disk() {
  const clock = new SimulatedClock()
  let measuring = later<DiskUsage>()
  const measureDisk = fromPromise<DiskUsage>(() => {
    measuring = later()
    return measuring.promise
  })
  const { actor, facts, heard } = withParent(storageMachine.provide({ actors: { measureDisk } }), {
    input: { warnPercent: 80, blockPercent: 90 },
    clock,
  })
  const after = async () => {
    await turn()
    clock.increment(5_000)
  }
  return {
    actor,
    heard,
    levels: () => facts.map((fact) => fact.type.slice('storage.'.length)),
    measures: (percent: number) => {
      measuring.resolve({ total: 1_000, used: percent * 10, available: 1_000 - percent * 10, percent })
      return after()
    },
    fails: (reason: string) => {
      measuring.reject(reason)
      return after()
    },
  }
}
