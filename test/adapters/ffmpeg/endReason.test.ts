import { expect } from 'chai'
import { endReason } from '../../../adapters/ffmpeg/endReason.js'

const heading = `ffmpeg started on 2026-01-01 at 00:00:00
Report written to "/var/lib/camera-service/run/camera0.log"
Log level: 16
Command line:
ffmpeg -f v4l2 -i /dev/video0 -f rtsp "rtsp://127.0.0.1:8554/camera0 No such device"
`

describe('endReason', () => {
  for (const [line, reason] of [
    [
      '[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_STREAMON): No space left on device',
      'USB bandwidth exhausted: other cameras on this bus use it up',
    ],
    ['av_interleaved_write_frame(): No space left on device', 'no space left for its temporary files'],
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_DQBUF): No such device\n/dev/video0: No such device', 'device gone'],
    ['[video4linux2,v4l2 @ 0x5] Cannot open video device /dev/video0: No such file or directory', 'device gone'],
    ['Cannot open device /dev/video0, exiting.', 'device gone'],
    ['/dev/video0: Device or resource busy', 'device busy'],
    ['\t\tVIDIOC_REQBUFS returned -1 (Device or resource busy)', 'device busy'],
    [
      '[video4linux2,v4l2 @ 0x5] Cannot open video device /dev/video0: Permission denied',
      'permission denied: the service may not open the device',
    ],
    ["Unknown encoder 'libx264'", 'this ffmpeg has no H.264 encoder (libx264)'],
    [
      '[tcp @ 0x5] Connection to tcp://127.0.0.1:8554?timeout=0 failed: Connection refused',
      'the media server could not be reached',
    ],
    ['[rtsp @ 0x5] method ANNOUNCE failed: 400 Bad Request', 'the media server refused the stream'],
    ['av_interleaved_write_frame(): Broken pipe', 'the media server closed the connection'],
    [
      '[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_G_INPUT): Inappropriate ioctl for device',
      'the device does not offer this format',
    ],
    ['something else', undefined],
    ['', undefined],
  ] as const)
    it(`is "${reason}" for "${line.split('\n')[0]}"`, () => expect(endReason(`${heading}${line}\n`)).to.equal(reason))

  it('is that of the first line: the others follow from it', () => {
    expect(endReason(`${heading}/dev/video0: No such device\nav_interleaved_write_frame(): Broken pipe\n`)).to.equal(
      'device gone',
    )
  })
})
