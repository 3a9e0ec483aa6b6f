import { expect } from 'chai'
import { type AnyActorRef, createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { cameraMachine } from '../../machines/camera.js'
import { cameraView } from '../../machines/cameraView.js'
import { demandMachine } from '../../machines/demand.js'
import { discoveryMachine } from '../../machines/discovery.js'
import type { CameraId, LocalDevice } from '../../machines/domain/camera.js'
import type { Measured } from '../../machines/domain/diskRoom.js'
import type { CameraEntry, RecordingFolder, Registry, Segment } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import { fleetMachine } from '../../machines/fleet.js'
import type { FleetContext } from '../../machines/fleetContext.js'
import { contendersOf } from '../../machines/fleetPriorities.js'
import { mediamtxLinkMachine } from '../../machines/mediamtxLink.js'
import { pipelineMachine } from '../../machines/pipeline.js'
import { recordingMachine } from '../../machines/recording.js'
import type { Closed, Opened } from '../../machines/recordingContext.js'
import { retentionMachine } from '../../machines/retention.js'
import { serverProcessMachine } from '../../machines/serverProcess.js'
import { storageMachine } from '../../machines/storage.js'
import { streamHoldMachine } from '../../machines/streamHold.js'
import { turn } from '../support/later.js'

const by = { user: 'ann', request: '1', session: 's' }

const ends: (() => void)[] = []

describe('a fleet whose disk fills up', () => {
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  it('interrupts the recordings of low priority first, one with each measurement', async () => {
    const { record, measures, states } = await fleet([10, 90, undefined])
    await measures(50)
    for (const id of ['camera0', 'camera1', 'camera2'] as const) await record(id)
    expect(states()).to.deep.equal(['RECORDING', 'RECORDING', 'RECORDING'])
    await measures(86)
    expect(states()).to.deep.equal(['storage', 'RECORDING', 'RECORDING'])
    await measures(87)
    expect(states()).to.deep.equal(['storage', 'RECORDING', 'storage'])
    await measures(88)
    expect(states()).to.deep.equal(['storage', 'RECORDING', 'storage'])
    await measures(90)
    expect(states()).to.deep.equal(['storage', 'storage', 'storage'])
  })

  it('continues the highest first when there is room, and the others one after the other', async () => {
    const { record, measures, states, order } = await fleet([10, 90, undefined])
    await measures(50)
    for (const id of ['camera0', 'camera1', 'camera2'] as const) await record(id)
    order.splice(0)
    await measures(95)
    expect(states()).to.deep.equal(['storage', 'storage', 'storage'])
    await measures(87)
    expect(states()).to.deep.equal(['storage', 'RECORDING', 'storage'])
    await measures(82)
    expect(states()).to.deep.equal(['RECORDING', 'RECORDING', 'RECORDING'])
    expect(order).to.deep.equal(['camera1', 'camera2', 'camera0'])
  })

  it('refuses to start a recording of a lower priority than the running one, with the reason', async () => {
    const { record, measures, states, view } = await fleet([10, 90])
    await measures(50)
    await record('camera1')
    await measures(86)
    await record('camera0')
    expect(states()).to.deep.equal(['none', 'RECORDING'])
    expect(view('camera0').obstacles.storage).to.deep.equal({
      code: 'storage_priority',
      details: 'the disk is nearly full: recordings with a higher priority go first',
    })
    await measures(70)
    await measures(70)
    await record('camera0')
    expect(states()).to.deep.equal(['RECORDING', 'RECORDING'])
  })

  it('interrupts all at once at the limit if they have the same priority', async () => {
    const { record, measures, states } = await fleet([undefined, undefined])
    await measures(50)
    for (const id of ['camera0', 'camera1'] as const) await record(id)
    await measures(89)
    expect(states()).to.deep.equal(['RECORDING', 'RECORDING'])
    await measures(90)
    expect(states()).to.deep.equal(['storage', 'storage'])
    await measures(87)
    expect(states()).to.deep.equal(['RECORDING', 'RECORDING'])
  })

  it('measures the disk when a recording begins to write', async () => {
    const { record, measures, asked } = await fleet([undefined])
    await measures(50)
    const before = asked()
    await record('camera0')
    expect(asked()).to.equal(before + 1)
  })
})

/** A fleet of virtual cameras with these priorities (default 50), whose disk the test measures. */
async function fleet(priorities: (number | undefined)[]) {
  const clock = new SimulatedClock()
  const never = () => fromPromise<never>(() => new Promise(() => {})) as never
  const quiet = () => fromCallback(() => {}) as never
  let percent = 0
  let at = 0
  let asked = 0
  let started = 0
  const order: CameraId[] = []
  const recording = recordingMachine.provide({
    actors: {
      streamHold: streamHoldMachine.provide({ actors: { openStream: quiet() } }),
      openCapture: fromPromise<Opened>(async () => ({ watermark: 0, segments: [] })) as never,
      confirmSegment: fromPromise<Segment, { camera: CameraId }>(async ({ input }) => {
        started += 1
        order.push(input.camera)
        return { filename: `${started}.mp4`, startedAt: started }
      }) as never,
      saveIntent: fromPromise<void>(async () => {}) as never,
      watchSegments: quiet(),
      waitUntil: never(),
      closeCapture: fromPromise<Closed>(async () => ({ files: [], endedAt: started })) as never,
    },
  })
  const entries: CameraEntry[] = priorities.map((priority, index) => ({
    name: `c${index}`,
    source: { kind: 'virtual' },
    enabled: true,
    settings: priority === undefined ? {} : { priority },
  }))
  const mode = { fourcc: 'H264', width: 16, height: 16, fps: 1 }
  const actor = createActor(
    fleetMachine.provide({
      actors: {
        loadRegistry: fromPromise<Registry>(async () => ({ next: 0, cameras: [], sharedSerials: [] })),
        saveRegistry: fromPromise<void>(async () => {}) as never,
        camera: cameraMachine.provide({
          actors: {
            recording,
            demand: demandMachine.provide({ actors: { waitUntil: never() } }),
            pipeline: pipelineMachine.provide({ actors: { watchTaps: quiet() } }),
            probeDevice: fromPromise(async () => ({
              at: 1,
              capabilities: { formats: [] },
              pipeline: { kind: 'copy', mode, reason: 'test' },
            })) as never,
            publishPath: quiet(),
            recallIntent: fromPromise(async () => undefined) as never,
          },
        }),
        retention: retentionMachine.provide({ actors: { loadPolicy: never(), loadClock: never() } }),
        discovery: discoveryMachine.provide({
          actors: { watchDevices: quiet(), scanDevices: fromPromise<LocalDevice[]>(async () => []) },
        }),
        serverProcess: serverProcessMachine.provide({ actors: { chooseServer: never() } }),
        link: mediamtxLinkMachine.provide({
          actors: { askInfo: never(), syncPaths: never(), watchBreaker: quiet(), pauseCalls: quiet() },
        }),
        storage: storageMachine.provide({
          actors: {
            measureDisk: fromPromise<Measured, { folder: RecordingFolder }>(async () => {
              asked += 1
              // So far apart that nobody seems to write.
              at += 10 * 24 * 3_600_000
              return { at, total: 1_000, used: percent * 10, available: 1_000 - percent * 10, percent }
            }),
            keepReserve: fromPromise<void>(async () => {}),
          },
        }),
      },
    }),
    {
      clock,
      input: {
        entries,
        demoWhenNone: false,
        pollEvery: 3_600_000,
        priority: 50,
        storage: {
          warnPercent: 80,
          blockPercent: 90,
          minFree: 0,
          interval: 5_000,
          isGraded: priorities.some((priority) => priority !== undefined),
        },
        link: { seed: 2 ** 31, resetAfter: 2_000 },
      },
    },
  )
  actor.start()
  const settle = async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      await turn()
      clock.increment(0)
    }
  }
  await settle()
  const view = (id: CameraId) => cameraView(actor.system.get(`camera:${id}`).getSnapshot(), { state: 0, stream: 0 })
  ends.push(() => actor.stop())
  return {
    view,
    /** The cameras in the order in which their recordings began or continued. */
    order,
    asked: () => asked,
    states: () =>
      priorities.map((_, index) => {
        const { recording } = view(`camera${index}`)
        return recording === undefined ? 'none' : (recording.waitsFor ?? recording.status)
      }),
    async measures(next: number) {
      percent = next
      actor.send({ type: 'server.restored' })
      actor.system.get('storage').send({ type: 'disk.check' })
      await settle()
    },
    async record(id: CameraId) {
      actor.system.get(`camera:${id}`).send({ type: 'recording.start', by, format: 'fmp4' })
      await settle()
    },
  }
}

