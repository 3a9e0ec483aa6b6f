import { expect } from 'chai'
import { parseCommand } from './command.js'
import { createControlEndpoint } from './control.js'
import { type CameraDescription, configurationDescriptor } from './descriptors.js'
import { createDevice } from './device.js'
import type { Submit } from './usbip.js'

const cameraOf = (line: string): CameraDescription => {
  const command = parseCommand(line)
  if (command.verb !== 'plug') throw new Error('not a plug')
  return command.description
}

const parts = (configuration: Buffer): Buffer[] => {
  const found: Buffer[] = []
  for (let offset = 0; offset < configuration.length; offset += configuration[offset] || Number.NaN)
    found.push(configuration.subarray(offset, offset + (configuration[offset] ?? 0)))
  return found
}
const ofType = (type: number, all: Buffer[]) => all.filter((part) => part[1] === type)
const ofSubtype = (subtype: number, all: Buffer[]) => ofType(0x24, all).filter((part) => part[2] === subtype)

const submit = (sequence: number, endpoint: number, request: Partial<Submit> = {}): Submit => ({
  kind: 'submit',
  sequence,
  endpoint,
  direction: 'in',
  length: 16_384,
  setup: Buffer.alloc(8),
  data: Buffer.alloc(0),
  packets: [],
  ...request,
})
const setCurrent = (selector: number, streamingInterface: number) =>
  Buffer.of(0x21, 1, 0, selector, streamingInterface, 0, 26, 0)
const getCurrent = (selector: number, streamingInterface: number) =>
  Buffer.of(0xa1, 0x81, 0, selector, streamingInterface, 0, 34, 0)
/** Format 1 in this size of it. */
const wish = (frame: number) => {
  const bytes = Buffer.alloc(26)
  bytes[2] = 1
  bytes[3] = frame
  return bytes
}

