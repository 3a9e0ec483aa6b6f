import { expect } from 'chai'
import { createActor, SimulatedClock } from 'xstate'
import { auditFacts } from '../../actors/auditFacts.js'
import { quarantineEffects } from '../../actors/effects/quarantine.js'
import { createFacts } from '../../actors/facts.js'
import { logFacts } from '../../actors/logFacts.js'
import { createObserver } from '../../actors/observer.js'
import type { AuditEntry } from '../../machines/domain/access.js'
import type { Quarantine, Suspect } from '../../machines/domain/ports.js'
import { because, Failure } from '../../machines/domain/reason.js'
import type { CameraView, RecordingView } from '../../machines/domain/views.js'
import { quarantineMachine } from '../../machines/quarantine.js'
import { createGate } from '../support/gate.js'
import { turn } from '../support/later.js'

const suspect = (name: string): Suspect => ({
  name,
  camera: 'camera0',
  path: `/x/${name}`,
  bytes: 0,
  modifiedAt: 1,
  reason: because('file_empty'),
})
const recording = (changes: Partial<RecordingView>): RecordingView => ({
  camera: 'camera0',
  status: 'RECORDING',
  growing: true,
  gaps: [],
  format: 'fmp4',
  by: 'ann',
  files: [],
  ...changes,
})

describe('the quarantine of broken recordings', () => {
  const ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  function start(names: string[], move: Quarantine['move'] = async ({ name }) => name) {
    const { log, lines, clock } = createGate()
    const audited: AuditEntry[] = []
    const moved: string[] = []
    let cameras: Pick<CameraView, 'id' | 'recording'>[] = []
    const quarantine: Quarantine = {
      suspects: async () => names.map(suspect),
      move: async (one) => {
        const name = await move(one)
        if (name !== undefined) moved.push(name)
        return name
      },
    }
    const facts = createFacts({ clock, log })
    facts.subscribe(logFacts(log))
    facts.subscribe(auditFacts({ write: (entry) => audited.push(entry) }))
    const timers = new SimulatedClock()
    const { inspect } = createObserver({ facts, clock, log })
    const machine = quarantineMachine.provide({
      actors: quarantineEffects({ quarantine, cameras: () => cameras, log }),
    })
    const actor = createActor(machine, { clock: timers, inspect })
    ends.push(() => actor.stop())
    return {
      moved,
      audited,
      warnings: () => lines.filter((line) => line.startsWith('warn')),
      record: (view: Partial<RecordingView>) => {
        cameras = [{ id: 'camera0', recording: recording(view) }]
      },
      begin: async () => {
        actor.start()
        for (let turns = 0; turns < 5; turns += 1) await turn()
      },
      wait: async () => {
        timers.increment(3_000)
        for (let turns = 0; turns < 10; turns += 1) await turn()
      },
    }
  }

  it('is logged and audited for each file', async () => {
    const { begin, wait, moved, audited, warnings } = start(['camera0_a.mp4'])
    await begin()
    expect(moved).to.deep.equal([])
    await wait()
    expect(moved).to.deep.equal(['camera0_a.mp4'])
    expect(warnings()).to.have.length(1)
    expect(warnings()[0]).to.match(/^warn camera0_a\.mp4 was moved to the quarantine: the file is empty.*file_empty/)
    expect(audited).to.deep.equal([
      {
        event: 'change',
        action: 'quarantine',
        result: 'ok',
        user: '',
        address: '',
        subject: 'recordings/camera0_a.mp4',
        reason: 'file_empty',
      },
    ])
  })

  for (const [title, view, expected] of [
    ['spares all files while a recording starts', { status: 'STARTING' }, []],
    ['spares all files while they are closed', { status: 'STOPPING', files: ['c.mp4'] }, []],
    ['spares the open file, and later ones', { files: ['a.mp4', 'b.mp4'] }, ['a.mp4']],
    [
      'spares no file of a recording that waits',
      { waitsFor: 'camera', status: 'INTERRUPTED' },
      ['a.mp4', 'b.mp4', 'c.mp4'],
    ],
  ] as const)
    it(title, async () => {
      const { begin, wait, moved, record } = start(['a.mp4', 'b.mp4', 'c.mp4'])
      record({ ...view, files: [...('files' in view ? view.files : [])] })
      await begin()
      await wait()
      expect(moved).to.deep.equal(expected)
    })

  it('spares a file that a recording opens while it is observed', async () => {
    const { begin, wait, moved, record } = start(['a.mp4', 'b.mp4'])
    await begin()
    record({ files: ['b.mp4'] })
    await wait()
    expect(moved).to.deep.equal(['a.mp4'])
  })

  it('leaves a file that cannot be moved, says why, and moves the others', async () => {
    const { begin, wait, moved, warnings } = start(['a.mp4', 'b.mp4'], async ({ name }) => {
      if (name === 'a.mp4') throw new Failure('not_written', 'the file cannot be moved aside (EROFS)')
      return name
    })
    await begin()
    await wait()
    expect(moved).to.deep.equal(['b.mp4'])
    expect(warnings()[0]).to.match(/cannot be quarantined .*a\.mp4.*EROFS/)
  })
})
