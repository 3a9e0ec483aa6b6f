import { expect } from 'chai'
import { fromPromise, SimulatedClock } from 'xstate'
import type { StreamFact } from '../../machines/domain/facts.js'
import { because } from '../../machines/domain/reason.js'
import { type PathMeasurement, pullMachine } from '../../machines/pull.js'
import { turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

describe('pull', () => {
  it('runs while bytes of the camera arrive', async () => {
    const { facts, second, word, actor } = pull()
    await second({ ready: false, bytes: 0 })
    expect(word()).to.equal('asleep')
    await second({ ready: true, bytes: 1_000 })
    expect(word()).to.equal('running')
    await second({ ready: true, bytes: 126_000 })
    expect(actor.getSnapshot().context.progress.bitrate).to.equal(1_000_000)
    expect(facts()).to.deep.equal(['stream.started'])
  })

  it('stalls when no bytes arrive, and continues when they do', async () => {
    const { actor, facts, second, told, word } = pull()
    await second({ ready: true, bytes: 1_000 })
    for (let count = 0; count < 5; count += 1) await second({ ready: true, bytes: 1_000 })
    expect(word()).to.equal('stalled')
    expect(actor.getSnapshot().hasTag('open'), 'its end is still to come').to.equal(true)
    expect(told().at(-1)).to.deep.equal({ type: 'feed.failed', reason: because('no_frames') })
    await second({ ready: true, bytes: 2_000 })
    expect(word()).to.equal('running')
    expect(facts()).to.deep.equal(['stream.started', 'stream.stalled no_frames', 'stream.started'])
  })

  it('ends when the path is not ready any more', async () => {
    const { facts, second, word } = pull()
    await second({ ready: true, bytes: 1_000 })
    await second({ ready: false, bytes: 0 })
    expect(word()).to.equal('asleep')
    expect(facts()).to.deep.equal(['stream.started', 'stream.ended no_longer_used'])
  })

  it('is lost if the path had readers', async () => {
    const { facts, second } = pull()
    await second({ ready: true, used: true, bytes: 1_000 })
    await second({ ready: false, bytes: 0 })
    expect(facts()).to.deep.equal(['stream.started', 'stream.ended stream_lost'])
  })

  it('names its camera, has no bit rate before the second measurement, and forgets an old reason', async () => {
    const { actor, second, facts, log } = pull()
    await second({ ready: true, bytes: 1_000 })
    expect([log[0], actor.getSnapshot().context.progress.bitrate]).to.deep.equal([
      { type: 'stream.started', camera: 'camera0' },
      0,
    ])
    for (let count = 0; count < 5; count += 1) await second({ ready: true, bytes: 1_000 })
    await second({ ready: false, bytes: 0 })
    await second({ ready: true, bytes: 1_000 })
    await second({ ready: false, bytes: 0 })
    expect(facts().slice(-3)).to.deep.equal(['stream.ended no_frames', 'stream.started', 'stream.ended no_longer_used'])
  })

  it('tells its camera when others begin to read the stream, and when the last one has left', async () => {
    const { second, told } = pull()
    const uses = () => told().flatMap(({ type }) => (type.startsWith('stream.') ? [type] : []))
    await second({ ready: false, used: true, bytes: 0 })
    expect(uses(), 'the stream does not run yet').to.deep.equal([])
    await second({ ready: true, bytes: 1_000 })
    await second({ ready: true, used: true, bytes: 2_000 })
    await second({ ready: true, used: true, bytes: 2_000 })
    expect(uses()).to.deep.equal(['stream.used'])
    await second({ ready: true, bytes: 2_000 })
    expect(uses(), 'no frames came').to.deep.equal(['stream.used', 'stream.unused'])
    await second({ ready: true, used: true, bytes: 3_000 })
    await second({ ready: false, bytes: 0 })
    await second({ ready: false, bytes: 0 })
    expect(uses(), 'the stream ended').to.deep.equal(['stream.used', 'stream.unused', 'stream.used', 'stream.unused'])
  })

  it('ends with its reason after a stall', async () => {
    const { facts, second } = pull()
    await second({ ready: true, bytes: 1_000 })
    for (let count = 0; count < 5; count += 1) await second({ ready: true, bytes: 1_000 })
    await second({ ready: false, bytes: 0 })
    expect(facts().at(-1)).to.equal('stream.ended no_frames')
  })

  it('ignores failed measurements', async () => {
    const { facts, second, word } = pull()
    await second({ ready: true, bytes: 1_000 })
    await second(undefined)
    await second(undefined)
    expect(word()).to.equal('running')
    expect(facts()).to.deep.equal(['stream.started'])
  })
})

describe('the media of a pulled stream', () => {
  it('goes to the camera once, and again when its size or codec changes', async () => {
    const { second, told } = pull()
    const small = { codec: 'H264', width: 640, height: 360 }
    const large = { codec: 'H264', width: 1920, height: 1080 }
    await second({ ready: true, bytes: 1_000, media: small })
    await second({ ready: true, bytes: 2_000, media: { ...small, audio: { codec: 'AAC' } } })
    await second({ ready: true, bytes: 3_000, media: large })
    await second({ ready: true, bytes: 4_000, media: large })
    await second({ ready: false, bytes: 0 })
    await second({ ready: true, bytes: 1_000, media: small })
    expect(told()).to.deep.equal([
      { type: 'media.found', media: small, changed: false },
      { type: 'media.found', media: large, changed: true },
      { type: 'media.found', media: small, changed: false },
    ])
  })
})

type Measured = Omit<PathMeasurement, 'at' | 'used'> & { used?: boolean }

/** The stream of camera0, measured once a second. */
function pull() {
  const clock = new SimulatedClock()
  let now = 0
  let next: Measured | undefined
  const { actor, heard, facts } = withParent(
    pullMachine.provide({
      actors: {
        measurePath: fromPromise<PathMeasurement>(async () => {
          if (!next) throw new Error('no answer')
          return { used: false, ...next, at: now }
        }) as never,
      },
    }),
    { clock, input: { camera: 'camera0' } },
  )
  return {
    actor,
    told: () => heard,
    log: facts,
    facts: () =>
      (facts as StreamFact[]).map((fact) => ('reason' in fact ? `${fact.type} ${fact.reason.code}` : fact.type)),
    word: () => [...actor.getSnapshot().tags][0] ?? 'asleep',
    async second(measurement: Measured | undefined) {
      next = measurement
      now += 1_000
      clock.increment(1_000)
      await turn()
    },
  }
}
