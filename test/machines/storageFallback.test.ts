import { expect } from 'chai'
import { fromPromise, SimulatedClock } from 'xstate'
import type { Measured } from '../../machines/domain/diskRoom.js'
import type { DiskUsage, RecordingFolder } from '../../machines/domain/files.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { recordingFolderMachine } from '../../machines/recordingFolder.js'
import { storageMachine, storageView } from '../../machines/storage.js'
import { turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

const readOnly = because('storage_read_only')

describe('storage with a fallback folder', () => {
  it('blocks recordings, measures the fallback, and allows them there within a second', async () => {
    const { disks, heard, facts, passes, view } = await twoDisks()
    disks.main = { fault: readOnly }
    await passes(5_000)
    expect(heard.slice(1)).to.deep.equal([{ type: 'storage.blocked', reason: readOnly }, { type: 'storage.freed' }])
    expect(facts.map(({ type }) => type)).to.deep.equal(['storage.ok', 'storage.critical', 'storage.ok'])
    expect(view()).to.deep.include({
      ...{ state: 'ok', percent: 30 },
      cause: { state: 'ok', since: 7 },
      folder: { inUse: 'fallback', since: 8, reason: readOnly },
    })
  })

  it('measures the fallback as soon as it is in use, not only after the interval', async () => {
    const { disks, passes, measured } = await twoDisks()
    disks.main = { fault: readOnly }
    await passes(5_000)
    const first = measured().findIndex(({ use }) => use === 'fallback')
    expect(measured()[first + 1]?.measure, 'at once').to.equal('fallback')
    expect(measured()[first + 1]?.at).to.equal(measured()[first]?.at)
  })

  it('does the same when the main folder cannot even be measured', async () => {
    const { disks, heard, passes, view } = await twoDisks()
    disks.main = new Failure('storage_failed')
    await passes(5_000)
    expect(heard.slice(1)).to.deep.equal([
      { type: 'storage.blocked', reason: because('storage_failed') },
      { type: 'storage.freed' },
    ])
    expect(view().folder).to.include({ inUse: 'fallback' })
  })

  it('returns to the main folder without an interruption', async () => {
    const { disks, heard, passes, view } = await twoDisks()
    disks.main = { fault: readOnly }
    await passes(5_000)
    const before = heard.length
    disks.main = { percent: 20 }
    await passes(45_000)
    expect(heard.slice(before)).to.deep.equal([])
    expect(view()).to.deep.include({ percent: 20, folder: { inUse: 'main', since: 8 } })
  })

  it('judges the disk of the folder in use, and names it to retention', async () => {
    const { disks, heard, facts, passes } = await twoDisks()
    disks.main = { fault: readOnly }
    await passes(5_000)
    disks.fallback = { percent: 95 }
    await passes(5_000)
    expect(facts.at(-1)).to.deep.include({ type: 'storage.critical', percent: 95 })
    expect(heard).to.deep.include({ type: 'storage.pressed', missing: { bytes: 70, files: 0 }, folder: 'fallback' })
    expect(heard.at(-1)).to.deep.include({ type: 'storage.pressed' })
  })

  it('keeps recordings blocked while neither folder takes files', async () => {
    const { disks, heard, passes, view } = await twoDisks()
    disks.main = { fault: readOnly }
    disks.fallback = new Failure('storage_missing')
    await passes(60_000)
    expect(heard.slice(1)).to.deep.equal([{ type: 'storage.blocked', reason: readOnly }])
    expect(view()).to.deep.include({ state: 'critical', folder: { inUse: 'main', since: 8 } })
  })

  it('uses the fallback when retention cannot free the full main folder', async () => {
    const { disks, heard, passes } = await twoDisks()
    disks.main = { percent: 95 }
    await passes(45_000)
    expect(heard.at(-1)).to.include({ type: 'storage.pressed' })
    await passes(1_000)
    expect(heard.at(-1)).to.deep.equal({ type: 'storage.freed' })
  })

  it('stays in a main folder that retention could free in time', async () => {
    const { disks, view, passes } = await twoDisks()
    disks.main = { percent: 95 }
    await passes(40_000)
    disks.main = { percent: 50 }
    await passes(20_000)
    expect(view().folder?.inUse).to.equal('main')
  })

  it('has no such folder without one', async () => {
    const { disks, heard, passes, view } = await twoDisks({ hasFallback: false })
    disks.main = { fault: readOnly }
    await passes(60_000)
    expect(heard.at(-1)).to.deep.equal({ type: 'storage.blocked', reason: readOnly })
    expect(view()).not.to.have.property('folder')
  })

  it('passes new limits on', async () => {
    const { actor, disks, passes, view } = await twoDisks()
    actor.send({ type: 'limits.set', warnPercent: 10, blockPercent: 20, minFree: 0, interval: 5_000 })
    disks.main = { fault: readOnly }
    await passes(10_000)
    expect(view().folder).to.include({ inUse: 'main' })
  })

  it('reports and restarts a crashed choice of the folder', async () => {
    const crashing = recordingFolderMachine.provide({
      guards: {
        isFull: () => {
          throw new Error('a bug')
        },
      },
    })
    const { disks, facts, passes, view } = await twoDisks({ machine: crashing })
    disks.main = { fault: readOnly }
    await passes(5_000)
    const crash = facts.find(({ type }) => type === 'actor.failed')
    expect(crash).to.include({ actor: 'recordingFolder', restarts: 1 })
    disks.main = {}
    await passes(5_000)
    expect(view()).to.deep.include({ state: 'ok', folder: { inUse: 'main', since: 8 } })
  })
})

/** The main disk is used by a tenth, the other one by three tenths. */
async function twoDisks({ hasFallback = true, machine = recordingFolderMachine } = {}) {
  const clock = new SimulatedClock()
  const disks: Record<RecordingFolder, Partial<DiskUsage> | Error> = { main: {}, fallback: { percent: 30 } }
  const measured: { at: number; use?: RecordingFolder; measure?: RecordingFolder }[] = []
  const measureDisk = fromPromise<Measured, { folder: RecordingFolder }>(async ({ input: { folder } }) => {
    measured.push({ at: clock.now(), measure: folder })
    const disk = disks[folder]
    if (disk instanceof Error) throw disk
    const { percent = 10 } = disk
    return { at: clock.now(), total: 1_000, used: percent * 10, available: 1_000 - percent * 10, percent, ...disk }
  })
  const useFolder = fromPromise<void, { folder: RecordingFolder }>(async ({ input: { folder } }) => {
    measured.push({ at: clock.now(), use: folder })
  })
  const keepReserve = fromPromise<void>(async () => {})
  const recordingFolder = machine.provide({ actors: { measureDisk, useFolder } })
  const { actor, facts, heard } = withParent(
    storageMachine.provide({ actors: { measureDisk, keepReserve, recordingFolder } }),
    {
      input: { warnPercent: 80, blockPercent: 90, minFree: 0, interval: 5_000, hasFallback },
      clock,
    },
  )
  const settled = async () => {
    for (let turns = 0; turns < 8; turns += 1) await turn()
  }
  await settled()
  return {
    ...{ actor, facts, heard, disks },
    measured: () => measured,
    view: () => storageView(actor.getSnapshot(), 7, 8),
    async passes(ms: number) {
      for (let left = ms; left > 0; left -= 250) {
        clock.increment(250)
        await settled()
      }
    },
  }
}