const contending = (tag: string | undefined, priority?: number, isBlocked = false) =>
  ({
    getSnapshot: () => ({
      context: { settings: { priority }, obstacles: isBlocked ? { storage: because('storage_full') } : {} },
      children:
        tag === undefined ? {} : { recording: { getSnapshot: () => ({ hasTag: (one: string) => one === tag }) } },
    }),
  }) as unknown as AnyActorRef
const contender = (one: AnyActorRef, usual?: number) => {
  const context = { told: { camera0: {} }, ...(usual !== undefined && { priority: usual }) }
  return contendersOf(context as unknown as FleetContext, { camera0: one })[0]
}

describe('the recordings that compete for a disk', () => {
  it('are those that would write if there were room', () => {
    for (const tag of ['starting', 'recording', 'waitingForStorage'])
      expect(contender(contending(tag))?.isWanted, tag).to.equal(true)
    for (const tag of ['stopping', 'stopped', 'suspended', 'failed', 'waitingForCamera', 'waitingForServer'])
      expect(contender(contending(tag))?.isWanted, tag).to.equal(false)
    expect(contender(contending(undefined))?.isWanted).to.equal(false)
  })

  it('have the priority of their camera, else the usual one, else none', () => {
    expect(contender(contending('recording', 7), 3)?.priority).to.equal(7)
    expect(contender(contending('recording'), 3)?.priority).to.equal(3)
    expect(contender(contending('recording'))?.priority).to.equal(0)
  })

  it('may be blocked already, and belong to running cameras only', () => {
    expect(contender(contending('recording', 1, true))?.isBlocked).to.equal(true)
    expect(contender(contending('recording', 1))?.isBlocked).to.equal(false)
    expect(contendersOf({ told: { camera0: {} } } as unknown as FleetContext, {})).to.deep.equal([])
  })
})
