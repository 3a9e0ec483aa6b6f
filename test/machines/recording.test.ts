import { expect } from 'chai'
import { type EventObject, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import type { RecordingFact } from '../../machines/domain/facts.js'
import type { RecordingFile, Segment } from '../../machines/domain/ports.js'
import { because, Failure, type Reason } from '../../machines/domain/reason.js'
import type { RecordingIntent } from '../../machines/domain/recording.js'
import { isInUse } from '../../machines/domain/retention.js'
import { recordingMachine } from '../../machines/recording.js'
import type { Closed, Finish, Opened, RecordingInput, RecordingSubject, Wait } from '../../machines/recordingContext.js'
import { recordingView } from '../../machines/recordingView.js'
import { streamHoldMachine } from '../../machines/streamHold.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

const ann = { user: 'ann', request: '1', session: 's' }
const two = { filename: 'two.mp4', startedAt: 8_000 }
const bob = { user: 'bob', request: '2', session: 't' }

describe('recording', () => {
  it('emits "started" with the first bytes on disk, not before', async () => {
    const { facts, view, opened, firstBytes } = record()
    await opened()
    expect(facts).to.deep.equal([])
    expect(view().status).to.equal('STARTING')
    await firstBytes()
    expect(facts).to.deep.equal([
      { type: 'recording.started', camera: 'camera0', by: ann, format: 'fmp4', filename: 'one.mp4', startedAt: 1_000 },
    ])
    expect(view()).to.deep.include({ status: 'RECORDING', growing: true, filename: 'one.mp4' })
  })

  it('is STARTING until its intent is on disk, then RECORDING', async () => {
    const { actor, view, opened, firstBytes } = record()
    const statuses: string[] = []
    actor.subscribe(() => statuses.push(view().status))
    await opened()
    await firstBytes()
    expect([...new Set(statuses)]).to.deep.equal(['STARTING', 'RECORDING'])
  })

  it('starts the recorder before it holds the stream', async () => {
    const { log, opened } = record()
    await turn()
    expect(log).to.deep.equal(['record on'])
    await opened()
    expect(log).to.deep.equal(['record on', 'stream held'])
  })

  it('tells its camera when it uses the device, writes a file, has closed it, and ends', async () => {
    const { actor, clock, news, opened, firstBytes, fileClosed, closingFails } = record()
    await opened()
    expect(news()).to.deep.equal(['recording.claimed'])
    await firstBytes()
    expect(news()).to.deep.equal(['recording.writing'])
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    expect(news()).to.deep.equal([])
    await fileClosed()
    expect(news()).to.deep.equal(['recording.released'])
    actor.send({ type: 'camera.ready' })
    clock.increment(0)
    expect(news()).to.deep.equal(['recording.claimed'])
    await opened()
    await firstBytes(two)
    expect(news()).to.deep.equal(['recording.writing'])
    actor.send({ type: 'recording.stop', by: ann })
    expect(news()).to.deep.equal(['recording.ending'])
    const failing = record()
    await failing.opened()
    failing.actor.send({ type: 'camera.lost', reason: because('unplugged') })
    expect(failing.news()).to.deep.equal(['recording.claimed', 'recording.ending'])
    await failing.closingFails()
    expect(failing.facts.at(-1)).to.deep.nested.include({
      type: 'recording.failed',
      'outcome.reason.code': 'unplugged',
    })
    await closingFails()
  })

  it('holds the stream until the file is closed, even if the camera is unplugged', async () => {
    const { actor, log, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    expect(log.slice(-2)).to.deep.equal(['intent saved', 'closing'])
    await fileClosed()
    expect(log.filter((line) => line !== 'intent saved')).to.deep.equal([
      'record on',
      'stream held',
      'closing',
      'stream released',
    ])
  })

  it('ends with the camera if it is configured so', async () => {
    const { actor, facts, opened, firstBytes, fileClosed } = record({ endsOnUnplug: true })
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    expect(facts.at(-1)).to.deep.equal({
      type: 'recording.failed',
      camera: 'camera0',
      by: ann,
      outcome: { ...closedOutcome, reason: because('unplugged') },
    })
  })

  it('ends successfully when a client stops it', async () => {
    const { actor, facts, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'recording.stop', by: bob })
    expect(actor.getSnapshot().can({ type: 'recording.stop', by: ann })).to.equal(false)
    await fileClosed()
    const outcome = { ...closedOutcome, reason: because('requested') }
    expect(facts.at(-1)).to.deep.equal({ type: 'recording.ended', camera: 'camera0', by: ann, outcome })
  })

  it('keeps its duration on disk, gives its files to the conversion, and reports the converted ones', async () => {
    const converted = { ...oneFile, name: 'one.mkv', bytes: 9 }
    const { actor, facts, finishes, intents, opened, firstBytes, fileClosed } = record(
      { format: 'mkv', duration: 60_000 },
      { converted },
    )
    await opened()
    await firstBytes()
    const intent = { camera: 'camera0', by: ann, format: 'mkv', startedAt: 1_000, gaps: [], duration: 60_000 }
    expect(intents).to.deep.equal([intent, intent])
    actor.send({ type: 'recording.stop', by: bob })
    await fileClosed()
    expect(finishes).to.deep.equal([
      { camera: 'camera0', format: 'mkv', files: [oneFile], endedAt: 9_000, gaps: [], intent },
    ])
    expect(facts.at(-1)).to.deep.nested.include({ 'outcome.files': ['one.mkv'], 'outcome.bytes': 9 })
  })

  it('has no files and no intent to finish if nothing was recorded and nothing could be closed', async () => {
    const { actor, finishes, opened, closingFails } = record()
    await opened()
    actor.send({ type: 'recording.stop', by: bob })
    await closingFails()
    expect(finishes).to.deep.equal([{ camera: 'camera0', format: 'fmp4', files: [], endedAt: 0, gaps: [] }])
  })

  it('shows its duration, if it has one', async () => {
    expect(record({ duration: 5_000 }).view().duration).to.equal(5_000)
    expect(record().view()).not.to.have.property('duration')
  })

  it('stops after the duration, counted from the first frame', async () => {
    const { actor, deadline, opened, firstBytes, durationOver, fileClosed } = record({ duration: 5_000 })
    await opened()
    await firstBytes()
    expect(deadline()).to.equal(6_000)
    await durationOver()
    await fileClosed()
    expect(actor.getSnapshot().output).to.deep.include({ reason: because('duration_reached') })
  })

  it('is interrupted while the stream is lost, and resumes in a new file', async () => {
    const { actor, facts, view, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'stream.lost', reason: because('server_closed') })
    expect(view()).to.deep.include({ status: 'INTERRUPTED', growing: false, reason: because('server_closed') })
    actor.send({ type: 'segment.added', segment: two, at: 8_100 })
    expect(view()).to.deep.include({ growing: true, files: ['one.mp4', 'two.mp4'], filename: 'one.mp4' })
    expect(facts.slice(1).map((fact) => fact.type)).to.deep.equal(['recording.interrupted', 'recording.resumed'])
  })

  describe('whose stream is lost', () => {
    const lostStream = { type: 'stream.lost', reason: because('server_closed') } as const
    const told = (facts: { type: string; reason?: Reason; closes?: boolean }[]) =>
      facts.slice(1).map(({ type, reason, closes }) => [type, reason?.code, ...(closes ? ['closes'] : [])])
    const losing = async () => {
      const recording = record()
      await recording.opened()
      await recording.firstBytes()
      recording.actor.send(lostStream)
      expect(told(recording.facts), 'the cause is not known yet').to.deep.equal([])
      return recording
    }

    it('tells the interruption once its cause is known', async () => {
      const { actor, clock, facts } = await losing()
      clock.increment(100)
      actor.send({ type: 'feed.failed', reason: because('pipeline_killed') })
      expect(told(facts)).to.deep.equal([['recording.interrupted', 'pipeline_killed']])
      clock.increment(1_000)
      expect(told(facts)).to.have.length(1)
    })

    it('names the end of the media server', async () => {
      const { actor, facts } = await losing()
      actor.send({ type: 'server.lost', reason: because('server_ended') })
      expect(told(facts)).to.deep.equal([['recording.interrupted', 'server_ended']])
    })

    it('tells it at once if the cause was known before', async () => {
      const { actor, facts, opened, firstBytes } = record()
      await opened()
      await firstBytes()
      actor.send({ type: 'server.lost', reason: because('server_ended') })
      actor.send(lostStream)
      expect(told(facts)).to.deep.equal([['recording.interrupted', 'server_ended']])
    })

    it('waits no longer than half a second for the cause', async () => {
      const { clock, facts } = await losing()
      clock.increment(499)
      expect(told(facts)).to.deep.equal([])
      clock.increment(1)
      expect(told(facts)).to.deep.equal([['recording.interrupted', 'server_closed']])
    })

    it('takes the last bytes of the lost stream for no resumption, whether the cause is known or not', async () => {
      for (const reason of [because('pipeline_killed'), undefined]) {
        const { actor, clock, view } = await losing()
        if (reason) actor.send({ type: 'feed.failed', reason })
        else clock.increment(500)
        actor.send({ type: 'segment.grew', at: 8_000 })
        expect(view().status).to.equal('INTERRUPTED')
        actor.send({ type: 'stream.held' })
        actor.send({ type: 'segment.grew', at: 8_100 })
        expect(view().status).to.equal('RECORDING')
      }
    })

    it('takes a more exact reason of a second loss', async () => {
      const { actor, facts } = await losing()
      actor.send({ type: 'stream.lost', reason: because('unreachable') })
      expect(told(facts)).to.deep.equal([['recording.interrupted', 'unreachable']])
    })

    it('tells it before the resumption', async () => {
      const { actor, facts } = await losing()
      actor.send({ type: 'segment.added', segment: two, at: 8_100 })
      expect(told(facts)).to.deep.equal([
        ['recording.interrupted', 'server_closed'],
        ['recording.resumed', undefined],
      ])
    })

    it('tells it when the stream is back, before its first bytes', async () => {
      const { actor, facts } = await losing()
      actor.send({ type: 'stream.held' })
      expect(told(facts)).to.deep.equal([['recording.interrupted', 'server_closed']])
      actor.send({ type: 'segment.grew', at: 8_100 })
      expect(told(facts).map(([type]) => type)).to.deep.equal(['recording.interrupted', 'recording.resumed'])
    })

    it('tells it once, with its cause, if the camera was unplugged', async () => {
      const { actor, facts } = await losing()
      actor.send({ type: 'camera.lost', reason: because('unplugged') })
      expect(told(facts)).to.deep.equal([['recording.interrupted', 'unplugged', 'closes']])
    })

    it('tells only its end if it is stopped meanwhile', async () => {
      const { actor, facts, fileClosed } = await losing()
      actor.send({ type: 'recording.stop', by: ann })
      await fileClosed()
      expect(told(facts).map(([type]) => type)).to.deep.equal(['recording.ended'])
    })
  })

  it('writes to the file that was opened last, also if the clock was set back and its name is older', async () => {
    const { actor, clock, facts, view, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'segment.grew', at: 7_000 })
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    actor.send({ type: 'camera.ready' })
    clock.increment(0)
    await opened([{ filename: 'one.mp4', startedAt: 1_000 }])
    // Half a minute later, by a clock that was set 60 s back.
    const back = { filename: 'back.mp4', startedAt: -23_000, shift: -60_000 }
    await firstBytes(back)
    expect(view().files).to.deep.equal(['one.mp4', 'back.mp4'])
    const { filename, gap } = facts.at(-1) as Extract<RecordingFact, { type: 'recording.resumed' }>
    expect([filename, gap.to, gap.from]).to.deep.equal(['back.mp4', -23_000, -54_000])
    expect(isInUse(view(), 'back.mp4')).to.equal(true)
    expect(isInUse(view(), 'one.mp4')).to.equal(false)
  })

  it('goes on in a new file when the camera changes its stream, and tells why', async () => {
    const { actor, facts, log, clock, view, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    const reason = because('stream_changed', 'from H264 640x360 to H264 1920x1080')
    actor.send({ type: 'stream.changed', reason })
    expect(facts.at(-1)).to.deep.include({ type: 'recording.interrupted', reason, closes: true })
    await fileClosed()
    clock.increment(0)
    expect(log.at(-1)).to.equal('record on')
    await opened()
    await firstBytes(two)
    expect(view()).to.deep.include({ status: 'RECORDING', files: ['one.mp4', 'two.mp4'] })
    expect(facts.at(-1)).to.have.nested.property('gap.reason.code', 'stream_changed')
  })

  it('of a camera that encodes by itself waits longer for a keyframe, and says that it waits for one', async () => {
    const { actor, clock, facts, log, opened, fileClosed } = record({ isPulled: true })
    await opened()
    actor.send({ type: 'stream.held' })
    clock.increment(20_000)
    clock.increment(39_999)
    expect(log).not.to.include('closing')
    clock.increment(1)
    expect(log).to.include('closing')
    await fileClosed({ files: [], endedAt: 9_000 })
    expect(facts.at(-1)).to.have.nested.property('outcome.reason.code', 'no_keyframe')
    expect(facts.at(-1)).to.have.nested.property(
      'outcome.reason.details',
      'the recording waits for a keyframe, with which a file begins',
    )
  })

  it('starts the recorder again after half a minute without data', async () => {
    const { clock, log, view, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    clock.increment(3_000)
    clock.increment(29_999)
    expect([view().status, log.at(-1)]).to.deep.equal(['INTERRUPTED', 'intent saved'])
    clock.increment(1)
    await fileClosed()
    clock.increment(0)
    expect(log.slice(-4)).to.deep.equal(['closing', 'stream released', 'intent saved', 'record on'])
    expect(view()).to.deep.include({ status: 'INTERRUPTED', reason: because('no_data') })
  })

  it('reports why no data arrived', async () => {
    const { actor, clock, facts, opened, fileClosed } = record()
    await opened()
    actor.send({ type: 'stream.lost', reason: because('device_busy') })
    clock.increment(20_000)
    await fileClosed({ files: [], endedAt: 9_000 })
    expect(facts).to.deep.equal([
      {
        type: 'recording.failed',
        camera: 'camera0',
        by: ann,
        outcome: {
          reason: because('device_busy'),
          files: [],
          endedAt: 9_000,
          recorded: 0,
          bytes: 0,
          format: 'fmp4',
          gaps: [],
        },
      },
    ])
  })

  it('fails for lack of data if nobody says why no data arrived', async () => {
    const { clock, facts, opened, fileClosed } = record()
    await opened()
    clock.increment(20_000)
    await fileClosed({ files: [], endedAt: 9_000 })
    expect(facts.at(-1)).to.deep.nested.include({ type: 'recording.failed', 'outcome.reason': because('no_data') })
  })

  it('fails, and stops the recorder, if the recorder cannot be started', async () => {
    const { facts, log, openingFails, fileClosed } = record()
    await openingFails(new Failure('server_refused', 'the media server refused the request'))
    expect(log).to.deep.equal(['record on', 'closing'])
    await fileClosed({ files: [], endedAt: 9_000 })
    expect(facts.map((fact) => 'outcome' in fact && [fact.type, fact.outcome.reason])).to.deep.equal([
      ['recording.failed', because('server_refused', 'the media server refused the request')],
    ])
  })

  it('is interrupted when the file stops growing, and resumes when it grows again', async () => {
    const { actor, clock, facts, view, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    for (let count = 0; count < 10; count += 1) {
      clock.increment(2_000)
      actor.send({ type: 'segment.grew', at: 7_000 })
    }
    expect(view().status).to.equal('RECORDING')
    clock.increment(3_000)
    expect(view()).to.deep.include({ status: 'INTERRUPTED', reason: because('no_data') })
    actor.send({ type: 'segment.grew', at: 7_000 })
    expect(view()).to.deep.include({ status: 'RECORDING', growing: true })
    expect(facts.slice(1).map((fact) => fact.type)).to.deep.equal(['recording.interrupted', 'recording.resumed'])
  })

  it('keeps the first reason of an interruption if a later one does not say more: a stream without data is ended', async () => {
    const { actor, clock, view, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    clock.increment(5_000)
    expect(view()).to.deep.nested.include({ status: 'INTERRUPTED', 'reason.code': 'no_data' })
    actor.send({ type: 'stream.lost', reason: because('server_closed') })
    expect(view()).to.deep.nested.include({ status: 'INTERRUPTED', 'reason.code': 'no_data' })
  })

  it('is not interrupted while files follow each other', async () => {
    const { actor, clock, view, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    for (const count of [1, 2, 3]) {
      clock.increment(2_000)
      actor.send({ type: 'segment.added', segment: { filename: `${count}.mp4`, startedAt: count }, at: 7_000 + count })
    }
    expect(view().status).to.equal('RECORDING')
    clock.increment(2_999)
    expect(view().status).to.equal('RECORDING')
    clock.increment(1)
    expect(view()).to.deep.include({ status: 'INTERRUPTED', since: 7_003 })
    expect(view().files).to.have.members(['one.mp4', '1.mp4', '2.mp4', '3.mp4'])
  })

  it('was not growing later than its file was closed, though the stream was ahead of the clock', async () => {
    const { actor, clock, facts, view, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    // Five seconds of media that begin at 1 s.
    await fileClosed({ files: [oneFile], endedAt: 5_700 })
    expect(view()).to.deep.include({ status: 'INTERRUPTED', since: 5_700 })
    actor.send({ type: 'camera.ready' })
    clock.increment(0)
    await opened()
    await firstBytes(two)
    expect(view().gaps).to.deep.equal([{ from: 5_700, to: 8_000, reason: because('unplugged') }])
    expect(facts.at(-1)).to.deep.include({ type: 'recording.resumed', gap: view().gaps[0] })
  })

  it('continues with the files of the earlier run of the service, and says why it was interrupted', async () => {
    const intent: RecordingIntent = { camera: 'camera0', by: ann, format: 'fmp4', startedAt: 1_000, gaps: [] }
    const { actor, view } = record({ recalled: { intent, grewAt: 6_000 } })
    expect(view()).to.deep.include({ status: 'INTERRUPTED', reason: because('service_restarted') })
    expect(actor.getSnapshot().context).to.deep.include({ watermark: 999, grewAt: 6_000 })
    const gapReason = because('unplugged')
    const longer = record({ recalled: { intent: { ...intent, gapReason }, grewAt: 6_000 } })
    expect(longer.intents.at(-1)).to.deep.include({ gapReason })
  })

  it('says that no data is written, whatever the reason of its last gap was', async () => {
    const { actor, clock, facts, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    actor.send({ type: 'camera.ready' })
    clock.increment(0)
    await opened()
    await firstBytes(two)
    clock.increment(3_000)
    expect(facts.at(-1)).to.deep.include({ type: 'recording.interrupted', reason: because('no_data') })
  })

  it('does not wait for what comes back while it closes its files', async () => {
    const returns = [
      [{ type: 'camera.lost', reason: because('unplugged') }, { type: 'camera.ready' }],
      [{ type: 'storage.blocked', reason: because('storage_full') }, { type: 'storage.freed' }],
      [{ type: 'server.lost', reason: because('server_unreachable') }, { type: 'server.restored' }],
    ] as const
    for (const [lost, restored] of returns)
      for (const isBack of [true, false]) {
        const { actor, clock, view, opened, firstBytes, fileClosed } = record()
        await opened()
        await firstBytes()
        clock.increment(3_000)
        clock.increment(30_000)
        actor.send(lost)
        if (isBack) actor.send(restored)
        await fileClosed()
        expect(view().waitsFor).to.equal(isBack ? undefined : lost.type.split('.')[0])
      }
  })

  it('is STOPPING while it closes its files because it is stopped, it fails, or the service stops', async () => {
    const failing = record({ endsOnUnplug: true })
    const stopping = record()
    const stopped = record()
    for (const { opened, firstBytes } of [failing, stopping, stopped]) {
      await opened()
      await firstBytes()
    }
    stopped.actor.send({ type: 'recording.stop', by: bob })
    expect(stopped.view().status).to.equal('STOPPING')
    failing.actor.send({ type: 'camera.lost', reason: because('unplugged') })
    stopping.actor.send({ type: 'service.stopping' })
    expect([failing.view().status, stopping.view().status]).to.deep.equal(['STOPPING', 'STOPPING'])
    for (const { fileClosed } of [failing, stopping, stopped]) await fileClosed()
    expect([failing, stopping, stopped].map(({ view }) => view().status)).to.deep.equal([
      ...['FAILED', 'INTERRUPTED', 'STOPPED'],
    ])
  })

  it('fails with the reason of the first file that could not be found', async () => {
    const { facts, opened, confirmingFails, fileClosed } = record()
    await opened()
    await confirmingFails(new Failure('storage_failed'))
    await fileClosed({ files: [], endedAt: 9_000 })
    expect(facts.at(-1)).to.deep.nested.include({ 'outcome.reason': because('storage_failed') })
  })

  it('requests its stream again as soon as the media server is back', async () => {
    const { actor, log, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    const held = () => log.filter((line) => line === 'stream held').length
    actor.send({ type: 'server.restored' })
    await turn()
    expect(held(), 'it is held').to.equal(1)
    actor.getSnapshot().children.streamHold?.send({ type: 'stream.lost', reason: because('server_closed') })
    actor.send({ type: 'server.lost', reason: because('server_unreachable') })
    await turn()
    expect(held()).to.equal(1)
    actor.send({ type: 'server.restored' })
    await turn()
    expect(held()).to.equal(2)
  })

  it('does not treat the last bytes of a lost stream as a resumption', async () => {
    const { actor, view, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'stream.lost', reason: because('server_closed') })
    actor.send({ type: 'segment.grew', at: 7_000 })
    expect(view().status).to.equal('INTERRUPTED')
    actor.send({ type: 'stream.held' })
    actor.send({ type: 'segment.grew', at: 7_000 })
    expect(view().status).to.equal('RECORDING')
  })

  for (const bytes of [4_200_000_000, 5_000_000_000])
    it(`waits for more data of a file that stops to grow at ${bytes} bytes`, async () => {
      const { actor, clock, facts, opened, firstBytes } = record()
      await opened()
      await firstBytes()
      actor.send({ type: 'segment.grew', at: 5_000, bytes })
      clock.increment(3_000)
      expect(facts.at(-1)).to.deep.nested.include({ type: 'recording.interrupted', 'reason.code': 'no_data' })
      // The next file begins small.
      actor.send({ type: 'segment.added', segment: two, at: 9_000 })
      clock.increment(3_000)
      expect(facts.at(-1)).to.deep.nested.include({ type: 'recording.interrupted', 'reason.code': 'no_data' })
    })

  const hour = 3_600_000
  for (const [bytes, how] of [
    [4_294_967_295, 'stops to grow'],
    [4_250_000_000, 'stops to grow'],
    [4_294_967_295, 'is left for another one'],
  ] as const)
    it(`continues in shorter files after one of ${bytes} bytes that ${how}, on that file system`, async () => {
      const { actor, clock, facts, heard, intents, openings, opened, firstBytes, fileClosed } = record()
      await opened()
      await firstBytes()
      actor.send({ type: 'segment.grew', at: 1_000 + hour, bytes })
      if (how === 'stops to grow') clock.increment(3_000)
      else
        actor.send({
          type: 'segment.added',
          segment: { filename: 'two.mp4', startedAt: 3_500 + hour },
          at: 4_000 + hour,
        })
      const told = facts.at(-1)
      expect(told).to.deep.nested.include({ type: 'recording.interrupted', 'reason.code': 'file_too_large' })
      expect(told)
        .to.have.nested.property('reason.details')
        .that.contains('the next files there have at most 45 minutes')
      await fileClosed({ files: [{ ...oneFile, bytes, duration: hour, fallback: true }, oneFile], endedAt: 9_000 })
      clock.increment(0)
      await opened()
      const limits = { fallback: 2_700_000 }
      expect(openings.map(({ segmentLimits }) => segmentLimits)).to.deep.equal([undefined, limits])
      expect(heard).to.deep.include({ type: 'recording.outgrown', limits })
      expect(intents.at(-1), 'for a restart of the service').to.deep.include({ segmentLimits: limits })
    })

  it('takes no limit from a file of the usual length that is as large by chance', async () => {
    const { actor, facts, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'segment.grew', at: 1_000 + hour, bytes: 4_260_000_000 })
    actor.send({ type: 'segment.added', segment: { filename: 'two.mp4', startedAt: 1_200 + hour }, at: 2_000 + hour })
    expect(facts.map(({ type }) => type)).to.deep.equal(['recording.started'])
  })

  it('takes no limit from a large file that is closed for another reason', async () => {
    const { actor, clock, heard, openings, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed({ files: [{ ...oneFile, bytes: 4_260_000_000 }], endedAt: 9_000 })
    actor.send({ type: 'camera.ready' })
    clock.increment(0)
    await opened()
    expect(openings.map(({ segmentLimits }) => segmentLimits)).to.deep.equal([undefined, undefined])
    expect(heard.map(({ type }) => type)).not.to.include('recording.outgrown')
  })

  for (const [what, event, code] of [
    ['open file', {}, 'file_removed'],
    ['folder', { withFolder: true }, 'folder_removed'],
  ] as const)
    it(`continues at once in a new file when its ${what} is removed, and names that as the reason`, async () => {
      const { actor, clock, facts, log, view, opened, firstBytes, fileClosed } = record()
      await opened()
      await firstBytes()
      actor.send({ type: 'segment.deleted', ...event })
      expect(view()).to.deep.include({ status: 'INTERRUPTED' })
      expect(facts.at(-1)).to.deep.nested.include({ type: 'recording.interrupted', 'reason.code': code })
      await fileClosed({ files: [], endedAt: 7_000 })
      // The file is gone, its name is not.
      expect(facts.at(-1)).to.deep.nested.include({
        type: 'recording.suspended',
        'outcome.files': [],
        'outcome.filename': 'one.mp4',
      })
      clock.increment(0)
      expect(log.at(-1)).to.equal('record on')
      await opened()
      await firstBytes(two)
      expect(view().status).to.equal('RECORDING')
      expect(view().gaps.at(-1)?.reason.code).to.equal(code)
    })

  it('stops the recorder if the recording is stopped during its start', async () => {
    const { actor, log, fileClosed } = record()
    await turn()
    actor.send({ type: 'recording.stop', by: ann })
    await turn()
    expect(log).to.deep.equal(['record on', 'closing'])
    await fileClosed({ files: [], endedAt: 9_000 })
    expect(actor.getSnapshot().status).to.equal('done')
  })

  it('can be ended in every state before it is closing', async () => {
    const endings = [
      { type: 'recording.stop', by: bob },
      { type: 'camera.lost', reason: because('unplugged') },
      { type: 'storage.blocked', reason: because('storage_full') },
      { type: 'service.stopping' },
    ] as const
    const { actor, clock, opened, firstBytes } = record()
    const refused = () => endings.filter((event) => !actor.getSnapshot().can(event)).map(({ type }) => type)
    expect(refused()).to.deep.equal([])
    await turn()
    expect(refused()).to.deep.equal([])
    await opened()
    expect(refused()).to.deep.equal([])
    await firstBytes()
    expect(refused()).to.deep.equal([])
    clock.increment(3_000)
    expect(actor.getSnapshot().hasTag('growing')).to.equal(false)
    expect(refused()).to.deep.equal([])
  })

  it('fails if the media server did not close the file', async () => {
    const { actor, facts, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'recording.stop', by: bob })
    await fileClosed({ files: [oneFile], endedAt: 9_000, doubt: because('file_not_closed') })
    expect(facts.at(-1)).to.deep.nested.include({
      type: 'recording.failed',
      'outcome.reason.code': 'file_not_closed',
      'outcome.files': ['one.mp4'],
      'outcome.bytes': 7,
      'outcome.endedAt': 9_000,
    })
  })

  it('keeps the known file names if closing fails', async () => {
    const { actor, facts, view, opened, firstBytes, closingFails } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'storage.blocked', reason: because('storage_full') })
    await closingFails()
    expect(view()).to.deep.include({ status: 'INTERRUPTED', waitsFor: 'storage', files: ['one.mp4'] })
    expect(facts.at(-1)).to.deep.nested.include({
      type: 'recording.suspended',
      'outcome.reason.code': 'storage_full',
      'outcome.bytes': 0,
    })
  })

  it('fails if its files cannot be closed after a stop', async () => {
    const { actor, facts, opened, firstBytes, closingFails } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'recording.stop', by: ann })
    await closingFails()
    expect(facts.at(-1)).to.deep.nested.include({
      type: 'recording.failed',
      'outcome.reason': because('failed', 'cannot read the folder'),
      'outcome.files': ['one.mp4'],
    })
  })

  describe('continues after', () => {
    const losses = [
      ['camera', { type: 'camera.lost', reason: because('unplugged') }, { type: 'camera.ready' }],
      ['storage', { type: 'storage.blocked', reason: because('storage_full') }, { type: 'storage.freed' }],
    ] as const
    for (const [need, lost, restored] of losses)
      it(`the loss of its ${need}, in a new file of the same recording`, async () => {
        const { actor, clock, facts, intents, log, view, opened, firstBytes, fileClosed } = record()
        await opened()
        await firstBytes()
        actor.send(lost)
        const origin = { camera: 'camera0', by: ann } as const
        const { reason } = lost
        expect(facts.at(-1)).to.deep.equal({
          type: 'recording.interrupted',
          ...origin,
          reason,
          filename: 'one.mp4',
          closes: true,
        })
        await fileClosed()
        expect(facts.at(-1)).to.deep.equal({
          type: 'recording.suspended',
          ...origin,
          outcome: { ...closedOutcome, reason },
        })
        expect(view()).to.deep.include({ status: 'INTERRUPTED', waitsFor: need, reason, since: 6_000 })
        clock.increment(3_600_000)
        expect(log.slice(-2), 'nothing is tried meanwhile').to.deep.equal(['stream released', 'intent saved'])

        actor.send(restored)
        clock.increment(0)
        await opened([{ filename: 'one.mp4', startedAt: 1_000 }])
        await firstBytes(two)
        const gap = { from: 6_000, to: 8_000, reason }
        expect(facts.at(-1)).to.deep.equal({ type: 'recording.resumed', ...origin, filename: 'two.mp4', gap })
        expect(view()).to.deep.include({ status: 'RECORDING', files: ['one.mp4', 'two.mp4'], gaps: [gap] })
        expect(intents.at(-1)?.gaps).to.deep.equal([gap])
        actor.send({ type: 'recording.stop', by: ann })
        await fileClosed()
        expect(facts.at(-1), 'no other gap').to.deep.nested.include({ 'outcome.gaps': [gap] })
      })

    it('keeps its gaps when it ends, also the one that it ends in', async () => {
      const { actor, finishes, opened, firstBytes, fileClosed } = record()
      await opened()
      await firstBytes()
      const reason = because('unplugged')
      actor.send({ type: 'camera.lost', reason })
      await fileClosed()
      actor.send({ type: 'recording.stop', by: ann })
      await fileClosed()
      expect(finishes.map(({ gaps }) => gaps)).to.deep.equal([[{ from: 6_000, to: 9_000, reason }]])
    })

    it('the loss of the media server: it waits for it once its file no longer grows', async () => {
      const { actor, clock, view, opened, firstBytes, fileClosed } = record()
      await opened()
      await firstBytes()
      actor.send({ type: 'server.lost', reason: because('server_unreachable') })
      expect(view().status, 'while the file grows').to.equal('RECORDING')
      clock.increment(3_000)
      clock.increment(30_000)
      await fileClosed()
      expect(view()).to.deep.include({ waitsFor: 'server', reason: because('server_unreachable') })
      actor.send({ type: 'server.restored' })
      clock.increment(0)
      await opened()
      await firstBytes(two)
      expect(view().status).to.equal('RECORDING')
    })

    it('a failed attempt to continue, with an increasing delay', async () => {
      const { actor, clock, facts, log, opened, openingFails, firstBytes, fileClosed, view } = record()
      await opened()
      await firstBytes()
      actor.send({ type: 'camera.lost', reason: because('unplugged') })
      await fileClosed()
      actor.send({ type: 'camera.ready' })
      clock.increment(0)
      const before = facts.length
      for (const pause of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
        await openingFails(new Failure('server_error'))
        await fileClosed()
        const attempts = log.filter((line) => line === 'record on').length
        clock.increment(pause - 1)
        expect(log.filter((line) => line === 'record on')).to.have.length(attempts)
        clock.increment(1)
        expect(log.filter((line) => line === 'record on')).to.have.length(attempts + 1)
      }
      expect(facts, 'a failed attempt is no news').to.have.length(before)
      await opened()
      await firstBytes(two)
      expect(view()).to.deep.include({ status: 'RECORDING' })
      expect(
        view().gaps.map(({ reason }) => reason.code),
        'the cause, not the failed attempts',
      ).to.deep.equal(['unplugged'])
      actor.send({ type: 'camera.lost', reason: because('unplugged') })
      await fileClosed()
      actor.send({ type: 'camera.ready' })
      clock.increment(0)
      await openingFails(new Failure('server_error'))
      await fileClosed()
      const again = log.filter((line) => line === 'record on').length
      clock.increment(1_000)
      expect(
        log.filter((line) => line === 'record on'),
        'the delays begin anew',
      ).to.have.length(again + 1)
    })

    it('an attempt that brings no data, with an increasing delay and its reason', async () => {
      const { actor, clock, confirmingFails, facts, log, opened, firstBytes, fileClosed, view } = record()
      await opened()
      await firstBytes()
      actor.send({ type: 'camera.lost', reason: because('unplugged') })
      await fileClosed()
      actor.send({ type: 'camera.ready' })
      clock.increment(0)
      for (const pause of [1_000, 2_000, 4_000]) {
        await opened()
        actor.send({ type: 'stream.lost', reason: because('server_closed') })
        clock.increment(20_000)
        await fileClosed()
        expect(view()).to.deep.include({ status: 'INTERRUPTED', reason: because('server_closed') })
        const attempts = log.filter((line) => line === 'record on').length
        clock.increment(pause - 1)
        expect(log.filter((line) => line === 'record on')).to.have.length(attempts)
        clock.increment(1)
        expect(log.filter((line) => line === 'record on')).to.have.length(attempts + 1)
      }
      await opened()
      await confirmingFails(new Failure('storage_failed'))
      await fileClosed()
      expect(view()).to.deep.include({ status: 'INTERRUPTED', reason: because('storage_failed') })
      clock.increment(7_999)
      expect(log.at(-1)).not.to.equal('record on')
      clock.increment(1)
      expect(log.at(-1)).to.equal('record on')
      await opened()
      await firstBytes(two)
      expect(facts.at(-1)).to.deep.include({ type: 'recording.resumed', filename: 'two.mp4' })
    })

    it('a new file without growth of the old one, and keeps the gap on disk', async () => {
      const { actor, clock, facts, intents, opened, firstBytes } = record()
      await opened()
      await firstBytes()
      actor.send({ type: 'stream.lost', reason: because('server_closed') })
      clock.increment(10_000)
      actor.send({ type: 'segment.added', segment: two, at: 8_500 })
      const gap = { from: 1_000, to: 8_000, reason: because('server_closed') }
      expect(facts.at(-1)).to.deep.include({ type: 'recording.resumed', filename: 'two.mp4', gap })
      expect(intents.at(-1)).to.deep.include({ gaps: [gap] })
    })

    it('with the cause of the gap, which is found after its first reason', async () => {
      const events = {
        'its process': { type: 'feed.failed', reason: because('pipeline_killed') },
        'the media server': { type: 'server.lost', reason: because('server_ended') },
        'its camera': { type: 'stream.lost', reason: because('unreachable') },
      } as const
      for (const [what, event] of Object.entries(events)) {
        const { actor, facts, view, news, opened, firstBytes } = record()
        await opened()
        await firstBytes()
        news()
        actor.send({ type: 'stream.lost', reason: because('server_closed') })
        expect(news(), 'its camera looks for the cause').to.deep.equal(['stream.missed'])
        actor.send(event)
        expect(view(), what).to.deep.include({ status: 'INTERRUPTED', reason: event.reason })
        actor.send({ type: 'segment.added', segment: two, at: 8_500 })
        expect(facts.at(-1), what).to.deep.nested.include({ 'gap.reason': event.reason })
      }
    })

    it('with the end of the media server as the cause if that was known before the loss of the stream', async () => {
      const { actor, facts, view, opened, firstBytes } = record()
      await opened()
      await firstBytes()
      actor.send({ type: 'server.lost', reason: because('server_ended') })
      actor.send({ type: 'stream.lost', reason: because('server_closed') })
      expect(facts.at(-1)).to.deep.include({ type: 'recording.interrupted', reason: because('server_ended') })
      expect(view().reason).to.deep.equal(because('server_ended'))
    })

    it('a stream that its network camera ended, with that reason', async () => {
      const { actor, facts, opened, firstBytes } = record({ isPulled: true })
      await opened()
      await firstBytes()
      actor.send({ type: 'stream.lost', reason: because('server_closed') })
      actor.send({ type: 'segment.added', segment: two, at: 8_500 })
      expect(facts.at(-1)).to.deep.nested.include({
        'gap.reason': because('source_closed', 'the camera ended the stream'),
      })
    })

    it('a restart of the service', async () => {
      const gaps = [{ from: 2_000, to: 3_000, reason: because('unplugged') }]
      const intent: RecordingIntent = { camera: 'camera0', by: ann, format: 'mkv', startedAt: 1_000, gaps }
      const { actor, clock, facts, view, opened, firstBytes } = record({
        recalled: { intent, grewAt: 6_000 },
        lacks: { camera: because('unplugged'), server: because('not_started') },
      })
      expect(view()).to.deep.include({ status: 'INTERRUPTED', waitsFor: 'camera', startedAt: 1_000, since: 6_000 })
      actor.send({ type: 'camera.ready' })
      expect(view()).to.deep.include({ status: 'INTERRUPTED', waitsFor: 'server' })
      actor.send({ type: 'server.restored' })
      clock.increment(0)
      await opened([{ filename: 'one.mp4', startedAt: 1_000 }])
      await firstBytes(two)
      expect(facts.map(({ type }) => type)).to.deep.equal(['recording.resumed'])
      expect(view()).to.deep.include({ status: 'RECORDING', files: ['one.mp4', 'two.mp4'] })
      expect(view().gaps).to.deep.equal([...gaps, { from: 6_000, to: 8_000, reason: because('service_restarted') }])
    })
  })

  it('does not wait for a media server that has come back during its start', async () => {
    const { actor, view, opened, firstBytes, fileClosed } = record()
    actor.send({ type: 'server.lost', reason: because('server_closed') })
    actor.send({ type: 'server.restored' })
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    actor.send({ type: 'camera.ready' })
    expect(view().waitsFor).to.equal(undefined)
  })

  it('names what it waits for now, not what it waited for before', async () => {
    const { actor, view, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'storage.blocked', reason: because('storage_full') })
    await fileClosed()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    expect(view()).to.deep.include({ waitsFor: 'camera', reason: because('unplugged') })
    actor.send({ type: 'camera.ready' })
    expect(view()).to.deep.include({ waitsFor: 'storage', reason: because('storage_full') })
  })

  it('ends at its time while it waits', async () => {
    const { actor, facts, deadline, opened, firstBytes, fileClosed, durationOver } = record({ duration: 5_000 })
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    expect(deadline()).to.equal(6_000)
    await durationOver()
    await fileClosed()
    expect(facts.at(-1)).to.deep.nested.include({
      type: 'recording.ended',
      'outcome.reason.code': 'duration_reached',
    })
  })

  it('ends at its planned end, with its last gap, if that passed while the service was down', async () => {
    const intent: RecordingIntent = { camera: 'camera0', by: ann, format: 'fmp4', startedAt: 1_000, gaps: [] }
    const { facts, finishes, durationOver, fileClosed } = record({
      duration: 8_000,
      recalled: { intent: { ...intent, duration: 8_000 }, grewAt: 3_000 },
      lacks: { server: because('not_started') },
    })
    await durationOver()
    await fileClosed({ files: [oneFile], endedAt: 12_800 })
    const gaps = [{ from: 3_000, to: 9_000, reason: because('service_restarted') }]
    const { outcome } = facts.at(-1) as Extract<RecordingFact, { outcome: unknown }>
    expect([outcome.endedAt, outcome.gaps]).to.deep.equal([9_000, gaps])
    expect(finishes.at(-1)).to.deep.include({ gaps })
  })

  it('has a gap for what it lost shortly before its end, before that counts as an interruption', async () => {
    for (const [duration, stoppedAt, media, gap] of [
      [undefined, 9_000, 5_000, { from: 6_000, to: 9_000 }],
      [6_000, 7_100, 3_000, { from: 4_000, to: 7_000 }],
      [undefined, 7_500, 5_000, undefined],
      // The service was away for a moment, and the file grew meanwhile.
      [undefined, 9_000, 7_900, undefined],
    ] as const) {
      const { actor, facts, opened, firstBytes, fileClosed } = record(duration ? { duration } : {})
      await opened()
      await firstBytes()
      actor.send({ type: 'segment.grew', at: 1_000 + Math.min(media, 5_000) })
      actor.send({ type: 'recording.stop', by: ann })
      await fileClosed({ files: [{ ...oneFile, duration: media }], stoppedAt, endedAt: stoppedAt + 300 })
      const { outcome } = facts.at(-1) as Extract<RecordingFact, { outcome: unknown }>
      expect(outcome.gaps).to.deep.equal(gap ? [{ ...gap, reason: because('no_data') }] : [])
    }
  })

  it('begins the gap of a removed file where the gap before it ends', async () => {
    const { actor, clock, view, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'segment.grew', at: 3_000 })
    actor.send({ type: 'stream.lost', reason: because('server_closed') })
    actor.send({ type: 'segment.added', segment: two, at: 8_500 })
    actor.send({ type: 'segment.deleted' })
    await fileClosed({ files: [{ ...oneFile, duration: 2_000 }], endedAt: 9_000 })
    clock.increment(0)
    await opened()
    await firstBytes({ filename: 'three.mp4', startedAt: 10_000 })
    expect(view().gaps.map(({ from, to, reason }) => [from, to, reason.code])).to.deep.equal([
      [3_000, 8_000, 'server_closed'],
      [8_000, 10_000, 'file_removed'],
    ])
  })

  it('ends when it has waited too long, if there is a limit', async () => {
    const { actor, facts, deadline, opened, firstBytes, fileClosed, durationOver } = record({ maxInterruption: 60_000 })
    await opened()
    await firstBytes()
    actor.send({ type: 'segment.grew', at: 3_000 })
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    expect(deadline(), 'a minute after the last media').to.equal(66_000)
    await durationOver()
    await fileClosed()
    expect(facts.at(-1)).to.deep.nested.include({
      type: 'recording.failed',
      'outcome.reason.code': 'interrupted_too_long',
    })
  })

  it('can be stopped while it waits, and is then forgotten', async () => {
    const { actor, facts, log, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    actor.send({ type: 'recording.stop', by: bob })
    await fileClosed()
    expect([log.at(-1), facts.at(-1)?.type]).to.deep.equal(['intent forgotten', 'recording.ended'])
  })

  it('can be stopped while it closes its files to wait', async () => {
    const { actor, facts, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    actor.send({ type: 'recording.stop', by: bob })
    await fileClosed()
    expect(facts.at(-1)).to.deep.nested.include({ type: 'recording.ended', 'outcome.reason.code': 'requested' })
  })

  it('is left to the next run of the service when that stops', async () => {
    const { actor, facts, log, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'service.stopping' })
    await fileClosed()
    expect(facts.at(-1)).to.deep.nested.include({
      type: 'recording.suspended',
      'outcome.reason.code': 'service_stopping',
    })
    expect([log.includes('intent forgotten'), actor.getSnapshot().status]).to.deep.equal([false, 'done'])
  })

  it('keeps each gap on disk, and why it is interrupted', async () => {
    const { actor, clock, intents, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    clock.increment(3_000)
    actor.send({ type: 'segment.grew', at: 7_000 })
    const stall = { from: 1_000, to: 7_000, reason: because('no_data') }
    expect(intents.at(-1)).to.deep.include({ gaps: [stall] })
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    expect(intents.at(-1)).to.deep.include({ gaps: [stall], gapReason: because('unplugged') })
  })

  it('reports the gap in which it is stopped', async () => {
    const { actor, facts, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    actor.send({ type: 'recording.stop', by: bob })
    await fileClosed()
    expect(facts.at(-1)).to.deep.nested.include({
      'outcome.gaps': [{ from: 6_000, to: 9_000, reason: because('unplugged') }],
    })
  })

  it('is refused if the camera is lost before its intent is on disk', async () => {
    const { actor, facts, opened, fileClosed, seen } = record()
    await opened()
    seen()
    await Promise.resolve()
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await turn()
    await fileClosed()
    expect(facts.map(({ type }) => type)).to.deep.equal(['recording.failed'])
  })

  it('ends with the camera, if it is configured so, also while it closes its files for another reason', async () => {
    const { actor, facts, opened, firstBytes, fileClosed } = record({ endsOnUnplug: true })
    await opened()
    await firstBytes()
    actor.send({ type: 'storage.blocked', reason: because('storage_full') })
    actor.send({ type: 'camera.lost', reason: because('unplugged') })
    await fileClosed()
    expect(facts.at(-1)).to.deep.nested.include({ type: 'recording.failed', 'outcome.reason.code': 'unplugged' })
  })

  it('continues with other settings of its camera, also if it is configured to end with the camera', async () => {
    for (const code of ['reconfigured', 'encoder_failed'] as const) {
      const { actor, facts, opened, firstBytes, fileClosed } = record({ endsOnUnplug: true })
      await opened()
      await firstBytes()
      actor.send({ type: 'camera.lost', reason: because(code) })
      await fileClosed()
      expect(facts.map(({ type }) => type)).to.deep.equal([
        'recording.started',
        'recording.interrupted',
        'recording.suspended',
      ])
    }
  })

  describe('reacts in each phase', () => {
    const events = {
      stop: { type: 'recording.stop', by: bob },
      lost: { type: 'camera.lost', reason: because('unplugged') },
      full: { type: 'storage.blocked', reason: because('storage_full') },
      down: { type: 'server.lost', reason: because('server_unreachable') },
      exit: { type: 'service.stopping' },
    } as const
    const reached = async (phase: keyof typeof outcomes) => {
      const one = record()
      await turn()
      if (phase === 'opens the recorder') return one
      await one.opened()
      if (phase === 'waits for data' || phase === 'keeps its intent') return one
      await one.firstBytes()
      if (phase === 'records') return one
      if (phase === 'is stalled' || phase === 'closes its files') {
        one.clock.increment(3_000)
        if (phase === 'closes its files') one.clock.increment(30_000)
        return one
      }
      one.actor.send({ type: 'server.lost', reason: because('server_unreachable') })
      one.actor.send({ type: 'storage.blocked', reason: because('storage_warning') })
      await one.fileClosed()
      if (phase === 'waits for the storage') return one
      one.actor.send({ type: 'storage.freed' })
      if (phase === 'waits for the media server') return one
      one.actor.send({ type: 'server.restored' })
      if (phase === 'waits for its next attempt') return one
      one.clock.increment(0)
      await turn()
      if (phase === 'opens the recorder again') return one
      await one.opened()
      return one
    }
    const starting = {
      stop: 'ended: requested',
      lost: 'failed: unplugged',
      full: 'failed: storage_full',
      down: 'STARTING',
      exit: 'ended: service_stopping',
    }
    const started = {
      stop: 'ended: requested',
      lost: 'suspended: unplugged, waits for camera',
      full: 'suspended: storage_full, waits for storage',
      exit: 'suspended: service_stopping',
    }
    /** Without a fact for what else it waits for. */
    const paused = (reason: string) => ({
      ...started,
      lost: `suspended: ${reason}, waits for camera`,
      full: `suspended: ${reason}, waits for storage`,
      down: `suspended: ${reason}, waits for server`,
    })
    const outcomes = {
      'opens the recorder': starting,
      'waits for data': starting,
      'keeps its intent': { ...starting, down: 'RECORDING' },
      records: { ...started, down: 'RECORDING' },
      'is stalled': { ...started, down: 'INTERRUPTED' },
      // Nothing was written, and now it is clear why.
      'closes its files': { ...started, down: 'suspended: server_unreachable, waits for server' },
      'waits for the storage': {
        ...paused('storage_warning'),
        down: 'suspended: storage_warning, waits for storage',
      },
      'waits for the media server': paused('storage_warning'),
      'waits for its next attempt': paused('storage_warning'),
      'opens the recorder again': { ...paused('storage_warning'), down: 'suspended: storage_warning' },
      'waits for data again': { ...started, down: 'suspended: storage_warning' },
    } as const
    for (const [phase, expected] of Object.entries(outcomes))
      it(`in which it ${phase}: to a stop, losses, and the end of the service`, async () => {
        const found: Record<string, string> = {}
        for (const [name, event] of Object.entries(events)) {
          const { actor, facts, seen, view, fileClosed } = await reached(phase as keyof typeof outcomes)
          if (phase === 'keeps its intent') {
            seen()
            await Promise.resolve()
          }
          actor.send(event)
          await fileClosed()
          const fact = facts.flatMap((each) => ('outcome' in each ? [each] : [])).at(-1)
          const { status, waitsFor } = view()
          if (name === 'exit') expect(actor.getSnapshot().status, 'the next run continues it').to.equal('done')
          const told = fact ? `${fact.type.replace('recording.', '')}: ${fact.outcome.reason.code}` : status
          found[name] = waitsFor ? `${told}, waits for ${waitsFor}` : told
        }
        expect(found).to.deep.equal(expected)
      })
  })

  it('is refused if its intent cannot be written to disk', async () => {
    const { facts, opened, firstBytes, fileClosed } = record({}, { unwritable: new Failure('not_written') })
    await opened()
    await firstBytes()
    await fileClosed()
    expect(facts.map(({ type }) => type)).to.deep.equal(['recording.failed'])
    expect(facts.at(-1)).to.deep.nested.include({ 'outcome.reason.code': 'not_written' })
  })
})

const oneFile: RecordingFile = {
  name: 'one.mp4',
  camera: 'camera0',
  path: '/recordings/one.mp4',
  bytes: 7,
  createdAt: 1_000,
  modifiedAt: 6_000,
  duration: 5_000,
  format: 'mp4',
  complete: true,
  indexed: false,
}

const closedOutcome = {
  filename: 'one.mp4',
  files: ['one.mp4'],
  startedAt: 1_000,
  endedAt: 9_000,
  recorded: 5_000,
  bytes: 7,
  format: 'fmp4',
  gaps: [],
} as const

/** A recording of camera0 requested by ann, with effects that the test controls. */
function record(
  options: Partial<RecordingInput> = {},
  { unwritable, converted }: { unwritable?: Failure; converted?: RecordingFile } = {},
) {
  const log: string[] = []
  const intents: RecordingIntent[] = []
  const finishes: Finish[] = []
  const openings: RecordingSubject[] = []
  const clock = new SimulatedClock()
  let opening = later<Opened>()
  let segment = later<Segment>()
  let over = later<{ at: number }>()
  let closing = later<Closed>()
  let deadline = 0
  const {
    actor,
    facts: emitted,
    heard,
  } = withParent(
    recordingMachine.provide({
      actors: {
        openCapture: fromPromise<Opened, RecordingSubject>(({ input }) => {
          log.push('record on')
          openings.push(input)
          opening = later()
          return opening.promise
        }),
        streamHold: streamHoldMachine.provide({
          actors: {
            askSource: fromPromise(async () => {}) as never,
            openStream: fromCallback(() => {
              log.push('stream held')
              return () => log.push('stream released')
            }) as never,
          },
        }),
        confirmSegment: fromPromise<Segment, RecordingSubject>(() => {
          segment = later()
          return segment.promise
        }),
        watchSegments: fromCallback<EventObject, RecordingSubject>(() => {}),
        waitUntil: fromPromise<{ at: number }, Wait>(({ input }) => {
          deadline = input.at
          over = later()
          return over.promise
        }),
        closeCapture: fromPromise<Closed, RecordingSubject>(() => {
          log.push('closing')
          closing = later()
          return closing.promise
        }),
        saveIntent: fromPromise<void, { intent: RecordingIntent }>(async ({ input }) => {
          if (unwritable) throw unwritable
          log.push('intent saved')
          intents.push(input.intent)
        }),
        finishRecording: fromPromise<Closed, Finish>(async ({ input }) => {
          finishes.push(input)
          log.push('intent forgotten')
          return { files: converted ? [converted] : input.files, endedAt: input.endedAt }
        }),
      },
    }),
    { input: { camera: 'camera0', by: ann, format: 'fmp4', ...options }, clock },
  )
  const facts = emitted as RecordingFact[]
  return {
    actor,
    facts,
    news: () => heard.splice(0).map(({ type }) => type),
    log,
    intents,
    finishes,
    openings,
    heard,
    clock,
    view: () => recordingView(actor.getSnapshot()),
    deadline: () => deadline,
    async opened(segments: Segment[] = []) {
      await turn()
      opening.resolve({ watermark: 500, segments })
      await turn()
    },
    async confirmingFails(error: Error) {
      segment.reject(error)
      await turn()
    },
    async openingFails(error: Error) {
      await turn()
      opening.reject(error)
      await turn()
    },
    async firstBytes(first: Segment = { filename: 'one.mp4', startedAt: 1_000 }) {
      segment.resolve(first)
      await turn()
      await turn()
    },
    /** The first bytes, before anything follows from them. */
    seen: () => segment.resolve({ filename: 'one.mp4', startedAt: 1_000 }),
    durationOver: () => {
      over.resolve({ at: deadline })
      return turn()
    },
    async fileClosed(closed: Closed = { files: [oneFile], endedAt: 9_000 }) {
      closing.resolve(closed)
      await turn()
      await turn()
    },
    async closingFails() {
      closing.reject('cannot read the folder')
      await turn()
      await turn()
    },
  }
}
