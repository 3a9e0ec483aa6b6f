import { expect } from 'chai'
import { hostOf, streamUrls } from '../../rpc/urls.js'

describe('URLs of a camera', () => {
  const came = (host: string | undefined, localAddress = '192.0.2.7') =>
    hostOf({ headers: { host }, socket: { localAddress } } as Parameters<typeof hostOf>[0])
  const ports = { rtsp: 8554, hls: 8888, webrtc: 8889 }

  it('use the host that the client connected to', () => {
    expect(came('cam.local:8002')).to.equal('cam.local')
    expect(came('[2001:db8::1]:8002')).to.equal('[2001:db8::1]')
    expect(came('192.0.2.1')).to.equal('192.0.2.1')
  })

  it('use the local address if the header is no host', () => {
    expect(came(undefined)).to.equal('192.0.2.7')
    expect(came('evil host/@x')).to.equal('192.0.2.7')
    expect(came('user@host', '::ffff:192.0.2.9')).to.equal('192.0.2.9')
    expect(came('', 'fe80::1%eth0')).to.equal('[fe80::1]')
  })

  it('prefer the configured host, then the host of a remote media server', () => {
    const offers = { hls: false, webrtc: false, ports, host: 'media.example' }
    expect(streamUrls('camera0', 'a', undefined, offers)).to.deep.equal({ rtsp: 'rtsp://media.example:8554/camera0' })
    expect(streamUrls('camera0', 'a', '[2001:db8::5]', { ...offers, hls: true })).to.deep.equal({
      rtsp: 'rtsp://[2001:db8::5]:8554/camera0',
      hls: 'http://[2001:db8::5]:8888/camera0/index.m3u8',
    })
  })
})
