import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { cameraMachine } from '../../machines/camera.js'
import { cameraView } from '../../machines/cameraView.js'
import { configurationMachine, configurationView } from '../../machines/configuration.js'
import { demandMachine } from '../../machines/demand.js'
import { discoveryMachine } from '../../machines/discovery.js'
import { type MediaSession, neverExpires } from '../../machines/domain/access.js'
import type { CameraId, LocalDevice, UsbDevice } from '../../machines/domain/camera.js'
import type { ConfigPlan, FleetSettings } from '../../machines/domain/configuration.js'
import type { Measured } from '../../machines/domain/diskRoom.js'
import type { AddedStream } from '../../machines/domain/external.js'
import type { Fact } from '../../machines/domain/facts.js'
import type { Kick } from '../../machines/domain/mediaReaders.js'
import type { CameraEntry, RecordingFolder, Registry, ServerChoice, ServerInfo } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import { streamKey } from '../../machines/domain/streamUrl.js'
import { externalDiscoveryMachine } from '../../machines/externalDiscovery.js'
import { externalStreamsMachine } from '../../machines/externalStreams.js'
import { fleetMachine } from '../../machines/fleet.js'
import { mediamtxLinkMachine } from '../../machines/mediamtxLink.js'
import { keysWhere, mediaSessionsMachine, mediaSessionsView } from '../../machines/mediaSessions.js'
import { pipelineMachine } from '../../machines/pipeline.js'
import { pullMachine } from '../../machines/pull.js'
import { recordingMachine } from '../../machines/recording.js'
import { retentionMachine } from '../../machines/retention.js'
import { type ServerEnd, type ServerProcessEvent, serverProcessMachine } from '../../machines/serverProcess.js'
import { sourceMachine } from '../../machines/source.js'
import { storageMachine } from '../../machines/storage.js'
import { streamHoldMachine } from '../../machines/streamHold.js'
import { crash, crashing } from '../support/crash.js'
import { later, turn } from '../support/later.js'

const plugged = (serial: string, node: string, port: string): UsbDevice => ({
  kind: 'usb',
  node,
  port,
  serial,
  vendorId: '1d6b',
  productId: '0102',
  model: 'Test Cam',
})
const gate: AddedStream = { url: 'rtsp://ann:secret@10.0.0.7/live', name: 'Gate', type: 'generic_rtsp', addedAt: 1 }
const gateKey = 'rtsp://10.0.0.7:554/live'
const by = { user: 'ann', request: '1', session: 's' }
const revocation = { reason: 'revoked', request: '1', at: 1 }
const [front, back] = [plugged('SN1', '/dev/video0', 'usb-1'), plugged('SN2', '/dev/video2', 'usb-2')]

/** The children of the fleet other than cameras. */
const services = [
  'discovery',
  'externalDiscovery',
  'externalStreams',
  'serverProcess',
  'link',
  'storage',
  'retention',
  'mediaSessions',
  'configuration',
] as const

