import { expect } from 'chai'
import {
  assign,
  createActor,
  createMachine,
  enqueueActions,
  fromCallback,
  fromPromise,
  SimulatedClock,
  sendTo,
  setup,
} from 'xstate'
import { leavesOf } from '../../actors/actorSystem.js'
import { readClock } from '../../actors/effects/time.js'
import { machineVersion } from '../../actors/fingerprint.js'
import { createJournalist } from '../../actors/journal.js'
import { quietStates } from '../../actors/journalQuiet.js'
import { machines } from '../../docs/generate/statecharts.js'
import { clockWatchMachine } from '../../machines/clockWatch.js'
import { flappingOf, flappingText, type JournalEntry } from '../../machines/domain/journal.js'
import { Failure } from '../../machines/domain/reason.js'
import { turn } from '../support/later.js'
import { memoryJournal } from '../support/memoryJournal.js'

describe('journal', () => {
  it('writes what was left and entered, the event, and the machine', async () => {
    const { inspect, lines, entries } = watch()
    const light = createMachine({
      id: 'light',
      type: 'parallel',
      states: {
        colour: { initial: 'red', states: { red: { on: { go: 'green' } }, green: {} } },
        power: { initial: 'on', states: { on: {} } },
      },
    })
    const actor = createActor(light, { systemId: 'light', inspect }).start()
    actor.send({ type: 'go' })
    actor.send({ type: 'nothing' })
    await turn()
    expect(lines()).to.deep.equal(['light: → colour.red + power.on (start)', 'light: colour.red → colour.green (go)'])
    expect(entries()[1]).to.deep.include({ machine: machineVersion(light), cause: { event: 'go' } })
  })

  it('links an entry to the one of the actor that sent the event, in this order', async () => {
    const { inspect, lines, entries } = watch()
    const child = createMachine({
      id: 'child',
      initial: 'a',
      states: { a: { on: { poke: 'b' } }, b: {} },
    })
    const parent = setup({ actors: { child } }).createMachine({
      id: 'parent',
      invoke: { src: 'child', id: 'child' },
      initial: 'one',
      states: { one: { on: { go: { target: 'two', actions: sendTo('child', { type: 'poke' }) } } }, two: {} },
    })
    const actor = createActor(parent, { systemId: 'parent', inspect }).start()
    actor.send({ type: 'go', by: { user: 'ann', request: 'r7', session: 'secret' } } as never)
    await turn()
    expect(lines().slice(2)).to.deep.equal(['parent: one → two (go)', 'parent/child: a → b (poke)'])
    const [, , first, second] = entries()
    const by = { user: 'ann', request: 'r7' }
    expect(first?.cause).to.deep.equal({ event: 'go', by })
    expect(second?.cause).to.deep.equal({ event: 'go', seq: first?.seq, by })
  })

  describe('with a clock', () => {
    const child = createMachine({ id: 'child', initial: 'a', states: { a: { on: { poke: 'b' } }, b: {} } })
    /** The host is so slow that the clock goes on by 20 ms between two readings. */
    const slowly = () => {
      const time = { wall: 1_700_000_000_000 }
      const now = () => {
        time.wall += 20
        return time.wall
      }
      return { time, ...watch({ now, monotonic: () => 1_000 }) }
    }
    const timesOf = (entries: readonly JournalEntry[]) =>
      entries.map(({ at, cause }) => ({ at, cause: entries.find(({ seq }) => seq === cause?.seq)?.at }))

    it('dates no entry before its cause, and none before the entry above it', async () => {
      const { inspect, entries } = slowly()
      const failing = fromPromise(() => Promise.reject(new Error('no')))
      const parent = setup({ actors: { child, failing } }).createMachine({
        id: 'parent',
        invoke: { src: 'child', id: 'child' },
        initial: 'one',
        states: {
          one: { on: { go: { target: 'two', actions: sendTo('child', { type: 'poke' }) } } },
          two: { invoke: { src: 'failing', onError: 'three' } },
          three: {},
        },
      })
      createActor(parent, { systemId: 'parent', inspect }).start().send({ type: 'go' })
      await turn()
      const times = timesOf(entries())
      expect(times.map(({ cause }) => cause !== undefined)).to.deep.equal([false, true, false, true, true])
      for (const { at, cause = 0 } of times) expect(at).to.be.greaterThan(cause)
      expect(times.map(({ at }) => at)).to.deep.equal(times.map(({ at }) => at).sort())
    })

    it('keeps the true time after the clock was set back; the numbers give the order', async () => {
      const { inspect, entries, time } = slowly()
      const parent = setup({ actors: { child } }).createMachine({
        id: 'parent',
        invoke: { src: 'child', id: 'child' },
        initial: 'one',
        states: {
          one: { on: { go: 'two' } },
          two: { on: { go: { target: 'one', actions: sendTo('child', { type: 'poke' }) } } },
        },
      })
      const actor = createActor(parent, { systemId: 'parent', inspect }).start()
      actor.send({ type: 'go' })
      await turn()
      const before = time.wall
      time.wall -= 3_600_000
      actor.send({ type: 'go' })
      await turn()
      const [, , first, second, third] = entries()
      expect([first?.at, second?.at, third?.at]).to.deep.equal([before, before - 3_599_980, before - 3_599_960])
      expect([second?.seq, third?.seq, third?.cause?.seq]).to.deep.equal([4, 5, 4])
    })
  })

  it('shows a jump of the clock with its size, and not the readings', async () => {
    const { inspect, lines, entries } = watch()
    const time = { wall: 1_700_000_000_000, monotonic: 1_000 }
    const clock = new SimulatedClock()
    const clocks = { now: () => time.wall, monotonic: () => time.monotonic }
    const machine = clockWatchMachine.provide({ actors: { readClock: readClock(clocks) } })
    createActor(machine, { systemId: 'clockWatch', inspect, clock }).start()
    for (let passed = 0; passed < 4; passed++) {
      await turn()
      time.wall += passed === 0 ? 90_000_000_000 : 2_000
      time.monotonic += 2_000
      clock.increment(2_000)
    }
    await turn()
    expect(lines()).to.deep.equal([
      'clockWatch: → idle (start)',
      'clockWatch: idle → jumped (readClock done)',
      'clockWatch: jumped → idle (after interval)',
    ])
    expect(entries()[1]?.evidence).to.deep.equal({
      from: '2023-11-14T22:13:22.000Z',
      to: '2026-09-21T14:13:20.000Z',
      by_ms: 89_999_998_000,
    })
  })

  it('follows effects back to what started them, with the evidence of their failure', async () => {
    const { inspect, entries } = watch()
    const failing = fromPromise(async () => {
      throw new Failure('device_busy', 'rtsp://ann:pw@10.0.0.1/x is busy', { errno: 'EBUSY', line: 'open /dev/video0' })
    })
    const machine = setup({ actors: { failing } }).createMachine({
      id: 'camera-like',
      initial: 'away',
      states: {
        away: { on: { found: 'probing' } },
        probing: { invoke: { src: 'failing', onError: 'faulty' } },
        faulty: {},
      },
    })
    const actor = createActor(machine, { systemId: 'it', inspect }).start()
    actor.send({ type: 'found' })
    await turn()
    const [, probing, faulty] = entries()
    expect(faulty?.event).to.equal('failing failed')
    expect(faulty?.cause).to.deep.equal({ event: 'found', seq: probing?.seq })
    expect(faulty?.evidence).to.deep.equal({
      errno: 'EBUSY',
      line: 'open …',
      reason: 'device_busy',
      details: 'rtsp://…  is busy'.replace('  ', ' '),
    })
  })

  it('looks through steps that change nothing, and keeps their evidence', async () => {
    const { inspect, entries } = watch()
    let hint = (_: { type: 'hint'; udev_action: string }) => {}
    const watcher = fromCallback(({ sendBack }) => {
      hint = sendBack
    })
    const child = setup({ actors: { watcher } }).createMachine({
      id: 'child',
      invoke: { src: 'watcher' },
      on: {
        hint: {
          actions: enqueueActions(({ enqueue, self }) =>
            enqueue.sendTo(self._parent as never, { type: 'gone' } as never),
          ),
        },
      },
    })
    const parent = setup({ actors: { child } }).createMachine({
      id: 'parent',
      invoke: { src: 'child', id: 'child' },
      initial: 'here',
      states: { here: { on: { gone: 'away' } }, away: {} },
    })
    createActor(parent, { systemId: 'parent', inspect }).start()
    hint({ type: 'hint', udev_action: 'remove' })
    await turn()
    const last = entries().at(-1)
    expect(last).to.deep.include({ actor: 'parent', event: 'gone', evidence: { udev_action: 'remove' } })
    expect(last?.cause).to.deep.equal({ event: 'hint', actor: 'watcher' })
  })

  it('names a delay, and what it followed', async () => {
    const { inspect, entries } = watch()
    const clock = new SimulatedClock()
    const machine = setup({ delays: { pause: 5_000 } }).createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { after: { pause: 'b' } }, b: {} },
    })
    createActor(machine, { systemId: 'm', clock, inspect }).start()
    clock.increment(5_000)
    await turn()
    expect(entries()[1]?.cause).to.deep.equal({ event: 'after pause', seq: 1, actor: 'm' })
  })

  it('writes the end of an actor that is stopped', async () => {
    const { inspect, lines } = watch()
    const child = createMachine({ id: 'child', initial: 'a', states: { a: {} } })
    const parent = setup({ actors: { child } }).createMachine({
      id: 'parent',
      initial: 'one',
      states: { one: { invoke: { src: 'child', id: 'child' }, on: { go: 'two' } }, two: {} },
    })
    const actor = createActor(parent, { systemId: 'parent', inspect }).start()
    actor.send({ type: 'go' })
    await turn()
    expect(lines().slice(-2)).to.deep.equal(['parent: one → two (go)', 'parent/child: a → (stop)'])
  })

  it('writes nothing for events that change nothing', async () => {
    const { inspect, entries } = watch()
    const counter = setup({ types: { context: {} as { frames: number } } }).createMachine({
      id: 'counter',
      context: { frames: 0 },
      initial: 'running',
      states: {
        running: {
          on: {
            frame: {
              target: 'running',
              reenter: true,
              actions: assign({ frames: ({ context }) => context.frames + 1 }),
            },
          },
        },
      },
    })
    const actor = createActor(counter, { systemId: 'counter', inspect }).start()
    for (let index = 0; index < 100; index += 1) actor.send({ type: 'frame' })
    await turn()
    expect(entries().length).to.equal(1)
    expect(actor.getSnapshot().context.frames).to.equal(100)
  })

  it('never throws to the sender of an event', async () => {
    const errors: string[] = []
    const log = { ...quiet, error: (message: string) => void errors.push(message) }
    const broken = () => {
      throw new Error('the journal is broken')
    }
    const { inspect } = createJournalist({ journal: { ...memoryJournal(), append: broken }, clock, log })
    const machine = createMachine({ initial: 'a', states: { a: { on: { go: 'b' } }, b: {} } })
    createActor(machine, { inspect }).start().send({ type: 'go' })
    await turn()
    expect(errors).to.deep.equal(['the journal failed', 'the journal failed'])
  })

  it('leaves out the steps of polling loops; each of these states exists', () => {
    for (const [id, patterns] of Object.entries(quietStates)) {
      const machine = machines.find((each) => each.id === id)
      const paths = machine === undefined ? [] : pathsOf(machine.root)
      for (const pattern of patterns)
        expect(pattern === '*' || paths.includes(pattern.replace(/\.\*$/, '')), `${id}: ${pattern}`).to.equal(true)
    }
  })

  it('finds the leaves of a state value', () => {
    expect(leavesOf('a')).to.deep.equal(['a'])
    expect(leavesOf({ a: { b: 'c', d: {} }, e: 'f' })).to.deep.equal(['a.b.c', 'a.d', 'e.f'])
  })
})