describe('USB camera with two capture nodes', () => {
  for (const [transfer, settings] of [
    ['bulk', [1, 2]],
    ['iso', [1, 1, 2, 2]],
  ] as const) {
    it(`has one function with a terminal, an interface and an endpoint for each node (${transfer})`, () => {
      const all = parts(configurationDescriptor(cameraOf(`plug 0 SN1 second=h264 ${transfer === 'iso' ? 'iso' : ''}`)))
      const [association] = ofType(0x0b, all)
      expect(association && [...association.subarray(2, 4)], 'first interface and number').to.deep.equal([0, 3])
      expect(all[0]?.[4], 'interfaces of the configuration').to.equal(3)
      expect(ofType(4, all).map((part) => part[2])).to.deep.equal([0, ...settings])
      expect(ofType(5, all).map((part) => part[2])).to.deep.equal([0x81, 0x82])
      const [control, ...streaming] = ofSubtype(1, all)
      expect(control && [...control.subarray(11)], 'interfaces of the function').to.deep.equal([2, 1, 2])
      expect(streaming.map((part) => [part[6], part[8]])).to.deep.equal([
        [0x81, 3],
        [0x82, 4],
      ])
      // Those of the control interface; the formats that follow have subtypes of their own.
      const terminals = ofSubtype(3, all)
      expect(terminals.map((part) => [part[3], part[7]])).to.deep.equal([
        [3, 2],
        [4, 2],
      ])
      expect([ofSubtype(6, all).length, ofSubtype(0x10, all).length]).to.deep.equal([1, 1])
      const start = all.findIndex((part) => part[1] === 4 && part[2] === 2)
      expect(all.findIndex((part) => part[1] === 0x24 && part[2] === 6)).to.be.below(start)
      expect(all.findIndex((part) => part[1] === 0x24 && part[2] === 0x10)).to.be.above(start)
    })
  }

  it('agrees on a mode for each interface separately', () => {
    const chosen: number[][] = []
    const halted: number[] = []
    const control = createControlEndpoint(cameraOf('plug 0 SN1 second=h264'), {
      settingChosen: (...setting) => chosen.push(setting),
      halted: (stream) => halted.push(stream),
    })
    const size = (stream: number) => [control.mode(stream).fourcc, control.mode(stream).width]
    const none = Buffer.alloc(0)
    expect(control.answer(setCurrent(1, 2), wish(2))).to.equal('done')
    expect([size(0), size(1)]).to.deep.equal([
      ['MJPG', 320],
      ['H264', 640],
    ])
    expect(control.answer(setCurrent(2, 1), wish(2))).to.equal('done')
    expect(control.answer(setCurrent(2, 2), wish(1))).to.equal('done')
    expect([size(0), size(1)]).to.deep.equal([
      ['MJPG', 640],
      ['H264', 320],
    ])
    expect([1, 2].map((number) => (control.answer(getCurrent(1, number), none) as Buffer)[3])).to.deep.equal([2, 1])
    expect(control.answer(getCurrent(1, 3), none), 'no such interface').to.equal('stall')

    const setInterface = (number: number) => Buffer.of(1, 11, 1, 0, number, 0, 0, 0)
    const getInterface = (number: number) => Buffer.of(0x81, 10, 0, 0, number, 0, 1, 0)
    const clearHalt = (endpoint: number) => Buffer.of(2, 1, 0, 0, endpoint, 0, 0, 0)
    expect(control.answer(setInterface(2), none)).to.equal('done')
    expect([0, 1, 2].map((number) => (control.answer(getInterface(number), none) as Buffer)[0])).to.deep.equal([
      0, 0, 1,
    ])
    expect(chosen).to.deep.equal([[1, 1]])
    for (const endpoint of [0x82, 0x81]) expect(control.answer(clearHalt(endpoint), none)).to.equal('done')
    expect(halted).to.deep.equal([1, 0])
  })

  it('sends the frames of each node on its endpoint, and stops one without the other', () => {
    const replies: { kind: number; sequence: number; result: number; data: string }[] = []
    const device = createDevice({
      description: cameraOf('plug 0 SN1 second=h264'),
      frame: ({ fourcc, width }) => Buffer.from(`${fourcc} ${width}`),
      send: (bytes) =>
        replies.push({
          kind: bytes.readUInt32BE(0),
          sequence: bytes.readUInt32BE(4),
          result: bytes.readInt32BE(20),
          data: bytes.subarray(48 + 2).toString('latin1'),
        }),
    })
    try {
      device.handle(submit(1, 0, { setup: setCurrent(2, 2), data: wish(2), direction: 'out' }))
      device.handle(submit(2, 2))
      device.handle(submit(3, 1))
      device.handle(submit(4, 1))
      device.handle(submit(5, 2))
      expect(replies.slice(1).map(({ sequence, data }) => [sequence, data])).to.deep.equal([
        [2, 'H264 640'],
        [3, 'MJPG 320'],
      ])
      expect(device.stats().frames).to.equal(2)
      for (const target of [5, 2, 3]) device.handle({ kind: 'unlink', sequence: 10 + target, target })
      expect(replies.slice(3).map(({ kind, sequence, result }) => [kind, sequence, result])).to.deep.equal([
        [4, 15, -104],
        [4, 12, 0],
        [4, 13, 0],
      ])
      device.handle(submit(6, 2))
      expect(replies.at(-1), 'a new start').to.deep.include({ sequence: 6, data: 'H264 640' })
      device.handle(submit(7, 1))
      expect(replies.at(-1), 'the first node never stopped').to.deep.include({ sequence: 6 })
    } finally {
      device.end()
    }
  })

  it('takes formats and sizes as options', () => {
    const offered = (options: string) =>
      cameraOf(`plug 0 SN1 ${options}`).streams.map((formats) =>
        formats.map(({ fourcc, sizes }) => [fourcc, ...sizes.map(({ width }) => width)].join(' ')),
      )
    expect(offered('formats=yuy2,mjpg sizes=320x180')).to.deep.equal([['YUY2 320', 'MJPG 320']])
    expect(offered('formats=mjpg second=h264 sizes=640x360,1280x720')).to.deep.equal([['MJPG 640 1280'], ['H264 640']])
    for (const wrong of ['second=vp8', 'formats=yuy2 sizes=1280x720'])
      expect(() => offered(wrong), wrong).to.throw(Error)
  })
})
