import { expect } from 'chai'
import { createActor, SimulatedClock } from 'xstate'
import { createRetentionAsk } from '../../actors/askRetention.js'
import { auditFacts } from '../../actors/auditFacts.js'
import { createSurvey, retentionEffects } from '../../actors/effects/retention.js'
import { createFacts } from '../../actors/facts.js'
import { logFacts } from '../../actors/logFacts.js'
import { createObserver } from '../../actors/observer.js'
import type { AuditEntry } from '../../machines/domain/access.js'
import type { CameraId } from '../../machines/domain/camera.js'
import type { ClockRecord } from '../../machines/domain/clockTrust.js'
import { ServiceError } from '../../machines/domain/errors.js'
import type { Told } from '../../machines/domain/facts.js'
import type { FileKind, MediaFile } from '../../machines/domain/ports.js'
import { because, type Reason } from '../../machines/domain/reason.js'
import type { RetentionPolicy, RetentionStore } from '../../machines/domain/retention.js'
import type { CameraView } from '../../machines/domain/views.js'
import { retentionMachine } from '../../machines/retention.js'
import { later, turn } from '../support/later.js'

const day = 86_400_000
const now = Date.UTC(2026, 0, 2)
const ann = () => ({ user: 'ann', request: 'r1', session: 's1' })
const month: RetentionPolicy = { type: 'age', maxAgeDays: 30, enabled: false }

