import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import {
  camera,
  headerDuration,
  hold,
  inTime,
  killPublisher,
  leave,
  pathOf,
  probe,
  recordings,
  sizeOf,
  until,
} from './client.js'
import {
  describeMediaServers,
  type RunningMediaServer,
  removeFolder,
  startMediaServer,
  temporaryFolder,
} from './servers.js'

describeMediaServers('media server, recording', (kind) => {
  let server: RunningMediaServer
  let dir: string
  const demand = { runOnDemand: camera, runOnDemandStartTimeout: '20s', runOnDemandCloseAfter: '1s' }
  before(async () => {
    dir = await temporaryFolder()
    const hook = (text: string) => `sh -c 'echo "${text}" >> ${dir}/hooks'`
    const hooked = {
      ...demand,
      recordSegmentDuration: '1s',
      runOnRecordSegmentCreate: hook('create $MTX_PATH $MTX_SEGMENT_PATH'),
      runOnRecordSegmentComplete: hook('complete $MTX_PATH $MTX_SEGMENT_PATH $MTX_SEGMENT_DURATION'),
    }
    const nowhere = { ...demand, recordPath: `/proc/nowhere/%path/%s-%f` }
    server = await startMediaServer({
      kind,
      dir,
      paths: { cam: demand, asleep: { ...demand, record: true }, idle: demand, hooked, nowhere, cut: demand },
    })
  })
  after(async () => {
    await server?.stop()
    await removeFolder(dir)
  })
  const setRecord = async (name: string, record: boolean) =>
    expect(await server.api('PATCH', `config/paths/patch/${name}`, { record })).to.deep.include({ status: 200 })
  const growing = async (name: string, count = 1) =>
    until(`a file of ${name} with bytes`, async () => {
      const files = await recordings(server, name)
      const newest = files[count - 1]
      return newest !== undefined && (await sizeOf(newest)) > 0 ? newest : undefined
    })
  const final = async (file: string) => until('a duration in the header', async () => headerDuration(file))

  it('does not start a source in order to record', async () => {
    await setRecord('idle', true)
    expect(await pathOf(server, 'idle')).to.deep.include({ available: false, source: null })
    expect(await pathOf(server, 'asleep')).to.deep.include({ available: false, source: null })
    expect(await recordings(server, 'asleep')).to.deep.equal([])
    expect((await server.api('GET', 'recordings/list')).body).to.deep.include({ itemCount: 0 })
  })

  it('writes parts from the first keyframe on, and completes the file when recording is switched off', async () => {
    await setRecord('cam', true)
    const asked = Date.now()
    const holder = await hold(server, 'cam')
    const file = await growing('cam')
    expect(file).to.match(/\/cam\/cam_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-\d{6}\.mp4$/)
    const [, day = '', time = '', fraction = ''] = /cam_([\d-]+)_(\d\d-\d\d-\d\d)-(\d{6})/.exec(file) ?? []
    const named = `${day}T${time.replaceAll('-', ':')}.${fraction}`
    const start = Date.parse(`${named.slice(0, 23)}Z`)
    expect(start).to.be.within(asked - 5, Date.now())
    const { availableTime } = await pathOf(server, 'cam')
    expect(start - Date.parse(availableTime ?? ''), 'from the first keyframe on').to.be.within(-5, 1500)
    // The recorder is not a reader.
    expect((await pathOf(server, 'cam')).readers).to.have.length(1)
    expect(await headerDuration(file)).to.equal(0)
    const before = await sizeOf(file)
    await until('growth', async () => (await sizeOf(file)) > before)
    await until('two seconds', async () => (await probe(file)).duration > 2)
    await setRecord('cam', false)
    const duration = await final(file)
    const size = await sizeOf(file)
    const probed = await probe(file)
    expect(probed).to.deep.include({ codec: 'h264', complaints: '' })
    expect(probed.duration * 1000).to.be.closeTo(duration, 70)
    expect(probed.frames / 15).to.be.closeTo(probed.duration, 0.07)
    expect(await pathOf(server, 'cam')).to.deep.include({ availableTime })
    const { body } = await server.api('GET', 'recordings/get/cam')
    expect(body).to.deep.equal({ name: 'cam', segments: [{ start: `${named.replace(/0+$/, '')}Z` }] })

    await setRecord('cam', true)
    const second = await growing('cam', 2)
    expect(await sizeOf(file)).to.equal(size)
    leave(holder)
    // The stream has no reader, so it ends, and the file with it.
    await until('asleep', async () => !(await pathOf(server, 'cam')).available)
    expect(await final(second)).to.be.greaterThan(0)
    expect((await probe(second)).complaints).to.equal('')
    await setRecord('cam', false)

    const list = (await server.api('GET', 'recordings/get/cam')).body as { segments: { start: string }[] }
    const oldest = encodeURIComponent(list.segments[0]?.start ?? '')
    expect(await server.api('DELETE', `recordings/deletesegment?path=cam&start=${oldest}`)).to.deep.include({
      status: 200,
    })
    expect(await recordings(server, 'cam')).to.deep.equal([second])
  })

  it('starts a new file at a keyframe, and runs the hooks', async () => {
    await setRecord('hooked', true)
    const holder = await hold(server, 'hooked')
    await growing('hooked', 3)
    await setRecord('hooked', false)
    const [first = '', second = '', third = ''] = await recordings(server, 'hooked')
    for (const file of [first, second]) {
      const { duration, frames, complaints } = await probe(file)
      expect([Math.round(duration * 15), frames, complaints]).to.deep.equal([15, 15, ''])
      expect(await headerDuration(file)).to.be.closeTo(1000, 2)
    }
    await final(third)
    const lines = await until('six hooks', async () => {
      const written = (await readFile(`${dir}/hooks`, 'utf8')).trim().split('\n')
      return written.length >= 6 && written
    })
    expect(lines).to.include(`create hooked ${first}`)
    const complete = lines.find((line) => line.startsWith(`complete hooked ${second}`)) ?? ''
    expect(Number(complete.split(' ')[3])).to.be.closeTo(1, 0.01)
    leave(holder)
  })

  it('completes the file when the publisher is lost', async () => {
    await setRecord('cut', true)
    const holder = await hold(server, 'cut')
    const file = await growing('cut')
    await killPublisher(server, 'cut')
    await holder.end()
    expect(await final(file)).to.be.greaterThan(0)
    await setRecord('cut', false)
  })

  it('keeps the stream and tries again when the disk refuses a file', async () => {
    await setRecord('nowhere', true)
    const holder = await hold(server, 'nowhere')
    await until('a second error', () => (server.log().match(/ERR \[path nowhere\] \[recorder\]/g) ?? []).length >= 2)
    expect((await pathOf(server, 'nowhere')).readers).to.have.length(1)
    await setRecord('nowhere', false)
    leave(holder)
  })
})

