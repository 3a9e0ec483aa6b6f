import { expect } from 'chai'
import fc from 'fast-check'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import type { CameraId, CameraLimits } from '../../machines/domain/camera.js'
import type { ClockReading, ClockRecord } from '../../machines/domain/clockTrust.js'
import type { Shortage } from '../../machines/domain/diskRoom.js'
import type { RetentionFact } from '../../machines/domain/facts.js'
import { because, type Reason } from '../../machines/domain/reason.js'
import {
  isInUse,
  type KeptFile,
  planSweep,
  type RetentionPolicy,
  type SweepRules,
} from '../../machines/domain/retention.js'
import type { RecordingView } from '../../machines/domain/views.js'
import { retentionMachine, retentionView } from '../../machines/retention.js'
import type { RetentionEvent, Sweep } from '../../machines/retentionSetup.js'
import { later, turn } from '../support/later.js'

const day = 86_400_000
const now = Date.UTC(2026, 0, 2)
const by = { user: 'ann', request: 'r1', session: 's1' }
const age = (maxAgeDays: number, enabled = true): RetentionPolicy => ({ type: 'age', maxAgeDays, enabled })
const size = (maxSizeGb: number): RetentionPolicy => ({ type: 'size', maxSizeGb, enabled: true })

describe('a retention policy', () => {
  const file = (name: string, days: number, changes: Partial<KeptFile> = {}): KeptFile => ({
    kind: 'recordings',
    name,
    camera: 'camera0',
    bytes: 1e9,
    createdAt: now - days * day,
    modifiedAt: now - days * day,
    growing: false,
    ...changes,
  })
  const plan = (policy: RetentionPolicy, files: KeptFile[], isScheduled = false) => {
    const { files: due, undated, excess } = planSweep(policy, files, { now, isScheduled })
    const names = (some: KeptFile[]) => some.map(({ name }) => name)
    return { files: names(due), undated: names(undated), ...(excess && { excess }) }
  }
  const namesOf = (policy: RetentionPolicy, files: KeptFile[]) => plan(policy, files).files
  /** `old` recordings that are older than a month, oldest first, then `young` ones. */
  const month = (old: number, young: number, changes: Partial<KeptFile> = {}) => [
    ...Array.from({ length: old }, (_, index) => file(`old${index}`, 60 - index / 100, changes)),
    ...Array.from({ length: young }, (_, index) => file(`young${index}`, 5, changes)),
  ]

  it('by age deletes older files, oldest first, including snapshots', () => {
    const files = [file('new', 29.9), file('old', 31), file('still', 30.1, { kind: 'snapshots' }), file('oldest', 90)]
    expect(namesOf(age(30), files)).to.deep.equal(['oldest', 'old', 'still'])
  })

  it('by size deletes the oldest files until the rest fits', () => {
    const files = [file('d', 1), file('b', 3), file('a', 4), file('c', 2, { bytes: 5e8 })]
    expect(namesOf(size(2), files)).to.deep.equal(['a', 'b'])
    expect(namesOf(size(3.5), files)).to.deep.equal([])
    expect(namesOf(size(0.001), files)).to.deep.equal(['a', 'b', 'c', 'd'])
  })

  it('never deletes growing files, or files created or written in the last minute', () => {
    const files = [
      file('grows', 90, { growing: true }),
      file('written', 90, { modifiedAt: now - 59_000 }),
      file('made', 0),
      file('old', 50),
    ]
    expect(namesOf(age(1), files)).to.deep.equal(['old'])
    expect(namesOf(size(0.1), files)).to.deep.equal(['old'])
  })

  it('deletes nothing if it is manual or has no limit', () => {
    const files = [file('old', 300)]
    expect(namesOf({ type: 'manual', enabled: true, maxAgeDays: 1, maxSizeGb: 0.1 }, files)).to.deep.equal([])
    expect(namesOf({ type: 'age', enabled: true, maxSizeGb: 0.1 }, files)).to.deep.equal([])
  })

  it('by size keeps at most the limit if possible, and never deletes one file too many', () => {
    const anyFile = fc.record({
      days: fc.double({ min: 0, max: 300, noNaN: true }),
      bytes: fc.nat(4e9),
      growing: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(anyFile), fc.double({ min: 0.001, max: 10, noNaN: true }), (some, limit) => {
        const files = some.map(({ days, bytes, growing }, index) => file(`f${index}`, days, { bytes, growing }))
        const gone = planSweep(size(limit), files, { now, isScheduled: false }).files
        const kept = files.filter((each) => !gone.includes(each))
        const sum = kept.reduce((total, { bytes }) => total + bytes, 0)
        const mayGo = kept.filter(({ growing, createdAt }) => !growing && now - createdAt >= 60_000)
        expect(sum <= limit * 1e9 || mayGo.length === 0).to.equal(true)
        if (gone.length > 0) expect(sum + (gone.at(-1)?.bytes ?? 0) > limit * 1e9).to.equal(true)
      }),
    )
  })

  it('by age spares files dated in the future or before 2000, and names them', () => {
    const in1970 = 3_600_000
    const files = [
      file('written in the future', 40, { modifiedAt: now + day }),
      file('named by a clock that was not set', 40, { createdAt: in1970 }),
      file('written before the clock was set', 40, { modifiedAt: in1970 }),
      file('made in the future', 40, { createdAt: now + day, modifiedAt: now + day }),
      file('grows', 40, { modifiedAt: in1970, growing: true }),
      file('written a moment ahead', 5, { modifiedAt: now + 59_000 }),
      file('old', 40),
    ]
    const names = files.slice(0, 4).map(({ name }) => name)
    expect(plan(age(30), files)).to.deep.equal({ files: ['old'], undated: names })
    expect(plan(age(30), files, true)).to.deep.equal({ files: ['old'], undated: names })
    expect(plan(size(1), files).undated).to.deep.equal([])
    expect(plan(size(1), files).files).to.include.members(names)
  })

  it('by age spares files of the times that a wrong clock has shown', () => {
    const wrongTimes = [{ from: now - 1_000 * day, to: now - 990 * day }]
    const files = [
      file('old', 40),
      ...['a', 'b'].map((name) => file(name, 995)),
      file('older', 989, { modifiedAt: now }),
    ]
    for (const isScheduled of [true, false]) {
      const { files: due, undated } = planSweep(age(30), [...files, ...month(0, 20)], { now, isScheduled, wrongTimes })
      expect(due.map(({ name }) => name)).to.deep.equal(['old'])
      expect(undated.map(({ name }) => name)).to.deep.equal(['a', 'b'])
    }
    expect(planSweep(size(1), files, { now, isScheduled: false, wrongTimes }).files[0]?.name).to.equal('a')
  })

  it('by age deletes nothing by schedule if more than half of the recordings are due; a client may', () => {
    const snapshots = month(0, 20, { kind: 'snapshots' })
    expect(plan(age(30), [...month(6, 5), ...snapshots], true)).to.deep.equal({
      files: [],
      undated: [],
      excess: { due: 6, of: 11 },
    })
    expect(plan(age(30), [...month(5, 5), ...snapshots], true).files).to.have.length(5)
    expect(plan(age(30), [...month(6, 5), ...snapshots]).files).to.have.length(6)
    expect(plan(age(30), [...month(4, 0, { kind: 'snapshots' }), ...month(0, 3)], true).files).to.have.length(1)
  })

  it('by age deletes at most 20 % of all files by schedule, but at least one, oldest first', () => {
    expect(plan(age(30), month(9, 11), true).files).to.deep.equal(['old0', 'old1', 'old2', 'old3'])
    expect(plan(age(30), month(2, 2), true).files).to.deep.equal(['old0'])
    expect(plan(age(30), month(9, 11)).files).to.have.length(9)
  })

  it('by size deletes at most 20 % of all files by schedule, and says that more are due', () => {
    expect(plan(size(1), month(9, 1), true)).to.deep.equal({ files: ['old0', 'old1'], undated: [] })
    expect(planSweep(size(1), month(9, 1), { now, isScheduled: true }).isLimited).to.equal(true)
    expect(planSweep(size(9), month(9, 1), { now, isScheduled: true }).isLimited).to.equal(false)
    expect(plan(size(1), month(9, 1)).files).to.have.length(9)
  })

  it('never deletes a protected file, and counts its bytes', () => {
    const files = [file('a', 90, { protected: true }), file('b', 80), file('c', 70)]
    expect(namesOf(age(30), files)).to.deep.equal(['b', 'c'])
    expect(namesOf(size(2), files)).to.deep.equal(['b'])
    const rules = { now, isScheduled: true, needed: { bytes: 9e9, files: 0 }, hasTarget: true }
    expect(planSweep(size(9), files, rules).files.map(({ name }) => name)).to.deep.equal(['b'])
  })

  describe('for free space', () => {
    const roomFor = (policy: RetentionPolicy, files: KeptFile[], rules: Partial<SweepRules>) => {
      const { files: due, reasons } = planSweep(policy, files, { now, isScheduled: true, ...rules })
      return due.map((each) => `${each.name}: ${reasons.get(each)}`)
    }
    const lacked = 'the disk lacked free space'

    it('deletes the oldest files until there is enough, whatever the policy and the clock say', () => {
      const files = month(0, 10)
      const rules = { needed: { bytes: 15e8, files: 0 }, hasTarget: true, ignoresAge: true }
      expect(roomFor(age(30), files, rules)).to.deep.equal([`young0: ${lacked}`, `young1: ${lacked}`])
      expect(roomFor(age(30), files, { ...rules, needed: { bytes: 1, files: 0 } })).to.deep.equal([`young0: ${lacked}`])
    })

    it('deletes as many files as the disk lacks inodes, whatever their size', () => {
      const small = month(0, 50, { bytes: 10 })
      const names = (needed: Shortage) => roomFor(size(1e5), small, { needed, hasTarget: true })
      expect(names({ bytes: 0, files: 3 })).to.have.length(3)
      expect(names({ bytes: 45, files: 3 })).to.have.length(5)
      expect(names({ bytes: 0, files: 241 })).to.have.length(10)
    })

    it('deletes at most 20 % of all files at once', () => {
      expect(roomFor(size(1e5), month(0, 10), { needed: { bytes: 9e9, files: 0 }, hasTarget: true })).to.have.length(2)
    })

    it('deletes only what the policy names if there is no target', () => {
      expect(roomFor(age(30), month(1, 10), { needed: { bytes: 15e8, files: 0 } })).to.deep.equal([
        'old0: older than 30 days',
      ])
      expect(roomFor(age(30), month(1, 10), { needed: { bytes: 15e8, files: 0 }, ignoresAge: true })).to.deep.equal([])
    })

    it('deletes only in the folder whose disk lacks room', () => {
      const files = [...month(1, 10), file('aside', 1, { fallback: true }), file('aside2', 0.5, { fallback: true })]
      const rules = { needed: { bytes: 15e8, files: 0 }, hasTarget: true }
      expect(roomFor(age(30), files, { ...rules, folder: 'fallback' })).to.deep.equal([
        `aside: ${lacked}`,
        `aside2: ${lacked}`,
      ])
      const there = roomFor(age(30), files, { ...rules, folder: 'main' })
      expect(there).to.deep.equal(['old0: older than 30 days', `young0: ${lacked}`])
      expect(roomFor(age(30), files, rules)).to.deep.equal(there)
    })

    it('spares files that are recorded, protected, or young', () => {
      const files = [
        file('grows', 9, { growing: true }),
        file('protected', 8, { protected: true }),
        file('now', 0),
        file('old', 2),
        ...month(0, 10).map((each) => ({ ...each, createdAt: now - day })),
      ]
      expect(roomFor(size(1e5), files, { needed: { bytes: 1e9, files: 0 }, hasTarget: true })).to.deep.equal([
        `old: ${lacked}`,
      ])
    })
  })

  describe('with limits of single cameras', () => {
    const of = (camera: CameraId, days: number) => file(`${camera}-${days}`, days, { camera })
    const limited = (policy: RetentionPolicy, files: KeptFile[], own: CameraLimits, more: Partial<SweepRules> = {}) => {
      const limits = new Map([['camera1', own] as const])
      const { files: due, reasons } = planSweep(policy, files, { now, isScheduled: false, limits, ...more })
      return due.map((each) => `${each.name}: ${reasons.get(each)}`)
    }
    const files = [of('camera0', 40), of('camera0', 9), of('camera1', 35), of('camera1', 9), of('camera1', 8)]

    it('deletes the old files of the camera besides those of the policy', () => {
      const why = 'older than 8 days, the limit of camera1'
      expect(limited(age(36), files, { maxAgeDays: 8 })).to.deep.equal([
        'camera0-40: older than 36 days',
        `camera1-35: ${why}`,
        `camera1-9: ${why}`,
      ])
      expect(limited(size(9), files, { maxAgeDays: 8 })).to.deep.equal([`camera1-35: ${why}`, `camera1-9: ${why}`])
      expect(limited(size(9), files, { maxAgeDays: 8 }, { ignoresAge: true })).to.deep.equal([])
    })

    it('deletes the oldest files of the camera until the rest fits, and counts them for the policy', () => {
      const why = 'more than 1 GB were kept, the limit of camera1'
      expect(limited(size(3), files, { maxSizeGb: 1 })).to.deep.equal([`camera1-35: ${why}`, `camera1-9: ${why}`])
      expect(limited(size(2), files, { maxSizeGb: 1 })).to.deep.equal([
        'camera0-40: more than 2 GB were kept',
        `camera1-35: ${why}`,
        `camera1-9: ${why}`,
      ])
    })

    it('deletes nothing by age by schedule if more than half of the recordings are due, but the rest', () => {
      const plan = planSweep(age(7), files, {
        now,
        isScheduled: true,
        limits: new Map([['camera1', { maxSizeGb: 2 }] as const]),
      })
      expect(plan.files.map(({ name }) => name)).to.deep.equal(['camera1-35'])
      expect(plan.excess).to.deep.equal({ due: 5, of: 5 })
    })
  })

  it('does not delete files that a recording still needs', () => {
    const recording = (status: RecordingView['status']): RecordingView => ({
      camera: 'camera0',
      status,
      growing: true,
      gaps: [],
      format: 'mkv',
      by: 'ann',
      files: ['a.mp4', 'b.mp4'],
    })
    const used = (status: RecordingView['status']) =>
      ['a.mp4', 'b.mp4', 'b.mkv', 'c.mp4'].filter((name) => isInUse(recording(status), name))
    expect(used('RECORDING')).to.deep.equal(['b.mp4', 'b.mkv'])
    expect(used('INTERRUPTED')).to.deep.equal(['b.mp4', 'b.mkv'])
    expect(used('STOPPING')).to.deep.equal(['a.mp4', 'b.mp4', 'b.mkv'])
    expect(used('STOPPED')).to.deep.equal([])
    expect(isInUse(undefined, 'a.mp4')).to.equal(false)
  })
})

