import { expect } from 'chai'
import fc from 'fast-check'
import { chooseMode, type ModeWish, usableFormats } from '../../machines/domain/captureMode.js'
import { offering } from '../support/offering.js'

const usual: ModeWish = { width: 1280, height: 720, fps: 30 }
const format = (fourcc: string, ...modes: [number, number, ...number[]][]) => ({
  fourcc,
  description: fourcc,
  sizes: modes.map(([width, height, ...rates]) => ({ width, height, rates })),
})
const chosen = (formats: ReturnType<typeof format>[], changes: Partial<ModeWish> = {}) => {
  const { mode, reason = '' } = chooseMode({ formats }, { ...usual, ...changes }) ?? {}
  return [mode && `${mode.fourcc} ${mode.width}x${mode.height} ${mode.fps}`, reason]
}

describe('the mode of a camera', () => {
  it('has the better format, in this order', () => {
    const classes = [
      ['H264'],
      ['MJPG', 'JPEG'],
      ['YUYV', 'UYVY', 'NV12', 'YU12'],
      ['YV12'],
      ['422P'],
      ['BGR3', 'RGB3', '411P'],
      ['BGR4', 'RGB4', 'YVYU', 'NV21'],
      ['NV24', 'P010', 'RGBP', 'RGBR', 'RGBO', 'RGBQ', 'YUV9'],
      ['GREY', 'HEVC'],
      ['Y16', 'BA81', 'GBRG', 'GRBG', 'RGGB'],
      ['NV16'],
    ]
    expect(classes.flat().sort()).to.deep.equal([...usableFormats].sort())
    const same = (fourcc: string) => format(fourcc, [1280, 720, 30])
    for (const [index, formats] of classes.entries())
      for (const better of formats) {
        for (const worse of classes[index + 1] ?? [])
          expect(chosen([same(worse), same(better)])[0], `${better}, ${worse}`).to.equal(`${better} 1280x720 30`)
        // Among equal ones the driver's order decides.
        for (const equal of formats) expect(chosen([same(equal), same(better)])[0]).to.equal(`${equal} 1280x720 30`)
      }
  })

  it('is not the H.264 of the camera if that is encoded again anyway', () => {
    const formats = [format('H264', [1280, 720, 30]), format('MJPG', [1280, 720, 30])]
    expect(chosen(formats)[0]).to.equal('H264 1280x720 30')
    expect(chosen(formats, { copy: false })[0]).to.equal('MJPG 1280x720 30')
  })

  it('weighs size, rate and format against each other', () => {
    const small = format('H264', [640, 360, 30])
    expect(chosen([small, format('MJPG', [1280, 720, 30])])).to.deep.equal([
      ...['MJPG 1280x720 30', 'its best mode up to 1280x720 at 30 fps, better than its own H.264 modes'],
    ])
    expect(chosen([small, format('MJPG', [1280, 720, 30])], { copy: false })[1]).to.equal(
      'its best mode up to 1280x720 at 30 fps',
    )
    expect(chosen([format('YUYV', [1280, 720, 10]), format('MJPG', [1280, 720, 30, 60])])[0]).to.equal(
      'MJPG 1280x720 30',
    )
    // Half of the rate loses motion, twice the rate costs as much and a little more.
    expect(chosen([format('MJPG', [1280, 720, 15, 60])])[0]).to.equal('MJPG 1280x720 15')
    expect(chosen([format('MJPG', [1280, 720, 14.9, 60])])[0]).to.equal('MJPG 1280x720 14.9')
    expect(chosen([format('MJPG', [1280, 720, 10, 60])])[0]).to.equal('MJPG 1280x720 60')
    expect(chosen([format('MJPG', [1280, 720, 30.2, 25])])[0]).to.equal('MJPG 1280x720 30.2')
  })

  it('is the larger one of two that weigh the same, then the faster one, in any order', () => {
    const sizes = [format('MJPG', [1280, 720, 15]), format('MJPG', [1280, 360, 30])]
    const rates = [format('H264', [1280, 720, 7.5]), format('BGR3', [1280, 720, 30])]
    for (const inOrder of [(list: typeof sizes) => list, (list: typeof sizes) => [...list].reverse()]) {
      expect(chosen(inOrder(sizes))[0]).to.equal('MJPG 1280x720 15')
      expect(chosen(inOrder(rates))[0]).to.equal('BGR3 1280x720 30')
    }
  })

  it('says that all are larger if it is the smallest', () => {
    expect(chosen([format('MJPG', [3840, 2160, 30], [1920, 1080, 30])])[1]).to.equal(
      'the smallest size of the camera; all are larger than 1280x720',
    )
  })

  it('is the nearest to an explicit size and rate, and says how near', () => {
    const formats = [format('MJPG', [1920, 1080, 30], [640, 480, 30, 15])]
    expect(chosen(formats, { width: 640, height: 480, explicit: { size: true } })).to.deep.equal([
      ...['MJPG 640x480 30', '640x480 as requested'],
    ])
    expect(chosen(formats, { width: 1800, height: 1000, explicit: { size: true } })).to.deep.equal([
      ...['MJPG 1920x1080 30', '1800x1000 is not offered, 1920x1080 is nearest'],
    ])
    expect(chosen(formats, { fps: 14, explicit: { fps: true } })).to.deep.equal([
      ...['MJPG 640x480 15', '14 fps is not offered at this size, 15 is nearest'],
    ])
    expect(chosen(formats, { fps: 15, explicit: { fps: true } })[1]).to.equal('15 fps as requested')
    expect(chosen(formats, { width: 640, height: 480, fps: 15, explicit: { size: true, fps: true } })).to.deep.equal([
      'MJPG 640x480 15',
      '640x480 at 15 fps as requested',
    ])
  })

  it('is tried at the requested size if the camera lists none', () => {
    expect(chosen([format('YUYV'), format('MJPG')])).to.deep.equal([
      ...['MJPG 1280x720 30', 'it lists no sizes, so this one is tried'],
    ])
  })

  it('does not exist without a usable one', () => {
    for (const formats of [
      ...[[], [format('Z16 ', [640, 480, 30])]],
      [format('MJPG', [0, 480, 30], [640, 0, 30], [640, 480, 0])],
    ])
      expect(chosen(formats)).to.deep.equal([undefined, ''])
  })
})

