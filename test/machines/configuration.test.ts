import { expect } from 'chai'
import { type EventObject, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { configurationMachine, configurationView } from '../../machines/configuration.js'
import type {
  Application,
  ConfigurationEvent,
  PendingChange,
  VersionToKeep,
} from '../../machines/configurationSetup.js'
import {
  type ConfigPlan,
  ConfigRefusal,
  type ConfigRequest,
  type HealthScope,
  type LiveSettings,
  type Tuning,
} from '../../machines/domain/configuration.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { later, turn } from '../support/later.js'
import { withParent } from '../support/parent.js'

const by = { user: 'ann', request: '1', session: 's' }
const patch = (level: string): ConfigRequest => ({ origin: 'client', by, patch: { logging: { level } } })

/** Settings that the tests tell apart by the level of the log. */
const settingsOf = (logLevel: Tuning['logLevel']): LiveSettings => ({
  fleet: {
    entries: [],
    endsOnUnplug: false,
    priority: 50,
    storage: { warnPercent: 80, blockPercent: 90, minFree: 0, interval: 5_000 },
    retention: { policy: { type: 'manual', enabled: false }, checkInterval: 1_000 },
    external: { interval: 0, maxStreams: 0, skydio: false, generic: false },
  },
  tuning: {
    logLevel,
    rateLimits: { requests: 1, window: 1, addressRequests: 1, failures: 1, pauseMax: 1 },
    snapshots: { format: 'jpg', quality: 90, maxAge: 0 },
    recordings: { format: 'fmp4' },
    scan: {},
  },
  rollbackTimeout: 30_000,
  history: 10,
})
const planOf = (level: Tuning['logLevel'], changes: Partial<ConfigPlan> = {}): ConfigPlan => ({
  text: `level: ${level}`,
  writes: true,
  changes: [{ key: 'logging.level', from: 'info', to: level, applies: 'live' }],
  needsRestart: [],
  warnings: [],
  settings: settingsOf(level),
  ...changes,
})

const applied = ({ text, expected, tuning }: Application) =>
  [
    tuning.logLevel,
    ...(text === undefined ? [] : [`write ${text}`]),
    ...(expected === undefined ? [] : [`if ${expected}`]),
  ].join(', ')

/** The machine on effects that the test controls. `log`: the effects, in order. */
function start(unconfirmed?: PendingChange) {
  const clock = new SimulatedClock()
  const log: string[] = []
  const world = {
    plan: async (_: ConfigRequest, _text: string): Promise<ConfigPlan> => planOf('debug'),
    apply: async () => {},
    revert: async () => ({ fileDiffers: false }),
    keep: async () => log.filter((line) => line.startsWith('keep')).length,
    isBlind: false,
  }
  let judge = (_: ConfigurationEvent) => {}
  const parts = withParent(
    configurationMachine.provide({
      actors: {
        watchFile: fromCallback(() => () => log.push('watch ends')) as never,
        planChange: fromPromise<ConfigPlan, { request: ConfigRequest; text: string }>(({ input }) => {
          log.push(`read ${input.request.origin}`)
          return world.plan(input.request, input.text)
        }),
        applyChange: fromPromise<void, Application>(({ input }) => {
          log.push(`apply ${applied(input)}`)
          return world.apply()
        }),
        revertChange: fromPromise<{ fileDiffers: boolean }, Application>(({ input }) => {
          log.push(`revert to ${applied(input)}`)
          return world.revert()
        }),
        keepVersion: fromPromise<number, VersionToKeep>(({ input }) => {
          log.push(`keep ${input.text} of ${input.by?.user ?? input.origin}, ${input.limit}`)
          return world.keep()
        }),
        watchHealth: fromCallback<EventObject, HealthScope>(({ sendBack }) => {
          if (world.isBlind) throw new Error('a bug')
          judge = sendBack
        }),
      },
    }),
    { input: { text: 'level: info', settings: settingsOf('info'), ...(unconfirmed && { unconfirmed }) }, clock },
  )
  const { actor, heard, facts } = parts
  const of = (type: string) => facts.filter((fact) => fact.type === type)
  return {
    ...parts,
    clock,
    log,
    world,
    of,
    view: () => configurationView(actor.getSnapshot()),
    request: async (request: ConfigRequest) => {
      actor.send({ type: 'config.request', request })
      for (let more = 0; more < 3; more++) await turn()
    },
    /** The fleet has informed the cameras; these reconnect. */
    applied: async (...cameras: 'camera0'[]) => {
      actor.send({ type: 'settings.applied', scope: { cameras, server: true } })
      await turn()
    },
    judge: async (fault?: string) => {
      judge({ type: 'health.judged', ...(fault !== undefined && { fault: because('config_unhealthy', fault) }) })
      for (let more = 0; more < 3; more++) await turn()
    },
    passes: async (ms: number) => {
      clock.increment(ms)
      for (let more = 0; more < 3; more++) await turn()
    },
    sent: () =>
      heard
        .filter(({ type }) => type === 'settings.changed')
        .map((event) => (event as unknown as { settings: LiveSettings }).settings.tuning.logLevel),
    /** What the fleet keeps for the case that the machine crashes. */
    kept: () =>
      heard.flatMap((event) => {
        const { type, plan, text } = event as { type: string; plan?: ConfigPlan; text?: string }
        return type.startsWith('change.') ? `${type} ${plan?.text ?? text}` : []
      }),
  }
}

describe('configuration', () => {
  it('keeps the version with which the service starts', async () => {
    const { log, view } = start()
    await turn()
    expect(log).to.deep.equal(['keep level: info of start, 10'])
    expect(view()).to.deep.equal({ version: 1, text: 'level: info', changing: false })
  })

  it('reads a changed file once it is at rest, applies it and keeps the version', async () => {
    const { actor, log, passes, applied, judge, view, of, sent } = start()
    await turn()
    actor.send({ type: 'file.changed' })
    await passes(200)
    actor.send({ type: 'file.changed' })
    await passes(200)
    expect(log).to.have.length(1)
    await passes(100)
    expect(sent()).to.deep.equal(['debug'])
    await applied()
    await judge()
    expect(log.slice(1)).to.deep.equal([
      'read file',
      'apply debug, write level: debug',
      'keep level: debug of file, 10',
    ])
    expect(view()).to.deep.equal({ version: 2, text: 'level: debug', changing: false })
    expect(of('config.changed')).to.deep.equal([
      {
        type: 'config.changed',
        version: 2,
        origin: 'file',
        changes: planOf('debug').changes,
        needsRestart: [],
        warnings: [],
      },
    ])
  })

  it('refuses a change with all faults and leaves everything as it was', async () => {
    const { request, world, log, of, view, sent } = start()
    const faults = ['a', 'b'].map((key) => ({ key, value: '1', rule: 'must be 2', origin: 'the change' }))
    world.plan = async () => {
      throw new ConfigRefusal(faults)
    }
    await request(patch('x'))
    const reason = because('config_invalid', 'a = 1: must be 2; b = 1: must be 2')
    expect(of('config.refused')).to.deep.equal([{ type: 'config.refused', origin: 'client', by, reason, faults }])
    expect(view(), 'the client has the reason').to.deep.equal({ version: 1, text: 'level: info', changing: false })
    expect([log.filter((line) => line.startsWith('apply')), sent()]).to.deep.equal([[], []])
  })

  it('shows a fault of a key without its value, and one of the whole file', async () => {
    const { request, world, of } = start()
    const faults = [
      { key: 'a', value: '', rule: 'must be set', origin: 'the change' },
      { key: '', value: '', rule: 'the file is empty', origin: 'the change' },
    ]
    world.plan = async () => {
      throw new ConfigRefusal(faults)
    }
    await request(patch('x'))
    expect(of('config.refused')[0]).to.deep.include({
      reason: because('config_invalid', 'a: must be set; the file is empty'),
    })
  })

  it('shows why the file is not in force, until it is, also after requests of clients that fail', async () => {
    const { request, world, view } = start()
    const faults = [{ key: 'a', value: '1', rule: 'must be 2', origin: 'line 3' }]
    const refuse = async ({ origin }: ConfigRequest) => {
      throw origin === 'client' ? new Failure('config_version_unknown') : new ConfigRefusal(faults)
    }
    const reason = because('config_invalid', 'a = 1: must be 2')
    world.plan = refuse
    await request({ origin: 'signal' })
    expect(view().reason).to.deep.equal(reason)
    world.plan = async () => planOf('debug')
    world.apply = async () => {
      throw new Failure('config_conflict')
    }
    await request(patch('debug'))
    world.plan = refuse
    await request(patch('x'))
    expect(view().reason, 'of the file').to.deep.equal(reason)
    world.plan = async () => planOf('info', { changes: [] })
    world.apply = async () => {}
    await request({ origin: 'signal' })
    expect(view().reason).to.equal(undefined)
  })

  it('applies nothing if the file cannot be written', async () => {
    const { request, world, of, view, sent } = start()
    world.apply = async () => {
      throw new Failure('config_read_only')
    }
    await request(patch('debug'))
    expect(of('config.refused')).to.have.length(1)
    expect([view().text, sent()]).to.deep.equal(['level: info', []])
  })

  it('waits until the cameras that reconnect are available, and stay so', async () => {
    const { request, applied, judge, passes, view, of } = start()
    await request(patch('debug'))
    await applied('camera0')
    await judge('camera0 is not available')
    await judge()
    await passes(1_000)
    await judge('camera0 is not available: refused')
    await passes(5_000)
    expect(view().changing).to.equal(true)
    await judge()
    await passes(2_000)
    expect(of('config.changed')).to.have.length(1)
    expect(view()).to.deep.equal({ version: 2, text: 'level: debug', changing: false })
  })

  it('reverts a change if the service is not healthy in time', async () => {
    const { request, applied, judge, passes, view, of, log, sent } = start()
    await request(patch('debug'))
    await applied('camera0')
    await judge('camera0 is not available: it does not answer')
    await passes(31_999)
    expect(sent()).to.deep.equal(['debug'])
    await passes(1)
    expect(sent()).to.deep.equal(['debug', 'info'])
    await applied('camera0')
    expect(log.slice(-2)).to.deep.equal([
      'apply debug, write level: debug',
      'revert to info, write level: info, if level: debug',
    ])
    const reason = because('config_unhealthy', 'camera0 is not available: it does not answer')
    expect(of('config.rolledBack')).to.deep.equal([
      {
        type: 'config.rolledBack',
        origin: 'client',
        by,
        reason,
        changes: planOf('debug').changes,
        fileDiffers: false,
      },
    ])
    expect(view()).to.deep.equal({ version: 1, text: 'level: info', changing: false, reason })
  })

  it('reverts a change if nobody can watch the health after it', async () => {
    const { request, world, applied, sent, of } = start()
    world.isBlind = true
    await request(patch('debug'))
    await applied('camera0')
    expect(sent()).to.deep.equal(['debug', 'info'])
    await applied()
    expect(of('config.rolledBack')).to.have.length(1)
    expect(of('config.rolledBack')[0]).to.have.nested.property('reason.details', 'a bug')
  })

  it('names the author of a change to the fleet, also when it reverts it', async () => {
    const { request, applied, passes, heard } = start()
    await request(patch('debug'))
    await applied('camera0')
    await passes(32_000)
    const authors = heard.flatMap((event) => (event.type === 'settings.changed' && 'by' in event ? [event.by] : []))
    expect(authors).to.deep.equal([by, by])
  })

  it('is changing from the first sign of another file until that is kept, or reverted', async () => {
    const { actor, world, applied, judge, passes, view } = start()
    const [planned, written, kept, reverted] = [later<ConfigPlan>(), later<void>(), later<number>(), later<void>()]
    world.plan = () => planned.promise
    world.apply = () => written.promise
    world.keep = () => kept.promise
    world.revert = async () => {
      await reverted.promise
      return { fileDiffers: false }
    }
    await turn()
    const seen: [unknown, boolean][] = []
    const look = () => seen.push([actor.getSnapshot().value, view().changing])
    actor.send({ type: 'file.changed' })
    look()
    await passes(10_000)
    look()
    planned.resolve(planOf('debug'))
    await turn()
    look()
    written.resolve()
    await turn()
    await applied('camera0')
    look()
    await judge()
    await passes(10_000)
    look()
    kept.resolve(2)
    await turn()
    look()
    actor.send({ type: 'config.request', request: patch('warn') })
    for (let more = 0; more < 3; more++) await turn()
    await applied('camera0')
    await passes(40_000)
    look()
    expect(seen).to.deep.equal([
      ['debouncing', true],
      ['reading', true],
      [{ applying: 'writing' }, true],
      [{ confirming: 'waiting' }, true],
      ['keeping', true],
      ['idle', false],
      [{ rollingBack: 'restoring' }, true],
    ])
  })

  it('does not write over a file that somebody else has written when it reverts', async () => {
    const { request, world, passes, of, log } = start()
    world.plan = async () => planOf('debug', { writes: false })
    await request({ origin: 'signal' })
    // The fleet does not answer.
    await passes(30_000)
    await passes(30_000)
    expect(log.filter((line) => /apply|revert/.test(line))).to.deep.equal(['apply debug', 'revert to info'])
    expect(of('config.rolledBack')[0]).to.deep.include({ fileDiffers: true })
  })

  it('tells that the file still holds the change, if it cannot be reverted there', async () => {
    const { request, world, applied, judge, passes, of } = start()
    world.revert = async () => ({ fileDiffers: true })
    await request(patch('debug'))
    await applied('camera0')
    await judge('camera0 is not available: it does not answer')
    await passes(32_000)
    await applied('camera0')
    const reason = because('config_unhealthy', 'camera0 is not available: it does not answer')
    expect(of('config.rolledBack')[0]).to.deep.include({ fileDiffers: true, reason })
  })

  it('accepts a camera that is back just in time, if it stays', async () => {
    const { request, applied, judge, passes, of } = start()
    await request(patch('debug'))
    await applied('camera0')
    await judge('camera0 is not available')
    await passes(29_900)
    await judge()
    await passes(2_000)
    expect(of('config.changed')).to.have.length(1)
  })

  it('runs a second change after the first is confirmed', async () => {
    const { request, world, applied, judge, log, of, view } = start()
    await request(patch('debug'))
    await applied()
    world.plan = async (_, text) => planOf('warn', { text: `${text}, then warn` })
    await request(patch('warn'))
    expect(log.filter((line) => line.startsWith('read'))).to.have.length(1)
    await judge()
    await applied()
    await judge()
    expect(of('config.changed').map((fact) => (fact as unknown as { version: number }).version)).to.deep.equal([2, 3])
    expect(view().text).to.equal('level: debug, then warn')
  })

  it('reads a file again that changes while a change is confirmed, once', async () => {
    const { actor, request, applied, judge, passes, log } = start()
    await request(patch('debug'))
    await applied()
    for (let more = 0; more < 3; more++) actor.send({ type: 'file.changed' })
    await judge()
    await passes(300)
    await applied()
    await judge()
    await passes(300)
    expect(log.filter((line) => line.startsWith('read'))).to.deep.equal(['read client', 'read file'])
  })

  it('keeps a text that changes no value without touching anything', async () => {
    const { request, world, of, view, sent } = start()
    world.plan = async () => planOf('info', { text: '# level: info', changes: [], writes: false })
    await request({ origin: 'signal' })
    expect([of('config.unchanged').length, of('config.changed').length, sent().length]).to.deep.equal([1, 0, 0])
    expect(view()).to.deep.equal({ version: 2, text: '# level: info', changing: false })
  })

  it('keeps a change in force that cannot be kept as a version, and tells why', async () => {
    const { request, world, applied, judge, view, of } = start()
    await turn()
    world.keep = async () => {
      throw new Failure('storage_full')
    }
    await request(patch('debug'))
    await applied()
    await judge()
    expect(of('config.changed')).to.have.length(1)
    expect(view()).to.deep.equal({
      version: 0,
      text: 'level: debug',
      changing: false,
      reason: because('storage_full'),
    })
  })

  it('uses the time limit and the number of versions of the new configuration', async () => {
    const { request, world, applied, judge, passes, view, log } = start()
    world.plan = async () =>
      planOf('debug', { settings: { ...settingsOf('debug'), rollbackTimeout: 5_000, history: 3 } })
    await request(patch('debug'))
    await applied('camera0')
    await judge('camera0 is not available')
    await passes(7_000)
    await applied('camera0')
    expect(view().text).to.equal('level: info')
    await request(patch('debug'))
    await applied()
    await judge()
    expect(log.at(-1)).to.equal('keep level: debug of ann, 3')
  })

  it('tells the fleet of a change before it touches anything, and of its end', async () => {
    const { request, world, applied, judge, passes, kept } = start()
    const writing = later<void>()
    world.apply = () => writing.promise
    await request(patch('debug'))
    expect(kept()).to.deep.equal(['change.pending level: debug'])
    writing.resolve()
    await turn()
    await applied()
    expect(kept()).to.have.length(1)
    await judge()
    expect(kept().slice(1)).to.deep.equal(['change.settled level: debug'])

    world.apply = async () => {
      throw new Failure('config_read_only')
    }
    world.plan = async () => planOf('warn')
    await request(patch('warn'))
    expect(kept().slice(2)).to.deep.equal(['change.pending level: warn', 'change.settled level: debug'])

    world.apply = async () => {}
    await request(patch('warn'))
    await passes(30_000)
    await applied()
    expect(kept().slice(4)).to.deep.equal(['change.pending level: warn', 'change.settled level: debug'])
  })

  describe('that is started again after a crash during a change', () => {
    const request = patch('debug')
    const changes = planOf('debug').changes

    it('brings everything back to the confirmed version, and tells it', async () => {
      const { applied, log, of, sent, kept, view } = start({ plan: planOf('debug'), request })
      for (let more = 0; more < 3; more++) await turn()
      expect(log).to.deep.equal(['keep level: info of start, 10', 'revert to info, write level: info, if level: debug'])
      expect(sent()).to.deep.equal(['info'])
      await applied('camera0')
      const reason = because('crashed', 'the change was reverted, because an internal error interrupted it')
      expect(of('config.rolledBack')).to.deep.equal([
        { type: 'config.rolledBack', origin: 'client', by, reason, changes, fileDiffers: false },
      ])
      expect(view()).to.deep.equal({ version: 1, text: 'level: info', changing: false, reason })
      expect(kept()).to.deep.equal(['change.settled level: info'])
    })

    it('leaves a file as it is that somebody else has written, and tells it', async () => {
      const { applied, log, of } = start({ plan: planOf('debug', { writes: false }), request: { origin: 'file' } })
      for (let more = 0; more < 3; more++) await turn()
      await applied()
      expect(log.at(-1)).to.equal('revert to info')
      expect(of('config.rolledBack')[0]).to.deep.include({ origin: 'file', fileDiffers: true })
    })

    it('does so too if the version cannot be kept, and takes the next change afterwards', async () => {
      const one = start({ plan: planOf('debug'), request })
      one.world.keep = async () => {
        throw new Failure('storage_full')
      }
      for (let more = 0; more < 3; more++) await turn()
      await one.applied()
      expect(one.of('config.rolledBack')).to.have.length(1)
      one.world.plan = async () => planOf('warn')
      await one.request(patch('warn'))
      expect(one.sent()).to.deep.equal(['info', 'warn'])
    })
  })

  it('stops while it applies: nothing follows', async () => {
    const { request, world, stop, log, of } = start()
    const writing = later<void>()
    world.apply = () => writing.promise
    await request(patch('debug'))
    stop()
    writing.resolve()
    await turn()
    expect(log.slice(-2)).to.deep.equal(['apply debug, write level: debug', 'watch ends'])
    expect(of('config.changed')).to.deep.equal([])
  })

  it('accepts a limited number of requests', async () => {
    const { actor, world } = start()
    world.plan = () => new Promise(() => {})
    const event = { type: 'config.request', request: patch('debug') } as const
    for (let more = 0; more < 16; more++) actor.send(event)
    expect(actor.getSnapshot().can(event)).to.equal(false)
  })
})
