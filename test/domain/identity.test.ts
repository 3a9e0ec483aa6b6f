import { expect } from 'chai'
import fc from 'fast-check'
import type { CameraId, UsbDevice } from '../../machines/domain/camera.js'
import { ambiguityOf, identify, identifyNamed, normaliseSerial } from '../../machines/domain/identity.js'
import { normalisePort } from '../../machines/domain/port.js'
import type { Registry } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'

const empty: Registry = { next: 0, cameras: [], sharedSerials: [] }

describe('identify', () => {
  it('identifies a camera by its serial, at any port and node', () => {
    const first = identify([camera({ serial: 'A', port: 1, node: 0 })], empty)
    expect(first.found).to.deep.equal([
      {
        id: 'camera0',
        device: camera({ serial: 'A', port: 1, node: 0 }),
        identity: { key: 'serial:1d6b:0102:A', basis: 'serial', confidence: 'high', ambiguous: false },
      },
    ])
    const moved = identify([camera({ serial: 'A', port: 2, node: 6 })], first.registry)
    expect(idsBySerialAndPort(moved)).to.deep.equal({ 'A@2': 'camera0' })
    expect(moved.changed).to.equal(true)
  })

  it('identifies a camera without serial by its port, if the model is the same', () => {
    const first = identify([camera({ port: 1 })], empty)
    expect(first.found[0]?.identity).to.deep.include({ basis: 'port', confidence: 'medium' })
    expect(identify([camera({ port: 1, node: 4 })], first.registry).found[0]?.id).to.equal('camera0')
    expect(identify([camera({ port: 1, productId: '0999' })], first.registry).found[0]?.id).to.equal('camera1')
  })

  it('identifies cameras without serial and port by model and order, with low confidence', () => {
    const { found } = identify([camera({ node: 2 }), camera({ node: 10 })], empty)
    expect(found.map(({ id, device, identity }) => [id, device.node, identity.key, identity.confidence])).to.deep.equal(
      [
        ['camera0', '/dev/video2', 'model:1d6b:0102:0', 'low'],
        ['camera1', '/dev/video10', 'model:1d6b:0102:1', 'low'],
      ],
    )
  })

  it('says ambiguous of cameras that cannot be told apart, also when one of them is away', () => {
    const alone = identify([camera({ node: 2 })], empty)
    expect(alone.found.map(({ identity }) => identity.ambiguous)).to.deep.equal([false])
    const both = identify([camera({ node: 2 }), camera({ node: 10 })], alone.registry)
    expect(both.found.map(({ identity }) => identity.ambiguous)).to.deep.equal([true, true])
    for (const { identity } of both.found) expect(ambiguityOf(identity).details).to.match(/order of their device nodes/)
    const again = identify([camera({ node: 10 })], both.registry)
    expect(again.found.map(({ id, identity }) => [id, identity.ambiguous])).to.deep.equal([['camera0', true]])
  })

  it('tells the USB 2 half of a controller from its USB 3 half, whichever node comes first', () => {
    const at = (half: string, node: number) => ({ ...camera({ node }), port: `pci-0000:00:14.0-${half}-0:2:1.0` })
    const idsOf = ({ found }: ReturnType<typeof identify>) => found.map(({ id, device }) => [id, device.port])
    const first = identify([at('usb', 0), at('usbv3', 2)], empty)
    const ids = [
      ['camera0', 'pci-0000:00:14.0-usb-0:2:1.0'],
      ['camera1', 'pci-0000:00:14.0-usbv3-0:2:1.0'],
    ]
    expect(idsOf(first)).to.deep.equal(ids)
    expect(first.found.map(({ identity }) => [identity.basis, identity.ambiguous])).to.deep.equal([
      ['port', false],
      ['port', false],
    ])
    expect(idsOf(identify([at('usbv3', 0), at('usb', 2)], first.registry))).to.deep.equal(ids)
    expect(idsOf(identify([at('usbv3', 0)], first.registry))).to.deep.equal([ids[1]])
  })

  it('keeps the id of the known camera when a twin appears, and ignores the shared serial from then on', () => {
    const known = identify([camera({ serial: 'A', port: 1 })], empty)
    const both = identify([camera({ serial: 'A', port: 2, node: 2 }), camera({ serial: 'A', port: 1 })], known.registry)
    expect(idsBySerialAndPort(both)).to.deep.equal({ 'A@1': 'camera0', 'A@2': 'camera1' })
    expect(both.found.map(({ identity }) => [identity.basis, identity.ambiguous])).to.deep.equal([
      ['port', true],
      ['port', true],
    ])
    for (const { identity } of both.found) expect(ambiguityOf(identity)).to.deep.equal(because('identity_ambiguous'))
    expect(both.registry.sharedSerials).to.deep.equal(['1d6b:0102:A'])
    const rebooted = identify([camera({ serial: 'A', port: 2 })], both.registry)
    expect(rebooted.found.map(({ id, identity }) => [id, identity.ambiguous])).to.deep.equal([['camera1', true]])
  })

  it('identifies a twin that appears alone as the moved camera, and gives the returning camera a new id', () => {
    const known = identify([camera({ serial: 'A', port: 1 })], empty)
    const twin = identify([camera({ serial: 'A', port: 2 })], known.registry)
    expect(
      idsBySerialAndPort(
        identify([camera({ serial: 'A', port: 1, node: 2 }), camera({ serial: 'A', port: 2 })], twin.registry),
      ),
    ).to.deep.equal({
      'A@2': 'camera0',
      'A@1': 'camera1',
    })
  })

  it('assigns two new ids when twins appear and neither is at the known port', () => {
    const known = identify([camera({ serial: 'A', port: 1 })], empty)
    const both = identify([camera({ serial: 'A', port: 2 }), camera({ serial: 'A', port: 3, node: 2 })], known.registry)
    expect(idsBySerialAndPort(both)).to.deep.equal({ 'A@2': 'camera1', 'A@3': 'camera2' })
    expect(idsBySerialAndPort(identify([camera({ serial: 'A', port: 1 })], both.registry))).to.deep.equal({
      'A@1': 'camera0',
    })
  })

  it('does not identify another unit of the model by the port of a known serial', () => {
    const known = identify([camera({ serial: 'A', port: 1 })], empty)
    expect(idsBySerialAndPort(identify([camera({ port: 1 })], known.registry))).to.deep.equal({ '-@1': 'camera1' })
    expect(idsBySerialAndPort(identify([camera({ serial: 'B', port: 1 })], known.registry))).to.deep.equal({
      'B@1': 'camera1',
    })
  })

  it('distinguishes the two cameras of one device, which are not twins', () => {
    const colour = { ...camera({ serial: 'A', node: 0 }), port: 'pci-0000:00:14.0-usb-0:1:1.0' }
    const infrared = { ...camera({ serial: 'A', node: 2 }), port: 'pci-0000:00:14.0-usb-0:1:1.2' }
    const { found, registry } = identify([infrared, colour], empty)
    expect(found.map(({ id, identity }) => [id, identity.key, identity.ambiguous])).to.deep.equal([
      ['camera0', 'serial:1d6b:0102:A', false],
      ['camera1', 'serial:1d6b:0102:A/:1.2', false],
    ])
    expect(registry.sharedSerials).to.deep.equal([])
  })

  it('uses model and order if a driver reports the same port for all cameras', () => {
    const shown = [0, 1].map((node) => ({ ...camera({ node }), port: 'platform-vivid.0' }))
    expect(identify(shown, empty).found.map(({ identity }) => identity.key)).to.deep.equal([
      'model:1d6b:0102:0',
      'model:1d6b:0102:1',
    ])
  })

  it('assigns two ids if one camera in an edited registry has the keys of two', () => {
    const edited: Registry = {
      next: 0,
      cameras: [{ id: 'camera4', keys: ['serial:1d6b:0102:A', 'serial:1d6b:0102:B'] }],
      sharedSerials: [],
    }
    const { found } = identify([camera({ serial: 'A', port: 1 }), camera({ serial: 'B', port: 2, node: 2 })], edited)
    expect(found.map(({ id }) => id)).to.deep.equal(['camera4', 'camera5'])
  })

  it('does not change the given registry', () => {
    const before = structuredClone(empty)
    identify([camera({ serial: 'A', port: 1 })], empty)
    expect(empty).to.deep.equal(before)
  })
})