describe('flapping', () => {
  const unplug = (at: number): JournalEntry => ({
    seq: at,
    at,
    actor: 'camera:camera0',
    from: 'alive.connection.online.life.available.serving',
    to: 'alive.connection.away.unplugged',
    event: 'device.removed',
  })
  it('has a rhythm from three disconnections in ten minutes', () => {
    const times = [0, 85, 170, 255, 345, 425, 510].map((s) => 1_000_000 + s * 1_000)
    const rhythm = flappingOf(times.map(unplug), 'camera0', 1_000_000 + 520_000)
    expect(rhythm && flappingText(rhythm)).to.equal('7 disconnects in 10 min, about every 85 s')
  })
  it('does not count a camera that gets another stream', () => {
    const entries = [1, 2, 3].map((at) => ({ ...unplug(at), evidence: { reason: 'reconfigured' } }))
    expect(flappingOf(entries, 'camera0', 4)).to.equal(undefined)
    expect(
      flappingOf(
        [1, 2, 3].map((at) => ({ ...unplug(at), evidence: { reason: 'unplugged' } })),
        'camera0',
        4,
      ),
    ).not.to.be.undefined
  })
  it('forgets older ones, and those of other cameras', () => {
    const entries = [1, 2, 700_000, 700_001].map(unplug)
    expect(flappingOf(entries, 'camera0', 700_002)).to.equal(undefined)
    expect(flappingOf([1, 2, 3, 4].map(unplug), 'camera1', 5)).to.equal(undefined)
  })
})

const quiet = { error() {}, warn() {}, info() {}, debug() {} }
const clock = { now: () => 1_000, monotonic: () => 1_000 }

function watch(clocks = clock) {
  const journal = memoryJournal()
  const { inspect } = createJournalist({ journal, clock: clocks, log: quiet })
  const lines = () =>
    journal
      .recent()
      .map(({ actor, from, to, event }) => `${actor}: ${[from, '→', to].filter(Boolean).join(' ')} (${event})`)
  return { inspect, lines, entries: () => journal.recent() }
}

interface Node {
  key: string
  states: Record<string, Node>
}
const pathsOf = (node: Node, path = ''): string[] =>
  Object.values(node.states).flatMap((child) => [`${path}${child.key}`, ...pathsOf(child, `${path}${child.key}.`)])
