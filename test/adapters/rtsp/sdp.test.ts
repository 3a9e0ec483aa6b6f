import { expect } from 'chai'
import { controlUrl, parameterSetsOf, parseSdp } from '../../../adapters/rtsp/sdp.js'
import { parseH264Sps } from '../../../adapters/rtsp/sps.js'

const camera = [
  'v=0',
  'o=- 0 0 IN IP4 127.0.0.1',
  's=Session',
  'a=control:*',
  'm=audio 0 RTP/AVP 8',
  'a=control:trackID=2',
  'm=video 0 RTP/AVP 96 97',
  'b=AS:500',
  'a=control:trackID=1',
  'a=rtpmap:97 VP8/90000',
  'a=rtpmap:96 h264/90000',
  'a=fmtp:96 packetization-mode=1; profile-level-id=42C00C; ' +
    'sprop-parameter-sets=Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==,aM4PyA==',
].join('\r\n')

describe('SDP', () => {
  it('is read by the first payload type of each track', () => {
    const { control, media } = parseSdp(camera)
    expect(control).to.equal('*')
    expect(media.map(({ parameters, ...rest }) => ({ ...rest, parameters: { ...parameters } }))).to.deep.equal([
      { kind: 'audio', payloadType: 8, codec: 'PCMA', control: 'trackID=2', clock: 8000, parameters: {} },
      {
        kind: 'video',
        payloadType: 96,
        codec: 'H264',
        control: 'trackID=1',
        clock: 90_000,
        parameters: {
          'packetization-mode': '1',
          'profile-level-id': '42C00C',
          'sprop-parameter-sets': 'Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==,aM4PyA==',
        },
      },
    ])
  })

  it('holds the parameter sets', () => {
    const [sps, pps, ...more] = parseSdp(camera).media.flatMap(parameterSetsOf)
    expect(sps && parseH264Sps(sps)).to.deep.equal({ width: 320, height: 240, profile: 66, level: '1.2' })
    expect(pps?.toString('hex')).to.equal('68ce0fc8')
    expect(more).to.deep.equal([])
  })

  it('without media or without content is empty', () => {
    for (const text of ['', '\0\xff', 'v=0\na=fmtp:96 x=y\n', 'm=video']) expect(parseSdp(text).media).to.deep.equal([])
    expect(parseSdp('m=video 0 RTP/AVP 26\na=control:a').media[0]?.codec).to.equal('JPEG')
  })

  it('resolves track URLs against the URL of the description', () => {
    expect(controlUrl('rtsp://h/p/', 'trackID=0')).to.equal('rtsp://h/p/trackID=0')
    expect(controlUrl('rtsp://h/p', 'trackID=0')).to.equal('rtsp://h/p/trackID=0')
    expect(controlUrl('rtsp://h/p', '*')).to.equal('rtsp://h/p')
    expect(controlUrl('rtsp://h/p', 'rtsp://h/q/1')).to.equal('rtsp://h/q/1')
  })
})
