import { expect } from 'chai'
import { noticeOf, sentenceOf } from './story.js'

describe('make demo', () => {
  it('tells in sentences what each step did, without the signature of a URL', () => {
    const cameras = [{ device: 'camera0', name: 'demo', status: 'CONNECTED' }]
    expect(sentenceOf('get_camera_list', {}, { cameras })).to.equal(
      'The service has 1 camera: camera0 (demo, connected).',
    )
    expect(sentenceOf('get_stream_url', {}, { stream_url: 'rtsp://h:8554/camera0?sig=secret' })).to.equal(
      'Its stream is at rtsp://h:8554/camera0, with a signature that expires.',
    )
    expect(sentenceOf('take_snapshot', { width: 640 }, { filename: 'a.jpg' })).to.equal(
      'A snapshot scaled to 640 pixels was taken: a.jpg.',
    )
    expect(sentenceOf('get_recording_info', {}, { filename: 'a.mp4', file_size: 1_414_000, duration: 5.04 })).to.equal(
      'The recording is a.mp4, 1414 kB of 5.0 s.',
    )
    expect(sentenceOf('get_status', {}, {})).to.equal(undefined)
  })

  it('tells of facts, not of the present state that a subscription begins with', () => {
    const event = (type: string) => ({ topic: 'recording.stop', type, params: {}, state: {} }) as never
    expect(noticeOf(event('fact'))).to.equal('  (notified: the recording has ended, and its file is complete)')
    expect(noticeOf(event('state'))).to.equal(undefined)
  })
})
