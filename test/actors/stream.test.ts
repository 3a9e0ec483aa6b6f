import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import { provideStreamHold } from '../../actors/effects/stream.js'
import type { StreamReader } from '../../machines/domain/ports.js'
import { because, Failure, type Reason } from '../../machines/domain/reason.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

interface HoldOptions {
  deaf?: boolean
  url?: string
  added?: true
  refusal?: string
}

describe('holding a stream', () => {
  it('reports that it is held, and releases it when it is stopped', async () => {
    const { heard, stop, log, live } = hold()
    await live()
    expect(heard).to.deep.equal([{ type: 'stream.held' }])
    stop()
    expect(log).to.deep.equal(['asked', 'released'])
  })

  it('requests a lost stream again, with a delay', async () => {
    const { heard, log, clock, live, lost } = hold()
    await live()
    await lost('the media server closed the connection')
    expect(log).to.deep.equal(['asked'])
    await clock.tickAsync(500)
    expect(log).to.deep.equal(['asked', 'asked'])
    await live()
    expect(heard).to.deep.equal([
      { type: 'stream.held' },
      { type: 'stream.lost', reason: because('stream_lost', 'the media server closed the connection') },
      { type: 'stream.held' },
    ])
  })

  it('reports why it fails, and retries', async () => {
    const { heard, log, clock, refused } = hold()
    await refused('stream not found')
    await clock.tickAsync(500)
    await refused('stream not found')
    expect(heard).to.deep.equal([
      { type: 'stream.lost', reason: because('stream_lost', 'stream not found') },
      { type: 'stream.lost', reason: because('stream_lost', 'stream not found') },
    ])
    expect(log).to.deep.equal(['asked', 'asked'])
  })

  it('aborts a waiting SETUP after a loss, because only a new one starts the path', async () => {
    const { log, clock, live, lost } = hold()
    await live()
    await lost('gone')
    await clock.tickAsync(500)
    await clock.tickAsync(1_000)
    expect(log).to.deep.equal(['asked', 'asked', 'given up'])
  })

  it('releases a hold that succeeds after it was aborted', async () => {
    const { stop, log, live } = hold({ deaf: true })
    stop()
    await live()
    expect(log).to.deep.equal(['asked', 'given up', 'released'])
  })

  it('asks a network camera first, and requests its stream when it answers', async () => {
    const { heard, log, clock, live, lost, camera } = hold({ url: 'rtsp://10.0.0.9/yard' })
    await live()
    camera.answers = false
    await lost('the media server closed the connection')
    await clock.tickAsync(1_600)
    expect(log).to.deep.equal(['asked', 'described', 'described', 'described'])
    expect(heard.at(-1)).to.deep.equal({ type: 'stream.lost', reason: because('unreachable', 'no answer') })
    camera.answers = true
    await clock.tickAsync(500)
    expect(log.slice(4)).to.deep.equal(['described', 'asked'])
  })

  it('asks a network camera less often when it stays away', async () => {
    const { log, clock, live, lost, camera } = hold({ url: 'rtsp://10.0.0.9/yard' })
    await live()
    camera.answers = false
    await lost('the media server closed the connection')
    await clock.tickAsync(10_000)
    expect(log.filter((line) => line === 'described')).to.have.length(20)
    await clock.tickAsync(10_000)
    expect(log.filter((line) => line === 'described')).to.have.length(22)
  })

  it('does not connect to an added camera whose address is no longer allowed', async () => {
    const { heard, log, clock, live, lost } = hold({ url: 'rtsp://camera.test/yard', added: true, refusal: 'is local' })
    await live()
    await lost('the media server closed the connection')
    await clock.tickAsync(600)
    expect(log).to.deep.equal(['asked'])
    expect(heard.at(-1)).to.deep.include({
      type: 'stream.lost',
      reason: because('address_refused', 'its address is local'),
    })
  })

  let restore = () => {}
  afterEach(() => restore())

  /** The effect, with a reader that the test controls. */
  function hold({ deaf = false, url = '', refusal, ...also }: HoldOptions = {}) {
    const camera = { answers: true }
    const clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    restore = () => clock.restore()
    const log: string[] = []
    let answer = later<() => void>()
    let lose: (reason: Reason) => void = () => {}
    const reader: Pick<StreamReader, 'hold' | 'describe' | 'reach'> = {
      async reach() {
        log.push('reached')
      },
      async describe() {
        log.push('described')
        if (!camera.answers) throw new Failure('unreachable', 'no answer')
        return { codec: 'H264' }
      },
      hold(_name, lost, signal) {
        log.push('asked')
        lose = lost
        const mine = later<() => void>()
        answer = mine
        let settled = false
        const settle = () => {
          settled = true
        }
        mine.promise.then(settle, settle)
        signal.addEventListener('abort', () => {
          if (settled) return
          log.push('given up')
          if (!deaf) mine.reject('given up')
        })
        return mine.promise
      },
    }
    const { heard, stop } = withParent(
      provideStreamHold({
        reader,
        addresses: { refusal: async () => refusal },
        sourceOf: () => (url === '' ? undefined : { url, ...also }),
        startLimit: 22_000,
      }),
      {
        input: { camera: 'camera0' },
      },
    )
    const settle = async () => {
      await turn()
      await turn()
    }
    return {
      heard,
      stop,
      log,
      clock,
      camera,
      live: () => {
        answer.resolve(() => log.push('released'))
        return settle()
      },
      refused: (reason: string) => {
        answer.reject(reason)
        return settle()
      },
      lost: (details: string) => {
        lose(because('stream_lost', details))
        return settle()
      },
    }
  }
})
