import { expect } from 'chai'
import fc from 'fast-check'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import type { RetentionFact } from '../../machines/domain/facts.js'
import { isInUse, type KeptFile, type RetentionPolicy, toDelete } from '../../machines/domain/retention.js'
import type { RecordingView } from '../../machines/domain/views.js'
import { type RetentionEvent, retentionMachine, retentionView, type Sweep } from '../../machines/retention.js'
import { later, turn } from '../support/later.js'

const day = 86_400_000
const now = 400 * day
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
  const namesOf = (policy: RetentionPolicy, files: KeptFile[]) => toDelete(policy, files, now).map(({ name }) => name)

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
        const gone = toDelete(size(limit), files, now)
        const kept = files.filter((each) => !gone.includes(each))
        const sum = kept.reduce((total, { bytes }) => total + bytes, 0)
        const mayGo = kept.filter(({ growing, createdAt }) => !growing && now - createdAt >= 60_000)
        expect(sum <= limit * 1e9 || mayGo.length === 0).to.equal(true)
        if (gone.length > 0) expect(sum + (gone.at(-1)?.bytes ?? 0) > limit * 1e9).to.equal(true)
      }),
    )
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
    const { clock, sweeps, ends } = await begin({ policy: age(30) })
    clock.increment(59_999)
    expect(sweeps).to.have.length(0)
    clock.increment(1)
    expect(sweeps).to.deep.equal([{ policy: age(30) }])
    ends()
    clock.increment(3_599_999)
    expect(sweeps).to.have.length(1)
    clock.increment(1)
    expect(sweeps).to.have.length(2)
  })

  it('does not sweep automatically if it is disabled or manual', async () => {
    for (const policy of [age(30, false), { type: 'manual', enabled: true } as const]) {
      const { clock, sweeps } = await begin({ policy })
      clock.increment(10 * 3_600_000)
      expect(sweeps).to.have.length(0)
    }
  })

  it('prefers the saved policy to the configured one', async () => {
    const { actor } = await begin({ policy: age(30), kept: { policy: size(2) } })
    expect(retentionView(actor.getSnapshot())).to.deep.equal({ policy: size(2) })
  })

  it('is disabled, with the reason, if the saved policy cannot be read', async () => {
    const { actor, clock, sweeps } = await begin({ policy: age(30), kept: 'the retention policy cannot be read (EIO)' })
    clock.increment(10 * 3_600_000)
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

/** A retention that has loaded the saved policy. If `kept` is a text, loading fails with it. */
async function begin({ policy, kept }: { policy: RetentionPolicy; kept?: { policy: RetentionPolicy } | string }) {
  const clock = new SimulatedClock()
  const sweeps: Sweep[] = []
  const saves: RetentionPolicy[] = []
  const facts: RetentionFact[] = []
  const log: string[] = []
  let tells: (event: RetentionEvent) => void = () => {}
  let saved = later<void>()
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
    },
  })
  const actor = createActor(machine, { input: { policy, checkInterval: 3_600_000 }, clock })
  actor.on('*', (fact) => facts.push(fact))
  actor.start()
  await turn()
  return {
    actor,
    clock,
    facts,
    log,
    sweeps,
    saves,
    tells: (event: RetentionEvent) => tells(event),
    ends: (reason?: string) => tells({ type: 'sweep.ended', at: now, ...(reason !== undefined && { reason }) }),
    settle: (failure?: string) => {
      if (failure === undefined) saved.resolve()
      else saved.reject(failure)
      return turn()
    },
  }
}
