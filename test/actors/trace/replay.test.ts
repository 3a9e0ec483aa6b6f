import { expect } from 'chai'
import { assign, createActor, fromCallback, fromPromise, SimulatedClock, sendParent, setup } from 'xstate'
import type { TracedEvent, TraceRecord } from '../../../actors/trace/records.js'
import { replay } from '../../../actors/trace/replay.js'
import { createTrace } from '../../../actors/trace/trace.js'
import { Failure } from '../../../machines/domain/reason.js'
import { callbackHole, promiseHole } from '../../../machines/hole.js'

/** A lamp that lights when its switch is pressed; its bulb reports to it. */
const bulb = setup({ types: { events: {} as { type: 'burn' } } }).createMachine({
  id: 'bulb',
  initial: 'whole',
  states: { whole: { on: { burn: 'broken' } }, broken: { entry: sendParent({ type: 'bulb.broke' }) } },
})

const lamp = setup({
  types: {
    input: {} as { brightness: number },
    context: {} as { brightness: number; presses: number; spare?: string },
    events: {} as { type: 'press' } | { type: 'bulb.broke' } | { type: 'plugged' },
  },
  actors: { watchSwitch: callbackHole('watchSwitch'), fetchBulb: promiseHole<string>('fetchBulb'), bulb },
  actions: {
    count: assign({ presses: ({ context }) => context.presses + 1 }),
    keepSpare: assign({ spare: (_, { spare }: { spare: string }) => spare }),
  },
  guards: { isFull: (_, { error }: { error: unknown }) => error instanceof Failure && error.code === 'storage_full' },
  delays: { glow: 1_000 },
}).createMachine({
  id: 'lamp',
  context: ({ input }) => ({ ...input, presses: 0 }),
  invoke: [
    { src: 'watchSwitch', id: 'switch', onError: '.unplugged' },
    { src: 'bulb', id: 'bulb', systemId: 'bulb' },
  ],
  initial: 'dark',
  states: {
    unplugged: { on: { plugged: 'dark' } },
    dark: { on: { press: { target: 'lit', actions: 'count' }, 'bulb.broke': 'fetching' } },
    lit: { on: { 'bulb.broke': 'fetching', press: { actions: 'count' } }, after: { glow: 'dark' } },
    fetching: {
      invoke: {
        src: 'fetchBulb',
        onDone: {
          target: 'dark',
          actions: { type: 'keepSpare', params: ({ event }) => ({ spare: event.output }) },
        },
        onError: [{ guard: { type: 'isFull', params: ({ event }) => event }, target: 'full' }, { target: 'unplugged' }],
      },
    },
    full: {},
  },
})

const big = { maxSize: 1e6, chunkSize: 1e6 }

/** A lamp that runs with effects under a simulated clock, and is traced. */
function run({
  watch = () => {},
  fetch = async () => 'LED',
  size = big,
}: {
  watch?: (press: () => void) => void
  fetch?: () => Promise<string>
  size?: typeof big
} = {}) {
  const clock = new SimulatedClock()
  const lines: string[] = []
  const note = (message: string) => void lines.push(message)
  const log = { error: note, warn: note, info: note, debug: note }
  const input = { brightness: 5 }
  const trace = createTrace({ input, root: () => actor }, { clock: { monotonic: () => clock.now() }, log }, size)
  let press = () => {}
  const actor = createActor(
    lamp.provide({
      actors: {
        watchSwitch: fromCallback(({ sendBack }) => {
          press = () => sendBack({ type: 'press' })
          watch(press)
        }),
        fetchBulb: fromPromise(fetch),
      },
    }),
    { systemId: 'fleet', input, clock, inspect: trace.inspect },
  )
  actor.start()
  const records = () => trace.lines().map((line) => JSON.parse(line) as TraceRecord)
  return { actor, clock, press: () => press(), bulb: () => actor.system.get('bulb'), records, trace, lines }
}