describe('retention', () => {
  it('sweeps a minute after the start, then at each interval, if it is enabled', async () => {
    const { sweeps, ends, wait } = await begin({ policy: age(30) })
    await wait(59_999)
    expect(sweeps).to.have.length(0)
    await wait(1)
    expect(sweeps).to.deep.equal([{ policy: age(30), now: now + 60_000 }])
    ends()
    await wait(3_599_999)
    expect(sweeps).to.have.length(1)
    await wait(1)
    expect(sweeps).to.have.length(2)
  })

  it('takes another policy and interval of the configuration, and begins again', async () => {
    const { actor, sweeps, wait } = await begin({ policy: size(1) })
    actor.send({ type: 'retention.configured', policy: size(2), checkInterval: 30_000 })
    await wait(30_000)
    expect(sweeps).to.deep.equal([{ policy: size(2) }])
    actor.send({ type: 'retention.configured', policy: { ...size(2), enabled: false }, checkInterval: 30_000 })
    await wait(hour)
    expect(sweeps).to.have.length(1)
  })

  it('stops a sweep when the configuration changes, and begins another one a minute later', async () => {
    const { actor, log, wait, ends, sweeps } = await begin({ policy: size(1) })
    await wait(60_000)
    actor.send({ type: 'retention.configured', policy: size(2), checkInterval: hour })
    expect(log).to.deep.equal(['sweep.stop'])
    ends('stopped')
    await wait(59_000)
    expect(sweeps).to.have.length(1)
    await wait(1_000)
    expect(sweeps).to.have.length(2)
    // The policy of a client stays, but limits of cameras may have changed.
    const kept = await begin({ policy: size(1), kept: { policy: size(3) } })
    await kept.wait(60_000)
    kept.actor.send({ type: 'retention.configured', policy: size(2), checkInterval: hour })
    expect([kept.log, retentionView(kept.actor.getSnapshot()).policy]).to.deep.equal([['sweep.stop'], size(3)])
  })

  it('does not take the policy of the configuration if the saved one cannot be read', async () => {
    const { actor } = await begin({ policy: size(1), kept: 'EIO' })
    actor.send({ type: 'retention.configured', policy: size(2), checkInterval: hour })
    expect(retentionView(actor.getSnapshot()).policy.enabled).to.equal(false)
  })

  it('does not sweep automatically if it is disabled or manual', async () => {
    for (const policy of [age(30, false), { type: 'manual', enabled: true } as const]) {
      const { wait, sweeps } = await begin({ policy })
      await wait(10 * 3_600_000)
      expect(sweeps).to.have.length(0)
    }
  })

  it('does not sweep automatically after the cleanup of a client if it is disabled or manual', async () => {
    for (const policy of [age(30, false), { type: 'manual', enabled: true } as const]) {
      const { actor, sweeps, ends, wait } = await begin({ policy })
      actor.send({ type: 'retention.sweep', by })
      ends()
      await wait(10 * hour, hour)
      expect(sweeps).to.have.length(1)
    }
  })

  it('sweeps by schedule for nobody after the cleanup of a client', async () => {
    const { actor, sweeps, ends, wait } = await begin({ policy: size(1) })
    actor.send({ type: 'retention.sweep', by, cameras: ['camera0'] })
    ends()
    await wait(hour)
    expect(sweeps).to.deep.equal([{ policy: size(1), by, cameras: ['camera0'] }, { policy: size(1) }])
  })

  it('keeps the policy of a client when the configuration changes', async () => {
    const { actor, settle } = await begin({ policy: size(1) })
    actor.send({ type: 'policy.set', policy: size(3), by })
    await settle()
    actor.send({ type: 'retention.configured', policy: size(2), checkInterval: hour })
    expect(retentionView(actor.getSnapshot()).policy).to.deep.equal(size(3))
  })

  it('prefers the saved policy to the configured one', async () => {
    const { actor } = await begin({ policy: age(30), kept: { policy: size(2) } })
    expect(retentionView(actor.getSnapshot())).to.deep.equal({ policy: size(2) })
  })

  it('is disabled, with the reason, if the saved policy cannot be read', async () => {
    const { actor, wait, sweeps } = await begin({ policy: age(30), kept: 'the retention policy cannot be read (EIO)' })
    await wait(10 * 3_600_000)
    expect(sweeps).to.have.length(0)
    expect(retentionView(actor.getSnapshot())).to.deep.equal({
      policy: age(30, false),
      reason: 'the retention policy cannot be read (EIO)',
    })
  })

  it('emits each file and the total of a requested sweep', async () => {
    const { actor, facts, tells, ends } = await begin({ policy: age(30, false) })
    actor.send({ type: 'retention.sweep', by })
    const deleted = {
      kind: 'recordings',
      name: 'a.mp4',
      camera: 'camera0',
      bytes: 7,
      reason: 'older than 30 days',
    } as const
    tells({ type: 'file.deleted', ...deleted })
    tells({ type: 'file.kept', name: 'b.mp4', reason: 'the file cannot be deleted (EACCES)' })
    ends()
    const kept = [{ name: 'b.mp4', reason: 'the file cannot be deleted (EACCES)' }]
    expect(facts).to.deep.equal([
      { type: 'file.deleted', ...deleted, by },
      { type: 'retention.swept', files: 1, freed: 7, kept, by },
    ])
    expect(retentionView(actor.getSnapshot()).last).to.deep.equal({ at: now, files: 1, freed: 7 })
  })

  it('shows why its last sweep ended early', async () => {
    const { actor, ends } = await begin({ policy: age(30, false) })
    actor.send({ type: 'retention.sweep', by })
    ends('the folder cannot be read (EIO)')
    expect(retentionView(actor.getSnapshot()).last).to.deep.equal({
      ...{ at: now, files: 0, freed: 0 },
      reason: 'the folder cannot be read (EIO)',
    })
  })

  it('saves a new policy before it takes effect', async () => {
    const { actor, facts, saves, settle } = await begin({ policy: age(30) })
    actor.send({ type: 'policy.set', policy: size(5), by })
    expect(retentionView(actor.getSnapshot()).policy).to.deep.equal(age(30))
    expect(saves).to.deep.equal([size(5)])
    await settle()
    expect(retentionView(actor.getSnapshot())).to.deep.equal({ policy: size(5) })
    expect(facts).to.deep.equal([{ type: 'retention.policySet', policy: size(5), by }])
  })

  it('keeps the old policy if the new one cannot be saved', async () => {
    const { actor, facts, settle } = await begin({ policy: age(30) })
    actor.send({ type: 'policy.set', policy: size(5), by })
    await settle('no room')
    expect(retentionView(actor.getSnapshot())).to.deep.equal({ policy: age(30), reason: 'no room' })
    expect(facts).to.deep.equal([])
  })

  it('stops the sweep when another policy is set, and reports the files deleted so far', async () => {
    const { actor, facts, log, tells, ends, settle } = await begin({ policy: age(1) })
    actor.send({ type: 'retention.sweep', by })
    actor.send({ type: 'policy.set', policy: age(365), by })
    expect(log).to.deep.equal(['sweep.stop'])
    expect(actor.getSnapshot().can({ type: 'retention.sweep', by })).to.equal(false)
    tells({ type: 'file.deleted', kind: 'snapshots', name: 'a.jpg', camera: 'camera0', bytes: 7, reason: 'r' })
    ends('stopped by a change of the policy')
    await settle()
    expect(facts.map(({ type }) => type)).to.deep.equal(['file.deleted', 'retention.swept', 'retention.policySet'])
    expect(facts[1]).to.deep.include({ files: 1, freed: 7, reason: 'stopped by a change of the policy' })
    expect(retentionView(actor.getSnapshot()).policy).to.deep.equal(age(365))
  })
})

