import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { type Ask, createAsk } from '../../actors/ask.js'
import type { FleetActor } from '../../actors/directory.js'
import { cameraMachine } from '../../machines/camera.js'
import type { Device, Identity, Probe } from '../../machines/domain/camera.js'
import type { ServiceError } from '../../machines/domain/errors.js'
import type { SnapshotFact } from '../../machines/domain/facts.js'
import type { Picture } from '../../machines/domain/ports.js'
import { type Saved, type SnapshotWish, snapshotMachine } from '../../machines/snapshot.js'
import { later, turn } from '../support/later.js'

const identity: Identity = { key: 'serial:1d6b:0102:SN1', basis: 'serial', confidence: 'high', ambiguous: false }
const device: Device = {
  kind: 'usb',
  node: '/dev/video0',
  vendorId: '1d6b',
  productId: '0102',
  serial: 'SN1',
  model: 'Test Cam',
}
const probe: Probe = {
  capabilities: { formats: [] },
  pipeline: { kind: 'encode', mode: { fourcc: 'MJPG', width: 640, height: 480, fps: 30 }, reason: 'test' },
}
const wish = (user: string) => ({ quality: 90, maxAge: 0, by: { user, request: user, session: '' } })

describe('a picture to look at', () => {
  it('is the answer to its caller, and the only one', async () => {
    const { ask, saving, saved, grabbed } = await online()
    const [ann, bob] = [ask.takeStill('camera0', wish('ann')), ask.takeStill('camera0', { ...wish('bob'), width: 64 })]
    await grabbed()
    expect(saving().map(({ options }) => options)).to.deep.equal([
      { quality: 90, format: 'jpg', fleeting: true },
      { quality: 90, width: 64, format: 'jpg', fleeting: true },
    ])
    await saved()
    expect([(await ann).file, (await bob).file]).to.deep.equal(['/run/ann.jpg', '/run/bob.jpg'])
    expect(await ann).to.deep.include({ bytes: 9, tier: 0, capturedAt: 5 })
  })

  it('is refused by a camera that cannot', async () => {
    const { ask, actor } = await online()
    actor.send({ type: 'device.removed', reason: 'unplugged' })
    const error = await refusalOf(ask.takeStill('camera0', wish('ann')))
    expect([error.key, error.data.state]).to.deep.equal(['invalidState', 'unplugged'])
    expect((await refusalOf(ask.takeStill('camera7', wish('ann')))).key).to.equal('notFound')
  })

  it('fails with the camera that is pulled meanwhile', async () => {
    const { ask, actor } = await online()
    const refusal = refusalOf(ask.takeStill('camera0', wish('ann')))
    actor.send({ type: 'device.removed', reason: 'unplugged' })
    expect((await refusal).data).to.deep.include({ dependency: 'camera', detail: 'unplugged' })
  })

  it('is waited for no longer than there is somebody to take it', async () => {
    const { ask, actor } = await online()
    const refusal = refusalOf(ask.takeStill('camera0', wish('ann')))
    actor.stop()
    expect((await refusal).data).to.deep.include({ dependency: 'camera', detail: 'the capture was ended' })
  })
})

describe('a snapshot', () => {
  const reason = 'a snapshot named yard exists already'
  const fact: SnapshotFact = { type: 'snapshot.failed', camera: 'camera0', by: wish('ann').by, reason, passedOver: [] }
  const outcome = async (told: SnapshotFact) => {
    const { ask } = await online(told)
    return refusalOf(ask.takeSnapshot('camera0', { ...wish('ann'), format: 'jpg', filename: 'yard' }))
  }

  it('whose name is taken is a wrong wish; a camera that says the same is not', async () => {
    expect((await outcome({ ...fact, nameTaken: true })).data).to.deep.include({ param: 'filename', rule: reason })
    expect((await outcome(fact)).data).to.deep.include({ dependency: 'camera', detail: reason })
  })
})

describe('a refused call', () => {
  const by = wish('ann').by
  const calls: [string, (ask: Ask) => Promise<unknown>][] = [
    ['stop_recording', (ask) => ask.stopRecording('camera0', by)],
    ['start_recording', (ask) => ask.startRecording('camera0', { format: 'fmp4', by })],
    ['take_snapshot', (ask) => ask.takeSnapshot('camera0', { ...wish('ann'), format: 'jpg' })],
  ]
  for (const [method, call] of calls) {
    it(`leaves nobody listening to facts: ${method}`, async () => {
      const heard: boolean[] = []
      const { ask, actor, listeners } = await online(undefined, (count) => heard.push(count > 0))
      actor.send({ type: 'device.removed', reason: 'unplugged' })
      expect((await refusalOf(call(ask))).key).to.equal('invalidState')
      expect([heard, listeners()]).to.deep.equal([[true], 0])
    })
  }
})

const refusalOf = (promise: Promise<unknown>): Promise<ServiceError> =>
  promise.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: ServiceError) => error,
  )

/** camera0, plugged in and probed; its captures wait for the test. `fact`: what is told of a snapshot. Without, nothing is ever told. */
async function online(fact?: SnapshotFact, listened: (count: number) => void = () => {}) {
  const listeners = new Set<AbortSignal>()
  const idle = () => fromCallback<never, never>(() => {}) as never
  const grab = later<Picture>()
  const done = later<Saved[]>()
  let wishes: SnapshotWish[] = []
  const snapshot = snapshotMachine.provide({
    actors: {
      grabDirect: fromPromise<Picture>(() => grab.promise) as never,
      savePictures: fromPromise<Saved[], { wishes: SnapshotWish[] }>(({ input }) => {
        wishes = input.wishes
        return done.promise
      }) as never,
    },
  })
  const actor = createActor(
    cameraMachine.provide({
      actors: {
        snapshot,
        probeDevice: fromPromise<Probe & { at: number }>(async () => ({ ...probe, at: 100 })) as never,
        publishPath: idle(),
        watchPipeline: idle(),
        watchSource: idle(),
        waitUntil: fromPromise<{ at: number }>(() => new Promise(() => {})) as never,
      },
    }),
    {
      clock: new SimulatedClock(),
      systemId: 'camera:camera0',
      input: { id: 'camera0', name: 'Test Cam', identity, settings: {}, device },
    },
  )
  actor.start()
  await turn()
  const ask = createAsk({
    fleet: { system: actor.system } as unknown as FleetActor,
    facts: {
      publish: () => {},
      subscribe: () => () => {},
      next: (_isIt, signal) => {
        if (fact) return Promise.resolve(fact as never)
        listeners.add(signal)
        listened(listeners.size)
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            listeners.delete(signal)
            reject(signal.reason)
          })
        })
      },
    },
    directory: { link: () => ({ state: 'up', cause: { state: 'up', since: 0 } }) } as never,
    pipelines: {} as never,
    clock: { now: () => 0 },
    startLimit: 1_000,
    autoCloseAfter: 0,
    simulation: false,
  })
  return {
    actor,
    ask,
    listeners: () => listeners.size,
    saving: () => wishes,
    grabbed: () => {
      grab.resolve({ file: '/run/one.jpg', capturedAt: 5 })
      return turn()
    },
    saved: () => {
      const picture = (user: string) => ({
        filename: 'x.jpg',
        file: `/run/${user}.jpg`,
        bytes: 9,
        width: 640,
        height: 480,
      })
      done.resolve(wishes.map((one) => ({ wish: one, picture: picture(one.by.user), finishedAt: 6 })))
      return turn()
    },
  }
}
