import { expect } from 'chai'
import { type CameraServiceClient, RpcError } from '../../rpc/client/index.js'
import { changesOf, outagesOf, readHistory } from '../../rpc/console/history.js'
import { type Change, hoursIn, type Row, timelineOf } from '../../rpc/console/timeline.js'

const window = { from: 1_000, to: 2_000 }
const off: Record<Row, boolean> = { connected: false, streaming: false, recording: false, gap: false }
const away = 'alive.connection.away.unplugged'
const available = 'alive.connection.online.life.available.serving'

describe('the timeline of a camera', () => {
  it('is what the camera is now if nothing has changed', () => {
    expect(timelineOf('camera0', [], window, { ...off, connected: true })).to.deep.equal({
      connected: [{ from: 1_000, to: 2_000 }],
      streaming: [],
      recording: [],
      gap: [],
    })
  })

  it('has a span from each connection to the next unplugging', () => {
    const actor = 'camera:camera0'
    const changes: Change[] = [
      { at: 1_100, actor, from: `alive.recording.none + ${available}`, state: 'unplugged' },
      { at: 1_300, actor, from: away, state: 'available' },
      { at: 1_600, actor, from: available, state: 'draining' },
      { at: 1_610, actor, from: 'alive.connection.online.life.draining', state: 'unplugged' },
      { at: 1_900, actor, from: away, state: 'available' },
    ]
    expect(timelineOf('camera0', changes, window, { ...off, connected: true }).connected).to.deep.equal([
      { from: 1_000, to: 1_100 },
      { from: 1_300, to: 1_600 },
      { from: 1_900, to: 2_000 },
    ])
  })

  it('separates the recorded times from the gaps', () => {
    const actor = 'camera:camera0/recording'
    const growing = 'holding.underway.capturing.growing'
    const changes: Change[] = [
      { at: 1_100, actor, state: 'starting' },
      { at: 1_200, actor, from: 'holding.underway.confirming', state: 'recording' },
      { at: 1_400, actor, from: growing, state: 'interrupted' },
      { at: 1_500, actor, from: 'holding.underway.confirming', state: 'recording' },
      { at: 1_800, actor, from: growing, state: 'stopping' },
    ]
    const { recording, gap } = timelineOf('camera0', changes, window, off)
    expect(recording).to.deep.equal([
      { from: 1_200, to: 1_400 },
      { from: 1_500, to: 1_800 },
    ])
    expect(gap).to.deep.equal([{ from: 1_400, to: 1_500 }])
  })

  it('has no span while the service did not run; a recording that continued has a gap', () => {
    const camera = 'camera:camera0'
    const recording = 'camera:camera0/recording'
    const changes: Change[] = [
      { at: 1_100, actor: camera, from: away, state: 'available' },
      { at: 1_200, actor: recording, from: 'holding.underway.confirming', state: 'recording' },
      // The next run of the service.
      { at: 1_500, actor: camera, state: 'probing' },
      { at: 1_510, actor: recording, state: 'interrupted' },
      { at: 1_520, actor: camera, from: 'alive.connection.online.life.probing', state: 'available' },
      { at: 1_600, actor: recording, from: 'holding.underway.confirming', state: 'recording' },
    ]
    const now = { ...off, connected: true, recording: true }
    const found = timelineOf('camera0', changes, window, now, [{ from: 1_300, to: 1_450 }])
    expect(found.connected).to.deep.equal([
      { from: 1_100, to: 1_300 },
      { from: 1_520, to: 2_000 },
    ])
    expect(found.recording).to.deep.equal([
      { from: 1_200, to: 1_300 },
      { from: 1_600, to: 2_000 },
    ])
    expect(found.gap).to.deep.equal([{ from: 1_300, to: 1_600 }])
    const idle = timelineOf('camera0', changes.slice(0, 1), window, now, [{ from: 1_300, to: 1_450 }])
    expect(idle.gap, 'nothing was recorded').to.deep.equal([])
  })

  it('ends with the last change if the actor ended without another one', () => {
    const changes: Change[] = [{ at: 1_200, actor: 'camera:camera0/pipeline', from: 'starting', state: 'running' }]
    expect(timelineOf('camera0', changes, window, off).streaming).to.deep.equal([])
    expect(timelineOf('camera0', changes, window, { ...off, streaming: true }).streaming).to.deep.equal([
      { from: 1_200, to: 2_000 },
    ])
  })

  it('ignores other cameras, also those whose number begins the same', () => {
    const changes: Change[] = [{ at: 1_200, actor: 'camera:camera01', from: away, state: 'available' }]
    expect(timelineOf('camera0', changes, window, off).connected).to.deep.equal([])
  })

  it('has full hours as its scale', () => {
    const from = new Date(2026, 5, 15, 10, 20).getTime()
    const hours = hoursIn({ from, to: from + 6 * 3_600_000 }, 3).map((at) => new Date(at).getHours())
    expect(hours).to.deep.equal([12, 15])
  })
})

