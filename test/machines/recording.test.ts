import { expect } from 'chai'
import { createActor, type EventObject, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import type { RecordingFact } from '../../machines/domain/facts.js'
import type { RecordingFile, Segment } from '../../machines/domain/ports.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { type Closed, type RecordingSubject, recordingMachine, recordingView } from '../../machines/recording.js'
import { streamHoldMachine } from '../../machines/streamHold.js'
import { later, turn } from '../support/later.js'

const ann = { user: 'ann', request: '1', session: 's' }
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

  it('starts the recorder before it holds the stream', async () => {
    const { log, opened } = record()
    await turn()
    expect(log).to.deep.equal(['record on'])
    await opened()
    expect(log).to.deep.equal(['record on', 'stream held'])
  })

  it('holds the stream until the file is closed, even if the camera is unplugged', async () => {
    const { actor, facts, log, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'device.removed', reason: because('unplugged') })
    expect(log).to.deep.equal(['record on', 'stream held', 'closing'])
    await fileClosed()
    expect(log).to.deep.equal(['record on', 'stream held', 'closing', 'stream released'])
    expect(facts.at(-1)).to.deep.equal({
      type: 'recording.failed',
      camera: 'camera0',
      by: ann,
      outcome: {
        reason: because('unplugged'),
        files: ['one.mp4'],
        startedAt: 1_000,
        endedAt: 9_000,
        recorded: 5_000,
        bytes: 7,
        format: 'fmp4',
      },
    })
  })

  it('ends successfully when a client stops it', async () => {
    const { actor, facts, opened, firstBytes, fileClosed } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'recording.stop', by: bob })
    expect(actor.getSnapshot().can({ type: 'recording.stop', by: ann })).to.equal(false)
    await fileClosed()
    expect(facts.at(-1)).to.deep.include({ type: 'recording.ended', by: ann })
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
    actor.send({ type: 'segment.added', segment: { filename: 'two.mp4', startedAt: 8_000 } })
    expect(view()).to.deep.include({ growing: true, files: ['one.mp4', 'two.mp4'], filename: 'one.mp4' })
    expect(facts.slice(1).map((fact) => fact.type)).to.deep.equal(['recording.interrupted', 'recording.resumed'])
  })

  it('ends after a minute without data', async () => {
    const { clock, view, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    clock.increment(3_000)
    clock.increment(59_999)
    expect(view().status).to.equal('INTERRUPTED')
    clock.increment(1)
    expect(view().status).to.equal('STOPPING')
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
        outcome: { reason: because('device_busy'), files: [], endedAt: 9_000, recorded: 0, bytes: 0, format: 'fmp4' },
      },
    ])
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
      actor.send({ type: 'segment.grew' })
    }
    expect(view().status).to.equal('RECORDING')
    clock.increment(3_000)
    expect(view()).to.deep.include({ status: 'INTERRUPTED', reason: because('no_data') })
    actor.send({ type: 'segment.grew' })
    expect(view()).to.deep.include({ status: 'RECORDING', growing: true })
    expect(facts.slice(1).map((fact) => fact.type)).to.deep.equal(['recording.interrupted', 'recording.resumed'])
  })

  it('does not treat the last bytes of a lost stream as a resumption', async () => {
    const { actor, view, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'stream.lost', reason: because('server_closed') })
    actor.send({ type: 'segment.grew' })
    expect(view().status).to.equal('INTERRUPTED')
    actor.send({ type: 'stream.held' })
    actor.send({ type: 'segment.grew' })
    expect(view().status).to.equal('RECORDING')
  })

  it('is interrupted at once when its open file is deleted', async () => {
    const { actor, view, opened, firstBytes } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'segment.deleted' })
    expect(view()).to.deep.include({ status: 'INTERRUPTED' })
    expect(view().reason?.code).to.equal('no_data')
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
      { type: 'device.removed', reason: because('unplugged') },
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
    })
  })

  it('ends with the known file names if closing fails', async () => {
    const { actor, facts, opened, firstBytes, closingFails } = record()
    await opened()
    await firstBytes()
    actor.send({ type: 'storage.blocked', reason: because('storage_full') })
    await closingFails()
    expect(facts.at(-1)).to.deep.nested.include({
      type: 'recording.failed',
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
}

/** A recording of camera0 requested by ann, with effects that the test controls. */
function record({ duration }: { duration?: number } = {}) {
  const log: string[] = []
  const facts: RecordingFact[] = []
  const clock = new SimulatedClock()
  const opening = later<{ watermark: number }>()
  const segment = later<Segment>()
  const over = later<{ at: number }>()
  const closing = later<Closed>()
  let deadline = 0
  const actor = createActor(
    recordingMachine.provide({
      actors: {
        openCapture: fromPromise<{ watermark: number }, { camera: CameraId }>(() => {
          log.push('record on')
          return opening.promise
        }),
        streamHold: streamHoldMachine.provide({
          actors: {
            openStream: fromCallback(() => {
              log.push('stream held')
              return () => log.push('stream released')
            }) as never,
          },
        }),
        confirmSegment: fromPromise<Segment, RecordingSubject>(() => segment.promise),
        watchSegments: fromCallback<EventObject, RecordingSubject>(() => {}),
        waitUntil: fromPromise<{ at: number }, { at: number }>(({ input }) => {
          deadline = input.at
          return over.promise
        }),
        closeCapture: fromPromise<Closed, RecordingSubject>(() => {
          log.push('closing')
          return closing.promise
        }),
      },
    }),
    { input: { camera: 'camera0', by: ann, format: 'fmp4', ...(duration !== undefined && { duration }) }, clock },
  )
  actor.on('*', (fact) => facts.push(fact))
  actor.start()
  return {
    actor,
    facts,
    log,
    clock,
    view: () => recordingView(actor.getSnapshot()),
    deadline: () => deadline,
    async opened() {
      await turn()
      opening.resolve({ watermark: 500 })
      await turn()
    },
    async openingFails(error: Error) {
      await turn()
      opening.reject(error)
      await turn()
    },
    firstBytes: () => {
      segment.resolve({ filename: 'one.mp4', startedAt: 1_000 })
      return turn()
    },
    durationOver: () => {
      over.resolve({ at: deadline })
      return turn()
    },
    fileClosed: (closed: Closed = { files: [oneFile], endedAt: 9_000 }) => {
      closing.resolve(closed)
      return turn()
    },
    closingFails: () => {
      closing.reject('cannot read the folder')
      return turn()
    },
  }
}