describe('a request to retention', () => {
  const ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  /** Retention with fake files, added by name and age in days. */
  function world({
    policy = month,
    store = {},
    failing = [],
    seen,
    unsaved,
    loss,
  }: {
    policy?: RetentionPolicy
    store?: Partial<RetentionStore>
    failing?: string[]
    /** The last time seen; a text: it cannot be read. */
    seen?: number | string
    /** Why the time cannot be saved. */
    unsaved?: string
    loss?: Reason | undefined
  } = {}) {
    const files: (MediaFile & { kind: FileKind })[] = []
    const add = (name: string, days: number, kind: FileKind = 'recordings') => {
      const at = now - days * day
      files.push({
        kind,
        name,
        camera: name.split('_')[0] as CameraId,
        path: `/x/${name}`,
        bytes: 100,
        createdAt: at,
        modifiedAt: at,
      })
    }
    const protectedNames: string[] = []
    const told: Told[] = []
    const audited: AuditEntry[] = []
    let cameras: Pick<CameraView, 'id' | 'recording'>[] = []
    let gate: Promise<void> | undefined
    const timers = new SimulatedClock()
    /** A second of the wall clock is also one of the monotonic clock. */
    const clock = { now: () => now + timers.now() }
    const lines: string[] = []
    const at = (level: string) => (message: string, fields?: object) =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`)
    const log = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
    let time: ClockRecord | undefined
    if (typeof seen === 'number') time = { wall: seen, expected: seen }
    const ports = {
      files: {
        list: async (
          kind: FileKind,
          {
            limit,
            offset,
            mayUse = () => true,
            quarantined = false,
          }: { limit: number; offset: number; mayUse?: (camera: CameraId) => boolean; quarantined?: boolean },
        ) => {
          const all = files
            .filter((file) => file.kind === kind && mayUse(file.camera) && (file.quarantined ?? false) === quarantined)
            .sort((one, other) => other.createdAt - one.createdAt)
          return { files: all.slice(offset, offset + limit), total: all.length }
        },
        remove: async (_: FileKind, name: string, only?: { quarantined: boolean }) => {
          await gate
          if (failing.includes(name)) throw new Error('the file cannot be deleted (EACCES)')
          const index = files.findIndex(
            (file) => file.name === name && (!only || (file.quarantined ?? false) === only.quarantined),
          )
          return index >= 0 && files.splice(index, 1).length > 0
        },
      },
      protection: {
        has: (name: string) => protectedNames.includes(name),
        loss: () => loss,
        acceptLoss: async () => {
          await gate
          loss = undefined
        },
      },
      store: { load: async () => undefined, save: async () => {}, ...store },
      clockStore: {
        read: () => ({ wall: clock.now(), monotonic: timers.now() }),
        load: async () => {
          if (typeof seen === 'string') throw new Error(seen)
          return time
        },
        save: async (record: ClockRecord) => {
          if (unsaved !== undefined) throw new Error(unsaved)
          time = record
        },
      },
      cameras: () => cameras,
      clock,
      log,
    }
    const facts = createFacts({ clock, log })
    facts.subscribe((fact) => told.push(fact))
    facts.subscribe(logFacts(log))
    facts.subscribe(auditFacts({ write: (entry) => audited.push(entry) }))
    const { inspect } = createObserver({ facts, clock, log })
    const actor = createActor(retentionMachine.provide({ actors: retentionEffects(ports) }), {
      input: { policy, checkInterval: 3_600_000 },
      inspect,
      clock: timers,
    })
    actor.start()
    ends.push(() => actor.stop())
    const ask = createRetentionAsk({ actor: () => actor, facts, survey: createSurvey(ports), policy })
    return {
      ask,
      actor,
      add,
      told,
      audited,
      lines,
      /** Lets so many ms pass. */
      wait: async (ms: number) => {
        await turn()
        timers.increment(ms)
        for (let turns = 0; turns < 30; turns += 1) await turn()
      },
      protects: (name: string) => protectedNames.push(name),
      names: () => files.map(({ name }) => name),
      left: () => files,
      set: (name: string, changes: Partial<MediaFile>) => {
        const file = files.find((one) => one.name === name)
        if (file) Object.assign(file, changes)
      },
      record: (camera: CameraId, names: string[]) => {
        cameras = [
          {
            id: camera,
            recording: {
              camera,
              status: 'RECORDING',
              growing: true,
              gaps: [],
              format: 'fmp4',
              by: 'bob',
              files: names,
            },
          },
        ]
      },
      /** Blocks deletions until the returned function is called. */
      shut: () => {
        const wait = later<void>()
        gate = wait.promise
        return () => wait.resolve()
      },
    }
  }

  const refusal = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => (error instanceof ServiceError ? { key: error.key, ...error.data } : error),
    )

  it('deletes files according to the policy, oldest first, and reports and audits each file', async () => {
    const { ask, add, names, told, audited } = world()
    add('camera0_a.mp4', 31)
    add('camera0_b.mp4', 29)
    add('camera1_c.jpg', 60, 'snapshots')
    const by = ann()
    expect(await ask.cleanUp({ dryRun: false, by })).to.deep.equal({
      dryRun: false,
      files: [
        { kind: 'snapshots', name: 'camera1_c.jpg', bytes: 100 },
        { kind: 'recordings', name: 'camera0_a.mp4', bytes: 100 },
      ],
      freed: 200,
      kept: [],
    })
    expect(names()).to.deep.equal(['camera0_b.mp4'])
    expect(told.map(({ type }) => type)).to.deep.equal(['file.deleted', 'file.deleted', 'retention.swept'])
    expect(audited[0]).to.deep.equal({
      event: 'deletion',
      action: 'cleanup_old_files',
      result: 'ok',
      user: 'ann',
      session: 's1',
      request: 'r1',
      address: '',
      subject: 'snapshots/camera1_c.jpg',
      reason: 'older than 30 days',
    })
    expect(ask.view().last).to.deep.equal({ at: now, files: 2, freed: 200 })
  })

  it('counts and deletes quarantined files like others', async () => {
    const { ask, add, names, set } = world()
    add('camera0_a.mp4', 31)
    add('camera0_b.mp4', 29)
    set('camera0_a.mp4', { quarantined: true })
    const { files, freed } = await ask.cleanUp({ dryRun: false, by: ann() })
    expect([files.map(({ name }) => name), freed]).to.deep.equal([['camera0_a.mp4'], 100])
    expect(names()).to.deep.equal(['camera0_b.mp4'])
  })

  it('deletes the quarantined one of two files with one name', async () => {
    const { ask, add, left, record, set } = world()
    add('camera0_a.mp4', 31)
    set('camera0_a.mp4', { quarantined: true })
    add('camera0_a.mp4', 31)
    record('camera0', ['camera0_a.mp4'])
    await ask.cleanUp({ dryRun: false, by: ann() })
    expect(left().map(({ quarantined }) => quarantined)).to.deep.equal([undefined])
  })

  it('deletes nothing in a dry run', async () => {
    const { ask, add, names, told } = world()
    add('camera0_a.mp4', 31)
    expect(await ask.cleanUp({ dryRun: true, by: ann() })).to.deep.equal({
      dryRun: true,
      files: [{ kind: 'recordings', name: 'camera0_a.mp4', bytes: 100 }],
      freed: 100,
      kept: [],
    })
    expect([names().length, told.length]).to.deep.equal([1, 0])
  })

  it('finds the oldest of thousands of files', async () => {
    const { ask, add } = world()
    for (let index = 0; index < 2_500; index += 1) add(`camera0_${index}.mp4`, index / 80)
    const { files } = await ask.cleanUp({ dryRun: true, by: ann() })
    expect([files.length, files[0]?.name]).to.deep.equal([99, 'camera0_2499.mp4'])
  })

  it('does not delete a file that is being recorded, at any age', async () => {
    const { ask, add, names, record } = world()
    add('camera0_a.mp4', 50)
    add('camera0_b.mp4', 40)
    record('camera0', ['camera0_a.mp4', 'camera0_b.mp4'])
    await ask.cleanUp({ dryRun: false, by: ann() })
    expect(names()).to.deep.equal(['camera0_b.mp4'])
  })

  it('does not delete a protected recording, even if it was protected during the sweep', async () => {
    const { ask, add, names, protects, shut } = world()
    for (const days of [60, 50, 40]) add(`camera0_${days}.mp4`, days)
    protects('camera0_50.mp4')
    const open = shut()
    const cleaning = ask.cleanUp({ dryRun: false, by: ann() })
    await turn()
    await turn()
    protects('camera0_40.mp4')
    open()
    expect((await cleaning).files.map(({ name }) => name)).to.deep.equal(['camera0_60.mp4'])
    expect(names()).to.deep.equal(['camera0_50.mp4', 'camera0_40.mp4'])
  })

  it('ignores files of cameras that the caller may not use', async () => {
    const { ask, add, names } = world()
    add('camera0_a.mp4', 50)
    add('camera1_b.mp4', 50)
    await ask.cleanUp({ dryRun: false, by: ann(), cameras: ['camera1*'] })
    expect(names()).to.deep.equal(['camera0_a.mp4'])
  })

  it('reports files that cannot be deleted, with the reason, and continues', async () => {
    const { ask, add, names } = world({ failing: ['camera0_a.mp4'] })
    add('camera0_a.mp4', 60)
    add('camera0_b.mp4', 50)
    const { files, kept } = await ask.cleanUp({ dryRun: false, by: ann() })
    expect(files).to.have.length(1)
    expect(kept).to.deep.equal([{ name: 'camera0_a.mp4', reason: 'the file cannot be deleted (EACCES)' }])
    expect(names()).to.deep.equal(['camera0_a.mp4'])
  })

  it('is answered after an earlier one, if two arrive at once', async () => {
    const { ask, add } = world()
    add('camera0_a.mp4', 60)
    const [one, two] = await Promise.all([
      ask.cleanUp({ dryRun: false, by: ann() }),
      ask.cleanUp({ dryRun: false, by: ann() }),
    ])
    expect([one.files.length, two.files.length]).to.deep.equal([1, 0])
  })

  it('fails at once when another policy is set', async () => {
    const { ask, add, names, shut } = world()
    add('camera0_a.mp4', 70)
    add('camera0_b.mp4', 60)
    const open = shut()
    const cleaning = refusal(ask.cleanUp({ dryRun: false, by: ann() }))
    await turn()
    await turn()
    const setting = ask.setPolicy({ type: 'manual', enabled: false }, ann())
    await turn()
    open()
    expect(await cleaning).to.deep.include({
      key: 'dependencyFailed',
      detail: 'the cleanup ended early: stopped by a change of the policy; 1 files were deleted before',
    })
    expect(await setting).to.deep.equal({ type: 'manual', enabled: false })
    expect(names()).to.deep.equal(['camera0_b.mp4'])
  })

  it('fails if the service ends meanwhile', async () => {
    const { ask, actor, add, shut } = world()
    add('camera0_a.mp4', 70)
    shut()
    const cleaning = refusal(ask.cleanUp({ dryRun: false, by: ann() }))
    await turn()
    actor.stop()
    expect(await cleaning).to.deep.include({
      key: 'dependencyFailed',
      detail: 'the service ended; 0 files were deleted before',
    })
    expect(await refusal(ask.setPolicy(month, ann()))).to.deep.include({ key: 'dependencyFailed' })
  })

  it('fails for a policy that cannot be saved, and keeps the old one', async () => {
    const save = async () => {
      throw new Error('the retention policy cannot be written (ENOSPC)')
    }
    const { ask } = world({ store: { save } })
    expect(await refusal(ask.setPolicy({ type: 'manual', enabled: true }, ann()))).to.deep.include({
      key: 'dependencyFailed',
      dependency: 'storage',
      detail: 'the retention policy cannot be written (ENOSPC)',
    })
    expect(ask.view().policy).to.deep.equal(month)
  })

  it('waits until the saved policy is loaded before it sets another one', async () => {
    const loaded = later<undefined>()
    const { ask } = world({ store: { load: () => loaded.promise } })
    const setting = ask.setPolicy({ type: 'size', maxSizeGb: 0.5, enabled: true }, ann())
    await turn()
    loaded.resolve(undefined)
    await setting
    expect(ask.view().policy).to.deep.equal({ type: 'size', maxSizeGb: 0.5, enabled: true })
  })

  describe('by schedule', () => {
    const enabled: RetentionPolicy = { ...month, enabled: true }
    const minute = 60_000
    const warnings = (lines: string[]) => lines.filter((line) => /^(warn|error)/.test(line))

    it('deletes old files while the clock is right, at most 20 % of all files at once', async () => {
      const { add, names, wait } = world({ policy: enabled, seen: now - 3_600_000 })
      for (const days of [50, 40, 4, 3, 2]) add(`camera0_${days}.mp4`, days)
      await wait(minute)
      expect(names()).to.deep.equal(['camera0_40.mp4', 'camera0_4.mp4', 'camera0_3.mp4', 'camera0_2.mp4'])
      await wait(60 * minute)
      expect(names()).to.deep.equal(['camera0_4.mp4', 'camera0_3.mp4', 'camera0_2.mp4'])
    })

    it('deletes nothing if the clock is a year ahead, and logs it once; a cleanup by a client continues', async () => {
      const { ask, add, names, wait, lines } = world({ policy: enabled, seen: now - 365 * day })
      for (const days of [370, 369, 4, 3, 2]) add(`camera0_${days}.mp4`, days)
      await wait(minute)
      await wait(60 * minute)
      expect(names()).to.have.length(5)
      expect(warnings(lines)).to.have.length(1)
      expect(warnings(lines)[0]).to.match(/^warn retention is suspended: the clock .*"reason":"clock_suspect"/)
      expect(ask.view().suspension?.code).to.equal('clock_suspect')

      await ask.cleanUp({ dryRun: true, by: ann() })
      await ask.cleanUp({ dryRun: false, by: ann(), cameras: ['camera1'] })
      expect(ask.view().suspension?.code).to.equal('clock_suspect')
      await ask.cleanUp({ dryRun: false, by: ann() })
      expect(names()).to.deep.equal(['camera0_4.mp4', 'camera0_3.mp4', 'camera0_2.mp4'])
      expect(ask.view().suspension).to.equal(undefined)
    })

    it('deletes nothing if more than half of the recordings are due, until a client cleans up', async () => {
      const { ask, add, names, wait, lines } = world({ policy: enabled, seen: now })
      for (const days of [50, 40, 35, 3]) add(`camera0_${days}.mp4`, days)
      await wait(minute)
      await wait(60 * minute)
      expect(names()).to.have.length(4)
      expect(ask.view().suspension?.code).to.equal('too_many_files')
      expect(warnings(lines)).to.deep.equal([
        'warn retention is suspended: 3 of 4 recordings are too old, more than half. No file is deleted by age: check ' +
          'the clock and the policy, then call cleanup_old_files ' +
          '{"event":"retention.suspended","reason":"too_many_files"}',
      ])
      expect((await ask.cleanUp({ dryRun: false, by: ann() })).files).to.have.length(3)
      expect(ask.view().suspension).to.equal(undefined)
      expect(lines).to.include('info retention continues {"event":"retention.resumed"}')
    })

    describe('without the list of protected recordings', () => {
      const size: RetentionPolicy = { type: 'size', maxSizeGb: 1e-9, enabled: true }
      const damaged = () => {
        const all = world({ policy: size, loss: because('protections_lost') })
        for (const days of [50, 40, 35, 3]) all.add(`camera0_${days}.mp4`, days)
        return all
      }

      it('deletes nothing, on a full disk neither, and logs it once', async () => {
        const { actor, names, wait, lines } = damaged()
        await wait(60 * minute)
        actor.send({ type: 'space.needed', missing: { bytes: 1e9, files: 9 } })
        await wait(60 * minute)
        expect(names()).to.have.length(4)
        expect(warnings(lines)).to.have.length(1)
        expect(warnings(lines)[0]).to.match(/^warn retention is suspended: .*"reason":"protections_lost"/)
      })

      it('refuses a cleanup without acceptance, and says what to do; a dry run lists the files', async () => {
        const { ask, names, wait } = damaged()
        await wait(minute)
        const refused = await refusal(ask.cleanUp({ dryRun: false, by: ann() }))
        expect(refused).to.deep.include({ key: 'invalidState', reason: 'protections_lost', state: 'suspended' })
        expect((await ask.cleanUp({ dryRun: true, by: ann() })).files).to.have.length(4)
        expect(ask.view().suspension?.code).to.equal('protections_lost')
        expect(names()).to.have.length(4)
      })

      it('refuses a cleanup that arrives before the list was looked at', async () => {
        const { ask, names } = damaged()
        const refused = await refusal(ask.cleanUp({ dryRun: false, by: ann() }))
        expect(refused).to.deep.include({ reason: 'protections_lost' })
        expect(names()).to.have.length(4)
      })

      it('deletes again when a client accepts the loss, but not what was protected again', async () => {
        const { ask, names, protects, wait } = damaged()
        await wait(minute)
        protects('camera0_50.mp4')
        const { files } = await ask.cleanUp({ dryRun: false, by: ann(), acceptsLoss: true })
        expect(files).to.have.length(3)
        expect(names()).to.deep.equal(['camera0_50.mp4'])
        expect(ask.view().suspension).to.equal(undefined)
      })
    })

    it('keeps files without a plausible date; a cleanup by a client names them', async () => {
      const { ask, add, names, wait, lines } = world({ policy: enabled, seen: now })
      add('camera0_1970.mp4', now / day - 1)
      for (const days of [50, 3, 2, 1]) add(`camera0_${days}.mp4`, days)
      await wait(minute)
      await wait(60 * minute)
      expect(names()[0]).to.equal('camera0_1970.mp4')
      expect(names()).to.have.length(4)
      expect(warnings(lines)).to.have.length(1)
      expect(warnings(lines)[0]).to.match(
        /^warn retention keeps files: the dates of 1 file .*"reason":"date_implausible"/,
      )
      const kept = [
        {
          name: 'camera0_1970.mp4',
          reason:
            'its date cannot be right (in the future, before 2000, or while the clock was wrong), so its age is not known: ' +
            'delete it by its name',
        },
      ]
      for (const dryRun of [true, false])
        expect(await ask.cleanUp({ dryRun, by: ann() })).to.deep.equal({ dryRun, files: [], freed: 0, kept })
    })

    it('deletes by size whatever the clock shows', async () => {
      const { add, names, wait, lines } = world({
        policy: { type: 'size', maxSizeGb: 1e-7, enabled: true },
        seen: now - 365 * day,
      })
      for (const days of [50, 40, 35, 3]) add(`camera0_${days}.mp4`, days)
      await wait(minute)
      expect(names()).to.deep.equal(['camera0_40.mp4', 'camera0_35.mp4', 'camera0_3.mp4'])
      for (let runs = 0; runs < 3; runs += 1) await wait(minute)
      expect(names()).to.deep.equal(['camera0_3.mp4'])
      expect(warnings(lines)).to.deep.equal([])
    })

    it('logs that the last time seen cannot be read, or not be saved', async () => {
      const unread = world({ policy: enabled, seen: 'state/clock.json: the last time seen cannot be read (EIO)' })
      const unsaved = world({ policy: enabled, unsaved: 'the last time seen cannot be written (ENOSPC)' })
      await turn()
      await turn()
      expect(warnings(unread.lines)[0]).to.equal(
        'error state/clock.json: the last time seen cannot be read (EIO): ' +
          'deletion by age is suspended for 24 hours, or until cleanup_old_files is called {}',
      )
      expect(unread.ask.view().suspension?.code).to.equal('clock_suspect')
      expect(warnings(unsaved.lines)).to.deep.equal([
        'warn the time cannot be saved: after a restart deletion by age may be suspended ' +
          '{"reason":"the last time seen cannot be written (ENOSPC)"}',
      ])
      expect(unsaved.ask.view().suspension).to.equal(undefined)
    })
  })
})
