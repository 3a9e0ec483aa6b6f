import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import type { PipelineProgress, Presence } from '../../machines/domain/capture.js'
import type { StreamFact } from '../../machines/domain/facts.js'
import { because, Failure, type Reason } from '../../machines/domain/reason.js'
import { pipelineMachine } from '../../machines/pipeline.js'
import { turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

describe('pipeline', () => {
  it('runs with the first frame, and stalls without further frames', async () => {
    const { process, facts, wait, frames, reported, word } = pipeline()
    process.starts()
    reported()
    expect(word()).to.equal('starting')
    await wait(2_000)
    frames(0)
    expect(facts()).to.deep.equal([])
    frames(3)
    await wait(4_900)
    expect(facts()).to.deep.equal(['stream.started'])
    await wait(600)
    expect(facts()).to.deep.equal(['stream.started', 'stream.stalled no_frames'])
    frames(4)
    expect(facts().at(-1)).to.equal('stream.started')
    expect(word()).to.equal('running')
  })

  it('is stalled if there are reports without new frames', async () => {
    const { process, facts, wait, frames } = pipeline()
    process.starts()
    for (let second = 0; second < 6; second += 1) {
      frames(3)
      await wait(1_000)
    }
    expect(facts()).to.deep.equal(['stream.started', 'stream.stalled no_frames'])
  })

  it('runs as long as frames follow, with the newest progress', async () => {
    const { actor, process, facts, wait, frames } = pipeline()
    process.starts()
    for (const count of [30, 60, 90]) {
      frames(count)
      await wait(4_000)
    }
    frames(60)
    expect(actor.getSnapshot().context.progress.frames, 'not fewer').to.equal(90)
    await wait(900)
    expect(facts()).to.deep.equal(['stream.started'])
    await wait(200)
    expect(facts()).to.deep.equal(['stream.started', 'stream.stalled no_frames'])
  })

  it('kills a stalled process, and reports its end', async () => {
    const { process, facts, recycled, wait, frames, word } = pipeline()
    process.starts()
    frames(3)
    await wait(5_000)
    expect(recycled()).to.equal(1)
    process.ends(because('device_gone'))
    await wait(500)
    expect(facts().at(-1)).to.equal('stream.ended pipeline_restarted')
    expect(word()).to.equal('asleep')
  })

  it('detects a killed process after one second without reports', async () => {
    const { process, facts, wait, frames } = pipeline()
    process.starts()
    frames(3)
    process.ends()
    await wait(999)
    expect(facts()).to.deep.equal(['stream.started'])
    await wait(100)
    expect(facts()).to.deep.equal(['stream.started', 'stream.ended pipeline_killed'])
  })

  it('tells its camera why there are no frames, and that the encoder failed', async () => {
    for (const code of ['encoder_failed', 'server_closed'] as const) {
      const machine = pipelineMachine.provide({
        actors: {
          watchTaps: fromCallback(() => {}) as never,
          findProcess: fromPromise<Presence>(async () => 'gone') as never,
          takeReport: fromPromise<Reason | undefined>(async () => because(code)) as never,
        },
      })
      const clock = new SimulatedClock()
      const { actor, heard } = withParent(machine, { input: { camera: 'camera0' }, clock })
      actor.send({ type: 'tap.reported' })
      clock.increment(300)
      await turn()
      expect(heard).to.deep.equal([
        { type: 'feed.failed', reason: because(code) },
        ...(code === 'encoder_failed' ? [{ type: 'pipeline.encoderFailed', reason: because(code) }] : []),
      ])
    }
  })

  it('looks at its process when its stream was lost, before the next one replaces it', async () => {
    for (const presence of ['gone', 'waiting'] as const) {
      const { actor, process, facts, wait, frames } = pipeline()
      process.starts()
      frames(3)
      process.is(presence)
      actor.send({ type: 'pipeline.check' })
      await wait(50)
      expect(facts(), 'it may still be ending').to.deep.equal(['stream.started'])
      await wait(50)
      expect(facts()).to.deep.equal(['stream.started', 'stream.ended pipeline_killed'])
    }
    const { actor, facts, wait, frames, process } = pipeline()
    process.starts()
    frames(3)
    actor.send({ type: 'pipeline.check' })
    await wait(200)
    frames(6)
    expect(facts(), 'it runs').to.deep.equal(['stream.started'])
  })

  it('waits for a process that waits for its device', async () => {
    const { process, facts, wait, reported, word } = pipeline()
    process.is('waiting')
    reported()
    await wait(2_000)
    expect([word(), facts()]).to.deep.equal(['starting', []])
  })

  it('tells its camera at once that it ends a process without frames, or that there are none', async () => {
    for (const [isFound, code] of [
      [true, 'pipeline_restarted'],
      [false, 'no_frames'],
    ] as const) {
      const machine = pipelineMachine.provide({
        actors: {
          watchTaps: fromCallback(() => {}) as never,
          findProcess: fromPromise<Presence>(async () => 'running') as never,
          recycleProcess: fromPromise<boolean>(async () => isFound) as never,
        },
      })
      const clock = new SimulatedClock()
      const { actor, heard } = withParent(machine, { input: { camera: 'camera0' }, clock })
      actor.send({ type: 'tap.progress', sender: 1, progress: { frames: 1, fps: 15, bitrate: 0 } })
      clock.increment(5_000)
      await turn()
      expect(heard).to.deep.equal([{ type: 'feed.failed', reason: because(code) }])
    }
  })

  it('tells again why the last process ended when it is asked', async () => {
    const machine = pipelineMachine.provide({
      actors: {
        watchTaps: fromCallback(() => {}) as never,
        findProcess: fromPromise<Presence>(async () => 'gone') as never,
        takeReport: fromPromise<Reason | undefined>(async () => because('pipeline_failed')) as never,
      },
    })
    const clock = new SimulatedClock()
    const { actor, heard } = withParent(machine, { input: { camera: 'camera0' }, clock })
    actor.send({ type: 'pipeline.check' })
    expect(heard, 'there was none').to.deep.equal([])
    actor.send({ type: 'tap.reported' })
    clock.increment(300)
    await turn()
    actor.send({ type: 'pipeline.check' })
    const told = { type: 'feed.failed', reason: because('pipeline_failed') }
    expect(heard).to.deep.equal([told, told])
  })

  it('waits until ffmpeg has ended, and reports its reason', async () => {
    const { process, facts, wait, frames, finished } = pipeline()
    process.starts()
    frames(3)
    finished()
    await wait(500)
    expect(facts()).to.deep.equal(['stream.started'])
    process.ends(because('device_gone'))
    await wait(250)
    expect(facts()).to.deep.equal(['stream.started', 'stream.ended device_gone'])
  })

  it('reports a normal end', async () => {
    const { process, facts, wait, frames, finished } = pipeline()
    process.starts()
    frames(3)
    finished()
    process.ends()
    await wait(250)
    expect(facts().at(-1)).to.equal('stream.ended no_longer_used')
  })

  it('reports once a pipeline that ended without a frame', async () => {
    const { process, facts, wait, reported, word } = pipeline()
    process.starts()
    reported()
    await wait(500)
    process.ends(because('device_busy'))
    reported()
    await wait(500)
    expect(facts()).to.deep.equal(['stream.ended device_busy'])
    await wait(60_000)
    expect(facts()).to.have.length(1)
    expect(word()).to.equal('asleep')
  })

  it('reports a pipeline that ended before its first frame and left no report', async () => {
    const { process, facts, wait, reported } = pipeline()
    process.starts()
    reported()
    process.ends()
    await wait(500)
    expect(facts()).to.deep.equal(['stream.ended pipeline_failed'])
  })

  it('is open from its first frame to its end', async () => {
    const { actor, process, wait, frames, finished } = pipeline()
    const isOpen = () => actor.getSnapshot().hasTag('open')
    process.starts()
    expect(isOpen()).to.equal(false)
    frames(3)
    expect(isOpen()).to.equal(true)
    await wait(5_000)
    expect([isOpen(), actor.getSnapshot().hasTag('stalled')]).to.deep.equal([true, true])
    frames(4)
    finished()
    expect(isOpen()).to.equal(true)
    process.ends()
    await wait(250)
    expect(isOpen()).to.equal(false)
  })

  it('has no reason while it starts', async () => {
    const { actor, process, wait, frames, finished, reported, word } = pipeline()
    process.starts()
    frames(3)
    finished()
    process.ends()
    await wait(250)
    process.starts()
    reported()
    expect(word()).to.equal('starting')
    expect(actor.getSnapshot().context.reason).to.equal(undefined)
  })

  it('is stalled if the first frame is late', async () => {
    const { process, facts, recycled, wait, frames, reported } = pipeline()
    process.starts()
    reported()
    await wait(19_900)
    frames(0)
    expect(facts()).to.deep.equal([])
    await wait(500)
    expect(facts()).to.deep.equal(['stream.stalled no_frames'])
    expect(recycled()).to.equal(1)
    process.ends()
    await wait(500)
    expect(facts()).to.deep.equal(['stream.stalled no_frames', 'stream.ended pipeline_restarted'])
  })

  it('identifies the next process by its sender', () => {
    const { process, facts, frames, finished, word } = pipeline()
    process.starts()
    frames(30, 5000)
    frames(1, 6000)
    finished(5000)
    expect(facts()).to.deep.equal(['stream.started', 'stream.ended pipeline_replaced', 'stream.started'])
    expect(word()).to.equal('running')
  })

  it('identifies the next process also while it is stalled, or ends', async () => {
    const stalled = pipeline()
    stalled.process.starts()
    stalled.frames(30)
    await stalled.wait(5_000)
    stalled.frames(0, 6000)
    expect(stalled.word()).to.equal('stalled')
    stalled.frames(1, 6000)
    expect(stalled.facts().slice(1)).to.deep.equal([
      'stream.stalled no_frames',
      'stream.ended pipeline_restarted',
      'stream.started',
    ])
    expect(stalled.actor.getSnapshot().context).to.deep.include({ sender: 6000, reason: undefined })
    const ending = pipeline()
    ending.process.starts()
    ending.frames(30)
    ending.finished()
    ending.frames(31)
    expect(ending.facts()).to.deep.equal(['stream.started'])
    ending.frames(1, 6000)
    expect(ending.facts().slice(1)).to.deep.equal(['stream.ended no_longer_used', 'stream.started'])
    expect(ending.actor.getSnapshot().context.progress.frames).to.equal(1)
  })

  it('ends with its media server, not for lack of users, also if it is seen before the loss', async () => {
    for (const order of [
      ['lost', 'finished'],
      ['finished', 'lost'],
      ['finished', 'lost', 'restored'],
    ] as const) {
      const { actor, process, facts, wait, frames, finished } = pipeline()
      process.starts()
      frames(3)
      for (const each of order) {
        if (each === 'finished') finished()
        else actor.send({ type: `server.${each}`, reason: because('server_unreachable') })
      }
      process.ends()
      await wait(250)
      expect(facts().at(-1), order.join()).to.equal('stream.ended server_unreachable')
    }
    const { actor, process, facts, wait, frames, finished } = pipeline()
    process.starts()
    frames(3)
    for (const type of ['server.lost', 'server.restored'] as const)
      actor.send({ type, reason: because('server_unreachable') })
    frames(4)
    finished()
    process.ends()
    await wait(250)
    expect(facts().at(-1), 'it survived the loss').to.equal('stream.ended no_longer_used')
  })

  it('names the loss of its media server, not what ffmpeg noticed of it', async () => {
    for (const [report, reason] of [
      ['server_closed', 'server_unreachable'],
      ['device_gone', 'device_gone'],
    ] as const) {
      const { actor, process, facts, wait, frames } = pipeline()
      process.starts()
      frames(3)
      actor.send({ type: 'server.lost', reason: because('server_unreachable') })
      process.ends(because(report))
      await wait(500)
      actor.send({ type: 'server.restored' })
      await wait(1_500)
      expect(facts().at(-1)).to.equal(`stream.ended ${reason}`)
    }
    const { process, facts, wait, frames } = pipeline()
    process.starts()
    frames(3)
    process.ends(because('server_closed'))
    await wait(2_000)
    expect(facts().at(-1), 'the media server only closed this stream').to.equal('stream.ended server_closed')
  })

  it('runs without a reason after another process replaced it', async () => {
    const { actor, process, facts, wait, frames } = pipeline()
    process.starts()
    frames(3)
    await wait(1_000)
    frames(1, 6000)
    expect(facts()).to.deep.equal(['stream.started', 'stream.ended pipeline_replaced', 'stream.started'])
    expect(actor.getSnapshot().context.reason).to.equal(undefined)
  })

  it('has the progress of the frames with which it resumed after a stall', async () => {
    const { actor, process, wait, frames } = pipeline()
    process.starts()
    frames(3)
    await wait(5_000)
    frames(90)
    expect(actor.getSnapshot().context.progress.frames).to.equal(90)
  })

  it('does not wait longer for the end of a process than two seconds', async () => {
    const { process, facts, wait, frames, finished, word } = pipeline()
    process.starts()
    frames(3)
    finished()
    await wait(1_950)
    expect([word(), facts()]).to.deep.equal(['open', ['stream.started']])
    await wait(100)
    expect([word(), facts().at(-1)]).to.deep.equal(['asleep', 'stream.ended no_longer_used'])
  })

  it('has no progress after its end, also if nobody knows why it ended', async () => {
    const { actor, process, facts, wait, frames, word } = pipeline(undefined, { unreadable: true })
    process.starts()
    frames(3)
    process.ends()
    await wait(1_300)
    expect([word(), facts().at(-1)]).to.deep.equal(['asleep', 'stream.ended pipeline_killed'])
    expect(actor.getSnapshot().context.progress).to.deep.equal({ frames: 0, fps: 0, bitrate: 0 })
    const other = pipeline()
    other.process.starts()
    other.frames(3)
    other.process.ends()
    await other.wait(1_300)
    expect(other.actor.getSnapshot().context.progress).to.deep.equal({ frames: 0, fps: 0, bitrate: 0 })
  })

  it('notices each second whether a silent process still exists', async () => {
    const { process, facts, wait, frames } = pipeline()
    process.starts()
    frames(3)
    await wait(2_000)
    process.ends()
    await wait(300)
    expect(facts()).to.deep.equal(['stream.started', 'stream.ended pipeline_killed'])
  })

  it('does not report the end of a process that is not visible', async () => {
    const { facts, wait, frames } = pipeline()
    frames(3)
    await wait(4_900)
    expect(facts()).to.deep.equal(['stream.started'])
    await wait(600)
    expect(facts()).to.deep.equal(['stream.started', 'stream.stalled no_frames', 'stream.ended pipeline_restarted'])
  })

  it('shows its progress, and a reason only in case of a fault', async () => {
    const { actor, process, wait, frames } = pipeline()
    process.starts()
    frames(3)
    expect(actor.getSnapshot().context).to.deep.include({ progress: { frames: 3, fps: 15, bitrate: 0 } })
    await wait(5_000)
    expect(actor.getSnapshot().context.reason).to.deep.equal(because('no_frames'))
    frames(4)
    expect(actor.getSnapshot().context.reason).to.equal(undefined)
  })
})

describe('a pipeline on a slow host', () => {
  it('is overloaded after four reports behind, and tells it once, with the measured speed', () => {
    const { actor, facts, paced, reasons } = pipeline(30)
    paced(4, { speed: 0.41 })
    expect(facts()).to.deep.equal(['stream.started'])
    paced(30, { speed: 0.41 })
    expect(facts()).to.deep.equal(['stream.started', 'stream.overloaded overloaded'])
    expect(reasons()).to.deep.equal(['it encodes at 0.4 of real time'])
    expect([...actor.getSnapshot().tags]).to.have.members(['running', 'overloaded', 'open'])
  })

  it('is overloaded if the driver drops frames and the others come late', () => {
    const { paced, reasons } = pipeline(30)
    paced(12, { speed: 1, fps: 14, lag: 1_400 })
    expect(reasons()).to.deep.equal(['it encodes 14 of 30 frames per second, 1.4 s late'])
  })

  it('is not overloaded by a camera that sends fewer frames in the dark', () => {
    const { facts, paced } = pipeline(30)
    paced(60, { speed: 1, fps: 7.5, lag: 40 })
    expect(facts()).to.deep.equal(['stream.started'])
  })

  it('is not overloaded by a short load', () => {
    const { facts, paced } = pipeline(30)
    for (let round = 0; round < 5; round += 1) {
      paced(3, { speed: 0.5 })
      paced(1, { speed: 1 })
    }
    expect(facts()).to.deep.equal(['stream.started'])
  })

  it('is relieved after half a minute in time', () => {
    const { facts, paced, word } = pipeline(30)
    paced(12, { speed: 0.5 })
    paced(59, { speed: 1 })
    expect(facts().at(-1)).to.equal('stream.overloaded overloaded')
    paced(1, { speed: 1 })
    expect(facts().at(-1)).to.equal('stream.relieved')
    expect(word()).to.equal('running')
  })

  it('is overloaded once while the host is at its limit', () => {
    const { facts, paced } = pipeline(30)
    for (let round = 0; round < 5; round += 1) {
      paced(8, { speed: 0.8 })
      paced(40, { speed: 0.95 })
    }
    expect(facts()).to.deep.equal(['stream.started', 'stream.overloaded overloaded'])
  })

  it('still stalls', async () => {
    const { facts, paced, wait, process } = pipeline(30)
    process.starts()
    paced(12, { speed: 0.5 })
    await wait(5_100)
    expect(facts().at(-1)).to.equal('stream.stalled no_frames')
  })
})

/** The pipeline of camera0, with a process that the test controls. */
function pipeline(fps?: number, { unreadable = false } = {}) {
  const clock = new SimulatedClock()
  const facts: StreamFact[] = []
  let presence: Presence = 'unknown'
  let report: Reason | undefined
  let recycled = 0
  let frames = 0
  const actor = createActor(
    pipelineMachine.provide({
      actors: {
        watchTaps: fromCallback(() => {}) as never,
        findProcess: fromPromise<Presence>(async () => presence) as never,
        takeReport: fromPromise<Reason | undefined>(async () => {
          if (unreadable) throw new Failure('storage_failed')
          return report
        }) as never,
        recycleProcess: fromPromise<boolean>(async () => {
          recycled += 1
          return true
        }) as never,
      },
    }),
    { clock, input: { camera: 'camera0', ...(fps && { fps }) } },
  )
  actor.on('*', (fact) => facts.push(fact))
  actor.start()
  return {
    actor,
    facts: () => facts.map((fact) => ('reason' in fact ? `${fact.type} ${fact.reason.code}` : fact.type)),
    word: () => [...actor.getSnapshot().tags][0] ?? 'asleep',
    recycled: () => recycled,
    /** Advances the clock in small steps, so that effects can complete. */
    async wait(ms: number) {
      for (let rest = ms; rest > 0; rest -= 50) {
        clock.increment(Math.min(50, rest))
        await turn()
      }
      await turn()
    },
    frames: (frames: number, sender = 5000) =>
      actor.send({ type: 'tap.progress', sender, progress: { frames, fps: 15, bitrate: 0 } }),
    /** Sends reports, each with more frames. */
    paced(reports: number, values: Partial<PipelineProgress>) {
      for (let report = 0; report < reports; report += 1) {
        frames += 15
        actor.send({ type: 'tap.progress', sender: 5000, progress: { frames, fps: 15, bitrate: 0, ...values } })
      }
    },
    /** The sentences of the overloads. */
    reasons: () => facts.flatMap((fact) => (fact.type === 'stream.overloaded' ? [fact.reason.details] : [])),
    finished: (sender = 5000) => actor.send({ type: 'tap.finished', sender }),
    reported: () => actor.send({ type: 'tap.reported' }),
    process: {
      starts: () => {
        presence = 'running'
      },
      is: (now: Presence) => {
        presence = now
      },
      ends: (reason?: Reason) => {
        presence = 'gone'
        report = reason
      },
    },
  }
}
