import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { expect } from 'chai'
import { describeKinds, type Service, startService, virtual } from './service.js'

interface Camera {
  device: string
  streams: Record<string, string>
}

describeKinds('a service whose HLS port is in use', (kind) => {
  let other: Server
  let service: Service

  before(async () => {
    other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    service = await startService({
      kind,
      cameras: [virtual('one')],
      env: { CAMERA_SERVICE_MEDIAMTX_HLS_PORT: String(port) },
    })
  })
  after(async () => {
    await service?.end()
    other.close()
  })

  it('offers and serves the other protocols, and no URL for HLS', async () => {
    const protocols = kind === 'managed' ? ['rtsp', 'webrtc'] : ['rtsp']
    const { cameras } = await service.call<{ cameras: Camera[] }>('get_camera_list')
    expect(cameras.map(({ streams }) => Object.keys(streams))).to.deep.equal([protocols])
    expect((await service.call('get_server_info')).stream_protocols).to.deep.equal(protocols)
    expect(await service.call('get_status')).to.include({ status: 'HEALTHY' })
    const warnings = service.log.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn')
    const missing = warnings.filter(({ message }) => message === 'the media server starts without HLS')
    expect(missing).to.have.length(kind === 'managed' ? 1 : 0)
  })
})