const hour = 3_600_000

describe('retention that reads the clock before a sweep', () => {
  // The clock is not read yet when the time of the first sweep has just come.
  const soon = 60_000

  it('sweeps after it', async () => {
    const { clock, sweeps } = await begin({ policy: age(30) })
    clock.increment(soon)
    expect(sweeps).to.deep.equal([])
    await turn()
    expect(sweeps).to.deep.equal([{ policy: age(30), now: now + soon }])
  })

  it('takes a cleanup of a client at once', async () => {
    const { actor, clock, sweeps } = await begin({ policy: age(30) })
    clock.increment(soon)
    actor.send({ type: 'retention.sweep', by })
    await turn()
    expect(sweeps).to.deep.equal([{ policy: age(30), by }])
  })

  it('takes a policy of a client instead', async () => {
    const { actor, clock, saves, settle, sweeps } = await begin({ policy: age(30) })
    clock.increment(soon)
    actor.send({ type: 'policy.set', policy: size(5), by })
    await settle()
    expect([saves, sweeps]).to.deep.equal([[size(5)], []])
    expect(retentionView(actor.getSnapshot()).policy).to.deep.equal(size(5))
  })

  it('waits for a minute if the configuration changes', async () => {
    const { actor, clock, sweeps, wait } = await begin({ policy: age(30) })
    clock.increment(soon)
    actor.send({ type: 'retention.configured', policy: size(5), checkInterval: hour })
    await turn()
    await wait(59_999)
    expect(sweeps).to.have.length(0)
    await wait(1)
    expect(sweeps).to.deep.equal([{ policy: size(5) }])
  })
})

