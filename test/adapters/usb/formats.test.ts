import { expect } from 'chai'
import { isUnderstood, parseFormats } from '../../../adapters/usb/formats.js'
import { outputOf } from '../../devices/outputOf.js'

describe('parseFormats', () => {
  it('reads discrete formats, sizes and rates', () => {
    expect(parseFormats(webcam)).to.deep.equal({
      formats: [
        {
          fourcc: 'MJPG',
          description: 'Motion-JPEG',
          sizes: [
            { width: 1280, height: 720, rates: [30, 15] },
            { width: 640, height: 480, rates: [30] },
          ],
        },
        { fourcc: 'YUYV', description: 'YUYV 4:2:2', sizes: [{ width: 640, height: 480, rates: [29.97] }] },
        { fourcc: 'H264', description: 'H.264', sizes: [{ width: 1920, height: 1080, rates: [30] }] },
      ],
    })
  })

  it('offers the usual sizes and rates within the bounds of a driver that accepts any', () => {
    const [format] = parseFormats(stepwise).formats
    expect(format?.sizes).to.deep.equal([
      { width: 1920, height: 1080, rates: [30, 25, 20, 15, 10, 5, 1] },
      { width: 1280, height: 720, rates: [30, 25, 20, 15, 10, 5, 1] },
      { width: 800, height: 600, rates: [30, 25, 20, 15, 10, 5, 1] },
      { width: 640, height: 480, rates: [30, 25, 20, 15, 10, 5, 1] },
      { width: 640, height: 360, rates: [30, 25, 20, 15, 10, 5, 1] },
    ])
  })

  it('reads a continuous range, and assumes 30 without a rate', () => {
    expect(
      parseFormats("\t[0]: 'YU12' (Planar YUV 4:2:0)\n\t\tSize: Continuous 16x16 - 640x360\n").formats[0]?.sizes[0],
    ).to.deep.equal({
      width: 640,
      height: 360,
      rates: [30],
    })
  })

  it('joins a format that is listed twice', () => {
    const twice = webcam.replace("[1]: 'YUYV' (YUYV 4:2:2)", "[1]: 'MJPG' (Motion-JPEG, compressed)")
    expect(parseFormats(twice).formats[0]?.sizes).to.deep.include({ width: 640, height: 480, rates: [30, 29.97] })
  })

  it('reads the layout of v4l-utils before 1.18', () => {
    expect(parseFormats(outputOf('webcam-v4l-utils-1.16'))).to.deep.equal({
      formats: [
        {
          fourcc: 'MJPG',
          description: 'Motion-JPEG',
          sizes: [
            { width: 1280, height: 720, rates: [30, 15] },
            { width: 640, height: 480, rates: [30] },
          ],
        },
        { fourcc: 'YUYV', description: 'YUYV 4:2:2', sizes: [{ width: 640, height: 480, rates: [30] }] },
        { fourcc: 'BGR3', description: '24-bit BGR 8-8-8', sizes: [{ width: 640, height: 480, rates: [30] }] },
      ],
    })
  })

  it('keeps the sizes of each format apart, also below a heading without a code of four characters', () => {
    const sizes = parseFormats(outputOf('depth-camera')).formats.map(
      ({ fourcc, sizes: [size] }) => `${fourcc} ${size?.width}x${size?.height}`,
    )
    expect(sizes).to.deep.equal([
      'YUYV 640x480',
      'Y16 -BE 1280x800',
      '35315559-0000-0010-8000-00aa003 1920x1080',
      'Z16 848x480',
    ])
  })

  it('ends a format at a heading that cannot be read', () => {
    const { formats } = parseFormats(webcam.replace("[1]: 'YUYV' (YUYV 4:2:2)", "[1]: '' ()"))
    expect(formats.map(({ fourcc }) => fourcc)).to.deep.equal(['MJPG', 'H264'])
    expect(formats[0]?.sizes).to.deep.include({ width: 640, height: 480, rates: [30] })
  })

  it('reads formats without sizes', () => {
    expect(parseFormats(outputOf('pwc')).formats).to.deep.equal([
      { fourcc: 'PWC2', description: 'Raw Philips Webcam', sizes: [] },
      { fourcc: 'YU12', description: 'Planar YUV 4:2:0', sizes: [] },
    ])
  })

  it('knows a layout that it does not understand from a device without formats', () => {
    expect(isUnderstood('ioctl: VIDIOC_ENUM_FMT\n\tType: Video Capture\n\n')).to.equal(true)
    expect(isUnderstood('')).to.equal(true)
    expect(isUnderstood('Format 0 is MJPG\n  640x480 (30.000 fps)\n')).to.equal(false)
  })

  it('returns no formats for noise', () => {
    for (const noise of [
      '',
      'Cannot open device /dev/video9, exiting.\n',
      '\tSize: Discrete 1x1\n\tInterval: Discrete',
    ])
      expect(parseFormats(noise)).to.deep.equal({ formats: [] })
  })
})

const webcam = `ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

	[0]: 'MJPG' (Motion-JPEG, compressed)
		Size: Discrete 640x480
			Interval: Discrete 0.033s (30.000 fps)
		Size: Discrete 1280x720
			Interval: Discrete 0.067s (15.000 fps)
			Interval: Discrete 0.033s (30.000 fps)
	[1]: 'YUYV' (YUYV 4:2:2)
		Size: Discrete 640x480
			Interval: Discrete 0.033s (29.970 fps)
	[2]: 'H264' (H.264, compressed)
		Size: Discrete 1920x1080
			Interval: Discrete 0.033s (30.000 fps)
`

const stepwise = `ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

	[0]: 'NV12' (Y/CbCr 4:2:0)
		Size: Stepwise 640x360 - 1920x1080 with step 2/2
			Interval: Stepwise 0.033s - 1.000s with step 0.033s (1.000-30.000 fps)
`
