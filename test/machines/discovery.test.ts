import { expect } from 'chai'
import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { discoveryMachine } from '../../machines/discovery.js'
import type { UsbDevice } from '../../machines/domain/camera.js'
import { later, turn } from '../support/later.js'

const camera: UsbDevice = { kind: 'usb', node: '/dev/video0', vendorId: '1d6b', productId: '0102', model: 'Test Cam' }

describe('discovery', () => {
  it('knows what is plugged in after the first scan', async () => {
    const { actor, found } = discover()
    expect(actor.getSnapshot().context.devices).to.equal(undefined)
    await found([camera])
    expect(actor.getSnapshot().context.devices).to.deep.equal([camera])
  })

  it('looks again at a hint, and slowly without any', async () => {
    const { actor, clock, scans, found } = discover()
    await found([])
    actor.send({ type: 'devices.hint' })
    expect(scans()).to.equal(2)
    await found([camera])
    clock.increment(10_000)
    expect(scans()).to.equal(3)
  })

  it('begins anew when a hint comes during a scan', async () => {
    const { actor, scans, found } = discover()
    actor.send({ type: 'devices.hint' })
    expect(scans()).to.equal(2)
    await found([camera])
    expect(actor.getSnapshot().context.devices).to.deep.equal([camera])
  })

  it('keeps what it knows when a scan fails, and says why', async () => {
    const { actor, clock, found, fails } = discover()
    await found([camera])
    clock.increment(10_000)
    await fails('udev is gone')
    expect(actor.getSnapshot().context).to.deep.include({ devices: [camera], reason: 'udev is gone' })
  })

  it('says by what means it watches', () => {
    const { actor } = discover()
    actor.send({ type: 'watch.started', mode: 'udev' })
    expect(actor.getSnapshot().context.mode).to.equal('udev')
  })
})

function discover() {
  const clock = new SimulatedClock()
  let scans = 0
  let scanning = later<UsbDevice[]>()
  const scanDevices = fromPromise<UsbDevice[]>(() => {
    scans += 1
    scanning = later()
    return scanning.promise
  })
  const watchDevices = fromCallback(() => {})
  const actor = createActor(discoveryMachine.provide({ actors: { scanDevices, watchDevices } }), {
    clock,
    input: { pollEvery: 10_000 },
  })
  actor.start()
  return {
    actor,
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
