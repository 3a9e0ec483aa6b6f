import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import { createActors } from '../../actors/createActors.js'
import { actorOptions, askOptions, fleetInput, streamAccessOptions } from '../../config/derive/actors.js'
import { loadConfiguration } from '../../config/load.js'
import { configurationRules } from '../../config/rules.js'
import type { Fact } from '../../machines/domain/facts.js'
import { because } from '../../machines/domain/reason.js'
import { createMetrics } from '../../rpc/metrics.js'
import { createFakePorts } from '../support/fakePorts.js'

const loaded = loadConfiguration({ env: {} })
const { config } = loaded
const configRules = configurationRules({ env: {} }, loaded)

describe('all actors together', () => {
  let close = () => {}
  afterEach(() => close())

  function actors(changes: Parameters<typeof createFakePorts>[0] = {}) {
    const timers = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const { ports, log, clock, lines } = createFakePorts(changes)
    const metrics = createMetrics()
    const failures = { pause: () => 0, failed: () => {} }
    const made = createActors(
      { ...ports, failures, metrics, clock, log, configRules, tune: () => {} },
      {
        actors: actorOptions(config),
        input: fleetInput(config, { streams: [] }),
        ask: askOptions(config),
        streamAccess: streamAccessOptions(config),
      },
    )
    metrics.follow(made.facts)
    close = () => {
      made.close()
      timers.restore()
    }
    return { ...made, timers, lines, metrics }
  }
  /** An indexer that finds these files, and copies until `release`, or until it is stopped. */
  function fakeIndexer(names: string[]) {
    const formats: string[] = []
    const signals: AbortSignal[] = []
    const release: ((bytes: number) => void)[] = []
    const indexer: ReturnType<typeof createFakePorts>['ports']['indexer'] = {
      unindexed: async () =>
        names.map((name) => ({
          ...{ name, camera: 'camera0', path: `/x/${name}`, bytes: 1, modifiedAt: 0, inode: 1 },
          ...{ complete: true, duration: 1, isAtRest: true },
        })),
      index: (file, format, signal) => {
        formats.push(`${file.name} ${format}`)
        signals.push(signal)
        return new Promise((resolve) => release.push(resolve))
      },
    }
    return { indexer, formats, signals, release }
  }
  const ended = (format: 'fmp4' | 'mp4', name: string): Fact => ({
    ...{ type: 'recording.ended', camera: 'camera0', by: { user: 'ann', request: '1', session: '' } },
    outcome: { reason: because('requested'), files: [name], endedAt: 0, recorded: 0, bytes: 0, format, gaps: [] },
  })

  it('index the files of a recording that ended, in its format, and tell it', async () => {
    const names: string[] = []
    const { indexer, formats, release } = fakeIndexer(names)
    const { start, timers, facts, metrics, lines } = actors({ indexer })
    await start(1_000)
    await timers.tickAsync(3_000)
    names.push('camera0_a.mp4')
    facts.publish(ended('mp4', 'camera0_a.mp4'))
    await timers.tickAsync(3_000)
    expect(formats).to.deep.equal(['camera0_a.mp4 mp4'])
    release[0]?.(1)
    await timers.tickAsync(0)
    expect(metrics.counts().cameras.get('camera0')?.filesIndexed).to.equal(1)
    expect(lines.join('\n')).to.match(/^info camera0_a\.mp4 has an index/m)
  })

  it('end the copy of a recording at once when the disk fills up, and when the service stops', async () => {
    const { indexer, signals } = fakeIndexer(['camera0_a.mp4'])
    const { start, stop, timers, facts } = actors({ indexer })
    await start(1_000)
    await timers.tickAsync(3_000)
    const reason = because('storage_warning')
    facts.publish({ type: 'storage.warning', percent: 81, available: 5, reason })
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true])
    await timers.tickAsync(60_000)
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true, false])
    const stopped = stop('SIGTERM', 10_000)
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true, true])
    await timers.tickAsync(10_000)
    await stopped
  })

  const bug = () => {
    throw new Error('a bug')
  }

  it('answer a ping while the root runs', async () => {
    const { start, close: end, isAlive } = actors()
    await start(1_000)
    expect([isAlive(), isAlive()]).to.deep.equal([true, true])
    end()
    expect(isAlive()).to.equal(false)
  })

  it('restart a service that crashes, count it and log the stack', async () => {
    const { usb } = createFakePorts().ports
    const crashes = [bug]
    const { start, timers, lines, metrics, directory } = actors({
      usb: { ...usb, watch: (hint) => (crashes.pop() ?? (() => usb.watch(hint)))() },
    })
    await start(1_000)
    await timers.tickAsync(2_000)
    expect(metrics.counts().actorRestarts.get('discovery')).to.equal(1)
    expect(lines.join('\n')).to.match(/error .*discovery.*a bug/)
    expect(lines.join('\n')).to.contain('createActors.test.ts')
    expect(directory.cameras().map(({ status }) => status)).to.deep.equal(['CONNECTED'])
  })

  it('end with a reason after too many crashes within a minute', async () => {
    const { usb, mediaServer } = createFakePorts().ports
    const { start, timers, failed } = actors({
      usb: { ...usb, watch: bug },
      mediaServer: { ...mediaServer, onBreaker: bug },
    })
    await start(1_000)
    let reason = 'none'
    void failed.then((why) => {
      reason = why
    })
    await timers.tickAsync(500)
    expect(reason).to.equal('none')
    await timers.tickAsync(40_000)
    expect(reason).to.equal('too many actors crashed within a minute')
  })

  it('do not count a stop as a failure', async () => {
    const { start, timers, stop, failed } = actors()
    await start(1_000)
    let reason = 'none'
    void failed.then((why) => {
      reason = why
    })
    const stopped = stop('SIGTERM', 5_000)
    await timers.tickAsync(10_000)
    await stopped
    expect(reason).to.equal('none')
  })
})
