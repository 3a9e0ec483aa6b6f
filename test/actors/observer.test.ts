import { expect } from 'chai'
import { createActor, createMachine, emit, fromPromise, SimulatedClock, sendTo, setup } from 'xstate'
import { createFacts } from '../../actors/facts.js'
import { createObserver } from '../../actors/observer.js'
import { cameraMachine } from '../../machines/camera.js'
import type { StillAnswer, SystemFact, Told } from '../../machines/domain/facts.js'

describe('observer', () => {
  it('relays the facts of every actor, children included', () => {
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

  it('tells nobody what only answers one caller', () => {
    const { observer, heard } = observe()
    const by = { user: 'ann', request: '1', session: '' }
    const answer: StillAnswer = { type: 'still.failed', camera: 'camera0', by, reason: 'unplugged', passedOver: [] }
    const machine = setup({
      types: { emitted: {} as SystemFact | StillAnswer, events: {} as { type: 'go' } },
    }).createMachine({
      on: { go: { actions: [emit(answer), emit({ type: 'system.started' })] } },
    })
    const actor = createActor(machine, { inspect: observer.inspect })
    actor.start()
    actor.send({ type: 'go' })
    expect(heard.map(({ type }) => type)).to.deep.equal(['system.started'])
  })

  it('remembers since when the lasting part of a state is as it is', () => {
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

  it('forgets a camera that is gone, and its stream', async () => {
    const { observer } = observe()
    const identity = { key: 'serial:1:2:3', basis: 'serial' as const, confidence: 'high' as const, ambiguous: false }
    const device = { kind: 'usb' as const, node: '/dev/video0', vendorId: '1', productId: '2', model: 'Cam' }
    const never = fromPromise<never>(() => new Promise(() => {})) as never
    const clock = new SimulatedClock()
    const camera = cameraMachine.provide({ actors: { probeDevice: never } })
    const input = { id: 'camera0' as const, name: 'Yard', identity, settings: {}, device }
    const actor = createActor(camera, { clock, systemId: 'camera:camera0', inspect: observer.inspect, input })
    actor.start()
    const both = () => [observer.since('camera:camera0'), observer.since('camera:camera0/stream')]
    expect(both()).to.deep.equal([1_000, 1_000])
    actor.send({ type: 'device.removed', reason: 'unplugged' })
    clock.increment(25 * 3_600_000)
    expect(actor.getSnapshot().status).to.equal('done')
    expect(both()).to.deep.equal([0, 0])
  })

  it('never throws into whoever sends', () => {
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
  const log = { error: (message: string) => errors.push(message), warn: quiet, info: quiet, debug }
  const clock = { now: () => now }
  const facts = createFacts({ clock, log })
  facts.subscribe((fact) => heard.push(fact))
  return {
    observer: createObserver({ facts, clock, log }),
    heard,
    errors,
    tick: () => {
      now += 1_000
    },
  }
}
