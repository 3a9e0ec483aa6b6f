import { expect } from 'chai'
import { parseCommand } from './command.js'
import { createControlEndpoint } from './control.js'
import {
  type CameraDescription,
  configurationDescriptor,
  deviceDescriptor,
  intervalOf,
  stringDescriptor,
} from './descriptors.js'
import { payloadsOf } from './stream.js'
import { createMessageReader, isochronousReply, type Submit, status, submitReply, unlinkReply } from './usbip.js'

const cameraOf = (line: string): CameraDescription => {
  const command = parseCommand(line)
  if (command.verb !== 'plug') throw new Error('not a plug')
  return command.description
}

/** A request of the kernel, as it comes over the wire. */
const submitBytes = ({ sequence, length, packets }: { sequence: number; length: number; packets?: number[] }) => {
  const header = Buffer.alloc(48)
  header.writeUInt32BE(1, 0)
  header.writeUInt32BE(sequence, 4)
  header.writeUInt32BE(1, 12)
  header.writeUInt32BE(1, 16)
  header.writeUInt32BE(length, 24)
  header.writeUInt32BE(packets?.length ?? 0xffffffff, 32)
  const table = (packets ?? []).map((room) => {
    const entry = Buffer.alloc(16)
    entry.writeUInt32BE(room, 4)
    return entry
  })
  return Buffer.concat([header, ...table])
}
const unlinkBytes = (sequence: number, target: number) => {
  const header = Buffer.alloc(48)
  header.writeUInt32BE(2, 0)
  header.writeUInt32BE(sequence, 4)
  header.writeUInt32BE(target, 20)
  return header
}

describe('USB camera of the test machine', () => {
  for (const options of ['', 'iso', 'h264', 'hd rates=30', 'second=h264', 'iso second=h264']) {
    it(`tells descriptors whose lengths agree${options && ` (${options})`}`, () => {
      const camera = cameraOf(`plug 0 SN0001 ${options}`)
      const configuration = configurationDescriptor(camera)
      expect(configuration.readUInt16LE(2)).to.equal(configuration.length)
      let offset = 0
      while (offset < configuration.length) offset += configuration[offset] || Number.NaN
      expect(offset).to.equal(configuration.length)
      expect(deviceDescriptor(camera)).to.have.length(18)
    })
  }

  it('tells a serial, or none', () => {
    const serialIndex = 16
    const named = cameraOf('plug 0 SN0001')
    expect(deviceDescriptor(named)[serialIndex]).to.equal(3)
    expect(stringDescriptor(3, named)?.subarray(2).toString('utf16le')).to.equal('SN0001')
    expect(deviceDescriptor(cameraOf('plug 0 -'))[serialIndex]).to.equal(0)
  })

  it('settles on the nearest mode that it offers', () => {
    const control = createControlEndpoint(cameraOf('plug 0 SN0001 rates=5,10,15'), {
      settingChosen: () => {},
      halted: () => {},
    })
    const setProbe = Buffer.of(0x21, 1, 0, 1, 1, 0, 26, 0)
    const wish = Buffer.alloc(26)
    wish[2] = 2 // YUY2
    wish[3] = 9 // beyond the last size
    wish.writeUInt32LE(intervalOf(11), 4)
    expect(control.answer(setProbe, wish)).to.equal('done')
    expect(control.mode(0)).to.deep.include({ fourcc: 'YUY2', width: 640, height: 360 })
    expect(Math.round(control.mode(0).rate)).to.equal(10)
    const getProbe = Buffer.of(0xa1, 0x81, 0, 1, 1, 0, 34, 0)
    const answer = control.answer(getProbe, Buffer.alloc(0))
    expect(answer).to.be.instanceOf(Buffer)
    expect([...(answer as Buffer).subarray(2, 4)]).to.deep.equal([2, 2])
  })

  it('cuts frames into payloads that mark the last and carry the frame id', () => {
    const payloads = payloadsOf(Buffer.alloc(25, 7), { frameId: 1, size: 12 })
    expect(payloads.map((payload) => [payload.length, payload[1]])).to.deep.equal([
      [12, 0x81],
      [12, 0x81],
      [7, 0x83],
    ])
  })

  it('reads messages however they are chopped', () => {
    const bytes = Buffer.concat([
      submitBytes({ sequence: 1, length: 512 }),
      submitBytes({ sequence: 2, length: 8, packets: [4, 4] }),
      unlinkBytes(3, 1),
    ])
    for (const size of [1, 7, 48, 1000]) {
      const read = createMessageReader()
      const messages = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        read(bytes.subarray(index * size, (index + 1) * size)),
      ).flat()
      expect(messages.map((message) => [message.kind, message.sequence])).to.deep.equal([
        ['submit', 1],
        ['submit', 2],
        ['unlink', 3],
      ])
      expect((messages[1] as Submit).packets).to.deep.equal([4, 4])
    }
  })

  it('answers in the layout of the protocol', () => {
    const [submit] = createMessageReader()(submitBytes({ sequence: 5, length: 8, packets: [4, 4] })) as [Submit]
    const reply = submitReply(submit, { data: Buffer.from('abc') })
    expect([
      reply.readUInt32BE(0),
      reply.readUInt32BE(4),
      reply.readInt32BE(20),
      reply.readInt32BE(24),
      reply.length,
    ]).to.deep.equal([3, 5, 0, 3, 51])
    const iso = isochronousReply(submit, [Buffer.from('ab'), Buffer.alloc(0)])
    expect([iso.readInt32BE(24), iso.readInt32BE(32)]).to.deep.equal([2, 2])
    const table = iso.subarray(50)
    expect(Array.from({ length: 8 }, (_, index) => table.readUInt32BE(index * 4))).to.deep.equal([
      0, 4, 2, 0, 4, 4, 0, 0,
    ])
    expect(unlinkReply({ kind: 'unlink', sequence: 6, target: 5 }, true).readInt32BE(20)).to.equal(status.unlinked)
  })

  it('refuses commands that it does not understand', () => {
    for (const line of [
      'plug 7 SN',
      'plug x SN',
      'plug 0',
      'plug 0 SN fast',
      'plug 0 SN badge=green',
      'explode 0',
      '',
    ]) {
      expect(() => parseCommand(line), line).to.throw(Error)
    }
  })
})
