import { EventEmitter, once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import type { Run } from '../../../adapters/ffmpeg/run.js'
import { givesPictures } from '../../../adapters/usb/check.js'
import { createUsbDevices } from '../../../adapters/usb/devices.js'
import { decoded, modelName } from '../../../adapters/usb/names.js'
import type { Properties } from '../../../adapters/usb/udev.js'
import { Failure } from '../../../machines/domain/reason.js'
import { deviceText, udevProperties } from '../../support/devices.js'

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
        links: [
          '/dev/v4l/by-id/usb-Acme_Test_Cam_SN0001-video-index0',
          '/dev/v4l/by-path/platform-vhci_hcd.0-usb-0:1:1.0-video-index0',
        ],
      },
      {
        kind: 'usb',
        node: '/dev/video0',
        vendorId: '1d6b',
        productId: '0102',
        model: 'Test Cam',
        serial: 'SN0002',
        port: 'platform-vhci_hcd.0-usb-0:10',
        links: ['/dev/v4l/by-path/platform-vhci_hcd.0-usb-0:10:1.0-video-index0'],
      },
      { kind: 'v4l2', node: '/dev/video9', model: 'vivid', links: [] },
    ])
  })

  it('omits the serial of a device that has none', async () => {
    const { ID_SERIAL_SHORT: _none, ...silent } = first
    expect((await byUdev(silent).usb.list(signal))[0]).to.not.have.property('serial')
  })

  it('lists the nodes of one function as one device, without metadata nodes', async () => {
    const { usb } = byUdev(...udevProperties('nodes/elp-h264.txt').reverse())
    const [device, ...more] = await usb.list(signal)
    expect(more).to.deep.equal([])
    expect(device).to.deep.include({
      node: '/dev/video0',
      otherNodes: ['/dev/video2'],
      model: 'H264 USB Camera: USB Camera',
      port: 'pci-0000:00:14.0-usb-0:3',
    })
  })

  it('asks a second node that claims pictures, once for each plug: eudev says the same of metadata', async () => {
    const { usb, asked } = byUdev(...udevProperties('nodes/eudev-metadata.txt'))
    const [device, ...more] = await usb.list(signal)
    await usb.list(signal)
    expect(more).to.deep.equal([])
    expect(device).to.deep.include({ node: '/dev/video0', model: 'Integrated Camera' })
    expect(device).not.to.have.property('otherNodes')
    expect(asked).to.deep.equal(['v4l2-ctl -d /dev/video1 --info'])
  })

  it('lists capture devices that are not USB, with the links to them', async () => {
    const { usb } = byUdev(...udevProperties('nodes/pi-csi-loopback.txt'))
    expect(await usb.list(signal)).to.deep.equal([
      {
        kind: 'v4l2',
        node: '/dev/video0',
        model: 'unicam',
        links: ['/dev/v4l/by-path/platform-fe801000.csi-video-index0'],
      },
      { kind: 'v4l2', node: '/dev/video42', model: 'Dummy video device (0x0000)', links: [] },
    ])
  })

  it('names controllers by the device above them, and not by the number of the boot', async () => {
    const { usb } = byUdev(...udevProperties('nodes/rk3588-controllers.txt'))
    expect(
      (await usb.list(signal)).map((device) => device.kind === 'usb' && [device.port, device.formerPort]),
    ).to.deep.equal([
      ['platform-fc000000.usb-usb-0:1', 'platform-xhci-hcd.8.auto-usb-0:1'],
      ['platform-fc400000.usb-usb-0:1', 'platform-xhci-hcd.9.auto-usb-0:1'],
    ])
    const withoutPaths = udevProperties('nodes/rk3588-controllers.txt').map(({ syspath: _, ...rest }) => rest)
    const ports = (await byUdev(...withoutPaths).usb.list(signal)).map((device) => device.kind === 'usb' && device.port)
    expect(ports).to.deep.equal(['platform-xhci-hcd.auto-usb-0:1', 'platform-xhci-hcd.auto-usb-0:1'])
  })

  it('tells the halves of a controller by udev, or by the speed of their root hubs', async () => {
    const sys = await mkdtemp(join(tmpdir(), 'halves-'))
    for (const [bus, speed] of [
      ['usb1', '480\n'],
      ['usb2', '10000\n'],
    ] as const) {
      await mkdir(join(sys, 'devices/pci0000:00/0000:00:14.0', bus), { recursive: true })
      await writeFile(join(sys, 'devices/pci0000:00/0000:00:14.0', bus, 'speed'), speed)
    }
    const byHub = udevProperties('nodes/two-halves.txt', sys)
    const byName = byHub.map(({ syspath = '', ID_PATH = '', ...rest }) => ({
      ...rest,
      syspath: `/nowhere${syspath}`,
      ID_PATH,
      ID_PATH_WITH_USB_REVISION: ID_PATH.replace('usb-', syspath.includes('/usb2/') ? 'usbv3-' : 'usbv2-'),
    }))
    for (const properties of [byHub, byName]) {
      const devices = await byUdev(...properties).usb.list(signal)
      expect(
        devices.map((device) => device.kind === 'usb' && [device.node, device.port, device.formerPort]),
      ).to.deep.equal([
        ['/dev/video2', 'pci-0000:00:14.0-usb-0:2', undefined],
        ['/dev/video0', 'pci-0000:00:14.0-usbv3-0:2', undefined],
      ])
    }
    await rm(sys, { recursive: true })
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

  it('reports a removal at once, and a new device when it has all its nodes', () => {
    const clock = useFakeTimers()
    const { usb, monitor } = byUdev()
    const at: number[] = []
    const { dispose } = usb.watch(() => at.push(clock.now))
    for (const node of [first, metadata(first)]) monitor.emit('remove', node)
    clock.tick(200)
    monitor.emit('add', first)
    clock.tick(200)
    dispose()
    clock.restore()
    expect(at).to.deep.equal([10, 220])
  })

  it('creates one monitor, and removes its listeners when disposed', () => {
    const { usb, monitor, count } = byUdev()
    usb.watch(() => {}).dispose()
    usb.watch(() => {}).dispose()
    expect([count(), monitor.eventNames()]).to.deep.equal([1, []])
  })
})

