import { expect } from 'chai'
import { createActor, createMachine, fromPromise } from 'xstate'
import { leavesOf } from '../../actors/actorSystem.js'
import { actorTree } from '../../actors/actorTree.js'
import { createObserver } from '../../actors/observer.js'
import { createFakePorts } from '../support/fakePorts.js'

const child = createMachine({
  id: 'recording',
  initial: 'starting',
  states: { starting: { on: { go: 'growing' } }, growing: {} },
})
const parent = createMachine({
  id: 'camera',
  type: 'parallel',
  states: {
    life: {
      initial: 'probing',
      states: { probing: { on: { next: 'online' } }, online: { initial: 'idle', states: { idle: {} } } },
    },
    tape: {
      invoke: [
        { src: child, id: 'recording' },
        { src: fromPromise(() => new Promise(() => {})), id: 'wait' },
      ],
    },
  },
})

describe('the tree of actors', () => {
  const { log } = createFakePorts()

  it('has the present states as dotted leaves', () => {
    expect(leavesOf('idle')).to.deep.equal(['idle'])
    expect(leavesOf({ online: { life: 'available', feed: { local: 'on' } } })).to.deep.equal([
      'online.life.available',
      'online.feed.local.on',
    ])
    expect(leavesOf({ life: 'idle', tape: {} })).to.deep.equal(['life.idle', 'tape'])
  })

  it('lists machines with names, parents and the time of their states, and no effects', () => {
    let now = 1_000
    const facts = { publish: () => {}, subscribe: () => () => {}, next: () => new Promise<never>(() => {}) }
    const observer = createObserver({ facts, clock: { now: () => now }, log })
    const actor = createActor(parent, { systemId: 'camera:camera0', inspect: observer.inspect }).start()
    now = 2_000
    actor.send({ type: 'next' })
    now = 3_000
    actor.send({ type: 'unknown' })
    expect(actorTree(actor, observer.entered)).to.deep.equal([
      { name: 'camera:camera0', machine: 'camera', states: ['life.online.idle', 'tape'], since: 2_000 },
      {
        name: 'camera:camera0/recording',
        parent: 'camera:camera0',
        machine: 'recording',
        states: ['starting'],
        since: 1_000,
      },
    ])
    actor.stop()
  })
})
