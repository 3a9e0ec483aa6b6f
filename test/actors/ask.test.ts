import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { createAsk } from '../../actors/ask.js'
import type { FleetActor } from '../../actors/directory.js'
import { createFacts } from '../../actors/facts.js'
import { createObserver } from '../../actors/observer.js'
import { cameraMachine } from '../../machines/camera.js'
import { demandMachine } from '../../machines/demand.js'
import type { Device, Identity, Probe } from '../../machines/domain/camera.js'
import type { ServiceError } from '../../machines/domain/errors.js'
import { because, Failure, type Reason } from '../../machines/domain/reason.js'
import type { Obstacles } from '../../machines/domain/views.js'
import { recordingMachine } from '../../machines/recording.js'
import { snapshotMachine } from '../../machines/snapshot.js'
import type { Captured, Saved, SnapshotWish } from '../../machines/snapshotContext.js'
import { streamHoldMachine } from '../../machines/streamHold.js'
import { crash, crashing } from '../support/crash.js'
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
const by = wish('ann').by

describe('a request for a still', () => {
  it('returns the picture to its own caller', async () => {
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

  it('is refused if the camera is unplugged', async () => {
    const { ask, actor } = await online()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    const error = await refusalOf(ask.takeStill('camera0', wish('ann')))
    expect([error.key, error.data.state]).to.deep.equal(['invalidState', 'unplugged'])
    expect((await refusalOf(ask.takeStill('camera7', wish('ann')))).key).to.equal('notFound')
  })

  it('fails if the camera is unplugged during the request', async () => {
    const { ask, actor } = await online()
    const refusal = refusalOf(ask.takeStill('camera0', wish('ann')))
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect((await refusal).data).to.deep.include({ dependency: 'camera', detail: 'the camera was unplugged' })
  })

  it('fails at once if the camera crashes or is removed', async () => {
    for (const end of ['crash', 'removal'] as const) {
      const { ask, actor } = await online()
      const refusal = refusalOf(ask.takeStill('camera0', wish('ann')))
      actor.send(end === 'crash' ? crash : ({ type: 'camera.remove', by } as const))
      expect((await refusal).data).to.deep.include({ dependency: 'camera' })
    }
  })
})

describe('a request for a snapshot', () => {
  const outcome = async (reason: Reason) => {
    const { ask, grabbed, saved } = await online()
    const refusal = refusalOf(ask.takeSnapshot('camera0', { ...wish('ann'), format: 'jpg', filename: 'yard' }))
    await grabbed()
    await saved(reason)
    return (await refusal).data
  }

  it('is invalid if its name is taken, but not if the camera fails with the same sentence', async () => {
    const details = 'a snapshot named yard exists already'
    const rule = `must be free: ${details}`
    expect(await outcome(because('name_taken', details))).to.deep.include({ param: 'filename', rule })
    expect(await outcome(because('no_picture', details))).to.deep.include({ dependency: 'camera', detail: details })
  })

  it('fails with the reason of each tier', async () => {
    const { ask, grabFails } = await online()
    const refusal = refusalOf(ask.takeSnapshot('camera0', { ...wish('ann'), format: 'jpg' }))
    await grabFails(new Failure('device_error'))
    expect((await refusal).data.detail).to.match(/tier 0: the device reports errors; tier 1: /)
  })
})

describe('a request to record', () => {
  it('is refused, without a fact, while the disk is full or the media server is down', async () => {
    for (const [obstacles, dependency] of [
      [{ storage: because('storage_full', 'the disk is 93 % full, the limit is 90 %') }, 'storage'],
      [{ server: because('server_unreachable', 'the media server does not answer') }, 'mediamtx'],
      [{ server: because('breaker_open') }, 'mediamtx'],
    ] as const) {
      const { ask, facts } = await online({ obstacles })
      const { key, data } = await refusalOf(ask.startRecording('camera0', { format: 'fmp4', by }))
      expect([key, data.dependency]).to.deep.equal(['dependencyFailed', dependency])
      expect(data.detail).to.equal(Object.values(obstacles)[0]?.details)
      expect(facts.filter((type) => type.startsWith('recording.'))).to.deep.equal([])
    }
  })

  it('fails with the name of the dependency if the recording does not start', async () => {
    const { ask } = await online({ opening: new Failure('server_refused', 'the media server refused the request: no') })
    const { key, data } = await refusalOf(ask.startRecording('camera0', { format: 'fmp4', by }))
    expect([key, data.dependency, data.detail]).to.deep.equal([
      'dependencyFailed',
      'mediamtx',
      'the recording did not start: the media server refused the request: no',
    ])
  })

  it('is refused while a recording runs, with the state and the allowed methods', async () => {
    const { ask } = await online()
    ask.startRecording('camera0', { format: 'fmp4', by }).catch(() => {})
    const { key, data } = await refusalOf(ask.startRecording('camera0', { format: 'fmp4', by: wish('bob').by }))
    expect(key).to.equal('invalidState')
    expect(data).to.deep.include({
      state: 'starting',
      allowed_states: ['not recording'],
      allowed_methods: ['take_snapshot', 'stop_recording', 'start_streaming'],
    })
  })
})

describe('a request to hold the stream', () => {
  it('is refused while the media server is down', async () => {
    const { ask } = await online({ obstacles: { server: because('server_unreachable') } })
    const { key, data } = await refusalOf(ask.holdStream('camera0', 'ann', by))
    expect([key, data.dependency]).to.deep.equal(['dependencyFailed', 'mediamtx'])
  })

  it('is refused with the same reason while a recording waits for the media server', async () => {
    const { ask, actor } = await online()
    ask.startRecording('camera0', { format: 'fmp4', by }).catch(() => {})
    actor.send({ type: 'server.lost', reason: because('server_unreachable') })
    const { data } = await refusalOf(ask.holdStream('camera0', 'ann', by))
    expect(data).to.include({ reason: 'server_unreachable', dependency: 'mediamtx' })
  })

  it('resolves when the stream is live; the hold ends with its release', async () => {
    const { ask, held } = await online()
    const holding = ask.holdStream('camera0', 'ann', by)
    held()
    expect(await holding).to.deep.equal({ camera: 'camera0', since: 7, continues: true })
    expect(await ask.releaseStream('camera0', 'ann')).to.deep.equal({ camera: 'camera0', since: 7, continues: false })
    const { key, data } = await refusalOf(ask.releaseStream('camera0', 'ann'))
    expect([key, data.details]).to.deep.equal([
      'notFound',
      'this session does not hold the stream of camera0: no session does',
    ])
  })

  it('is released only by the session that holds it: others learn that another session does', async () => {
    const { ask, held } = await online()
    const holding = ask.holdStream('camera0', 'ann', by)
    held()
    await holding
    const { key, message, data } = await refusalOf(ask.releaseStream('camera0', 'bob'))
    expect([key, message, data.details]).to.deep.equal([
      'notFound',
      'Stream not found',
      'this session does not hold the stream of camera0: another session does',
    ])
  })

  it('fails if the camera is unplugged before its stream is live', async () => {
    const { ask, actor } = await online()
    const holding = refusalOf(ask.holdStream('camera0', 'ann', by))
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect((await holding).data).to.deep.include({
      dependency: 'camera',
      detail: 'the stream did not start: the camera was unplugged',
    })
    expect((await refusalOf(ask.releaseStream('camera0', 'ann'))).key).to.equal('invalidState')
  })

  it('is refused if the hold is released first', async () => {
    const { ask, actor } = await online()
    const holding = refusalOf(ask.holdStream('camera0', 'ann', by))
    actor.send({ type: 'stream.release', holder: 'ann' })
    expect((await holding).data).to.deep.include({ state: 'released' })
  })
})

describe('a request to stop a recording', () => {
  it('is refused without a recording, also while the camera is away: nothing is being recorded', async () => {
    const { ask, actor } = await online()
    const refused = {
      reason: 'invalid_state',
      state: 'not recording',
      allowed_states: ['starting', 'recording', 'interrupted'],
      details: 'camera0 is not being recorded',
    }
    expect((await refusalOf(ask.stopRecording('camera0', by))).data).to.deep.include(refused)
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect((await refusalOf(ask.stopRecording('camera0', by))).data).to.deep.include({
      ...refused,
      allowed_methods: [],
    })
  })
})

describe('a request to stop a recording that has no file yet', () => {
  it('stops it, and says that there is no file, instead of an empty name', async () => {
    const { ask, facts } = await online()
    const start = refusalOf(ask.startRecording('camera0', { format: 'fmp4', by }))
    const stop = refusalOf(ask.stopRecording('camera0', by))
    const over = { state: 'stopped', allowed_methods: ['take_snapshot', 'start_recording', 'start_streaming'] }
    expect((await start).data).to.deep.include({
      ...over,
      details: 'the recording of camera0 ended before it started: another request stopped it',
    })
    expect((await stop).data).to.deep.include({
      ...over,
      reason: 'no_data',
      allowed_states: ['starting', 'recording', 'interrupted'],
      details: 'the recording of camera0 was stopped before it wrote a file: there is nothing to return',
    })
    expect(facts).to.include('recording.ended')
  })
})

describe('a refused call', () => {
  const calls: [string, (ask: ReturnType<typeof createAsk>) => Promise<unknown>][] = [
    ['stop_recording', (ask) => ask.stopRecording('camera0', by)],
    ['start_recording', (ask) => ask.startRecording('camera0', { format: 'fmp4', by })],
    ['take_snapshot', (ask) => ask.takeSnapshot('camera0', { ...wish('ann'), format: 'jpg' })],
  ]
  for (const [method, call] of calls) {
    it(`leaves no listener for facts: ${method}`, async () => {
      const { ask, actor, listeners } = await online()
      actor.send({ type: 'device.removed', reason: because('unplugged') })
      const before = listeners()
      expect((await refusalOf(call(ask))).key).to.equal('invalidState')
      expect(listeners()).to.equal(before)
    })
  }
})

const refusalOf = (promise: Promise<unknown>): Promise<ServiceError> =>
  promise.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: ServiceError) => error,
  )

