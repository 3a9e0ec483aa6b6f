import { expect } from 'chai'
import { fromPromise } from 'xstate'
import type { SimulationFact } from '../../machines/domain/facts.js'
import { Failure } from '../../machines/domain/reason.js'
import { type Act, type Done, noScenario, type Scenario } from '../../machines/domain/simulation.js'
import { simulationMachine } from '../../machines/simulation.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

const by = { user: 'ann', request: 'r1', session: 's' }
const front = { name: 'front', serial: 'S1', port: '1', plugged: true }
const unplugAndPlug: Scenario = {
  ...noScenario,
  cameras: [front],
  names: ['front'],
  steps: [
    { action: 'plug', camera: 'front', at: 9_000 },
    { action: 'unplug', camera: 'front', at: 5_000 },
  ],
}

describe('the simulation of faults', () => {
  it('makes the steps by their times, which count from the moment when the cameras are connected', async () => {
    const { facts, ready, passesUntil, waits } = await simulate(unplugAndPlug)
    expect(facts).to.deep.equal([])
    await ready(100)
    expect(waits()).to.equal(5_100)
    await passesUntil(5_100)
    await passesUntil(9_100)
    expect(facts).to.deep.equal([
      { type: 'simulation.step', act: { action: 'unplug', camera: 'front' }, step: 2, camera: 'camera0' },
      { type: 'simulation.step', act: { action: 'plug', camera: 'front' }, step: 1, camera: 'camera0' },
    ])
    expect(waits()).to.equal(undefined)
  })

  it('ends when its cameras are never connected', async () => {
    const { actor, caused, neverReady } = await simulate(unplugAndPlug)
    await neverReady()
    expect([actor.getSnapshot().value, caused]).to.deep.equal(['over', []])
  })

  it('ends when it cannot wait for the next step', async () => {
    const { actor, ready, waitFails } = await simulate(unplugAndPlug)
    await ready(0)
    await waitFails()
    expect(actor.getSnapshot().value).to.equal('over')
  })

  it('starts the next step only when the one before has happened, however late that is', async () => {
    const slow = later<Done>()
    const { facts, caused, ready, passesUntil } = await simulate(unplugAndPlug, () => slow.promise)
    await ready(0)
    await passesUntil(5_000)
    await passesUntil(9_000)
    expect([caused.length, facts.length]).to.deep.equal([1, 0])
    slow.resolve({})
    await turn()
    await passesUntil(9_000)
    expect(caused.map(({ action }) => action)).to.deep.equal(['unplug', 'plug'])
  })

  it('reports a step that cannot be made, and goes on', async () => {
    const { facts, ready, passesUntil } = await simulate(unplugAndPlug, async ({ action }) => {
      if (action === 'unplug') throw new Failure('unplugged', 'front is not plugged in')
      return {}
    })
    await ready(0)
    await passesUntil(5_000)
    await passesUntil(9_000)
    const reason = { code: 'unplugged', details: 'front is not plugged in' }
    expect(facts).to.deep.equal([
      { type: 'simulation.step', act: { action: 'unplug', camera: 'front' }, step: 2, reason },
      { type: 'simulation.step', act: { action: 'plug', camera: 'front' }, step: 1 },
    ])
  })

  it('causes the faults that clients ask for, at any time and in their order', async () => {
    const acts: Act[] = [{ action: 'stall', camera: 'camera0' }, { action: 'disk_full' }]
    const { actor, facts, news } = await simulate(unplugAndPlug)
    for (const act of acts) actor.send({ type: 'fault.cause', act, by })
    await turn()
    expect(facts).to.deep.equal([
      { type: 'simulation.step', act: acts[0], by, camera: 'camera0' },
      { type: 'simulation.step', act: acts[1], by },
    ])
    expect(news()).to.deep.equal([{ type: 'disk.simulated' }])
  })

  it('names the camera of a request that fails, so that only clients with a right to it learn of it', async () => {
    const { actor, facts } = await simulate(noScenario, async () => Promise.reject(new Failure('stream_asleep')))
    actor.send({ type: 'fault.cause', act: { action: 'stall', camera: 'camera7' }, by })
    await turn()
    expect(facts[0]).to.include({ camera: 'camera7', by })
    expect(facts[0]?.reason?.code).to.equal('stream_asleep')
  })

  it('tells the fleet when a virtual camera is unplugged', async () => {
    const { actor, news } = await simulate(noScenario, async () => ({ camera: 'camera3', away: true }))
    actor.send({ type: 'fault.cause', act: { action: 'unplug', camera: 'camera3' }, by })
    await turn()
    expect(news()).to.deep.equal([{ type: 'device.simulate', camera: 'camera3', away: true }])
  })

  it('keeps the time of a step while it causes the fault of a client', async () => {
    const { actor, facts, ready, passesUntil, waits } = await simulate(unplugAndPlug)
    await ready(0)
    actor.send({ type: 'fault.cause', act: { action: 'disk_ok' }, by })
    await turn()
    expect(waits()).to.equal(5_000)
    await passesUntil(5_000)
    expect(facts.map(({ act }) => act.action)).to.deep.equal(['disk_ok', 'unplug'])
  })

  it('waits with `start: asked` for a client, once', async () => {
    const { actor, waits } = await simulate({ ...unplugAndPlug, start: 'asked' })
    const start = { type: 'scenario.start', at: 700 } as const
    expect([waits(), actor.getSnapshot().can(start)]).to.deep.equal([undefined, true])
    actor.send(start)
    expect([waits(), actor.getSnapshot().can(start)]).to.deep.equal([5_700, false])
  })

  it('refuses more requests than it can keep', async () => {
    const { actor } = await simulate(noScenario, () => new Promise(() => {}))
    const wish = { type: 'fault.cause', act: { action: 'disk_ok' }, by } as const
    for (let count = 0; count < 32; count++) actor.send(wish)
    expect(actor.getSnapshot().can(wish)).to.equal(false)
  })
})

