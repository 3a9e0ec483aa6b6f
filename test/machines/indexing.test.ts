import { expect } from 'chai'
import { createActor, fromPromise, SimulatedClock } from 'xstate'
import type { IndexFact } from '../../machines/domain/facts.js'
import type { IndexFormat } from '../../machines/domain/files.js'
import { because, Failure } from '../../machines/domain/reason.js'
import type { RecordingFormat } from '../../machines/domain/recording.js'
import { type Formats, type Found, type Indexable, type Indexed, indexingMachine } from '../../machines/indexing.js'
import { later, turn } from '../support/later.js'

const file = (name: string, format: IndexFormat = 'fmp4'): Indexable => ({
  ...{ name, format, camera: 'camera0', path: `/x/${name}`, bytes: 10, modifiedAt: 1, inode: 1 },
  ...{ complete: true, duration: 1_000, isAtRest: true },
})

describe('the indexing machine', () => {
  /** `found`: the result of each search; an error: the search fails. */
  function start(found: (string[] | Found | Error)[], input = { enabled: true, format: 'fmp4' as IndexFormat }) {
    const timers = new SimulatedClock()
    const searches: Formats[] = []
    const work: { name: string; signal: AbortSignal; done: ReturnType<typeof later<Indexed>> }[] = []
    const facts: IndexFact[] = []
    const machine = indexingMachine.provide({
      actors: {
        findUnindexed: fromPromise<Found, { formats: Formats; format: IndexFormat }>(async ({ input }) => {
          searches.push(input.formats)
          const next = found.shift() ?? []
          if (next instanceof Error) throw next
          return Array.isArray(next) ? { files: next.map((name) => file(name)), waiting: [] } : next
        }),
        indexFile: fromPromise<Indexed, { file: Indexable | undefined }>(({ input, signal }) => {
          const done = later<Indexed>()
          work.push({ name: input.file?.name ?? '', signal, done })
          return done.promise
        }),
      },
    })
    const actor = createActor(machine, { clock: timers, input })
    actor.on('*', (fact) => facts.push(fact))
    actor.start()
    const close = (files: string[], format: RecordingFormat = 'fmp4') =>
      actor.send({ type: 'part.closed', camera: 'camera0', files, format })
    const pass = async (ms: number) => {
      timers.increment(ms)
      for (let turns = 0; turns < 4; turns += 1) await turn()
    }
    const settle = async (index: number, outcome: Indexed | Error) => {
      if (outcome instanceof Error) work[index]?.done.reject(outcome)
      else work[index]?.done.resolve(outcome)
      await pass(0)
    }
    return { actor, searches, work, facts, close, pass, settle, names: () => work.map(({ name }) => name) }
  }

  it('searches after the start, and indexes one file at a time', async () => {
    const { searches, names, pass, settle, facts } = start([['b.mp4', 'a.mp4']])
    await pass(2_499)
    expect(searches).to.have.length(0)
    await pass(1)
    expect(names()).to.deep.equal(['b.mp4'])
    await settle(0, 12)
    expect(names()).to.deep.equal(['b.mp4', 'a.mp4'])
    await settle(1, undefined)
    expect(facts).to.deep.equal([{ type: 'file.indexed', camera: 'camera0', filename: 'b.mp4', bytes: 12 }])
  })

  it('searches again each minute, because a long recording closes files without an end', async () => {
    const { searches, names, pass } = start([[], ['full.mp4']])
    await pass(2_500)
    await pass(59_999)
    expect(searches).to.have.length(1)
    await pass(1)
    expect(names()).to.deep.equal(['full.mp4'])
  })

  it('waits for the last of several recordings that end one after the other', async () => {
    const { searches, pass, close } = start([[], []])
    await pass(2_500)
    close(['a.mp4'])
    await pass(2_000)
    close(['b.mp4'])
    await pass(2_000)
    expect(searches).to.have.length(1)
    await pass(500)
    expect(searches[1]).to.deep.equal({ 'a.mp4': 'fmp4', 'b.mp4': 'fmp4' })
  })

  it('indexes the files of a recording that has just ended before those that were found earlier', async () => {
    const { names, pass, settle, close } = start([['old2.mp4', 'old1.mp4'], ['new.mp4', 'old1.mp4'], []])
    await pass(2_500)
    close(['new.mp4'])
    await settle(0, 12)
    await pass(2_500)
    await settle(1, 12)
    expect(names()).to.deep.equal(['old2.mp4', 'new.mp4', 'old1.mp4'])
  })

  it('keeps the formats of ended recordings as long as their files lack the index', async () => {
    const waiting = { files: [], waiting: ['a.mp4'] }
    const { searches, pass, close } = start([waiting, waiting, []])
    close(['a.mp4', 'gone.mp4'], 'mp4')
    close(['b.mp4'], 'mkv')
    await pass(2_500)
    await pass(60_000)
    await pass(60_000)
    await pass(60_000)
    expect(searches).to.deep.equal([
      { 'a.mp4': 'mp4', 'gone.mp4': 'mp4', 'b.mp4': 'fmp4' },
      { 'a.mp4': 'mp4' },
      { 'a.mp4': 'mp4' },
      {},
    ])
  })

  it('keeps the format of a recording that ends during a search', async () => {
    const { searches, pass, close, actor } = start([[], []])
    actor.send({ type: 'part.closed', camera: 'camera0', files: ['early.mp4'], format: 'mp4' })
    const isSearching = () => actor.getSnapshot().matches('searching')
    const ended = actor.subscribe(() => {
      if (isSearching() && searches.length === 1) {
        ended.unsubscribe()
        close(['late.mp4'], 'mp4')
      }
    })
    await pass(2_500)
    await pass(2_500)
    expect(searches).to.deep.equal([{ 'early.mp4': 'mp4' }, { 'late.mp4': 'mp4' }])
  })

  it('tells why a file cannot get an index, goes on, and does not try it again', async () => {
    const { names, facts, pass, settle } = start([['a.mp4', 'b.mp4'], ['a.mp4', 'b.mp4'], [], ['a.mp4']])
    await pass(2_500)
    await settle(0, new Failure('failed', 'the copy is not whole'))
    await settle(1, 5)
    expect(facts.map(({ type, filename }) => [type, filename])).to.deep.equal([
      ['file.notIndexed', 'a.mp4'],
      ['file.indexed', 'b.mp4'],
    ])
    expect(facts[0]).to.deep.include({ reason: because('failed', 'the copy is not whole') })
    await pass(60_000)
    expect(names()).to.deep.equal(['a.mp4', 'b.mp4', 'b.mp4'])
  })

  it('forgets a failure when the file is gone', async () => {
    const { actor, pass, settle } = start([['a.mp4'], []])
    await pass(2_500)
    await settle(0, new Failure('failed'))
    expect(actor.getSnapshot().context.failed).to.deep.equal(['a.mp4'])
    await pass(60_000)
    expect(actor.getSnapshot().context.failed).to.deep.equal([])
  })

  it('tries a file later that finds no room, and others at once', async () => {
    const { names, facts, pass, settle } = start([['big.mp4', 'small.mp4'], ['big.mp4']])
    await pass(2_500)
    await settle(0, new Failure('storage_full'))
    await settle(1, 5)
    await pass(60_000)
    expect(names()).to.deep.equal(['big.mp4', 'small.mp4', 'big.mp4'])
    expect(facts.map(({ filename }) => filename)).to.deep.equal(['small.mp4'])
  })

  it('ends a copy at once when the disk fills up, and tries it again later', async () => {
    const { actor, work, names, pass } = start([['a.mp4', 'b.mp4'], ['a.mp4']])
    await pass(2_500)
    actor.send({ type: 'disk.short' })
    expect(work[0]?.signal.aborted).to.equal(true)
    await pass(59_999)
    expect(names()).to.deep.equal(['a.mp4'])
    await pass(1)
    expect(names()).to.deep.equal(['a.mp4', 'a.mp4'])
  })

  it('ends a copy at once when it is stopped', async () => {
    const { actor, work, pass } = start([['a.mp4']])
    await pass(2_500)
    actor.stop()
    expect(work[0]?.signal.aborted).to.equal(true)
  })

  it('goes on when a search fails', async () => {
    const { names, pass } = start([new Error('EIO'), ['a.mp4']])
    await pass(2_500)
    await pass(60_000)
    expect(names()).to.deep.equal(['a.mp4'])
  })

  it('does nothing, and keeps nothing, when it is off', async () => {
    const { actor, searches, close, pass } = start([['a.mp4']], { enabled: false, format: 'fmp4' })
    close(['a.mp4'])
    await pass(100_000)
    expect(searches).to.deep.equal([])
    expect(actor.getSnapshot().context.fresh).to.deep.equal({})
  })
})
