import { expect } from 'chai'
import type { Probe } from '../../machines/domain/camera.js'
import { fourccOf, hasChanged, mediaWords, withMedia } from '../../machines/domain/streamMedia.js'
import { isRecordedAudio, supportOf } from '../../machines/domain/streamSupport.js'

const working = (codec: string, reorders?: boolean) =>
  supportOf({ codec, ...(reorders !== undefined && { reorders }) })
    .filter(({ reason }) => reason === undefined)
    .map(({ use }) => use)

describe('what works with the stream of a network camera', () => {
  const table: [codec: string, reorders: boolean | undefined, works: string[]][] = [
    ['H264', undefined, ['snapshot', 'recording', 'hls', 'webrtc']],
    ['H264', true, ['snapshot', 'recording', 'hls']],
    ['H265', false, ['snapshot', 'recording', 'hls', 'webrtc']],
    ['JPEG', undefined, ['snapshot', 'recording']],
    ['MP4V-ES', undefined, ['snapshot', 'recording']],
    ['VP8', undefined, ['snapshot', 'webrtc']],
    ['', undefined, []],
  ]
  for (const [codec, reorders, works] of table)
    it(`${codec || 'an unknown codec'}${reorders ? ' with B-frames' : ''}: ${works.join(', ') || 'nothing is known'}`, () =>
      expect(working(codec, reorders)).to.deep.equal(works))

  it('includes the sound in a recording, for each codec that the media server writes to MP4', () => {
    for (const codec of ['AAC', 'OPUS', 'PCMU', 'PCMA', 'L16', 'L8', 'MPA', 'AC3'])
      expect(isRecordedAudio(codec), codec).to.equal(true)
    for (const codec of ['G722', 'SPEEX', 'aac', '']) expect(isRecordedAudio(codec), codec).to.equal(false)
  })

  it('has a reason for the rest', () => {
    expect(supportOf({ codec: 'H264', reorders: true }).at(-1)?.reason?.code).to.equal('b_frames')
    expect(supportOf({ codec: 'JPEG' }).at(-1)?.reason).to.deep.equal({
      code: 'codec_unsupported',
      details: 'WebRTC does not support MJPEG',
    })
  })
})

describe('the stream of a network camera', () => {
  const probe: Probe = {
    capabilities: { formats: [], stream: { codec: 'H264', fps: 15, reorders: true } },
    pipeline: { kind: 'pull', mode: { fourcc: 'H264', width: 0, height: 0, fps: 0 }, reason: '' },
  }
  const large = { codec: 'H264', width: 1920, height: 1080 }

  it('keeps what the media server does not tell, and takes what it tells', () => {
    const next = withMedia(probe, { ...large, audio: { codec: 'PCMA', rate: 8000 } })
    expect(next.capabilities.stream).to.deep.equal({
      codec: 'H264',
      fps: 15,
      reorders: true,
      width: 1920,
      height: 1080,
      audio: { codec: 'PCMA', rate: 8000 },
    })
    expect(next.pipeline.mode).to.deep.equal({ fourcc: 'H264', width: 1920, height: 1080, fps: 15 })
    expect(next.capabilities.formats[0]?.sizes).to.deep.equal([{ width: 1920, height: 1080, rates: [15] }])
    const half = withMedia(probe, { codec: 'H264', width: 640 }).capabilities.formats[0]
    expect(half?.sizes, 'half a size is none').to.deep.equal([])
    expect(withMedia(probe, { codec: 'H265' }).capabilities.stream, 'another codec').to.deep.equal({ codec: 'H265' })
  })

  it('has the name of its codec for devices and for people, however a camera writes it', () => {
    expect(['h.264', 'H265', 'hevc', 'Jpeg', 'mp4v-es'].map(fourccOf)).to.deep.equal([
      ...['H264', 'HEVC', 'HEVC', 'MJPG', 'MP4V-ES'],
    ])
    expect(mediaWords(large)).to.equal('H264 1920x1080')
    expect(mediaWords({ codec: 'JPEG' })).to.equal('MJPEG')
  })

  it('has changed if its size or codec differs, not if one of them becomes known', () => {
    expect(hasChanged({ codec: 'H264' }, large)).to.equal(false)
    expect(hasChanged(large, { ...large, width: 640 })).to.equal(true)
    expect(hasChanged(large, { ...large, codec: 'H265' })).to.equal(true)
  })
})
