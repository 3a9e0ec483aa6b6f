import { expect } from 'chai'
import { createMediaServer } from '../../../adapters/mediamtx/mediaServer.js'
import type { CameraId } from '../../../machines/domain/camera.js'
import type { PathSpec } from '../../../machines/domain/ports.js'
import { because } from '../../../machines/domain/reason.js'
import { later } from '../../support/later.js'
import {
  type Answer,
  type FakeRequest,
  fakeServer,
  keptLog,
  never,
  ok,
  page,
  refusal,
  rejection,
} from './fakeServer.js'
import { settled } from './settled.js'

const pathDefaults = {
  closeAfter: 10_000,
  startTimeout: 20_000,
  partDuration: 200,
  segmentDuration: 3_600_000,
  recordPath: '/rec/%path/%path_%Y-%m-%d_%H-%M-%S-%f',
}
const spec = (name: CameraId, command = 'ffmpeg -i x'): PathSpec => ({ name, source: { command } })
const wholeBody = (record: boolean, command = 'ffmpeg -i x') => ({
  source: 'publisher',
  overridePublisher: false,
  runOnDemand: command,
  runOnDemandRestart: true,
  runOnDemandStartTimeout: '20s',
  runOnDemandCloseAfter: '10s',
  record,
  recordPath: '/rec/%path/%path_%Y-%m-%d_%H-%M-%S-%f',
  recordFormat: 'fmp4',
  recordPartDuration: '200ms',
  recordSegmentDuration: '3600s',
  recordDeleteAfter: '0s',
})

