import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { createActor, toPromise } from 'xstate'
import { type RecordingPorts, recordingEffects } from '../../actors/effects/recording.js'
import { systemClock } from '../../adapters/systemClock.js'
import type { RecordingFile, Segment, SegmentEvent } from '../../machines/domain/ports.js'
import type { RecordingSubject } from '../../machines/recordingSetup.js'
import { day } from '../support/clock.js'

const first: Segment = { filename: 'camera0_first.mp4', startedAt: 1_000 }
const next: Segment = { filename: 'camera0_next.mp4', startedAt: 3_000 }

describe('closing a capture', () => {
  it('finds a file that was started while the recorder was stopped', async () => {
    expect(await close({ lasts: 2_003, follows: next })).to.deep.equal([first.filename, next.filename])
  })

  it('does not wait for another file after one of less than the full length', async () => {
    expect(await close({ lasts: 1_500, follows: next })).to.deep.equal([first.filename])
  })

  it('does not wait for ever for another file', async () => {
    expect(await close({ lasts: 2_003 })).to.deep.equal([first.filename])
  })

  it('continues if the media server does not answer', async () => {
    const clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const closing = close({ lasts: 1_500, hangs: true })
      await clock.tickAsync(2_500)
      expect(await closing).to.deep.equal([first.filename])
    } finally {
      clock.restore()
    }
  })
})

/** Resolves with the file names of a recording with files of two seconds. `lasts`: length of the known file, in ms. */
async function close({
  lasts,
  follows,
  hangs = false,
}: {
  lasts: number
  follows?: Segment
  hangs?: boolean
}): Promise<string[]> {
  const file = ({ filename }: Segment): RecordingFile => ({
    name: filename,
    camera: 'camera0',
    path: `/nowhere/${filename}`,
    bytes: 1,
    modifiedAt: 0,
    createdAt: 0,
    format: 'mp4',
    duration: lasts,
    complete: true,
  })
  const ports = {
    mediaServer: {
      setRecording: (_camera: string, _on: boolean, signal: AbortSignal) =>
        new Promise<void>((resolve, reject) =>
          hangs ? signal.addEventListener('abort', () => reject(signal.reason)) : resolve(),
        ),
    },
    log: { warn: () => {}, info: () => {} },
    segments: {
      list: async () => [first],
      finish: async (_: string, segments: Segment[]) => segments.map(file),
      first: (_camera: string, _after: number, signal: AbortSignal) =>
        new Promise((resolve, reject) =>
          follows ? resolve(follows) : signal.addEventListener('abort', () => reject(signal.reason)),
        ),
    },
    clock: { now: () => 0 },
    segmentDuration: 2_000,
  } as unknown as RecordingPorts
  const input = { camera: 'camera0', watermark: 500, segments: [first] } satisfies RecordingSubject
  const actor = createActor(recordingEffects(ports).closeCapture, { input }).start()
  return (await toPromise(actor)).files.map(({ name }) => name)
}

describe('the wait of an interrupted recording', () => {
  let timers: SinonFakeTimers
  beforeEach(() => {
    timers = useFakeTimers({ now: Date.UTC(2026, 0, 2) })
  })
  afterEach(() => timers.restore())

  for (const [direction, step] of Object.entries({ forward: day, back: -day }))
    it(`is as long as configured if the clock is set ${direction}`, async () => {
      let report: (event: SegmentEvent) => void = () => {}
      const effects = recordingEffects({
        clock: systemClock,
        segments: {
          watch: (_camera: string, _files: object, listener: typeof report) => {
            report = listener
            return () => {}
          },
        },
      } as unknown as RecordingPorts)
      const input = { camera: 'camera0', watermark: 500, segments: [first] } satisfies RecordingSubject
      const watching = createActor(effects.watchSegments, { input }).start()
      const since = Date.now()
      report({ type: 'segment.grew', at: since })
      watching.stop()
      await timers.tickAsync(40_000)
      timers.setSystemTime(Date.now() + step)
      const wait = { at: since + 600_000, since, camera: 'camera0' } as const
      const waiting = createActor(effects.waitUntil, { input: wait }).start()
      await timers.tickAsync(559_999)
      expect(waiting.getSnapshot().status).to.equal('active')
      await timers.tickAsync(1)
      expect(waiting.getSnapshot().output).to.deep.equal({ at: since + 600_000 })
    })
})
