import { expect } from 'chai'
import { type ActorRefFrom, assign, createActor, fromPromise, setup } from 'xstate'
import { createInspection } from '../../actors/inspection.js'
import { inspectors } from '../../actors/inspectors.js'

interface Message {
  type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot'
  sessionId: string
  name?: string
  parentId?: string
  definition?: string
  event?: Record<string, unknown>
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into snapshots of every shape
  snapshot?: any
}

const never = fromPromise<void, object>(() => new Promise(() => {}))
const doorMachine = setup({
  types: { context: {} as Record<string, unknown>, events: {} as { type: string } & Record<string, unknown> },
  actors: { wait: never },
}).createMachine({
  id: 'door',
  context: { source: 'rtsp://ann:sesame@10.0.0.7/main', password: 'sesame', list: Array.from({ length: 80 }, () => 1) },
  initial: 'shut',
  invoke: { src: 'wait', input: () => ({ token: 'sesame' }) },
  states: { shut: { on: { 'door.open': 'open' } }, open: {} },
  on: {
    'tap.progress': { actions: assign(({ event }) => event) },
    'text.set': { actions: assign(({ event }) => event) },
  },
})
const houseMachine = setup({ actors: { door: doorMachine } }).createMachine({
  id: 'house',
  invoke: { src: 'door', id: 'front', systemId: 'door:front' },
})

describe('actors: inspection', () => {
  const stops: (() => void)[] = []
  afterEach(() => {
    for (const stop of stops.splice(0)) stop()
  })

  const build = () => {
    let now = 1_000
    const errors: string[] = []
    const log = { error: (text: string) => errors.push(text), warn: () => {}, info: () => {}, debug: () => {} }
    const clock = { now: () => now, monotonic: () => now }
    const inspection = createInspection({ root: () => house, clock, log })
    const house = createActor(houseMachine, { systemId: 'house', inspect: inspectors(undefined, inspection) })
    house.start()
    const door = house.system.get('door:front') as ActorRefFrom<typeof doorMachine>
    const follow = () => {
      const got: Message[] = []
      const end = inspection.follow((text) => got.push(JSON.parse(text)))
      stops.push(end)
      return { got, end }
    }
    const pass = (ms: number) => {
      now += ms
    }
    stops.push(() => house.stop())
    return { inspection, house, door, follow, pass, errors }
  }
  /** What was inspected is written at the end of the turn. */
  const written = () => new Promise(setImmediate)
  const brief = ({ type, event, snapshot }: Message) => [type.slice(8), event?.type, snapshot?.value]

  it('shows a receiver the present actors first, each with its definition, then what happens', async () => {
    const { follow, door } = build()
    door.send({ type: 'door.open' })
    const { got } = follow()
    expect(got.map(({ type, name }) => [type, name])).to.deep.equal([
      ['@xstate.actor', 'house'],
      ['@xstate.snapshot', undefined],
      ['@xstate.actor', 'door:front'],
      ['@xstate.snapshot', undefined],
      ['@xstate.actor', 'door:front/0.door'],
      ['@xstate.snapshot', undefined],
    ])
    const [house, , front, state] = got
    expect(front?.parentId).to.equal(house?.sessionId)
    expect(JSON.parse(front?.definition ?? '')).to.have.nested.property('states.shut.on.door\\.open', 'open')
    expect(state?.snapshot.value).to.equal('open')
    door.send({ type: 'text.set', length: 1 })
    await written()
    expect(got.slice(6).map(brief)).to.deep.equal([
      ['event', 'text.set', undefined],
      ['snapshot', 'text.set', 'open'],
    ])
  })

  it('masks credentials, hides the configuration file, and cuts long lists and texts', async () => {
    const { follow, door } = build()
    const { got } = follow()
    door.send({ type: 'text.set', text: 'password: sesame', details: 'x'.repeat(1_000), error: new Error('sesame=') })
    await written()
    expect(JSON.stringify(got).replaceAll('sesame=', '')).not.to.include('sesame')
    const { context } = got.at(-1)?.snapshot ?? {}
    expect(context.list).to.have.length(51)
    expect(context.details).to.have.length(501)
    expect(context.error.stack).to.equal('***')
    expect(context.text).to.equal('***')
  })

  it('shows one event of the progress of a pipeline in five seconds', async () => {
    const { follow, door, pass } = build()
    const { got } = follow()
    got.splice(0)
    for (let frames = 0; frames < 12; frames += 1) {
      door.send({ type: 'tap.progress', frames })
      pass(500)
    }
    await written()
    expect(got.map(({ event }) => event?.frames)).to.deep.equal([0, 0, 10, 10])
  })

  it('drops what is too much in one turn, says so, and shows the present actors again', async () => {
    const { follow, door } = build()
    const { got } = follow()
    got.splice(0)
    for (let count = 0; count < 800; count += 1) door.send({ type: 'text.set', count })
    await written()
    const dropped = got.findIndex(({ event }) => event?.type === 'inspect.dropped')
    expect(dropped).to.equal(200)
    expect(got[dropped]?.event).to.deep.equal({ type: 'inspect.dropped', count: 1_400 })
    expect(got.slice(dropped + 1).find(({ snapshot }) => snapshot.context?.count === 799)).not.to.equal(undefined)
    expect(got).to.have.length(200 + 1 + 6)
  })

  it('sends nothing to a receiver that left, and keeps nothing for later ones', async () => {
    const { follow, door } = build()
    const { got, end } = follow()
    const before = got.length
    door.send({ type: 'door.open' })
    end()
    await written()
    expect(got).to.have.length(before)
    door.send({ type: 'text.set' })
    const second = follow()
    await written()
    expect(second.got).to.have.length(6)
  })

  it('never disturbs the actors: a receiver that throws is logged', async () => {
    const { inspection, door, errors } = build()
    let calls = 0
    stops.push(
      inspection.follow(() => {
        calls += 1
        if (calls > 6) throw new Error('broken')
      }),
    )
    door.send({ type: 'door.open' })
    await written()
    expect(errors).to.deep.equal(['the inspection failed'])
    expect(door.getSnapshot().value).to.equal('open')
  })
})

describe('actors: inspectors', () => {
  it('are the observer itself while nobody else inspects', () => {
    const observer = { inspect: () => {} }
    expect(inspectors(observer, undefined)).to.equal(observer.inspect)
  })
})