describe('fleet', () => {
  it('spawns an actor for each camera after its id is saved', async () => {
    const { ids, saved, finds } = fleet()
    await finds([front, back])
    expect(ids()).to.deep.equal(['camera0', 'camera1'])
    expect(saved.at(-1)?.next).to.equal(2)
  })

  it('notifies a camera when its device is removed and comes back, with any node', async () => {
    const { camera, finds } = fleet()
    await finds([front, back])
    await finds([back])
    expect(camera('camera0').cause).to.deep.include({ state: 'unplugged', reason: because('unplugged') })
    await finds([back, { ...front, node: '/dev/video7', port: 'usb-3' }])
    expect(camera('camera0').cause.state).to.equal('probing')
  })

  it('writes the registry only for new cameras', async () => {
    const { saved, finds } = fleet()
    await finds([front])
    const before = saved.length
    await finds([])
    await finds([{ ...front, node: '/dev/video4' }])
    expect(saved).to.have.length(before)
  })

  it('tells a camera that it became ambiguous, although its key is the same', async () => {
    const { camera, finds } = fleet()
    const { serial: _, port: __, ...bare } = front
    await finds([bare])
    expect(camera('camera0').identity.ambiguous).to.equal(false)
    await finds([bare, { ...bare, node: '/dev/video4' }])
    expect([camera('camera0'), camera('camera1')].map(({ identity }) => identity.ambiguous)).to.deep.equal([true, true])
  })

  it('tells once of entries without a device and of devices without an entry, and again when that is new', async () => {
    const usb = (name: string, match: string): CameraEntry => ({
      name,
      source: { kind: 'usb', match },
      enabled: true,
      settings: {},
    })
    const csi: LocalDevice = { kind: 'v4l2', node: '/dev/video9', model: 'unicam', links: ['/dev/v4l/by-path/csi'] }
    const { actor, facts, finds } = fleet({ entries: [usb('porch', 'SN1'), usb('gate', 'SN7')] })
    const told = () =>
      facts.flatMap((fact) => (fact.type === 'entry.absent' || fact.type === 'device.ignored' ? [fact.name] : []))
    const absent = () => actor.getSnapshot().context.absent
    await finds([front, csi])
    expect(told()).to.deep.equal(['gate', 'unicam'])
    expect(facts.find(({ type }) => type === 'device.ignored')).to.deep.include({ source: 'v4l2:/dev/v4l/by-path/csi' })
    const loop = { kind: 'v4l2', node: '/dev/video11', model: 'loop', links: ['/dev/v4l/by-id/loop', '/dev/loop'] }
    const bare = { kind: 'v4l2', node: '/dev/video12', model: 'bare', links: [] }
    await finds([front, csi, loop as LocalDevice, bare as LocalDevice])
    expect(facts.flatMap((fact) => (fact.type === 'device.ignored' ? [fact.source] : [])).slice(1)).to.deep.equal([
      ...['v4l2:/dev/v4l/by-id/loop', 'v4l2:/dev/video12'],
    ])
    await finds([front, csi])
    facts.splice(0, facts.length, ...facts.filter((fact) => !('name' in fact && /loop|bare/.test(fact.name))))
    const before = absent()
    await finds([front, csi])
    expect(told()).to.deep.equal(['gate', 'unicam'])
    expect(absent()).to.equal(before)
    await finds([csi])
    expect(
      absent().map(({ name }) => name),
      'the unplugged camera is in the list',
    ).to.deep.equal(['gate'])
    await finds([front, plugged('SN7', '/dev/video4', 'usb-3'), csi])
    expect(absent()).to.deep.equal([])
    expect(told()).to.deep.equal(['gate', 'unicam'])
  })

  it('gives a camera the name that a client sets, keeps it, and takes it back', async () => {
    const { actor, camera, facts, saved, finds } = fleet()
    await finds([front])
    actor.send({ type: 'camera.rename', camera: 'camera0', name: 'Front Door', by })
    await turn()
    expect([camera('camera0').name, saved.at(-1)?.cameras[0]?.name]).to.deep.equal(['Front Door', 'Front Door'])
    expect(facts.filter(({ type }) => type === 'camera.renamed')).to.deep.equal([
      { type: 'camera.renamed', camera: 'camera0', name: 'Front Door' },
    ])
    await finds([])
    await finds([{ ...front, node: '/dev/video4' }])
    expect(camera('camera0').name).to.equal('Front Door')
    actor.send({ type: 'camera.rename', camera: 'camera0', name: '', by })
    await turn()
    expect([camera('camera0').name, saved.at(-1)?.cameras[0]]).to.deep.equal([
      'Test Cam',
      { id: 'camera0', keys: ['serial:1d6b:0102:SN1', 'port:1d6b:0102:SN1/usb-1'] },
    ])
  })

  it('serves cameras even if ids cannot be saved, and retries', async () => {
    const { ids, saved, clock, finds, savingFails } = fleet()
    savingFails(true)
    await finds([front])
    expect(ids()).to.deep.equal(['camera0'])
    savingFails(false)
    clock.increment(5_000)
    await turn()
    expect(saved.at(-1)?.cameras).to.have.length(1)
  })

  it('includes configured cameras, except disabled ones', async () => {
    const entries: CameraEntry[] = [
      { name: 'yard', source: { kind: 'rtsp', url: 'rtsp://10.0.0.9/' }, enabled: true, settings: {} },
      { name: 'test', source: { kind: 'virtual' }, enabled: false, settings: {} },
      { name: 'porch', source: { kind: 'usb', match: 'SN1' }, enabled: true, settings: { fps: 10 } },
      { name: 'none', source: { kind: 'usb', match: 'usb-2' }, enabled: false, settings: {} },
    ]
    const { views, finds } = fleet({ entries })
    await finds([front, back])
    expect(views().map(({ name, kind }) => [name, kind])).to.deep.equal([
      ['porch', 'usb'],
      ['yard', 'rtsp'],
    ])
  })

  it('adds the demonstration camera only if the first scan finds no camera', async () => {
    const empty = fleet({ demoWhenNone: true })
    await empty.finds([])
    expect(empty.views().map(({ kind }) => kind)).to.deep.equal(['virtual'])
    await empty.finds([front])
    expect(empty.ids().sort()).to.deep.equal(['camera0', 'camera1'])

    const full = fleet({ demoWhenNone: true })
    await full.finds([front])
    await full.finds([])
    expect(full.ids()).to.deep.equal(['camera0'])

    const both = fleet({ demoWhenNone: true, streams: [gate] })
    await both.finds([front])
    expect(both.views().map(({ kind }) => kind)).to.deep.equal(['usb', 'rtsp'])
  })

  it('simulates that a virtual camera is unplugged', async () => {
    const { actor, camera, finds } = fleet({ demoWhenNone: true })
    await finds([])
    actor.send({ type: 'device.simulate', camera: 'camera0', away: true })
    expect(camera('camera0').cause.state).to.equal('unplugged')
    actor.send({ type: 'device.simulate', camera: 'camera0', away: false })
    expect(camera('camera0').cause.state).to.equal('probing')
  })

  it('creates cameras for added streams, both saved and new ones', async () => {
    const { actor, views, finds } = fleet({ streams: [gate] })
    await finds([front])
    add(actor, { ...gate, url: 'rtsp://10.0.0.8/', name: 'Pond' })
    await turn()
    expect(views().map(({ id, kind, name, identity }) => [id, kind, name, identity.key])).to.deep.equal([
      ['camera0', 'usb', 'Test Cam', 'serial:1d6b:0102:SN1'],
      ['camera1', 'rtsp', 'Gate', `rtsp:${gateKey}`],
      ['camera2', 'rtsp', 'Pond', 'rtsp:rtsp://10.0.0.8:554/'],
    ])
  })

  it('removes the camera of a removed stream at once, and reuses its id if it is added again', async () => {
    const { actor, ids, views, finds } = fleet({ streams: [gate] })
    await finds([front])
    actor.send({ type: 'stream.removed', key: gateKey, by })
    await turn()
    expect([ids(), actor.getSnapshot().context.streams]).to.deep.equal([['camera0'], []])
    add(actor, { ...gate, url: 'rtsp://10.0.0.7:554/live', name: 'Gate again' })
    await turn()
    expect(views().map(({ id, name }) => [id, name])).to.deep.equal([
      ['camera0', 'Test Cam'],
      ['camera1', 'Gate again'],
    ])
  })

  it('waits until a removed camera has closed its files before it adds the same stream again', async () => {
    const { actor, ids, camera, finds, records, drained } = fleet({ streams: [gate], slow: true })
    await finds([])
    await records('camera0')
    const before = actor.system.get('camera:camera0')
    actor.send({ type: 'stream.removed', key: gateKey, by })
    add(actor, { ...gate, name: 'Gate again' })
    await turn()
    expect(actor.system.get('camera:camera0')).to.equal(before)
    expect(camera('camera0').cause).to.deep.include({ state: 'draining', reason: because('removed') })
    await drained()
    expect(ids()).to.deep.equal(['camera0'])
    expect(actor.system.get('camera:camera0')).not.to.equal(before)
    expect(camera('camera0').name).to.equal('Gate again')
  })

  it('does not add a removed camera again if the service stops meanwhile', async () => {
    const { actor, ids, finds, records, drained } = fleet({ streams: [gate], slow: true })
    await finds([])
    await records('camera0')
    actor.send({ type: 'stream.removed', key: gateKey, by })
    add(actor, gate)
    actor.send({ type: 'system.stop', reason: 'SIGTERM' })
    await drained()
    expect(ids()).to.deep.equal([])
  })

  it('reopens a stream when its password has changed', async () => {
    const { actor, camera, finds } = fleet({ streams: [gate] })
    await finds([])
    const before = actor.system.get('camera:camera0')
    add(actor, { ...gate, url: 'rtsp://ann:better@10.0.0.7/live' })
    await turn()
    expect(actor.system.get('camera:camera0')).to.equal(before)
    expect(before.getSnapshot().context.device.url).to.contain('better')
    expect(camera('camera0').cause.state).to.equal('probing')
  })

  it('has no added streams while external discovery is disabled', async () => {
    const { ids, finds } = fleet({ streams: [gate], disabled: true })
    await finds([front])
    expect(ids()).to.deep.equal(['camera0'])
  })

  it('ignores an added stream that is also configured', async () => {
    const entries: CameraEntry[] = [
      { name: 'yard', source: { kind: 'rtsp', url: 'rtsp://10.0.0.7:554/live' }, enabled: true, settings: {} },
    ]
    const { views, finds } = fleet({ entries, streams: [gate] })
    await finds([])
    expect(views().map(({ name }) => name)).to.deep.equal(['yard'])
  })

  it('removes a retired camera, and reuses its id when it comes back', async () => {
    const { ids, clock, finds } = fleet()
    await finds([front])
    await finds([])
    clock.increment(24 * 3_600_000)
    await turn()
    expect(ids()).to.deep.equal([])
    await finds([front])
    expect(ids()).to.deep.equal(['camera0'])
  })

  it('stops cameras first and the media server last', async () => {
    const { actor, facts, log, finds, ended } = fleet()
    await finds([front])
    actor.send({ type: 'system.stop', reason: 'SIGTERM' })
    expect(facts.find(({ type }) => type === 'system.stopping')).to.deep.equal({
      type: 'system.stopping',
      reason: 'SIGTERM',
    })
    await turn()
    expect(log).to.deep.equal(['paths settled', 'server ended'])
    await ended()
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('stops what writes or looks for cameras before the cameras, and the link and what they need after them', async () => {
    const { actor, drained, finds, records } = fleet({ streams: [gate], slow: true })
    const running = () =>
      Object.keys(actor.getSnapshot().children)
        .filter((id) => !/^camera\d|^\d|\./.test(id))
        .sort()
    await finds([])
    await records('camera0')
    const serving = running()
    actor.send({ type: 'system.stop', reason: 'SIGTERM' })
    await turn()
    const whileDraining = running()
    await drained()
    expect([serving, whileDraining, running()]).to.deep.equal([
      [
        'clockWatch',
        'configuration',
        'discovery',
        'externalDiscovery',
        'externalStreams',
        'indexing',
        'link',
        'mediaSessions',
        'quarantine',
        'retention',
        'serverProcess',
        'storage',
      ],
      ['clockWatch', 'link', 'mediaSessions', 'serverProcess'],
      ['clockWatch', 'mediaSessions', 'serverProcess'],
    ])
  })

  it('goes on with its end when cameras do not close their files in time, and the media server ends then', async () => {
    const { actor, clock, finds, log, records } = fleet({ streams: [gate], slow: true })
    await finds([])
    await records('camera0')
    actor.send({ type: 'system.stop', reason: 'SIGTERM' })
    clock.increment(8_000)
    actor.send({ type: 'server.lost', reason: because('server_ended') })
    await turn()
    expect(actor.getSnapshot().status).to.equal('active')
    expect(log.slice(-2)).to.deep.equal(['paths settled', 'server ended'])
  })

  it('stops at once while the registry is still being read', () => {
    const { actor, facts } = fleet({ hold: true })
    actor.send({ type: 'system.stop', reason: 'SIGTERM' })
    expect(actor.getSnapshot().status).to.equal('done')
    expect(facts).to.deep.equal([{ type: 'system.stopping', reason: 'SIGTERM' }])
  })

  it('triggers a check of the link when the media server starts or ends', async () => {
    const { asked, server } = fleet()
    await turn()
    const before = asked()
    await server({ type: 'server.started', pid: 1 })
    expect(asked()).to.equal(before + 1)
    await server({ type: 'server.exited', reason: 'the media server was ended by SIGKILL' })
    expect(asked()).to.equal(before + 2)
  })

  it('tells the process of the media server whether its API answers', async () => {
    const { actor, server } = fleet()
    await turn()
    await server({ type: 'server.started', pid: 1 })
    const state = () => JSON.stringify(actor.getSnapshot().children.serverProcess?.getSnapshot().value)
    expect(state()).to.include('fresh')
    actor.send({ type: 'server.answers' })
    expect(state()).to.include('answering')
    actor.send({ type: 'server.silent' })
    expect(state()).to.include('silent')
  })

  it('does not trigger a check of the link when the media server ends with the service', async () => {
    const { actor, asked, server } = fleet()
    await turn()
    await server({ type: 'server.started', pid: 1 })
    const before = asked()
    actor.send({ type: 'system.stop', reason: 'SIGTERM' })
    await turn()
    expect(asked()).to.equal(before)
  })

  it('notifies all cameras, including new ones, of a full disk and a lost media server', async () => {
    const { actor, camera, finds } = fleet()
    await finds([front])
    actor.send({ type: 'storage.blocked', reason: because('storage_full') })
    actor.send({ type: 'server.restored' })
    await finds([front, back])
    for (const id of ['camera0', 'camera1'] as const)
      expect(camera(id).obstacles).to.deep.equal({ storage: because('storage_full'), server: undefined })
    actor.send({ type: 'storage.freed' })
    expect(camera('camera1').obstacles.storage).to.equal(undefined)
    actor.send({ type: 'server.lost', reason: because('server_unreachable') })
    for (const id of ['camera0', 'camera1'] as const)
      expect(camera(id).obstacles).to.deep.include({ server: because('server_unreachable') })
  })

  it('blocks recordings until the disk is measured and the media server has started', async () => {
    const { camera, finds } = fleet()
    await finds([front])
    const { storage, server } = camera('camera0').obstacles
    expect([storage?.code, server?.code]).to.deep.equal(['storage_unknown', 'not_started'])
  })

  it('answers a ping', () => {
    const { actor } = fleet()
    expect(actor.getSnapshot().context.pong, 'the first ping has the number 1').to.equal(0)
    actor.send({ type: 'system.ping', id: 7 })
    expect(actor.getSnapshot().context.pong).to.equal(7)
  })

  describe('supervision:', () => {
    for (const service of services)
      it(`reports and restarts a crashed ${service}`, async () => {
        const { actor, clock, facts, finds } = fleet()
        await finds([front])
        const before = actor.system.get(service)
        before.send(crash)
        expect(facts.at(-1)).to.deep.equal({
          type: 'actor.failed',
          actor: service,
          reason: because('crashed', 'a bug'),
          restarts: 1,
        })
        clock.increment(0)
        const after = actor.system.get(service)
        expect([after === before, after?.getSnapshot().status]).to.deep.equal([false, 'active'])
      })

    it('restarts a crashed camera with its id', async () => {
      const { actor, clock, camera, facts, ids, finds } = fleet()
      await finds([front])
      const before = actor.system.get('camera:camera0')
      before.send(crash)
      expect(facts.at(-1)).to.deep.include({ type: 'actor.failed', actor: 'camera:camera0' })
      clock.increment(0)
      expect(ids()).to.deep.equal(['camera0'])
      expect(actor.system.get('camera:camera0')).not.to.equal(before)
      expect(camera('camera0').cause.state).to.equal('probing')
    })

    it('closes the recording of a crashed camera', async () => {
      const { actor, log, finds, records } = fleet({ streams: [gate], slow: true })
      await finds([])
      await records('camera0')
      actor.system.get('camera:camera0').send(crash)
      await turn()
      expect(log).to.include('closing')
    })

    it('restarts crashed media sessions with their readers, and repeats the kicks in progress', async () => {
      const { actor, clock, log, finds } = fleet()
      await finds([front])
      const before = actor.system.get('mediaSessions')
      const admits = (id: string) =>
        before.send({
          type: 'reader.admit',
          session: {
            id,
            protocol: 'rtsp',
            camera: 'camera0',
            user: 'ann',
            address: '192.0.2.7',
            since: 0,
            expiresAt: neverExpires,
          },
          at: 0,
          endsAt: neverExpires,
        })
      for (const id of ['stays', 'revoked']) admits(id)
      const isRevoked = ({ id }: MediaSession) => id === 'revoked'
      before.send({ type: 'readers.end', keys: keysWhere(before.getSnapshot(), isRevoked), ...revocation })
      before.send(crash)
      clock.increment(0)
      const after = actor.system.get('mediaSessions')
      expect(mediaSessionsView(after.getSnapshot()).map(({ id }) => id)).to.deep.equal(['stays', 'revoked'])
      await turn()
      expect(log.filter((line) => line.startsWith('kick'))).to.deep.equal(['kick revoked', 'kick revoked'])
    })

    it('gives a restarted configuration the confirmed version, so that it reverts the change in progress', async () => {
      const { actor, clock, facts, finds } = fleet()
      await finds([front])
      const { settings } = actor.getSnapshot().context.configuration
      const priority = () => actor.getSnapshot().context.priority
      const planOf = (text: string, level: number): ConfigPlan => ({
        ...{ text, writes: true, changes: [], needsRestart: [], warnings: [] },
        settings: { ...settings, fleet: { ...settings.fleet, priority: level } },
      })
      const change = (plan: ConfigPlan) => {
        actor.send({ type: 'change.pending', plan, request: { origin: 'client', by, patch: {} } })
        actor.send({ type: 'settings.changed', settings: plan.settings })
      }
      const confirmed = planOf('confirmed', 3)
      change(confirmed)
      actor.send({ type: 'change.settled', text: confirmed.text, settings: confirmed.settings })
      change(planOf('unconfirmed', 7))
      await turn()
      expect(priority()).to.equal(7)

      actor.system.get('configuration').send(crash)
      clock.increment(0)
      for (let more = 0; more < 5; more++) await turn()
      expect(priority()).to.equal(3)
      expect(facts.at(-1)).to.deep.include({ type: 'config.rolledBack', by, origin: 'client' })
      expect(configurationView(actor.system.get('configuration').getSnapshot()).text).to.equal('confirmed')

      // Nothing is left to revert.
      facts.length = 0
      actor.system.get('configuration').send(crash)
      clock.increment(1_000)
      for (let more = 0; more < 5; more++) await turn()
      expect(facts.map(({ type }) => type)).to.deep.equal(['actor.failed'])
      expect(configurationView(actor.system.get('configuration').getSnapshot()).text).to.equal('confirmed')
    })

    it('blocks recordings while storage is being restarted', async () => {
      const { actor, clock, camera, finds } = fleet()
      await finds([front])
      actor.send({ type: 'storage.freed' })
      expect(camera('camera0').obstacles.storage).to.equal(undefined)
      actor.system.get('storage').send(crash)
      expect(camera('camera0').obstacles.storage?.code).to.equal('storage_unknown')
      clock.increment(0)
      await turn()
      expect(camera('camera0').obstacles.storage?.code).to.equal('storage_unknown')
    })

    it('increases the delay of each restart', async () => {
      const { actor, clock, finds } = fleet()
      await finds([front])
      for (const pause of [0, 1_000, 2_000, 4_000]) {
        actor.system.get('retention').send(crash)
        if (pause > 0) {
          clock.increment(pause - 1)
          expect(actor.system.get('retention')).to.equal(undefined)
        }
        clock.increment(1)
        expect(actor.system.get('retention')?.getSnapshot().status).to.equal('active')
      }
    })

    it('counts the minute of the crashes from the first of them', async () => {
      const { actor, clock, facts, finds } = fleet()
      await finds([front])
      clock.increment(59_000)
      actor.system.get('retention').send(crash)
      clock.increment(5_000)
      actor.system.get('retention').send(crash)
      clock.increment(60_000)
      actor.system.get('retention').send(crash)
      const restarts = facts.flatMap((fact) => (fact.type === 'actor.failed' ? [fact.restarts] : []))
      expect(restarts).to.deep.equal([1, 2, 1])
    })

    it('ends the root after too many crashes in a minute', async () => {
      const { actor, clock, finds } = fleet()
      await finds([front])
      const crashes = (count: number) => {
        for (let left = count; left > 0; left -= 1) {
          actor.system.get('retention').send(crash)
          clock.increment(5_000)
        }
      }
      crashes(3)
      clock.increment(60_000)
      expect(actor.getSnapshot().status).to.equal('active')
      for (const service of ['retention', 'discovery', 'storage', 'externalDiscovery', 'link', 'serverProcess'])
        actor.system.get(service).send(crash)
      clock.increment(20_000)
      expect(actor.getSnapshot().status).to.equal('active')
      for (const service of ['retention', 'discovery']) actor.system.get(service).send(crash)
      expect(actor.getSnapshot()).to.deep.include({ status: 'done', value: 'broken' })
      expect(actor.getSnapshot().hasTag('broken')).to.equal(true)
    })
  })

  it('fails with the reason if the registry cannot be read', async () => {
    const { actor, loadingFails } = fleet({ hold: true })
    await loadingFails('the registry is from a later version')
    expect(actor.getSnapshot()).to.deep.include({ status: 'done', value: 'failed' })
    expect(actor.getSnapshot().context.reason).to.equal('the registry is from a later version')
  })
})

describe('fleet with another configuration', () => {
  const virtual = (name: string, settings: CameraEntry['settings'] = {}): CameraEntry => ({
    name,
    source: { kind: 'virtual' },
    enabled: true,
    settings: { name, ...settings },
  })
  const yard = (url: string): CameraEntry => ({ ...virtual('yard'), source: { kind: 'rtsp', url } })

  /** A fleet with cameras that are available. `reported`: facts about cameras since the last change. */
  async function running(entries: CameraEntry[], devices: UsbDevice[] = []) {
    const made = fleet({ entries, slow: true })
    await made.finds(devices)
    await turn()
    const { settings } = made.actor.getSnapshot().context.configuration
    return {
      ...made,
      async configure(changes: Partial<FleetSettings>) {
        made.facts.length = 0
        const fleetSettings = { ...settings.fleet, entries, ...changes }
        made.actor.send({ type: 'settings.changed', settings: { ...settings, fleet: fleetSettings } })
        for (let more = 0; more < 5; more++) await turn()
      },
      reported: () =>
        made.facts.flatMap((fact) =>
          'camera' in fact && !fact.type.endsWith('.probed') ? [`${fact.type} ${fact.camera}`] : [],
        ),
      states: () => made.views().map(({ name, cause }) => [name, cause.state]),
    }
  }

  it('adds, removes and reconnects only the cameras that differ', async () => {
    const entries = [virtual('a'), virtual('b'), virtual('c'), yard('rtsp://10.0.0.9/1')]
    const { configure, reported, states } = await running(entries)
    expect(states().map(([, state]) => state)).to.deep.equal(['available', 'available', 'available', 'available'])
    await configure({ entries: [virtual('a'), virtual('b', { fps: 5 }), yard('rtsp://10.0.0.9/2'), virtual('d')] })
    expect(states()).to.deep.equal([
      ['a', 'available'],
      ['b', 'available'],
      ['yard', 'available'],
      ['d', 'available'],
    ])
    expect(new Set(reported().filter((line) => !line.startsWith('camera.statusChanged')))).to.deep.equal(
      new Set([
        'camera.disconnected camera1',
        'camera.disconnected camera2',
        'camera.disconnected camera3',
        'camera.retired camera2',
        'camera.connected camera1',
        'camera.connected camera3',
        'camera.connected camera4',
      ]),
    )
  })

  it('names the reason of a reconnection', async () => {
    const { configure, facts } = await running([virtual('a')])
    await configure({ entries: [virtual('a', { fps: 5 })] })
    expect(facts).to.deep.include({
      type: 'camera.disconnected',
      camera: 'camera0',
      reason: because('reconfigured'),
    })
  })

  it('renames a USB camera without a reconnection, and ignores one from now on', async () => {
    const usb = (name: string, enabled = true): CameraEntry => ({
      name,
      source: { kind: 'usb', match: 'SN1' },
      enabled,
      settings: { name },
    })
    const { configure, reported, states } = await running([usb('door')], [front, back])
    await configure({ entries: [usb('gate')] })
    expect([states()[0], reported()]).to.deep.equal([['gate', 'available'], ['camera.renamed camera0']])
    await configure({ entries: [usb('gate', false)] })
    expect(states().map(([name]) => name)).to.deep.equal(['Test Cam'])
    await configure({ entries: [] })
    expect(states().map(([, state]) => state)).to.deep.equal(['available', 'available'])
  })

  it('gives a camera its priority and its limits without a reconnection', async () => {
    const { actor, configure, reported } = await running([virtual('a')])
    await configure({ entries: [virtual('a', { priority: 90, limits: { maxAgeDays: 3 } })] })
    expect(reported()).to.deep.equal([])
    const { settings } = actor.system.get('camera:camera0').getSnapshot().context
    expect(settings).to.deep.include({ priority: 90, limits: { maxAgeDays: 3 } })
  })

  it('adds a camera again that is still closing its recording', async () => {
    const { configure, records, drained, states } = await running([virtual('a')])
    await records('camera0')
    await configure({ entries: [] })
    expect(states()).to.deep.equal([['a', 'draining']])
    await configure({ entries: [virtual('a')] })
    await drained()
    for (let more = 0; more < 5; more++) await turn()
    expect(states()).to.deep.equal([['a', 'available']])
  })

  it('gives the limits of recordings to cameras without a reconnection, for their next recordings', async () => {
    const { actor, configure, records, reported } = await running([virtual('a')])
    await configure({ endsOnUnplug: true, maxInterruption: 5_000 })
    expect(reported()).to.deep.equal([])
    await records('camera0')
    const { recording } = actor.system.get('camera:camera0').getSnapshot().children
    expect(recording.getSnapshot().context).to.include({ endsOnUnplug: true, maxInterruption: 5_000 })
    await configure({ endsOnUnplug: false })
    expect(actor.system.get('camera:camera0').getSnapshot().context.maxInterruption).to.equal(undefined)
  })

  it('gives the limits of the disk, the policy and the interval to its services', async () => {
    const { actor, configure } = await running([])
    await configure({
      storage: { warnPercent: 10, blockPercent: 20, minFree: 7, interval: 900, freeTarget: 8, isGraded: true },
      retention: {
        policy: { type: 'age', maxAgeDays: 3, enabled: true },
        checkInterval: 5_000,
        hasTarget: true,
        hasAgeLimits: true,
      },
      external: { interval: 9_000, maxStreams: 3, skydio: true, generic: false },
    })
    const of = (name: string) => actor.system.get(name).getSnapshot().context
    const limits = { warnPercent: 10, blockPercent: 20, minFree: 7, interval: 900, freeTarget: 8, isGraded: true }
    expect(of('storage')).to.include(limits)
    expect(of('retention')).to.deep.include({
      policy: { type: 'age', maxAgeDays: 3, enabled: true },
      checkInterval: 5_000,
      hasTarget: true,
      hasAgeLimits: true,
    })
    expect(of('externalDiscovery')).to.include({ interval: 9_000, skydio: true, generic: false })
    expect(of('externalStreams').maxStreams).to.equal(3)
  })

  it('keeps the interval of scans that a client has set', async () => {
    const { actor, configure } = await running([])
    actor.send({ type: 'interval.changed', interval: 1_000 })
    await configure({ external: { interval: 9_000, maxStreams: 3, skydio: false, generic: false } })
    expect(actor.system.get('externalDiscovery').getSnapshot().context.interval).to.equal(1_000)
  })

  it('replaces an added stream by its configured camera', async () => {
    const { configure, actor, views } = await running([])
    add(actor, gate)
    await turn()
    expect(views().map(({ identity }) => identity.key)).to.deep.equal([`rtsp:${gateKey}`])
    await configure({ entries: [{ ...yard(gate.url), name: 'gate' }] })
    expect(views().map(({ identity }) => identity.key)).to.deep.equal(['rtsp:gate'])
  })

  it('keeps the demonstration camera while the service runs', async () => {
    const made = fleet({ demoWhenNone: true })
    await made.finds([])
    const { settings } = made.actor.getSnapshot().context.configuration
    made.actor.send({ type: 'settings.changed', settings })
    await turn()
    expect(made.views().map(({ name }) => name)).to.deep.equal(['demo'])
  })

  it('waits with a change for the first look for cameras', async () => {
    const { actor, ids, finds } = fleet({})
    await turn()
    const { settings } = actor.getSnapshot().context.configuration
    const fleetSettings = { ...settings.fleet, entries: [virtual('a')] }
    actor.send({ type: 'settings.changed', settings: { ...settings, fleet: fleetSettings } })
    await turn()
    expect([actor.getSnapshot().hasTag('started'), ids()]).to.deep.equal([false, []])
    await finds([])
    expect([actor.getSnapshot().hasTag('started'), ids()]).to.deep.equal([true, ['camera0']])
  })
})

/** Sends the message of externalStreams for a new stream, or for new credentials. */
function add(actor: ReturnType<typeof fleet>['actor'], stream: AddedStream) {
  const others = actor.getSnapshot().context.streams.filter(({ url }) => streamKey(url) !== streamKey(stream.url))
  actor.send({ type: 'streams.changed', streams: [...others, stream] })
}

interface FleetOptions {
  entries?: CameraEntry[]
  streams?: AddedStream[]
  disabled?: boolean
  demoWhenNone?: boolean
  hold?: boolean
  /** Cameras are online, and the test controls when their recordings are closed. */
  slow?: boolean
}

/** Returns the effects of a camera that is online and can record. */
function busy(closing: Promise<never>, log: string[]) {
  const quiet = () => fromCallback(() => {}) as never
  const mode = { fourcc: 'H264', width: 320, height: 240, fps: 15 }
  const never = () => fromPromise(() => new Promise(() => {})) as never
  const streamHold = streamHoldMachine.provide({ actors: { openStream: quiet() } })
  const recording = recordingMachine.provide({
    actors: {
      streamHold,
      openCapture: never(),
      closeCapture: fromPromise(() => {
        log.push('closing')
        return closing
      }) as never,
    },
  })
  return {
    actors: {
      recording,
      demand: demandMachine.provide({ actors: { streamHold, waitUntil: never() } }),
      pipeline: pipelineMachine.provide({ actors: { watchTaps: quiet() } }),
      pull: pullMachine.provide({ actors: { measurePath: never() } }),
      source: sourceMachine.provide({ actors: { describeSource: never() } }),
      probeDevice: fromPromise(async () => ({
        at: 1,
        capabilities: { formats: [] },
        pipeline: { kind: 'pull', mode, reason: 'test' },
      })) as never,
      publishPath: quiet(),
      recallIntent: nothingToRecall,
    },
  }
}

const nothingToRecall = fromPromise(async () => undefined) as never

/** A fleet with real machines. Their effects do nothing, or the test controls them. */
function fleet({
  entries = [],
  streams = [],
  disabled = false,
  demoWhenNone = false,
  hold = false,
  slow = false,
}: FleetOptions = {}) {
  const draining = later<never>()
  const external = { enabled: !disabled, interval: 0, atStart: false, skydio: false, generic: false }
  const clock = new SimulatedClock()
  const saved: Registry[] = []
  const log: string[] = []
  const facts: Fact[] = []
  const loading = later<Registry>()
  const ending = later<void>()
  let scanning = later<LocalDevice[]>()
  let fails = false
  let asked = 0
  let tellServer = (_: ServerProcessEvent) => {}
  const never = () => fromPromise<never>(() => new Promise(() => {})) as never
  const quiet = () => fromCallback(() => {}) as never
  const refusing = fromPromise<ServerInfo>(async () => {
    asked += 1
    throw new Error('connection refused')
  })
  const actor = createActor(
    fleetMachine.provide({
      actors: {
        loadRegistry: fromPromise<Registry>(() => loading.promise),
        saveRegistry: fromPromise<void, { registry: Registry }>(async ({ input }) => {
          if (fails) throw new Error('read-only file system')
          saved.push(input.registry)
        }),
        settlePaths: fromPromise<void>(async () => void log.push('paths settled')),
        camera: crashing(cameraMachine).provide(
          slow ? busy(draining.promise, log) : { actors: { probeDevice: never(), recallIntent: nothingToRecall } },
        ),
        retention: crashing(retentionMachine).provide({ actors: { loadPolicy: never() } }),
        configuration: crashing(configurationMachine),
        externalDiscovery: crashing(externalDiscoveryMachine),
        externalStreams: crashing(externalStreamsMachine),
        mediaSessions: crashing(mediaSessionsMachine).provide({
          actors: {
            kickReaders: fromCallback(({ receive }) =>
              receive((event) => log.push(`kick ${(event as unknown as Kick).session.id}`)),
            ),
            waitUntil: fromPromise<{ at: number }, { at: number }>(async ({ input }) =>
              input.at > 0 ? new Promise(() => {}) : input,
            ),
          },
        }),
        discovery: crashing(discoveryMachine).provide({
          actors: {
            watchDevices: quiet(),
            scanDevices: fromPromise<LocalDevice[]>(() => {
              scanning = later()
              return scanning.promise
            }),
          },
        }),
        serverProcess: crashing(serverProcessMachine).provide({
          actors: {
            chooseServer: fromPromise<ServerChoice>(async () => ({ kind: 'managed', why: 'test' })),
            runServer: fromCallback(({ sendBack }) => {
              tellServer = sendBack
            }) as never,
            endServer: fromPromise<void, ServerEnd>(() => {
              log.push('server ended')
              return ending.promise
            }),
          },
        }),
        link: crashing(mediamtxLinkMachine).provide({
          actors: { askInfo: refusing, syncPaths: never(), watchBreaker: quiet(), pauseCalls: quiet() },
        }),
        storage: crashing(storageMachine).provide({
          actors: { measureDisk: fromPromise<Measured, { folder: RecordingFolder }>(() => new Promise(() => {})) },
        }),
      },
    }),
    {
      clock,
      input: {
        entries,
        streams,
        external,
        demoWhenNone,
        pollEvery: 10_000,
        storage: { warnPercent: 80, blockPercent: 90, minFree: 0, interval: 5_000 },
        link: { seed: 2 ** 31, resetAfter: 2_000 },
      },
      inspect: (event) => {
        if (event.type === '@xstate.actor') (event.actorRef as typeof actor).on?.('*', (fact) => facts.push(fact))
      },
    },
  )
  actor.start()
  if (!hold) loading.resolve({ next: 0, cameras: [], sharedSerials: [] })
  const ids = () => Object.keys(actor.getSnapshot().context.told) as CameraId[]
  const camera = (id: CameraId) => cameraView(actor.system.get(`camera:${id}`).getSnapshot(), { state: 0, stream: 0 })
  return {
    actor,
    clock,
    saved,
    log,
    facts,
    ids,
    camera,
    views: () => ids().map(camera),
    /** Number of checks by the link. */
    asked: () => asked,
    async server(event: ServerProcessEvent) {
      tellServer(event)
      await turn()
    },
    savingFails: (does: boolean) => {
      fails = does
    },
    /** Sets the devices that the next scan finds. */
    async finds(devices: LocalDevice[]) {
      await turn()
      const discovery = actor.getSnapshot().children.discovery
      if (discovery?.getSnapshot().matches({ scanning: 'waiting' })) discovery.send({ type: 'devices.hint' })
      scanning.resolve(devices)
      await turn()
      await turn()
    },
    async records(id: CameraId) {
      actor.send({ type: 'storage.freed' })
      actor.send({ type: 'server.restored' })
      actor.system.get(`camera:${id}`).send({ type: 'recording.start', by, format: 'fmp4' })
      await turn()
    },
    async drained() {
      draining.reject('the stream ended')
      await turn()
      await turn()
    },
    ended: () => {
      ending.resolve()
      return turn()
    },
    loadingFails: (reason: string) => {
      loading.reject(reason)
      return turn()
    },
  }
}