describe('retention that stops a sweep', () => {
  const excess = { due: 6, of: 10 }
  const stopped = async (event: RetentionEvent) => {
    const one = await begin({ policy: age(30) })
    await one.wait(60_000)
    one.actor.send(event)
    expect(one.log).to.deep.equal(['sweep.stop'])
    return one
  }

  for (const end of ['refused', 'ended'] as const) {
    const over: RetentionEvent =
      end === 'refused' ? { type: 'sweep.refused', at: now, excess } : { type: 'sweep.ended', at: now }

    it(`for another policy saves that when the sweep has ${end}`, async () => {
      const { actor, saves, settle, tells, wait, sweeps } = await stopped({ type: 'policy.set', policy: size(5), by })
      await wait(hour)
      expect(saves).to.deep.equal([])
      tells(over)
      await settle()
      expect(saves).to.deep.equal([size(5)])
      expect(retentionView(actor.getSnapshot()).policy).to.deep.equal(size(5))
      await wait(60_000)
      expect(sweeps.slice(1)).to.deep.equal([{ policy: size(5) }])
    })

    it(`for another configuration waits for a minute after the sweep has ${end}`, async () => {
      const next = { policy: size(5), checkInterval: hour }
      const { actor, facts, tells, wait, sweeps } = await stopped({ type: 'retention.configured', ...next })
      await wait(hour)
      tells(over)
      expect(facts.map(({ type }) => type)).to.deep.equal(end === 'ended' ? ['retention.swept'] : [])
      expect(retentionView(actor.getSnapshot()).policy).to.deep.equal(size(5))
      await wait(59_999)
      expect(sweeps).to.have.length(1)
      await wait(1)
      expect(sweeps.slice(1)).to.deep.equal([{ policy: size(5) }])
    })
  }

  it('for another configuration, and then another policy, saves that', async () => {
    const next = { policy: size(5), checkInterval: hour }
    const { actor, ends, saves, settle } = await stopped({ type: 'retention.configured', ...next })
    actor.send({ type: 'policy.set', policy: size(3), by })
    ends()
    await settle()
    expect([saves, retentionView(actor.getSnapshot()).policy]).to.deep.equal([[size(3)], size(3)])
  })
})

