import { expect } from 'chai'
import { createActor, fromPromise, SimulatedClock } from 'xstate'
import type { StorageFact } from '../../machines/domain/facts.js'
import type { DiskUsage } from '../../machines/domain/ports.js'
import { storageMachine, storageView, whyBlocked } from '../../machines/storage.js'
import { later, turn } from '../support/later.js'

describe('storage', () => {
  it('does not flap around a limit', async () => {
    const { levels, measures } = disk()
    for (const percent of [50, 80, 79, 78.5, 77.9, 90, 89, 88, 87.9, 95, 10]) await measures(percent)
    expect(levels()).to.deep.equal(['ok', 'warning', 'ok', 'critical', 'warning', 'critical', 'ok'])
  })

  it('says why nothing may be written', async () => {
    const { actor, measures } = disk()
    expect(whyBlocked(actor.getSnapshot())).to.equal('')
    await measures(93.25)
    expect(whyBlocked(actor.getSnapshot())).to.equal('storage full: 93.3 % used, the limit is 90 %')
    expect(storageView(actor.getSnapshot()).cause).to.deep.include({
      state: 'critical',
      reason: '93.3 % of the disk is used, the limit is 90 %',
    })
  })

  it('keeps the last figures when the disk cannot be measured, and says so', async () => {
    const { actor, measures, fails } = disk()
    await measures(50)
    await fails('gone')
    expect(storageView(actor.getSnapshot())).to.deep.include({ state: 'ok', percent: 50 })
    expect(storageView(actor.getSnapshot()).cause.reason).to.equal('the disk cannot be measured: gone')
    await measures(51)
    expect(storageView(actor.getSnapshot()).cause.reason).to.equal(undefined)
  })
})

/** A disk that the test measures; five seconds pass between two measurements. */
function disk() {
  const clock = new SimulatedClock()
  const facts: StorageFact[] = []
  let measuring = later<DiskUsage>()
  const measureDisk = fromPromise<DiskUsage>(() => {
    measuring = later()
    return measuring.promise
  })
  const actor = createActor(storageMachine.provide({ actors: { measureDisk } }), {
    input: { warnPercent: 80, blockPercent: 90 },
    clock,
  })
  actor.on('*', (fact) => facts.push(fact))
  actor.start()
  const after = async () => {
    await turn()
    clock.increment(5_000)
  }
  return {
    actor,
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