describe('identify, with random devices', () => {
  it('never assigns an id or a number twice, and keeps all known cameras', () => {
    fc.assert(
      fc.property(fc.array(plugged, { maxLength: 8 }), (scenes) => {
        let registry = empty
        const owners = new Map<string, string>()
        for (const scene of scenes) {
          const seen = identify(scene, registry)
          const ids = seen.found.map(({ id }) => id)
          expect(new Set(ids).size).to.equal(ids.length)
          expect(seen.found).to.have.length(scene.length)
          expect(seen.registry.cameras.map(({ id }) => id)).to.include.members(registry.cameras.map(({ id }) => id))
          expect(seen.registry.next).to.be.at.least(registry.next)
          const keys = seen.registry.cameras.flatMap((known) => known.keys)
          expect(new Set(keys).size).to.equal(keys.length)
          for (const { id, identity } of seen.found) {
            expect(owners.get(identity.key) ?? id, `${identity.key} has another id`).to.equal(id)
            owners.set(identity.key, id)
          }
          registry = seen.registry
        }
      }),
    )
  })

  it('does not depend on the order of the devices or on earlier scans', () => {
    fc.assert(
      fc.property(plugged, fc.infiniteStream(fc.integer()), plugged, (scene, random, before) => {
        const { registry } = identify(before, empty)
        const shuffled = scene.map((device) => ({ device, at: random.next().value ?? 0 })).sort((a, b) => a.at - b.at)
        const one = identify(scene, registry)
        const other = identify(
          shuffled.map(({ device }) => device),
          registry,
        )
        expect(other).to.deep.equal(one)
        const again = identify(scene, one.registry)
        expect(again).to.deep.equal({ ...one, changed: false })
      }),
    )
  })

  it('keeps the ids of unique serials after any renumbering and exchange of ports', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([1, 2, 3, 4, 5, 6]),
        fc.shuffledSubarray([1, 2, 3, 4, 5, 6], { minLength: 6 }),
        (ports, others) => {
          const before = identify(
            ports.map((port, node) => camera({ serial: `S${node}`, port, node })),
            empty,
          )
          const after = identify(
            ports.map((_, i) => camera({ serial: `S${i}`, port: others[i] ?? 9, node: 20 - i })),
            before.registry,
          )
          expect(idsBySerial(after)).to.deep.equal(idsBySerial(before))
        },
      ),
    )
  })

  it('keeps the ids of twins at their ports, and marks them as ambiguous', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 }),
        fc.array(plugged, { maxLength: 5 }),
        (ports, scenes) => {
          const twins = identify(
            ports.map((port, node) => camera({ serial: 'A', port, node })),
            empty,
          )
          const home = idsBySerialAndPort(twins)
          let { registry } = twins
          for (const scene of scenes) {
            const seen = identify(scene, registry)
            for (const { id, device, identity } of seen.found) {
              if (normaliseSerial(device.serial) !== 'A' || device.productId !== '0102') continue
              expect(identity.ambiguous).to.equal(true)
              if (identity.basis === 'port') expect(home[nameOf(device)] ?? id).to.equal(id)
            }
            registry = seen.registry
          }
        },
      ),
    )
  })
})

