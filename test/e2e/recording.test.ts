import { readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { probe, watch } from './media.js'
import { describeKinds, refusal, type Service, sideBySide, startService, virtual } from './service.js'

interface Stopped {
  filename: string
  status: string
  duration_ms: number
  file_size: number
  files: string[]
  gaps: object[]
  reason: string
  start_time: string
  end_time: string
}

interface Status {
  status: string
  state: string
  allowed_methods: string[]
  recording?: { status: string; growing: boolean; files: string[]; reason?: string; waits_for?: string }
}

const sum = (values: readonly number[]): number => values.reduce((one, other) => one + other, 0)

const pattern = /^camera\d+_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-\d{6}\.mp4$/

describeKinds('recording', (kind) => {
  let service: Service

  before(async () => {
    service = await startService({
      kind,
      cameras: ['timed', 'watched', 'pulled', 'other', 'matroska', 'removed'].map(virtual),
      env: { CAMERA_SERVICE_RECORDING_SEGMENT_DURATION: '3s', CAMERA_SERVICE_MEDIAMTX_HANG_TIMEOUT: '1s' },
    })
  })
  after(() => service?.end())

  const start = (device: string, params = {}) =>
    service.call<{ filename: string; status: string }>('start_recording', { device, ...params })
  const stop = (device: string) => service.call<Stopped>('stop_recording', { device })
  const statusOf = (device: string) => service.call<Status>('get_camera_status', { device })
  const file = (name: string) => join(service.dataDir, 'recordings', name.replace(/_.*/, ''), name)
  const bytes = async (name: string) => (await stat(file(name))).size
  const listed = async () =>
    (await service.call<{ files: { filename: string }[] }>('list_recordings', { limit: 1000 })).files.map(
      ({ filename }) => filename,
    )
  /** On a busy host the media server may start another file: the files of a camera grow together. */
  const grows = async (name: string) => {
    const folder = dirname(file(name))
    const total = async () => {
      const sizes = await Promise.all(
        (await readdir(folder)).map(async (each) => (await stat(join(folder, each))).size),
      )
      return sizes.reduce((sum, size) => sum + size, 0)
    }
    const before = await total()
    await service.until(`the recording of ${name} grows`, async () => (await total()) > before)
  }

  sideBySide({
    'begins with bytes on the disk and ends by itself after its duration, all its files told': async () => {
      const device = 'camera0'
      const { filename, status } = await start(device, { duration: 3 })
      expect(status).to.equal('RECORDING')
      expect(filename).to.match(pattern)
      expect(await bytes(filename)).to.be.greaterThan(0)
      const { params } = await service.told('recording.stop', { device })
      expect(params).to.include({ filename, reason: 'duration_reached', status: 'STOPPED' })
      const { codec, width, height, duration } = await probe(file(filename))
      expect({ codec, width, height }).to.deep.equal({ codec: 'h264', width: 320, height: 240 })
      expect(duration).to.be.within(2.5, 3.5)
      // It ends as the file is full: a next one may have been begun.
      const files = (await listed()).filter((name) => name.startsWith(device))
      expect(params.files).to.deep.equal(files.sort())
      expect(params.file_size).to.equal(sum(await Promise.all(files.map(bytes))))
      const info = await service.call<{ download_url: string }>('get_recording_info', { filename })
      expect(info).to.include({ duration: 3, file_size: await bytes(filename) })
      expect((await statusOf(device)).recording).to.equal(undefined)
      const url = `http://127.0.0.1:${service.ports.rpc}${info.download_url}`
      const headers = { authorization: `Bearer ${await service.token('viewer')}` }
      const whole = Buffer.from(await (await fetch(url, { headers })).arrayBuffer())
      expect(whole.equals(await readFile(file(filename))), 'the download is the file').to.equal(true)
      const piece = await fetch(url, { headers: { ...headers, range: 'bytes=4-7' } })
      expect([
        piece.status,
        await piece.text(),
        (await fetch(url)).status,
        (await fetch(url.replace(/\?.*/, ''))).status,
      ]).to.deep.equal([206, 'ftyp', 200, 401])
    },

    'answers a stop with true values, a second start with the state, and leaves a viewer alone': async () => {
      const device = 'camera1'
      const viewer = watch(service.stream(device))
      try {
        await service.until('the viewer sees the stream', () => viewer.frames() > 0)
        const [first, again] = await Promise.all([start(device), refusal(start(device))])
        expect(again.code).to.equal(-32020)
        expect(again.data).to.include({ state: 'starting' })
        const { data } = await refusal(start(device))
        expect(data).to.include({ state: 'recording' })
        expect(data.allowed_states).to.deep.equal(['not recording'])
        expect(data.allowed_methods).to.include('stop_recording').and.not.include('start_recording')
        await grows(first.filename)
        const stopped = await stop(device)
        const second = await start(device)
        // More than one file on a busy host.
        const { files } = stopped
        const probed = await Promise.all(files.map((name) => probe(file(name))))
        expect(stopped).to.include({
          status: 'STOPPED',
          filename: first.filename,
          file_size: sum(await Promise.all(files.map(bytes))),
          reason: 'requested',
        })
        expect(files[0]).to.equal(first.filename)
        expect(stopped.duration_ms / 1000).to.be.closeTo(
          sum(probed.map(({ duration }) => duration)),
          0.1 * files.length,
        )
        // A busy host makes the pictures of a test source late, so that they are fewer than the time has room for.
        const elapsed = Date.parse(stopped.end_time) - Date.parse(stopped.start_time)
        expect(stopped.duration_ms).to.be.within(elapsed / 3, elapsed + 1_000)

        expect(second.filename).not.to.equal(first.filename)
        await grows(second.filename)
        expect((await stop(device)).files[0]).to.equal(second.filename)
        const late = await refusal(stop(device))
        expect(late.code).to.equal(-32020)
        expect(late.data).to.deep.include({
          state: 'not recording',
          allowed_states: ['starting', 'recording', 'interrupted'],
        })
        expect((await probe(file(second.filename))).codec).to.equal('h264')
        expect(await listed()).to.include.members([first.filename, second.filename])

        const seen = viewer.frames()
        await service.until('the viewer still sees frames', () => viewer.frames() > seen)
        expect(viewer.complaints()).to.equal('')
        expect(viewer.isRunning()).to.equal(true)
      } finally {
        await viewer.end()
      }
    },

    'waits for the camera that is pulled, not for another, and continues when it is back': async () => {
      const [device, other] = ['camera2', 'camera3']
      const [{ filename }, undisturbed] = await Promise.all([start(device), start(other)])
      await grows(filename)
      await service.call('simulate', { device, action: 'unplug' })
      const error = await service.told('recording.error', { device, status: 'INTERRUPTED' })
      expect(error.params).to.include({ reason: 'unplugged', will_resume: true })
      const gone = await service.told('camera.disconnected', { device })
      expect(gone.index, 'camera.disconnected comes after recording.error').to.be.greaterThan(error.index)
      const closed = await service.told('recording.interrupted', { device, reason: 'unplugged' })
      // More than one on a busy host.
      const files = closed.params.files as string[]
      expect(files[0]).to.equal(filename)
      expect(files).to.include(error.params.filename)
      expect(closed.params.file_size).to.equal(sum(await Promise.all(files.map(bytes))))
      for (const name of files) expect((await probe(file(name))).codec).to.equal('h264')
      expect(await listed()).to.include.members(files)

      for (const method of ['take_snapshot', 'start_streaming']) {
        const { code, data } = await refusal(service.call(method, { device }))
        expect(code, method).to.equal(-32020)
        expect(data).to.deep.include({
          state: 'unplugged',
          allowed_states: ['available'],
          allowed_methods: ['stop_recording'],
        })
      }
      const { data } = await refusal(start(device))
      expect(data).to.deep.include({ state: 'interrupted', allowed_states: ['not recording'] })
      expect(await statusOf(device)).to.include({ status: 'DISCONNECTED', state: 'unplugged' })
      expect((await statusOf(device)).recording).to.include({
        status: 'INTERRUPTED',
        reason: 'unplugged',
        waits_for: 'camera',
      })

      await grows(undisturbed.filename)
      await service.call('simulate', { device, action: 'plug' })
      const resumed = await service.told('recording.resumed', { device }, { from: gone.index })
      const second = String(resumed.params.filename)
      expect(resumed.params.gap).to.include({ reason: 'unplugged' })
      expect(await statusOf(device)).to.include({ status: 'CONNECTED', state: 'available' })
      await grows(second)
      const ended = await stop(device)
      expect(ended).to.include({ status: 'STOPPED', filename })
      expect(ended.files.slice(0, files.length + 1)).to.deep.equal([...files, second])
      expect(ended.gaps).to.deep.equal([resumed.params.gap])
      const stopped = await stop(other)
      expect(stopped).to.include({ status: 'STOPPED', filename: undisturbed.filename })
      expect(stopped.duration_ms).to.be.greaterThan(1_000)
      expect(
        service.notifications.filter(({ method, params }) => method === 'recording.error' && params.device === other),
      ).to.deep.equal([])
    },

    'goes on in a new file at once when its file or its folder is removed, and names that as the reason': async () => {
      const device = 'camera5'
      const { filename } = await start(device)
      await grows(filename)
      const removals = {
        file_removed: (name: string) => unlink(file(name)),
        folder_removed: (name: string) => rename(dirname(file(name)), join(service.dataDir, 'removed')),
      }
      let open = filename
      for (const [reason, remove] of Object.entries(removals)) {
        // The media server may begin another file just then: the removal of the open one is what counts.
        const told = await service.until(`the recording is interrupted by the removal (${reason})`, async () => {
          open = String((await statusOf(device)).recording?.files.at(-1) ?? open)
          await remove(open).catch(() => {})
          return service.notifications.find(
            ({ method, params }) => method === 'recording.error' && params.reason === reason,
          )
        })
        expect(told.params).to.include({ device, status: 'INTERRUPTED', will_resume: true })
        const from = service.notifications.indexOf(told)
        open = String((await service.told('recording.resumed', { device }, { from })).params.filename)
        await grows(open)
      }
      const stopped = await stop(device)
      expect(stopped).to.include({ status: 'STOPPED' })
      expect(stopped.filename).to.match(pattern)
      expect(stopped.gaps.map((gap) => (gap as { reason: string }).reason)).to.include.members(Object.keys(removals))
      expect(service.notifications.filter(({ params }) => params.filename === '')).to.deep.equal([])
    },

    'becomes Matroska after the stop, where that is asked for': async () => {
      const device = 'camera4'
      const { filename } = await start(device, { format: 'mkv' })
      await grows(filename)
      const stopped = await stop(device)
      expect(stopped.filename).to.equal(filename.replace('.mp4', '.mkv'))
      expect(await listed())
        .to.include(stopped.filename)
        .and.not.include(filename)
      const probes = await Promise.all(stopped.files.map((name) => probe(file(name))))
      expect(probes.map(({ codec }) => codec)).to.deep.equal(stopped.files.map(() => 'h264'))
      const duration = sum(probes.map((each) => each.duration))
      expect(duration).to.be.closeTo(stopped.duration_ms / 1000, 0.2 * probes.length)
      expect(stopped.file_size).to.equal(sum(await Promise.all(stopped.files.map(bytes))))
    },
  })

  it('outlives the media server: told, back within 10 s, on in a second file of the same session', async () => {
    const device = 'camera0'
    const { filename } = await start(device)
    await grows(filename)
    const from = service.notifications.length
    process.kill((await service.mediaServer()).pid, 'SIGKILL')
    // Too late for the old one; the next may be there in time.
    const meanwhile = start('camera1').then(
      () => stop('camera1'),
      ({ code, data }) =>
        expect({ code, dependency: data.dependency }).to.deep.equal({ code: -32050, dependency: 'mediamtx' }),
    )
    const interrupted = await service.told('recording.error', { device, status: 'INTERRUPTED' }, { from })
    expect(interrupted.params.filename).to.equal(filename)
    await service.told('mediamtx.error', { component: 'mediamtx' }, { from })
    await service.told('system.health', {}, { from })
    const resumed = await service.told('recording.progress', { device, resumed: true }, { from })
    await meanwhile
    const { status } = await service.call('get_status')
    expect(status).to.equal('HEALTHY')
    const second = String(resumed.params.filename)
    expect(second).not.to.equal(filename)
    const { recording } = await statusOf(device)
    expect(recording).to.include({ status: 'RECORDING', growing: true })
    expect(recording?.files).to.include.members([filename, second])
    await grows(second)

    const stopped = await stop(device)
    expect(stopped).to.include({ status: 'STOPPED', filename })
    expect(stopped.files).to.include.members([filename, second])
    expect(stopped.file_size).to.equal(sum(await Promise.all(stopped.files.map(bytes))))
    expect(await listed()).to.include.members(stopped.files)
    for (const name of stopped.files) expect((await probe(file(name))).codec).to.equal('h264')
  })

  it('outlives a media server that hangs: it is killed, and the recording continues', async () => {
    const device = 'camera1'
    const { filename } = await start(device)
    await grows(filename)
    const from = service.notifications.length
    const { pid } = await service.mediaServer()
    process.kill(pid, 'SIGSTOP')
    await service.told('recording.resumed', { device }, { from })
    expect((await service.mediaServer()).pid).not.to.equal(pid)
    const stopped = await stop(device)
    expect(stopped).to.deep.include({ status: 'STOPPED', filename })
    expect(stopped.files.length).to.be.greaterThan(1)
  })
})
