import { expect } from 'chai'
import { type EventObject, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import type { ServerChoice } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import { hangDelays, type ServerEnd, serverProcessMachine } from '../../machines/serverProcess.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

describe('serverProcess', () => {
  it('starts the chosen server', async () => {
    const { actor, runs, chosen } = server()
    await chosen('managed')
    expect(runs).to.deep.equal([{ kind: 'managed', why: 'test' }])
    actor.send({ type: 'server.started', pid: 7 })
    expect(actor.getSnapshot().hasTag('running')).to.equal(true)
  })

  it('tells its parent when the server has started', async () => {
    const { actor, heard, chosen } = server()
    await chosen('managed')
    expect(heard).to.deep.equal([])
    actor.send({ type: 'server.started', pid: 7 })
    expect(heard).to.deep.equal([{ type: 'server.changed' }])
  })

  it('does not start an external server', async () => {
    const { actor, heard, starts, chosen } = server()
    await chosen('external')
    expect(starts()).to.equal(0)
    expect(heard, 'it may answer at once').to.deep.equal([{ type: 'server.changed' }])
    expect(actor.getSnapshot().hasTag('running')).to.equal(true)
    actor.send({ type: 'server.end' })
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('restarts the server with increasing delays, and resets the delay when it runs', async () => {
    const { actor, clock, starts, chosen } = server()
    await chosen('managed')
    actor.send({ type: 'server.exited', reason: 'signal SIGKILL' })
    clock.increment(0)
    expect(starts(), 'the first restart is immediate').to.equal(2)
    for (const [pause, nth] of [
      [500, 3],
      [1_000, 4],
      [2_000, 5],
      [4_000, 6],
      [5_000, 7],
      [5_000, 8],
    ] as const) {
      actor.send({ type: 'server.exited', reason: 'signal SIGKILL' })
      clock.increment(pause - 1)
      expect(starts()).to.equal(nth - 1)
      clock.increment(1)
      expect(starts()).to.equal(nth)
    }
    actor.send({ type: 'server.started', pid: 7 })
    actor.send({ type: 'server.answers' })
    clock.increment(10_000)
    actor.send({ type: 'server.exited', reason: 'signal SIGKILL' })
    clock.increment(0)
    expect(starts()).to.equal(9)
  })

  it('kills a child that does not answer, and restarts it', async () => {
    const { actor, clock, kills, starts, heard, chosen } = server()
    await chosen('managed')
    actor.send({ type: 'server.started', pid: 7 })
    actor.send({ type: 'server.answers' })
    actor.send({ type: 'server.silent' })
    clock.increment(9_999)
    actor.send({ type: 'server.answers' })
    clock.increment(10_000)
    expect(kills(), 'it answered in time').to.equal(0)
    actor.send({ type: 'server.silent' })
    clock.increment(8_000)
    clock.increment(2_000)
    await turn()
    expect(kills()).to.equal(1)
    actor.send({ type: 'server.exited', reason: 'signal SIGKILL' })
    const ended = because('server_hung')
    expect(heard.at(-1), 'not the signal, which came from here').to.deep.equal({ type: 'server.changed', ended })
    clock.increment(0)
    expect(starts()).to.equal(2)
    actor.send({ type: 'server.exited', reason: 'it exited with code 1' })
    expect(actor.getSnapshot().context.reason).to.deep.equal(because('server_ended', 'it exited with code 1'))
  })

  it('kills a child that never answers', async () => {
    const { actor, clock, kills, chosen } = server()
    await chosen('managed')
    actor.send({ type: 'server.started', pid: 7 })
    clock.increment(30_000)
    expect(kills()).to.equal(0)
    clock.increment(2_000)
    await turn()
    expect(kills()).to.equal(1)
  })

  it('does not kill a child that answered before its start was reported', async () => {
    const { actor, clock, kills, chosen } = server()
    await chosen('managed')
    actor.send({ type: 'server.answers' })
    expect(actor.getSnapshot().hasTag('running')).to.equal(true)
    actor.send({ type: 'server.started', pid: 7 })
    clock.increment(120_000)
    expect(kills()).to.equal(0)
    actor.send({ type: 'server.silent' })
    clock.increment(10_000)
    clock.increment(2_000)
    await turn()
    expect(kills()).to.equal(1)
  })

  it('asks a silent child once more before it kills it', async () => {
    const { actor, clock, kills, changes, chosen } = server()
    await chosen('managed')
    actor.send({ type: 'server.started', pid: 7 })
    actor.send({ type: 'server.answers' })
    actor.send({ type: 'server.silent' })
    clock.increment(7_999)
    const before = changes()
    clock.increment(1)
    expect(changes() - before, 'the link checks the server').to.equal(1)
    actor.send({ type: 'server.answers' })
    clock.increment(60_000)
    expect(kills()).to.equal(0)
  })

  it('kills a silent child after a short limit, too', async () => {
    const { actor, clock, kills, chosen } = server({ hangLimit: 1_000 })
    await chosen('managed')
    actor.send({ type: 'server.started', pid: 7 })
    actor.send({ type: 'server.answers' })
    actor.send({ type: 'server.silent' })
    clock.increment(500)
    clock.increment(499)
    await turn()
    expect(kills()).to.equal(0)
    clock.increment(1)
    await turn()
    expect(kills()).to.equal(1)
  })

  it('ends a child that takes too long to start, and starts it again after that', async () => {
    const { clock, ends, starts, heard, chosen, ended } = server()
    await chosen('managed')
    clock.increment(19_999)
    expect(ends).to.deep.equal([])
    clock.increment(1)
    const failure = because('server_hung', 'the media server did not answer in time after its start and was ended')
    expect(ends).to.deep.equal([{ isSilent: true, failure }])
    expect(heard.at(-1)).to.deep.equal({ type: 'server.changed', ended: failure })
    expect(starts(), 'the ports are still in use').to.equal(1)
    await ended()
    clock.increment(0)
    expect(starts()).to.equal(2)
  })

  it('is ended during the end of a child that took too long to start', async () => {
    const { actor, clock, ends, chosen, ended } = server()
    await chosen('managed')
    clock.increment(20_000)
    actor.send({ type: 'server.end', until: 25_000 })
    expect(ends.at(-1)).to.deep.equal({ until: 25_000, isSilent: false })
    await ended()
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('does not touch an external server that does not answer', async () => {
    const { actor, clock, kills, chosen } = server()
    await chosen('external')
    actor.send({ type: 'server.silent' })
    clock.increment(60_000)
    expect(kills()).to.equal(0)
  })

  it('ends the child before it ends itself', async () => {
    const { actor, chosen, ended } = server()
    await chosen('managed')
    actor.send({ type: 'server.end' })
    expect(actor.getSnapshot().status).to.equal('active')
    await ended()
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('tells the effect that ends it until when, and that a child is known to be silent', async () => {
    for (const [isSilent, reports] of [
      [false, []],
      [false, ['server.answers']],
      [true, ['server.answers', 'server.silent']],
      [false, ['server.answers', 'server.silent', 'server.answers']],
    ] as const) {
      const { actor, ends, chosen, ended } = server()
      await chosen('managed')
      actor.send({ type: 'server.started', pid: 7 })
      for (const type of reports) actor.send({ type })
      actor.send({ type: 'server.end', until: 9_500 })
      expect(ends, reports.join()).to.deep.equal([{ until: 9_500, isSilent }])
      await ended()
      expect(actor.getSnapshot().status).to.equal('done')
    }
  })

  it('tells its parent why the child ended', async () => {
    const { actor, clock, heard, chosen } = server()
    await chosen('managed')
    actor.send({ type: 'server.started', pid: 7 })
    const details = 'the media server was ended by SIGKILL'
    actor.send({ type: 'server.exited', reason: details })
    expect(heard.at(-1)).to.deep.equal({ type: 'server.changed', ended: because('server_ended', details) })
    clock.increment(0)
    expect(actor.getSnapshot().context.reason).to.deep.equal(because('server_ended', details))
    actor.send({ type: 'server.started', pid: 8 })
    expect(actor.getSnapshot().context.reason, 'the next one runs').to.equal(undefined)
  })

  it('shows why it could not choose a server, and retries', async () => {
    const { actor, clock, choices, choosingFails } = server()
    await choosingFails('port 9997 is taken')
    expect(actor.getSnapshot().context.reason?.details).to.equal('port 9997 is taken')
    clock.increment(0)
    expect(choices()).to.equal(2)
  })
})

function server({ hangLimit }: { hangLimit?: number } = {}) {
  const clock = new SimulatedClock()
  const ending = later<void>()
  const ends: ServerEnd[] = []
  let choosing = later<ServerChoice>()
  let choices = 0
  const runs: ServerChoice[] = []
  let kills = 0
  const { actor, heard } = withParent(
    serverProcessMachine.provide({
      actors: {
        chooseServer: fromPromise<ServerChoice>(() => {
          choices += 1
          choosing = later()
          return choosing.promise
        }),
        runServer: fromCallback<EventObject, { choice: ServerChoice }>(({ input }) => {
          runs.push(input.choice)
        }),
        endServer: fromPromise<void, ServerEnd>(({ input }) => {
          ends.push(input)
          return ending.promise
        }),
        killServer: fromPromise<void>(async () => {
          kills += 1
        }),
      },
      ...(hangLimit !== undefined && { delays: hangDelays(hangLimit) }),
    }),
    { clock },
  )
  return {
    actor,
    clock,
    heard,
    changes: () => heard.filter(({ type }) => type === 'server.changed').length,
    runs,
    starts: () => runs.length,
    kills: () => kills,
    ends,
    choices: () => choices,
    chosen: (kind: ServerChoice['kind']) => {
      choosing.resolve({ kind, why: 'test' })
      return turn()
    },
    choosingFails: (reason: string) => {
      choosing.reject(reason)
      return turn()
    },
    ended: () => {
      ending.resolve()
      return turn()
    },
  }
}
