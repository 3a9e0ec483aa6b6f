import { execFile, spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { createSegments } from '../../../adapters/files/segments.js'
import { checkExternal } from '../../../adapters/mediamtx/external.js'
import { createMediaServer } from '../../../adapters/mediamtx/mediaServer.js'
import { systemClock } from '../../../adapters/systemClock.js'
import type { CameraId } from '../../../machines/domain/camera.js'
import type { Segment, SegmentEvent } from '../../../machines/domain/ports.js'
import { until } from '../../support/until.js'
import { probedDuration } from '../files/media.js'
import { fakeServer, keptLog, never, rejection } from './fakeServer.js'
import { arrangeProcess, hasMediamtx } from './real.js'
import { settled } from './settled.js'

const managed = { kind: 'managed', why: '' } as const
const testPattern = (port: number, sound = '') =>
  `ffmpeg -nostdin -v error -re -f lavfi -i testsrc=size=160x120:rate=15 ${sound} -c:v libx264 -preset ultrafast ` +
  `-tune zerolatency -g 15 -pix_fmt yuv420p -f rtsp -rtsp_transport tcp rtsp://127.0.0.1:${port}/camera0`

async function codecsOf(file = ''): Promise<string[]> {
  const shown = ['-show_entries', 'stream=codec_name', '-of', 'csv=p=0']
  const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', ...shown, file])
  return stdout.trim().split('\n')
}

const good = { silent: [], misconfigured: [] }

describe('media server: a real MediaMTX', () => {
  before(async function () {
    if (!(await hasMediamtx())) this.skip()
  })
  const cleaners: (() => Promise<unknown> | unknown)[] = []
  afterEach(async () => {
    for (const clean of cleaners.splice(0).reverse()) await clean()
  })
  const arrange = async (options: Parameters<typeof arrangeProcess>[0] = {}) => {
    const arranged = await arrangeProcess(options)
    cleaners.push(arranged.clean)
    const {
      apiUrl,
      log,
      options: { pathDefaults },
    } = arranged
    const media = settled(createMediaServer({ apiUrl, timeout: 2_000, threshold: 3, pathDefaults, log }))
    const start = () => arranged.server.start(managed, () => {}, never())
    const configured = async (name: string) =>
      (await fetch(`${apiUrl}/v3/config/paths/get/${name}`)).json() as Promise<Record<string, unknown>>
    return { ...arranged, media, start, configured }
  }
  const spec = (name: CameraId, command = 'sleep 1') => ({ name, source: { command } })

  it('accepts, records and removes paths', async () => {
    const { media, start, configured } = await arrange()
    await start()
    expect((await media.info(never())).version).to.match(/^v/)
    await media.publish(spec('camera0'))
    await media.publish({ name: 'camera1', source: { url: 'rtsp://user:password@127.0.0.1:1/x' } })
    await media.setRecording('camera0', true, never())
    // 200 means accepted, not applied.
    await until('the change', async () => (await configured('camera0')).record === true)
    expect(await configured('camera0')).to.include({
      runOnDemand: 'sleep 1',
      runOnDemandRestart: true,
      runOnDemandCloseAfter: '1s',
      record: true,
      recordDeleteAfter: '',
    })
    expect(await configured('camera1')).to.include({ sourceOnDemand: true, record: false })
    expect((await media.streams(never())).map(({ name, ready }) => ({ name, ready }))).to.deep.equal([
      { name: 'camera0', ready: false },
      { name: 'camera1', ready: false },
    ])
    await media.withdraw('camera1')
    expect(await media.stream('camera1', never())).to.equal(undefined)
  })

  it('gets all paths again after it was killed', async () => {
    const { media, server, start, configured } = await arrange()
    const { pid } = await start()
    const before = await media.info(never())
    for (const name of ['camera0', 'camera1', 'camera2'] as const) await media.publish(spec(name))
    await media.setRecording('camera2', true, never())
    process.kill(pid, 'SIGKILL')
    await rejection(media.setRecording('camera0', true, never()))
    await media.withdraw('camera1')
    await server.end()
    await start()
    expect((await media.info(never())).started).to.not.equal(before.started)
    expect(await media.sync(never())).to.equal(2)
    expect((await media.streams(never())).map(({ name }) => name)).to.deep.equal(['camera0', 'camera2'])
    expect([(await configured('camera0')).record, (await configured('camera2')).record]).to.deep.equal([false, true])
  })

  it('deletes unwanted cameras, on two pages', async () => {
    const { media, start, apiUrl } = await arrange()
    await start()
    const names = [...Array.from({ length: 104 }, (_, i) => `camera${i}`), 'yard']
    for (const name of names) {
      const added = await fetch(`${apiUrl}/v3/config/paths/replace/${name}`, { method: 'POST', body: '{}' })
      expect(added.status).to.equal(200)
    }
    await until('all paths', async () => (await media.streams(never())).length === 105)
    await media.publish(spec('camera103'))
    expect(await media.sync(never())).to.equal(1)
    await until('the last two', async () => (await media.streams(never())).length === 2)
    expect((await media.streams(never())).map(({ name }) => name)).to.deep.equal(['camera103', 'yard'])
  })

  it('repairs a path after a refused PATCH', async () => {
    const { media, start, apiUrl, configured } = await arrange()
    await start()
    await media.publish(spec('camera0'))
    const poison = await fetch(`${apiUrl}/v3/config/paths/patch/camera0`, {
      method: 'PATCH',
      body: '{"recordPath":"bad"}',
    })
    expect(poison.status).to.equal(400)
    await media.setRecording('camera0', true, never())
    expect(await configured('camera0')).to.have.property('record', true)
  })

  it('records a stream to files that are watched', async () => {
    const { media, start, options } = await arrange()
    const { ports, recordingsDir } = options
    const segments = createSegments({ recordingsDir, clock: systemClock, log: keptLog() })
    const { pid } = await start()
    await media.publish(spec('camera0', testPattern(ports.rtsp)))
    const after = await segments.watermark('camera0')
    const first = segments.first('camera0', after, never())
    await media.setRecording('camera0', true, never())
    const reader = spawn(
      'ffmpeg',
      [
        '-nostdin',
        '-v',
        'error',
        '-rtsp_transport',
        'tcp',
        '-i',
        `rtsp://127.0.0.1:${ports.rtsp}/camera0`,
        '-f',
        'null',
        '-',
      ],
      {
        stdio: 'ignore',
      },
    )
    cleaners.push(() => reader.kill('SIGKILL'))
    const segment = await first
    expect(Math.abs(segment.startedAt - Date.now())).to.be.below(3_000)
    expect(await media.stream('camera0', never())).to.deep.include({
      ready: true,
      source: 'rtspSession',
      tracks: ['H264'],
    })

    const grows = (of: Segment) =>
      new Promise<SegmentEvent>((resolve) => {
        cleaners.push(segments.watch('camera0', { after, present: [of] }, resolve))
      })
    expect(await grows(segment)).to.include({ type: 'segment.grew' })
    await media.setRecording('camera0', false, never())
    const [file, ...more] = await segments.finish('camera0', [segment], never())
    expect(more).to.deep.equal([])
    expect(file).to.deep.include({ complete: true, format: 'mp4', name: segment.filename })
    expect(file?.duration).to.be.within(200, 6_000)

    // Again, with the server killed: the file is truncated, but playable.
    const second = segments.first('camera0', await segments.watermark('camera0'), never())
    await media.setRecording('camera0', true, never())
    const open = await second
    expect(await grows(open)).to.include({ type: 'segment.grew' })
    process.kill(pid, 'SIGKILL')
    const [cut] = await segments.finish('camera0', [open], never())
    expect(cut?.complete).to.equal(false)
    expect(cut?.duration).to.be.above(100)
    expect(cut?.duration).to.be.closeTo(await probedDuration(cut?.path ?? ''), 100)
    expect(await readdir(join(recordingsDir, 'camera0'))).to.have.length(2)
  })

  for (const [sound, recorded] of [
    ['aac', 'aac'],
    // MediaMTX writes G.711 as linear PCM.
    ['pcm_alaw -ar 8000 -ac 1', 'pcm_s16be'],
  ] as const)
    it(`keeps the sound (${sound}) in MP4 and in Matroska`, async () => {
      const { media, start, options } = await arrange()
      const { ports, recordingsDir } = options
      const segments = createSegments({ recordingsDir, clock: systemClock, log: keptLog() })
      await start()
      await media.publish(spec('camera0', testPattern(ports.rtsp, `-re -f lavfi -i sine -c:a ${sound}`)))
      const first = segments.first('camera0', await segments.watermark('camera0'), never())
      await media.setRecording('camera0', true, never())
      const input = ['-rtsp_transport', 'tcp', '-i', `rtsp://127.0.0.1:${ports.rtsp}/camera0`]
      const reader = spawn('ffmpeg', ['-nostdin', '-v', 'error', ...input, '-f', 'null', '-'], { stdio: 'ignore' })
      cleaners.push(() => reader.kill('SIGKILL'))
      const segment = await first
      await media.setRecording('camera0', false, never())
      const files = await segments.finish('camera0', [segment], never())
      expect(await codecsOf(files[0]?.path)).to.have.members(['h264', recorded])
      const [copy] = await segments.toMatroska(files, never())
      expect(copy).to.include({ format: 'mkv', complete: true })
      expect(await codecsOf(copy?.path)).to.have.members(['h264', recorded])
    })

  it('is checked for authentication by the service', async () => {
    let questions = 0
    const callback = await fakeServer(({ body }) => {
      const { action } = body as { action: string }
      if (action === 'read') questions++
      return action === 'api' ? {} : { status: 401 }
    })
    cleaners.push(callback.close)
    const { start, apiUrl, options } = await arrange({
      auth: () => ({ address: `${callback.url}/x`, apiUser: 'a', apiPass: 'b' }),
    })
    const { ports, recordingsDir, pathDefaults } = options
    await start()
    const external = {
      apiUrl,
      timeout: 1_000,
      rtsp: { host: '127.0.0.1', port: ports.rtsp },
      recordingsDir,
      pathDefaults,
    }
    expect(await checkExternal({ ...external, questions: () => questions }, never())).to.deep.equal(good)
    expect(questions).to.equal(1)
    const [elsewhere] = (await checkExternal({ ...external, questions: () => 0 }, never())).misconfigured
    expect(elsewhere).to.match(/^the media server does not use this service for authentication/)
  })

  it('is checked if it is external', async () => {
    const { start, apiUrl, options, dir } = await arrange()
    const { ports, recordingsDir, pathDefaults } = options
    const external = {
      apiUrl,
      timeout: 1_000,
      rtsp: { host: '127.0.0.1', port: ports.rtsp },
      recordingsDir,
      pathDefaults,
    }
    const port = `nothing answers at the RTSP port ${ports.rtsp} (mediamtx.rtsp_port)`
    expect(await checkExternal(external, never())).to.deep.equal({
      silent: [port, 'the API cannot be used: the media server does not answer (connection refused)'],
      misconfigured: [],
    })
    await start()
    expect(await checkExternal(external, never())).to.deep.equal(good)
    expect(await readdir(recordingsDir)).to.deep.equal([])
    const elsewhere = { ...pathDefaults, recordPath: join(dir, 'elsewhere/%path/%path_%Y-%m-%d_%H-%M-%S-%f') }
    expect((await checkExternal({ ...external, pathDefaults: elsewhere }, never())).misconfigured).to.deep.equal([
      'the recordings folder is not shared: the media server does not find files that this service writes',
    ])
    const badPath = { ...external, pathDefaults: { ...pathDefaults, recordPath: 'bad' } }
    expect((await checkExternal(badPath, never())).misconfigured[0]).to.contain('paths cannot be set')
    const [open] = (await checkExternal({ ...external, questions: () => 0 }, never())).misconfigured
    expect(open).to.match(/^the media server allows every client to read, .*set authMethod to http/)
    const left = (await (await fetch(`${apiUrl}/v3/config/paths/list`)).json()) as { itemCount: number }
    expect(left.itemCount).to.equal(0)
  })
})
