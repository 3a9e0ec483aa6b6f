import { expect } from 'chai'
import { createActor, type EventObject, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { type MediaSession, neverExpires } from '../../machines/domain/access.js'
import type { MediaSessionFact } from '../../machines/domain/facts.js'
import type { Admission, Kick, KickOutcome, Listing } from '../../machines/domain/mediaReaders.js'
import { isEnding, keysWhere, mediaSessionsMachine, mediaSessionsView } from '../../machines/mediaSessions.js'
import { day } from '../support/clock.js'
import { turn } from '../support/later.js'

const startLimit = 30_000

describe('media sessions', () => {
  describe('kicks', () => {
    it('a reader when its credential expires, not before', async () => {
      const { admit, kicked, passes } = mediaSessions()
      admit({ id: 'late', expiresAt: 9_000 })
      admit({ id: 'soon', expiresAt: 5_000 }, 'sig=x')
      await passes(4_999)
      expect(kicked()).to.deep.equal([])
      await passes(1)
      expect(kicked()).to.deep.equal(['soon'])
      await passes(4_000)
      expect(kicked()).to.deep.equal(['soon', 'late'])
    })

    it('with the query of the URL and the reason', async () => {
      const { admit, kicks, passes } = mediaSessions()
      admit({ id: 'a', expiresAt: 1_000 }, 'sig=x')
      await passes(1_000)
      expect(kicks.map(({ query, reason, request }) => ({ query, reason, request }))).to.deep.equal([
        { query: 'sig=x', reason: 'token_expired', request: undefined },
      ])
    })

    it('the readers of a call at once, and emits a fact for each ended session', () => {
      const { admit, end, done, kicked, facts, ids } = mediaSessions()
      for (const id of ['one', 'two', 'gone']) admit({ id })
      admit({ id: 'other', user: 'bob' })
      const call = end(({ user }) => user === 'ann', 'revoked')
      expect(kicked()).to.deep.equal(['one', 'two', 'gone'])
      done('one', 'ended')
      done('gone', 'absent')
      expect(call.isEnding()).to.equal(true)
      done('two', 'ended')
      expect(call.isEnding()).to.equal(false)
      const fact = {
        type: 'mediaSession.ended',
        camera: 'camera0',
        protocol: 'rtsp',
        user: 'ann',
        address: '192.0.2.7',
      }
      const ended = { ...fact, reason: 'revoked', request: call.request }
      expect(facts).to.deep.equal([ended, ended])
      expect(ids(), 'neither the ended ones nor the absent one').to.deep.equal(['other'])
    })

    it('a reader once when two calls end it, and counts it for the first', () => {
      const { admit, end, kicked, done, facts } = mediaSessions()
      admit({ id: 'a' })
      const [first, second] = [end(() => true), end(() => true)]
      expect(kicked()).to.deep.equal(['a'])
      expect([first.isEnding(), second.isEnding()]).to.deep.equal([true, false])
      done('a', 'ended')
      expect(facts.map(({ request }) => request)).to.deep.equal([first.request])
    })

    it('at most sixteen readers at a time', async () => {
      const { admit, end, kicked, done, state, passes } = mediaSessions()
      for (let n = 0; n < 20; n++) admit({ id: `r${n}`, expiresAt: n < 18 ? 1_000 : neverExpires })
      await passes(1_000)
      expect([kicked().length, state().kicks]).to.deep.equal([16, 'busy'])
      const call = end(({ id }) => id === 'r19')
      expect(kicked(), 'a call waits too').to.have.length(16)
      done('r3', 'ended')
      expect(kicked().slice(16)).to.deep.equal(['r16'])
      done('r4', 'absent')
      done('r5', 'failed')
      expect(kicked().slice(16)).to.deep.equal(['r16', 'r17', 'r19'])
      expect([state().kicks, call.isEnding()]).to.deep.equal(['busy', true])
    })

    it('again with an increasing delay until the media server answers', async () => {
      const { admit, kicks, done, passes, ids } = mediaSessions()
      admit({ id: 'a', expiresAt: 100_000 })
      await passes(100_000)
      for (const pause of [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
        const before = kicks.length
        done('a', 'failed')
        await passes(pause - 1)
        expect(kicks, `before ${pause} ms`).to.have.length(before)
        await passes(1)
        expect(kicks, `after ${pause} ms`).to.have.length(before + 1)
      }
      expect(ids(), 'it still reads').to.deep.equal(['a'])
      done('a', 'ended')
      expect(ids()).to.deep.equal([])
    })

    it('again while an absent reader may still start, and then removes it', async () => {
      const { actor, admit, kicks, done, passes, ids } = mediaSessions()
      admit({ id: 'a', expiresAt: 1_000 })
      await passes(1_000)
      for (let seconds = 0; seconds < 30; seconds++) {
        while (kicks.some(({ key }) => isUnderWay(actor, key))) done('a', 'absent')
        expect(ids()).to.deep.equal([])
        await passes(1_000)
      }
      expect(kicks.length).to.be.within(8, 11)
      done('a', 'absent')
      expect(actor.getSnapshot().context.readers).to.deep.equal([])
    })

    it('again a reader with a new question during its kick', () => {
      const { admit, end, kicked, done, state, ids } = mediaSessions()
      admit({ id: 'a' })
      const call = end(() => true)
      admit({ id: 'a' })
      expect(kicked()).to.deep.equal(['a'])
      done('a', 'absent')
      expect(call.isEnding()).to.equal(false)
      expect([kicked(), state().kicks]).to.deep.equal([['a', 'a'], 'idle'])
      done('a', 'ended')
      expect(ids()).to.deep.equal([])
    })

    it('at the earlier expiry of two questions', async () => {
      const { admit, kicked, passes } = mediaSessions()
      admit({ id: 'a', expiresAt: 2_000 })
      admit({ id: 'a', expiresAt: 9_000 })
      admit({ id: 'b', expiresAt: 9_000 })
      admit({ id: 'b', expiresAt: 3_000 })
      await passes(2_000)
      expect(kicked()).to.deep.equal(['a'])
      await passes(1_000)
      expect(kicked()).to.deep.equal(['a', 'b'])
    })

    it('when the credential would have ended anyway, if it is shown again after the wall clock was set', async () => {
      const { admit, kicked, passes } = mediaSessions()
      const expiresAt = 3_600_000
      admit({ id: 'a', expiresAt })
      admit({ id: 'b', expiresAt })
      await passes(600_000)
      admit({ id: 'a', expiresAt }, undefined, expiresAt - day)
      admit({ id: 'b', expiresAt }, undefined, expiresAt + day)
      await passes(2_999_999)
      expect(kicked()).to.deep.equal([])
      await passes(1)
      expect(kicked()).to.deep.equal(['a', 'b'])
    })

    it('as soon as the clock, which started in 1970, is set and shows that the credential has expired', async () => {
      const { actor, admit, kicked, passes, end } = mediaSessions()
      const set = Date.UTC(2026, 0, 2)
      admit({ id: 'expired', expiresAt: set - 1 })
      admit({ id: 'valid', expiresAt: set + 5_000 })
      admit({ id: 'ending', expiresAt: set + 5_000 })
      end(({ id }) => id === 'ending')
      await passes(1_000)
      actor.send({ type: 'clock.set', at: 1_000, wall: set })
      await passes(0)
      expect(kicked()).to.deep.equal(['ending', 'expired'])
      await passes(5_000)
      expect(kicked()).to.deep.equal(['ending', 'expired', 'valid'])
    })
  })

  describe('limits readers', () => {
    it('to 1,000 of one user', function () {
      this.timeout(60_000)
      const { admit, mayAdmit } = mediaSessions()
      for (let n = 0; n < 1_000; n++) admit({ id: `n${n}` })
      expect(mayAdmit({ id: 'more' })).to.equal(false)
      expect(mayAdmit({ id: 'n0' }), 'a known reader').to.equal(true)
      expect(mayAdmit({ id: 'more', user: 'bob' })).to.equal(true)
    })

    it('to 4,000 of all', function () {
      this.timeout(60_000)
      const { admit, mayAdmit } = mediaSessions()
      for (let n = 0; n < 4_000; n++) admit({ id: `n${n}`, user: `user${n % 5}` })
      expect(mayAdmit({ id: 'more', user: 'bob' })).to.equal(false)
      expect(mayAdmit({ id: 'n0', user: 'user0' }), 'a known reader').to.equal(true)
    })
  })

  describe('lists the sessions of the media server', () => {
    it('3 s after an admission, then every 30 s, and never without readers', async () => {
      const {
        admit,
        lists,
        lists: { length: none },
        listed,
        passes,
        state,
      } = mediaSessions()
      await passes(100_000)
      expect([none, lists.length, state().presence]).to.deep.equal([0, 0, 'empty'])
      admit({ id: 'a' })
      await passes(3_000)
      await listed(['a'])
      expect([lists.length, state().presence]).to.deep.equal([1, 'settled'])
      await passes(29_999)
      expect(lists).to.have.length(1)
      await passes(1)
      await listed([])
      expect([lists.length, state().presence], 'the reader has left').to.deep.equal([2, 'empty'])
    })

    it('every 3 s while a reader has not started', async () => {
      const { admit, lists, listed, passes, ids } = mediaSessions()
      admit({ id: 'a' })
      await passes(3_000)
      await listed([])
      expect(ids(), 'a young reader counts as present').to.deep.equal(['a'])
      await passes(3_000)
      await listed([])
      expect(ids()).to.deep.equal([])
      await passes(3_000)
      await listed(['a'])
      expect(ids(), 'the stream had to start').to.deep.equal(['a'])
      expect(lists).to.have.length(3)
    })

    it('at once on request, and again 3 s after a failure', async () => {
      const { actor, admit, lists, listFails, passes } = mediaSessions()
      admit({ id: 'a' })
      actor.send({ type: 'readers.check' })
      expect(lists).to.have.length(1)
      await listFails()
      await passes(3_000)
      expect(lists).to.have.length(2)
    })

    it('and removes a reader that never started', async () => {
      const { actor, admit, listed, passes } = mediaSessions()
      admit({ id: 'a' })
      for (let at = 0; at <= startLimit; at += 3_000) {
        await passes(3_000)
        expect(actor.getSnapshot().context.readers).to.have.length(1)
        await listed([])
      }
      expect(actor.getSnapshot().context.readers).to.have.length(0)
    })

    it('and keeps a reader with a question after the start of the list', async () => {
      const { admit, listed, passes, ids } = mediaSessions()
      admit({ id: 'old' })
      await passes(3_000)
      await passes(startLimit)
      admit({ id: 'new' })
      await listed([], 3_000 + startLimit - 1)
      expect(ids()).to.deep.equal(['new'])
    })

    it('and identifies a reader by the id of its connection', async () => {
      const { admit, listed, passes, ids } = mediaSessions()
      for (const id of ['describe', 'setup', 'connection']) admit({ id })
      for (const _ of [1, 2]) {
        await passes(3_000)
        await listed([
          { id: 'setup', connections: ['describe'] },
          { id: 'unknown', connections: ['connection'] },
        ])
      }
      expect(ids(), 'the connection of a known session is no reader').to.deep.equal(['setup', 'connection'])
    })

    it('and keeps a reader that a call still has to kick', async () => {
      const { admit, end, listed, passes, done, kicked } = mediaSessions()
      for (let n = 0; n < 17; n++) admit({ id: `r${n}` })
      const call = end(() => true)
      await passes(3_000)
      await passes(2 * startLimit)
      await listed([])
      expect(call.isEnding()).to.equal(true)
      for (let n = 0; n < 16; n++) done(`r${n}`, 'absent')
      done('r16', 'absent')
      expect([call.isEnding(), kicked().length]).to.deep.equal([false, 17])
    })

    it('not more often for HLS clients, which cause a question with each request', async () => {
      const { actor, admit, listed, passes, state } = mediaSessions()
      admit({ id: 'a', protocol: 'hls' })
      await passes(3_000)
      await listed(['a'])
      const before = actor.getSnapshot().context.readers
      admit({ id: 'a', protocol: 'hls' })
      expect(actor.getSnapshot().context.readers).to.equal(before)
      expect(state().presence).to.equal('settled')
    })
  })

  it('keep the first time and the last credential of a reader with several questions', async () => {
    const { actor, admit, listed, passes } = mediaSessions()
    const credential = { kind: 'key', id: 'k' } as const
    admit({ id: 'a' })
    await passes(3_000)
    await listed(['a'])
    admit({ id: 'a', credential })
    const [session] = mediaSessionsView(actor.getSnapshot())
    expect(session).to.deep.include({ since: 0, credential })
  })
})

/** True until the media server answers the last kick of the reader. */
const isUnderWay = (actor: ReturnType<typeof mediaSessions>['actor'], key: string): boolean =>
  actor.getSnapshot().context.readers.some((reader) => reader.key === key && reader.kickAt === undefined)

/** The machine. The test answers its kicks and lists. Time starts at 0. */
function mediaSessions() {
  const clock = new SimulatedClock()
  const kicks: Kick[] = []
  const waits: number[] = []
  const facts: MediaSessionFact[] = []
  const lists: { resolve: (listing: Listing) => void; reject: (error: Error) => void }[] = []
  let report = (_: EventObject) => {}
  const actor = createActor(
    mediaSessionsMachine.provide({
      actors: {
        kickReaders: fromCallback<EventObject>(({ receive, sendBack }) => {
          report = sendBack
          receive((event) => kicks.push(event as unknown as Kick))
        }),
        waitUntil: fromPromise<{ at: number }, { at: number }>(({ input: { at }, signal }) => {
          waits.push(at)
          return new Promise((resolve) => {
            const timer = clock.setTimeout(() => resolve({ at }), Math.max(0, at - clock.now()))
            signal.addEventListener('abort', () => clock.clearTimeout(timer))
          })
        }),
        listSessions: fromPromise<Listing>(() => new Promise((resolve, reject) => lists.push({ resolve, reject }))),
      },
    }),
    { input: { startLimit }, clock },
  )
  actor.on('mediaSession.ended', (fact) => facts.push(fact))
  actor.start()
  const admission = (
    changes: Partial<MediaSession>,
    query?: string,
    endsAt = changes.expiresAt ?? neverExpires,
  ): Admission => ({
    session: {
      id: 'a',
      protocol: 'rtsp',
      camera: 'camera0',
      user: 'ann',
      address: '192.0.2.7',
      since: clock.now(),
      expiresAt: neverExpires,
      ...changes,
    },
    at: clock.now(),
    endsAt,
    ...(query !== undefined && { query }),
  })
  return {
    actor,
    kicks,
    waits,
    facts,
    lists,
    kicked: () => kicks.map(({ session }) => session.id),
    ids: () => mediaSessionsView(actor.getSnapshot()).map(({ id }) => id),
    state: () => actor.getSnapshot().value,
    admit: (...about: Parameters<typeof admission>) => actor.send({ type: 'reader.admit', ...admission(...about) }),
    mayAdmit: (changes: Partial<MediaSession>) =>
      actor.getSnapshot().can({ type: 'reader.admit', ...admission(changes) }),
    end: (isIt: (session: MediaSession) => boolean, reason = 'ended') => {
      const request = `request ${Math.random()}`
      const keys = keysWhere(actor.getSnapshot(), isIt)
      actor.send({ type: 'readers.end', keys, reason, request, at: clock.now() })
      return { request, isEnding: () => isEnding(actor.getSnapshot(), request) }
    },
    /** Answers the last kick of a reader. */
    done: (id: string, outcome: KickOutcome) => {
      const kick = kicks.findLast(({ session }) => session.id === id)
      if (kick === undefined) throw new Error(`${id} was not kicked`)
      report({ type: 'kick.done', kick, outcome, at: clock.now() } as EventObject)
    },
    /** Answers the last list with session ids. `at`: its start time; by default now. */
    listed: (sessions: (string | Listing['sessions'][number])[], at = clock.now()) => {
      lists.at(-1)?.resolve({
        at,
        sessions: sessions.map((one) => (typeof one === 'string' ? { id: one, connections: [] } : one)),
      })
      return turn()
    },
    listFails: () => {
      lists.at(-1)?.reject(new Error('no answer'))
      return turn()
    },
    passes: async (ms: number) => {
      await turn()
      clock.increment(ms)
      await turn()
    },
  }
}
