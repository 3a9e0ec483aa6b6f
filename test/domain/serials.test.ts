import { expect } from 'chai'
import { identify, normaliseSerial } from '../../machines/domain/identity.js'
import { isPlaceholder, placeholders } from '../../machines/domain/serials.js'

describe('serials that identify no unit', () => {
  for (const { what, seen } of placeholders) {
    it(`are recognised: ${what}`, () => {
      for (const serial of seen) expect(isPlaceholder(normaliseSerial(serial) ?? '0'), serial).to.equal(true)
    })
  }

  it('are recognised by their kind', () => {
    for (const serial of ['00000000', '0001', 'SN0001', '20200131', '01.00.00', '9876543', '789012', '6789ABC', 'none'])
      expect(isPlaceholder(serial), serial).to.equal(true)
  })

  for (const serial of seriousSerials()) {
    it(`does not take ${serial} for one`, () => expect(isPlaceholder(serial)).to.equal(false))
  }

  for (const serial of placeholders.flatMap(({ seen }) => seen)) {
    it(`gives a camera with the serial ${serial} the identity of its port, and never high confidence`, () => {
      const device = { kind: 'usb', node: '/dev/video0', vendorId: '1bcf', productId: '0215', model: 'Cam' } as const
      const atPort = identify([{ ...device, serial, port: 'pci-0000:00:14.0-usb-0:1' }], noCameras).found[0]?.identity
      expect(atPort).to.deep.include({ basis: 'port', confidence: 'medium', ambiguous: false })
      const withoutPort = identify([{ ...device, serial }], noCameras).found[0]?.identity
      expect(withoutPort).to.deep.include({ basis: 'model', confidence: 'low' })
    })
  }
})

const noCameras = { next: 0, cameras: [], sharedSerials: [] }

/** Serials of real units, and such as users write into their cameras to tell them apart. */
function seriousSerials(): string[] {
  return [
    '1563CF40', // Logitech C615
    '762B1F5F', // Logitech C920
    '0005723438000', // Elgato Cam Link 4K
    '236422072385', // Intel RealSense
    'SN0002',
    '0002',
    '000000000042',
    '202301150042',
    '20231501',
    '20230132',
    '123',
    'A',
    '1.2.3.4.5.6',
    'DEAD',
  ]
}