const isEvent = (record: TraceRecord): record is TracedEvent => 'event' in record
const settled = async () => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
}

describe('trace and replay', () => {
  it('records what comes from outside: requests, events of effects, their ends, and timers', async () => {
    const { press, clock, bulb, records } = run()
    press()
    clock.increment(1_000)
    bulb()?.send({ type: 'burn' })
    await settled()
    const events = records().filter(isEvent)
    expect(
      events.map(({ actor, event, from, timer, at }) => [actor, (event as { type: string }).type, from, timer, at]),
    ).to.deep.equal([
      ['fleet', 'xstate.init', undefined, undefined, 0],
      ['fleet', 'press', 'fleet/switch', undefined, 0],
      ['fleet', 'xstate.after.glow.lamp.lit', undefined, true, 1_000],
      ['bulb', 'burn', undefined, undefined, 1_000],
      ['fleet/0.lamp.fetching', 'xstate.promise.resolve', undefined, undefined, 1_000],
    ])
    const { difference, states, events: count } = replay(lamp, records())
    expect({ difference, states, count }).to.deep.equal({
      difference: undefined,
      states: { fleet: 'dark', bulb: 'broken' },
      count: 5,
    })
  })

  it('replays an event that came amid the steps of another one', () => {
    const { actor, records } = run({ watch: (press) => press() })
    expect(actor.getSnapshot().value).to.equal('lit')
    expect(replay(lamp, records()).difference).to.equal(undefined)
  })

  it('replays an effect that threw when it was started', () => {
    const { actor, records } = run({
      watch: () => {
        throw new Error('no switch')
      },
    })
    expect(actor.getSnapshot().value).to.equal('unplugged')
    const { difference, states } = replay(lamp, records())
    expect(difference).to.equal(undefined)
    expect(states.fleet).to.equal('unplugged')
  })

  it('replays a failure with its code, which guards read', async () => {
    const { actor, bulb, records } = run({ fetch: () => Promise.reject(new Failure('storage_full')) })
    bulb()?.send({ type: 'burn' })
    await settled()
    expect(actor.getSnapshot().value).to.equal('full')
    expect(replay(lamp, records()).difference).to.equal(undefined)
  })

  it('begins with a checkpoint when the beginning was dropped, and continues its timers', async () => {
    const { press, clock, records } = run({ size: { maxSize: 1, chunkSize: 300 } })
    for (let turn = 0; turn < 6; turn += 1) {
      press()
      await settled()
      clock.increment(600)
    }
    const kept = records()
    expect(kept[0]).to.have.property('timers')
    expect(kept.filter(isEvent)[0]?.seq).to.be.greaterThan(2)
    const { difference, checkpoints } = replay(lamp, kept)
    expect({ difference, checkpoints }).to.deep.equal({ difference: undefined, checkpoints: 1 })
  })

  it('keeps the newest chunks within its size', async () => {
    const size = { maxSize: 2_000, chunkSize: 2_000 }
    const { press, trace } = run({ size })
    const sizes: number[] = []
    for (let turn = 0; turn < 400; turn += 1) {
      press()
      await settled()
      sizes.push(trace.lines().length)
    }
    expect(Math.max(...sizes)).to.be.lessThan(400)
    expect(
      replay(
        lamp,
        trace.lines().map((line) => JSON.parse(line)),
      ).difference,
    ).to.equal(undefined)
  })

  it('makes no checkpoint for each event when the state is larger than a chunk', async () => {
    const { press, trace } = run({ size: { maxSize: 1e6, chunkSize: 1 } })
    for (let turn = 0; turn < 200; turn += 1) {
      press()
      await settled()
    }
    const lines = trace.lines()
    const checkpoints = lines.filter((line) => line.startsWith('{"checkpoint"'))
    const bytes = (of: string[]) => of.reduce((sum, { length }) => sum + length, 0)
    expect(checkpoints.length).to.be.greaterThan(2)
    expect(bytes(checkpoints) / bytes(lines)).to.be.lessThan(0.6)
  })

  it('records nothing after its end, and the stop of the root ends it', () => {
    const { press, records, trace } = run()
    trace.close()
    press()
    expect(records().filter(isEvent)).to.have.length(1)
  })

  it('ends with one line of the log if an event cannot be recorded, and never disturbs the actors', () => {
    const { actor, records, lines } = run()
    const event: { type: 'press'; self?: unknown } = { type: 'press' }
    Object.defineProperty(event, 'self', {
      enumerable: true,
      get: () => {
        throw new Error('unreadable')
      },
    })
    actor.send(event)
    actor.send({ type: 'press' })
    expect(actor.getSnapshot().context.presses).to.equal(2)
    expect(lines).to.deep.equal(['the trace ends because an event could not be recorded'])
    expect(replay(lamp, records()).difference).to.equal(undefined)
  })
})

