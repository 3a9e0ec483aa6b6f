import { expect } from 'chai'
import fc from 'fast-check'
import type { Identity, UsbDevice } from '../../machines/domain/camera.js'
import { identify } from '../../machines/domain/identity.js'
import { actOf, type Due, isOf, nextDue, noScenario, type Scenario } from '../../machines/domain/simulation.js'

const scenario = (changes: Partial<Scenario>): Scenario => ({ ...noScenario, ...changes })

/** The first steps in their order. */
function duesOf(given: Scenario, most: number): Due[] {
  const made: number[] = given.steps.map(() => 0)
  const dues: Due[] = []
  for (let due = nextDue(given, made); due && dues.length < most; due = nextDue(given, made)) {
    dues.push(due)
    made[due.index] = due.count + 1
  }
  return dues
}

describe('a scenario', () => {
  it('orders single and repeated steps by their times; of two at once, the first in the list', () => {
    const steps = [
      { action: 'stall', camera: 'a', at: 2_000, every: 3_000, repeat: 3 },
      { action: 'unplug', camera: 'a', at: 5_000 },
      { action: 'resume', camera: 'a', at: 0 },
    ] as const
    const dues = duesOf(scenario({ steps }), 9).map(({ index, at }) => [index, at])
    expect(dues).to.deep.equal([
      [2, 0],
      [0, 2_000],
      [0, 5_000],
      [1, 5_000],
      [0, 8_000],
    ])
  })

  it('repeats a step without a number for ever', () => {
    const dues = duesOf(scenario({ steps: [{ action: 'busy', camera: 'a', at: 0, every: 1_000 }] }), 5_000)
    expect(dues.at(-1)).to.deep.equal({ index: 0, count: 4_999, at: 4_999_000 })
  })

  it('has the same random times and cameras for the same seed, and others for another one', () => {
    const steps = [{ action: 'unplug', camera: 'any', at: 0, every: 10_000, jitter: 9_000, repeat: 40 }] as const
    const planOf = (seed: number) => {
      const given = scenario({ steps, seed, names: ['a', 'b', 'c'] })
      return duesOf(given, 100).map((due) => [due.at, actOf(given, due).camera])
    }
    expect(planOf(7)).to.deep.equal(planOf(7))
    expect(planOf(7)).not.to.deep.equal(planOf(8))
    expect(new Set(planOf(7).map(([, camera]) => camera))).to.deep.equal(new Set(['a', 'b', 'c']))
    for (const [count, [at]] of planOf(7).entries()) expect(at).to.be.within(count * 10_000, count * 10_000 + 8_999)
  })
})

describe('a camera of a simulated device', () => {
  const device = (changes: Partial<UsbDevice>): UsbDevice => ({
    kind: 'usb',
    node: `simulated:${changes.port}`,
    vendorId: '1d6b',
    productId: '0102',
    model: 'x',
    ...changes,
  })
  const empty = { next: 0, cameras: [], sharedSerials: [] }
  const portOf = (port: string) => `pci-0000:00:14.0-usb-0:${port}:1.0`

  it('is recognised by the identity that the service gives it: serial, port, or port of a twin', () => {
    const unit = fc.record({
      port: fc.integer({ min: 1, max: 9 }).map(String),
      serial: fc.constantFrom('A', 'B', undefined),
    })
    fc.assert(
      fc.property(fc.uniqueArray(unit, { selector: ({ port }) => port, maxLength: 6 }), (units) => {
        const devices = units.map(({ port, serial }) => device({ port: portOf(port), ...(serial && { serial }) }))
        const { found } = identify(devices, empty)
        const wrong = found.filter(({ device, identity }) => !isOf(identity, device))
        const doubled = found.filter(({ identity }) => devices.filter((each) => isOf(identity, each)).length !== 1)
        expect([wrong, doubled]).to.deep.equal([[], []])
      }),
    )
  })

  it('is no other one', () => {
    const identity: Identity = { key: 'virtual:x', basis: 'name', confidence: 'high', ambiguous: false }
    expect(isOf(identity, device({ port: portOf('1'), serial: 'A' }))).to.equal(false)
  })
})