/** `waits`: the time that it waits for. `passesUntil`: that time comes. */
async function simulate(
  scenario: Scenario,
  cause: (act: Act) => Promise<Done> = async ({ camera }) => (camera === undefined ? {} : { camera: 'camera0' }),
) {
  const caused: Act[] = []
  const readiness = later<{ at: number }>()
  let waiting: { at: number; end: () => void; fail: (error: Error) => void } | undefined
  const machine = simulationMachine.provide({
    actors: {
      awaitReady: fromPromise<{ at: number }, { names: readonly string[] }>(() => readiness.promise),
      waitUntil: fromPromise<{ at: number }, { at: number }>(({ input: { at }, signal }) => {
        const { promise, resolve, reject } = later<{ at: number }>()
        const mine = { at, end: () => resolve({ at }), fail: reject }
        waiting = mine
        signal.addEventListener('abort', () => {
          if (waiting === mine) waiting = undefined
        })
        return promise
      }),
      causeFault: fromPromise<Done, { act: Act }>(({ input: { act } }) => {
        caused.push(act)
        return cause(act)
      }),
    },
  })
  const { actor, heard, facts } = withParent(machine, { input: scenario })
  await turn()
  return {
    actor,
    facts: facts as SimulationFact[],
    caused,
    news: () => heard,
    waits: () => waiting?.at,
    async waitFails() {
      waiting?.fail(new Error('no timer'))
      for (let more = 0; more < 3; more += 1) await turn()
    },
    async neverReady() {
      readiness.reject(new Error('a camera is missing'))
      for (let more = 0; more < 3; more += 1) await turn()
    },
    async ready(at: number) {
      readiness.resolve({ at })
      await turn()
    },
    async passesUntil(at: number) {
      if (waiting && waiting.at <= at) {
        const { end } = waiting
        waiting = undefined
        end()
      }
      await turn()
    },
  }
}
