import { expect } from 'chai'
import { endReason } from '../../../adapters/ffmpeg/endReason.js'

const heading = `ffmpeg started on 2026-01-01 at 00:00:00
Report written to "/var/lib/camera-service/run/camera0.log"
Log level: 16
Command line:
ffmpeg -f v4l2 -i /dev/video0 -f rtsp "rtsp://127.0.0.1:8554/camera0 No such device"
`

describe('endReason', () => {
  for (const [line, code] of [
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_STREAMON): No space left on device', 'usb_bandwidth'],
    ['av_interleaved_write_frame(): No space left on device', 'storage_full'],
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_DQBUF): No such device\n/dev/video0: No such device', 'device_gone'],
    ['[video4linux2,v4l2 @ 0x5] Cannot open video device /dev/video0: No such file or directory', 'device_gone'],
    ['Cannot open device /dev/video0, exiting.', 'device_gone'],
    ['/dev/video0: Device or resource busy', 'device_busy'],
    ['\t\tVIDIOC_REQBUFS returned -1 (Device or resource busy)', 'device_busy'],
    ['[video4linux2,v4l2 @ 0x5] Cannot open video device /dev/video0: Permission denied', 'permission_denied'],
    ["Unknown encoder 'libx264'", 'encoder_missing'],
    ["Unknown encoder 'h264_vaapi'", 'encoder_failed'],
    ['[AVHWDeviceContext @ 0x5] No VA display found for device /dev/dri/renderD128.', 'encoder_failed'],
    ['[AVHWDeviceContext @ 0x5] Cannot open DRM render node for device 0: No such file or directory', 'encoder_failed'],
    ["Failed to set value '/dev/dri/renderD128' for option 'vaapi_device': Permission denied", 'encoder_failed'],
    ['[h264_nvenc @ 0x5] Cannot load libcuda.so.1', 'encoder_failed'],
    ['[h264_nvenc @ 0x5] OpenEncodeSessionEx failed: out of memory (10): (no details)', 'encoder_failed'],
    ['[h264_v4l2m2m @ 0x5] Could not find a valid device', 'encoder_failed'],
    ['[h264_v4l2m2m @ 0x5] output VIDIOC_QBUF failed: Device or resource busy', 'encoder_failed'],
    ['[vost#0:0/h264_vaapi @ 0x5] [enc:h264_vaapi @ 0x6] Error while opening encoder - maybe …', 'encoder_failed'],
    ['[vost#0:0/h264_vaapi @ 0x5] Error submitting video frame to the encoder', 'encoder_failed'],
    ['[vost#0:0/h264_vaapi @ 0x5] Error submitting a packet to the muxer: Broken pipe', 'server_closed'],
    ['[out#0/rtsp @ 0x5] Error muxing a packet of h264_vaapi: Connection reset by peer', 'server_closed'],
    ['[tcp @ 0x5] Connection to tcp://127.0.0.1:8554?timeout=0 failed: Connection refused', 'server_unreachable'],
    ['[rtsp @ 0x5] method ANNOUNCE failed: 400 Bad Request', 'server_refused'],
    ['av_interleaved_write_frame(): Broken pipe', 'server_closed'],
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_G_INPUT): Inappropriate ioctl for device', 'format_not_offered'],
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_STREAMON): Cannot allocate memory', 'usb_bandwidth'],
    ['\t\tVIDIOC_STREAMON returned -1 (No space left on device)', 'usb_bandwidth'],
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_REQBUFS): Cannot allocate memory', 'out_of_memory'],
    ['\t\tVIDIOC_REQBUFS returned -1 (Cannot allocate memory)', 'out_of_memory'],
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_QBUF): Invalid argument', 'format_not_offered'],
    ['\t\tVIDIOC_S_FMT: failed: Invalid argument', 'format_not_offered'],
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_STREAMON): Link has been severed', 'no_signal'],
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_STREAMON): No locks available', 'no_signal'],
    ['[video4linux2,v4l2 @ 0x5] ioctl(VIDIOC_STREAMON): Broken pipe', 'device_error'],
    ['pipe:: Invalid data found when processing input', 'device_error'],
    ["Impossible to convert between the formats supported by the filter 'a' and the filter 'b'", 'ffmpeg_incomplete'],
    ['something else', undefined],
    ['', undefined],
  ] as const)
    it(`is ${code} for "${line.split('\n')[0]}"`, () => expect(endReason(`${heading}${line}\n`)?.code).to.equal(code))

  it('has a sentence, more exact than the default one if possible', () => {
    const details = (line: string) => endReason(`${heading}${line}\n`)?.details
    expect(details('/dev/video0: No such device')).to.equal('the device is gone')
    expect(details('av_interleaved_write_frame(): No space left on device')).to.equal(
      'no space is left for temporary files',
    )
  })

  it('is the reason of the first known line', () => {
    const text = `${heading}/dev/video0: No such device\nav_interleaved_write_frame(): Broken pipe\n`
    expect(endReason(text)?.code).to.equal('device_gone')
  })

  it('keeps the errno and the line, without paths and credentials', () => {
    expect(
      endReason('[video4linux2] ioctl(VIDIOC_REQBUFS) of /dev/video0: Device or resource busy')?.evidence,
    ).to.deep.equal({
      errno: 'EBUSY',
      line: '[video4linux2] ioctl(VIDIOC_REQBUFS) of …: Device or resource busy',
    })
    expect(endReason('rtsp://ann:secret@10.0.0.1/x: Connection refused')?.evidence).to.deep.equal({
      errno: 'ECONNREFUSED',
      line: 'rtsp://… Connection refused',
    })
  })
})
