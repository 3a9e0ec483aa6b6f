import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { cameraMachine } from '../../machines/camera.js'
import { cameraView } from '../../machines/cameraView.js'
import type { Device, Identity, Probe } from '../../machines/domain/camera.js'
import type { Fact } from '../../machines/domain/facts.js'
import { recordingMachine } from '../../machines/recording.js'
import { snapshotMachine } from '../../machines/snapshot.js'
import { later, turn } from '../support/later.js'

const by = { user: 'ann', request: '1', session: 's' }
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
  capabilities: {
    formats: [{ fourcc: 'MJPG', description: 'Motion-JPEG', sizes: [{ width: 640, height: 480, rates: [30] }] }],
  },
  pipeline: {
    kind: 'encode',
    mode: { fourcc: 'MJPG', width: 640, height: 480, fps: 30 },
    reason: 'it has no H.264 of its own',
  },
}

describe('camera', () => {
  it('is connected once it was probed, and its path is there', async () => {
    const { facts, log, view, probed } = camera()
    expect(view()).to.deep.include({ status: 'DISCONNECTED', allowed: [] })
    await probed()
    expect(view()).to.deep.include({
      status: 'CONNECTED',
      connectedAt: 100,
      allowed: ['take_snapshot', 'start_recording', 'start_streaming'],
    })
    expect(log).to.deep.equal(['path published'])
    expect(facts.map((fact) => fact.type)).to.deep.equal(['camera.probed', 'camera.connected', 'camera.statusChanged'])
  })

  it('tells why it is faulty, and tries again with growing pauses', async () => {
    const { view, clock, probeFails, probes } = camera()
    await probeFails('permission denied')
    expect(view()).to.deep.include({ status: 'ERROR' })
    expect(view().cause).to.deep.include({ state: 'faulty', reason: 'permission denied' })
    clock.increment(1_000)
    expect(probes()).to.equal(2)
    await probeFails('permission denied')
    clock.increment(1_999)
    expect(probes()).to.equal(2)
    clock.increment(1)
    expect(probes()).to.equal(3)
  })

  it('closes the recording before its path goes, and tells the recording first', async () => {
    const { actor, facts, log, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'device.removed', reason: 'unplugged' })
    expect(log).to.deep.equal(['path published', 'closing'])
    await closed()
    expect(log).to.deep.equal(['path published', 'closing', 'path withdrawn'])
    expect(facts.slice(3).map((fact) => fact.type)).to.deep.equal([
      'recording.failed',
      'camera.disconnected',
      'camera.statusChanged',
    ])
  })

  it('is the same camera when it comes back', async () => {
    const { actor, view, probed } = camera()
    await probed()
    actor.send({ type: 'device.removed', reason: 'unplugged' })
    expect(view()).to.deep.include({ status: 'DISCONNECTED', kind: 'usb' })
    expect(view().cause).to.deep.include({ state: 'unplugged', reason: 'unplugged' })
    actor.send({ type: 'device.found', device: { ...device, node: '/dev/video3' }, identity })
    await probed()
    expect(view()).to.deep.include({ id: 'camera0', status: 'CONNECTED' })
  })

  it('comes back also when it returns while its recording is being closed', async () => {
    const { actor, view, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'device.removed', reason: 'unplugged' })
    actor.send({ type: 'device.found', device, identity })
    await closed()
    await probed()
    expect(view().status).to.equal('CONNECTED')
  })

  it('records once at a time', async () => {
    const { actor, view, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    expect(actor.getSnapshot().can({ type: 'recording.start', by, format: 'fmp4' })).to.equal(false)
    expect(view()).to.deep.include({ allowed: ['take_snapshot', 'stop_recording', 'start_streaming'] })
    await turn()
    actor.send({ type: 'recording.stop', by })
    expect(actor.getSnapshot().can({ type: 'recording.stop', by })).to.equal(false)
    await closed()
    expect(view().recording).to.equal(undefined)
    expect(actor.getSnapshot().can({ type: 'recording.start', by, format: 'fmp4' })).to.equal(true)
  })

  it('drains also a recording that is already being stopped', async () => {
    const { actor, log, view, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    actor.send({ type: 'recording.stop', by })
    actor.send({ type: 'device.removed', reason: 'unplugged' })
    await turn()
    if (view().recording) await closed()
    expect(view().cause.state).to.equal('unplugged')
    expect(log.at(-1)).to.equal('path withdrawn')
  })

  it('stops a recording for want of room also after somebody asked to stop it', async () => {
    const { actor, view, probed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'recording.stop', by })
    expect(actor.getSnapshot().can({ type: 'storage.blocked', reason: 'storage full' })).to.equal(true)
    expect(view().recording?.status).to.equal('STOPPING')
  })

  it('probes the newest node when it was renumbered again while draining', async () => {
    const { actor, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'device.replaced', device: { ...device, node: '/dev/video1' }, identity })
    actor.send({ type: 'device.replaced', device: { ...device, node: '/dev/video2' }, identity })
    await closed()
    expect(actor.getSnapshot().context.device).to.deep.include({ node: '/dev/video2' })
  })

  it('holds its stream for as long as anybody does', async () => {
    const { actor, log, view, probed } = camera()
    await probed()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'stream.hold', holder: 'bob', since: 2 })
    expect(view().stream).to.deep.include({ status: 'STARTING', holders: { ann: 1, bob: 2 } })
    actor.send({ type: 'stream.held' })
    expect(view().stream.status).to.equal('ACTIVE')
    actor.send({ type: 'stream.release', holder: 'ann' })
    expect(log).to.deep.equal(['path published', 'held'])
    actor.send({ type: 'stream.release', holder: 'bob' })
    expect(log).to.deep.equal(['path published', 'held', 'released'])
    expect(actor.getSnapshot().can({ type: 'stream.release', holder: 'bob' })).to.equal(false)
  })

  it('lets go of a hold whose time is over', async () => {
    const { actor, view, probed, expired } = camera()
    await probed()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1, until: 500 })
    actor.send({ type: 'stream.hold', holder: 'bob', since: 1 })
    await expired(500)
    expect(view().stream.holders).to.deep.equal({ bob: 1 })
  })

  it('has a stalled pipeline recycled, and tells of it', async () => {
    const { actor, facts, log, view, probed } = camera()
    await probed()
    actor.send({ type: 'pipeline.running', progress: { frames: 1, fps: 30, bitrate: 1_000 } })
    actor.send({ type: 'pipeline.stalled', silentFor: 5_000 })
    expect(view().stream).to.deep.include({ status: 'ERROR', reason: 'no frames' })
    expect(log).to.deep.equal(['path published', 'recycled'])
    actor.send({ type: 'pipeline.running', progress: { frames: 1, fps: 30, bitrate: 1_000 } })
    expect(view().stream.status).to.equal('ACTIVE')
    expect(view().stream.reason).to.equal(undefined)
    expect(facts.slice(3).map((fact) => fact.type)).to.deep.equal([
      'stream.started',
      'stream.stalled',
      'stream.started',
    ])
  })

  it('has a pipeline recycled that never gave a frame', async () => {
    const { actor, facts, log, view, probed } = camera()
    await probed()
    actor.send({ type: 'pipeline.stalled', silentFor: 20_000 })
    expect(view().stream).to.deep.include({ status: 'ERROR', reason: 'no frames' })
    expect(log).to.deep.equal(['path published', 'recycled'])
    actor.send({ type: 'pipeline.ended', reason: 'recycled: it gave no frames' })
    expect(view().stream.status).to.equal('INACTIVE')
    expect(facts.slice(3).map((fact) => fact.type)).to.deep.equal(['stream.stalled', 'stream.ended'])
  })

  it('raises an ambiguous identity once', async () => {
    const { actor, facts, probed } = camera()
    await probed()
    actor.send({ type: 'identity.changed', identity: { ...identity, key: 'port:1', basis: 'port', ambiguous: true } })
    actor.send({ type: 'identity.changed', identity: { ...identity, key: 'port:1', basis: 'port', ambiguous: true } })
    expect(facts.filter((fact) => fact.type === 'camera.identityAmbiguous')).to.have.length(1)
  })

  it('is given up after a day of absence', async () => {
    const { actor, clock, facts, probed } = camera()
    await probed()
    actor.send({ type: 'device.removed', reason: 'unplugged' })
    clock.increment(24 * 3_600_000)
    expect(actor.getSnapshot().status).to.equal('done')
    expect(facts.at(-1)).to.deep.equal({ type: 'camera.retired', camera: 'camera0' })
  })

  it('drains before it stops', async () => {
    const { actor, log, facts, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'service.stopping' })
    expect(actor.getSnapshot().status).to.equal('active')
    await closed()
    expect(actor.getSnapshot().status).to.equal('done')
    expect(log).to.deep.equal(['path published', 'closing', 'path withdrawn'])
    expect(facts.some((fact) => fact.type === 'camera.disconnected')).to.equal(false)
  })

  it('is done for good when it is removed: the recording is stopped and closed before the path goes', async () => {
    const { actor, log, facts, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'camera.remove', by })
    expect(cameraView(actor.getSnapshot()).cause).to.deep.include({ state: 'draining', reason: 'removed' })
    expect(log.at(-1)).to.equal('closing')
    actor.send({ type: 'device.found', device, identity })
    await closed()
    expect([log.at(-1), actor.getSnapshot().status]).to.deep.equal(['path withdrawn', 'done'])
    expect(facts.map(({ type }) => type).slice(-3)).to.deep.equal([
      'camera.disconnected',
      'camera.statusChanged',
      'camera.retired',
    ])
  })

  for (const state of ['probing', 'unplugged', 'faulty'] as const) {
    it(`is done at once when it is removed while ${state}`, async () => {
      const { actor, facts, probeFails } = camera()
      if (state === 'faulty') await probeFails('broken')
      if (state === 'unplugged') actor.send({ type: 'device.removed', reason: 'unplugged' })
      actor.send({ type: 'camera.remove', by })
      expect(actor.getSnapshot().status).to.equal('done')
      expect(facts.at(-1)?.type).to.equal('camera.retired')
    })
  }

  for (const state of ['probing', 'unplugged', 'faulty'] as const) {
    it(`stops at once when ${state}`, async () => {
      const { actor, probeFails } = camera()
      if (state === 'faulty') await probeFails('broken')
      if (state === 'unplugged') actor.send({ type: 'device.removed', reason: 'unplugged' })
      expect(actor.getSnapshot().value).to.equal(state)
      actor.send({ type: 'service.stopping' })
      expect(actor.getSnapshot().status).to.equal('done')
    })
  }
})

