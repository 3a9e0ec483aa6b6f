import { createSocket } from 'node:dgram'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { readMp4 } from '../../adapters/files/mp4.js'
import { until } from '../support/until.js'
import { probe } from './media.js'
import { describeKinds, type Service, startService, virtual } from './service.js'

interface Camera {
  device: string
  name: string
}

interface Recording {
  status: string
  files: string[]
  start_time: string
  gaps: { from: string; to: string; reason: string }[]
}

describeKinds('the life of the service', (kind) => {
  const cameras = ['one', 'two'].map(virtual)
  const env = { CAMERA_SERVICE_MEDIAMTX_PROCESS_TERMINATION_TIMEOUT: '1s' }
  let service: Service
  // Another MediaMTX may have it: WebRTC then goes to any other.
  const webrtc = createSocket('udp4').on('error', () => {})

  before(() => void webrtc.bind(8189, '127.0.0.1'))
  after(() => void webrtc.close())
  afterEach(() => service?.end())

  const start = (device: string) => service.call<{ filename: string }>('start_recording', { device })
  const stop = (device: string) =>
    service.call<{ filename: string; files: string[]; status: string }>('stop_recording', { device })
  const status = (device: string) => service.call<{ recording?: Recording }>('get_camera_status', { device })
  /** Waits until the recording of an earlier run grows again. */
  const continued = (device: string) =>
    service.until(`the recording of ${device} continues`, async () => {
      const { recording } = await status(device)
      return recording?.status === 'RECORDING' && recording
    })
  const file = (name: string) => join(service.dataDir, 'recordings', name.replace(/_.*/, ''), name)
  const names = async () =>
    (await service.call<{ cameras: Camera[] }>('get_camera_list')).cameras.map(
      ({ device, name }) => `${device} ${name}`,
    )

  it('continues its recordings after SIGTERM, SIGKILL and a restart, and keeps cameras and files', async () => {
    service = await startService({ kind, cameras, env })
    const { dataDir } = service
    const [first, second] = await Promise.all([start('camera0'), start('camera1')])
    const before = service.log.length
    const { code, ms } = await service.stop()
    expect({ code, inTime: ms < 10_000 }).to.deep.equal({ code: 0, inTime: true })
    expect(service.log.slice(before).filter((line) => /"level":"(warn|error)"/.test(line))).to.deep.equal([])
    expect(await service.children()).to.deep.equal([])
    for (const { filename } of [first, second]) {
      expect(await readMp4(file(filename)), filename).to.include({ complete: true })
      expect((await probe(file(filename))).codec).to.equal('h264')
    }
    expect(await readdir(join(dataDir, 'run')), 'temporary files').to.satisfy((left: string[]) =>
      left.every((name) => !/tmp|frame/.test(name)),
    )

    service = await startService({ kind, cameras: [...cameras].reverse(), env, dataDir })
    expect(await names()).to.deep.equal(['camera0 one', 'camera1 two'])
    const resumed = await continued('camera1')
    expect(resumed.files[0]).to.equal(second.filename)
    expect(resumed.gaps.map(({ reason }) => reason)).to.deep.equal(['service_restarted'])
    const [{ from = '', to = '' } = {}] = resumed.gaps
    expect(Date.parse(from)).to.be.greaterThan(Date.parse(resumed.start_time)).and.lessThan(Date.parse(to))
    expect(await stop('camera0')).to.deep.include({ status: 'STOPPED', filename: first.filename })
    const orphans = await service.until('one pipeline', async () => {
      const running = await service.pipelines()
      return running.length === 1 && running
    })
    // A pipeline that hangs would outlive everything that only asks it to end.
    for (const { pid } of orphans) process.kill(pid, 'SIGSTOP')
    await service.kill()

    service = await startService({ kind, cameras, env, dataDir })
    const left = (await service.children()).map(({ pid }) => pid)
    for (const { pid } of orphans) expect(left).not.to.include(pid)
    expect(await names()).to.deep.equal(['camera0 one', 'camera1 two'])
    const again = await continued('camera1')
    expect(again.files.slice(0, 2), 'the files of both runs before').to.deep.equal(resumed.files.slice(0, 2))
    expect(again.files.length).to.be.greaterThan(2)
    const stopped = await stop('camera1')
    expect(stopped).to.deep.include({ status: 'STOPPED', filename: second.filename })
    for (const name of stopped.files) expect((await probe(file(name))).codec).to.equal('h264')
    const { files } = await service.call<{ files: { filename: string }[] }>('list_recordings')
    expect(files.map(({ filename }) => filename)).to.include.members([first.filename, ...stopped.files])
    expect((await status('camera0')).recording, 'a stopped recording does not come back').to.equal(undefined)

    await start('camera0')
    process.kill((await service.mediaServer()).pid, 'SIGSTOP')
    const last = await service.stop()
    expect({ code: last.code, inTime: last.ms < 10_000 }, 'the end beside a media server that hangs').to.deep.equal({
      code: 0,
      inTime: true,
    })
    expect(await service.children()).to.deep.equal([])
  })

  it('leaves no process behind after SIGKILL, and the recording is whole up to its last part', async () => {
    service = await startService({ kind, cameras, env })
    const { filename } = await start('camera0')
    const running = await service.children()
    expect(running.length, 'the media server and a pipeline').to.be.greaterThan(1)
    await service.kill()
    await until('the children end', async () => (await service.children()).length === 0)
    expect((await probe(file(filename))).codec).to.equal('h264')
  })
})