describe('retention on a disk that lacks space', () => {
  const missing = { bytes: 5e9, files: 2 }
  const needed = { type: 'space.needed', missing } as const
  const settled = 35_000

  it('sweeps at once for the bytes that are missing, and again only after the disk can show what was freed', async () => {
    const { actor, sweeps, ends, wait } = await begin({ policy: size(9), hasTarget: true })
    await wait(60_000)
    ends()
    actor.send(needed)
    await turn()
    expect(sweeps.slice(1)).to.deep.equal([{ policy: size(9), needed: missing, hasTarget: true }])
    expect(retentionView(actor.getSnapshot())).to.deep.include({ policy: size(9), hasTarget: true })
    actor.send(needed)
    ends()
    actor.send(needed)
    await wait(settled - 1)
    expect(sweeps).to.have.length(2)
    await wait(1)
    actor.send({ type: 'space.needed', missing: { bytes: 1, files: 0 } })
    await turn()
    expect(sweeps[2]?.needed).to.deep.equal({ bytes: 1, files: 0 })
  })

  it('waits for a minute after the start, and after a change of the policy', async () => {
    const { actor, sweeps, settle, wait } = await begin({ policy: size(9) })
    actor.send(needed)
    await wait(59_999)
    actor.send({ type: 'policy.set', policy: size(5), by })
    await settle()
    actor.send(needed)
    await wait(59_999)
    expect(sweeps).to.have.length(0)
  })

  it('deletes nothing if it is disabled or manual', async () => {
    for (const policy of [age(30, false), { type: 'manual', enabled: true } as const]) {
      const { actor, sweeps, wait } = await begin({ policy, hasTarget: true })
      await wait(61_000)
      actor.send(needed)
      await turn()
      expect(sweeps).to.have.length(0)
    }
  })

  it('with a suspect clock only sweeps for the target, and ignores all ages', async () => {
    const seen = seenAt(now - 365 * day)
    const none = await begin({ policy: age(30), seen })
    const target = await begin({ policy: age(30), seen, hasTarget: true })
    for (const { actor, wait } of [none, target]) {
      await wait(61_000)
      actor.send(needed)
      await turn()
    }
    expect(none.sweeps).to.deep.equal([])
    const { now: _, ...sweep } = target.sweeps[0] ?? { policy: size(1) }
    expect(sweep).to.deep.equal({ policy: age(30), ignoresAge: true, needed: missing, hasTarget: true })
  })

  it('says nothing if there was nothing to delete', async () => {
    const { actor, facts, tells, ends, wait } = await begin({ policy: size(9) })
    await wait(60_000)
    ends()
    actor.send(needed)
    await turn()
    ends()
    await wait(settled)
    expect(facts.filter(({ type }) => type === 'retention.swept')).to.have.length(1)
    actor.send(needed)
    await turn()
    tells({ type: 'file.deleted', kind: 'recordings', name: 'a.mp4', camera: 'camera0', bytes: 7, reason: 'r' })
    ends()
    expect(facts.slice(-2).map(({ type }) => type)).to.deep.equal(['file.deleted', 'retention.swept'])
  })

  it('does not carry the need over to a later sweep', async () => {
    const { actor, sweeps, ends, wait } = await begin({ policy: age(30), seen: seenAt(now) })
    await wait(60_000)
    ends()
    actor.send(needed)
    actor.send({ type: 'retention.sweep', by })
    ends()
    await wait(hour)
    expect(sweeps.map((sweep) => sweep.needed)).to.deep.equal([undefined, undefined, undefined])
  })
})

describe('retention by size with more files than one sweep may delete', () => {
  it('continues after a minute', async () => {
    const { sweeps, tells, wait } = await begin({ policy: size(5) })
    await wait(60_000)
    tells({ type: 'sweep.ended', at: now, isLimited: true })
    await wait(60_000)
    expect(sweeps).to.have.length(2)
    tells({ type: 'sweep.ended', at: now })
    await wait(60_000)
    expect(sweeps).to.have.length(2)
  })
})

