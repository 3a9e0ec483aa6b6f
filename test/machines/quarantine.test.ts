import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import type { QuarantineFact } from '../../machines/domain/facts.js'
import type { Suspect } from '../../machines/domain/files.js'
import { because } from '../../machines/domain/reason.js'
import { quarantineMachine } from '../../machines/quarantine.js'
import { turn } from '../support/later.js'

const suspect = (name: string): Suspect => ({
  name,
  camera: 'camera0',
  path: `/x/${name}`,
  bytes: 0,
  modifiedAt: 1,
  reason: because('file_empty'),
})

describe('the quarantine machine', () => {
  /** `found`: the suspects of each search; an error: the search fails. */
  function start(found: (Suspect[] | Error)[], { isMovable = true } = {}) {
    const timers = new SimulatedClock()
    const searches: (readonly CameraId[] | undefined)[] = []
    const moved: string[][] = []
    const facts: QuarantineFact[] = []
    let endMove = () => {}
    const machine = quarantineMachine.provide({
      actors: {
        findSuspects: fromPromise<Suspect[], { cameras?: readonly CameraId[] }>(async ({ input }) => {
          searches.push(input.cameras)
          const next = found.shift() ?? []
          if (next instanceof Error) throw next
          return next
        }),
        moveSuspects: fromCallback(({ input: { suspects }, sendBack }) => {
          if (!isMovable) throw new Error('EIO')
          moved.push(suspects.map(({ name }: Suspect) => name))
          for (const { camera, name, reason } of suspects)
            sendBack({ type: 'file.quarantined', camera, filename: name, reason })
          endMove = () => sendBack({ type: 'move.ended' })
        }),
      },
    })
    const actor = createActor(machine, { clock: timers })
    actor.on('*', (fact) => facts.push(fact))
    actor.start()
    return { actor, timers, searches, moved, facts, endMove: () => endMove() }
  }

  it('looks at all cameras at its start, and moves only what has not changed for the stall limit', async () => {
    const { timers, searches, moved, facts } = start([[suspect('a.mp4')]])
    await turn()
    expect(searches).to.deep.equal([undefined])
    timers.increment(2_999)
    expect(moved).to.deep.equal([])
    timers.increment(1)
    expect(moved).to.deep.equal([['a.mp4']])
    expect(facts).to.deep.equal([
      { type: 'file.quarantined', camera: 'camera0', filename: 'a.mp4', reason: because('file_empty') },
    ])
  })

  it('looks at the cameras whose part was closed, once each', async () => {
    const { actor, searches } = start([])
    await turn()
    actor.send({ type: 'part.closed', camera: 'camera1' })
    actor.send({ type: 'part.closed', camera: 'camera2' })
    actor.send({ type: 'part.closed', camera: 'camera2' })
    await turn()
    await turn()
    expect(searches).to.deep.equal([undefined, ['camera1'], ['camera2']])
  })

  it('looks again at a camera whose part is closed while files are moved', async () => {
    const { actor, timers, searches, endMove } = start([[suspect('a.mp4')]])
    await turn()
    timers.increment(3_000)
    actor.send({ type: 'part.closed', camera: 'camera0' })
    expect(searches).to.deep.equal([undefined])
    endMove()
    await turn()
    expect(searches).to.deep.equal([undefined, ['camera0']])
  })

  it('does not search again at once when files cannot be moved, only after the next part', async () => {
    const { actor, timers, searches } = start([[suspect('a.mp4')], []], { isMovable: false })
    await turn()
    timers.increment(3_000)
    await turn()
    expect(searches).to.deep.equal([undefined])
    actor.send({ type: 'part.closed', camera: 'camera0' })
    await turn()
    expect(searches).to.deep.equal([undefined, ['camera0']])
  })

  it('moves nothing when the folder cannot be read, and goes on', async () => {
    const { actor, timers, searches, moved } = start([new Error('EIO')])
    await turn()
    timers.increment(60_000)
    expect(moved).to.deep.equal([])
    actor.send({ type: 'part.closed', camera: 'camera0' })
    await turn()
    expect(searches).to.have.length(2)
  })
})
