import { expect } from 'chai'
import type { UsbDevice } from '../../machines/domain/camera.js'
import { identify } from '../../machines/domain/identity.js'
import type { Registry } from '../../machines/domain/ports.js'
import { carriedOver } from '../../machines/domain/registry.js'

describe('a registry of an earlier version', () => {
  it('gives a camera at a USB 2 port its id and its key', () => {
    const { ids, registry } = thenSeen([at('pci-0000:00:14.0-usb-0:2')], {
      camera4: ['port:1d6b:0102/pci-0000:00:14.0-usb-0:2'],
    })
    expect(ids).to.deep.equal(['camera4'])
    expect(registry).to.deep.equal({
      keyVersion: 2,
      next: 5,
      cameras: [{ id: 'camera4', keys: ['port:1d6b:0102/pci-0000:00:14.0-usb-0:2'] }],
      sharedSerials: [],
    })
  })

  it('gives a camera at a USB 3 port its id, and the key of its half', () => {
    const { ids, registry } = thenSeen([at('pci-0000:00:14.0-usbv3-0:2')], {
      camera4: ['port:1d6b:0102/pci-0000:00:14.0-usb-0:2'],
    })
    expect(ids).to.deep.equal(['camera4'])
    expect(registry.cameras).to.deep.equal([{ id: 'camera4', keys: ['port:1d6b:0102/pci-0000:00:14.0-usbv3-0:2'] }])
  })

  it('gives the id to the USB 2 half if both halves have such a camera, in any order, and once', () => {
    const known = { camera4: ['port:1d6b:0102/pci-0000:00:14.0-usb-0:2'] }
    const [two, three] = [at('pci-0000:00:14.0-usb-0:2', 0), at('pci-0000:00:14.0-usbv3-0:2', 2)]
    for (const devices of [
      [two, three],
      [three, two],
    ]) {
      const { found, registry } = thenSeen(devices, known)
      expect(found).to.deep.equal({ '/dev/video0': 'camera4', '/dev/video2': 'camera5' })
      const unplugged = identify([], registry).registry
      expect(identify([three], unplugged).found.map(({ id }) => id)).to.deep.equal(['camera5'])
    }
  })

  it('never gives the id of a camera of this version to another place', () => {
    const first = identify([at('pci-0000:00:14.0-usb-0:2')], carriedOver(empty)).registry
    expect(identify([at('pci-0000:00:14.0-usbv3-0:2')], carriedOver(first)).found.map(({ id }) => id)).to.deep.equal([
      'camera1',
    ])
  })

  it('finds the camera at a controller whose number has changed since', () => {
    const device = {
      ...at('platform-fc000000.usb-usb-0:1'),
      formerPort: 'platform-xhci-hcd.0.auto-usb-0:1',
    }
    const { ids, registry } = thenSeen([device], { camera2: ['port:1d6b:0102/platform-xhci-hcd.9.auto-usb-0:1'] })
    expect(ids).to.deep.equal(['camera2'])
    expect(registry.cameras).to.deep.equal([{ id: 'camera2', keys: ['port:1d6b:0102/platform-fc000000.usb-usb-0:1'] }])
  })

  it('does not give the id of a port to cameras whose driver reports one port for all', () => {
    const port = 'platform-fc000000.usb-usb-0:1'
    const devices = [0, 2].map((node) => ({ ...at(port, node), formerPort: 'platform-xhci-hcd.0.auto-usb-0:1' }))
    const { ids } = thenSeen(devices, { camera2: ['port:1d6b:0102/platform-xhci-hcd.9.auto-usb-0:1'] })
    expect(ids).to.deep.equal(['camera3', 'camera4'])
  })

  it('prefers the camera that the present number meant, and keeps the other id reserved', () => {
    const first = { ...at('platform-fc000000.usb-usb-0:1', 0), formerPort: 'platform-xhci-hcd.8.auto-usb-0:1' }
    const second = { ...at('platform-fc400000.usb-usb-0:1', 2), formerPort: 'platform-xhci-hcd.9.auto-usb-0:1' }
    const known = {
      camera0: ['port:1d6b:0102/platform-xhci-hcd.9.auto-usb-0:1'],
      camera1: ['port:1d6b:0102/platform-xhci-hcd.8.auto-usb-0:1'],
      camera2: ['port:1d6b:0102/platform-xhci-hcd.3.auto-usb-0:1'],
    }
    const { found, registry } = thenSeen([first, second], known)
    expect(found).to.deep.equal({ '/dev/video0': 'camera1', '/dev/video2': 'camera0' })
    expect(registry.cameras.map(({ id }) => id)).to.deep.equal(['camera0', 'camera1', 'camera2'])
    expect(registry.next).to.equal(3)
  })

  it('finds a camera by a serial that counts as none since: at its port, or moved, but only once', () => {
    const known = { camera3: ['serial:1d6b:0102:SN0001', 'port:1d6b:0102:SN0001/pci-0000:00:14.0-usb-0:2'] }
    const withSerial = (port: string) => ({ ...at(port), serial: 'SN0001' })
    const atHome = thenSeen([withSerial('pci-0000:00:14.0-usb-0:2')], known)
    expect(atHome.ids).to.deep.equal(['camera3'])
    expect(atHome.registry.cameras).to.deep.equal([
      { id: 'camera3', keys: ['port:1d6b:0102:SN0001/pci-0000:00:14.0-usb-0:2'] },
    ])
    const moved = thenSeen([withSerial('pci-0000:00:14.0-usb-0:3')], known)
    expect(moved.ids).to.deep.equal(['camera3'])
    expect(identify([withSerial('pci-0000:00:14.0-usb-0:4')], moved.registry).found.map(({ id }) => id)).to.deep.equal([
      'camera4',
    ])
  })

  it('gives two units with such a serial new ids if neither is at the known port', () => {
    const known = { camera3: ['serial:1d6b:0102:SN0001', 'port:1d6b:0102:SN0001/pci-0000:00:14.0-usb-0:2'] }
    const units = [3, 4].map((port) => ({ ...at(`pci-0000:00:14.0-usb-0:${port}`, port), serial: 'SN0001' }))
    const { found } = thenSeen(units, known)
    expect(found).to.deep.equal({ '/dev/video3': 'camera4', '/dev/video4': 'camera5' })
  })

  it('keeps unique serials, names and other keys as they are', () => {
    const registry: Registry = {
      next: 3,
      cameras: [
        { id: 'camera0', keys: ['serial:1d6b:0102:762B1F5F'], name: 'Door' },
        { id: 'camera1', keys: ['rtsp:yard'] },
        { id: 'camera2', keys: ['model:1d6b:0102:0'] },
      ],
      sharedSerials: ['1d6b:0102:X1'],
    }
    expect(carriedOver(registry)).to.deep.equal({ ...registry, keyVersion: 2 })
    expect(carriedOver(carriedOver(registry))).to.deep.equal(carriedOver(registry))
  })
})

const empty: Registry = { next: 0, cameras: [], sharedSerials: [] }

const at = (port: string, node = 0): UsbDevice => ({
  kind: 'usb',
  node: `/dev/video${node}`,
  vendorId: '1d6b',
  productId: '0102',
  model: 'Test Cam',
  port,
})

function thenSeen(devices: UsbDevice[], known: Record<`camera${number}`, string[]>) {
  const cameras = Object.entries(known).map(([id, keys]) => ({ id: id as `camera${number}`, keys }))
  const { found, registry } = identify(devices, carriedOver({ ...empty, cameras }))
  return {
    registry,
    ids: found.map(({ id }) => id),
    found: Object.fromEntries(found.map(({ id, device }) => [device.node, id])),
  }
}
