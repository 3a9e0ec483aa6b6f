import { expect } from 'chai'
import { createActor, fromPromise, SimulatedClock } from 'xstate'
import type { CameraId, Device, Pipeline } from '../../machines/domain/camera.js'
import type { SnapshotFact } from '../../machines/domain/facts.js'
import { because, Failure, type ReasonCode } from '../../machines/domain/reason.js'
import type { SnapshotTier } from '../../machines/domain/views.js'
import { snapshotMachine } from '../../machines/snapshot.js'
import type { Captured, Saved, SnapshotWish } from '../../machines/snapshotContext.js'
import { later, turn } from '../support/later.js'

const pipeline: Pipeline = {
  kind: 'encode',
  mode: { fourcc: 'MJPG', width: 640, height: 480, fps: 30 },
  reason: 'test',
}
const usb: Device = { kind: 'usb', node: '/dev/video0', vendorId: '1d6b', productId: '0102', model: 'Test Cam' }

describe('snapshot', () => {
  it('uses tier 0 for an idle USB camera', async () => {
    const { grabs, facts, grabbed, saved } = snap({ device: usb })
    await grabbed('direct')
    await saved()
    expect(grabs).to.deep.equal(['direct'])
    expect(taken(facts)).to.deep.equal([{ user: 'ann', tier: 0, passedOver: [] }])
  })

  it('tries the tiers in order and reports why they failed', async () => {
    const { facts, failed, grabbed, saved } = snap({ device: usb })
    await failed('direct', new Failure('format_not_offered'))
    await failed('ffmpeg', new Failure('device_gone'))
    await grabbed('stream')
    await saved()
    expect(taken(facts)).to.deep.equal([
      {
        user: 'ann',
        tier: 3,
        passedOver: [
          { tier: 0, reason: because('format_not_offered') },
          { tier: 1, reason: because('device_gone') },
          { tier: 2, reason: because('stream_asleep') },
        ],
      },
    ])
  })

  it('uses the stream at once if the device is busy', async () => {
    const { grabs, facts, failed, grabbed, saved } = snap({ device: usb })
    await failed('direct', new Failure('device_busy'))
    await grabbed('stream')
    await saved()
    expect(grabs).to.deep.equal(['direct', 'stream'])
    expect(taken(facts)[0]?.tier).to.equal(2)
  })

  it('does not use the device of a live stream', async () => {
    const { grabs, facts, grabbed, saved } = snap({ device: usb, live: true })
    await grabbed('stream')
    await saved()
    expect(grabs).to.deep.equal(['stream'])
    expect(skipped(facts)).to.deep.equal([
      [0, 'device_busy'],
      [1, 'device_busy'],
    ])
  })

  it('reports the tiers that a busy virtual camera does not have, or that failed', async () => {
    const { facts, failed, grabbed, saved } = snap({ device: { kind: 'virtual', name: 'demo' } })
    await failed('ffmpeg', new Failure('device_busy'))
    await grabbed('stream')
    await saved()
    expect(skipped(facts)).to.deep.equal([
      [0, 'not_a_usb_camera'],
      [1, 'device_busy'],
    ])
  })

  it('starts the stream of a network camera', async () => {
    const { grabs, facts, grabbed, saved } = snap({ device: { kind: 'rtsp', name: 'yard', url: 'rtsp://10.0.0.1/' } })
    await grabbed('stream')
    await saved()
    expect(grabs).to.deep.equal(['stream'])
    expect(taken(facts)[0]?.tier).to.equal(3)
    expect(skipped(facts)).to.deep.equal([
      [0, 'not_a_usb_camera'],
      [1, 'not_a_local_device'],
      [2, 'stream_asleep'],
    ])
  })

  describe('of a network camera that does not answer', () => {
    const device: Device = { kind: 'rtsp', name: 'yard', url: 'rtsp://10.0.0.1/' }
    const away = (code: ReasonCode = 'unreachable') => {
      const world = { asked: 0, answers: false }
      const ask = async () => {
        world.asked += 1
        if (!world.answers) throw new Failure(code)
      }
      return { world, ...snap({ device, ask }) }
    }

    it('asks it again, and starts the stream when it answers', async () => {
      const { world, clock, grabs, grabbed, saved, facts } = away()
      await turn()
      clock.increment(500)
      await turn()
      expect([world.asked, grabs]).to.deep.equal([2, []])
      world.answers = true
      clock.increment(500)
      await grabbed('stream')
      await saved()
      expect(taken(facts)[0]?.tier).to.equal(3)
    })

    it('fails with the reason if it does not answer in time', async () => {
      const { clock, grabs, facts } = away()
      for (let waited = 0; waited < 20_000; waited += 500) {
        clock.increment(500)
        await turn()
      }
      expect(facts).to.have.length(1)
      expect(facts[0]).to.deep.include({ type: 'snapshot.failed', reason: because('unreachable') })
      expect(grabs).to.deep.equal([])
    })

    it('names the stream, not the camera, if the camera answers and the stream does not start', async () => {
      const { world, clock, facts } = away()
      await turn()
      world.answers = true
      clock.increment(500)
      await turn()
      clock.increment(20_000)
      expect(facts[0]).to.deep.include({ reason: because('not_started_in_time') })
    })

    it('leaves the answer of a camera that refuses to the media server', async () => {
      const { grabs } = away('source_refused')
      await turn()
      expect(grabs).to.deep.equal(['stream'])
    })

    it('asks nobody any more when it is removed', async () => {
      const { world, actor, clock, facts } = away()
      await turn()
      actor.send({ type: 'device.removed', reason: because('unreachable') })
      clock.increment(20_000)
      await turn()
      expect([world.asked, facts.length]).to.deep.equal([1, 1])
    })
  })

  it('serves all requests during a capture with one picture', async () => {
    const { actor, grabs, facts, grabbed, saved } = snap({ device: usb })
    actor.send({ type: 'snapshot.join', wish: wish('bob') })
    await grabbed('direct')
    await saved()
    expect(grabs).to.deep.equal(['direct'])
    expect(taken(facts).map(({ user }) => user)).to.deep.equal(['ann', 'bob'])
  })

  it('captures again for a request with a lower maximum age', async () => {
    const { actor, ages, facts, grabbed, saved } = snap({ device: usb, live: true })
    actor.send({ type: 'snapshot.join', wish: { ...wish('bob'), maxAge: 0 } })
    await grabbed('stream')
    await saved()
    await grabbed('stream')
    await saved()
    expect(ages).to.deep.equal([1_000, 0])
    expect(taken(facts).map(({ user }) => user)).to.deep.equal(['ann', 'bob'])
  })

  it('captures again for requests that arrive during saving', async () => {
    const { actor, grabs, facts, grabbed, saved } = snap({ device: usb })
    await grabbed('direct')
    actor.send({ type: 'snapshot.join', wish: wish('bob') })
    await saved()
    await grabbed('direct')
    await saved()
    expect(grabs).to.deep.equal(['direct', 'direct'])
    expect(taken(facts).map(({ user }) => user)).to.deep.equal(['ann', 'bob'])
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('does not capture again if the camera is unplugged during saving', async () => {
    const { actor, grabs, facts, grabbed, saved } = snap({ device: usb })
    await grabbed('direct')
    actor.send({ type: 'snapshot.join', wish: wish('bob') })
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    await saved()
    expect(grabs).to.deep.equal(['direct'])
    expect(facts.map(({ type, by }) => [type, by.user])).to.deep.equal([
      ['snapshot.failed', 'bob'],
      ['snapshot.taken', 'ann'],
    ])
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('fails the requests that arrived during saving if the service stops', async () => {
    const { actor, grabs, facts, grabbed, saved } = snap({ device: usb })
    await grabbed('direct')
    actor.send({ type: 'snapshot.join', wish: wish('bob') })
    actor.send({ type: 'service.stopping' })
    await saved()
    expect(grabs).to.deep.equal(['direct'])
    expect(facts[0]).to.deep.include({ type: 'snapshot.failed', reason: because('service_stopping') })
    expect(taken(facts).map(({ user }) => user)).to.deep.equal(['ann'])
  })

  it('emits still.taken, not snapshot.taken, for a still', async () => {
    const { actor, facts, answers, grabbed, saved } = snap({ device: usb })
    actor.send({ type: 'snapshot.join', wish: looking('bob') })
    await grabbed('direct')
    await saved()
    expect(taken(facts).map(({ user }) => user)).to.deep.equal(['ann'])
    expect(answers.map(({ type, by }) => [type, by.user])).to.deep.equal([['still.taken', 'bob']])
  })

  it('emits still.failed with the reason for a still', async () => {
    const { actor, facts, answers } = snap({ device: usb })
    actor.send({ type: 'snapshot.join', wish: looking('bob') })
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(facts.map(({ type }) => type)).to.deep.equal(['snapshot.failed'])
    expect(
      answers.map((answer) => answer.type === 'still.failed' && [answer.by.user, answer.reason.code]),
    ).to.deep.equal([['bob', 'unplugged']])
  })

  it('limits the time of each tier', async () => {
    const { clock, facts, grabs } = snap({ device: usb })
    clock.increment(3_000)
    expect(grabs).to.deep.equal(['direct', 'ffmpeg'])
    clock.increment(6_000)
    expect(grabs).to.deep.equal(['direct', 'ffmpeg', 'stream'])
    clock.increment(20_000)
    expect(grabs).to.have.length(3)
    const [fact] = facts
    expect(fact?.type === 'snapshot.failed' && fact.passedOver.at(-1)).to.deep.equal({
      ...{ tier: 3, reason: because('timed_out') },
    })
  })

  describe('while the media server is away', () => {
    const yard: Device = { kind: 'rtsp', name: 'yard', url: 'rtsp://10.0.0.1/' }
    const gone = () => new Failure('server_unreachable')

    it('waits for it as long as for a stream that starts', async () => {
      const { clock, facts, grabs, failed, grabbed, saved } = snap({ device: yard })
      await failed('stream', gone())
      for (let n = 0; n < 30; n += 1) {
        clock.increment(500)
        await failed('stream', n < 29 ? gone() : new Failure('stream_not_found'))
      }
      expect(facts).to.deep.equal([])
      clock.increment(500)
      await grabbed('stream')
      await saved()
      expect(taken(facts)[0]?.tier).to.equal(3)
      expect(grabs).to.have.length(32)
    })

    it('fails with the reason when its patience is over', async () => {
      const { clock, facts, failed } = snap({ device: yard })
      await failed('stream', gone())
      clock.increment(19_999)
      expect(facts).to.deep.equal([])
      clock.increment(1)
      expect(facts).to.have.length(1)
      expect(facts[0]).to.deep.include({ type: 'snapshot.failed', reason: because('server_unreachable') })
    })

    for (const code of ['server_closed', 'server_restarted', 'server_ended', 'server_hung', 'breaker_open'] as const)
      it(`tries again after ${code}`, async () => {
        const { clock, facts, failed, grabbed, saved } = snap({ device: yard })
        await failed('stream', new Failure(code))
        clock.increment(500)
        await grabbed('stream')
        await saved()
        expect(taken(facts)[0]?.tier).to.equal(3)
      })

    it('takes the picture from the device that is freed while a picture of the stream is waited for', async () => {
      const { clock, facts, grabs, failed, grabbed, saved } = snap({ device: usb, live: true })
      clock.increment(5_000)
      await failed('stream', new Failure('server_closed'))
      clock.increment(1_000)
      await grabbed('direct')
      await saved()
      expect(grabs).to.deep.equal(['stream', 'stream', 'direct'])
      expect(skipped(facts)).to.deep.equal([
        [2, 'timed_out'],
        [3, 'server_closed'],
      ])
    })

    it('takes the picture from the device that the lost stream has freed', async () => {
      const { clock, facts, grabs, failed, grabbed, saved } = snap({ device: usb, live: true })
      await failed('stream', new Failure('server_closed'))
      clock.increment(1_000)
      await grabbed('direct')
      await saved()
      expect(grabs).to.deep.equal(['stream', 'direct'])
      expect(taken(facts)).to.deep.equal([
        { user: 'ann', tier: 0, passedOver: [{ tier: 2, reason: because('server_closed') }] },
      ])
    })

    it('takes the picture of a virtual camera with ffmpeg, and waits if the device stays busy', async () => {
      const { clock, grabs, failed, grabbed } = snap({ device: { kind: 'virtual', name: 'demo' }, live: true })
      await failed('stream', gone())
      clock.increment(1_000)
      await failed('ffmpeg', new Failure('device_busy'))
      await failed('stream', gone())
      await failed('stream', gone())
      clock.increment(500)
      await grabbed('stream')
      expect(grabs).to.deep.equal(['stream', 'ffmpeg', 'stream', 'stream', 'stream'])
    })

    it('still fails at once for a stream that does not exist', async () => {
      const { facts, failed } = snap({ device: yard })
      await failed('stream', new Failure('stream_not_found'))
      expect(facts).to.have.length(1)
    })
  })

  it('emits a failure for each request when the camera is unplugged', async () => {
    const { actor, facts } = snap({ device: usb })
    actor.send({ type: 'snapshot.join', wish: wish('bob') })
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(facts.map((fact) => fact.type === 'snapshot.failed' && [fact.by.user, fact.reason.code])).to.deep.equal([
      ['ann', 'unplugged'],
      ['bob', 'unplugged'],
    ])
  })

  it('fails only the request whose picture cannot be saved', async () => {
    const { actor, facts, grabbed, saved } = snap({ device: usb })
    actor.send({ type: 'snapshot.join', wish: wish('bob') })
    await grabbed('direct')
    await saved(['bob'])
    expect(facts.map((fact) => fact.type)).to.deep.equal(['snapshot.taken', 'snapshot.failed'])
    expect(facts[1]).to.deep.include({ reason: because('name_taken') })
  })
})

const none: Captured = { file: '', capturedAt: 0, tier: 0 }

const wish = (user: string): SnapshotWish => ({
  by: { user, request: user, session: 's' },
  options: { format: 'jpg', quality: 90 },
  maxAge: 1_000,
})

const looking = (user: string): SnapshotWish => ({
  ...wish(user),
  options: { format: 'jpg', quality: 90, fleeting: true },
})

const taken = (facts: SnapshotFact[]) =>
  facts.flatMap((fact) =>
    fact.type === 'snapshot.taken' ? [{ user: fact.by.user, tier: fact.tier, passedOver: fact.passedOver }] : [],
  )

/** The tiers that the first picture passed over, with the codes of the reasons. */
const skipped = (facts: SnapshotFact[]) => taken(facts)[0]?.passedOver.map(({ tier, reason }) => [tier, reason.code])

interface Snap {
  device: Device
  live?: boolean
  /** Whether the network camera answers. */
  ask?: () => Promise<void>
}

/** A capture of camera0 for ann, with tiers that the test controls. */
function snap({ device, live = false, ask = async () => {} }: Snap) {
  const clock = new SimulatedClock()
  const grabs: string[] = []
  const ages: number[] = []
  const facts: SnapshotFact[] = []
  const answers: SnapshotFact[] = []
  let now: SnapshotTier = 0
  let grab = later<Captured>()
  let saving = { wishes: [] as SnapshotWish[], done: later<{ captured: Captured; saved: Saved[] }>(), captured: none }
  const way = (name: string, tier?: SnapshotTier) =>
    fromPromise<Captured, { maxAge?: number; tier?: SnapshotTier }>(({ input }) => {
      grabs.push(name)
      if (input.maxAge !== undefined) ages.push(input.maxAge)
      now = tier ?? input.tier ?? 0
      grab = later<Captured>()
      return grab.promise
    })
  const actor = createActor(
    snapshotMachine.provide({
      actors: {
        grabDirect: way('direct', 0) as never,
        grabByFfmpeg: way('ffmpeg', 1) as never,
        askSource: fromPromise<void, { camera: CameraId }>(ask),
        grabFromStream: way('stream') as never,
        savePictures: fromPromise<
          { captured: Captured; saved: Saved[] },
          { wishes: SnapshotWish[]; captured: Captured }
        >(({ input }) => {
          saving = { ...input, done: later() }
          return saving.done.promise
        }) as never,
      },
    }),
    { input: { camera: 'camera0', device, pipeline, live, wish: wish('ann') }, clock },
  )
  for (const type of ['snapshot.taken', 'snapshot.failed'] as const) actor.on(type, (fact) => facts.push(fact))
  for (const type of ['still.taken', 'still.failed'] as const) actor.on(type, (answer) => answers.push(answer))
  actor.start()
  return {
    actor,
    clock,
    grabs,
    ages,
    facts,
    answers,
    grabbed: async (name: string) => {
      // A network camera is asked first.
      await turn()
      expect(grabs.at(-1)).to.equal(name)
      grab.resolve({ file: '/run/one.jpg', capturedAt: 5, tier: now })
      return turn()
    },
    failed: async (name: string, reason: Error) => {
      await turn()
      expect(grabs.at(-1)).to.equal(name)
      grab.reject(reason)
      return turn()
    },
    saved: (refused: string[] = []) => {
      const picture = { filename: 'one.jpg', file: '/s/one.jpg', bytes: 9, width: 640, height: 480 }
      const saved = saving.wishes.map((one) =>
        refused.includes(one.by.user)
          ? { wish: one, reason: because('name_taken') }
          : { wish: one, picture, finishedAt: 6 },
      )
      saving.done.resolve({ captured: saving.captured, saved })
      return turn()
    },
  }
}