/** camera0, plugged in and probed. The test controls its captures and streams. */
async function online({ obstacles = {}, opening }: { obstacles?: Obstacles; opening?: Error } = {}) {
  const quiet = () => {}
  const log = { error: quiet, warn: quiet, info: quiet, debug: quiet }
  const clock = { now: () => 7, monotonic: () => 1 }
  const bus = createFacts({ clock, log })
  const facts: string[] = []
  bus.subscribe(({ type }) => facts.push(type))
  let listening = 0
  const never = () => fromPromise(() => new Promise(() => {})) as never
  const idle = () => fromCallback(() => {}) as never
  const grab = later<Captured>()
  const done = later<{ captured: Captured; saved: Saved[] }>()
  let saving: { wishes: SnapshotWish[]; captured: Captured } | undefined
  let hold = (_: { type: 'stream.held' }) => {}
  const streamHold = streamHoldMachine.provide({
    actors: {
      openStream: fromCallback(({ sendBack }) => {
        hold = sendBack
      }) as never,
    },
  })
  const failing = fromPromise(async () => Promise.reject(new Failure('device_error'))) as never
  const camera = crashing(cameraMachine).provide({
    actors: {
      snapshot: snapshotMachine.provide({
        actors: {
          grabDirect: fromPromise<Captured>(() => grab.promise) as never,
          grabByFfmpeg: failing,
          grabFromStream: failing,
          savePictures: fromPromise<unknown, { wishes: SnapshotWish[]; captured: Captured }>(({ input }) => {
            saving = input
            return done.promise
          }) as never,
        },
      }),
      recording: recordingMachine.provide({
        actors: {
          streamHold,
          openCapture: fromPromise(() => (opening ? Promise.reject(opening) : new Promise(() => {}))) as never,
          closeCapture: fromPromise(async () => ({ files: [], endedAt: 9 })) as never,
        },
      }),
      demand: demandMachine.provide({ actors: { streamHold, waitUntil: never() } }),
      recallIntent: fromPromise(async () => undefined) as never,
      probeDevice: fromPromise(async () => ({ ...probe, at: 100 })) as never,
      publishPath: idle(),
    },
  })
  const actor = createActor(camera, {
    clock: new SimulatedClock(),
    systemId: 'camera:camera0',
    input: { id: 'camera0', name: 'Test Cam', identity, settings: {}, device, obstacles },
    inspect: createObserver({ facts: bus, clock, log }).inspect,
  })
  actor.subscribe({ error: quiet })
  actor.start()
  await turn()
  const ask = createAsk({
    fleet: { system: actor.system } as unknown as FleetActor,
    facts: {
      ...bus,
      async next(isIt, signal) {
        listening += 1
        return await bus.next(isIt, signal).finally(() => {
          listening -= 1
        })
      },
    },
    directory: {} as never,
    clock,
    startLimit: 1_000,
    autoCloseAfter: 0,
  })
  return {
    actor,
    ask,
    facts,
    listeners: () => listening,
    held: () => hold({ type: 'stream.held' }),
    saving: () => saving?.wishes ?? [],
    grabbed: () => {
      grab.resolve({ file: '/run/one.jpg', capturedAt: 5, tier: 0 })
      return turn()
    },
    grabFails: (error: Error) => {
      grab.reject(error)
      return turn()
    },
    saved: (reason?: Reason) => {
      const { wishes, captured } = saving ?? { wishes: [], captured: { file: '', capturedAt: 0, tier: 0 as const } }
      const picture = (user: string) => ({
        filename: 'x.jpg',
        file: `/run/${user}.jpg`,
        bytes: 9,
        width: 640,
        height: 480,
      })
      const saved = wishes.map(
        (one): Saved => (reason ? { wish: one, reason } : { wish: one, picture: picture(one.by.user), finishedAt: 6 }),
      )
      done.resolve({ captured, saved })
      return turn()
    },
  }
}
