import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { cameraMachine } from '../../machines/camera.js'
import { cameraView } from '../../machines/cameraView.js'
import { discoveryMachine } from '../../machines/discovery.js'
import type { CameraId, UsbDevice } from '../../machines/domain/camera.js'
import type { AddedStream } from '../../machines/domain/external.js'
import type { CameraEntry, DiskUsage, Registry, ServerChoice, ServerInfo } from '../../machines/domain/ports.js'
import { fleetMachine } from '../../machines/fleet.js'
import { mediamtxLinkMachine } from '../../machines/mediamtxLink.js'
import { recordingMachine } from '../../machines/recording.js'
import { type ServerProcessEvent, serverProcessMachine } from '../../machines/serverProcess.js'
import { storageMachine } from '../../machines/storage.js'
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
const [front, back] = [plugged('SN1', '/dev/video0', 'usb-1'), plugged('SN2', '/dev/video2', 'usb-2')]

describe('fleet', () => {
  it('gives each camera an actor of its own, once its id is kept', async () => {
    const { ids, saved, finds } = fleet()
    await finds([front, back])
    expect(ids()).to.deep.equal(['camera0', 'camera1'])
    expect(saved.at(-1)?.next).to.equal(2)
  })

  it('tells a camera of its going and coming, under any node', async () => {
    const { camera, finds } = fleet()
    await finds([front, back])
    await finds([back])
    expect(camera('camera0').cause).to.deep.include({ state: 'unplugged', reason: 'unplugged' })
    await finds([back, { ...front, node: '/dev/video7', port: 'usb-3' }])
    expect(camera('camera0').cause.state).to.equal('probing')
  })

  it('writes the registry only when somebody new came', async () => {
    const { saved, finds } = fleet()
    await finds([front])
    const before = saved.length
    await finds([])
    await finds([{ ...front, node: '/dev/video4' }])
    expect(saved).to.have.length(before)
  })

  it('serves also when ids cannot be kept, and tries again', async () => {
    const { ids, saved, clock, finds, savingFails } = fleet()
    savingFails(true)
    await finds([front])
    expect(ids()).to.deep.equal(['camera0'])
    savingFails(false)
    clock.increment(5_000)
    await turn()
    expect(saved.at(-1)?.cameras).to.have.length(1)
  })

  it('knows the cameras of the configuration, and leaves out the disabled', async () => {
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

  it('adds the demonstration camera only when the first look finds none', async () => {
    const empty = fleet({ demoWhenNone: true })
    await empty.finds([])
    expect(empty.views().map(({ kind }) => kind)).to.deep.equal(['virtual'])
    await empty.finds([front])
    expect(empty.ids().sort()).to.deep.equal(['camera0', 'camera1'])

    const full = fleet({ demoWhenNone: true })
    await full.finds([front])
    await full.finds([])
    expect(full.ids()).to.deep.equal(['camera0'])
  })

  it('plays the unplugging of a virtual camera', async () => {
    const { actor, camera, finds } = fleet({ demoWhenNone: true })
    await finds([])
    actor.send({ type: 'device.simulate', camera: 'camera0', away: true })
    expect(camera('camera0').cause.state).to.equal('unplugged')
    actor.send({ type: 'device.simulate', camera: 'camera0', away: false })
    expect(camera('camera0').cause.state).to.equal('probing')
  })

  it('makes added streams cameras, those of an earlier life and new ones', async () => {
    const { actor, views, finds } = fleet({ streams: [gate] })
    await finds([front])
    actor.send({ type: 'stream.add', stream: { ...gate, url: 'rtsp://10.0.0.8/', name: 'Pond' } })
    await turn()
    expect(views().map(({ id, kind, name, identity }) => [id, kind, name, identity.key])).to.deep.equal([
      ['camera0', 'usb', 'Test Cam', 'serial:1d6b:0102:SN1'],
      ['camera1', 'rtsp', 'Gate', `rtsp:${gateKey}`],
      ['camera2', 'rtsp', 'Pond', 'rtsp:rtsp://10.0.0.8:554/'],
    ])
  })

  it('lets a removed stream go at once, and welcomes it back under its id', async () => {
    const { actor, ids, views, finds } = fleet({ streams: [gate] })
    await finds([front])
    actor.send({ type: 'stream.remove', key: gateKey, by })
    await turn()
    expect([ids(), actor.getSnapshot().context.streams]).to.deep.equal([['camera0'], []])
    actor.send({ type: 'stream.add', stream: { ...gate, url: 'rtsp://10.0.0.7:554/live', name: 'Gate again' } })
    await turn()
    expect(views().map(({ id, name }) => [id, name])).to.deep.equal([
      ['camera0', 'Test Cam'],
      ['camera1', 'Gate again'],
    ])
  })

  it('waits for a removed camera to close its files before the same stream comes back', async () => {
    const { actor, ids, camera, finds, records, drained } = fleet({ streams: [gate], slow: true })
    await finds([])
    await records('camera0')
    const before = actor.system.get('camera:camera0')
    actor.send({ type: 'stream.remove', key: gateKey, by })
    actor.send({ type: 'stream.add', stream: { ...gate, name: 'Gate again' } })
    await turn()
    expect(actor.system.get('camera:camera0')).to.equal(before)
    expect(camera('camera0').cause).to.deep.include({ state: 'draining', reason: 'removed' })
    await drained()
    expect(ids()).to.deep.equal(['camera0'])
    expect(actor.system.get('camera:camera0')).not.to.equal(before)
    expect(camera('camera0').name).to.equal('Gate again')
  })

  it('does not bring a removed camera back when the service stops meanwhile', async () => {
    const { actor, ids, finds, records, drained } = fleet({ streams: [gate], slow: true })
    await finds([])
    await records('camera0')
    actor.send({ type: 'stream.remove', key: gateKey, by })
    actor.send({ type: 'stream.add', stream: gate })
    actor.send({ type: 'system.stop', reason: 'SIGTERM' })
    await drained()
    expect(ids()).to.deep.equal([])
  })

  it('opens a stream anew whose password has changed', async () => {
    const { actor, camera, finds } = fleet({ streams: [gate] })
    await finds([])
    const before = actor.system.get('camera:camera0')
    actor.send({ type: 'stream.add', stream: { ...gate, url: 'rtsp://ann:better@10.0.0.7/live' } })
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

  it('leaves an added stream to the configuration that has it too', async () => {
    const entries: CameraEntry[] = [
      { name: 'yard', source: { kind: 'rtsp', url: 'rtsp://10.0.0.7:554/live' }, enabled: true, settings: {} },
    ]
    const { views, finds } = fleet({ entries, streams: [gate] })
    await finds([])
    expect(views().map(({ name }) => name)).to.deep.equal(['yard'])
  })

  it('lets a camera go that was given up, and welcomes it back under its id', async () => {
    const { ids, clock, finds } = fleet()
    await finds([front])
    await finds([])
    clock.increment(24 * 3_600_000)
    await turn()
    expect(ids()).to.deep.equal([])
    await finds([front])
    expect(ids()).to.deep.equal(['camera0'])
  })

  it('stops: cameras first, the media server last', async () => {
    const { actor, log, finds, ended } = fleet()
    await finds([front])
    actor.send({ type: 'system.stop', reason: 'SIGTERM' })
    await turn()
    expect(log).to.deep.equal(['server ended'])
    await ended()
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('has the link look at once when the media server comes or goes', async () => {
    const { asked, server } = fleet()
    await turn()
    const before = asked()
    await server({ type: 'server.started', pid: 1 })
    expect(asked()).to.equal(before + 1)
    await server({ type: 'server.exited', reason: 'the media server was ended by SIGKILL' })
    expect(asked()).to.equal(before + 2)
  })

  it('does not have the link look when the media server ends with us', async () => {
    const { actor, asked, server } = fleet()
    await turn()
    await server({ type: 'server.started', pid: 1 })
    const before = asked()
    actor.send({ type: 'system.stop', reason: 'SIGTERM' })
    await turn()
    expect(asked()).to.equal(before)
  })

  it('fails, with its reason, when the registry cannot be read', async () => {
    const { actor, loadingFails } = fleet({ hold: true })
    await loadingFails('the registry is from a later version')
    expect(actor.getSnapshot()).to.deep.include({ status: 'done', value: 'failed' })
    expect(actor.getSnapshot().context.reason).to.equal('the registry is from a later version')
  })
})

interface FleetOptions {
  entries?: CameraEntry[]
  streams?: AddedStream[]
  disabled?: boolean
  demoWhenNone?: boolean
  hold?: boolean
  /** Cameras are online, and their recordings take until the test says so to be closed. */
  slow?: boolean
}

/** What a camera needs to be online, and to record. */
function busy(closing: Promise<never>) {
  const quiet = () => fromCallback(() => {}) as never
  const mode = { fourcc: 'H264', width: 320, height: 240, fps: 15 }
  const never = () => fromPromise(() => new Promise(() => {})) as never
  const recording = recordingMachine.provide({
    actors: {
      validateStart: fromPromise(async () => {}) as never,
      openCapture: never(),
      closeCapture: fromPromise(() => closing) as never,
    },
  })
  return {
    actors: {
      recording,
      probeDevice: fromPromise(async () => ({
        at: 1,
        capabilities: { formats: [] },
        pipeline: { kind: 'pull', mode, reason: 'test' },
      })) as never,
      publishPath: quiet(),
      watchPipeline: quiet(),
      watchSource: quiet(),
      holdStream: quiet(),
      waitUntil: never(),
    },
  }
}

/** A fleet with real machines whose effects do nothing, or wait for the test. */
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
  const loading = later<Registry>()
  const ending = later<void>()
  let scanning = later<UsbDevice[]>()
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
        camera: cameraMachine.provide(slow ? busy(draining.promise) : { actors: { probeDevice: never() } }),
        discovery: discoveryMachine.provide({
          actors: {
            watchDevices: quiet(),
            scanDevices: fromPromise<UsbDevice[]>(() => {
              scanning = later()
              return scanning.promise
            }),
          },
        }),
        serverProcess: serverProcessMachine.provide({
          actors: {
            chooseServer: fromPromise<ServerChoice>(async () => ({ kind: 'managed', why: 'test' })),
            runServer: fromCallback(({ sendBack }) => {
              tellServer = sendBack
            }) as never,
            endServer: fromPromise<void>(() => {
              log.push('server ended')
              return ending.promise
            }),
          },
        }),
        link: mediamtxLinkMachine.provide({ actors: { askInfo: refusing, syncPaths: never(), watchBreaker: quiet() } }),
        storage: storageMachine.provide({
          actors: { measureDisk: fromPromise<DiskUsage>(() => new Promise(() => {})) },
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
        storage: { warnPercent: 80, blockPercent: 90 },
      },
    },
  )
  actor.start()
  if (!hold) loading.resolve({ next: 0, cameras: [], sharedSerials: [] })
  const ids = () => Object.keys(actor.getSnapshot().context.told) as CameraId[]
  const camera = (id: CameraId) => cameraView(actor.system.get(`camera:${id}`).getSnapshot())
  return {
    actor,
    clock,
    saved,
    log,
    ids,
    camera,
    views: () => ids().map(camera),
    /** How often the link has asked. */
    asked: () => asked,
    async server(event: ServerProcessEvent) {
      tellServer(event)
      await turn()
    },
    savingFails: (does: boolean) => {
      fails = does
    },
    /** What the next look at the USB ports finds. */
    async finds(devices: UsbDevice[]) {
      await turn()
      const discovery = actor.getSnapshot().children.discovery
      if (discovery?.getSnapshot().value === 'waiting') discovery.send({ type: 'devices.hint' })
      scanning.resolve(devices)
      await turn()
      await turn()
    },
    async records(id: CameraId) {
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
