import { expect } from 'chai'
import sinon from 'sinon'
import { createHostSampler } from '../../../adapters/host/sampler.js'
import { turn } from '../../support/later.js'

const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

const network = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 8989709192 18224091    0    0    0     0          0         0 8989709192 18224091    0    0    0     0       0          0
  eth0: 1000   70570    0    0    0     0          0         0  300   55674    0    0    0     0       0          0
wlan0:234 1 0 0 0 0 0 0 45 1 0 0 0 0 0 0
`

describe('the machine sampler', () => {
  let clock: sinon.SinonFakeTimers
  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => clock.restore())

  it('tells the share of the processors since the last look, memory, and bytes without loopback', async () => {
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
      read: async (name) => proc[name] ?? '',
    })
    expect(sampler.sample()).to.deep.include({ cpuPercent: 0, bytesSent: 0 })
    await turn()
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
    await turn()
    expect(sampler.sample()).to.deep.include({ at: 500, cpuPercent: 75 })
    expect(sampler.sample().residentBytes).to.be.greaterThan(1e6)
    sampler.dispose()
    proc.stat = 'cpu  250 0 125 725 100 0 0 0 50 0\n'
    clock.tick(60_000)
    await turn()
    expect(sampler.sample().cpuPercent).to.equal(75)
  })

  it('does without what cannot be read, and says so once', async () => {
    const warnings: string[] = []
    const log = { ...silent, warn: (message: string) => void warnings.push(message) }
    const read = () => Promise.reject(Object.assign(new Error('no /proc here'), { code: 'ENOENT' }))
    const sampler = createHostSampler({ clock: { now: () => 1 }, log, interval: 1_000, read })
    for (let index = 0; index < 3; index += 1) {
      await turn()
      clock.tick(1_000)
    }
    expect(sampler.sample()).to.deep.include({ cpuPercent: 0, memoryPercent: 0 })
    expect(warnings).to.deep.equal(['the machine’s load cannot be read from /proc'])
    sampler.dispose()
  })

  it('reads this machine', async () => {
    clock.restore()
    const sampler = createHostSampler({ clock: Date, log: silent })
    while (sampler.sample().memoryPercent === 0) await turn()
    expect(sampler.sample().memoryPercent).to.be.within(0.1, 100)
    expect(sampler.sample().cpuPercent).to.be.within(0, 100)
    sampler.dispose()
  })
})
