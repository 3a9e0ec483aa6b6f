import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createUsbDevices } from '../../../adapters/usb/devices.js'
import type { Properties } from '../../../adapters/usb/udev.js'

const log = { error() {}, warn() {}, info() {}, debug() {} }
const { signal } = new AbortController()

describe('USB devices with udev', () => {
  it('lists the capture nodes of USB cameras, ordered by port', async () => {
    const { usb } = byUdev(metadata(second), second, first, metadata(first), vivid, justPlugged)
    expect(await usb.list(signal)).to.deep.equal([
      {
        kind: 'usb',
        node: '/dev/video2',
        vendorId: '1d6b',
        productId: '0102',
        model: 'Test Cam',
        serial: 'SN0001',
        port: 'platform-vhci_hcd.0-usb-0:1',
      },
      {
        kind: 'usb',
        node: '/dev/video0',
        vendorId: '1d6b',
        productId: '0102',
        model: 'Test Cam',
        serial: 'SN0002',
        port: 'platform-vhci_hcd.0-usb-0:10',
      },
    ])
  })

  it('omits the serial of a device that has none', async () => {
    const { ID_SERIAL_SHORT: _none, ...silent } = first
    expect((await byUdev(silent).usb.list(signal))[0]).to.not.have.property('serial')
  })

  it('gives one hint for the events of one plug', async () => {
    const { usb, monitor } = byUdev()
    const hints: unknown[] = []
    const hinted = new EventEmitter()
    const { mode, dispose } = usb.watch((evidence) => {
      hints.push(evidence)
      hinted.emit('hint')
    })
    for (const action of ['add', 'change', 'bind']) monitor.emit(action, first)
    await once(hinted, 'hint')
    monitor.emit('remove', first)
    await once(hinted, 'hint')
    dispose()
    expect([mode, hints]).to.deep.equal(['udev', [{ udev_action: 'add' }, { udev_action: 'remove' }]])
  })

  it('creates one monitor, and removes its listeners when disposed', () => {
    const { usb, monitor, count } = byUdev()
    usb.watch(() => {}).dispose()
    usb.watch(() => {}).dispose()
    expect([count(), monitor.eventNames()]).to.deep.equal([1, []])
  })
})

describe('USB devices without udev', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'usb-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('lists USB cameras from the folders of the kernel', async () => {
    await plug('video0', '0', { serial: 'SN0001\n' })
    await plug('video1', '1', { serial: 'SN0001\n' })
    const usb = createUsbDevices({ log, sysDir: join(dir, 'sys'), udevControl: join(dir, 'none') })
    expect(await usb.list(signal)).to.deep.equal([
      {
        kind: 'usb',
        node: '/dev/video0',
        vendorId: '1d6b',
        productId: '0102',
        model: 'Test Cam',
        serial: 'SN0001',
        port: 'pci-0000:00:14.0-usb-0:1.2',
      },
    ])
  })

  it('returns an empty list on a host without V4L2', async () => {
    expect(
      await createUsbDevices({ log, sysDir: join(dir, 'sys'), udevControl: join(dir, 'none') }).list(signal),
    ).to.deep.equal([])
  })

  it('gives a hint when a video node appears, and not for other nodes', async () => {
    const usb = createUsbDevices({ log, devDir: dir, udevControl: join(dir, 'none'), settleTime: 20 })
    const hinted = new EventEmitter()
    let hints = 0
    const { mode, dispose } = usb.watch(() => {
      hints += 1
      hinted.emit('hint')
    })
    await writeFile(join(dir, 'tty1'), '')
    await writeFile(join(dir, 'video0'), '')
    await once(hinted, 'hint')
    dispose()
    expect([mode, hints]).to.deep.equal(['devfs', 1])
  })

  it('works without a watch if the folder cannot be watched', () => {
    const usb = createUsbDevices({ log, devDir: join(dir, 'missing'), udevControl: join(dir, 'none') })
    const { mode, dispose } = usb.watch(() => {})
    dispose()
    expect(mode).to.equal('devfs')
  })

  /** A camera behind a hub on a PCI controller behind a bridge, as in sysfs. */
  async function plug(name: string, index: string, { serial }: { serial: string }) {
    const sys = join(dir, 'sys')
    const bridge = join(sys, 'devices/pci0000:00/0000:00:01.0')
    const controller = join(bridge, '0000:00:14.0')
    const hub = join(controller, 'usb1/1-1')
    const device = join(hub, '1-1.2')
    const entry = join(device, '1-1.2:1.0/video4linux', name)
    await mkdir(entry, { recursive: true })
    for (const [folder, subsystem] of [
      [bridge, 'pci'],
      [controller, 'pci'],
      [join(controller, 'usb1'), 'usb'],
      [hub, 'usb'],
      [device, 'usb'],
      [join(device, '1-1.2:1.0'), 'usb'],
    ] as const)
      await symlink(join(sys, 'bus', subsystem), join(folder, 'subsystem')).catch(() => {})
    for (const [file, text] of [
      ['idVendor', '1d6b\n'],
      ['idProduct', '0102\n'],
      ['serial', serial],
    ] as const)
      await writeFile(join(device, file), text)
    await writeFile(join(entry, 'index'), `${index}\n`)
    await writeFile(join(entry, 'name'), 'Test Cam: Test Cam\n')
    await symlink(join(device, '1-1.2:1.0'), join(entry, 'device'))
    await mkdir(join(sys, 'class/video4linux'), { recursive: true })
    await symlink(entry, join(sys, 'class/video4linux', name))
  }
})

