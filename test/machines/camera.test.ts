import { expect } from 'chai'
import { createActor, type EventObject, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { cameraMachine } from '../../machines/camera.js'
import type { OnDevice } from '../../machines/cameraContext.js'
import { cameraView } from '../../machines/cameraView.js'
import { demandMachine } from '../../machines/demand.js'
import type { CameraId, Device, Identity, Pipeline, Probe } from '../../machines/domain/camera.js'
import type { TapEvent } from '../../machines/domain/capture.js'
import type { Fact } from '../../machines/domain/facts.js'
import type { Segment } from '../../machines/domain/files.js'
import { because, Failure } from '../../machines/domain/reason.js'
import type { Recalled, RecordingIntent } from '../../machines/domain/recording.js'
import type { Obstacles } from '../../machines/domain/views.js'
import { pipelineMachine } from '../../machines/pipeline.js'
import { pullMachine } from '../../machines/pull.js'
import { recordingMachine } from '../../machines/recording.js'
import type { Closed, Finish, Opened, RecordingSubject } from '../../machines/recordingContext.js'
import { snapshotMachine } from '../../machines/snapshot.js'
import { type SourceInput, sourceMachine } from '../../machines/source.js'
import { streamHoldMachine } from '../../machines/streamHold.js'
import { crash, crashing } from '../support/crash.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

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
  it('is connected after the probe, and publishes its path', async () => {
    const { facts, log, view, probed } = camera()
    expect(view()).to.deep.include({ status: 'DISCONNECTED', allowed: [] })
    await probed()
    expect(view()).to.deep.include({
      status: 'CONNECTED',
      connectedAt: 100,
      allowed: ['take_snapshot', 'start_recording', 'start_streaming'],
    })
    expect(log).to.deep.equal(['path published'])
    expect(facts.map((fact) => fact.type)).to.deep.equal(['camera.probed', 'camera.statusChanged', 'camera.connected'])
  })

  it('shows why it is faulty, and probes again with increasing delays', async () => {
    const { view, clock, probeFails, probes } = camera()
    await probeFails(new Failure('permission_denied'))
    expect(view()).to.deep.include({ status: 'ERROR' })
    expect(view().cause).to.deep.include({ state: 'faulty', reason: because('permission_denied') })
    clock.increment(1_000)
    expect(probes()).to.equal(2)
    await probeFails(new Failure('permission_denied'))
    expect(view()).to.deep.include({ status: 'ERROR' })
    clock.increment(1_999)
    expect(probes()).to.equal(2)
    clock.increment(1)
    expect(probes()).to.equal(3)
  })

  it('probes again soon when it fails after it was connected', async () => {
    const { actor, clock, probed, probeFails, probes } = camera()
    await probeFails(new Failure('device_error'))
    clock.increment(1_000)
    await probeFails(new Failure('device_error'))
    clock.increment(2_000)
    await probed()
    actor.send({ type: 'device.replaced', device, identity })
    await probeFails(new Failure('device_error'))
    const before = probes()
    clock.increment(1_000)
    expect(probes() - before).to.equal(1)
  })

  it('reports each change of its status, with the old and the new one', async () => {
    const { actor, facts, clock, probed, probeFails } = camera()
    await probeFails(new Failure('device_error'))
    clock.increment(1_000)
    await probed()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    actor.send({ type: 'device.found', device, identity })
    await probeFails(new Failure('device_error'))
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    const changes = facts.flatMap((fact) => (fact.type === 'camera.statusChanged' ? [`${fact.from} ${fact.to}`] : []))
    expect(changes).to.deep.equal([
      'DISCONNECTED ERROR',
      'ERROR CONNECTED',
      'CONNECTED DISCONNECTED',
      'DISCONNECTED ERROR',
      'ERROR DISCONNECTED',
    ])
  })

  it('tells an unplug at once, and closes the recording before it removes its path', async () => {
    const { actor, facts, log, view, probed, records, closed } = camera()
    await probed()
    await records()
    const before = facts.length
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(facts.slice(before).map((fact) => fact.type)).to.deep.equal([
      'recording.interrupted',
      'camera.disconnected',
      'camera.statusChanged',
    ])
    expect(view()).to.deep.include({ status: 'DISCONNECTED' })
    expect(log.slice(-2)).to.deep.equal(['held', 'closing'])
    await closed()
    expect(log.slice(-3)).to.deep.equal(['closing', 'released', 'path withdrawn'])
    expect(facts.at(-1)?.type).to.equal('recording.suspended')
  })

  it('wakes the streams of its recording and of its clients when the media server is back', async () => {
    const { actor, log, probed, records } = camera()
    await probed()
    await records()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    const { demand, recording } = actor.getSnapshot().children
    const reason = because('server_closed')
    for (const part of [demand, recording])
      part?.getSnapshot().children.streamHold?.send({ type: 'stream.lost', reason } as never)
    const before = log.length
    const { pipeline } = actor.getSnapshot().children
    actor.send({ type: 'server.lost', reason })
    expect(pipeline?.getSnapshot().context.server, 'why the pipeline ends').to.deep.equal(reason)
    actor.send({ type: 'server.restored' })
    await turn()
    expect(pipeline?.getSnapshot().context.isServerBack).to.equal(true)
    expect(log.slice(before)).to.deep.equal(['held', 'held'])
  })

  it('tells its parent when a recording begins to write', async () => {
    const { machine, input, clock, probed, firstBytes } = camera()
    const { actor, heard } = withParent(machine, { input, clock })
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    expect(heard).to.deep.equal([])
    await firstBytes('one.mp4', 1_000)
    expect(heard).to.deep.equal([{ type: 'writing.began' }])
  })

  it('tells its recording why its stream brings no frames', async () => {
    const { actor, facts, probed, records } = camera()
    await probed()
    await records()
    const { recording } = actor.getSnapshot().children
    recording?.send({ type: 'stream.lost', reason: because('no_frames') })
    expect(facts.at(-1)?.type).to.equal('recording.interrupted')
    actor.send({ type: 'feed.failed', reason: because('device_error') })
    expect(recording?.getSnapshot().context.reason).to.deep.equal(because('device_error'))
  })

  it('tells its recording whether it encodes by itself, and its pipeline how many frames are expected', async () => {
    const usb = camera()
    await usb.probed()
    await usb.records()
    const { recording, pipeline } = usb.actor.getSnapshot().children
    expect(recording?.getSnapshot().context.isPulled).to.equal(undefined)
    expect(pipeline?.getSnapshot().context.fps).to.equal(30)
    const network = camera({ device: { kind: 'rtsp', name: 'yard', url: 'rtsp://10.0.0.9/live' } })
    await network.probed({ ...probe, pipeline: { ...probe.pipeline, kind: 'pull' } })
    await network.records()
    expect(network.actor.getSnapshot().children.recording?.getSnapshot().context.isPulled).to.equal(true)
  })

  it('tells that its recording is over when it allows the next one', async () => {
    const { actor, view, probed, records, closed } = camera()
    await probed()
    await records()
    const allowed: string[][] = []
    actor.on('camera.recordingOver', () => allowed.push(view().allowed))
    actor.send({ type: 'recording.stop', by })
    await closed()
    expect(allowed).to.deep.equal([['take_snapshot', 'start_recording', 'start_streaming']])
  })

  it('tells an unplug at once and the end of the recording after its files, if the recording ends with it', async () => {
    const { actor, facts, probed, records, closed } = camera({ endsOnUnplug: true })
    await probed()
    await records()
    const before = facts.length
    const told = () => facts.slice(before).map((fact) => fact.type)
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(told()).to.deep.equal(['camera.disconnected', 'camera.statusChanged'])
    await closed()
    const failed = ['camera.disconnected', 'camera.statusChanged', 'recording.failed', 'camera.recordingOver']
    expect(told()).to.deep.equal(failed)
    actor.send({ type: 'device.found', device, identity })
    await probed()
    expect(told().at(-1)).to.equal('camera.connected')
  })

  it('continues its recording when it comes back', async () => {
    const { actor, clock, facts, view, probed, records, closed, firstBytes } = camera()
    await probed()
    await records()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    await closed()
    expect(view().recording).to.deep.include({ status: 'INTERRUPTED', waitsFor: 'camera' })
    expect(view().allowed).to.deep.equal(['stop_recording'])
    actor.send({ type: 'device.found', device, identity })
    await probed()
    clock.increment(0)
    await firstBytes('two.mp4', 9_000)
    expect(view().recording).to.deep.include({ status: 'RECORDING', files: ['one.mp4', 'two.mp4'] })
    expect(facts.at(-1)).to.deep.include({ type: 'recording.resumed', by, filename: 'two.mp4' })
  })

  it('continues a recording of an earlier run of the service once it is connected', async () => {
    const intent: RecordingIntent = { camera: 'camera0', by, format: 'fmp4', startedAt: 1_000, gaps: [] }
    const { clock, view, probed, firstBytes } = camera({ intent })
    await turn()
    expect(view().recording).to.deep.include({ status: 'INTERRUPTED', waitsFor: 'camera' })
    await probed()
    clock.increment(0)
    await firstBytes('two.mp4', 9_000)
    expect(view().recording).to.deep.include({ status: 'RECORDING', startedAt: 1_000 })
  })

  it('ends the recording that waits for it when it is removed', async () => {
    const { actor, facts, probed, records, closed } = camera()
    await probed()
    await records()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    await closed()
    actor.send({ type: 'camera.remove', by })
    await closed()
    expect(facts.slice(-3).map(({ type }) => type)).to.deep.equal([
      'recording.ended',
      'camera.recordingOver',
      'camera.retired',
    ])
    expect(facts.at(-3)).to.deep.nested.include({ 'outcome.reason.code': 'removed' })
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('leaves the recording that waits for it to the next run of the service', async () => {
    const { actor, facts, probed, records, closed } = camera()
    await probed()
    await records()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    await closed()
    actor.send({ type: 'service.stopping' })
    expect(facts.at(-2)).to.deep.nested.include({
      type: 'recording.suspended',
      'outcome.reason.code': 'service_stopping',
    })
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('stops, or is removed, when the recording that has waited for it is closed', async () => {
    for (const event of [{ type: 'service.stopping' }, { type: 'camera.remove', by }] as const) {
      const { actor, probed, records, closed } = camera()
      await probed()
      await records()
      actor.send({ type: 'device.removed', reason: because('unplugged') })
      await closed()
      actor.send({ type: 'recording.stop', by })
      await turn()
      actor.send(event)
      expect(actor.getSnapshot().status).to.equal('active')
      await closed()
      expect(actor.getSnapshot().status).to.equal('done')
    }
  })

  it('drains the recording that continues, as it drained it before', async () => {
    const { actor, clock, log, view, probed, records, closed } = camera()
    await probed()
    await records()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    await closed()
    actor.send({ type: 'device.found', device, identity })
    await probed()
    clock.increment(0)
    await turn()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(view().cause.state).to.equal('draining')
    expect(log.at(-1)).not.to.equal('path withdrawn')
    await closed()
    expect([view().cause.state, log.at(-1)]).to.deep.equal(['unplugged', 'path withdrawn'])
  })

  it('tells its recording what is missing and what is back, and shows it', async () => {
    const full = because('storage_full')
    const down = because('server_unreachable')
    const { actor, clock, view, probed, records, closed, firstBytes } = camera()
    await probed()
    await records()
    actor.send({ type: 'server.lost', reason: down })
    actor.send({ type: 'storage.blocked', reason: full })
    await closed()
    expect(view()).to.deep.include({ obstacles: { storage: full, server: down } })
    expect(view().recording).to.deep.include({ status: 'INTERRUPTED', waitsFor: 'storage' })
    actor.send({ type: 'storage.freed' })
    expect(view().obstacles).to.deep.equal({ storage: undefined, server: down })
    expect(view().recording).to.deep.include({ status: 'INTERRUPTED', waitsFor: 'server' })
    actor.send({ type: 'server.restored' })
    expect(view().obstacles).to.deep.equal({ storage: undefined, server: undefined })
    clock.increment(0)
    await firstBytes('two.mp4', 9_000)
    expect(view().recording).to.deep.include({ status: 'RECORDING' })
  })

  it('takes other settings for its next recording: to end when it is unplugged, or to go on', async () => {
    const { actor, facts, probed, records, closed } = camera()
    await probed()
    const setup = { name: 'Gate', settings: {} }
    for (const [endsOnUnplug, end] of [
      [true, 'recording.failed'],
      [undefined, 'recording.suspended'],
    ] as const) {
      actor.send({ type: 'camera.configured', setup: { ...setup, ...(endsOnUnplug && { endsOnUnplug }) } })
      await records()
      actor.send({ type: 'device.removed', reason: because('unplugged') })
      await closed()
      expect(facts.filter(({ type }) => type.startsWith('recording.')).at(-1)?.type).to.equal(end)
      actor.send({ type: 'device.found', device, identity })
      await probed()
    }
  })

  it('shows no reason once it is connected', async () => {
    const { clock, view, probed, probeFails } = camera()
    await probeFails(new Failure('device_busy'))
    clock.increment(1_000)
    await probed()
    expect(view().cause).to.deep.equal({ state: 'available', since: 0 })
  })

  it('gives the duration of a recording to it, and names its newest file when it crashes', async () => {
    const { actor, facts, view, probed, records } = camera()
    await probed()
    await records({ duration: 60_000 })
    expect(view().recording?.duration).to.equal(60_000)
    const recording = actor.getSnapshot().children.recording
    recording?.send({ type: 'segment.added', segment: { filename: 'two.mp4', startedAt: 9_000 }, at: 9_000 })
    recording?.send(crash)
    await turn()
    expect(facts.at(-1)).to.deep.include({ type: 'recording.interrupted', filename: 'two.mp4' })
  })

  it('drains with the reason that its node has changed, or its settings', async () => {
    for (const reason of [undefined, because('reconfigured')]) {
      const { actor, facts, probed } = camera()
      await probed()
      actor.send({ type: 'device.replaced', device, identity, ...(reason && { reason }) })
      const lost = facts.find(({ type }) => type === 'camera.disconnected')
      expect(lost).to.deep.include({ reason: reason ?? because('replaced') })
    }
  })

  it('shows its stream: not used, starting, running and stalled, with the reason', async () => {
    const { actor, clock, tap, view, probed } = camera()
    await probed()
    const idle = { holders: {}, frames: 0, fps: 0, bitrate: 0, since: 0 }
    expect(view().stream).to.deep.equal({ ...idle, status: 'INACTIVE' })
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    expect(view().stream).to.deep.equal({ ...idle, status: 'STARTING', holders: { ann: 1 } })
    const progress = { frames: 9, fps: 30, bitrate: 1_000 }
    tap({ type: 'tap.progress', sender: 1, progress })
    expect(view().stream).to.deep.equal({ ...idle, ...progress, status: 'ACTIVE', holders: { ann: 1 } })
    clock.increment(5_000)
    expect(view().stream).to.deep.equal({
      ...idle,
      ...progress,
      status: 'ERROR',
      holders: { ann: 1 },
      reason: because('no_frames'),
    })
  })

  it('shows what it can do, and its limits, if it has them', async () => {
    const { actor, view, probed } = camera()
    expect(view()).not.to.have.any.keys('capabilities', 'pipeline', 'mode', 'limits', 'connectedAt')
    await probed()
    const { capabilities, pipeline } = probe
    expect(view()).to.deep.include({ capabilities, pipeline, mode: pipeline.mode })
    const limits = { maxAgeDays: 5 }
    actor.send({ type: 'camera.configured', setup: { name: 'Gate', settings: { limits } } })
    expect(view()).to.deep.include({ name: 'Gate', limits })
  })

  it('knows its kind while it is unplugged, by its identity', () => {
    const kinds = (['virtual:a', 'rtsp:10.0.0.9', 'serial:1d6b:0102:SN1'] as const).map((key) => {
      const { actor, view } = camera()
      actor.send({ type: 'identity.changed', identity: { ...identity, key } })
      actor.send({ type: 'device.removed', reason: because('unplugged') })
      return view().kind
    })
    expect(kinds).to.deep.equal(['virtual', 'rtsp', 'usb'])
  })

  it('is not retired while a recording waits for it', async () => {
    const { actor, clock, probed, records, closed } = camera()
    await probed()
    await records()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    await closed()
    for (const hours of [24, 1]) clock.increment(hours * 3_600_000)
    expect(actor.getSnapshot().status).to.equal('active')
    actor.send({ type: 'recording.stop', by })
    await closed()
    clock.increment(24 * 3_600_000 - 1)
    expect(actor.getSnapshot().status, 'the day begins with the end of the recording').to.equal('active')
    clock.increment(1)
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('is probed again at least every ten seconds while a recording waits for it', async () => {
    const intent: RecordingIntent = { camera: 'camera0', by, format: 'fmp4', startedAt: 1_000, gaps: [] }
    const { clock, probes, probeFails } = camera({ intent })
    await turn()
    for (let failure = 0; failure < 8; failure += 1) {
      await probeFails(new Failure('device_error'))
      clock.increment(10_000)
    }
    expect(probes()).to.equal(9)
  })

  it('is probed seldom with a refused password, because cameras lock accounts, also for a recording', async () => {
    const intent: RecordingIntent = { camera: 'camera0', by, format: 'fmp4', startedAt: 1_000, gaps: [] }
    const { clock, probes, probeFails } = camera({ intent, device: yard })
    await turn()
    for (const [index, pause] of [60_000, 120_000, 240_000, 480_000, 600_000, 600_000].entries()) {
      await probeFails(new Failure('source_refused'))
      clock.increment(pause - 1)
      expect(probes()).to.equal(index + 1)
      clock.increment(1)
      expect(probes()).to.equal(index + 2)
    }
  })

  it('has the same id when it comes back', async () => {
    const { actor, view, probed } = camera()
    await probed()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(view()).to.deep.include({ status: 'DISCONNECTED', kind: 'usb' })
    expect(view().cause).to.deep.include({ state: 'unplugged', reason: because('unplugged') })
    actor.send({ type: 'device.found', device: { ...device, node: '/dev/video3' }, identity })
    await probed()
    expect(view()).to.deep.include({ id: 'camera0', status: 'CONNECTED' })
  })

  it('reconnects if its device comes back while its recording is being closed', async () => {
    const { actor, view, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    actor.send({ type: 'device.found', device, identity })
    await closed()
    await probed()
    expect(view().status).to.equal('CONNECTED')
  })

  it('allows one recording at a time', async () => {
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

  it('allows a recording only while the disk is not full and the media server is reachable', async () => {
    const { actor, view, probed } = camera()
    await probed()
    const full = because('storage_full')
    actor.send({ type: 'storage.blocked', reason: full })
    expect(view()).to.deep.include({ allowed: ['take_snapshot', 'start_streaming'] })
    expect(view().obstacles.storage).to.deep.equal(full)
    expect(actor.getSnapshot().can({ type: 'recording.start', by, format: 'fmp4' })).to.equal(false)
    actor.send({ type: 'storage.freed' })
    actor.send({ type: 'server.lost', reason: because('server_unreachable') })
    expect(view().allowed).to.deep.equal(['take_snapshot'])
    actor.send({ type: 'server.restored' })
    expect(view().allowed).to.deep.equal(['take_snapshot', 'start_recording', 'start_streaming'])
  })

  it('considers a full disk from its start, and updates while it is unplugged', async () => {
    const { actor, view, probed } = camera({ obstacles: { storage: because('storage_full') } })
    await probed()
    expect(view().allowed).not.to.include('start_recording')
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    actor.send({ type: 'storage.freed' })
    actor.send({ type: 'device.found', device, identity })
    await probed()
    expect(view().allowed).to.include('start_recording')
  })

  it('closes a recording before it shows that the media server refused its path', async () => {
    const { actor, log, view, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'path.refused', reason: because('path_refused', 'invalid source') })
    expect(view().cause.state).to.equal('draining')
    await closed()
    expect(log.slice(-2)).to.deep.equal(['closing', 'path withdrawn'])
    expect(view()).to.deep.include({ status: 'ERROR' })
  })

  it('shows the refusal until the media server was restarted', async () => {
    const { actor, facts, log, view, probed, probes } = camera()
    await probed()
    const reason = because('path_refused', 'the media server refused the request: invalid source')
    actor.send({ type: 'path.refused', reason })
    expect(facts.slice(-2)).to.deep.equal([
      { type: 'camera.disconnected', camera: 'camera0', reason },
      { type: 'camera.statusChanged', camera: 'camera0', name: 'Test Cam', from: 'CONNECTED', to: 'ERROR', reason },
    ])
    expect(view()).to.deep.include({ status: 'ERROR', allowed: [] })
    expect(view().cause).to.deep.include({ state: 'faulty', reason })
    expect(log.at(-1)).to.equal('path withdrawn')
    expect(probes()).to.equal(1)
    actor.send({ type: 'server.lost', reason: because('server_unreachable') })
    actor.send({ type: 'server.restored' })
    await probed()
    expect(view().status).to.equal('CONNECTED')
    expect(view().allowed, 'the server is back').to.include('start_recording')
  })

  it('is disconnected, not faulty, when the refused network camera does not answer any more', async () => {
    const { actor, facts, view, probed, probeFails } = camera({ device: yard })
    await probed()
    actor.send({ type: 'path.refused', reason: because('path_refused') })
    actor.send({ type: 'server.restored' })
    await probeFails(new Failure('unreachable'))
    expect(view()).to.deep.include({ status: 'DISCONNECTED' })
    expect(view().cause).to.deep.include({ state: 'faulty', reason: because('unreachable') })
    expect(facts.at(-1)).to.deep.include({
      type: 'camera.statusChanged',
      from: 'ERROR',
      to: 'DISCONNECTED',
      reason: because('unreachable'),
    })
  })

  it('is unplugged, with that reason, when a network camera that does not answer is removed', async () => {
    const { actor, view, probed, probes, probeFails } = camera({ device: yard })
    await probeFails(new Failure('unreachable'))
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(view().cause).to.deep.include({ state: 'unplugged', reason: because('unplugged') })
    expect(actor.getSnapshot().context.device).to.equal(undefined)
    actor.send({ type: 'device.found', device: yard, identity })
    await probeFails(new Failure('unreachable'))
    const moved: Device = { ...yard, url: 'rtsp://10.0.0.8/' }
    actor.send({ type: 'device.replaced', device: moved, identity })
    expect([probes(), actor.getSnapshot().context.device]).to.deep.equal([3, moved])
    await probed()
    expect(view().status).to.equal('CONNECTED')
  })

  for (const [event, reason] of [
    [{ type: 'camera.remove', by }, 'removed'],
    [{ type: 'service.stopping' }, 'service_stopping'],
    [{ type: 'device.removed', reason: because('unplugged') }, 'unplugged'],
  ] as const)
    it(`ends a snapshot with the reason ${reason}`, async () => {
      const { actor, facts, probed } = camera()
      await probed()
      const wish = { by, maxAge: 0, options: { format: 'jpg' as const, quality: 90 } }
      actor.send({ type: 'snapshot.take', wish })
      actor.send(event)
      expect(facts.find(({ type }) => type === 'snapshot.failed')).to.deep.include({ reason: because(reason) })
    })

  it('is unplugged, with that reason, when it is removed while it drains after a refusal', async () => {
    const { actor, view, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'path.refused', reason: because('path_refused') })
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    await closed()
    expect(view().cause).to.deep.include({ state: 'unplugged', reason: because('unplugged') })
  })

  it('takes another picture after the first one', async () => {
    const { actor, probed } = camera()
    await probed()
    const wish = { by, maxAge: 0, options: { format: 'jpg' as const, quality: 90 } }
    actor.send({ type: 'snapshot.take', wish })
    const first = actor.getSnapshot().children.snapshot
    actor.send({ type: 'xstate.done.actor.snapshot' } as never)
    expect(actor.getSnapshot().children.snapshot).to.equal(undefined)
    actor.send({ type: 'snapshot.take', wish })
    const second = actor.getSnapshot().children.snapshot
    expect([second === undefined, second === first]).to.deep.equal([false, false])
  })

  it('gives a second request for a picture to the snapshot in progress', async () => {
    const { actor, probed } = camera()
    await probed()
    const wish = (request: string) => ({
      by: { ...by, request },
      maxAge: 0,
      options: { format: 'jpg' as const, quality: 90 },
    })
    actor.send({ type: 'snapshot.take', wish: wish('1') })
    actor.send({ type: 'snapshot.take', wish: wish('2') })
    const snapshot = actor.getSnapshot().children.snapshot?.getSnapshot()
    expect(snapshot?.context.wishes.map(({ by: { request } }) => request)).to.deep.equal(['1', '2'])
  })

  it('drains a recording that is already being stopped', async () => {
    const { actor, log, view, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    actor.send({ type: 'recording.stop', by })
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    await turn()
    expect(view().cause.state).to.equal('draining')
    await closed()
    expect(view().cause.state).to.equal('unplugged')
    expect(log.at(-1)).to.equal('path withdrawn')
  })

  it('refuses a recording that has not started when the disk becomes full', async () => {
    const { actor, facts, view, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'storage.blocked', reason: because('storage_full') })
    expect(view().recording?.status).to.equal('STOPPING')
    expect(view().allowed).to.deep.equal(['take_snapshot', 'start_streaming'])
    await closed()
    expect(facts.at(-2)).to.deep.nested.include({ type: 'recording.failed', 'outcome.reason.code': 'storage_full' })
    expect(view().recording).to.equal(undefined)
  })

  it('probes the newest node if it was renumbered again while draining', async () => {
    const { actor, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'device.replaced', device: { ...device, node: '/dev/video1' }, identity })
    actor.send({ type: 'device.replaced', device: { ...device, node: '/dev/video2' }, identity })
    await closed()
    expect(actor.getSnapshot().context.device).to.deep.include({ node: '/dev/video2' })
  })

  it('holds its stream until the last holder releases it', async () => {
    const { actor, log, view, probed, held } = camera()
    await probed()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'stream.hold', holder: 'bob', since: 2 })
    expect(view().stream).to.deep.include({ status: 'STARTING', holders: { ann: 1, bob: 2 } })
    held()
    expect(view().stream.status).to.equal('ACTIVE')
    actor.send({ type: 'stream.release', holder: 'ann' })
    expect(log).to.deep.equal(['path published', 'held'])
    actor.send({ type: 'stream.release', holder: 'bob' })
    expect(log).to.deep.equal(['path published', 'held', 'released'])
  })

  it('does not start its stream when it comes back, because the holds ended', async () => {
    const { actor, log, view, probed } = camera()
    await probed()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(log).to.deep.equal(['path published', 'held', 'released', 'path withdrawn'])
    actor.send({ type: 'device.found', device, identity })
    await probed()
    expect(view().stream).to.deep.include({ status: 'INACTIVE', holders: {} })
    expect(log.filter((line) => line === 'held')).to.have.length(1)
  })

  it('shows why its stream does not start, but not why an earlier one has ended normally', async () => {
    const { actor, tap, view, probed } = camera()
    await probed()
    const { pipeline } = actor.getSnapshot().children
    tap({ type: 'tap.progress', sender: 1, progress: { frames: 9, fps: 30, bitrate: 1_000 } })
    tap({ type: 'tap.finished', sender: 1 })
    expect(pipeline?.getSnapshot().context.reason?.code).to.equal('no_longer_used')
    expect(view().stream).to.deep.include({ status: 'INACTIVE', reason: because('no_longer_used') })
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    expect(view().stream.status).to.equal('STARTING')
    expect(view().stream).not.to.have.property('reason')
  })

  it('shows the progress of its pipeline', async () => {
    const { tap, view, probed } = camera()
    await probed()
    tap({ type: 'tap.progress', sender: 1, progress: { frames: 9, fps: 30, bitrate: 1_000 } })
    expect(view().stream).to.deep.include({ status: 'ACTIVE', frames: 9, fps: 30, bitrate: 1_000 })
  })

  it('is probed again when its stream fails because of the format, and reconnects for another one', async () => {
    const { actor, facts, probes, probed, view } = camera()
    await probed()
    actor.send({ type: 'pipeline.misfit', reason: because('format_not_offered') })
    expect([probes(), view().status]).to.deep.equal([2, 'CONNECTED'])
    const before = facts.length
    const mode = { fourcc: 'NV12', width: 1920, height: 1080, fps: 30 }
    await probed({ ...probe, pipeline: { ...probe.pipeline, mode } })
    expect(probes()).to.equal(3)
    await probed({ ...probe, pipeline: { ...probe.pipeline, mode } })
    expect(view().mode).to.deep.equal(mode)
    expect(
      facts.slice(before).flatMap((fact) => (fact.type === 'camera.disconnected' ? [fact.reason.code] : [])),
    ).to.include('formats_changed')
  })

  it('keeps the holds on its stream when its formats have changed', async () => {
    const { actor, probed, view } = camera()
    await probed()
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'pipeline.misfit', reason: because('format_not_offered') })
    const other = { ...probe, pipeline: { ...probe.pipeline, mode: { ...probe.pipeline.mode, width: 1920 } } }
    await probed(other)
    await probed(other)
    expect(view().mode?.width).to.equal(1920)
    expect(view().stream.holders).to.deep.equal({ ann: 1 })
  })

  it('stays connected when it cannot be probed again, and is probed at the next failure of its stream', async () => {
    const { actor, probes, probeFails, view } = await connected()
    for (const count of [2, 3]) {
      actor.send({ type: 'pipeline.misfit', reason: because('device_error') })
      expect(probes()).to.equal(count)
      await probeFails(new Failure('device_busy'))
      expect(view().status).to.equal('CONNECTED')
    }
  })

  it('stays connected when its formats are the same', async () => {
    const { actor, facts, probes, probed, view } = camera()
    await probed()
    const before = facts.length
    actor.send({ type: 'pipeline.misfit', reason: because('device_error') })
    await probed()
    expect([probes(), view().status, facts.length]).to.deep.equal([2, 'CONNECTED', before])
  })

  it('is faulty without a signal at its input, until there is one', async () => {
    const { actor, clock, probed, probeFails, view } = camera()
    await probed()
    actor.send({ type: 'pipeline.misfit', reason: because('no_signal') })
    await probeFails(new Failure('no_signal'))
    await probeFails(new Failure('no_signal'))
    expect(view().cause).to.deep.include({ state: 'faulty', reason: because('no_signal') })
    clock.increment(1_000)
    await probed()
    expect(view().status).to.equal('CONNECTED')
  })

  it('lowers its stream while the host is too slow, only if it may, and raises it again later', async () => {
    const fixed = camera()
    await fixed.probed()
    fixed.actor.send({ type: 'pipeline.overloaded', reason: because('overloaded') })
    fixed.clock.increment(86_400_000)
    expect(fixed.probes(), 'nothing is raised, either').to.equal(1)

    const { actor, clock, probed, asked } = camera({ adapts: true })
    await probed()
    actor.send({ type: 'pipeline.overloaded', reason: because('overloaded') })
    await probed()
    actor.send({ type: 'pipeline.overloaded', reason: because('overloaded') })
    await probed()
    expect(asked()).to.deep.equal([0, 1, 2])
    clock.increment(2 * 600_000 - 1)
    expect(asked()).to.have.length(3)
    clock.increment(1)
    expect(asked()).to.deep.equal([0, 1, 2, 1])
  })

  it('takes another name, and whether it may lower its stream, while it is connected', async () => {
    const { actor, facts, probes, probed } = camera()
    await probed()
    actor.send({ type: 'camera.configured', setup: { name: 'Gate', settings: {}, endsOnUnplug: false, adapts: true } })
    expect(facts.at(-1)).to.deep.equal({ type: 'camera.renamed', camera: 'camera0', name: 'Gate' })
    actor.send({ type: 'pipeline.overloaded', reason: because('overloaded') })
    expect(probes()).to.equal(2)
  })

  it('does without a hardware encoder that failed in its stream, until its settings change', async () => {
    const { actor, facts, failed, probed, view } = camera()
    const line = '[h264_vaapi @ 0x5] Failed to end picture encode issue: 24'
    const failure = because('encoder_failed', 'the hardware encoder failed', { line })
    const withHardware: Pipeline = { ...probe.pipeline, encoder: 'h264_vaapi', encoderReason: 'this host …' }
    await probed({ ...probe, pipeline: withHardware })
    expect(facts[0]).to.deep.include({ type: 'camera.probed', encoder: 'h264_vaapi', encoderReason: 'this host …' })
    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'pipeline.encoderFailed', reason: failure })
    const details = 'h264_vaapi failed: the stream is encoded by libx264 from now on'
    expect(facts.filter(({ type }) => type === 'camera.disconnected')).to.deep.equal([
      { type: 'camera.disconnected', camera: 'camera0', reason: because('encoder_failed', details, { line }) },
    ])
    const withX264: Pipeline = { ...probe.pipeline, encoder: 'libx264', encoderReason: 'it failed' }
    await probed({ ...probe, pipeline: withX264 })
    expect(Object.keys(view().stream.holders), 'the hold of ann goes on').to.deep.equal(['ann'])
    expect(view().pipeline).to.deep.include({ encoder: 'libx264', encoderReason: 'it failed' })

    // x264 fails: there is nothing else to try.
    actor.send({ type: 'pipeline.encoderFailed', reason: failure })
    expect(failed()).to.deep.equal([undefined, 'h264_vaapi'])

    actor.send({ type: 'camera.configured', setup: { name: 'Gate', settings: { name: 'Gate', priority: 9 } } })
    actor.send({ type: 'device.replaced', device, identity })
    await probed({ ...probe, pipeline: withX264 })
    expect(failed().at(-1), 'another name is no other stream').to.equal('h264_vaapi')

    actor.send({ type: 'camera.configured', setup: { name: 'Gate', settings: { name: 'Gate', encoder: 'auto' } } })
    actor.send({ type: 'device.replaced', device, identity, reason: because('reconfigured') })
    await probed()
    expect(failed()).to.deep.equal([undefined, 'h264_vaapi', 'h264_vaapi', undefined])
  })

  it('stays connected when only the sentence about its encoder is another one', async () => {
    const { actor, probed, probes, view } = camera()
    const pipeline: Pipeline = { ...probe.pipeline, encoder: 'libx264', encoderReason: 'one' }
    await probed({ ...probe, pipeline })
    actor.send({ type: 'pipeline.misfit', reason: because('device_error') })
    await probed({ ...probe, pipeline: { ...pipeline, encoderReason: 'another' } })
    expect([probes(), view().status]).to.deep.equal([2, 'CONNECTED'])
  })

  it('keeps the holds on its stream over such a step, and over no other loss', async () => {
    const { actor, view, probed, probeFails, log } = camera({ adapts: true })
    const holders = () => Object.keys(view().stream.holders)
    await probed()
    for (const holder of ['ann', 'bob', 'eve']) actor.send({ type: 'stream.hold', holder, since: 1 })
    actor.send({ type: 'pipeline.overloaded', reason: because('overloaded') })
    expect(log.at(-1)).to.equal('path withdrawn')
    expect(holders()).to.deep.equal(['ann', 'bob', 'eve'])
    actor.send({ type: 'stream.release', holder: 'zoe' })
    actor.send({ type: 'stream.release', holder: 'bob' })
    await probed()
    expect(view().stream.status).to.equal('STARTING')
    expect(holders()).to.deep.equal(['ann', 'eve'])
    actor.send({ type: 'stream.release', holder: 'eve' })
    actor.send({ type: 'pipeline.overloaded', reason: because('overloaded') })
    await probed()
    expect(holders()).to.deep.equal(['ann'])
    actor.send({ type: 'device.replaced', device, identity })
    await probed()
    expect(holders()).to.deep.equal([])

    actor.send({ type: 'stream.hold', holder: 'ann', since: 1 })
    actor.send({ type: 'pipeline.overloaded', reason: because('overloaded') })
    await probeFails(new Failure('device_error'))
    expect(holders()).to.deep.equal([])
  })

  it('shows that its host is too slow, and what comes of the stream', async () => {
    const { tap, view, probed } = camera()
    await probed()
    for (let report = 1; report <= 12; report += 1) {
      const progress = { frames: 6 * report, fps: 12, bitrate: 0, speed: 0.4, size: { width: 640, height: 480 } }
      tap({ type: 'tap.progress', sender: 1, progress })
    }
    const { overload, ...stream } = view().stream
    expect(stream).to.deep.include({ status: 'ACTIVE', fps: 12, speed: 0.4, size: { width: 640, height: 480 } })
    expect(overload?.details).to.equal('it encodes at 0.4 of real time')
  })

  it('monitors a network camera by its path and its source, without taps', async () => {
    const { actor, clock, described, view, probed } = camera({ device: yard })
    await probed({ ...probe, pipeline: { ...probe.pipeline, kind: 'pull' } })
    const { pipeline, pull, source } = actor.getSnapshot().children
    expect([pipeline, pull?.getSnapshot().status, source?.getSnapshot().status]).to.deep.equal([
      undefined,
      'active',
      'active',
    ])
    expect(view().kind).to.equal('rtsp')
    clock.increment(60_000)
    expect(described[0]).to.deep.include({ url: yard.url })
  })

  it('follows the size and codec that the media server finds, and tells the recording of a change', async () => {
    const { actor, facts, view, probed, records } = camera({ device: yard })
    await probed({
      capabilities: { formats: [], stream: { codec: 'H264' } },
      pipeline: { kind: 'pull', mode: { fourcc: 'H264', width: 0, height: 0, fps: 0 }, reason: '' },
    })
    const small = { codec: 'H264', width: 640, height: 360 }
    const large = { codec: 'H264', width: 1920, height: 1080 }
    actor.send({ type: 'media.found', media: small, changed: false })
    expect(view().mode).to.deep.include({ width: 640, height: 360 })
    await records()
    const before = facts.length
    actor.send({ type: 'media.found', media: large, changed: true })
    expect(view().mode).to.deep.include({ width: 1920, height: 1080 })
    expect(facts.slice(before).map(({ type }) => type)).to.have.members([
      'camera.mediaChanged',
      'recording.interrupted',
    ])
    expect(view().recording?.reason).to.deep.equal(
      because('stream_changed', 'the camera changed its stream from H264 640x360 to H264 1920x1080'),
    )
  })

  for (const kind of ['local', 'network'] as const) {
    it(`stays faulty while a ${kind} camera is probed again`, async () => {
      const { view, clock, probes, probed, probeFails } = camera({ device: kind === 'local' ? device : yard })
      await probeFails(new Failure('device_error'))
      clock.increment(1_000)
      expect(probes()).to.equal(2)
      expect(view().cause).to.deep.include({ state: 'faulty', reason: because('device_error') })
      await probed()
      expect(view().cause.state).to.equal('available')
    })
  }

  it('is disconnected, not faulty, while a network camera does not answer', async () => {
    const { view, clock, facts, probes, probeFails } = camera({ device: yard })
    await probeFails(new Failure('unreachable'))
    expect(view()).to.deep.include({ status: 'DISCONNECTED' })
    expect(view().cause).to.deep.include({ state: 'faulty', reason: because('unreachable') })
    expect(facts.map(({ type }) => type)).to.deep.equal(['camera.probeFailed'])
    clock.increment(1_000)
    expect(probes()).to.equal(2)
  })

  it('drains when its network camera does not answer any more, and probes again at once', async () => {
    const { actor, clock, view, probed, probes, sourceFails, closed } = camera({ device: yard })
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    sourceFails(new Failure('unreachable'))
    clock.increment(5_000)
    await turn()
    clock.increment(5_000)
    await turn()
    expect(view().cause).to.deep.include({ state: 'draining', reason: because('unreachable') })
    await closed()
    expect(probes()).to.equal(2)
  })

  it('reports an ambiguous identity once', async () => {
    const { actor, facts, probed } = camera()
    await probed()
    actor.send({ type: 'identity.changed', identity: { ...identity, key: 'port:1', basis: 'port', ambiguous: true } })
    actor.send({ type: 'identity.changed', identity: { ...identity, key: 'port:1', basis: 'port', ambiguous: true } })
    expect(facts.filter((fact) => fact.type === 'camera.identityAmbiguous')).to.deep.equal([
      { type: 'camera.identityAmbiguous', camera: 'camera0', reason: because('identity_ambiguous') },
    ])
    expect(actor.getSnapshot().context.identity.basis).to.equal('port')
  })

  it('is retired after a day unplugged', async () => {
    const { actor, clock, facts, probed } = camera()
    await probed()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    clock.increment(24 * 3_600_000 - 1)
    expect(actor.getSnapshot().status).to.equal('active')
    clock.increment(1)
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

  it('stops when the service stops while it drains for another reason', async () => {
    const { actor, facts, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    actor.send({ type: 'service.stopping' })
    await closed()
    expect(actor.getSnapshot().status).to.equal('done')
    expect(facts.filter((fact) => fact.type === 'camera.disconnected')).to.have.length(1)
  })

  it('ends when it is removed, after the recording is stopped and closed and the path is removed', async () => {
    const { actor, log, facts, view, probed, closed } = camera()
    await probed()
    actor.send({ type: 'recording.start', by, format: 'fmp4' })
    await turn()
    actor.send({ type: 'camera.remove', by })
    expect(view().cause).to.deep.include({ state: 'draining', reason: because('removed') })
    expect(log.at(-1)).to.equal('closing')
    actor.send({ type: 'device.found', device, identity })
    await closed()
    expect([log.at(-1), actor.getSnapshot().status]).to.deep.equal(['path withdrawn', 'done'])
    expect(facts.map(({ type }) => type).slice(-5)).to.deep.equal([
      'camera.disconnected',
      'camera.statusChanged',
      'recording.ended',
      'camera.recordingOver',
      'camera.retired',
    ])
  })

  for (const state of ['probing', 'unplugged', 'faulty'] as const) {
    it(`ends at once when it is removed while ${state}`, async () => {
      const { actor, facts, probeFails } = camera()
      if (state === 'faulty') await probeFails(new Failure('device_error'))
      if (state === 'unplugged') actor.send({ type: 'device.removed', reason: because('unplugged') })
      actor.send({ type: 'camera.remove', by })
      expect(actor.getSnapshot().status).to.equal('done')
      expect(facts.at(-1)?.type).to.equal('camera.retired')
    })
  }

  for (const state of ['probing', 'unplugged', 'faulty'] as const) {
    it(`stops at once when ${state}`, async () => {
      const { actor, probeFails } = camera()
      if (state === 'faulty') await probeFails(new Failure('device_error'))
      if (state === 'unplugged') actor.send({ type: 'device.removed', reason: because('unplugged') })
      expect(actor.getSnapshot().hasTag(state)).to.equal(true)
      actor.send({ type: 'service.stopping' })
      expect(actor.getSnapshot().status).to.equal('done')
    })
  }

  it('emits the end of its stream when it goes', async () => {
    const { actor, facts, probed, tap } = camera()
    await probed()
    tap({ type: 'tap.progress', sender: 1, progress: { frames: 9, fps: 30, bitrate: 1_000 } })
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(facts.slice(-4)).to.deep.equal([
      { type: 'stream.started', camera: 'camera0' },
      { type: 'camera.disconnected', camera: 'camera0', reason: because('unplugged') },
      {
        type: 'camera.statusChanged',
        camera: 'camera0',
        name: 'Test Cam',
        from: 'CONNECTED',
        to: 'DISCONNECTED',
        reason: because('unplugged'),
      },
      { type: 'stream.ended', camera: 'camera0', reason: because('unplugged') },
    ])
  })

  it('emits no end of a stream that did not run', async () => {
    const { actor, facts, probed } = camera()
    await probed()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(facts.map(({ type }) => type)).not.to.include('stream.ended')
  })

  it('tells its next recording how long a file may be on a file system that takes no larger one', async () => {
    const { actor, probed, records, closed } = camera()
    await probed()
    await records()
    const limits = { main: 2_700_000 }
    actor.send({ type: 'recording.outgrown', limits })
    actor.send({ type: 'recording.stop', by })
    await closed()
    await records()
    expect(actor.getSnapshot().children.recording?.getSnapshot().context.segmentLimits).to.deep.equal(limits)
  })

  it('tells it the same after a restart of the service, and the recordings after it', async () => {
    const segmentLimits = { main: 2_700_000 }
    const base = { camera: 'camera0', by, format: 'fmp4', startedAt: 1_000 } as const
    const intent: RecordingIntent = { ...base, gaps: [], segmentLimits }
    const { actor, clock, probed, firstBytes, records, closed } = camera({ intent })
    const limits = () => actor.getSnapshot().children.recording?.getSnapshot().context.segmentLimits
    await probed()
    expect(limits()).to.deep.equal(segmentLimits)
    clock.increment(0)
    await firstBytes('two.mp4', 9_000)
    actor.send({ type: 'recording.stop', by })
    await closed()
    await records()
    expect(limits()).to.deep.equal(segmentLimits)
  })

  describe('supervises its children:', () => {
    for (const part of ['demand', 'pipeline', 'pull', 'source'] as const)
      it(`restarts a crashed ${part}`, async () => {
        const isOfNetwork = part === 'pull' || part === 'source'
        const { actor, clock, facts, view, probed } = camera({ device: isOfNetwork ? yard : device })
        await probed()
        const before = actor.getSnapshot().children[part]
        before?.send(crash)
        expect(facts.at(-1)).to.deep.include({ type: 'actor.failed', actor: `${part}:camera0` })
        clock.increment(999)
        expect(actor.getSnapshot().children[part]).to.equal(undefined)
        clock.increment(1)
        const after = actor.getSnapshot().children[part]
        expect([after === before, after?.getSnapshot().status]).to.deep.equal([false, 'active'])
        expect(view().status).to.equal('CONNECTED')
      })

    it('emits the failure of a crashed recording, and stops the recorder', async () => {
      const { actor, clock, facts, log, view, probed } = camera()
      await probed()
      actor.send({ type: 'recording.start', by, format: 'fmp4' })
      await turn()
      actor.getSnapshot().children.recording?.send(crash)
      await turn()
      expect(facts.slice(-2).map(({ type }) => type)).to.deep.equal(['actor.failed', 'recording.failed'])
      expect(facts.at(-1)).to.deep.nested.include({ by, 'outcome.reason.code': 'crashed' })
      expect(log.at(-1)).to.equal('recorder off')
      clock.increment(1_000)
      await turn()
      expect(view().allowed).to.include('start_recording')
    })

    it('continues a crashed recording that had started', async () => {
      const { actor, clock, facts, view, probed, records, firstBytes } = camera()
      await probed()
      await records()
      actor.getSnapshot().children.recording?.send(crash)
      await turn()
      expect(facts.at(-2)?.type).to.equal('actor.failed')
      expect(facts.at(-1)).to.deep.equal({
        type: 'recording.interrupted',
        camera: 'camera0',
        by,
        reason: because('crashed'),
        filename: 'one.mp4',
        closes: false,
      })
      clock.increment(999)
      await turn()
      expect(view().recording).to.equal(undefined)
      clock.increment(1)
      await turn()
      clock.increment(0)
      await firstBytes('two.mp4', 9_000)
      expect(view().recording?.status).to.equal('RECORDING')
    })

    it('continues a crashed recording also if the recorder could not be stopped', async () => {
      const { actor, clock, view, probed, records } = camera({ unstoppable: true })
      await probed()
      await records()
      actor.getSnapshot().children.recording?.send(crash)
      await turn()
      clock.increment(1_000)
      await turn()
      expect(view().recording?.status).to.equal('INTERRUPTED')
    })

    it('drains when its snapshot crashes while it saves the picture', async () => {
      const { actor, facts, view, probed } = camera({ grabs: true })
      await probed()
      actor.send({ type: 'snapshot.take', wish: { by, maxAge: 0, options: { format: 'jpg', quality: 90 } } })
      await turn()
      actor.send({ type: 'device.removed', reason: because('unplugged') })
      expect(view().cause.state).to.equal('draining')
      actor.getSnapshot().children.snapshot?.send(crash)
      expect(view().cause.state).to.equal('unplugged')
      expect(facts.find(({ type }) => type === 'snapshot.failed')).to.deep.include({ reason: because('crashed') })
    })

    it('emits the failure of a crashed snapshot', async () => {
      const { actor, facts, view, probed } = camera()
      await probed()
      const wish = { by, maxAge: 0, options: { format: 'jpg' as const, quality: 90 } }
      actor.send({ type: 'snapshot.take', wish })
      actor.getSnapshot().children.snapshot?.send(crash)
      expect(facts.slice(-2).map(({ type }) => type)).to.deep.equal(['actor.failed', 'snapshot.failed'])
      expect(view().allowed).to.include('take_snapshot')
    })
  })

  describe('reacts in each state', () => {
    const moved: Device = { ...device, node: '/dev/video7' }
    const events = {
      removed: { type: 'device.removed', reason: because('unplugged') },
      replaced: { type: 'device.replaced', device: moved, identity },
      deleted: { type: 'camera.remove', by },
      exit: { type: 'service.stopping' },
    } as const
    type Camera = ReturnType<typeof camera>
    const refused = because('path_refused')
    const drained = (event: Parameters<Camera['actor']['send']>[0]) => async (one: Camera) => {
      await one.probed()
      one.actor.send({ type: 'recording.start', by, format: 'fmp4' })
      await turn()
      one.actor.send(event)
    }
    const faults = async (one: Camera) => {
      await one.probeFails(new Failure('device_error'))
    }
    const phases: Record<string, (one: Camera) => Promise<unknown>> = {
      'is probed': turn,
      'is unplugged': async ({ actor }) => actor.send(events.removed),
      'is faulty': faults,
      'is faulty and probed again': async (one) => {
        await faults(one)
        one.clock.increment(1_000)
      },
      'is refused by the media server': async (one) => {
        await one.probed()
        one.actor.send({ type: 'path.refused', reason: refused })
      },
      'is available': (one) => one.probed(),
      'drains because it was unplugged': drained(events.removed),
      'drains because the media server refuses it': drained({ type: 'path.refused', reason: refused }),
      'drains because it is removed': drained(events.deleted),
      'drains because the service stops': drained(events.exit),
    }
    const outcomes: Record<string, Record<keyof typeof events, string>> = {
      'is probed': {
        removed: 'DISCONNECTED probing, DISCONNECTED unplugged, DISCONNECTED unplugged, 1 probes, no device',
        replaced: 'DISCONNECTED probing, DISCONNECTED probing, DISCONNECTED probing, 2 probes, /dev/video7',
        deleted: 'DISCONNECTED probing, DISCONNECTED retired, DISCONNECTED retired, 1 probes, /dev/video0',
        exit: 'DISCONNECTED probing, DISCONNECTED stopped, DISCONNECTED stopped, 1 probes, /dev/video0',
      },
      'is unplugged': {
        removed: 'DISCONNECTED unplugged, DISCONNECTED unplugged, DISCONNECTED unplugged, 1 probes, no device',
        replaced: 'DISCONNECTED unplugged, DISCONNECTED probing, DISCONNECTED probing, 2 probes, /dev/video7',
        deleted: 'DISCONNECTED unplugged, DISCONNECTED retired, DISCONNECTED retired, 1 probes, no device',
        exit: 'DISCONNECTED unplugged, DISCONNECTED stopped, DISCONNECTED stopped, 1 probes, no device',
      },
      'is faulty': {
        removed:
          'ERROR faulty, DISCONNECTED unplugged, DISCONNECTED unplugged, 1 probes, no device, ERROR to DISCONNECTED',
        replaced: 'ERROR faulty, ERROR faulty, ERROR faulty, 2 probes, /dev/video7',
        deleted: 'ERROR faulty, DISCONNECTED retired, DISCONNECTED retired, 1 probes, /dev/video0',
        exit: 'ERROR faulty, DISCONNECTED stopped, DISCONNECTED stopped, 1 probes, /dev/video0',
      },
      'is faulty and probed again': {
        removed:
          'ERROR faulty, DISCONNECTED unplugged, DISCONNECTED unplugged, 2 probes, no device, ERROR to DISCONNECTED',
        replaced: 'ERROR faulty, ERROR faulty, ERROR faulty, 3 probes, /dev/video7',
        deleted: 'ERROR faulty, DISCONNECTED retired, DISCONNECTED retired, 2 probes, /dev/video0',
        exit: 'ERROR faulty, DISCONNECTED stopped, DISCONNECTED stopped, 2 probes, /dev/video0',
      },
      'is refused by the media server': {
        removed:
          'ERROR faulty, DISCONNECTED unplugged, DISCONNECTED unplugged, 1 probes, no device, ERROR to DISCONNECTED',
        replaced: 'ERROR faulty, ERROR faulty, ERROR faulty, 2 probes, /dev/video7',
        deleted: 'ERROR faulty, DISCONNECTED retired, DISCONNECTED retired, 1 probes, /dev/video0',
        exit: 'ERROR faulty, DISCONNECTED stopped, DISCONNECTED stopped, 1 probes, /dev/video0',
      },
      'is available': {
        removed:
          'CONNECTED available, DISCONNECTED unplugged, DISCONNECTED unplugged, 1 probes, no device, ' +
          'CONNECTED to DISCONNECTED',
        replaced:
          'CONNECTED available, DISCONNECTED probing, DISCONNECTED probing, 2 probes, /dev/video7, ' +
          'CONNECTED to DISCONNECTED',
        deleted:
          'CONNECTED available, DISCONNECTED retired, DISCONNECTED retired, 1 probes, no device, ' +
          'CONNECTED to DISCONNECTED',
        exit: 'CONNECTED available, DISCONNECTED stopped, DISCONNECTED stopped, 1 probes, /dev/video0',
      },
      'drains because it was unplugged': {
        removed: 'DISCONNECTED draining, DISCONNECTED draining, DISCONNECTED unplugged, 1 probes, no device',
        replaced: 'DISCONNECTED draining, DISCONNECTED draining, DISCONNECTED probing, 2 probes, /dev/video7',
        deleted: 'DISCONNECTED draining, DISCONNECTED draining, DISCONNECTED retired, 1 probes, no device',
        exit: 'DISCONNECTED draining, DISCONNECTED draining, DISCONNECTED stopped, 1 probes, no device',
      },
      'drains because the media server refuses it': {
        removed:
          'ERROR draining, DISCONNECTED draining, DISCONNECTED unplugged, 1 probes, no device, ERROR to DISCONNECTED',
        replaced:
          'ERROR draining, DISCONNECTED draining, DISCONNECTED probing, 2 probes, /dev/video7, ERROR to DISCONNECTED',
        deleted: 'ERROR draining, DISCONNECTED draining, DISCONNECTED retired, 1 probes, /dev/video0',
        exit: 'ERROR draining, DISCONNECTED draining, DISCONNECTED stopped, 1 probes, /dev/video0',
      },
      'drains because it is removed': {
        removed: 'DISCONNECTED draining, DISCONNECTED draining, DISCONNECTED retired, 1 probes, no device',
        replaced: 'DISCONNECTED draining, DISCONNECTED draining, DISCONNECTED retired, 1 probes, /dev/video7',
        deleted: 'DISCONNECTED draining, DISCONNECTED draining, DISCONNECTED retired, 1 probes, no device',
        exit: 'DISCONNECTED draining, DISCONNECTED draining, DISCONNECTED stopped, 1 probes, no device',
      },
      'drains because the service stops': {
        removed: 'CONNECTED draining, CONNECTED draining, DISCONNECTED stopped, 1 probes, no device',
        replaced: 'CONNECTED draining, CONNECTED draining, DISCONNECTED stopped, 1 probes, /dev/video7',
        deleted: 'CONNECTED draining, DISCONNECTED draining, DISCONNECTED retired, 1 probes, /dev/video0',
        exit: 'CONNECTED draining, CONNECTED draining, DISCONNECTED stopped, 1 probes, /dev/video0',
      },
    }
    for (const [phase, reach] of Object.entries(phases))
      it(`in which it ${phase}: to an unplug, another node, its removal, the end of the service`, async () => {
        const found: Record<string, string> = {}
        for (const [name, event] of Object.entries(events)) {
          const one = camera()
          await reach(one)
          const before = one.facts.length
          const first = one.view()
          one.actor.send(event)
          const then = one.view()
          await one.closed()
          const last = one.view()
          const told = one.facts
            .slice(before)
            .flatMap((fact) => (fact.type === 'camera.statusChanged' ? [`${fact.from} to ${fact.to}`] : []))
          const states = [first, then, last].map(({ status, cause }) => `${status} ${cause.state}`)
          const { device: now } = one.actor.getSnapshot().context
          const node = now?.kind === 'usb' ? now.node : 'no device'
          found[name] = [...states, `${one.probes()} probes`, node, ...told].join(', ')
        }
        expect(found).to.deep.equal(outcomes[phase])
      })
  })
})

const yard: Extract<Device, { kind: 'rtsp' }> = { kind: 'rtsp', name: 'yard', url: 'rtsp://10.0.0.9/' }

/** camera0, plugged in, with effects that the test controls. */
async function connected() {
  const one = camera()
  await one.probed()
  return one
}

function camera({
  obstacles = {},
  device: mine = device,
  intent,
  endsOnUnplug = false,
  adapts = false,
  unstoppable = false,
  grabs = false,
}: {
  obstacles?: Obstacles
  device?: Device
  intent?: RecordingIntent
  endsOnUnplug?: boolean
  adapts?: boolean
  unstoppable?: boolean
  grabs?: boolean
} = {}) {
  const clock = new SimulatedClock()
  const log: string[] = []
  const facts: Fact[] = []
  let probes = 0
  const asked: number[] = []
  const failed: (string | undefined)[] = []
  let probing = later<Probe & { at: number }>()
  let closing = later<Closed>()
  let opening = later<Opened>()
  let segment = later<Segment>()
  let kept = intent
  let hold = (_: { type: 'stream.held' }) => {}
  let tap = (_: TapEvent) => {}
  let sourceError: Error | undefined
  const described: SourceInput[] = []
  const never = () => fromPromise(() => new Promise(() => {})) as never
  const streamHold = streamHoldMachine.provide({
    actors: {
      askSource: fromPromise(async () => {}) as never,
      openStream: fromCallback(({ sendBack }) => {
        log.push('held')
        hold = sendBack
        return () => log.push('released')
      }) as never,
    },
  })
  const recording = crashing(recordingMachine).provide({
    actors: {
      streamHold,
      openCapture: fromPromise<Opened, RecordingSubject>(() => {
        opening = later()
        return opening.promise
      }),
      confirmSegment: fromPromise<Segment, RecordingSubject>(() => {
        segment = later()
        return segment.promise
      }),
      watchSegments: fromCallback<EventObject, RecordingSubject>(() => {}),
      waitUntil: never(),
      saveIntent: fromPromise<void, { intent: RecordingIntent }>(async ({ input }) => {
        kept = input.intent
      }),
      finishRecording: fromPromise<Closed, Finish>(async ({ input: { files, endedAt } }) => {
        kept = undefined
        return { files, endedAt }
      }),
      closeCapture: fromPromise(() => {
        log.push('closing')
        closing = later<Closed>()
        return closing.promise
      }) as never,
    },
  })
  const machine = cameraMachine.provide({
    actors: {
      recording,
      snapshot: crashing(snapshotMachine).provide({
        actors: { grabDirect: grabs ? (fromPromise(async () => ({})) as never) : never(), savePictures: never() },
      }),
      demand: crashing(demandMachine).provide({ actors: { streamHold, waitUntil: never() } }),
      pipeline: crashing(pipelineMachine).provide({
        actors: {
          watchTaps: fromCallback(({ sendBack }) => {
            tap = sendBack
          }) as never,
          findProcess: never(),
        },
      }),
      pull: crashing(pullMachine).provide({ actors: { measurePath: never() } }),
      source: crashing(sourceMachine).provide({
        actors: {
          describeSource: fromPromise<void, SourceInput>(async ({ input }) => {
            described.push(input)
            if (sourceError) throw sourceError
          }) as never,
        },
      }),
      probeDevice: fromPromise<Probe & { at: number }, OnDevice>(({ input }) => {
        probes += 1
        asked.push(input.ease ?? 0)
        failed.push(input.failedEncoder?.encoder)
        probing = later()
        return probing.promise
      }) as never,
      publishPath: fromCallback(() => {
        log.push('path published')
        return () => log.push('path withdrawn')
      }) as never,
      recallIntent: fromPromise<Recalled | undefined, { camera: CameraId }>(
        async () => kept && { intent: kept, grewAt: 6_000 },
      ),
      abandonCapture: fromPromise(async () => {
        if (unstoppable) throw new Failure('server_unreachable')
        log.push('recorder off')
      }) as never,
    },
  })
  const input = {
    ...{ id: 'camera0' as const, name: 'Test Cam', identity, settings: {}, device: mine },
    ...{ obstacles, endsOnUnplug, adapts },
  }
  const actor = createActor(machine, {
    clock,
    input,
    inspect: (event) => {
      if (event.type === '@xstate.actor') (event.actorRef as typeof actor).on?.('*', (fact) => facts.push(fact))
    },
  })
  const firstBytes = async (filename: string, startedAt: number) => {
    await turn()
    opening.resolve({ watermark: 500, segments: [] })
    await turn()
    segment.resolve({ filename, startedAt })
    await turn()
    await turn()
  }
  actor.start()
  return {
    actor,
    /** To run it again, with a parent. */
    machine,
    input,
    clock,
    log,
    facts,
    view: () => cameraView(actor.getSnapshot(), { state: 0, stream: 0 }),
    described,
    probes: () => probes,
    /** The steps by which the stream was lowered, at each probe. */
    asked: () => asked,
    /** The hardware encoder that had failed before, at each probe. */
    failed: () => failed,
    probed: (found: Probe = probe) => {
      probing.resolve({ ...found, at: 100 })
      return turn()
    },
    probeFails: (error: Error) => {
      probing.reject(error)
      return turn()
    },
    sourceFails: (error: Error) => {
      sourceError = error
    },
    async closed() {
      closing.resolve({ files: [], endedAt: 0 })
      await turn()
      await turn()
    },
    /** Starts a recording; resolves when its first file grows. */
    async records(options: { duration?: number } = {}) {
      actor.send({ type: 'recording.start', by, format: 'fmp4', ...options })
      await firstBytes('one.mp4', 1_000)
    },
    firstBytes,
    held: () => hold({ type: 'stream.held' }),
    tap: (event: TapEvent) => tap(event),
  }
}