/** camera0, plugged in, with effects that wait for the test. */
function camera() {
  const clock = new SimulatedClock()
  const log: string[] = []
  const facts: Fact[] = []
  let probes = 0
  let probing = later<Probe & { at: number }>()
  let closing = later<never>()
  let expiry = later<{ at: number }>()
  const idle = () => fromCallback<never, never>(() => {}) as never
  const recording = recordingMachine.provide({
    actors: {
      validateStart: fromPromise(() => Promise.resolve()) as never,
      openCapture: fromPromise(() => new Promise(() => {})) as never,
      closeCapture: fromPromise(() => {
        log.push('closing')
        closing = later<never>()
        return closing.promise
      }) as never,
    },
  })
  const actor = createActor(
    cameraMachine.provide({
      actors: {
        recording,
        snapshot: snapshotMachine,
        probeDevice: fromPromise<Probe & { at: number }>(() => {
          probes += 1
          probing = later()
          return probing.promise
        }) as never,
        publishPath: fromCallback(() => {
          log.push('path published')
          return () => log.push('path withdrawn')
        }) as never,
        watchPipeline: idle(),
        watchSource: idle(),
        holdStream: fromCallback(() => {
          log.push('held')
          return () => log.push('released')
        }) as never,
        recyclePipeline: fromPromise<boolean>(async () => {
          log.push('recycled')
          return true
        }) as never,
        waitUntil: fromPromise<{ at: number }>(() => {
          expiry = later()
          return expiry.promise
        }) as never,
      },
    }),
    {
      clock,
      input: { id: 'camera0', name: 'Test Cam', identity, settings: {}, device },
      inspect: (event) => {
        if (event.type === '@xstate.actor') (event.actorRef as typeof actor).on?.('*', (fact) => facts.push(fact))
      },
    },
  )
  actor.start()
  return {
    actor,
    clock,
    log,
    facts,
    view: () => cameraView(actor.getSnapshot()),
    probes: () => probes,
    probed: () => {
      probing.resolve({ ...probe, at: 100 })
      return turn()
    },
    probeFails: (reason: string) => {
      probing.reject(reason)
      return turn()
    },
    closed: () => {
      closing.reject('never began')
      return turn()
    },
    expired: (at: number) => {
      expiry.resolve({ at })
      return turn()
    },
  }
}
