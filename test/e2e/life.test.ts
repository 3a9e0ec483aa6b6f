import { createSocket } from 'node:dgram'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { readMp4 } from '../../adapters/files/mp4.js'
import { probe } from './media.js'
import { describeKinds, type Service, startService, virtual } from './service.js'

interface Camera {
  device: string
  name: string
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
  const file = (name: string) => join(service.dataDir, 'recordings', name.replace(/_.*/, ''), name)
  const names = async () =>
    (await service.call<{ cameras: Camera[] }>('get_camera_list')).cameras.map(
      ({ device, name }) => `${device} ${name}`,
    )

  it('ends its recordings at SIGTERM; after SIGKILL the next start ends them and keeps cameras and files', async () => {
    service = await startService({ kind, cameras, env })
    const { dataDir } = service
    const [first, second] = await Promise.all([start('camera0'), start('camera1')])
    const before = service.log.length
    const { code, ms } = await service.stop()
    expect({ code, inTime: ms < 10_000 }).to.deep.equal({ code: 0, inTime: true })
    expect(service.log.slice(before).filter((line) => /\b(warn|error)\b/.test(line))).to.deep.equal([])
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
    const cutOff = await start('camera1')
    const orphans = await service.pipelines()
    expect(orphans).to.have.length(1)
    // A pipeline that hangs would outlive everything that only asks it to end.
    for (const { pid } of orphans) process.kill(pid, 'SIGSTOP')
    await service.kill()

    service = await startService({ kind, cameras, env, dataDir })
    const left = (await service.children()).map(({ pid }) => pid)
    for (const { pid } of orphans) expect(left).not.to.include(pid)
    expect(await names()).to.deep.equal(['camera0 one', 'camera1 two'])
    const { files } = await service.call<{ files: { filename: string }[] }>('list_recordings')
    expect(files.map(({ filename }) => filename)).to.have.members([first.filename, second.filename, cutOff.filename])
    expect((await probe(file(cutOff.filename))).codec).to.equal('h264')
    expect(await service.call('get_recording_info', { filename: cutOff.filename })).to.include({
      filename: cutOff.filename,
    })
    const again = await start('camera1')
    expect(await service.call('stop_recording', { device: 'camera1' })).to.deep.include({ files: [again.filename] })

    await start('camera0')
    process.kill((await service.mediaServer()).pid, 'SIGSTOP')
    const last = await service.stop()
    expect({ code: last.code, inTime: last.ms < 10_000 }, 'the end beside a media server that hangs').to.deep.equal({
      code: 0,
      inTime: true,
    })
    expect(await service.children()).to.deep.equal([])
  })
})
