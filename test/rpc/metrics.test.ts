import { expect } from 'chai'
import type { By } from '../../machines/domain/facts.js'
import type { StreamState } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import type { SnapshotView } from '../../machines/domain/views.js'
import { createHealthServer } from '../../rpc/http/health.js'
import { createMetricsPage, type MetricsOptions } from '../../rpc/http/metricsPage.js'
import { createMetrics } from '../../rpc/metrics.js'
import { later, turn } from '../support/later.js'
import { createWorld, noon, type World } from './fakes.js'

const by: By = { user: 'eve"\n', request: 'r', session: 's' }
const outcome = {
  reason: because('requested'),
  files: [],
  gaps: [],
  endedAt: noon,
  recorded: 61_500,
  bytes: 1_000,
  format: 'fmp4' as const,
}

describe('the metrics', () => {
  let world: World
  let tell: World['tell']
  let metrics: ReturnType<typeof createMetrics>

  beforeEach(() => {
    world = createWorld()
    tell = world.tell
    metrics = createMetrics()
    metrics.follow(world.options().facts)
  })

  const page = (changes: Partial<MetricsOptions> = {}) => {
    const { directory, mediaServer, files, about, clock, log } = world.options()
    return createMetricsPage({
      metrics,
      directory,
      mediaServer,
      files,
      about,
      clock,
      log,
      stateTimes: () => [
        { machine: 'camera', camera: 'camera0', state: 'available', entered: 2, time: 61_500 },
        { machine: 'storage', camera: '', state: 'ok', entered: 1, time: 62_000 },
      ],
      sockets: () => ({ authenticated: 3, unauthenticated: 1 }),
      ...changes,
    })
  }
  /** Lines of one metric. */
  const linesOf = (text: string, name: string) =>
    text.split('\n').filter((line) => new RegExp(`^camera_service_${name}(?:\\{| )`).test(line))
  const scrape = async (name: string) =>
    linesOf((await page()()).text, name).map((line) => line.replace(/^camera_service_/, ''))

  it('show the time in each state, and how often it was entered', async () => {
    expect(await scrape('state_seconds_total')).to.deep.equal([
      'state_seconds_total{machine="camera",camera="camera0",state="available"} 61.5',
      'state_seconds_total{machine="storage",camera="",state="ok"} 62',
    ])
    expect(await scrape('transitions_total')).to.deep.equal([
      'transitions_total{machine="camera",camera="camera0",state="available"} 2',
      'transitions_total{machine="storage",camera="",state="ok"} 1',
    ])
  })

  it('show the present cameras, streams, sockets and files', async () => {
    expect(await scrape('cameras')).to.deep.equal([
      'cameras{state="available"} 1',
      'cameras{state="unplugged"} 1',
      'cameras{state="faulty"} 0',
    ])
    expect(await scrape('camera_up')).to.deep.equal(['camera_up{camera="camera0"} 1', 'camera_up{camera="camera1"} 0'])
    expect(await scrape('stream_readers')).to.deep.equal(['stream_readers{camera="camera0"} 2'])
    expect(await scrape('stream_sent_bytes_total')).to.deep.equal(['stream_sent_bytes_total{camera="camera0"} 20'])
    expect(await scrape('media_server_up')).to.deep.equal(['media_server_up 1'])
    expect(await scrape('media_server_info')).to.deep.equal(['media_server_info{kind="managed",version="v1.20.1"} 1'])
    expect(await scrape('sockets')).to.deep.equal([
      'sockets{state="authenticated"} 3',
      'sockets{state="unauthenticated"} 1',
    ])
    expect(await scrape('disk_total_bytes')).to.deep.equal(['disk_total_bytes 1000'])
    expect(await scrape('files_bytes')).to.deep.equal([
      'files_bytes{kind="recordings"} 123456',
      'files_bytes{kind="snapshots"} 45678',
    ])
    const { contentType, text } = await page()()
    expect(contentType).to.equal('text/plain; version=0.0.4; charset=utf-8')
    expect(text).to.match(/^process_resident_memory_bytes \d{7,}$/m)
    expect(text).to.match(/^process_cpu_seconds_total \d/m)
  })

  it('count recordings and their gaps', async () => {
    tell({
      type: 'recording.interrupted',
      camera: 'camera0',
      by,
      filename: 'a.mp4',
      reason: because('no_data'),
      closes: false,
    })
    tell({
      type: 'recording.interrupted',
      camera: 'camera0',
      by,
      filename: 'a.mp4',
      reason: because('unplugged'),
      closes: true,
    })
    const gap = { from: 0, to: 1_500, reason: because('no_data') }
    tell({ type: 'recording.resumed', camera: 'camera0', by, filename: 'a.mp4', gap })
    tell({
      type: 'recording.interrupted',
      camera: 'camera0',
      by,
      filename: 'a.mp4',
      reason: because('no_data'),
      closes: false,
    })
    world.now += 500
    tell({ type: 'recording.failed', camera: 'camera0', by, outcome })
    tell({ type: 'recording.ended', camera: 'camera0', by, outcome })
    expect(await scrape('recording_gaps_total')).to.deep.equal([
      'recording_gaps_total{camera="camera0"} 2',
      'recording_gaps_total{camera="camera1"} 0',
    ])
    expect(await scrape('recording_gap_seconds_total')).to.deep.equal([
      'recording_gap_seconds_total{camera="camera0"} 2',
      'recording_gap_seconds_total{camera="camera1"} 0',
    ])
    expect(await scrape('recording_bytes_total')).to.deep.equal([
      'recording_bytes_total{camera="camera0"} 2000',
      'recording_bytes_total{camera="camera1"} 0',
    ])
    expect(await scrape('recording_seconds_total')).to.deep.equal([
      'recording_seconds_total{camera="camera0"} 123',
      'recording_seconds_total{camera="camera1"} 0',
    ])
    expect((await scrape('recordings_total')).filter((line) => line.includes('camera0'))).to.deep.equal([
      'recordings_total{camera="camera0",outcome="ended"} 1',
      'recordings_total{camera="camera0",outcome="failed"} 1',
    ])
  })

  it('count the files that got an index, and those that cannot', async () => {
    tell({ type: 'file.indexed', camera: 'camera0', filename: 'a.mp4', bytes: 1 })
    tell({ type: 'file.indexed', camera: 'camera0', filename: 'b.mp4', bytes: 1 })
    tell({ type: 'file.notIndexed', camera: 'camera0', filename: 'c.mp4', reason: because('failed') })
    expect((await scrape('recording_files_indexed_total')).filter((line) => line.includes('camera0'))).to.deep.equal([
      'recording_files_indexed_total{camera="camera0",outcome="indexed"} 2',
      'recording_files_indexed_total{camera="camera0",outcome="failed"} 1',
    ])
  })

  it('distinguish a restart of a stream from its next use', async () => {
    const start = () => tell({ type: 'stream.started', camera: 'camera0' })
    const stop = () => tell({ type: 'stream.ended', camera: 'camera0', reason: because('no_longer_used') })
    start()
    stop()
    world.now += 60_000
    start()
    expect(await scrape('pipeline_restarts_total')).to.deep.equal([
      'pipeline_restarts_total{camera="camera0"} 0',
      'pipeline_restarts_total{camera="camera1"} 0',
    ])
    stop()
    world.now += 2_000
    start()
    tell({ type: 'stream.stalled', camera: 'camera0', reason: because('no_frames') })
    tell({ type: 'stream.overloaded', camera: 'camera0', reason: because('overloaded') })
    stop()
    world.now += 6_000
    start()
    expect(await scrape('pipeline_restarts_total')).to.deep.equal([
      'pipeline_restarts_total{camera="camera0"} 2',
      'pipeline_restarts_total{camera="camera1"} 0',
    ])
    expect(await scrape('pipeline_starts_total')).to.deep.equal([
      'pipeline_starts_total{camera="camera0"} 4',
      'pipeline_starts_total{camera="camera1"} 0',
    ])
    expect(await scrape('pipeline_stalls_total')).to.deep.equal([
      'pipeline_stalls_total{camera="camera0"} 1',
      'pipeline_stalls_total{camera="camera1"} 0',
    ])
    expect(await scrape('pipeline_overloads_total')).to.deep.equal([
      'pipeline_overloads_total{camera="camera0"} 1',
      'pipeline_overloads_total{camera="camera1"} 0',
    ])
  })

  it('count snapshots by tier, and forget retired cameras', async () => {
    const taken: SnapshotView = {
      camera: 'camera0',
      filename: 'x',
      path: '/secret',
      bytes: 1,
      width: 1,
      height: 1,
      tier: 2,
      capturedAt: noon,
      age: 0,
      passedOver: [],
    }
    tell({ type: 'snapshot.taken', by, ...taken })
    tell({ type: 'snapshot.failed', camera: 'camera0', by, reason: because('unplugged'), passedOver: [] })
    expect((await scrape('snapshots_total')).filter((line) => line.endsWith(' 1'))).to.deep.equal([
      'snapshots_total{camera="camera0",tier="2",outcome="taken"} 1',
      'snapshots_total{camera="camera0",tier="none",outcome="failed"} 1',
    ])
    tell({ type: 'camera.retired', camera: 'camera0' })
    expect(metrics.counts().cameras.size).to.equal(0)
    expect((await scrape('snapshots_total')).filter((line) => !line.endsWith(' 0'))).to.deep.equal([])
  })

  it('count restarts of the media server and openings of the breaker', async () => {
    tell({ type: 'link.up', version: 'v1', paths: 1 })
    tell({ type: 'link.degraded', reason: because('server_unreachable') })
    tell({ type: 'link.up', version: 'v1', paths: 1 })
    tell({ type: 'link.down', reason: because('server_restarted') })
    tell({ type: 'link.up', version: 'v1', paths: 1 })
    tell({ type: 'link.breakerOpened' })
    tell({ type: 'link.breakerOpened' })
    tell({ type: 'system.clock_jumped', from: 0, to: 86_400_000, by: 86_400_000 })
    world.link = { ...world.link, state: 'degraded', breaker: 'open' }
    expect(await scrape('media_server_restarts_total')).to.deep.equal(['media_server_restarts_total 1'])
    expect(await scrape('clock_jumps_total')).to.deep.equal(['clock_jumps_total 1'])
    expect(await scrape('breaker_openings_total')).to.deep.equal(['breaker_openings_total 2'])
    expect((await scrape('breaker_state')).filter((line) => line.endsWith(' 1'))).to.deep.equal([
      'breaker_state{state="open"} 1',
    ])
  })

  it('count crashed actors by kind', async () => {
    const reason = because('crashed')
    for (const [index, actor] of ['camera:camera0', 'camera:camera1', 'storage', 'camera:camera0'].entries())
      tell({ type: 'actor.failed', actor, reason, restarts: index })
    expect(await scrape('actor_restarts_total')).to.deep.equal([
      'actor_restarts_total{actor="camera"} 3',
      'actor_restarts_total{actor="storage"} 1',
    ])
  })

  it('measure requests, also those before the first scrape', async () => {
    metrics.call('ping', 'ok', 0.4)
    metrics.call('ping', 'ok', 40)
    metrics.call('take_snapshot', 'refused', 60_000)
    metrics.call('GET /files/recordings', 'ok', 3)
    const lines = linesOf((await page()()).text, 'rpc_duration_seconds_bucket').filter((line) =>
      line.includes('"ping"'),
    )
    const at = (le: string) => lines.find((line) => line.includes(`le="${le}"`))?.split(' ')[1]
    expect([at('0.001'), at('0.025'), at('0.05'), at('30'), at('+Inf')]).to.deep.equal(['1', '1', '2', '2', '2'])
    expect(await scrape('rpc_duration_seconds_count')).to.deep.equal([
      'rpc_duration_seconds_count{method="ping",outcome="ok"} 2',
      'rpc_duration_seconds_count{method="take_snapshot",outcome="refused"} 1',
      'rpc_duration_seconds_count{method="GET /files/recordings",outcome="ok"} 1',
    ])
    expect(Number((await scrape('rpc_duration_seconds_sum'))[0]?.split(' ')[1])).to.be.closeTo(0.0404, 1e-9)
    expect(
      (await scrape('rpc_duration_seconds_bucket')).find(
        (line) => line.includes('take_snapshot') && line.includes('le="30"'),
      ),
    ).to.match(/ 0$/)
  })

  it('make no label of text from a client', async () => {
    for (let index = 0; index < 500; index += 1) {
      metrics.call(`made up ${index}"`, 'refused', 1)
      metrics.mediaCall(`GET /${index}`, 'ok', 1)
    }
    expect(await scrape('rpc_duration_seconds_count')).to.deep.equal([
      'rpc_duration_seconds_count{method="other",outcome="refused"} 500',
    ])
    expect(await scrape('media_server_request_duration_seconds_count')).to.have.length(65)
    tell({ type: 'recording.ended', camera: 'camera0', by, outcome })
    const { text } = await page()()
    expect(text).not.to.match(/eve"|eve\\|made up|somebody-elses|secret|SECRET|\/dev\//)
  })

  it('count refusals', async () => {
    metrics.refused('authentication')
    metrics.refused('rate')
    metrics.refused('rate')
    metrics.refused('connection')
    for (let page = 0; page < 3; page++) metrics.refused('origin')
    metrics.dropped()
    const { text } = await page()()
    expect(
      [
        'authentication_failures',
        'rate_limited',
        'connections_refused',
        'refused_origins',
        'notifications_dropped',
      ].flatMap((name) => linesOf(text, `${name}_total`)),
    ).to.deep.equal([
      'camera_service_authentication_failures_total 1',
      'camera_service_rate_limited_total 2',
      'camera_service_connections_refused_total 1',
      'camera_service_refused_origins_total 3',
      'camera_service_notifications_dropped_total 1',
    ])
  })

  it('show old stream values, marked as stale, if the media server does not answer', async () => {
    const answers = [
      Promise.resolve(world.streams),
      new Promise<StreamState[]>(() => {}),
      Promise.reject(new Error('down')),
    ]
    let aborted = false
    const mediaServer = {
      streams: (signal: AbortSignal) => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        return answers.shift() ?? Promise.reject(new Error('asked too often'))
      },
    }
    answers[2]?.catch(() => {})
    const read = page({ mediaServer, patience: 20 })
    for (const stale of [0, 1, 1]) {
      const { text } = await read()
      expect(linesOf(text, 'stream_values_stale')).to.deep.equal([`camera_service_stream_values_stale ${stale}`])
      expect(linesOf(text, 'stream_readers')).to.deep.equal(['camera_service_stream_readers{camera="camera0"} 2'])
    }
    expect(aborted).to.equal(true)
  })

  it('count the files at intervals only, with a time limit', async () => {
    let counted = 0
    const count = later<{ recordings: number; snapshots: number }>()
    const files = {
      sizes: () => {
        counted += 1
        return count.promise
      },
    }
    const read = page({ files, patience: 10 })
    expect(linesOf((await read()).text, 'files_bytes')).to.deep.equal([])
    count.resolve({ recordings: 7, snapshots: 1 })
    await turn()
    expect(linesOf((await read()).text, 'files_bytes')[0]).to.match(/ 7$/)
    await read()
    expect(counted).to.equal(1)
    world.now += 30_000
    await read()
    expect(counted).to.equal(2)
  })

  it('are made once for scrapes at the same time', async () => {
    let asked = 0
    const read = page({
      sockets: () => {
        asked += 1
        return { authenticated: 0, unauthenticated: 0 }
      },
    })
    const texts = await Promise.all([read(), read(), read()])
    expect(asked).to.equal(1)
    expect(new Set(texts).size).to.equal(1)
  })

  it('are in the text format of Prometheus: a type for each, no name twice, a number in each line', async () => {
    metrics.call('ping', 'ok', 1)
    const { text } = await page()()
    const types = [...text.matchAll(/^# TYPE (\S+) (gauge|counter|histogram)$/gm)].map(([, name]) => name)
    expect(new Set(types).size).to.equal(types.length)
    for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
      expect(line).to.match(/^[a-z_]+(\{([a-z]+="[^"\\]*",?)+\})? -?\d+(\.\d+)?(e[+-]?\d+)?$/)
    }
    for (const name of types.filter((each) => each?.endsWith('_total')))
      expect(text).to.contain(`# TYPE ${name} counter`)
  })

  it('have names, types and help texts in plain words', async () => {
    const { text } = await page()()
    const helps = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', help = '']) => ({ name, help }))
    expect(helps).to.have.length.above(40)
    for (const { name, help } of helps) {
      if (name.endsWith('_total')) expect(help, name).to.match(/^Number of /)
      else
        expect(help, name).to.match(
          /^(Number of|Whether|Duration of|State of|Version of|Kind and version of|Start of) /,
        )
    }
  })

  it('are served by the health server', async () => {
    const { host, directory, retention, clock, log, about } = world.options()
    let fails = false
    const metrics = () => (fails ? Promise.reject(new Error('/secret')) : page()())
    const server = createHealthServer({ host, port: 0, directory, retention, clock, log, about, metrics })
    const { port } = await server.start()
    const get = (method = 'GET') => fetch(`http://127.0.0.1:${port}/metrics`, { method })
    try {
      const answer = await get()
      expect([answer.status, answer.headers.get('content-type')]).to.deep.equal([
        200,
        'text/plain; version=0.0.4; charset=utf-8',
      ])
      expect(answer.headers.has('access-control-allow-origin')).to.equal(false)
      expect(await answer.text()).to.contain('camera_service_build_info{version="0.1.0",node="')
      expect((await get('POST')).status).to.equal(405)
      fails = true
      const failure = await get()
      expect([failure.status, await failure.text()]).to.deep.equal([500, '{"error":"internal error"}'])
    } finally {
      await server.stop()
    }
  })
})
