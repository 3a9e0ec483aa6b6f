import { expect } from 'chai'
import { createFacts } from '../../actors/facts.js'
import type { Told } from '../../machines/domain/facts.js'

const started = { type: 'system.started' } as const
const stopping = { type: 'system.stopping', reason: 'SIGTERM' } as const

describe('facts', () => {
  it('are numbered without gaps and timed, for everybody in order', () => {
    const { facts, heard } = bus()
    facts.publish(started)
    facts.publish(stopping)
    expect(heard).to.deep.equal([
      { ...started, seq: 1, at: 100 },
      { ...stopping, seq: 2, at: 101 },
    ])
  })

  it('reach the others also when one listener throws', () => {
    const { facts, heard, errors } = bus(() => {
      throw new Error('broken')
    })
    facts.publish(started)
    expect(heard).to.have.length(1)
    expect(errors).to.deep.equal(['a listener of facts failed'])
  })

  it('can be awaited, from now on', async () => {
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

  it('are not awaited longer than the signal says', async () => {
    const { facts } = bus()
    const ended = new AbortController()
    const next = facts.next((fact): fact is typeof stopping => fact.type === 'system.stopping', ended.signal)
    ended.abort(new Error('enough'))
    const reason = await next.catch((error: Error) => error.message)
    expect(reason).to.equal('enough')
  })
})

/** A bus whose first listener is `first`, and one that keeps what it hears. */
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