describe('media server: the control API', () => {
  const closers: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })

  const arrange = async (script: (request: FakeRequest) => Answer = () => ok, options: { timeout?: number } = {}) => {
    const server = await fakeServer(script)
    closers.push(server.close)
    const log = keptLog()
    const { timeout = 2_000 } = options
    const media = settled(createMediaServer({ apiUrl: () => server.url, timeout, threshold: 3, pathDefaults, log }))
    const calls = () =>
      server.requests.map(
        ({ method, path, body }) => `${method} ${path.replace(/^\/v3\/config\/paths\//, '')}${record(body)}`,
      )
    return { server, media, log, calls }
  }
  const record = (body: unknown) =>
    typeof body === 'object' && body !== null && 'record' in body ? ` record=${body.record}` : ''

  it('publishes a path with its complete configuration', async () => {
    const { media, server } = await arrange()
    await media.publish(spec('camera0'))
    expect(server.requests.map(({ method, path, body }) => ({ method, path, body }))).to.deep.equal([
      { method: 'POST', path: '/v3/config/paths/replace/camera0', body: wholeBody(false) },
    ])
  })

  describe('at the end of the service', () => {
    it('leaves the paths in a server that ends too', async () => {
      const { media, log, calls } = await arrange()
      await media.publish(spec('camera0'))
      media.leavePaths()
      await media.withdraw('camera0')
      expect(calls()).to.deep.equal(['POST replace/camera0 record=false'])
      expect(log.lines).to.deep.equal([])
    })

    it('says how many paths stay in a server that does not remove them in time', async () => {
      const [answer, asked] = [later<void>(), later<void>()]
      const { media, log } = await arrange(({ method }) => {
        if (method !== 'DELETE') return ok
        asked.resolve()
        return { hold: answer.promise }
      })
      await media.publish(spec('camera0'))
      await media.publish(spec('camera1'))
      const removed = [media.withdraw('camera0'), media.withdraw('camera1')]
      await asked.promise
      const limit = new AbortController()
      const waited = rejection(media.settled(limit.signal))
      limit.abort(new Error('too late'))
      expect((await waited).message).to.equal('too late')
      answer.resolve()
      await Promise.all(removed)
      expect(log.lines).to.deep.equal([
        'warn paths stay in the media server: it did not remove them in time {"paths_left":2}',
      ])
    })
  })

  describe('drift', () => {
    /** A server that keeps paths; the list adds what MediaMTX adds. */
    const keeping = async (spelling = spelled) => {
      const kept = new Map<string, Record<string, unknown>>()
      const readers = new Map<string, number>()
      const item = (name: string) => ({ name, maxReaders: 0, ...kept.get(name) })
      const one = await arrange(({ method, path, body }) => {
        const name = path.split('/').at(-1) ?? ''
        if (path.startsWith('/v3/paths/list'))
          return page(
            [...kept.keys()].map((name) => ({
              name,
              ready: true,
              readers: Array.from({ length: readers.get(name) ?? 0 }, () => ({ type: 'rtspSession', id: 'x' })),
            })),
          )
        if (path.startsWith('/v3/config/paths/list')) return page([...kept.keys()].map(item))
        if (method === 'GET')
          return kept.has(name) ? { json: item(name) } : refusal('path configuration not found', 404)
        if (method === 'PATCH') Object.assign(kept.get(name) ?? {}, body)
        else if ((body as { runOnDemand?: string }).runOnDemand === 'refuse me') return refusal('invalid command')
        else kept.set(name, spelling(body as Record<string, unknown>))
        return ok
      })
      return { ...one, kept, readers }
    }
    /** As MediaMTX spells durations. */
    const spelled = (body: Record<string, unknown>) => ({
      ...body,
      recordSegmentDuration: '1h0m0s',
      recordDeleteAfter: '',
      recordPartDuration: '200ms',
    })

    it('is none if the files of a recording are shorter, whose path is replaced for it, and back', async () => {
      const { media, calls, kept } = await keeping((body) => body as ReturnType<typeof spelled>)
      await media.publish(spec('camera0'))
      const lengthOf = () => kept.get('camera0')?.recordSegmentDuration
      const methods = () =>
        calls()
          .map((call) => call.split(' ')[0])
          .filter((method) => method !== 'GET')
      for (const [on, length, shown] of [
        [true, 2_700_000, '2700s'],
        [false, undefined, '2700s'],
        [true, 2_700_000, '2700s'],
        [false, undefined, '2700s'],
        [true, undefined, '3600s'],
      ] as const) {
        await media.setRecording('camera0', on, never(), length)
        await media.settled(never())
        expect([kept.get('camera0')?.record, lengthOf()]).to.deep.equal([on, shown])
        expect(await media.drift(never())).to.deep.equal([])
      }
      expect(methods()).to.deep.equal(['POST', 'POST', 'PATCH', 'PATCH', 'PATCH', 'POST'])
    })

    it('is none while the server has what is wanted', async () => {
      const { media, calls } = await keeping()
      await media.publish(spec('camera0'))
      expect(await media.drift(never())).to.deep.equal([])
      await media.setRecording('camera0', true, never())
      await media.settled(never())
      expect(await media.drift(never())).to.deep.equal([])
      expect(calls().filter((call) => call.startsWith('GET'))).to.have.length(2)
    })

    it('names the settings that somebody changed, and a removed path; a repair replaces the whole path', async () => {
      const { media, kept, calls, server } = await keeping()
      await media.publish(spec('camera0'))
      await media.publish(spec('camera1'))
      Object.assign(kept.get('camera0') ?? {}, { record: true, recordDeleteAfter: '1d', maxReaders: 5 })
      kept.delete('camera1')
      expect(await media.drift(never())).to.deep.equal([
        { camera: 'camera0', differs: ['record', 'recordDeleteAfter'], inUse: false },
        { camera: 'camera1', differs: [], inUse: false },
      ])
      server.requests.length = 0
      await media.repair(['camera0', 'camera1'], never())
      expect(calls()).to.deep.equal(['POST replace/camera0 record=false', 'POST replace/camera1 record=false'])
      await media.settled(never())
      expect(await media.drift(never())).to.deep.equal([])
    })

    it('tells whether the path is recorded or watched', async () => {
      const { media, kept, readers } = await keeping()
      await media.publish(spec('camera0'))
      await media.publish(spec('camera1'))
      await media.publish(spec('camera2'))
      await media.setRecording('camera0', true, never())
      await media.settled(never())
      readers.set('camera1', 1)
      for (const path of kept.values()) Object.assign(path, { runOnDemandCloseAfter: '1s' })
      expect((await media.drift(never())).map(({ inUse }) => inUse)).to.deep.equal([true, true, false])
    })

    it('is none for a path that is refused, being changed, or not wanted', async () => {
      const { media, kept } = await keeping()
      await media.publish(spec('camera0', 'refuse me'))
      await media.publish(spec('camera1'))
      kept.delete('camera1')
      const changing = media.setRecording('camera1', true, never()).catch(() => {})
      expect(await media.drift(never())).to.deep.equal([])
      await changing
      await media.withdraw('camera1')
      expect(await media.drift(never())).to.deep.equal([])
      await media.repair(['camera1'], never())
      expect([...kept.keys()]).to.deep.equal([])
    })
  })

  it('pulls a network camera on demand', async () => {
    const { media, server } = await arrange()
    await media.publish({ name: 'camera1', source: { url: 'rtsp://u:p@cam/1' } })
    expect(server.requests[0]?.body).to.deep.include({
      source: 'rtsp://u:p@cam/1',
      sourceOnDemand: true,
      sourceOnDemandStartTimeout: '20s',
      sourceOnDemandCloseAfter: '10s',
    })
  })

  it('never sends a blank command or an invalid name', async () => {
    const { media, server } = await arrange()
    expect((await rejection(media.publish(spec('camera0', ' \t\n')))).message).to.equal(
      'the command of camera0 is blank',
    )
    expect((await rejection(media.publish({ name: 'camera0', source: { url: '' } }))).message).to.equal(
      'the source of camera0 is not an RTSP URL',
    )
    expect((await rejection(media.publish(spec('camera0/../x' as CameraId)))).message).to.equal(
      'the name of a path must be a camera id',
    )
    expect(server.requests).to.deep.equal([])
  })

  it('changes only record with PATCH, one at a time and 100 ms apart', async () => {
    const { media, server, calls } = await arrange(() => ({
      ...ok,
      hold: new Promise((resolve) => setTimeout(resolve, 20)),
    }))
    await media.publish(spec('camera0'))
    await Promise.all([true, false, true].map((on) => media.setRecording('camera0', on, never())))
    expect(server.requests.slice(1).map(({ body }) => body)).to.deep.equal([
      { record: true },
      { record: true },
      { record: true },
    ])
    expect(server.most()).to.equal(1)
    const [, first, second, third] = server.requests.map(({ at }) => at)
    expect(Number(second) - Number(first)).to.be.at.least(99)
    expect(Number(third) - Number(second)).to.be.at.least(99)
    expect(calls()[1]).to.equal('PATCH patch/camera0 record=true')
  })

  it('applies the last change if calls overlap', async () => {
    const server = new Map<string, boolean>()
    const { media } = await arrange(({ method, path, body }) => {
      const name = path.split('/').at(-1) ?? ''
      if (method === 'DELETE') return server.delete(name) ? ok : refusal('path not found', 404)
      if (method === 'PATCH' && !server.has(name)) return refusal('path not found', 404)
      server.set(name, (body as { record: boolean }).record)
      return ok
    })
    const done = (promises: Promise<unknown>[]) => Promise.allSettled(promises)
    await done([
      media.publish(spec('camera0')),
      media.setRecording('camera0', true, never()),
      media.withdraw('camera0'),
    ])
    expect([...server]).to.deep.equal([])
    await done([
      media.publish(spec('camera0')),
      media.withdraw('camera0'),
      media.publish(spec('camera0')),
      media.setRecording('camera0', true, never()),
    ])
    expect([...server]).to.deep.equal([['camera0', true]])
    await done([
      media.setRecording('camera0', false, never()),
      media.setRecording('camera0', true, never()),
      media.setRecording('camera0', false, never()),
    ])
    expect([...server]).to.deep.equal([['camera0', false]])
    await done([media.withdraw('camera0'), media.publish(spec('camera0')), media.sync(never()).catch(() => {})])
    expect([...server]).to.deep.equal([['camera0', false]])
  })

  it('does not delete a path that is wanted again meanwhile', async () => {
    const { media, calls } = await arrange()
    const first = media.publish(spec('camera0'))
    await Promise.all([first, media.withdraw('camera0'), media.publish(spec('camera0', 'other'))])
    expect(calls()).to.deep.equal(['POST replace/camera0 record=false', 'POST replace/camera0 record=false'])
  })

  it('replaces the path if a PATCH is refused', async () => {
    const { media, server, calls } = await arrange(({ method }) =>
      method === 'PATCH' ? refusal("'recordDeleteAfter' cannot be lower") : ok,
    )
    await media.publish(spec('camera0'))
    await media.setRecording('camera0', true, never())
    expect(calls()).to.deep.equal([
      'POST replace/camera0 record=false',
      'PATCH patch/camera0 record=true',
      'POST replace/camera0 record=true',
    ])
    expect(server.requests[2]?.body).to.deep.equal(wholeBody(true))
  })

  it('rejects if recording is refused, and restores the previous value', async () => {
    const { media, calls } = await arrange(({ method, path, body }) =>
      path.includes('list') ? page([]) : method === 'PATCH' || record(body) === ' record=true' ? refusal('no') : ok,
    )
    await media.publish(spec('camera0'))
    expect((await rejection(media.setRecording('camera0', true, never()))).message).to.equal(
      'the media server refused the request: no',
    )
    await media.sync(never())
    expect(calls().at(-2)).to.equal('POST replace/camera0 record=false')
  })

  it('cannot record a path that is not published', async () => {
    const { media } = await arrange()
    expect((await rejection(media.setRecording('camera7', true, never()))).message).to.equal('camera7 has no stream')
    await media.setRecording('camera7', false, never())
  })

  it('accepts both forms of success and of errors, plain 404s, and a missing path at removal', async () => {
    const answers: Answer[] = [
      { status: 200 },
      ok,
      refusal('path not found', 404),
      { status: 404, text: '404 page not found' },
      { status: 400, json: { error: 'bad rtsp://u:secret@host/x in /etc/passwd' } },
    ]
    const { media } = await arrange(() => answers.shift())
    await media.publish(spec('camera0'))
    await media.publish(spec('camera0'))
    expect(await media.stream('nope', never())).to.equal(undefined)
    expect((await rejection(media.stream('nope', never()))).message).to.equal(
      'the media server refused the request: status 404',
    )
    await media.publish(spec('camera0'))
    expect(media.events.at(-1)).to.deep.equal({
      camera: 'camera0',
      type: 'path.refused',
      reason: because('path_refused', 'the media server refused the request: bad rtsp://… in …', { http_status: 400 }),
    })
    answers.push(refusal('path not found', 404))
    await media.withdraw('camera0')
  })

  it('does not request invalid path names', async () => {
    const { media, server } = await arrange()
    for (const name of ['../list', 'a/../../x', '', 'a b', 'a?x=1'])
      expect(await media.stream(name, never())).to.equal(undefined)
    expect(server.requests).to.deep.equal([])
  })

  it('reads streams of old and new versions from all pages', async () => {
    const old = {
      name: 'a',
      ready: true,
      readyTime: '2026-01-01T00:00:00Z',
      source: { type: 'rtspSession', id: '1' },
      tracks: ['H264'],
      readers: [{}],
      bytesReceived: 5,
      bytesSent: 6,
    }
    const next = {
      name: 'b',
      available: true,
      online: false,
      source: null,
      tracks2: [{ codec: 'H264' }],
      readers: [],
      inboundBytes: 7,
      outboundBytes: 8,
    }
    const many = Array.from({ length: 150 }, (_, i) => ({
      name: `camera${i}`,
      ready: false,
      readyTime: null,
      source: null,
      tracks: [],
      readers: [],
      bytesReceived: 0,
      bytesSent: 0,
    }))
    const everything = [...many, old, next]
    const { media, server } = await arrange(({ path }) => {
      const at = Number(new URL(path, 'http://x').searchParams.get('page'))
      return page(everything.slice(at * 100, at * 100 + 100), 2)
    })
    const streams = await media.streams(never())
    expect(streams).to.have.length(152)
    expect(streams.at(-2)).to.deep.equal({
      name: 'a',
      ready: true,
      readySince: Date.UTC(2026, 0, 1),
      source: 'rtspSession',
      readers: 1,
      bytesReceived: 5,
      bytesSent: 6,
      tracks: ['H264'],
    })
    expect(streams.at(-1)).to.deep.equal({
      name: 'b',
      ready: false,
      readers: 0,
      bytesReceived: 7,
      bytesSent: 8,
      tracks: ['H264'],
    })
    expect(server.requests).to.have.length(2)
  })

  it('syncs recording paths first, deletes unwanted cameras on all pages, and keeps other paths', async () => {
    const present = ['yard', ...Array.from({ length: 130 }, (_, i) => `camera${i}`), 'camera1/sub', 'my_camera1'].map(
      (name) => ({ name }),
    )
    const { media, calls, server } = await arrange(({ path }) => {
      if (!path.includes('/list')) return ok
      const at = Number(new URL(path, 'http://x').searchParams.get('page'))
      return page(present.slice(at * 100, at * 100 + 100), 2)
    })
    for (const name of ['camera0', 'camera1', 'camera2'] as const) await media.publish(spec(name))
    await media.setRecording('camera2', true, never())
    server.requests.length = 0
    expect(await media.sync(never())).to.equal(3)
    expect(calls().slice(0, 5)).to.deep.equal([
      'POST replace/camera2 record=true',
      'POST replace/camera0 record=false',
      'POST replace/camera1 record=false',
      'GET list?itemsPerPage=100&page=0',
      'GET list?itemsPerPage=100&page=1',
    ])
    expect(calls().slice(5)).to.deep.equal(Array.from({ length: 127 }, (_, i) => `DELETE delete/camera${i + 3}`))
  })

  it('continues with the other paths if one is refused', async () => {
    const { media, log } = await arrange(({ path }) =>
      path.includes('list') ? page([]) : path.endsWith('camera0') ? refusal('bad') : ok,
    )
    await media.publish(spec('camera0'))
    await media.publish(spec('camera1'))
    expect(media.events.map(({ camera, type }) => `${camera} ${type}`)).to.deep.equal([
      'camera0 path.refused',
      'camera1 path.published',
    ])
    expect(await media.sync(never())).to.equal(1)
    expect(media.events).to.have.length(4)
    expect(log.lines[0]).to.equal(
      'warn the media server refuses the path of a camera ' +
        '{"camera":"camera0","reason":"the media server refused the request: bad"}',
    )
  })

  it('aborts a sync with its signal', async () => {
    const end = new AbortController()
    const { media, calls } = await arrange(({ path }) => {
      if (path.endsWith('camera1')) end.abort(new Error('enough'))
      return ok
    })
    for (const name of ['camera0', 'camera1', 'camera2'] as const) await media.publish(spec(name))
    const before = calls().length
    expect((await rejection(media.sync(AbortSignal.any([end.signal])))).message).to.equal('enough')
    expect(calls().slice(before)).to.not.include('POST replace/camera2 record=false')
  })

  it('aborts a call with its signal if the server never answers', async () => {
    const { media } = await arrange(() => ({ hold: new Promise(() => {}) }))
    const end = new AbortController()
    void media.publish(spec('camera0'))
    const queued = rejection(media.setRecording('camera0', true, end.signal))
    const asking = rejection(media.streams(end.signal))
    end.abort(new Error('stopped'))
    expect([(await queued).message, (await asking).message]).to.deep.equal(['stopped', 'stopped'])
  })

  it('distinguishes a slow server from a missing one, and does not retry after a timeout', async () => {
    const { media, server } = await arrange(() => ({ hold: new Promise(() => {}) }), { timeout: 50 })
    expect((await rejection(media.streams(never()))).message).to.equal(
      'the media server does not answer (timed out after 0.05 s)',
    )
    expect(server.requests).to.have.length(1)
  })

  it('retries a failed call', async () => {
    const answers: Answer[] = [{ reset: true }, { status: 502, text: 'bad gateway' }, page([])]
    const { media, server } = await arrange(() => answers.shift())
    expect(await media.streams(never())).to.deep.equal([])
    expect(server.requests).to.have.length(3)
  })

  it('rejects answers of other servers', async () => {
    const { media } = await arrange(() => ({ text: '<html>hello</html>' }))
    expect((await rejection(media.info(never()))).message).to.equal(
      'the media server does not answer (the server there is not MediaMTX)',
    )
    expect((await rejection(media.streams(never()))).message).to.contain('the server there is not MediaMTX')
  })

  it('requests the paths of an old server instead of its info', async () => {
    const { media } = await arrange(({ path }) =>
      path === '/v3/info' ? { status: 404, text: '404 page not found' } : page([]),
    )
    expect(await media.info(never())).to.deep.equal({ version: 'before v1.15.2', started: '' })
  })

  describe('sessions', () => {
    const gone = refusal('session not found', 404)
    const noRoute: Answer = { status: 404, text: '404 page not found' }

    it('are kicked by their id, in the lists of their protocol', async () => {
      const { media, calls } = await arrange(({ path }) => (path.includes('rtspsessions/') ? gone : ok))
      expect(await media.kick({ protocol: 'hls', id: 'a' }, never())).to.equal(true)
      expect(await media.kick({ protocol: 'webrtc', id: 'b/../c' }, never())).to.equal(true)
      expect(await media.kick({ protocol: 'rtsp', id: 'd' }, never())).to.equal(true)
      expect(calls()).to.deep.equal([
        'POST /v3/hlssessions/kick/a',
        'POST /v3/webrtcsessions/kick/b%2F..%2Fc',
        'POST /v3/rtspsessions/kick/d',
        'POST /v3/rtspssessions/kick/d',
      ])
    })

    it('do not exist for an unknown id, an invalid id, or a disabled protocol', async () => {
      const answers: Answer[] = [gone, refusal('invalid UUID length: 1', 400), noRoute]
      const { media } = await arrange(() => answers.shift())
      for (let n = 0; n < 3; n++) expect(await media.kick({ protocol: 'hls', id: 'x' }, never())).to.equal(false)
      expect(await media.kick({ protocol: 'srt', id: 'x' }, never())).to.equal(false)
    })

    it('identified by their connection are found by the query of their URL, not publishers or others', async () => {
      const items = [
        { id: 'publisher', query: 'sig=1', state: 'publish' },
        { id: 'other', query: 'sig=2', state: 'read' },
        { id: 'one', query: 'sig=1', state: 'read' },
        { id: 'two', query: 'sig=1', state: 'idle' },
      ]
      const { media, calls } = await arrange(({ method, path }) =>
        method === 'GET'
          ? path.includes('rtspsessions')
            ? page(items)
            : noRoute
          : path.endsWith('/connection')
            ? gone
            : ok,
      )
      expect(await media.kick({ protocol: 'rtsp', id: 'connection', query: 'sig=1' }, never())).to.equal(true)
      expect(calls().slice(-2)).to.deep.equal(['POST /v3/rtspsessions/kick/one', 'POST /v3/rtspsessions/kick/two'])
      expect(await media.kick({ protocol: 'rtsp', id: 'connection', query: 'sig=3' }, never())).to.equal(false)
      expect(
        await media.kick({ protocol: 'rtsp', id: 'connection', query: '' }, never()),
        'an empty query matches no session',
      ).to.equal(false)
    })

    it('cannot be kicked or listed if the server does not answer or rejects the credentials', async () => {
      const { media } = await arrange(() => refusal('authentication error', 401))
      expect((await rejection(media.kick({ protocol: 'hls', id: 'x' }, never()))).message).to.contain('credentials')
      expect((await rejection(media.sessions(never()))).message).to.contain('credentials')
      const { media: lost, server } = await arrange()
      await server.close()
      expect((await rejection(lost.kick({ protocol: 'hls', id: 'x' }, never()))).message).to.contain(
        'connection refused',
      )
    })

    it('are listed with their connections', async () => {
      const { media } = await arrange(({ path }) => {
        if (path.includes('rtspsessions')) return page([{ id: 'one' }, { id: 'two' }])
        if (path.includes('rtspconns'))
          return page([
            { id: 'a', session: 'one' },
            { id: 'b', session: null },
            { id: 'c', session: 'one' },
          ])
        return path.includes('hlssessions') ? page([{ id: 'three' }]) : noRoute
      })
      expect(await media.sessions(never())).to.deep.equal([
        { id: 'one', connections: ['a', 'c'] },
        { id: 'two', connections: [] },
        { id: 'three', connections: [] },
      ])
    })
  })

  it('measures the time of each call, by routes without names', async () => {
    const answers: Answer[] = [ok, refusal('no'), { status: 500 }, page([]), ok]
    const server = await fakeServer(() => answers.shift())
    closers.push(server.close)
    const told: unknown[] = []
    const metrics = { mediaCall: (route: string, outcome: string, ms: number) => told.push([route, outcome, ms >= 0]) }
    const media = settled(
      createMediaServer({
        apiUrl: server.url,
        timeout: 500,
        threshold: 3,
        pathDefaults,
        log: keptLog(),
        metrics,
      }),
    )
    await media.publish(spec('camera0'))
    await rejection(media.stream('site/yard', never()))
    await media.streams(never())
    await media.kick({ protocol: 'hls', id: 'a-secret-id' }, never())
    await rejection(media.info(AbortSignal.abort()))
    expect(told).to.deep.equal([
      ['POST /v3/config/paths/replace', 'ok', true],
      ['GET /v3/paths/get', 'refused', true],
      ['GET /v3/paths/list', 'unreachable', true],
      ['GET /v3/paths/list', 'ok', true],
      ['POST /v3/hlssessions/kick', 'ok', true],
    ])
  })

  it('reports required credentials, and sends those of the URL', async () => {
    const seen: unknown[] = []
    const { media, server } = await arrange(() => refusal('authentication error', 401))
    expect((await rejection(media.info(never()))).message).to.equal('the media server requires other credentials')
    const other = createMediaServer({
      apiUrl: `http://me:s%3Acret@127.0.0.1:${server.port}`,
      timeout: 500,
      threshold: 3,
      pathDefaults,
      log: keptLog(),
    })
    await rejection(other.info(never())).then((error) => seen.push(error.message))
    expect(JSON.stringify(seen)).to.not.contain('cret')
  })

  describe('breaker', () => {
    const failed = 'the media server does not answer (connection refused)'
    const watched = (media: { onBreaker(listener: (event: { type: string }) => void): () => void }) => {
      const events: string[] = []
      closers.push(async () => media.onBreaker(() => {})())
      media.onBreaker(({ type }) => events.push(type))
      return events
    }
    /** Repeats a trial until the breaker allows it. */
    const tried = async (trial: () => Promise<unknown>): Promise<unknown> => {
      const limit = performance.now() + 5_000
      for (;;) {
        try {
          return await trial()
        } catch (error) {
          if (!/too many calls failed/.test(String(error)) || performance.now() > limit) throw error
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    }

    it('opens when calls fail, and closes after a successful trial', async () => {
      const { media, server } = await arrange(({ path }) =>
        path === '/v3/info' ? { json: { version: 'v1.20.1\n', started: 'x' } } : page([]),
      )
      const events = watched(media)
      await server.close()
      for (let i = 0; i < 3; i++) expect((await rejection(media.streams(never()))).message).to.equal(failed)
      expect(events).to.deep.equal(['breaker.opened'])
      expect((await rejection(media.streams(never()))).message).to.contain('too many calls failed')
      expect((await rejection(tried(() => media.trial(never())))).message).to.equal(failed)
      await server.reopen()
      expect(await tried(() => media.trial(never()))).to.deep.equal({ version: 'v1.20.1', started: 'x' })
      expect(events.at(-1)).to.equal('breaker.closed')
      expect(await media.streams(never())).to.deep.equal([])
    })

    it('closes after a successful sync, and does not block info', async () => {
      const { media, server } = await arrange(({ path }) =>
        path === '/v3/info' ? { json: { version: 'v1.20.1\n', started: 'x' } } : path.includes('list') ? page([]) : ok,
      )
      const events = watched(media)
      await media.publish(spec('camera0'))
      await server.close()
      for (let i = 0; i < 3; i++) await rejection(media.streams(never()))
      await server.reopen()
      expect(await media.info(never())).to.deep.equal({ version: 'v1.20.1', started: 'x' })
      expect(await tried(() => media.sync(never()))).to.equal(1)
      expect(events).to.deep.equal(['breaker.opened', 'breaker.closed'])
    })

    it('closes after a refused trial, but not after an aborted one', async () => {
      const answers: Answer[] = []
      const { media, server } = await arrange(() => answers.shift() ?? { hold: new Promise(() => {}) })
      const events = watched(media)
      await server.close()
      for (let i = 0; i < 3; i++) await rejection(media.streams(never()))
      await server.reopen()
      const givenUp = tried(() => media.trial(AbortSignal.timeout(200)))
      expect((await rejection(givenUp)).name).to.equal('TimeoutError')
      expect(events).to.deep.equal(['breaker.opened', 'breaker.opened'])
      answers.push(refusal('no'))
      expect((await rejection(tried(() => media.trial(never())))).message).to.contain('refused the request')
      expect(events.at(-1)).to.equal('breaker.closed')
    })

    it('does not count refusals as failures', async () => {
      const { media } = await arrange(() => refusal('no'))
      const events = watched(media)
      for (let i = 0; i < 10; i++) await rejection(media.streams(never()))
      expect(events).to.deep.equal([])
    })
  })

  it('rejects calls at once while they are paused, except info and sync', async () => {
    const { media, server, log } = await arrange(({ path }) =>
      path === '/v3/info' ? { json: { version: 'v1', started: 'x' } } : path.includes('list') ? page([]) : ok,
    )
    const resume = media.pauseCalls(because('server_unreachable', 'it hangs'))
    const refused = 'the media server does not answer (it hangs)'
    expect((await rejection(media.streams(never()))).message).to.equal(refused)
    await media.publish(spec('camera0'))
    expect((await rejection(media.setRecording('camera0', true, never()))).message).to.equal(refused)
    await media.withdraw('camera0')
    expect(server.requests).to.deep.equal([])
    expect(log.lines.map((line) => line.split(' {')[0])).to.deep.equal([
      'debug path not set until the next sync',
      'debug path not removed until the next sync',
    ])
    await media.publish(spec('camera1'))
    expect((await media.info(never())).version).to.equal('v1')
    expect(await media.sync(never())).to.equal(1)
    resume()
    expect(await media.streams(never())).to.deep.equal([])
  })
})