describe('identifyNamed', () => {
  it('assigns an id to a name once', () => {
    const demo = identifyNamed('virtual:demo', { ...empty, next: 3 })
    expect(demo).to.deep.include({
      id: 'camera3',
      changed: true,
      identity: { key: 'virtual:demo', basis: 'name', confidence: 'high', ambiguous: false },
    })
    expect(identifyNamed('virtual:demo', demo.registry)).to.deep.equal({ ...demo, changed: false })
    expect(identifyNamed('rtsp:demo', demo.registry).id).to.equal('camera4')
  })
})

describe('normalisePort', () => {
  for (const [reported, port] of [
    ['pci-0000:00:14.0-usb-0:1.2:1.0', 'pci-0000:00:14.0-usb-0:1.2'],
    ['pci-0000:00:14.0-usbv2-0:1.2:1.0', 'pci-0000:00:14.0-usb-0:1.2'],
    ['pci-0000:00:14.0-usbv3-0:1.2:1.0', 'pci-0000:00:14.0-usbv3-0:1.2'],
    ['pci-0000:00:14.0-usb-0:1.2', 'pci-0000:00:14.0-usb-0:1.2'],
    ['pci-0000:00:14.0-usb-0:1.2:1.0-video-index0', 'pci-0000:00:14.0-usb-0:1.2'],
    ['pci-0000:00:14.0-usb-0:1.2:1.0-video-index2', 'pci-0000:00:14.0-usb-0:1.2-video-index2'],
    ['platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.4:1.2', 'platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.4:1.2'],
    ['platform-vivid.0', 'platform-vivid.0'],
    ['', ''],
  ] as const)
    it(`returns "${port}" for "${reported}"`, () => expect(normalisePort(reported).port).to.equal(port))

  it('is idempotent', () => {
    fc.assert(
      fc.property(fc.string(), (text) => normalisePort(normalisePort(text).port).port === normalisePort(text).port),
    )
  })
})

