import { expect } from 'chai'
import { createFacts } from '../../actors/facts.js'
import type { Told } from '../../machines/domain/facts.js'

const started = { type: 'system.started' } as const
const stopping = { type: 'system.stopping', reason: 'SIGTERM' } as const

describe('facts', () => {
  it('are numbered without gaps, have a time, and reach all listeners in order', () => {
    const { facts, heard } = bus()
    facts.publish(started)
    facts.publish(stopping)
    expect(heard).to.deep.equal([
      { ...started, seq: 1, at: 100 },
      { ...stopping, seq: 2, at: 101 },
    ])
  })

  it('reach the other listeners if one throws', () => {
    const { facts, heard, errors } = bus(() => {
      throw new Error('broken')
    })
    facts.publish(started)
    expect(heard).to.have.length(1)
    expect(errors).to.deep.equal(['a listener of facts failed'])
  })

  it('can be awaited', async () => {
    const { facts } = bus()
    facts.publish(started)
    const next = facts.next(
      (fact): fact is typeof stopping => fact.type === 'system.stopping',
      AbortSignal.timeout(1_000),
    )
    facts.publish(started)
    facts.publish(stopping)
    expect(await next).to.deep.include({ type: 'system.stopping', seq: 3 })
  })

  it('are awaited only until the signal aborts', async () => {
    const { facts } = bus()
    const ended = new AbortController()
    const next = facts.next((fact): fact is typeof stopping => fact.type === 'system.stopping', ended.signal)
    ended.abort(new Error('enough'))
    const reason = await next.catch((error: Error) => error.message)
    expect(reason).to.equal('enough')
  })
})

/** A bus with the listener `first`, and a second one that collects the facts. */
function bus(first: (fact: Told) => void = () => {}) {
  const heard: Told[] = []
  const errors: string[] = []
  let now = 99
  const quiet = () => {}
  const log = { error: (message: string) => errors.push(message), warn: quiet, info: quiet, debug: quiet }
  const facts = createFacts({ clock: { now: () => ++now }, log })
  facts.subscribe(first)
  facts.subscribe((fact) => heard.push(fact))
  return { facts, heard, errors }
}
