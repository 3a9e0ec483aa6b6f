import { expect } from 'chai'
import { fromPromise, SimulatedClock } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import type { Drift } from '../../machines/domain/drift.js'
import type { PathFact } from '../../machines/domain/facts.js'
import type { Reason } from '../../machines/domain/reason.js'
import { pathWatchMachine } from '../../machines/pathWatch.js'
import { turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

const drift = (differs: string[], changes: Partial<Drift> = {}): Drift => ({
  camera: 'camera0',
  differs,
  inUse: false,
  ...changes,
})

describe('the watch over the paths of the media server', () => {
  function start({ isContested = false } = {}) {
    const clock = new SimulatedClock()
    let drifts: Drift[] = []
    let failure: string | undefined
    const repairs: string[] = []
    const { facts, heard } = withParent(
      pathWatchMachine.provide({
        actors: {
          findDrift: fromPromise(async () => ({ at: clock.now(), drifts })),
          repairPaths: fromPromise<void, { cameras: CameraId[] }>(async ({ input }) => {
            repairs.push(`${input.cameras.join()} at ${clock.now() / 1000}`)
            if (failure !== undefined) throw new Error(failure)
          }),
        },
      }),
      { clock, input: { isContested } },
    )
    return {
      facts: facts as PathFact[],
      heard: heard as { type: string; reason?: Reason }[],
      repairs,
      details: () => (facts as PathFact[]).map(({ reason }) => reason.details),
      /** Lets so many comparisons find these. */
      async finds(found: Drift[], times = 1) {
        drifts = found
        for (let n = 0; n < times; n += 1) {
          clock.increment(5_000)
          await turn()
          await turn()
        }
      },
      fail: (why: string | undefined) => {
        failure = why
      },
    }
  }

  it('repairs a changed and a missing path once, with one fact each that says what differed', async () => {
    const { repairs, finds, details, heard } = start()
    await finds([])
    await finds([drift(['record', 'source']), drift([], { camera: 'camera1' })])
    await finds([], 3)
    expect(repairs).to.deep.equal(['camera0,camera1 at 10'])
    expect(details()).to.deep.equal([
      'another program changed a path of this service in the media server (camera0: record, source): it was set again',
      'another program changed a path of this service in the media server (camera1: the path is missing): ' +
        'it was set again',
    ])
    expect(heard).to.deep.equal([])
  })

  it('does not fight for a path that drifts again within a minute', async () => {
    const { repairs, finds, facts, heard } = start()
    await finds([drift(['record'])])
    await finds([drift(['record'])], 3)
    expect(repairs).to.deep.equal(['camera0 at 5'])
    expect(facts).to.have.length(1)
    expect(heard.map(({ type }) => type)).to.deep.equal(['paths.contested'])
    expect(heard[0]?.reason?.code).to.equal('path_changed')
    expect(heard[0]?.reason?.details).to.match(/keeps changing paths .*camera0: record.*: stop that program/)
    await finds([])
    expect(heard.at(-1)).to.deep.equal({ type: 'paths.agreed' })
  })

  it('tells its first finding if the watch before it crashed while paths were contested', async () => {
    const agreed = start({ isContested: true })
    await agreed.finds([], 2)
    expect(agreed.heard).to.deep.equal([{ type: 'paths.agreed' }])
    const contested = start({ isContested: true })
    await contested.finds([drift(['record'])], 3)
    expect(contested.heard.map(({ type }) => type)).to.deep.equal(['paths.agreed', 'paths.contested'])
  })

  it('repairs a contested path again after ten minutes, and tells that it is as wanted', async () => {
    const { repairs, finds, heard, facts } = start()
    await finds([drift(['record'])], 121)
    expect(repairs).to.deep.equal(['camera0 at 5', 'camera0 at 605'])
    expect(heard).to.have.length(1)
    await finds([])
    expect(heard.at(-1)).to.deep.equal({ type: 'paths.agreed' })
    expect(facts).to.have.length(1)
  })

  it('remembers the repair of each path', async () => {
    const { repairs, finds, heard } = start()
    await finds([drift(['record'])])
    await finds([drift(['record'], { camera: 'camera1' })])
    await finds([drift(['record'])])
    expect(repairs).to.deep.equal(['camera0 at 5', 'camera1 at 10'])
    expect(heard.map(({ type }) => type)).to.deep.equal(['paths.contested'])
  })

  it('repairs a path that drifts again later', async () => {
    const { repairs, finds, heard } = start()
    await finds([drift(['record'])])
    await finds([], 12)
    await finds([drift(['record'])])
    expect(repairs).to.deep.equal(['camera0 at 5', 'camera0 at 70'])
    expect(heard).to.deep.equal([])
  })

  it('leaves a path in use if only a time limit differs, until nobody uses it, and says so once', async () => {
    const { repairs, finds, details } = start()
    const differs = [
      ...['runOnDemandStartTimeout', 'runOnDemandCloseAfter'],
      ...['sourceOnDemandStartTimeout', 'sourceOnDemandCloseAfter'],
    ]
    await finds([drift(differs, { inUse: true })], 3)
    expect(repairs).to.deep.equal([])
    expect(details()).to.have.length(1)
    expect(details()[0]).to.match(/camera0: .*runOnDemandCloseAfter.*when nobody uses the stream/)
    await finds([drift(differs)])
    expect(repairs).to.deep.equal(['camera0 at 20'])
    const used = start()
    await used.finds([
      drift(['source', 'runOnDemandCloseAfter'], { inUse: true }),
      drift([], { camera: 'camera1', inUse: true }),
    ])
    expect(used.repairs).to.deep.equal(['camera0,camera1 at 5'])
  })

  it('tries again if the server did not take the repair', async () => {
    const { repairs, finds, facts, heard, fail } = start()
    fail('no answer')
    await finds([drift(['record'])])
    fail(undefined)
    await finds([drift(['record'])])
    expect(repairs).to.have.length(2)
    expect(facts).to.have.length(1)
    expect(heard).to.deep.equal([])
  })
})