describe('the capabilities of a node', () => {
  for (const [file, expected] of [
    ['nodes/info-capture.txt', true],
    ['nodes/info-metadata.txt', false],
    ['nodes/info-old.txt', true],
  ] as const)
    it(`are read from ${file}`, () => expect(givesPictures(deviceText(file))).to.equal(expected))
  it('are unknown without an answer', () =>
    expect(givesPictures('Cannot open device /dev/video1, exiting.')).to.equal(undefined))
})

describe('the name of a product', () => {
  for (const [text, name] of [
    ['Test Cam: Test Cam', 'Test Cam'],
    // edgexfoundry/device-usb-camera issue 25: the kernel keeps 31 bytes.
    ['Aukey-PC-LM1E Camera: Aukey-PC-', 'Aukey-PC-LM1E Camera'],
    ['Integrated Camera: Integrated C', 'Integrated Camera'],
    ['USB2.0 UVC PC Camera: USB2.0 UV', 'USB2.0 UVC PC Camera'],
    ['A name of twenty-nine letters: ', 'A name of twenty-nine letters'],
    ['FHD WebCam: IR Camera', 'FHD WebCam: IR Camera'],
    ['Cam: C', 'Cam: C'],
    ['HD Pro Webcam C920', 'HD Pro Webcam C920'],
    ['罗技高清网络摄像机 C93\ufffd\ufffd', '罗技高清网络摄像机 C93'],
    ['Kamera für Tür: Kamera für T\ufffd', 'Kamera für Tür'],
    ['  ', 'USB camera'],
    ['\ufffd', 'USB camera'],
  ] as const)
    it(`of "${text}" is "${name}"`, () => expect(modelName(text)).to.equal(name))
  it('is decoded byte by byte', () => expect(decoded('T\\xc3\\xbcr\\x20Cam')).to.equal('Tür Cam'))
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
    const { run } = asking()
    const usb = createUsbDevices({ log, sysDir: join(dir, 'sys'), udevControl: join(dir, 'none'), run })
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

  it('lists the nodes of one function as one device, as with udev', async () => {
    for (const index of ['0', '1', '2', '3']) await plug(`video${index}`, index, { serial: 'SN0001\n' })
    const { run, asked } = asking()
    const usb = createUsbDevices({ log, sysDir: join(dir, 'sys'), udevControl: join(dir, 'none'), run })
    const [device, ...more] = await usb.list(signal)
    expect(more).to.deep.equal([])
    expect(device).to.deep.include({ node: '/dev/video0', otherNodes: ['/dev/video2'] })
    await writeFile(join(dir, 'sys/devices/pci0000:00/0000:00:01.0/0000:00:14.0/usb1/1-1/1-1.2/devnum'), '7\n')
    const [again] = await usb.list(signal)
    expect(again).to.deep.include({ plug: '7' })
    expect(asked, 'asked again after another plug').to.have.length(6)
  })

  it('leaves out nodes that cannot be asked, and asks them again', async () => {
    for (const index of ['0', '2']) await plug(`video${index}`, index, { serial: 'SN0001\n' })
    const asked: string[] = []
    const run: Run = async (_, args) => {
      asked.push(args.join(' '))
      throw new Failure('program_missing')
    }
    const usb = createUsbDevices({ log, sysDir: join(dir, 'sys'), udevControl: join(dir, 'none'), run })
    expect((await usb.list(signal)).map((device) => Object.keys(device).includes('otherNodes'))).to.deep.equal([false])
    await usb.list(signal)
    expect(asked).to.have.length(2)
  })

  it('finds the lasting links of nodes in a shared folder', async () => {
    await plug('video0', '0', { serial: 'SN1' })
    await mkdir(join(dir, 'dev/v4l/by-id'), { recursive: true })
    await symlink('../../video0', join(dir, 'dev/v4l/by-id/usb-Acme-video-index0'))
    const usb = createUsbDevices({
      log,
      sysDir: join(dir, 'sys'),
      devDir: join(dir, 'dev'),
      udevControl: join(dir, 'none'),
    })
    expect((await usb.list(signal)).map(({ links }) => links)).to.deep.equal([
      [join(dir, 'dev/v4l/by-id/usb-Acme-video-index0')],
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
  const { run, asked } = asking()
  const usb = createUsbDevices({ log, udev: () => module, udevControl: process.execPath, settleTime: 20, run })
  return { usb, monitor, asked, count: () => monitors }
}

/** Nodes with an odd number are metadata nodes. */
function asking() {
  const asked: string[] = []
  const run: Run = async (command, args) => {
    asked.push([command, ...args].join(' '))
    const stdout = deviceText(
      /[13579] --info/.test(args.join(' ')) ? 'nodes/info-metadata.txt' : 'nodes/info-capture.txt',
    )
    return { code: 0, stdout, stderr: '' }
  }
  return { run, asked }
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