describe('retention with limits by age of single cameras', () => {
  it('sweeps by size, without them, while the clock is suspect', async () => {
    const { facts, sweeps, wait } = await begin({
      policy: size(5),
      seen: seenAt(now - 365 * day),
      hasAgeLimits: true,
    })
    await wait(60_000)
    expect(sweeps).to.deep.equal([{ policy: size(5), now: now + 60_000, ignoresAge: true }])
    expect(facts.map(({ type }) => type)).to.deep.equal(['retention.suspended'])
  })
})

/** What a suspended policy says, in parts that do not depend on the time. */
const suspicion = 'if it is right, call cleanup_old_files; if not, set it'

describe('retention with a doubtful clock', () => {
  it('deletes nothing after a start a year later than the last time seen, and says so once', async () => {
    const { actor, facts, sweeps, wait } = await begin({ policy: age(30), seen: seenAt(now - 365 * day) })
    await wait(12 * hour, 600_000)
    expect(sweeps).to.deep.equal([])
    expect(facts.map(({ type }) => type)).to.deep.equal(['retention.suspended'])
    const { reason } = facts[0] as Extract<RetentionFact, { type: 'retention.suspended' }>
    expect(reason.code).to.equal('clock_suspect')
    expect(reason.details).to.match(/^the clock shows 2026-01-02T00:00:00.000Z, 365 days later than expected\. /)
    expect(reason.details).to.contain(suspicion)
    expect(retentionView(actor.getSnapshot()).suspension?.code).to.equal('clock_suspect')
    expect(actor.getSnapshot().hasTag('suspended')).to.equal(true)
  })

  it('deletes nothing if the clock has jumped since its last reading', async () => {
    const { facts, sweeps, wait, set } = await begin({ policy: age(30) })
    await wait(59_000)
    set(365 * day)
    await wait(1_000)
    expect(sweeps).to.deep.equal([])
    expect(facts.map(({ type }) => type)).to.deep.equal(['retention.suspended'])
  })

  it('continues when the clock is corrected', async () => {
    const { actor, facts, sweeps, wait, set } = await begin({ policy: age(30) })
    set(365 * day)
    await wait(3 * hour, 600_000)
    set(-365 * day)
    await wait(hour, 600_000)
    expect(facts.map(({ type }) => type)).to.deep.equal(['retention.suspended', 'retention.resumed'])
    expect(sweeps).to.have.length(1)
    expect(retentionView(actor.getSnapshot())).to.deep.equal({ policy: age(30) })
  })

  it('continues after the clock has run for 24 hours without another jump', async () => {
    const { facts, sweeps, wait } = await begin({ policy: age(30), seen: seenAt(now - 40 * day) })
    await wait(24 * hour - 600_000, 600_000)
    expect([sweeps.length, facts.length]).to.deep.equal([0, 1])
    await wait(2 * hour, 600_000)
    expect(facts.map(({ type }) => type)).to.deep.equal(['retention.suspended', 'retention.resumed'])
    expect(sweeps).to.have.length(1)
  })

  it('continues after the cleanup of a client, which is saved at once', async () => {
    const { actor, facts, sweeps, ends, wait, times } = await begin({ policy: age(30), seen: seenAt(now - 40 * day) })
    expect(times.map(({ wall, expected, steadyFor }) => ({ wall, expected, steadyFor }))).to.deep.equal([
      { wall: now, expected: now - 40 * day, steadyFor: 0 },
    ])
    actor.send({ type: 'retention.sweep', by })
    expect(sweeps).to.deep.equal([{ policy: age(30), by }])
    expect(retentionView(actor.getSnapshot()).suspension?.code).to.equal('clock_suspect')
    ends()
    await turn()
    expect(facts.map(({ type }) => type)).to.deep.equal(['retention.suspended', 'retention.swept', 'retention.resumed'])
    expect(times[1]).to.deep.include({ wall: now, expected: now }).and.not.to.have.any.keys('steadyFor')
    await wait(hour)
    expect(sweeps).to.have.length(2)
  })

  it('never deletes files by age that are dated by the clock before it was set', async () => {
    const { actor, sweeps, ends, wait, set } = await begin({ policy: age(30) })
    await wait(30 * 60_000, 600_000)
    ends()
    set(1_000 * day)
    await wait(600_000)
    expect(retentionView(actor.getSnapshot()).suspension?.code).to.equal('clock_suspect')
    await wait(26 * hour, 600_000)
    const wrongTimes = [{ from: now, to: now + 40 * 60_000 }]
    expect(sweeps.at(-1)).to.deep.include({ policy: age(30), wrongTimes })
    ends()
    actor.send({ type: 'retention.sweep', by })
    expect(sweeps.at(-1)).to.deep.equal({ policy: age(30), by, wrongTimes })
    expect(retentionView(actor.getSnapshot()).wrongTimes).to.deep.equal(wrongTimes)
  })

  it('stays suspended after a cleanup that failed, was for some cameras only, or is by size', async () => {
    for (const how of ['failed', 'some cameras', 'by size'] as const) {
      const { actor, ends, wait, times } = await begin({
        policy: how === 'by size' ? size(5) : age(30),
        seen: seenAt(now - 40 * day),
      })
      actor.send({ type: 'retention.sweep', by, ...(how === 'some cameras' && { cameras: ['camera1'] }) })
      ends(how === 'failed' ? 'the files cannot be listed: EIO' : undefined)
      await wait(600_000)
      expect(times.at(-1)?.steadyFor, how).to.equal(600_000)
    }
  })

  it('deletes nothing by age while the clock cannot be read, and still for free space', async () => {
    const { actor, sweeps, wait } = await begin({ policy: age(30), clockless: true, hasTarget: true })
    await wait(60_000)
    expect(sweeps).to.deep.equal([])
    expect(retentionView(actor.getSnapshot()).suspension?.code).to.equal('clock_suspect')
    actor.send({ type: 'space.needed', missing: { bytes: 5, files: 0 } })
    await turn()
    expect(sweeps).to.have.length(1)
    expect(sweeps[0]).to.deep.include({ ignoresAge: true, needed: { bytes: 5, files: 0 } })
  })

  it('does not affect a policy by size, nor one that is not enabled', async () => {
    for (const policy of [size(5), age(30, false)]) {
      const { actor, facts, sweeps, wait } = await begin({ policy, seen: seenAt(now - 365 * day) })
      await wait(60_000)
      expect(sweeps).to.deep.equal(policy.enabled ? [{ policy }] : [])
      expect(facts).to.deep.equal([])
      expect(retentionView(actor.getSnapshot())).to.deep.equal({ policy })
    }
  })

  it('is suspended when a policy by age is set later', async () => {
    const { actor, facts, settle } = await begin({ policy: size(5), seen: seenAt(now - 365 * day) })
    actor.send({ type: 'policy.set', policy: age(7), by })
    await settle()
    expect(facts.map(({ type }) => type)).to.deep.equal(['retention.policySet', 'retention.suspended'])
  })

  it('is suspended if the last time seen cannot be read, or the clock is not set', async () => {
    for (const [options, details] of [
      [{ seen: 'EIO' }, 'but the last time seen is not known'],
      [{ at: hour }, 'it was not set'],
    ] as const) {
      const { actor, sweeps, wait } = await begin({ policy: age(30), ...options })
      await wait(hour)
      expect(sweeps).to.deep.equal([])
      expect(retentionView(actor.getSnapshot()).suspension?.details).to.contain(details)
    }
  })

  it('saves the time at the start, then every ten minutes, however often it sweeps', async () => {
    const { times, ends, wait } = await begin({ policy: age(30), checkInterval: 60_000 })
    for (let minutes = 0; minutes < 30; minutes += 1) {
      await wait(60_000)
      ends()
    }
    expect(times.map(({ wall }) => wall - now)).to.satisfy((walls: number[]) => walls.length >= 3 && walls.length <= 7)
  })
})