describe('a replay stops at the first difference', () => {
  async function story() {
    const { press, clock, bulb, records } = run()
    press()
    clock.increment(1_000)
    bulb()?.send({ type: 'burn' })
    await settled()
    return records()
  }
  const changed = (records: TraceRecord[], seq: number, change: (event: TracedEvent) => object) =>
    records.map((record) =>
      isEvent(record) && record.seq === seq ? ({ ...record, ...change(record) } as TraceRecord) : record,
    )

  it('of a state, with the histories of that actor', async () => {
    const records = changed(await story(), 3, () => ({ states: [['fleet', 'lit']] }))
    const { difference, events } = replay(lamp, records)
    expect(events).to.equal(2)
    expect(difference).to.deep.equal({
      seq: 3,
      actor: 'fleet',
      what: 'fleet has another state after xstate.after.glow.lamp.lit',
      expected: 'lit',
      found: 'dark',
      histories: {
        expected: [
          { seq: 1, event: 'xstate.init', state: 'dark' },
          { seq: 2, event: 'press', state: 'lit' },
          { seq: 3, event: 'xstate.after.glow.lamp.lit', state: 'lit' },
        ],
        found: [
          { seq: 1, event: 'xstate.init', state: 'dark' },
          { seq: 2, event: 'press', state: 'lit' },
          { seq: 3, event: 'xstate.after.glow.lamp.lit', state: 'dark' },
        ],
      },
    })
  })

  it('of a context, at a checkpoint', async () => {
    const records = changed(await story(), 5, () => ({
      event: { type: 'xstate.promise.resolve', data: 'candle' },
    }))
    const { difference } = replay(lamp, records)
    expect([difference?.actor, difference?.what, difference?.expected, difference?.found]).to.deep.equal([
      'fleet',
      'context.spare of fleet differs at a checkpoint',
      'LED',
      'candle',
    ])
  })

  it('of a timer that does not run, an effect that does not run, and steps that are missing', async () => {
    const records = await story()
    const whats = [
      changed(records, 3, () => ({ event: { type: 'xstate.after.other.lamp.lit' } })),
      changed(records, 2, () => ({ from: 'fleet/button' })),
      changed(records, 4, () => ({ actor: 'bulb2' })),
      changed(records, 4, ({ steps }) => ({ steps: steps + 1 })),
    ].map((each) => replay(lamp, each).difference?.what)
    expect(whats).to.deep.equal([
      'the timer xstate.after.other.lamp.lit does not run',
      'the effect fleet/button does not run',
      'this actor does not run',
      'the actors took 3 steps before this event, not 4',
    ])
  })

  it('only within the events and the actor asked for', async () => {
    const records = changed(await story(), 3, () => ({ states: [['fleet', 'lit']] }))
    expect(replay(lamp, records, { until: 2 })).to.deep.include({ events: 2, states: { fleet: 'lit', bulb: 'whole' } })
    expect(replay(lamp, records, { actor: 'bulb' }).difference).to.equal(undefined)
  })
})
