import { expect } from 'chai'
import type { Device } from '../../machines/domain/camera.js'
import type { CameraEntry } from '../../machines/domain/ports.js'
import { configuredAt, isSameDevice } from '../../machines/domain/roster.js'

const usb = {
  kind: 'usb',
  node: '/dev/video0',
  port: '1.2',
  vendorId: '1',
  productId: '2',
  model: 'm',
  links: [],
} as unknown as Device
const plain = { kind: 'v4l2', node: '/dev/video0', model: 'm', links: [] } as Device
const network = { kind: 'rtsp', name: 'a', url: 'rtsp://cam/live' } as Device
const virtual = { kind: 'virtual', name: 'a' } as Device

describe('the device of a camera', () => {
  it('is the same while its nodes, its port and its plug, or its access, are', () => {
    for (const [one, other] of [
      [usb, { ...usb, model: 'other' }],
      [plain, { ...plain, model: 'other' }],
      [network, { url: 'rtsp://cam/live', name: 'b', kind: 'rtsp' }],
      [virtual, { ...virtual, name: 'b' }],
    ])
      expect(isSameDevice(one as Device, other as Device), JSON.stringify(other)).to.equal(true)
  })

  it('is another one if one of these differs, or its kind', () => {
    for (const [one, other] of [
      [usb, { ...usb, node: '/dev/video1' }],
      [usb, { ...usb, port: '1.3' }],
      [
        { ...usb, plug: '7' },
        { ...usb, plug: '8' },
      ],
      [usb, { ...usb, otherNodes: ['/dev/video2'] }],
      [plain, { ...plain, node: '/dev/video1' }],
      [network, { ...network, url: 'rtsp://cam/other' }],
      [network, { ...network, transport: 'tcp' }],
      [usb, plain],
      [network, virtual],
    ])
      expect(isSameDevice(one as Device, other as Device), JSON.stringify(other)).to.equal(false)
  })

  it('belongs to the entry with its URL, enabled or not', () => {
    const entries = [
      { name: 'a', enabled: true, source: { kind: 'usb' } },
      { name: 'b', enabled: false, source: { kind: 'rtsp', url: 'rtsp://cam/live' } },
    ] as unknown as CameraEntry[]
    expect(configuredAt('rtsp://cam/live', entries)?.name).to.equal('b')
    expect(configuredAt('rtsp://cam/other', entries)).to.equal(undefined)
  })
})
