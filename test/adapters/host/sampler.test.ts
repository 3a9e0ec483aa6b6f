import { expect } from 'chai'
import sinon from 'sinon'
import { createHostSampler } from '../../../adapters/host/sampler.js'

const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

const network = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 8989709192 18224091    0    0    0     0          0         0 8989709192 18224091    0    0    0     0       0          0
  eth0: 1000   70570    0    0    0     0          0         0  300   55674    0    0    0     0       0          0
wlan0:234 1 0 0 0 0 0 0 45 1 0 0 0 0 0 0
`

describe('the host sampler', () => {
  let clock: sinon.SinonFakeTimers
  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  })
  afterEach(() => clock.restore())

  it('reports the load since the last sample, memory, and bytes without loopback', () => {
    const proc: Record<string, string> = {
      stat: 'cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3 4\n',
      meminfo: 'MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    750 kB\n',
      'net/dev': network,
    }
    let now = 0
    const sampler = createHostSampler({
      clock: { now: () => now },
      log: silent,
      interval: 5_000,
      read: (name) => proc[name] ?? '',
    })
    expect(sampler.sample()).to.deep.include({
      at: 0,
      cpuPercent: 20,
      memoryPercent: 25,
      bytesSent: 345,
      bytesReceived: 1_234,
    })
    proc.stat = 'cpu  150 0 125 725 100 0 0 0 50 0\n'
    now = 500
    clock.tick(500)
    expect(sampler.sample()).to.deep.include({ at: 500, cpuPercent: 75 })
    expect(sampler.sample().residentBytes).to.be.greaterThan(1e6)
    sampler.dispose()
    proc.stat = 'cpu  250 0 125 725 100 0 0 0 50 0\n'
    clock.tick(60_000)
    expect(sampler.sample().cpuPercent).to.equal(75)
  })

  it('does without values that cannot be read, and warns once', () => {
    const warnings: string[] = []
    const log = { ...silent, warn: (message: string) => void warnings.push(message) }
    const read = () => {
      throw Object.assign(new Error('no /proc here'), { code: 'ENOENT' })
    }
    const sampler = createHostSampler({ clock: { now: () => 1 }, log, interval: 1_000, read })
    clock.tick(3_000)
    expect(sampler.sample()).to.deep.include({ cpuPercent: 0, memoryPercent: 0 })
    expect(warnings).to.deep.equal(['the load of the host cannot be read from /proc'])
    sampler.dispose()
  })

  it('reads this host', () => {
    const sampler = createHostSampler({ clock: Date, log: silent })
    expect(sampler.sample().memoryPercent).to.be.within(0.1, 100)
    expect(sampler.sample().cpuPercent).to.be.within(0, 100)
    sampler.dispose()
  })
})
