import { expect } from 'chai'
import fc from 'fast-check'
import { assign, fromPromise, setup, spawnChild } from 'xstate'
import { Failure } from '../../machines/domain/reason.js'
import { check, sequences } from './check.js'
import type { Model } from './model.js'
import { models } from './models/index.js'
import { runner, type Sequence } from './sequences.js'

/** `make fuzz RUNS=1000000 MACHINE=recording SEED=1` does more. */
const { RUNS, MACHINE, SEED } = process.env
const runs = Number(RUNS || Math.ceil(10_000 / models.length))
const seed = Number(SEED || 1)
const known = models.map(({ machine }) => machine.id)
// A mistyped name would test nothing, and pass.
if (MACHINE && !known.includes(MACHINE)) throw new Error(`MACHINE=${MACHINE} is none of ${known.join(', ')}`)

describe(`random sequences of events, outcomes and delays (${runs} a machine, seed ${seed})`, function () {
  this.timeout(0)
  for (const model of models.filter(({ machine }) => !MACHINE || machine.id === MACHINE))
    it(`leave ${model.machine.id} alive, with its resources and a bounded context`, () => {
      const again = `make fuzz RUNS=${runs} MACHINE=${model.machine.id} SEED=${seed}`
      check(model, sequences({ maxLength: RUNS ? 24 : 14 }), { runs, seed, again })
      check(model, sequences({ minLength: 400, maxLength: 400 }), { runs: Math.ceil(runs / 400), seed, again })
    })
})

const lamp = (config: object): Model => ({
  machine: setup({ actors: { glow: fromPromise(async () => {}) } }).createMachine({ id: 'lamp', ...config }),
  starts: { start: undefined },
  events: [{ type: 'lamp.press' }, { type: 'lamp.stop' }],
  effects: { glow: [] },
  bound: 40,
})

describe('the checks of random sequences report', () => {
  const found = (model: Model, end: Sequence['end'] = 0) => {
    const run = runner(model)
    const { failed, errorInstance } = fc.check(
      fc.property(sequences({ maxLength: 20 }), (one) => void run({ ...one, end })),
      { numRuns: 50, seed: 1 },
    )
    return failed ? (errorInstance as Error).message.replace(/\n {2}in .*:/, '') : undefined
  }
  const pressed = 'start\n  lamp.press (1)'

  it('a state that reacts to nothing, with the shortest sequence', () => {
    const states = { off: { on: { 'lamp.press': 'on', 'lamp.stop': {} } }, on: {} }
    expect(found(lamp({ initial: 'off', states }))).to.equal(`lamp is stuck in on\n  ${pressed}`)
    expect(found({ ...lamp({ initial: 'off', states }), rests: ['on'] })).to.equal(undefined)
  })

  it('a failure that nobody handles', () => {
    const states = { off: { on: { 'lamp.press': 'on' } }, on: { invoke: { src: 'glow', id: 'glow' } } }
    const effects = { glow: [{ error: new Failure('timed_out') }] }
    const model = { ...lamp({ initial: 'off', states }), effects, rests: ['on'] }
    expect(found(model)).to.match(/^lamp throws: Failure: .*\n {2}start\n {2}lamp.press \(1\)\n {2}glow fails$/)
  })

  it('a child that was replaced while it runs', () => {
    const on = { 'lamp.press': { actions: spawnChild('glow', { id: 'glow' }) } }
    const model = { ...lamp({ on }), spawned: () => ['glow'] }
    expect(found(model)).to.equal(`lamp glow was started and is unreachable\n  ${pressed}\n  lamp.press (1)`)
  })

  it('a child in a state that does not declare it', () => {
    const on = { 'lamp.press': { actions: spawnChild('glow', { id: 'glow' }) } }
    expect(found(lamp({ on }))).to.equal(`lamp glow runs in a state that does not declare it\n  ${pressed}`)
  })

  it('a list that grows', () => {
    const press = assign({ presses: ({ context }: { context: { presses: string[] } }) => [...context.presses, 'x'] })
    const model = lamp({ context: { presses: [] }, on: { 'lamp.press': { actions: press } } })
    expect(found(model)).to.match(/^lamp the context has \d+ characters, more than 40\n/)
  })

  it('a machine that does not end', () => {
    const states = { on: { on: { 'lamp.press': {} } } }
    const model = { ...lamp({ initial: 'on', states }), ends: [{ type: 'lamp.stop' }] }
    expect(found(model, 1)).to.equal('lamp does not end after lamp.stop\n  start\n  lamp.stop')
  })

  it('a delay that fires at once, because it is too long', () => {
    const states = { on: { after: { [2 ** 31]: 'on' } } }
    expect(() => runner(lamp({ initial: 'on', states }))({ start: 0, choices: [], end: 0 })).to.throw(/the delay of/)
  })
})
