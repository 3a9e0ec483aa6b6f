import { expect } from 'chai'
import { explanationText } from '../../commands/explanationText.js'
import { ServiceError } from '../../machines/domain/errors.js'
import { entryInWords } from '../../machines/domain/explanationWords.js'
import { withFacts } from '../../rpc/explained.js'
import { refusedBy } from '../../rpc/refused.js'
import type { FaultName } from '../faults/faults.js'
import { type SimulatedWorld, simulated } from '../faults/simulated/world.js'
import { explanationOf } from '../faults/situations.js'

const first = ['camera0']

describe('the facts of a refusal', () => {
  let world: SimulatedWorld
  afterEach(() => world.end())
  const open = async (fault?: FaultName, source: 'captured' | 'network' = 'captured') => {
    world = await simulated.open(source, 1)
    if (fault) await world.faults[fault]?.begin(first)
  }
  /** `data` of the error that a client gets. */
  const dataOf = async (request: Promise<unknown>) => {
    const error = await request.then(
      () => expect.fail('it was not refused'),
      (error: unknown) => error,
    )
    if (!(error instanceof ServiceError)) throw error
    const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }
    return withFacts({ explain: world.actors.explain, log }, error, 'camera0', undefined).data
  }

  it('name the failure of a snapshot, and when the camera is asked again', async () => {
    await open('sourceAway', 'network')
    expect((await dataOf(world.snapshot('camera0'))).causes?.[0]).to.equal(
      'the snapshot failed: the camera does not answer',
    )
    await world.pass(5_000)
    const { causes = [], until = '' } = await dataOf(world.snapshot('camera0'))
    expect(causes[0]).to.equal('the camera could not be probed: the camera does not answer')
    const before = world.clock.now()
    expect(Date.parse(until)).to.be.greaterThan(before)
    // The next probe ends shortly after, and sets the next time.
    await world.pass(Date.parse(until) - before + 200)
    expect((await dataOf(world.snapshot('camera0'))).until).not.to.equal(until)
  })

  it('name what made a start fail, not why the camera is available', async () => {
    await open('sourceAway', 'network')
    const { causes = [], since = '' } = await dataOf(world.record('camera0'))
    expect(causes[0]).to.equal('the recording ended: the camera does not answer')
    expect(Date.parse(since)).to.be.closeTo(world.clock.now(), 1_000)
  })

  it('name a limit that was over', async () => {
    await open('cameraHangs')
    const { causes = [] } = await dataOf(world.record('camera0'))
    expect(causes).to.include('the first bytes did not come in time')
    const snapshot = await dataOf(world.snapshot('camera0'))
    expect(snapshot.causes?.[0]).to.match(/^the stream did not start in time/)
  })

  it('name a full disk', async () => {
    await open('diskFull')
    await world.pass(8_000)
    const { causes = [], until = '' } = await dataOf(world.record('camera0'))
    expect(causes[0]).to.equal('the disk was measured: it is full (100 % used, 0 B free)')
    expect(Date.parse(until)).to.be.greaterThan(world.clock.now())
  })

  it('name a request once', async () => {
    await open()
    await world.record('camera0')
    await world.pass(1_000)
    await world.stop('camera0')
    const texts = world.actors.explain.recording('camera0').causes.map(entryInWords)
    expect(texts.filter((text) => text.startsWith('the recording was asked'))).to.deep.equal([
      'the recording was asked to stop (ann, request 2)',
    ])
  })

  it('have no time at which nothing happens', async () => {
    await open()
    await world.record('camera0')
    await world.pass(2_000)
    await world.faults.unplugged?.begin(first)
    await world.pass(2_000)
    for (const request of [world.record('camera0'), world.snapshot('camera0')])
      expect((await dataOf(request)).until).to.equal(undefined)
    expect(world.actors.explain.camera('camera0').timers, 'a camera with a recording stays').to.deep.equal([])
  })

  it('have no time for a stream that waits for its first bytes: it may wait longer for a keyframe', async () => {
    await open()
    await world.record('camera0')
    await world.pass(2_000)
    await world.faults.cameraHangs?.begin(first)
    await world.pass(34_000)
    const names = () => world.actors.explain.recording('camera0').timers.map(({ name }) => name)
    expect(names()).to.deep.equal(['confirmLimit'])
    expect((await dataOf(world.record('camera0'))).until).to.equal(undefined)
  })

  for (const fault of ['unplugged', 'deviceDenied', 'diskFull'] as const)
    it(`have the reason of explain in the status of the camera: ${fault}`, async () => {
      await open(fault)
      await world.pass(4_000)
      const view = world.actors.directory.camera('camera0')
      const reasons = (refused: readonly { method: string; reason: string }[]) =>
        refused.map(({ method, reason }) => [method, reason])
      expect(reasons(refusedBy(view))).to.deep.equal(reasons(world.actors.explain.camera('camera0').refused))
    })
})

describe('the advice of explain on the terminal', () => {
  it('has the id of the camera', async () => {
    const text = explanationText(await explanationOf({ title: '', lead: (world) => world.pass(1_000) }))
    expect(text).to.include('until a recording runs: run camera-service record camera0 first')
  })

  it('names no method that is refused', async () => {
    const lead = async ({ faults, pass }: SimulatedWorld) => {
      await faults.unplugged?.begin(first)
      await pass(1_000)
    }
    const text = explanationText(await explanationOf({ title: '', lead }))
    expect(text)
      .to.match(/until a recording runs$/m)
      .and.not.include('camera-service record')
  })
})
