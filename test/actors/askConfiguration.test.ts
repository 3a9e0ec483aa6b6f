import { expect } from 'chai'
import { createActor, setup } from 'xstate'
import { createConfigurationAsk } from '../../actors/askConfiguration.js'
import { configurationEffects } from '../../actors/effects/configuration.js'
import { createFacts } from '../../actors/facts.js'
import { createObserver } from '../../actors/observer.js'
import { liveSettings } from '../../config/derive/live.js'
import { parseConfiguration } from '../../config/load.js'
import { configurationRules } from '../../config/rules.js'
import { configurationMachine } from '../../machines/configuration.js'
import type { ConfigurationMessage } from '../../machines/configurationSetup.js'
import { type ConfigVersion, healthFault } from '../../machines/domain/configuration.js'
import { type ErrorData, ServiceError } from '../../machines/domain/errors.js'
import type { Fact } from '../../machines/domain/facts.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { cameraView, noon } from '../rpc/fakes.js'
import { createGate } from '../support/gate.js'

const by = { user: 'ann', request: '1', session: 's' }
const refusalOf = (done: Promise<unknown> | (() => unknown)) =>
  (typeof done === 'function' ? (async () => done())() : done).then(
    (): { key: string; data: ErrorData } => ({ key: 'none', data: {} }),
    (error: unknown) => {
      if (error instanceof ServiceError) return { key: error.key, data: error.data }
      throw error
    },
  )

/** The machine with its real effects and rules, under a parent that applies everything at once. */
function start({ text = 'logging: {level: info}\n', isThere = true } = {}) {
  const { log, clock } = createGate()
  const facts = createFacts({ clock, log })
  const observer = createObserver({ facts, clock, log })
  const told: Fact[] = []
  facts.subscribe((fact) => void told.push(fact))
  const loaded = parseConfiguration({ file: text, env: {} })
  const rules = configurationRules({ env: {} }, loaded)
  const world = { text, failure: undefined as Failure | undefined, link: 'up' }
  const versions: ConfigVersion[] = []
  const configHistory = {
    list: async () => versions,
    keep: async (version: Pick<ConfigVersion, 'text' | 'user' | 'origin'>) =>
      versions.push({ ...version, version: versions.length + 1, at: noon }),
  }
  const configFile = {
    isThere,
    read: async () => world.text,
    write: async (next: string) => {
      if (world.failure) throw world.failure
      world.text = next
    },
    watch: () => () => {},
  }
  const ports = { configFile, configHistory, configRules: rules, tune: () => {}, log: { error: () => {} } }
  const link = () => ({ state: world.link }) as never
  const machine = configurationMachine.provide({
    actors: configurationEffects(ports, { facts, cameras: () => [], link }),
    delays: { rollbackTimeout: 20 },
  })
  const parent = createActor(
    setup({
      types: { events: {} as ConfigurationMessage, children: {} as { configuration: 'configuration' } },
      actors: { configuration: machine },
    }).createMachine({
      invoke: {
        src: 'configuration',
        id: 'configuration',
        systemId: 'configuration',
        input: () => ({ text, settings: liveSettings(loaded.config) }),
      },
      on: {
        'settings.changed': {
          actions: ({ self }) =>
            self
              .getSnapshot()
              .children.configuration?.send({ type: 'settings.applied', scope: { cameras: [], server: true } }),
        },
      },
    }),
    { inspect: observer.inspect },
  ).start()
  const ask = createConfigurationAsk({
    actor: () => parent.system.get('configuration'),
    facts,
    rules,
    history: configHistory,
    text,
  })
  return { ask, world, versions, told, stop: () => parent.stop() }
}