describeMediaServers('media server, process', (kind) => {
  const demand = { runOnDemand: camera, record: true }
  let dir: string
  let server: RunningMediaServer
  beforeEach(async () => {
    dir = await temporaryFolder()
    server = await startMediaServer({ kind, dir, paths: { cam: demand } })
  })
  afterEach(async () => {
    await server?.kill()
    await removeFolder(dir)
  })
  const recording = async () => {
    const holder = await hold(server, 'cam')
    const file = await until('a second of recording', async () => {
      const [first] = await recordings(server, 'cam')
      return first !== undefined && (await probe(first)).duration > 1 ? first : undefined
    })
    return { holder, file }
  }

  it('completes its file and exits with 0 after SIGTERM', async () => {
    const { holder, file } = await recording()
    expect(await server.stop()).to.equal(0)
    await holder.end()
    const duration = await headerDuration(file)
    expect(duration).to.be.greaterThan(1000)
    expect((await probe(file)).duration * 1000).to.be.closeTo(duration, 70)
  })

  it('exits with 2 at the first reader of a path with a blank command', async () => {
    await server.api('POST', 'config/paths/add/blank', { runOnDemand: ' ' })
    const exited = inTime('exit', new Promise((resolve) => server.process.once('exit', resolve)))
    await hold(server, 'blank').catch(() => undefined)
    expect(await exited).to.equal(2)
  })

  it('leaves a playable file when it is killed', async () => {
    const { holder, file } = await recording()
    await server?.kill()
    await holder.end()
    expect(await headerDuration(file)).to.equal(0)
    const { duration, complaints } = await probe(file)
    expect(duration).to.be.greaterThan(1)
    expect(complaints).to.equal('')
  })
})
