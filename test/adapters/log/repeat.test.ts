import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import { summariseRepeats } from '../../../adapters/log/repeat.js'
import type { Log } from '../../../machines/domain/ports.js'
import { day } from '../../support/clock.js'

describe('repeated log lines', () => {
  let timers: SinonFakeTimers
  let written: unknown[][] = []
  beforeEach(() => {
    timers = useFakeTimers()
    written = []
  })
  afterEach(() => timers.restore())

  const keep = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void written.push([level, message, ...(fields ? [fields] : [])])
  const plain: Log = { error: keep('error'), warn: keep('warn'), info: keep('info'), debug: keep('debug') }
  const summary = () => summariseRepeats(plain, { period: 60_000, clock: { monotonic: () => performance.now() } })

  it('are written at once, then summarised once per period, until a period without repeats', () => {
    const log = summary()
    log.warn('no answer', { host: 'a' })
    expect(written).to.deep.equal([['warn', 'no answer', { host: 'a' }]])
    for (let i = 0; i < 59; i++) {
      timers.tick(1000)
      log.warn('no answer', { host: 'a' })
    }
    expect(written).to.have.length(1)
    timers.tick(1000)
    expect(written.slice(1)).to.deep.equal([
      [
        'warn',
        '59 times more, last 1 s ago: no answer',
        { host: 'a', repeated: 59, repeated_for_ms: 60_000, last_repeat_ms_ago: 1000 },
      ],
    ])
    timers.tick(10_000)
    log.warn('no answer', { host: 'a' })
    timers.tick(50_000)
    expect(written.slice(2)).to.deep.equal([
      [
        'warn',
        'once more, last 50 s ago: no answer',
        { host: 'a', repeated: 1, repeated_for_ms: 60_000, last_repeat_ms_ago: 50_000 },
      ],
    ])
    timers.tick(60_000)
    expect(written).to.have.length(3)
    log.warn('no answer', { host: 'a' })
    expect(written[3]).to.deep.equal(['warn', 'no answer', { host: 'a' }])
  })

  it('have the same level, message and fields; errors are compared by name and message', () => {
    const log = summary()
    log.warn('a', { n: 1 })
    log.warn('a', { n: 2 })
    log.error('a', { n: 1 })
    log.warn('b', { n: 1 })
    expect(written).to.have.length(4)
    log.error('c', { error: new Error('x') })
    log.error('c', { error: new Error('x') })
    log.error('c', { error: new Error('y') })
    expect(written).to.have.length(6)
    const circle: Record<string, unknown> = {}
    circle.circle = circle
    log.error('d', circle)
    log.error('d', circle)
    expect(written).to.have.length(7)
  })

  it('of info and debug are written', () => {
    const log = summary()
    for (let i = 0; i < 3; i++) log.info('a')
    for (let i = 0; i < 3; i++) log.debug('a')
    expect(written).to.have.length(6)
  })

  it('have separate periods', () => {
    const log = summary()
    log.warn('a')
    timers.tick(20_000)
    log.warn('b')
    for (const message of ['a', 'b']) log.warn(message)
    timers.tick(40_000)
    expect(written.slice(2)).to.deep.equal([
      ['warn', 'once more, last 40 s ago: a', { repeated: 1, repeated_for_ms: 60_000, last_repeat_ms_ago: 40_000 }],
    ])
    timers.tick(20_000)
    expect(written.slice(3)).to.deep.equal([
      ['warn', 'once more, last 1 min ago: b', { repeated: 1, repeated_for_ms: 60_000, last_repeat_ms_ago: 60_000 }],
    ])
    timers.tick(40_000)
    log.warn('a')
    expect(written.slice(4)).to.deep.equal([['warn', 'a']])
  })

  for (const [direction, step] of Object.entries({ forward: day, back: -day }))
    it(`are counted over the same time if the clock is set ${direction}`, () => {
      const log = summary()
      log.warn('a')
      log.warn('a')
      timers.tick(30_000)
      timers.setSystemTime(Date.now() + step)
      log.warn('a')
      timers.tick(30_000)
      expect(written.slice(1)).to.deep.equal([
        [
          'warn',
          '2 times more, last 30 s ago: a',
          { repeated: 2, repeated_for_ms: 60_000, last_repeat_ms_ago: 30_000 },
        ],
      ])
    })

  it('are written when the log is closed', () => {
    const log = summary()
    for (let i = 0; i < 2; i++) log.error('a')
    timers.tick(1000)
    log.error('a')
    timers.tick(4000)
    log.close()
    // They did not happen when the line was written.
    expect(written).to.deep.equal([
      ['error', 'a'],
      ['info', '2 times more, last 4 s ago: a', { repeated: 2, repeated_for_ms: 5000, last_repeat_ms_ago: 4000 }],
    ])
    expect(timers.countTimers()).to.equal(0)
  })

  it('are compared with the newest 1000 messages only, with one timer', () => {
    const log = summary()
    for (let i = 0; i < 5000; i++) log.warn(`message ${i}`)
    expect(written).to.have.length(5000)
    expect(timers.countTimers()).to.equal(1)
    for (let i = 0; i < 5000; i++) log.warn(`message ${i}`)
    // Only the newest 1000 are kept, so the others are written again.
    expect(written.length).to.be.greaterThan(9000 - 1)
    log.close()
    expect(timers.countTimers()).to.equal(0)
  })
})
