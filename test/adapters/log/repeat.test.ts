import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { summariseRepeats } from '../../../adapters/log/repeat.js'
import type { Log } from '../../../machines/domain/ports.js'

describe('repeats in the log', () => {
  let timers: SinonFakeTimers
  let told: unknown[][] = []
  beforeEach(() => {
    timers = useFakeTimers()
    told = []
  })
  afterEach(() => timers.restore())

  const keep = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void told.push([level, message, ...(fields ? [fields] : [])])
  const plain: Log = { error: keep('error'), warn: keep('warn'), info: keep('info'), debug: keep('debug') }
  const summary = () => summariseRepeats(plain, { period: 60_000, clock: Date })

  it('are told at once, then counted once a period, and end with it', () => {
    const log = summary()
    log.warn('no answer', { host: 'a' })
    expect(told).to.deep.equal([['warn', 'no answer', { host: 'a' }]])
    for (let i = 0; i < 59; i++) {
      timers.tick(1000)
      log.warn('no answer', { host: 'a' })
    }
    expect(told).to.have.length(1)
    timers.tick(1000)
    expect(told.slice(1)).to.deep.equal([['warn', 'no answer', { host: 'a', repeated: 59, repeated_for_ms: 60_000 }]])
    timers.tick(10_000)
    log.warn('no answer', { host: 'a' })
    timers.tick(50_000)
    expect(told.slice(2)).to.deep.equal([['warn', 'no answer', { host: 'a', repeated: 1, repeated_for_ms: 60_000 }]])
    timers.tick(60_000)
    expect(told).to.have.length(3)
    log.warn('no answer', { host: 'a' })
    expect(told[3]).to.deep.equal(['warn', 'no answer', { host: 'a' }])
  })

  it('are repeats only with the same level, message and fields; errors go by their words', () => {
    const log = summary()
    log.warn('a', { n: 1 })
    log.warn('a', { n: 2 })
    log.error('a', { n: 1 })
    log.warn('b', { n: 1 })
    expect(told).to.have.length(4)
    log.error('c', { error: new Error('x') })
    log.error('c', { error: new Error('x') })
    log.error('c', { error: new Error('y') })
    expect(told).to.have.length(6)
    const circle: Record<string, unknown> = {}
    circle.circle = circle
    log.error('d', circle)
    log.error('d', circle)
    expect(told).to.have.length(7)
  })

  it('of info and debug pass', () => {
    const log = summary()
    for (let i = 0; i < 3; i++) log.info('a')
    for (let i = 0; i < 3; i++) log.debug('a')
    expect(told).to.have.length(6)
  })

  it('are told at the close', () => {
    const log = summary()
    for (let i = 0; i < 3; i++) log.error('a')
    timers.tick(5000)
    log.close()
    expect(told).to.deep.equal([
      ['error', 'a'],
      ['error', 'a', { repeated: 2, repeated_for_ms: 5000 }],
    ])
    expect(timers.countTimers()).to.equal(0)
  })

  it('do not fill the memory', () => {
    const log = summary()
    for (let i = 0; i < 5000; i++) log.warn(`message ${i}`)
    expect(told).to.have.length(5000)
    expect(timers.countTimers()).to.equal(1000)
    log.close()
  })
})
