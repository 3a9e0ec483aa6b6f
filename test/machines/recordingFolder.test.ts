import { expect } from 'chai'
import { fromPromise, SimulatedClock } from 'xstate'
import type { Measured } from '../../machines/domain/diskRoom.js'
import type { DiskUsage, RecordingFolder } from '../../machines/domain/files.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { folderView, recordingFolderMachine } from '../../machines/recordingFolder.js'
import { turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

const readOnly = because('storage_read_only')
const full = because('storage_full')
const missing = because('storage_missing')
const recovered = because('storage_recovered')

describe('recordingFolder', () => {
  it('uses the main folder at its start, and after a crash again', async () => {
    const { used, inUse, heard } = await folders()
    expect([used, inUse(), heard]).to.deep.equal([['main'], 'main', []])
  })

  it('uses the fallback at once when the main folder has a fault, and tells why', async () => {
    const { actor, used, heard, facts, fails } = await folders()
    await fails(readOnly)
    expect(used).to.deep.equal(['main', 'fallback'])
    expect(heard).to.deep.equal([{ type: 'folder.used', folder: 'fallback' }])
    expect(facts).to.deep.equal([{ type: 'storage.switched', to: 'fallback', reason: readOnly }])
    expect(folderView(actor.getSnapshot(), 7)).to.deep.equal({ inUse: 'fallback', since: 7, reason: readOnly })
  })

  it('gives a full folder time, because retention may free it', async () => {
    const { inUse, fails, well, passes } = await folders()
    await fails(full)
    await passes(44_000)
    await well()
    await passes(60_000)
    expect(inUse()).to.equal('main')
    await fails(full)
    await passes(44_000)
    await fails(full)
    expect(inUse()).to.equal('main')
    await passes(1_000)
    expect(inUse()).to.equal('fallback')
  })

  it('does not wait when a full folder becomes read-only', async () => {
    const { facts, fails } = await folders()
    await fails(full)
    await fails(readOnly)
    expect(facts).to.deep.equal([{ type: 'storage.switched', to: 'fallback', reason: readOnly }])
  })

  for (const [what, disk] of [
    ['takes no file', { fault: because('storage_denied') }],
    ['is full', { percent: 95 }],
    ['is at the limit', { percent: 89 }],
    ['has no inodes', { inodesPercent: 99 }],
    ['is missing', new Failure('storage_missing')],
    ['cannot be measured', new Error('late')],
  ] as const)
    it(`stays while the fallback ${what}, and tries it again`, async () => {
      const { used, inUse, disks, fails, passes } = await folders()
      disks.fallback = disk
      await fails(readOnly)
      await passes(5_000)
      expect([used, inUse()]).to.deep.equal([['main'], 'main'])
      disks.fallback = {}
      await passes(5_000)
      expect(inUse()).to.equal('fallback')
    })

  it('stays where it is while the folder cannot be changed', async () => {
    const { inUse, heard, refusal, fails, passes } = await folders()
    refusal.reason = 'no room for a link'
    await fails(readOnly)
    await passes(5_000)
    expect([inUse(), heard]).to.deep.equal(['main', []])
    refusal.reason = ''
    await passes(5_000)
    expect(inUse()).to.equal('fallback')
  })

  it('does not leave a main folder that is well again before the fallback is found', async () => {
    const { inUse, disks, fails, well, passes } = await folders()
    disks.fallback = { fault: missing }
    await fails(readOnly)
    await well()
    disks.fallback = {}
    await passes(60_000)
    expect(inUse()).to.equal('main')
  })

  it('uses the main folder again after it has taken files for 10 s without an interruption', async () => {
    const { inUse, disks, facts, heard, fails, passes } = await folders()
    await fails(readOnly)
    disks.main = { fault: readOnly }
    await passes(60_000)
    disks.main = {}
    await passes(5_000)
    disks.main = new Failure('storage_missing')
    await passes(5_000)
    disks.main = {}
    await passes(10_000)
    expect(inUse()).to.equal('fallback')
    await passes(5_000)
    expect(inUse()).to.equal('main')
    expect(facts.at(-1)).to.deep.equal({ type: 'storage.switched', to: 'main', reason: recovered })
    expect(heard.at(-1)).to.deep.equal({ type: 'folder.used', folder: 'main' })
    await passes(50_000)
    expect(inUse(), 'it stays there').to.equal('main')
  })

  it('uses a main folder that was full again when it has room, not just below the limit', async () => {
    const { inUse, disks, fails, passes } = await folders()
    disks.main = { percent: 85 }
    await fails(full)
    await passes(45_000)
    await passes(60_000)
    expect(inUse()).to.equal('fallback')
    disks.main = { percent: 70 }
    await passes(40_000)
    expect(inUse()).to.equal('main')
  })

  it('does not wait for the main folder when the fallback fails', async () => {
    const { inUse, disks, facts, fails, passes } = await folders()
    await fails(readOnly)
    disks.main = { fault: readOnly }
    await fails(missing)
    await passes(10_000)
    expect(inUse()).to.equal('fallback')
    disks.main = { percent: 85 }
    await passes(5_000)
    expect(inUse()).to.equal('main')
    expect(facts.at(-1)).to.deep.equal({ type: 'storage.switched', to: 'main', reason: missing })
  })

  it('leaves a failing fallback at once while the main folder recovers', async () => {
    const { inUse, fails, well, passes } = await folders()
    await fails(readOnly)
    await fails(missing)
    await well()
    await passes(5_000)
    expect(inUse(), 'the fallback is well again').to.equal('fallback')
    await fails(missing)
    expect(inUse()).to.equal('main')
  })

  it('looks at the main folder before it tries again to return to it', async () => {
    const { refusal, tries, fails, passes } = await folders()
    await fails(readOnly)
    refusal.reason = 'no room for a link'
    const before = tries()
    await fails(missing)
    await passes(30_000)
    expect(tries() - before).to.be.within(1, 8)
  })

  it('judges by new limits', async () => {
    const { actor, inUse, disks, fails, passes } = await folders()
    disks.fallback = { percent: 85 }
    actor.send({ type: 'limits.set', warnPercent: 40, blockPercent: 50, minFree: 0, interval: 1 })
    await fails(readOnly)
    expect(inUse()).to.equal('main')
    actor.send({ type: 'limits.set', warnPercent: 80, blockPercent: 90, minFree: 0, interval: 1 })
    await passes(5_000)
    expect(inUse()).to.equal('fallback')
  })
})

type Disk = Partial<DiskUsage> | Error

/** Two folders with plenty of room until the test says otherwise. */
async function folders() {
  const clock = new SimulatedClock()
  const disks: Record<RecordingFolder, Disk> = { main: {}, fallback: {} }
  const used: RecordingFolder[] = []
  const refusal = { reason: '' }
  let tries = 0
  const measureDisk = fromPromise<Measured, { folder: RecordingFolder }>(async ({ input: { folder } }) => {
    const disk = disks[folder]
    if (disk instanceof Error) throw disk
    const { percent = 10 } = disk
    return { at: 0, total: 1_000, used: percent * 10, available: 1_000 - percent * 10, percent, ...disk }
  })
  const useFolder = fromPromise<void, { folder: RecordingFolder }>(async ({ input: { folder } }) => {
    tries += 1
    if (refusal.reason) throw new Error(refusal.reason)
    used.push(folder)
  })
  const { actor, facts, heard } = withParent(recordingFolderMachine.provide({ actors: { measureDisk, useFolder } }), {
    input: { warnPercent: 80, blockPercent: 90, minFree: 0 },
    clock,
  })
  const settled = async () => {
    for (let turns = 0; turns < 5; turns += 1) await turn()
  }
  await settled()
  return {
    ...{ actor, facts, heard, disks, used, refusal },
    tries: () => tries,
    inUse: () => folderView(actor.getSnapshot(), 0).inUse,
    fails: (reason: typeof full) => {
      actor.send({ type: 'folder.failed', reason })
      return settled()
    },
    well: () => {
      actor.send({ type: 'folder.well' })
      return settled()
    },
    async passes(ms: number) {
      for (let left = ms; left > 0; left -= 1_000) {
        clock.increment(Math.min(1_000, left))
        await settled()
      }
    },
  }
}
