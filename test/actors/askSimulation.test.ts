import { expect } from 'chai'
import { createActor } from 'xstate'
import { createSimulationAsk } from '../../actors/askSimulation.js'
import { simulationEffects } from '../../actors/effects/simulation.js'
import { createFacts } from '../../actors/facts.js'
import type { ServiceError } from '../../machines/domain/errors.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { type Act, noScenario, type Scenario, type SimulatedDevice } from '../../machines/domain/simulation.js'
import type { CameraView } from '../../machines/domain/views.js'
import { simulationMachine } from '../../machines/simulation.js'
import { createGate } from '../support/gate.js'
import { turn } from '../support/later.js'

const by = { user: 'ann', request: 'r1', session: 's' }
const refusalOf = async (call: Promise<unknown>): Promise<ServiceError> =>
  call.then(
    () => {
      throw new Error('it was not refused')
    },
    (error: ServiceError) => error,
  )
const front: SimulatedDevice = {
  name: 'front',
  plugged: true,
  device: {
    kind: 'usb',
    node: 'simulated:0',
    vendorId: '1d6b',
    productId: '0102',
    model: 'front',
    serial: 'S1',
    port: 'usb-0:1',
  },
}
const ofFront = { key: 'serial:1d6b:0102:S1', basis: 'serial', confidence: 'high', ambiguous: false } as const

/** A service with these cameras. `acts`: what reached the ports. */
function serve({
  views = [{}] as Partial<CameraView>[],
  devices = [] as SimulatedDevice[],
  enabled = true,
  scenario = noScenario as Scenario,
  link = 'up' as 'up' | 'down',
} = {}) {
  const { log } = createGate()
  const facts = createFacts({ clock: Date, log })
  const cameras = views.map(
    (view, index) =>
      ({
        id: `camera${index}`,
        kind: 'virtual',
        name: 'demo',
        status: 'CONNECTED',
        cause: { state: 'available', since: 0 },
        identity: { key: 'virtual:demo', basis: 'name', confidence: 'high', ambiguous: false },
        allowed: [],
        obstacles: {},
        ...view,
      }) as unknown as CameraView,
  )
  const acts: unknown[][] = []
  const note =
    (what: string) =>
    async (...words: unknown[]) =>
      void acts.push([what, ...words.filter((word) => !(word instanceof AbortSignal) && word !== undefined)])
  const state = { link }
  const simulatedHost = {
    devices: () => devices,
    plug: note('plug'),
    unplug: note('unplug'),
    twin: note('twin'),
    server: note('server'),
    disk: note('disk'),
    jumpClock: note('clock'),
  }
  const pipelines = {
    simulate: async (_: string, fault: string) => {
      if (fault === 'stall') throw new Failure('stream_asleep')
      acts.push([fault, _])
    },
  }
  const clock = { now: Date.now, monotonic: () => performance.now() }
  const effects = simulationEffects({
    ...{ simulatedHost, pipelines, clock, facts },
    cameras: () => cameras,
    link: () => ({ state: state.link }),
  })
  const actor = createActor(simulationMachine.provide({ actors: effects }), { input: scenario })
  actor.on('*', (fact) => facts.publish(fact))
  actor.start()
  const camera = (id: string) => cameras.find((each) => each.id === id) as CameraView
  const ask = createSimulationAsk({ actor: () => actor, facts, directory: { camera }, simulatedHost, clock, enabled })
  return {
    ...ask,
    actor,
    acts,
    host: simulatedHost,
    facts,
    cameras,
    state,
    told: () => facts.publish({ type: 'system.started' }),
  }
}

