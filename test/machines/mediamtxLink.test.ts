import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import type { LinkFact } from '../../machines/domain/facts.js'
import type { ServerInfo } from '../../machines/domain/ports.js'
import { linkView, mediamtxLinkMachine } from '../../machines/mediamtxLink.js'
import { later, turn } from '../support/later.js'

describe('mediamtxLink', () => {
  it('is up once the server answers and holds our paths', async () => {
    const { facts, state, answers, synced } = link()
    expect(state()).to.equal('down')
    await answers('monday')
    expect(state()).to.equal('syncing')
    await synced(2)
    expect(state()).to.equal('up')
    expect(facts).to.deep.equal([{ type: 'link.up', version: 'v1.20.1', paths: 2 }])
  })

  it('asks again, ever slower, while nobody answers', async () => {
    const { clock, asked, silent } = link()
    await silent()
    clock.increment(199)
    expect(asked()).to.equal(1)
    clock.increment(1)
    expect(asked()).to.equal(2)
    await silent()
    clock.increment(400)
    expect(asked()).to.equal(3)
  })

  it('puts all paths there again when the server was started anew', async () => {
    const { facts, state, clock, answers, synced } = link()
    await answers('monday')
    await synced(2)
    clock.increment(1_000)
    await answers('tuesday')
    expect(state()).to.equal('syncing')
    await synced(2)
    expect(facts.map((fact) => fact.type)).to.deep.equal(['link.up', 'link.down', 'link.up'])
  })

  it('is degraded by one silence and down by the second', async () => {
    const { facts, state, clock, answers, synced, silent } = link()
    await answers('monday')
    await synced(2)
    clock.increment(1_000)
    await silent()
    expect(state()).to.equal('degraded')
    clock.increment(200)
    await silent()
    expect(state()).to.equal('down')
    expect(facts.map((fact) => fact.type)).to.deep.equal(['link.up', 'link.degraded', 'link.down'])
  })

  it('syncs after a silence, because a change may not have arrived', async () => {
    const { state, clock, answers, synced, silent } = link()
    await answers('monday')
    await synced(2)
    clock.increment(1_000)
    await silent()
    clock.increment(200)
    await answers('monday')
    expect(state()).to.equal('syncing')
    await synced(2)
    expect(state()).to.equal('up')
  })

  it('is degraded while the breaker is open', async () => {
    const { actor, state, answers, synced } = link()
    await answers('monday')
    await synced(2)
    actor.send({ type: 'breaker.opened' })
    expect(state()).to.equal('degraded')
    actor.send({ type: 'breaker.closed' })
    await answers('monday')
    await synced(2)
    expect(state()).to.equal('up')
  })
})

/** The link to a server whose answers wait for the test. */
function link() {
  const clock = new SimulatedClock()
  const facts: LinkFact[] = []
  let asked = 0
  let asking = later<ServerInfo>()
  let syncing = later<number>()
  const actor = createActor(
    mediamtxLinkMachine.provide({
      actors: {
        askInfo: fromPromise<ServerInfo>(() => {
          asked += 1
          asking = later()
          return asking.promise
        }),
        syncPaths: fromPromise<number>(() => {
          syncing = later()
          return syncing.promise
        }),
        watchBreaker: fromCallback(() => {}),
      },
    }),
    { clock },
  )
  actor.on('*', (fact) => facts.push(fact))
  actor.start()
  return {
    actor,
    clock,
    facts,
    asked: () => asked,
    state: () => linkView(actor.getSnapshot()).state,
    answers: (started: string) => {
      asking.resolve({ version: 'v1.20.1', started })
      return turn()
    },
    silent: () => {
      asking.reject('no answer')
      return turn()
    },
    synced: (paths: number) => {
      syncing.resolve(paths)
      return turn()
    },
  }
}