describe('retention with too many files to delete', () => {
  const excess = { due: 3, of: 4 }
  const reason = {
    code: 'too_many_files',
    details:
      '3 of 4 recordings are too old, more than half. No file is deleted by age: ' +
      'check the clock and the policy, then call cleanup_old_files',
  }

  it('says so once, and tries again at each interval', async () => {
    const { actor, facts, sweeps, tells, wait } = await begin({ policy: age(30) })
    await wait(60_000)
    tells({ type: 'sweep.refused', at: now, excess, undated: 0 })
    await wait(hour)
    tells({ type: 'sweep.refused', at: now + hour, excess, undated: 1 })
    expect(sweeps).to.have.length(2)
    expect(facts.map(({ type }) => type)).to.deep.equal(['retention.suspended', 'retention.undated'])
    expect(facts[0]).to.deep.equal({ type: 'retention.suspended', reason })
    expect(retentionView(actor.getSnapshot())).to.deep.equal({
      policy: age(30),
      last: { at: now + hour, files: 0, freed: 0 },
      suspension: reason,
      undated: 1,
    })
  })

  it('continues after the cleanup of a client, after a sweep that finds fewer, or with another policy', async () => {
    for (const how of ['cleanup', 'fewer', 'policy'] as const) {
      const { actor, facts, tells, ends, settle, wait } = await begin({ policy: age(30) })
      await wait(60_000)
      tells({ type: 'sweep.refused', at: now, excess })
      if (how === 'cleanup') actor.send({ type: 'retention.sweep', by })
      if (how === 'fewer') await wait(hour)
      if (how === 'policy') actor.send({ type: 'policy.set', policy: age(300), by })
      if (how === 'policy') await settle()
      else ends()
      expect(retentionView(actor.getSnapshot()).suspension, how).to.equal(undefined)
      expect(facts.filter(({ type }) => type === 'retention.resumed')).to.have.length(1)
    }
  })

  it('reports the clock first, if that is suspect as well', async () => {
    const { actor, facts, tells, set, wait } = await begin({ policy: age(30) })
    await wait(60_000)
    tells({ type: 'sweep.refused', at: now, excess })
    set(40 * day)
    await wait(hour)
    expect(retentionView(actor.getSnapshot()).suspension?.code).to.equal('clock_suspect')
    expect(facts.map((fact) => fact.type === 'retention.suspended' && fact.reason.code)).to.deep.equal([
      'too_many_files',
      'clock_suspect',
    ])
  })

  it('reports the number of files again when the clock is corrected', async () => {
    const { facts, tells, set, wait } = await begin({ policy: age(30) })
    await wait(60_000)
    tells({ type: 'sweep.refused', at: now, excess })
    set(40 * day)
    await wait(hour)
    set(-40 * day)
    await wait(hour)
    expect(facts.map((fact) => fact.type === 'retention.suspended' && fact.reason.code)).to.deep.equal([
      'too_many_files',
      'clock_suspect',
      'too_many_files',
    ])
  })

  it('reports files without a plausible date when there are more of them', async () => {
    const { actor, facts, tells, wait } = await begin({ policy: age(30) })
    for (const [index, undated] of [2, 2, 1, 3].entries()) {
      await wait(index === 0 ? 60_000 : hour)
      tells({ type: 'sweep.ended', at: now, undated })
    }
    const told = facts.filter((fact) => fact.type === 'retention.undated')
    expect(told.map(({ files }) => files)).to.deep.equal([2, 3])
    expect(told[0]?.reason).to.deep.equal({
      code: 'date_implausible',
      details:
        'the dates of 2 files cannot be right (in the future, before 2000, or while the clock was wrong): ' +
        'they are not deleted by age',
    })
    expect(retentionView(actor.getSnapshot()).undated).to.equal(3)
  })
})

