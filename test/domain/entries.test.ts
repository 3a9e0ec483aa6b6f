import { expect } from 'chai'
import type { LocalDevice, UsbDevice } from '../../machines/domain/camera.js'
import { entriesOf } from '../../machines/domain/entries.js'
import type { CameraEntry, Registry } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import { roster } from '../../machines/domain/roster.js'

const front: UsbDevice = {
  kind: 'usb',
  node: '/dev/video0',
  vendorId: '046d',
  productId: '0825',
  serial: '762B1F5F',
  port: 'pci-0000:00:14.0-usb-0:1',
  model: 'C270',
  links: ['/dev/v4l/by-id/usb-046d_0825_762B1F5F-video-index0'],
}
const back: UsbDevice = {
  ...front,
  node: '/dev/video2',
  serial: 'A1',
  port: 'platform-fc000000.usb-usbv3-0:1',
  formerPort: 'platform-xhci-hcd.8.auto-usb-0:1',
  links: [],
}
const csi: LocalDevice = {
  kind: 'v4l2',
  node: '/dev/video10',
  model: 'unicam',
  links: ['/dev/v4l/by-path/platform-fe801000.csi-video-index0'],
}

describe('an entry of the configuration', () => {
  for (const [match, names] of Object.entries({
    '762B1F5F': ['front'],
    'pci-0000:00:14.0-usb-0:1': ['front'],
    'pci-0000:00:14.0-usb-0:1:1.0': ['front'],
    '/dev/v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0': ['front'],
    '/dev/v4l/by-id/usb-046d_0825_762B1F5F-video-index0': ['front'],
    'platform-fc000000.usb-usbv3-0:1': ['back'],
    'platform-fc000000.usb-usb-0:1': ['back'],
    'platform-xhci-hcd.8.auto-usb-0:1': ['back'],
    'platform-xhci-hcd.3.auto-usb-0:1:1.0': ['back'],
    '046d:0825': ['front', 'back'],
    '046d:0826': [],
    SN1: [],
  }))
    it(`usb:${match} means ${names.join(' and ') || 'no camera'}`, () => {
      const nodes = [...entriesOf([front, back, csi], [usb(match)]).keys()]
      expect(nodes.sort()).to.deep.equal(names.map((name) => ({ front, back })[name]?.node))
    })

  it('that is more exact goes before one that names the model', () => {
    const [model, exact] = [usb('046d:0825'), usb('A1')]
    const own = entriesOf([front, back], [model, exact])
    expect([own.get(front.node), own.get(back.node)]).to.deep.equal([model, exact])
  })

  it('of the USB 2 half does not mean the camera at the USB 3 half, while both are there', () => {
    const [two, three] = ['usb-0:2', 'usbv3-0:2'].map((port, at): UsbDevice => {
      const { serial: _, ...rest } = front
      return { ...rest, port: `pci-0000:00:14.0-${port}`, node: `/dev/video${at}` }
    })
    const entry = usb('pci-0000:00:14.0-usb-0:2')
    expect([...entriesOf([three, two] as UsbDevice[], [entry]).keys()]).to.deep.equal([two?.node])
  })
})

describe('the roster', () => {
  it('makes a camera of a capture device that an entry names, identified by its path', () => {
    const { present, ignored, registry } = see([csi], [v4l2(csi.links?.[0] ?? '')])
    expect(present).to.deep.equal([
      {
        id: 'camera0',
        identity: {
          key: 'v4l2:/dev/v4l/by-path/platform-fe801000.csi-video-index0',
          basis: 'port',
          confidence: 'medium',
          ambiguous: false,
        },
        name: 'Porch',
        settings: {},
        entry: 'v4l2:/dev/v4l/by-path/platform-fe801000.csi-video-index0',
        device: csi,
      },
    ])
    expect(ignored).to.deep.equal([])
    expect(see([{ ...csi, node: '/dev/video4' }], [v4l2(csi.links?.[0] ?? '')], registry).present[0]?.id).to.equal(
      'camera0',
    )
    expect(see([csi], [v4l2('/dev/video10')]).present[0]?.identity.confidence).to.equal('low')
  })

  it('gives a camera the name of its entry, and has no camera whose entry is disabled', () => {
    const entry = usb('762B1F5F', 'Door')
    const { present } = see([front, back], [entry])
    expect(present.map(({ name, entry: from }) => [name, from])).to.deep.equal([
      ['Door', 'usb:762B1F5F'],
      ['C270', undefined],
    ])
    const { present: others } = see([front, back], [{ ...entry, enabled: false }])
    expect(others.map(({ device }) => device)).to.deep.equal([back])
  })

  it('ignores other capture devices, and says so', () => {
    const { present, ignored } = see([front, csi], [])
    expect([present.map(({ name }) => name), ignored]).to.deep.equal([['C270'], [csi]])
  })

  it('names the entries that no device matches, with the reason', () => {
    const entries = [
      usb('SN7', 'gate'),
      usb('046d:0825', 'all'),
      v4l2('/dev/v4l/by-path/platform-x-video-index0', 'csi'),
    ]
    expect(see([front], entries).absent.map(({ name, reason }) => [name, reason.code])).to.deep.equal([
      ['gate', 'entry_unmatched'],
      ['csi', 'entry_unmatched'],
    ])
    const [second] = see([front], [usb('762B1F5F', 'one'), usb('pci-0000:00:14.0-usb-0:1', 'two')]).absent
    expect([second?.name, second?.reason]).to.deep.equal([
      'two',
      because('entry_unmatched', 'another entry of the configuration means the same camera'),
    ])
    const [wrong] = see([front, back], [v4l2(front.node, 'wrong')]).absent
    expect(wrong?.reason.details).to.contain('write usb: instead of v4l2:')
    expect(see([], [{ ...usb('SN7'), enabled: false }]).absent).to.deep.equal([])
  })

  it('keeps the id of a configured camera by its key, whatever its name', () => {
    const yard = { name: 'yard', source: { kind: 'virtual' }, enabled: true, settings: {} } as const
    const { registry } = see([], [yard])
    const renamed = see([], [{ ...yard, name: 'Hof 🚜', key: 'yard' }], registry)
    expect(renamed.present.map(({ id, name }) => [id, name])).to.deep.equal([['camera0', 'Hof 🚜']])
    expect(see([], [{ ...yard, name: 'Hof' }], registry).present[0]?.id).to.equal('camera1')
  })

  it('uses the name that a client has set', () => {
    const { registry } = see([front], [])
    const cameras = registry.cameras.map((camera) => ({ ...camera, name: 'Front Door' }))
    const again = see([front], [usb('A1')], { ...registry, cameras })
    expect([again.present[0]?.name, again.changed, again.registry.cameras[0]?.name]).to.deep.equal([
      'Front Door',
      false,
      'Front Door',
    ])
  })
})

const empty: Registry = { keyVersion: 2, next: 0, cameras: [], sharedSerials: [] }
const usb = (match: string, name = 'Porch'): CameraEntry => ({
  name,
  source: { kind: 'usb', match },
  enabled: true,
  settings: {},
})
const v4l2 = (path: string, name = 'Porch'): CameraEntry => ({
  name,
  source: { kind: 'v4l2', path },
  enabled: true,
  settings: {},
})
const see = (devices: LocalDevice[], entries: CameraEntry[], registry = empty) =>
  roster({ devices, entries, streams: [], away: [] }, registry)
