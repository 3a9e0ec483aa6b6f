import { expect } from 'chai'
import { type EventObject, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { backOff } from '../../machines/domain/backOff.js'
import type { Drift } from '../../machines/domain/drift.js'
import type { LinkFact } from '../../machines/domain/facts.js'
import type { ServerInfo } from '../../machines/domain/ports.js'
import { because, type Reason } from '../../machines/domain/reason.js'
import { linkView, mediamtxLinkMachine } from '../../machines/mediamtxLink.js'
import { pathWatchMachine } from '../../machines/pathWatch.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

/** All ways from up to down. */
const waysDown: Record<string, (one: Link) => Promise<void>> = {
  'two missing answers': async (one) => {
    one.clock.increment(1_000)
    await one.silent()
    one.clock.increment(100)
    await one.silent()
  },
  'a missing answer and a failed sync': async (one) => {
    one.clock.increment(1_000)
    await one.silent()
    one.clock.increment(100)
    await one.answers('monday')
    await one.syncFails()
  },
  'a restart and a failed sync': async (one) => {
    one.clock.increment(1_000)
    await one.answers('tuesday')
    await one.syncFails()
  },
  'an open breaker and failed trials': async (one) => {
    one.actor.send({ type: 'breaker.opened' })
    for (const pause of [2_000, 4_000]) {
      one.clock.increment(pause)
      await one.tryFails()
    }
  },
  'an open breaker, a successful trial and a failed sync': async (one) => {
    one.actor.send({ type: 'breaker.opened' })
    one.clock.increment(2_000)
    await one.tryable('monday')
    await one.syncFails()
  },
}

describe('mediamtxLink', () => {
  it('is up when the server answers and has all paths', async () => {
    const { facts, heard, state, answers, synced } = link()
    expect(state()).to.equal('down')
    await answers('monday')
    expect(state()).to.equal('syncing')
    await synced(2)
    expect(state()).to.equal('up')
    expect(facts).to.deep.equal([{ type: 'link.up', version: 'v1.20.1', paths: 2 }])
    expect(heard.map(({ type }) => type)).to.deep.equal(['server.answers', 'server.answers', 'server.restored'])
  })

  it('retries with increasing delays while the server does not answer', async () => {
    const { clock, asked, silent } = link()
    await silent()
    clock.increment(99)
    expect(asked()).to.equal(1)
    clock.increment(1)
    expect(asked()).to.equal(2)
    await silent()
    clock.increment(200)
    expect(asked()).to.equal(3)
  })

  it('asks a silent server soon again, then later and later, but at least once a second', () => {
    const { retry } = mediamtxLinkMachine.implementations.delays
    const inTheMiddle = { seed: 2 ** 31, resetAfter: 0, paths: 0 }
    const waits = [1, 2, 3, 4, 5, 50].map(
      (failures) =>
        typeof retry === 'function' && retry({ context: { ...inTheMiddle, failures } } as never, {} as never),
    )
    expect(waits).to.deep.equal([100, 200, 400, 800, 1_000, 1_000])
  })

  it('tells the end of the process as the reason, not what a check of it found, until it runs again', async () => {
    const { actor, clock, facts, cause, answers, silent, synced } = await up()
    const reason = because('server_ended', 'the media server was ended by SIGKILL')
    actor.send({ type: 'server.ended', reason })
    expect(facts.at(-1), 'no check is needed').to.deep.equal({ type: 'link.down', reason })
    expect(cause().reason).to.deep.equal(reason)
    actor.send({ type: 'link.check' })
    await silent()
    clock.increment(1_000)
    await silent()
    expect([facts.at(-1), cause().reason]).to.deep.equal([{ type: 'link.down', reason }, reason])
    actor.send({ type: 'server.runs' })
    expect(cause().reason).not.to.deep.equal(reason)
    actor.send({ type: 'link.check' })
    await answers('tuesday')
    await synced(1)
    expect(cause()).to.deep.equal({ state: 'up', since: 0 })
  })

  it('names the end of its process as the reason if the next process answers at once', async () => {
    const { actor, facts, answers, synced, state } = await up()
    const reason = because('server_ended', 'the media server was ended by SIGKILL')
    actor.send({ type: 'server.ended', reason })
    actor.send({ type: 'link.check' })
    await answers('tuesday')
    expect(facts.at(-1)).to.deep.equal({ type: 'link.down', reason })
    await synced(1)
    expect(state()).to.equal('up')
  })

  it('is down at once when its process ends, in each state', async () => {
    const reason = because('server_ended', 'the media server was ended by SIGKILL')
    const one = await up()
    one.actor.send({ type: 'link.check' })
    await one.silent()
    expect(one.state()).to.equal('degraded')
    one.actor.send({ type: 'server.ended', reason })
    expect(one.facts.at(-1)).to.deep.equal({ type: 'link.down', reason })
    const other = link()
    await other.answers('monday')
    expect(other.state()).to.equal('syncing')
    other.actor.send({ type: 'server.ended', reason })
    expect(other.facts.at(-1)).to.deep.equal({ type: 'link.down', reason })
  })

  it('adds jitter to its delays', async () => {
    const early = link({ seed: 0 })
    await early.silent()
    early.clock.increment(75)
    const late = link({ seed: 2 ** 32 - 1 })
    await late.silent()
    late.clock.increment(100)
    expect([early.asked(), late.asked()]).to.deep.equal([2, 1])
  })

  it('takes another jitter for each delay', async () => {
    const { actor, clock, silent } = link()
    const seeds = [actor.getSnapshot().context.seed]
    for (let failure = 0; failure < 3; failure += 1) {
      await silent()
      seeds.push(actor.getSnapshot().context.seed)
      clock.increment(1_000)
    }
    expect(new Set(seeds).size).to.equal(4)
  })

  it('reports that the server is down if it does not start in time', async () => {
    const { clock, facts, heard, silent } = link()
    await silent()
    expect(facts).to.deep.equal([])
    clock.increment(15_000)
    const reason = because('server_unreachable', 'no answer')
    expect(facts).to.deep.equal([{ type: 'link.down', reason }])
    expect(heard).to.deep.equal([{ type: 'server.lost', reason }, { type: 'server.silent' }])
  })

  it('has a reason if it does not even get a refusal in time', () => {
    const { clock, facts } = link()
    clock.increment(15_000)
    expect(facts).to.deep.equal([{ type: 'link.down', reason: because('server_unreachable') }])
  })

  it('names the end of a process that ended during its start', () => {
    const { actor, clock, facts, cause } = link()
    const reason = because('server_ended', 'it exited with code 1')
    actor.send({ type: 'server.ended', reason })
    expect(cause().reason).to.deep.equal(reason)
    clock.increment(15_000)
    expect(facts).to.deep.equal([{ type: 'link.down', reason }])
  })

  it('writes all paths again after a restart of the server', async () => {
    const { facts, heard, state, clock, answers, synced } = link()
    await answers('monday')
    await synced(2)
    clock.increment(1_000)
    await answers('tuesday')
    expect(state()).to.equal('syncing')
    await synced(2)
    expect(facts.map((fact) => fact.type)).to.deep.equal(['link.up', 'link.down', 'link.up'])
    expect(heard.map(({ type }) => type)).to.deep.equal([
      'server.answers',
      'server.answers',
      'server.restored',
      'server.lost',
      'server.answers',
      'server.answers',
      'server.restored',
    ])
  })

  it('does not call a server that answers, but does not take the paths, an answering one for ever', async () => {
    const { heard, clock, answers, syncFails } = link()
    await answers('monday')
    for (let attempt = 0; attempt < 5; attempt++) {
      await syncFails()
      clock.increment(1_000)
      await answers('monday')
    }
    expect(heard.filter(({ type }) => type === 'server.answers')).to.have.length(3)
    expect(heard.filter(({ type }) => type === 'server.silent')).to.have.length(5)
  })

  it('tells the first missing answer at once', async () => {
    const { heard, clock, answers, synced, silent } = link()
    await answers('monday')
    await synced(2)
    clock.increment(1_000)
    await silent()
    expect(heard.at(-1)).to.deep.equal({ type: 'server.silent' })
  })

  it('is degraded after one missing answer and down after two', async () => {
    const { facts, state, clock, answers, synced, silent } = link()
    await answers('monday')
    await synced(2)
    clock.increment(1_000)
    await silent()
    expect(state()).to.equal('degraded')
    clock.increment(100)
    await silent()
    expect(state()).to.equal('down')
    expect(facts.map((fact) => fact.type)).to.deep.equal(['link.up', 'link.degraded', 'link.down'])
  })

  it('syncs after a missing answer, because a change may have been lost', async () => {
    const { state, clock, answers, synced, silent } = link()
    await answers('monday')
    await synced(2)
    clock.increment(1_000)
    await silent()
    clock.increment(100)
    await answers('monday')
    expect(state()).to.equal('syncing')
    await synced(2)
    expect(state()).to.equal('up')
  })

  for (const [way, goes] of Object.entries(waysDown))
    it(`emits link.down and notifies the cameras after ${way}`, async () => {
      const one = link()
      await one.answers('monday')
      await one.synced(2)
      await goes(one)
      expect(one.state()).to.equal('down')
      expect(one.facts.at(-1)?.type).to.equal('link.down')
      const heard = one.heard.map(({ type }) => type)
      expect(heard.slice(-2)).to.deep.equal(['server.lost', 'server.silent'])
    })

  it('tells all when there is another reason why it is down, once', async () => {
    const { actor, clock, facts, heard, cause, silent } = await up()
    const told = () => [
      facts.flatMap((fact) => (fact.type === 'link.down' ? [fact.reason.details] : [])),
      heard.flatMap((event) =>
        event.type === 'server.lost' ? [(event as unknown as { reason: Reason }).reason.details] : [],
      ),
    ]
    actor.send({ type: 'server.ended', reason: because('server_ended', 'it was ended by SIGKILL') })
    actor.send({ type: 'link.check' })
    await silent()
    clock.increment(100)
    await silent()
    const first = ['it was ended by SIGKILL']
    expect(told()).to.deep.equal([first, first])
    for (let start = 0; start < 3; start += 1) {
      actor.send({ type: 'server.ended', reason: because('server_ended', 'port 8554 is in use') })
      clock.increment(1_000)
      await silent()
    }
    const both = [...first, 'port 8554 is in use']
    expect(told()).to.deep.equal([both, both])
    expect(cause().reason?.details).to.equal('port 8554 is in use')
  })

  it('tells all when a server that is none of ours fails in another way', async () => {
    const { actor, clock, facts, silent, fails } = await up()
    actor.send({ type: 'link.check' })
    await silent()
    for (const reason of ['no answer', 'no answer', 'connection refused', 'connection refused']) {
      clock.increment(1_000)
      await fails(reason)
    }
    expect(facts.flatMap((fact) => (fact.type === 'link.down' ? [fact.reason.details] : []))).to.deep.equal([
      'no answer',
      'connection refused',
    ])
  })

  it('opens the breaker, makes a trial call after a delay, and closes it', async () => {
    const { actor, clock, facts, state, breaker, tried, tryable, synced } = await up()
    actor.send({ type: 'breaker.opened' })
    expect([state(), breaker()]).to.deep.equal(['degraded', 'open'])
    clock.increment(1_999)
    expect(tried()).to.equal(0)
    clock.increment(1)
    expect([tried(), breaker()]).to.deep.equal([1, 'halfOpen'])
    await tryable('monday')
    expect(state()).to.equal('syncing')
    await synced(2)
    expect([state(), breaker()]).to.deep.equal(['up', 'closed'])
    expect(facts.map(({ type }) => type)).to.deep.equal(['link.up', 'link.degraded', 'link.breakerOpened', 'link.up'])
  })

  it('opens the breaker again, for longer, if the trial call fails', async () => {
    const { actor, clock, breaker, tried, tryFails } = await up()
    actor.send({ type: 'breaker.opened' })
    clock.increment(2_000)
    await tryFails()
    expect(breaker()).to.equal('open')
    clock.increment(3_999)
    expect(tried()).to.equal(1)
    clock.increment(1)
    expect(tried()).to.equal(2)
  })

  it('rejects calls only while it is down or connecting, or the breaker is open', async () => {
    const one = link()
    expect(one.paused()).to.equal('not_started')
    await one.answers('monday')
    await one.synced(2)
    expect(one.paused()).to.equal(undefined)
    one.actor.send({ type: 'breaker.opened' })
    expect(one.paused()).to.equal('breaker_open')
    one.clock.increment(2_000)
    expect(one.paused()).to.equal('breaker_open')
    await one.tryable('monday')
    expect(one.paused()).to.equal(undefined)
    await one.syncFails()
    expect(one.paused()).to.equal('server_unreachable')
  })

  it('checks at once when the server process starts or ends', async () => {
    const { actor, asked, silent } = link()
    await silent()
    actor.send({ type: 'link.check' })
    expect(asked()).to.equal(2)
  })
})

describe('a link reacts in each state', () => {
  const states: Record<string, (one: Link) => unknown> = {
    connecting: async ({ silent }) => silent(),
    down: async ({ clock, silent }) => {
      await silent()
      clock.increment(15_000)
    },
    up: async ({ answers, synced }) => {
      await answers('monday')
      await synced(2)
    },
    doubted: async (one) => {
      await states.up?.(one)
      one.clock.increment(1_000)
      await one.silent()
    },
    open: async (one) => {
      await states.up?.(one)
      one.actor.send({ type: 'breaker.opened' })
    },
    halfOpen: async (one) => {
      await states.open?.(one)
      one.clock.increment(2_000)
    },
  }
  const outcomes = {
    connecting: { check: 'down, closed, asked 1 more, tried 0', opened: 'down, closed, asked 0 more, tried 0' },
    down: { check: 'down, closed, asked 1 more, tried 0', opened: 'down, closed, asked 0 more, tried 0' },
    up: { check: 'up, closed, asked 1 more, tried 0', opened: 'degraded, open, asked 0 more, tried 0' },
    doubted: { check: 'degraded, closed, asked 1 more, tried 0', opened: 'degraded, open, asked 0 more, tried 0' },
    open: { check: 'degraded, halfOpen, asked 0 more, tried 1', opened: 'degraded, open, asked 0 more, tried 0' },
    halfOpen: {
      check: 'degraded, halfOpen, asked 0 more, tried 1',
      opened: 'degraded, halfOpen, asked 0 more, tried 1',
    },
  }
  for (const [name, expected] of Object.entries(outcomes))
    it(`when it is ${name}: to a hint and to the breaker`, async () => {
      const reacts = async (type: 'link.check' | 'breaker.opened') => {
        const one = link()
        await states[name]?.(one)
        const before = one.asked()
        one.actor.send({ type })
        return `${one.state()}, ${one.breaker()}, asked ${one.asked() - before} more, tried ${one.tried()}`
      }
      expect({ check: await reacts('link.check'), opened: await reacts('breaker.opened') }).to.deep.equal(expected)
    })

  it('when it is doubted and the breaker opens: it refuses calls, with that reason', async () => {
    const one = link()
    await states.doubted?.(one)
    one.actor.send({ type: 'breaker.opened' })
    expect([one.paused(), one.cause().reason]).to.deep.equal(['breaker_open', because('breaker_open')])
    expect(one.heard.at(-1)).to.deep.equal({ type: 'server.lost', reason: because('breaker_open') })
  })

  it('when the trial call succeeds: it notices a restart at the next check', async () => {
    const one = link()
    await states.halfOpen?.(one)
    await one.tryable('tuesday')
    await one.synced(3)
    one.clock.increment(1_000)
    await one.answers('tuesday')
    expect(one.state()).to.equal('up')
    expect(one.facts.at(-1)).to.deep.equal({ type: 'link.up', version: 'v1.20.1', paths: 3 })
    one.clock.increment(1_000)
    await one.answers('wednesday')
    expect(one.state()).to.equal('syncing')
  })
})

describe('a link with contested paths', () => {
  const reason = because('path_changed', 'another program keeps changing paths')

  it('is degraded with the reason, refuses nothing, and is up again when the paths are as wanted', async () => {
    const { actor, facts, heard, state, cause } = await up()
    actor.send({ type: 'paths.contested', reason })
    expect([state(), cause().reason]).to.deep.equal(['degraded', reason])
    expect(facts.at(-1)).to.deep.equal({ type: 'link.degraded', reason })
    expect(heard.map(({ type }) => type)).to.deep.equal(['server.answers', 'server.answers', 'server.restored'])
    actor.send({ type: 'paths.agreed' })
    expect([state(), cause().reason]).to.deep.equal(['up', undefined])
    expect(facts.at(-1)).to.deep.equal({ type: 'link.up', version: 'v1.20.1', paths: 2 })
  })

  it('still checks the server', async () => {
    const { actor, clock, state, silent } = await up()
    actor.send({ type: 'paths.contested', reason })
    clock.increment(1_000)
    await silent()
    clock.increment(100)
    await silent()
    expect(state()).to.equal('down')
  })

  it('forgets the contest when the server was started again, because all paths are written then', async () => {
    const { actor, clock, state, cause, answers, synced } = await up()
    actor.send({ type: 'paths.contested', reason })
    clock.increment(1_000)
    await answers('tuesday')
    expect(state()).to.equal('syncing')
    await synced(2)
    expect([state(), cause().reason]).to.deep.equal(['up', undefined])
  })

  it('survives a crash of the watch, and starts it again', async () => {
    const { clock, facts, state, watches } = await up('crashing')
    expect(state()).to.equal('up')
    expect(facts.at(-1)).to.deep.include({ type: 'actor.failed', actor: 'pathWatch', restarts: 1 })
    expect(watches()).to.equal(1)
    clock.increment(5_000)
    expect(watches()).to.equal(2)
  })

  it('are judged by the watch that follows one that crashed', async () => {
    const { actor, clock, facts, state } = await up('crashing later')
    actor.send({ type: 'paths.contested', reason })
    const passes = async (ms: number) => {
      clock.increment(ms)
      await turn()
      await turn()
    }
    await passes(10_000)
    expect(facts.at(-1)).to.deep.include({ type: 'actor.failed', actor: 'pathWatch' })
    await passes(5_000)
    expect(state()).to.equal('degraded')
    await passes(10_000)
    expect(state()).to.equal('up')
  })
})

type Link = ReturnType<typeof link>
/** The watch over the paths crashes at once, or after its first comparison. */
type Watch = 'crashing' | 'crashing later'

async function up(watch?: Watch): Promise<Link> {
  const one = link({ watch })
  await one.answers('monday')
  await one.synced(2)
  return one
}

/** The link to a server whose answers the test controls. A seed in the middle makes delays exact. */
function link({ seed = 2 ** 31, watch }: { seed?: number; watch?: Watch | undefined } = {}) {
  const clock = new SimulatedClock()
  const pauses = new Set<string>()
  let asked = 0
  let watches = 0
  let tried = 0
  let asking = later<ServerInfo>()
  let trying = later<ServerInfo>()
  let syncing = later<number>()
  const { actor, facts, heard } = withParent(
    mediamtxLinkMachine.provide({
      actors: {
        askInfo: fromPromise<ServerInfo>(() => {
          asked += 1
          asking = later()
          return asking.promise
        }),
        tryCall: fromPromise<ServerInfo>(() => {
          tried += 1
          trying = later()
          return trying.promise
        }),
        syncPaths: fromPromise<number>(() => {
          syncing = later()
          return syncing.promise
        }),
        pauseCalls: fromCallback<EventObject, { reason: Reason }>(({ input }) => {
          pauses.add(input.reason.code)
          return () => pauses.delete(input.reason.code)
        }),
        watchBreaker: fromCallback(() => {}),
        pathWatch: pathWatchMachine.provide({
          actors: { findDrift: fromPromise<{ at: number; drifts: Drift[] }>(async () => ({ at: 0, drifts: [] })) },
          delays: {
            interval: () => {
              watches += 1
              if (watch === 'crashing' || (watch === 'crashing later' && watches === 2)) throw new Error('a bug')
              return watch === undefined ? 1_000_000 : 10_000
            },
          },
        }),
      },
      // Fixed delays without jitter.
      delays: {
        retry: ({ context }) => backOff({ attempts: context.failures, seed, first: 100, most: 1_000 }),
        reset: ({ context }) => backOff({ attempts: context.failures, seed, first: 2_000, most: 60_000 }),
      },
    }),
    { clock, input: { seed, resetAfter: 2_000 } },
  )
  const settle = (change: () => void) => {
    change()
    return turn()
  }
  return {
    actor,
    clock,
    facts: facts as LinkFact[],
    heard,
    asked: () => asked,
    tried: () => tried,
    watches: () => watches,
    cause: () => linkView(actor.getSnapshot(), 0).cause,
    paused: () => [...pauses][0],
    state: () => linkView(actor.getSnapshot(), 0).state,
    breaker: () => linkView(actor.getSnapshot(), 0).breaker,
    answers: (started: string) => settle(() => asking.resolve({ version: 'v1.20.1', started })),
    silent: () => settle(() => asking.reject('no answer')),
    fails: (reason: string) => settle(() => asking.reject(reason)),
    tryable: (started: string) => settle(() => trying.resolve({ version: 'v1.20.1', started })),
    tryFails: () => settle(() => trying.reject('no answer')),
    synced: (paths: number) => settle(() => syncing.resolve(paths)),
    syncFails: () => settle(() => syncing.reject('no answer')),
  }
}
