import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import { createActor, createMachine, type EventObject } from 'xstate'
import { holdStream } from '../../actors/effects/stream.js'
import type { StreamReader } from '../../machines/domain/ports.js'
import { later, turn } from '../support/later.js'

describe('holding a stream', () => {
  it('tells that it is held, and lets go when it is no longer wanted', async () => {
    const { actor, told, log, live } = hold()
    await live()
    expect(told).to.deep.equal([{ type: 'stream.held' }])
    actor.stop()
    expect(log).to.deep.equal(['asked', 'released'])
  })

  it('asks again, after a moment, when the stream is lost', async () => {
    const { told, log, clock, live, lost } = hold()
    await live()
    await lost('the media server closed the connection')
    expect(log).to.deep.equal(['asked'])
    await clock.tickAsync(500)
    expect(log).to.deep.equal(['asked', 'asked'])
    await live()
    expect(told).to.deep.equal([
      { type: 'stream.held' },
      { type: 'stream.lost', reason: 'the media server closed the connection' },
      { type: 'stream.held' },
    ])
  })

  it('tells why it cannot, and keeps trying', async () => {
    const { told, log, clock, refused } = hold()
    await refused('stream not found')
    await clock.tickAsync(500)
    await refused('stream not found')
    expect(told).to.deep.equal([
      { type: 'stream.lost', reason: 'stream not found' },
      { type: 'stream.lost', reason: 'stream not found' },
    ])
    expect(log).to.deep.equal(['asked', 'asked'])
  })

  it('gives up a SETUP that is kept waiting after a loss, for only a new one wakes the path', async () => {
    const { log, clock, live, lost } = hold()
    await live()
    await lost('gone')
    await clock.tickAsync(500)
    await clock.tickAsync(3_000)
    expect(log).to.deep.equal(['asked', 'asked', 'given up'])
  })

  it('lets go also of a hold that succeeds after it was given up', async () => {
    const { actor, log, live } = hold({ deaf: true })
    actor.stop()
    await live()
    expect(log).to.deep.equal(['asked', 'given up', 'released'])
  })

  let restore = () => {}
  afterEach(() => restore())

  /** The effect, with a reader whose answers wait for the test. */
  function hold({ deaf = false } = {}) {
    const clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    restore = () => clock.restore()
    const told: EventObject[] = []
    const log: string[] = []
    let answer = later<() => void>()
    let lose: (reason: string) => void = () => {}
    const reader: Pick<StreamReader, 'hold'> = {
      hold(_name, lost, signal) {
        log.push('asked')
        lose = lost
        const mine = later<() => void>()
        answer = mine
        let settled = false
        mine.promise.then(
          () => {
            settled = true
          },
          () => {},
        )
        signal.addEventListener('abort', () => {
          if (settled) return
          log.push('given up')
          if (!deaf) mine.reject('given up')
        })
        return mine.promise
      },
    }
    const holder = createMachine({
      invoke: { src: holdStream({ reader, startLimit: 22_000 }), input: { camera: 'camera0' } },
      on: { '*': { actions: ({ event }: { event: EventObject }) => told.push(event) } },
    })
    const actor = createActor(holder)
    actor.start()
    const settle = async () => {
      await turn()
      await turn()
    }
    return {
      actor,
      told,
      log,
      clock,
      live: () => {
        answer.resolve(() => log.push('released'))
        return settle()
      },
      refused: (reason: string) => {
        answer.reject(reason)
        return settle()
      },
      lost: (reason: string) => {
        lose(reason)
        return settle()
      },
    }
  }
})