describe('normaliseSerial', () => {
  it('ignores empty serials and serials of zeros', () => {
    for (const useless of [undefined, '', '  ', '0', '00000000', '0000-0000', '...'])
      expect(normaliseSerial(useless), String(useless)).to.equal(undefined)
  })
  it('formats other serials as udev does', () => {
    expect(normaliseSerial(' SN 00/01 ')).to.equal('SN_00_01')
    expect(normaliseSerial('000000000001')).to.equal('000000000001')
  })
})

function camera({
  serial,
  port,
  node = 0,
  productId = '0102',
}: {
  serial?: string
  port?: number
  node?: number
  productId?: string
}): UsbDevice {
  return {
    kind: 'usb',
    node: `/dev/video${node}`,
    vendorId: '1d6b',
    productId,
    model: 'Test Cam',
    ...(serial !== undefined && { serial }),
    ...(port !== undefined && { port: `platform-vhci_hcd.0-usb-0:${port}:1.0` }),
  }
}

/** Devices that are plugged in at one time: at most one camera at each port, nodes in any order. */
const plugged = fc
  .uniqueArray(
    fc.record({
      serial: fc.constantFrom('A', 'B', 'C', '', '000', undefined),
      port: fc.constantFrom(1, 2, 3, 4, 5, 6, undefined),
      node: fc.integer({ min: 0, max: 9 }),
      productId: fc.constantFrom('0102', '0103'),
    }),
    { maxLength: 6, selector: ({ node }) => node },
  )
  .map((all) =>
    all.filter(({ port }, at) => port === undefined || all.findIndex((other) => other.port === port) === at),
  )
  .map((all) =>
    all.map(({ serial, port, ...rest }) =>
      camera({ ...rest, ...(serial !== undefined && { serial }), ...(port !== undefined && { port }) }),
    ),
  )

const nameOf = ({ serial, port }: UsbDevice): string =>
  `${serial ?? '-'}@${port === undefined ? '-' : /:(\d+):1\.0$/.exec(port)?.[1]}`
const idsBySerialAndPort = ({ found }: { found: { id: CameraId; device: UsbDevice }[] }) =>
  Object.fromEntries(found.map(({ id, device }) => [nameOf(device), id]))
const idsBySerial = ({ found }: { found: { id: CameraId; device: UsbDevice }[] }) =>
  Object.fromEntries(found.map(({ id, device }) => [device.serial, id]))
