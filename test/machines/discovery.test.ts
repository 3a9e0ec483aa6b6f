import { expect } from 'chai'
import { fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { discoveryMachine, discoveryMode } from '../../machines/discovery.js'
import type { LocalDevice, UsbDevice } from '../../machines/domain/camera.js'
import { because } from '../../machines/domain/reason.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

const camera: UsbDevice = { kind: 'usb', node: '/dev/video0', vendorId: '1d6b', productId: '0102', model: 'Test Cam' }

describe('discovery', () => {
  it('reports the connected devices after each scan', async () => {
    const { heard, found } = discover()
    expect(heard).to.deep.equal([])
    await found([camera])
    expect(heard).to.deep.equal([{ type: 'devices.scanned', devices: [camera] }])
  })

  it('scans again after a hint, and periodically without hints', async () => {
    const { actor, clock, scans, found } = discover()
    await found([])
    actor.send({ type: 'devices.hint' })
    expect(scans()).to.equal(2)
    await found([camera])
    clock.increment(10_000)
    expect(scans()).to.equal(3)
  })

  it('restarts a scan after a hint', async () => {
    const { actor, heard, scans, found } = discover()
    actor.send({ type: 'devices.hint' })
    expect(scans()).to.equal(2)
    await found([camera])
    expect(heard).to.deep.equal([{ type: 'devices.scanned', devices: [camera] }])
  })

  it('reports no devices when a scan fails, shows the reason, and scans again', async () => {
    const { actor, heard, clock, scans, found, fails } = discover()
    await found([camera])
    clock.increment(10_000)
    await fails('udev is gone')
    expect(heard).to.have.length(1)
    expect(actor.getSnapshot().context.reason).to.deep.equal(because('failed', 'udev is gone'))
    clock.increment(10_000)
    expect(scans()).to.equal(3)
    await found([camera])
    expect(actor.getSnapshot().context.reason).to.equal(undefined)
  })

  it('shows how it detects changes', () => {
    const { actor } = discover()
    expect(discoveryMode(actor.getSnapshot())).to.equal('off')
    actor.send({ type: 'watch.started', mode: 'udev' })
    expect(discoveryMode(actor.getSnapshot())).to.equal('udev')
    actor.send({ type: 'watch.started', mode: 'devfs' })
    expect(discoveryMode(actor.getSnapshot())).to.equal('devfs')
  })
})

function discover() {
  const clock = new SimulatedClock()
  let scans = 0
  let scanning = later<UsbDevice[]>()
  const scanDevices = fromPromise<LocalDevice[]>(() => {
    scans += 1
    scanning = later()
    return scanning.promise
  })
  const watchDevices = fromCallback(() => {})
  const { actor, heard } = withParent(discoveryMachine.provide({ actors: { scanDevices, watchDevices } }), {
    clock,
    input: { pollEvery: 10_000 },
  })
  return {
    actor,
    heard,
    clock,
    scans: () => scans,
    found: (devices: UsbDevice[]) => {
      scanning.resolve(devices)
      return turn()
    },
    fails: (reason: string) => {
      scanning.reject(reason)
      return turn()
    },
  }
}