describe('a request to simulate a fault', () => {
  const stall: Act = { action: 'stall', camera: 'camera0' }
  const away = { state: 'unplugged', since: 0, reason: because('unplugged') }

  it('is unsupported while simulation is disabled, and for a real camera', async () => {
    expect((await refusalOf(serve({ enabled: false }).simulate(stall, by))).data).to.deep.equal({
      feature: 'simulation',
      suggestion: 'Set simulation.enabled to true',
    })
    for (const kind of ['rtsp', 'usb'] as const) {
      const { key, data } = await refusalOf(serve({ views: [{ kind, identity: ofFront }] }).simulate(stall, by))
      const what = { rtsp: 'an RTSP camera', usb: 'a USB camera' }[kind]
      expect(key).to.equal('unsupported')
      expect(data).to.include({
        feature: `simulation of ${what}`,
        details: `camera0 is ${what}: only virtual cameras can simulate faults`,
      })
      expect(data.suggestion).to.match(/^Call it for a virtual camera/)
    }
  })

  it('fails with the state of an unplugged camera, or the reason of a stream that is not running', async () => {
    const unplugged = await refusalOf(serve({ views: [{ cause: away }] }).simulate(stall, by))
    expect([unplugged.key, unplugged.data.state, unplugged.data.details]).to.deep.equal([
      'invalidState',
      'unplugged',
      'camera0 is unplugged: the camera was unplugged',
    ])
    const asleep = await refusalOf(serve().simulate(stall, by))
    expect(asleep.key).to.equal('invalidState')
    expect(asleep.data).to.include({ reason: 'stream_asleep', state: 'INACTIVE' })
    expect(asleep.data.allowed_states).to.deep.equal(['ACTIVE'])
  })

  it('is refused for the present state if the fault does not fit it, and fails if the host does', async () => {
    const refused = async (error: unknown) => {
      const { simulate, host } = serve({ views: [{ kind: 'usb', identity: ofFront }], devices: [front] })
      host.plug = async () => Promise.reject(error)
      const { key, data } = await refusalOf(simulate({ action: 'plug', camera: 'camera0', port: '9' }, by))
      return [key, data.reason, data.details ?? data.detail]
    }
    const taken = 'front is plugged in at another port: use replug'
    expect(await refused(new Failure('not_simulated', taken))).to.deep.equal(['invalidState', 'not_simulated', taken])
    expect(await refused(new Error('no memory'))).to.deep.equal(['dependencyFailed', 'failed', 'no memory'])
  })

  it('reaches the host of a simulated camera by its id, and the media server, the disk and the clock', async () => {
    const { simulate, acts } = serve({ views: [{ kind: 'usb', identity: ofFront }], devices: [front] })
    const camera = 'camera0'
    for (const act of [
      { action: 'unplug', camera },
      { action: 'plug', camera },
      { action: 'replug', camera, port: '2' },
      { action: 'twin', camera },
      { action: 'busy', camera },
      { action: 'kill_server' },
      { action: 'disk_full' },
      { action: 'jump_clock', by: -5_000 },
    ] as Act[])
      await simulate(act, { ...by })
    expect(acts).to.deep.equal([
      ['unplug', 'front'],
      ['plug', 'front'],
      ['unplug', 'front'],
      ['plug', 'front', '2'],
      ['twin', 'front'],
      ['busy', 'camera0'],
      ['server', 'kill_server'],
      ['disk', 'disk_full'],
      ['clock', -5_000],
    ])
  })

  it('has no port for a virtual camera', async () => {
    for (const action of ['twin', 'replug'] as const) {
      const { key, data } = await refusalOf(serve().simulate({ action, camera: 'camera0', port: '2' }, by))
      expect([key, data.details]).to.deep.equal(['unsupported', 'camera0 is a virtual camera, which has no USB port'])
    }
  })

  it('leaves no listener when it is refused because too many wait', async () => {
    const { simulate, actor } = serve()
    actor.getSnapshot().can = () => false
    const { key, data } = await refusalOf(simulate({ action: 'disk_ok' }, by))
    expect([key, data.state]).to.deep.equal(['invalidState', 'busy'])
  })
})

describe('the start of a scenario', () => {
  const scenario: Scenario = {
    ...noScenario,
    cameras: [{ name: 'front', port: '1', plugged: true }],
    names: ['front', 'demo', 'away'],
    steps: [{ action: 'disk_full', at: 0 }],
  }
  const devices = [front, { ...front, name: 'away', plugged: false }]
  const views = (status: CameraView['status']) =>
    [{ kind: 'usb', identity: ofFront, status }, {}] as Partial<CameraView>[]

  it('waits until the media server and all cameras that are plugged in are ready', async () => {
    const { acts, cameras, state, told } = serve({ scenario, devices, views: views('DISCONNECTED'), link: 'down' })
    await turn()
    state.link = 'up'
    told()
    await turn()
    expect(acts).to.deep.equal([])
    Object.assign(cameras[0] as CameraView, { status: 'CONNECTED' })
    told()
    await turn()
    expect(acts).to.deep.equal([['disk', 'disk_full']])
  })

  it('is possible once for a client, and only if the scenario waits for it', async () => {
    const held = serve({ scenario: { ...scenario, start: 'asked' }, devices, views: views('CONNECTED') })
    await turn()
    expect(held.acts).to.deep.equal([])
    held.startScenario()
    await turn()
    expect(held.acts).to.deep.equal([['disk', 'disk_full']])
    expect(() => held.startScenario())
      .to.throw()
      .with.property('key', 'invalidState')
  })
})