function byUdev(...properties: Properties[]) {
  const monitor = new EventEmitter()
  let monitors = 0
  const module = {
    list: (subsystem: string) => (subsystem === 'video4linux' ? properties : []),
    monitor: () => {
      monitors += 1
      return monitor
    },
  }
  // Any existing file serves as the sign that udevd runs.
  const usb = createUsbDevices({ log, udev: () => module, udevControl: process.execPath, settleTime: 20 })
  return { usb, monitor, count: () => monitors }
}

const first: Properties = {
  DEVNAME: '/dev/video2',
  DEVLINKS:
    '/dev/v4l/by-id/usb-Acme_Test_Cam_SN0001-video-index0 ' +
    '/dev/v4l/by-path/platform-vhci_hcd.0-usb-0:1:1.0-video-index0',
  ID_BUS: 'usb',
  ID_SERIAL: 'Acme_Test_Cam_SN0001',
  ID_SERIAL_SHORT: 'SN0001',
  ID_VENDOR_ID: '1d6b',
  ID_MODEL_ID: '0102',
  ID_USB_DRIVER: 'uvcvideo',
  ID_V4L_PRODUCT: 'Test Cam: Test Cam',
  ID_V4L_CAPABILITIES: ':capture:',
  ID_PATH: 'platform-vhci_hcd.0-usb-0:1:1.0',
  SUBSYSTEM: 'video4linux',
}
const second: Properties = {
  ...first,
  DEVNAME: '/dev/video0',
  DEVLINKS: '/dev/v4l/by-path/platform-vhci_hcd.0-usb-0:10:1.0-video-index0',
  ID_SERIAL_SHORT: 'SN0002',
  ID_PATH: 'platform-vhci_hcd.0-usb-0:10:1.0',
}
const metadata = (camera: Properties): Properties => ({ ...camera, DEVNAME: '/dev/video7', ID_V4L_CAPABILITIES: ':' })
const vivid: Properties = {
  DEVNAME: '/dev/video9',
  ID_V4L_PRODUCT: 'vivid',
  ID_V4L_CAPABILITIES: ':capture:video_overlay:',
  ID_PATH: 'platform-vivid.0',
}
/** A new node before udev's rules have run. */
const justPlugged: Properties = { DEVNAME: '/dev/video8', SUBSYSTEM: 'video4linux', MAJOR: '81' }
