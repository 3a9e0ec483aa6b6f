import { expect } from 'chai'
import { createActor, createMachine, emit, fromCallback, fromPromise, SimulatedClock, sendTo, setup } from 'xstate'
import { createFacts } from '../../actors/facts.js'
import { createObserver } from '../../actors/observer.js'
import { cameraMachine } from '../../machines/camera.js'
import type { TapEvent } from '../../machines/domain/capture.js'
import type { SystemFact, Told } from '../../machines/domain/facts.js'
import { because } from '../../machines/domain/reason.js'
import { pipelineMachine } from '../../machines/pipeline.js'
import { crash, crashing } from '../support/crash.js'
import { turn } from '../support/later.js'

const mode = { fourcc: 'RGB3', width: 640, height: 480, fps: 30 }

describe('observer', () => {
  it('publishes the facts of all actors, including children', () => {
    const { observer, heard } = observe()
    const child = setup({ types: { emitted: {} as SystemFact, events: {} as { type: 'go' } } }).createMachine({
      on: { go: { actions: emit({ type: 'system.started' }) } },
    })
    const parent = setup({ actors: { child } }).createMachine({
      invoke: { src: 'child', id: 'child' },
      on: { go: { actions: sendTo('child', { type: 'go' }) } },
    })
    const actor = createActor(parent, { inspect: observer.inspect })
    actor.start()
    actor.send({ type: 'go' })
    expect(heard).to.deep.equal([{ type: 'system.started', seq: 1, at: 1_000 }])
  })

  it('stores the start time of a top-level state', () => {
    const { observer, tick } = observe()
    const link = createMachine({
      initial: 'up',
      states: {
        up: {
          initial: 'resting',
          states: { resting: { on: { check: 'checking' } }, checking: { on: { rest: 'resting' } } },
          on: { lose: 'down' },
        },
        down: {},
      },
    })
    const actor = createActor(link, { systemId: 'link', inspect: observer.inspect })
    actor.start()
    const up = observer.since('link')
    tick()
    actor.send({ type: 'check' })
    actor.send({ type: 'rest' })
    expect(observer.since('link')).to.equal(up)
    actor.send({ type: 'lose' })
    expect(observer.since('link')).to.be.greaterThan(up)
  })

  it('knows the start time of a state before it publishes a fact about it', () => {
    const { observer, facts, tick } = observe()
    const link = setup({ types: { emitted: {} as SystemFact } }).createMachine({
      initial: 'down',
      states: { down: { on: { go: 'up' } }, up: { entry: emit({ type: 'system.started' }) } },
    })
    const starts: number[] = []
    const actor = createActor(link, { systemId: 'link', inspect: observer.inspect })
    facts.subscribe(() => starts.push(observer.since('link')))
    actor.start()
    tick()
    actor.send({ type: 'go' })
    expect(starts).to.deep.equal([2_000])
  })

  it('removes a camera that is gone, and its stream', async () => {
    const { observer } = observe()
    const identity = { key: 'serial:1:2:3', basis: 'serial' as const, confidence: 'high' as const, ambiguous: false }
    const device = { kind: 'usb' as const, node: '/dev/video0', vendorId: '1', productId: '2', model: 'Cam' }
    const never = fromPromise<never>(() => new Promise(() => {})) as never
    const clock = new SimulatedClock()
    const camera = cameraMachine.provide({ actors: { probeDevice: never } })
    const input = { id: 'camera0' as const, name: 'Yard', identity, settings: {}, device, obstacles: {} }
    const actor = createActor(camera, { clock, systemId: 'camera:camera0', inspect: observer.inspect, input })
    actor.start()
    const both = () => [observer.since('camera:camera0'), observer.since('camera:camera0/stream')]
    expect(both()).to.deep.equal([1_000, 1_000])
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    clock.increment(25 * 3_600_000)
    expect(actor.getSnapshot().status).to.equal('done')
    expect(both()).to.deep.equal([0, 0])
  })

  it("tracks the stream of a camera from the camera's children", async () => {
    const { observer, tick } = observe()
    const quiet = fromCallback(() => {}) as never
    let tap = (_: TapEvent) => {}
    const pipeline = pipelineMachine.provide({
      actors: {
        watchTaps: fromCallback(({ sendBack }) => {
          tap = sendBack
        }) as never,
      },
    })
    const probed = { at: 1, capabilities: { formats: [] }, pipeline: { kind: 'encode', mode, reason: '' } }
    const camera = cameraMachine.provide({
      actors: { probeDevice: fromPromise(async () => probed) as never, publishPath: quiet, pipeline },
    })
    const device = { kind: 'virtual' as const, name: 'demo' }
    const identity = { key: 'virtual:demo', basis: 'name' as const, confidence: 'high' as const, ambiguous: false }
    const input = { id: 'camera0' as const, name: 'Demo', identity, settings: {}, device, obstacles: {} }
    const clock = new SimulatedClock()
    createActor(camera, { clock, systemId: 'camera:camera0', inspect: observer.inspect, input }).start()
    await turn()
    tick()
    tap({ type: 'tap.progress', sender: 1, progress: { frames: 1, fps: 30, bitrate: 0 } })
    expect([observer.since('camera:camera0'), observer.since('camera:camera0/stream')]).to.deep.equal([1_000, 2_000])
  })

  it('logs a crash with its stack, but not a failed effect', async () => {
    const { observer, errors, thrown } = observe()
    const child = crashing(createMachine({ id: 'child' }))
    const parent = setup({
      actors: { child, failing: fromPromise(async () => Promise.reject(new Error('expected'))) },
    }).createMachine({
      invoke: [
        { src: 'child', id: 'child', systemId: 'storage', onError: {} },
        { src: 'failing', onError: {} },
      ],
    })
    const actor = createActor(parent, { inspect: observer.inspect }).start()
    await turn()
    actor.system.get('storage').send(crash)
    expect(errors).to.deep.equal(['an actor crashed'])
    expect(thrown[0]).to.deep.include({ actor: 'storage' })
    expect(String((thrown[0]?.error as Error | undefined)?.stack)).to.include('a bug')
  })

  it('never throws to the sender of an event', () => {
    const { observer, errors } = observe(() => {
      throw new Error('the log is broken')
    })
    const actor = createActor(createMachine({ on: { go: {} } }), { systemId: 'link', inspect: observer.inspect })
    actor.start()
    actor.send({ type: 'go' })
    expect(errors).to.include('the observer failed')
  })
})

function observe(debug: () => void = () => {}) {
  const heard: Told[] = []
  const errors: string[] = []
  let now = 1_000
  const quiet = () => {}
  const thrown: Record<string, unknown>[] = []
  const error = (message: string, fields: Record<string, unknown> = {}) => {
    errors.push(message)
    thrown.push(fields)
  }
  const log = { error, warn: quiet, info: quiet, debug }
  const clock = { now: () => now }
  const facts = createFacts({ clock, log })
  facts.subscribe((fact) => heard.push(fact))
  return {
    observer: createObserver({ facts, clock, log }),
    facts,
    heard,
    errors,
    thrown,
    tick: () => {
      now += 1_000
    },
  }
}
