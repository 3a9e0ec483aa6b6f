import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { createActor, toPromise } from 'xstate'
import { type CameraPorts, cameraEffects } from '../../actors/effects/camera.js'
import { type RecordingPorts, recordingEffects } from '../../actors/effects/recording.js'
import { systemClock } from '../../adapters/systemClock.js'
import type { RecordingFile, Segment, SegmentEvent } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import type { EndedGaps, RecordingFormat, RecordingIntent } from '../../machines/domain/recording.js'
import type { Finish, RecordingSubject } from '../../machines/recordingContext.js'
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

describe('the intent of a recording', () => {
  const intent: RecordingIntent = {
    camera: 'camera0',
    by: { user: 'ann', request: '1', session: 's' },
    format: 'mkv',
    startedAt: 1_000,
    gaps: [{ from: 2_000, to: 3_000, reason: because('unplugged') }],
  }

  it('is recalled with the end of its last media', async () => {
    const { recall } = stored(intent)
    expect(await recall()).to.deep.equal({ intent, grewAt: 5_000 })
  })

  it('is recalled with no later end than now, though its stream was ahead of the clock', async () => {
    const { recall } = stored(intent, 4_900)
    expect(await recall()).to.deep.equal({ intent, grewAt: 4_900 })
  })

  it('keeps the names of older files that look newer, for the next run of the service', async () => {
    const { finish, recall, recalled, saved } = stored({ ...intent, earlier: ['camera0_tomorrow.mp4'] })
    await recall()
    expect(recalled).to.deep.equal([{ after: 999, earlier: ['camera0_tomorrow.mp4'] }])
    await finish('mkv')
    expect(saved.map(({ earlier }) => earlier)).to.deep.equal([['camera0_tomorrow.mp4']])
  })

  it('is kept until its files are converted', async () => {
    const { log, finish, store } = stored(intent)
    const files = await finish('mkv')
    expect(log).to.deep.equal([
      'saved, unfinished: camera0_next.mp4',
      'converted',
      'gaps of camera0_next.mkv: 1',
      'removed',
    ])
    expect([files, store()]).to.deep.equal([['camera0_next.mkv'], undefined])
  })

  it('is removed at once without a conversion', async () => {
    const { log, finish } = stored(intent)
    expect(await finish('fmp4')).to.deep.equal(['camera0_next.mp4'])
    expect(log).to.deep.equal(['gaps of camera0_next.mp4: 1', 'removed'])
  })

  it('finishes a conversion that the last run of the service has left', async () => {
    const { log, recall } = stored({ ...intent, unfinished: ['camera0_next.mp4'] })
    expect(await recall()).to.equal(undefined)
    expect(log).to.deep.equal(['converted', 'gaps of camera0_next.mkv: 1', 'removed'])
  })
})

/** The effects with a store that holds the intent, and one file of two seconds that begins at 3 s. */
function stored(intent: RecordingIntent, now = 9_000) {
  const log: string[] = []
  const saved: RecordingIntent[] = []
  const recalled: { after: number; earlier: readonly string[] }[] = []
  let kept: RecordingIntent | undefined = intent
  const file = (name: string) => ({ name, camera: 'camera0', bytes: 1, duration: 2_000, complete: true })
  const ports = {
    segments: {
      recall: async (_: string, after: number, earlier: readonly string[]) => void recalled.push({ after, earlier }),
      earlier: () => recalled.flatMap(({ earlier }) => earlier),
      list: async () => [first, next],
      finish: async (_: string, segments: Segment[]) => segments.map(({ filename }) => file(filename)),
      toMatroska: async (files: { name: string }[]) => {
        log.push('converted')
        return files.map(({ name }) => file(name.replace('.mp4', '.mkv')))
      },
    },
    intents: {
      find: async () => kept,
      save: async (changed: RecordingIntent) => {
        log.push(`saved, unfinished: ${changed.unfinished?.join()}`)
        kept = changed
        saved.push(changed)
      },
      remove: async () => {
        log.push('removed')
        kept = undefined
      },
    },
    gaps: {
      save: async ({ files, gaps }: EndedGaps) => void log.push(`gaps of ${files.join()}: ${gaps.length}`),
    },
    log: { warn: () => {}, info: () => {}, error: () => {} },
    clock: { now: () => now },
  }
  return {
    log,
    saved,
    recalled,
    store: () => kept,
    recall: () => {
      const { recallIntent } = cameraEffects(ports as unknown as CameraPorts)
      return toPromise(createActor(recallIntent, { input: { camera: 'camera0' } }).start())
    },
    finish: async (format: RecordingFormat) => {
      const { finishRecording } = recordingEffects(ports as unknown as RecordingPorts)
      const files = [file(next.filename)] as RecordingFile[]
      const input: Finish = { camera: 'camera0', format, files, endedAt: 6_000, gaps: intent.gaps, intent }
      return (await toPromise(createActor(finishRecording, { input }).start())).files.map(({ name }) => name)
    },
  }
}

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
    indexed: false,
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
    folder: () => 'main',
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
      const wait = { at: since + 600_000, since, of: 'growth', camera: 'camera0' } as const
      const waiting = createActor(effects.waitUntil, { input: wait }).start()
      await timers.tickAsync(559_999)
      expect(waiting.getSnapshot().status).to.equal('active')
      await timers.tickAsync(1)
      expect(waiting.getSnapshot().output).to.deep.equal({ at: since + 600_000 })
    })

  for (const [direction, step] of Object.entries({ forward: day, back: -day }))
    it(`of a timed recording is as long as requested if the clock is set ${direction}`, async () => {
      const effects = recordingEffects({ clock: systemClock } as unknown as RecordingPorts)
      const since = Date.now()
      const wait = { at: since + 600_000, since, of: 'start', camera: 'camera0' } as const
      const waits = () => createActor(effects.waitUntil, { input: wait }).start()
      const first = waits()
      await timers.tickAsync(40_000)
      first.stop()
      timers.setSystemTime(Date.now() + step)
      // It was interrupted, and waits again.
      const next = waits()
      await timers.tickAsync(559_999)
      expect(next.getSnapshot().status).to.equal('active')
      await timers.tickAsync(1)
      expect(next.getSnapshot().output).to.deep.equal({ at: wait.at })
    })

  it('of a timed recording of an earlier run ends at its time by the wall clock', async () => {
    const effects = recordingEffects({ clock: systemClock } as unknown as RecordingPorts)
    const since = Date.now() - 3_000_000
    const wait = { at: since + 3_600_000, since, of: 'start', camera: 'camera0' } as const
    const running = createActor(effects.waitUntil, { input: wait }).start()
    await timers.tickAsync(599_999)
    expect(running.getSnapshot().status).to.equal('active')
    await timers.tickAsync(1)
    expect(running.getSnapshot().output).to.deep.equal({ at: wait.at })
  })
})