describe('a request to change the configuration', () => {
  it('writes the file, and returns what has changed', async () => {
    const { ask, world, versions } = start()
    const outcome = await ask.set({ logging: { level: 'debug' }, server: { port: 81 } }, by)
    expect(outcome).to.deep.equal({
      version: 2,
      changes: [
        { key: 'server.port', from: '8002', to: 81, applies: 'restart' },
        { key: 'logging.level', from: 'info', to: 'debug', applies: 'live' },
      ],
      needsRestart: ['server.port'],
      warnings: [],
    })
    expect(world.text).to.equal('logging: {level: debug}\nserver:\n  port: 81\n')
    expect(versions.map(({ user, origin }) => [user, origin])).to.deep.equal([
      ['', 'start'],
      ['ann', 'client'],
    ])
    expect(ask.view()).to.deep.include({ version: 2, changing: false, needsRestart: ['server.port'] })
  })

  it('changes nothing in a dry run, also without a file', async () => {
    const { ask, world, told } = start({ text: '', isThere: false })
    expect(ask.plan({ logging: { level: 'debug' } }).changes).to.have.length(1)
    expect([world.text, told]).to.deep.equal(['', []])
    expect(await refusalOf(() => ask.plan({ logging: { level: 'x' } }))).to.deep.include({ key: 'invalidParams' })
  })

  it('is refused with all broken rules', async () => {
    const { ask, world } = start()
    const { key, data } = await refusalOf(ask.set({ logging: { level: 'x' }, sever: { port: 1 } }, by))
    expect(key).to.equal('invalidParams')
    expect(data).to.deep.include({
      param: 'logging.level',
      rule: 'must be one of error, warn, info, debug',
      faults: [
        { key: 'logging.level', value: '"x"', rule: 'must be one of error, warn, info, debug' },
        { key: 'sever', value: 'a group of keys', rule: 'is not a known key; the nearest is server' },
      ],
    })
    expect(world.text).to.equal('logging: {level: info}\n')
  })

  it('is refused without a file, with one that cannot be written, and with one that was changed', async () => {
    const patch = { logging: { level: 'debug' } }
    const none = await refusalOf(start({ text: '', isThere: false }).ask.set(patch, by))
    expect([none.key, none.data.reason]).to.deep.equal(['unsupported', 'config_no_file'])

    const { ask, world } = start()
    world.failure = new Failure('config_read_only', 'the configuration file cannot be written (EROFS)')
    const readOnly = await refusalOf(ask.set(patch, by))
    expect(readOnly.key).to.equal('dependencyFailed')
    expect(readOnly.data).to.deep.include({
      reason: 'config_read_only',
      detail: 'the configuration file cannot be written (EROFS); nothing was changed',
    })
    expect(readOnly.data.suggestion).to.contain('ReadWritePaths')

    world.text = 'logging: {level: wran}\n'
    const conflict = await refusalOf(ask.set(patch, by))
    expect([conflict.key, conflict.data.reason]).to.deep.equal(['invalidState', 'config_conflict'])
    expect(world.text).to.equal('logging: {level: wran}\n')
  })

  it('restores an earlier version as a new one, also over a file that was changed', async () => {
    const { ask, world } = start()
    await ask.set({ logging: { level: 'debug' } }, by)
    world.text = 'broken: ['
    expect((await ask.restore(1, { ...by })).version).to.equal(3)
    expect(world.text).to.equal('logging: {level: info}\n')
    expect((await refusalOf(ask.restore(9, { ...by }))).key).to.equal('notFound')
    expect(await ask.versions()).to.deep.include({ version: 2, at: noon, user: 'ann', origin: 'client' })
  })

  it('is refused after it was reverted, and the file is as before', async () => {
    const { ask, world } = start()
    world.link = 'down'
    const { key, data } = await refusalOf(ask.set({ logging: { level: 'debug' } }, by))
    expect(key).to.equal('dependencyFailed')
    expect(data).to.deep.include({
      reason: 'config_unhealthy',
      detail: 'the change was reverted: the media server is down',
    })
    expect(world.text).to.equal('logging: {level: info}\n')
  })

  it('fails if the service ends meanwhile, and is refused after that', async () => {
    const { ask, stop } = start()
    const refusal = refusalOf(ask.set({ logging: { level: 'debug' } }, by))
    stop()
    expect((await refusal).data.detail).to.equal('the service is stopping')
    expect((await refusalOf(ask.set({}, by))).key).to.equal('invalidState')
  })
})

describe('the health after a change', () => {
  const faultOf = (status: 'CONNECTED' | 'ERROR', state = 'up') =>
    healthFault(
      { cameras: ['camera0'], server: true },
      [cameraView({ status, cause: { state: 'x', since: 0, reason: because('device_busy') } })],
      { state },
    )?.details

  it('is that of the cameras that reconnect and of the media server', () => {
    expect(faultOf('CONNECTED')).to.equal(undefined)
    expect(faultOf('ERROR')).to.equal('camera0 is not available: the device is busy: another program uses it')
    expect(faultOf('CONNECTED', 'down')).to.equal('the media server is down')
    expect(healthFault({ cameras: [], server: false }, [], { state: 'down' })).to.equal(undefined)
    expect(healthFault({ cameras: ['camera7'], server: false }, [], { state: 'up' })).to.deep.equal(
      because('config_unhealthy', 'camera7 is not available: it has not connected again'),
    )
  })
})