describe('the history', () => {
  const clientOf = (call: (method: string, params: Record<string, unknown>) => unknown) =>
    ({
      call: async (method: string, params: Record<string, unknown>) => call(method, params),
    }) as unknown as CameraServiceClient
  const entry = (seq: number, state?: string) => ({
    seq,
    at: `2026-06-15T10:00:0${seq}.000Z`,
    actor: 'storage',
    from: 'ok',
    to: 'warning',
    event: 'measureDisk done',
    text: 'the measurement of the disk succeeded',
    ...(state !== undefined && { state }),
  })

  it('is read page by page, newest first', async () => {
    const asked: unknown[] = []
    const client = clientOf((_method, params) => {
      asked.push(params)
      return params.cursor === undefined
        ? { entries: [entry(3, 'warning'), entry(2)], next_cursor: 2 }
        : { entries: [entry(1, 'ok')] }
    })
    const entries = await readHistory(client, { device: 'camera0' })
    expect(asked).to.deep.equal([{ device: 'camera0' }, { device: 'camera0', cursor: 2 }])
    expect(entries).to.deep.equal([entry(3, 'warning'), entry(2), entry(1, 'ok')])
    expect(changesOf(entries === 'off' ? [] : entries)).to.deep.equal([
      { at: 1781517601000, actor: 'storage', from: 'ok', state: 'ok' },
      { at: 1781517603000, actor: 'storage', from: 'ok', state: 'warning' },
    ])
  })

  it('is off if the service keeps none, and fails for other reasons', async () => {
    const refusing = (code: number, reason: string) =>
      clientOf((method) => {
        throw new RpcError(method, { code, message: 'no', data: { reason } })
      })
    expect(await readHistory(refusing(-32030, 'unsupported'), {})).to.equal('off')
    const failed = await readHistory(refusing(-32603, 'internal_error'), {}).catch((error: RpcError) => error.code)
    expect(failed).to.equal(-32603)
  })

  it('ends after some pages if the service always names another one', async () => {
    let calls = 0
    const client = clientOf(() => {
      calls += 1
      return { entries: [entry(calls)], next_cursor: calls }
    })
    expect(await readHistory(client, {})).to.have.length(10)
    expect(await readHistory(client, { limit: 2 })).to.have.length(2)
  })
})

describe('the outages of the service', () => {
  const entry = (seq: number, event: string, at: string, evidence?: object) =>
    ({ seq, event, at, actor: 'service', text: '', ...(evidence && { evidence }) }) as never

  it('are from a stop, or from the last sign of life, to the next start', () => {
    const newestFirst = [
      entry(5, 'started', '2026-01-02T00:00:50Z', {
        previous_run: 'ended without a stop',
        last_alive: '2026-01-02T00:00:40Z',
      }),
      entry(4, 'started', '2026-01-02T00:00:30Z', { previous_run: 'stopped' }),
      entry(3, 'stopped', '2026-01-02T00:00:20Z'),
      // Its stop is too long ago.
      entry(2, 'started', '2026-01-02T00:00:10Z', { previous_run: 'stopped' }),
    ]
    const seconds = (span: { from: number; to: number }) => [span.from, span.to].map((at) => (at / 1_000) % 60)
    expect(outagesOf(newestFirst).map(seconds)).to.deep.equal([
      [20, 30],
      [40, 50],
    ])
  })
})