describe('chooseMode', () => {
  for (const [story, offered, expected] of [
    [
      'the best size within the limit, not the largest',
      ['MJPG 1920x1080@30', 'MJPG 1280x720@30', 'MJPG 640x480@30'],
      'MJPG 1280x720@30',
    ],
    ['30 frames per second although 60 are offered', ['MJPG 1280x720@60', 'MJPG 1280x720@30'], 'MJPG 1280x720@30'],
    [
      'the native H.264 of the same size',
      ['MJPG 1280x720@30', 'H264 1280x720@30', 'YUYV 1280x720@30'],
      'H264 1280x720@30',
    ],
    [
      'MJPEG of the full size rather than H.264 of half the size',
      ['MJPG 1280x720@30', 'H264 640x360@30'],
      'MJPG 1280x720@30',
    ],
    [
      'MJPEG at the full rate rather than raw frames at a low rate',
      ['YUYV 1280x720@10', 'MJPG 1280x720@30'],
      'MJPG 1280x720@30',
    ],
    [
      'small raw frames at the full rate rather than large ones at a low rate',
      ['YUYV 1280x720@5', 'YUYV 640x480@30'],
      'YUYV 640x480@30',
    ],
    [
      'the smallest size above the limit if there is none below',
      ['MJPG 1920x1080@30', 'MJPG 3840x2160@30'],
      'MJPG 1920x1080@30',
    ],
    [
      'the first of equal modes in the order of the driver, as a grabber lists them at 1080p',
      ['YUYV 1920x1080@30', 'NV12 1920x1080@30'],
      'YUYV 1920x1080@30',
    ],
    [
      'the first of equal modes in the order of the driver, as the grabber lists them at UHD',
      ['NV12 3840x2160@30', 'YUYV 3840x2160@30'],
      'NV12 3840x2160@30',
    ],
    ['a rare format if there is no other', ['Z16 1280x720@30', 'Y16 640x512@9'], 'Y16 640x512@9'],
    ['no raw sensor pattern', ['BA81 1280x720@30', 'YUYV 320x240@15'], 'YUYV 320x240@15'],
  ] as const)
    it(`chooses ${story}`, () => expect(brief(chooseMode(offering(...offered), usual)?.mode)).to.equal(expected))

  it('follows explicit settings, even at a low frame rate', () => {
    const offered = offering('H264 1280x720@30', 'YUYV 1600x1200@5')
    const choice = chooseMode(offered, { width: 1600, height: 1200, fps: 30, explicit: { size: true } })
    expect([brief(choice?.mode), choice?.reason]).to.deep.equal(['YUYV 1600x1200@5', '1600x1200 as requested'])
  })

  it('chooses the mode nearest to the explicit settings, and reports the difference', () => {
    const offered = offering('MJPG 640x480@30', 'MJPG 1280x720@30', 'MJPG 1280x720@10')
    const choice = chooseMode(offered, { width: 1024, height: 768, fps: 12, explicit: { size: true, fps: true } })
    expect(brief(choice?.mode)).to.equal('MJPG 1280x720@10')
    expect(choice?.reason).to.equal(
      '1024x768 is not offered, 1280x720 is nearest; 12 fps is not offered at this size, 10 is nearest',
    )
  })

  it('treats 29.97 as 30', () =>
    expect(chooseMode(offering('MJPG 640x480@29.97'), { ...usual, fps: 30, explicit: { fps: true } })?.reason).to.equal(
      '30 fps as requested',
    ))

  it('always chooses an offered mode, independent of their order', () => {
    const mode = fc.tuple(
      fc.constantFrom('MJPG', 'YUYV', 'H264', 'XXXX'),
      fc.constantFrom('640x480', '1280x720', '1920x1080', '160x120'),
      fc.integer({ min: 1, max: 90 }),
    )
    fc.assert(
      fc.property(fc.array(mode, { maxLength: 12 }), fc.boolean(), fc.boolean(), (modes, size, fps) => {
        const offered = modes.map(([fourcc, wh, rate]) => `${fourcc} ${wh}@${rate}`)
        const choice = brief(chooseMode(offering(...offered), { ...usual, explicit: { size, fps } })?.mode)
        const usable = offered.filter((one) => !one.startsWith('XXXX'))
        if (usable.length === 0) expect(choice).to.equal(undefined)
        else expect(usable).to.include(choice)
        expect(brief(chooseMode(offering(...offered.reverse()), { ...usual, explicit: { size, fps } })?.mode)).to.equal(
          choice,
        )
      }),
    )
  })
})

const brief = (mode: { fourcc: string; width: number; height: number; fps: number } | undefined) =>
  mode && `${mode.fourcc} ${mode.width}x${mode.height}@${mode.fps}`