describe('retention without the list of protected recordings', () => {
  const loss = because('protections_lost')
  const needed = { type: 'space.needed', missing: { bytes: 5e9, files: 2 } } as const

  it('deletes nothing by age, by size or for free space, and says so once', async () => {
    for (const [policy, flags] of [
      [age(30), {}],
      [size(9), { hasAgeLimits: true }],
      [size(9), { hasTarget: true }],
    ] as const) {
      const { actor, facts, sweeps, wait } = await begin({ policy, loss, ...flags })
      await wait(60_000)
      actor.send(needed)
      await wait(3 * hour)
      actor.send(needed)
      await wait(60_000)
      expect(sweeps).to.deep.equal([])
      expect(facts).to.deep.equal([{ type: 'retention.suspended', reason: loss }])
      expect(retentionView(actor.getSnapshot()).suspension).to.deep.equal(loss)
    }
  })

  it('says so before it says anything about the clock or the number of files', async () => {
    const { actor, facts } = await begin({ policy: age(30), loss, seen: seenAt(now - 365 * day) })
    expect(facts.at(-1)).to.deep.equal({ type: 'retention.suspended', reason: loss })
    expect(retentionView(actor.getSnapshot()).suspension).to.deep.equal(loss)
  })

  it('deletes nothing if it cannot be found out whether the list is complete', async () => {
    const { actor, sweeps, wait } = await begin({ policy: size(9), loss: 'unreadable' })
    await wait(hour)
    expect(sweeps).to.deep.equal([])
    expect(retentionView(actor.getSnapshot()).suspension).to.deep.equal(because('protections_lost', 'unreadable'))
  })

  it('refuses a cleanup without acceptance of the loss', async () => {
    const { actor } = await begin({ policy: size(9), loss })
    expect(actor.getSnapshot().can({ type: 'retention.sweep', by })).to.equal(false)
    expect(actor.getSnapshot().hasTag('withheld')).to.equal(true)
  })

  it('cleans up when a client accepts the loss, once this is on disk, and works again', async () => {
    const { actor, accepted, facts, sweeps, ends, wait } = await begin({ policy: size(9), loss })
    actor.send({ type: 'retention.sweep', by, acceptsLoss: true })
    await turn()
    expect(sweeps).to.deep.equal([])
    accepted.resolve()
    await turn()
    expect(sweeps).to.deep.equal([{ policy: size(9), by }])
    expect(retentionView(actor.getSnapshot()).suspension).to.equal(undefined)
    expect(facts.map(({ type }) => type)).to.deep.equal(['retention.suspended', 'retention.resumed'])
    ends()
    await wait(hour)
    expect(sweeps).to.have.length(2)
  })

  it('still deletes nothing if the acceptance cannot be written', async () => {
    const { actor, accepted, facts, sweeps, wait } = await begin({ policy: size(9), loss })
    actor.send({ type: 'retention.sweep', by, acceptsLoss: true })
    accepted.reject('the disk is full')
    await turn()
    const swept = { type: 'retention.swept', by, files: 0, freed: 0, kept: [], reason: 'the disk is full' }
    expect(facts.at(-1)).to.deep.equal(swept)
    await wait(hour)
    expect([sweeps, actor.getSnapshot().hasTag('withheld')]).to.deep.equal([[], true])
  })

  it('takes a new policy, which does not accept the loss', async () => {
    const { actor, saves, settle, sweeps, wait } = await begin({ policy: size(9), loss })
    actor.send({ type: 'policy.set', policy: size(5), by })
    await settle()
    actor.send({ type: 'retention.configured', policy: size(4), checkInterval: 60_000 })
    await wait(hour)
    expect([saves, sweeps]).to.deep.equal([[size(5)], []])
    expect(retentionView(actor.getSnapshot()).suspension).to.deep.equal(loss)
  })
})

const seenAt = (wall: number): ClockRecord => ({ wall, expected: wall })

/**
 * A retention that has loaded the saved policy and the last time `seen`. If `kept` or `seen` is a text, loading fails
 * with it. `at`: what the wall clock shows at the start. `loss`: why the list of protected recordings is not complete; a
 * text: that cannot be found out.
 */
async function begin({
  policy,
  kept,
  seen,
  at = now,
  checkInterval = hour,
  loss,
  clockless = false,
  ...flags
}: {
  policy: RetentionPolicy
  kept?: { policy: RetentionPolicy } | string
  seen?: ClockRecord | string
  at?: number
  checkInterval?: number
  loss?: Reason | string
  clockless?: boolean
  hasTarget?: boolean
  hasAgeLimits?: boolean
}) {
  const clock = new SimulatedClock()
  const sweeps: Sweep[] = []
  const saves: RetentionPolicy[] = []
  const times: ClockRecord[] = []
  const facts: RetentionFact[] = []
  const log: string[] = []
  let error = 0
  let tells: (event: RetentionEvent) => void = () => {}
  let saved = later<void>()
  const accepted = later<void>()
  const machine = retentionMachine.provide({
    actors: {
      loadPolicy: fromPromise(async () => {
        if (typeof kept === 'string') throw new Error(kept)
        return kept
      }),
      savePolicy: fromPromise<void, { policy: RetentionPolicy }>(({ input }) => {
        saves.push(input.policy)
        saved = later()
        return saved.promise
      }),
      sweepFiles: fromCallback<{ type: string }, Sweep>(({ input, receive, sendBack }) => {
        sweeps.push(input)
        tells = sendBack
        receive(({ type }) => log.push(type))
      }),
      findLoss: fromPromise(async () => {
        if (typeof loss === 'string') throw new Error(loss)
        return loss
      }),
      acceptLoss: fromPromise(() => accepted.promise),
      loadClock: fromPromise(async () => {
        if (typeof seen === 'string') throw new Error(seen)
        return seen
      }),
      readClock: fromPromise<ClockReading>(async () => {
        if (clockless) throw new Error('no clock')
        return { wall: at + clock.now() + error, monotonic: clock.now() }
      }),
      saveClock: fromPromise<void, { record: ClockRecord }>(async ({ input }) => void times.push(input.record)),
    },
  })
  const actor = createActor(machine, { input: { policy, checkInterval, ...flags }, clock })
  actor.on('*', (fact) => facts.push(fact))
  actor.start()
  await turn()
  return {
    actor,
    clock,
    facts,
    log,
    accepted,
    sweeps,
    saves,
    times,
    /** Lets time pass, in steps of at most `step` ms. */
    wait: async (ms: number, step = ms) => {
      for (let rest = ms; rest > 0; rest -= step) {
        clock.increment(Math.min(rest, step))
        await turn()
      }
    },
    /** Sets the wall clock by so many ms. */
    set: (ms: number) => {
      error += ms
    },
    tells: (event: RetentionEvent) => tells(event),
    ends: (reason?: string) => tells({ type: 'sweep.ended', at: now, ...(reason !== undefined && { reason }) }),
    settle: (failure?: string) => {
      if (failure === undefined) saved.resolve()
      else saved.reject(failure)
      return turn()
    },
  }
}
