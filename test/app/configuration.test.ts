import { expect } from 'chai'
import type { Ports } from '../../adapters/open.js'
import { type App, startApp } from '../../app.js'
import { parseConfiguration } from '../../config/load.js'
import type { ConfigVersion } from '../../machines/domain/configuration.js'
import type { Fact } from '../../machines/domain/facts.js'
import { connect } from '../support/client.js'
import { createFakePorts } from '../support/fakePorts.js'
import { freePorts } from '../support/ports.js'
import { until } from '../support/until.js'

const virtual = (name: string, fps = 15) => `  - {name: ${name}, source: virtual, fps: ${fps}}\n`

describe('the configuration of a running service', () => {
  const running: App[] = []
  afterEach(async () => {
    for (const app of running.splice(0)) await app.stop('the test is over')
  })

  /** A service on fake ports, with a file in memory. The virtual cameras in `refused` are refused by the probe. */
  async function start(text: string) {
    const [rpc = 0, health = 0] = await freePorts(2)
    const env = {
      CAMERA_SERVICE_SERVER_PORT: String(rpc),
      CAMERA_SERVICE_HTTP_HEALTH_PORT: String(health),
      CAMERA_SERVICE_SERVER_SHUTDOWN_TIMEOUT: '2s',
    }
    const loaded = parseConfiguration({ file: text, env })
    const world = { text, isBroken: false, levels: [] as string[] }
    let report = () => {}
    const versions: ConfigVersion[] = []
    const configFile: Ports['configFile'] = {
      isThere: true,
      read: async () => world.text,
      write: async (next) => {
        world.text = next
      },
      watch: (listener) => {
        report = listener
        return () => {}
      },
    }
    const configHistory: Ports['configHistory'] = {
      list: async () => versions,
      keep: async (version) => versions.push({ ...version, version: versions.length + 1, at: 1 }),
    }
    const { ports } = createFakePorts()
    const probe: Ports['probe'] = {
      capabilities: async (device, signal) => {
        if (world.isBroken && device.kind === 'virtual' && device.name === 'b') throw new Error('no such device')
        return ports.probe.capabilities(device, signal)
      },
    }
    const usb = { ...ports.usb, list: async () => [] }
    const plans: object[] = []
    const scan = { ...ports.scan, use: (plan: object) => void plans.push(plan) }
    const { open, log, ended, published, lines } = createFakePorts({ configFile, configHistory, probe, usb, scan })
    const logControl = {
      levels: () => ({ level: 'info' as const, modules: {} }),
      setLevel: (level: string) => void world.levels.push(level),
      setModuleLevel() {},
    }
    const app = await startApp({
      config: loaded.config,
      source: { file: 'x.yml', env, loaded },
      log,
      logControl,
      env,
      open,
    })
    running.push(app)
    const facts: Fact[] = []
    app.facts.subscribe((fact) => void facts.push(fact))
    const count = () => app.directory.cameras().filter(({ status }) => status === 'CONNECTED').length
    await until('the cameras are connected', () => count() === loaded.config.cameras.length)
    await until('the media server is up', () => app.directory.link().state === 'up')
    facts.length = 0
    return {
      app,
      rpc,
      plans,
      world,
      facts,
      ended,
      published,
      lines,
      edit(next: string) {
        world.text = next
        report()
      },
      outcome: (type: Fact['type']) => until(type, () => facts.find((fact) => fact.type === type), 60_000),
      about: (camera: string) => facts.filter((fact) => 'camera' in fact && fact.camera === camera),
      names: () => app.directory.cameras().map(({ name }) => name),
    }
  }

  it('disturbs only the camera that a change concerns', async () => {
    const { edit, outcome, about, ended, published, names } = await start(`cameras:\n${virtual('a')}${virtual('b')}`)
    edit(`cameras:\n${virtual('a')}${virtual('b', 5)}${virtual('c')}`)
    const changed = await outcome('config.changed')
    expect(changed).to.deep.include({ origin: 'file', needsRestart: [] })
    expect('changes' in changed && changed.changes[0]?.cameras).to.deep.equal([
      { name: 'b', change: 'reconnected' },
      { name: 'c', change: 'added' },
    ])
    expect(about('camera0')).to.deep.equal([])
    expect(about('camera1').map(({ type }) => type)).to.include.members(['camera.disconnected', 'camera.connected'])
    expect([names(), ended]).to.deep.equal([['a', 'b', 'c'], ['the path of camera1']])
    expect(published).to.deep.equal(['camera0', 'camera1', 'camera1', 'camera2'])
  })

  it('is reverted if a camera that was available stays away', async () => {
    const before = `config: {rollback_timeout: 1s}\ncameras:\n${virtual('a')}${virtual('b')}`
    const { app, world, edit, outcome, about, lines } = await start(before)
    world.isBroken = true
    edit(before.replace('{name: b, source: virtual, fps: 15}', '{name: b, source: virtual, fps: 5}'))
    await until('the camera is faulty', () => app.directory.camera('camera1').status === 'ERROR')
    world.isBroken = false
    const { reason } = (await outcome('config.rolledBack')) as { reason?: { details: string } }
    expect(reason?.details).to.contain('camera1 is not available: no such device')
    await until('the camera is back', () => app.directory.camera('camera1').status === 'CONNECTED')
    expect(about('camera0')).to.deep.equal([])
    expect(lines.join('\n')).to.match(/^warn the change of the configuration was reverted: /m)
  })

  it('stays as it is if the file is broken, and all faults are logged', async () => {
    const text = `cameras:\n${virtual('a')}`
    const { facts, edit, outcome, lines, names } = await start(text)
    edit('cameras: [{name: ""}]\nserver: {port: x}')
    await outcome('config.refused')
    expect(facts.map(({ type }) => type)).to.deep.equal(['config.refused'])
    expect(names()).to.deep.equal(['a'])
    const line = lines.find((each) => each.startsWith('warn the configuration was not changed: ')) ?? ''
    for (const part of ['cameras[0].name', 'cameras[0]', 'server.port', 'has no source']) expect(line).to.contain(part)
    edit(`cameras:\n${virtual('a')}${virtual('b')}`)
    await outcome('config.changed')
    expect(names()).to.deep.equal(['a', 'b'])
  })

  it('stays as it is if the file becomes empty, as on a full disk', async () => {
    const { edit, outcome, names } = await start(`cameras:\n${virtual('a')}`)
    edit('\n')
    expect(await outcome('config.refused')).to.deep.nested.include({ 'reason.code': 'config_unreadable' })
    expect(names()).to.deep.equal(['a'])
  })

  it('gives the log its level, and lists what needs a restart', async () => {
    const { app, world, edit, outcome } = await start('logging: {level: info}')
    edit('logging: {level: debug}\nserver: {event_buffer: 5}')
    expect(await outcome('config.changed')).to.deep.include({ needsRestart: ['server.event_buffer'] })
    expect(world.levels).to.deep.equal(['debug'])
    world.text = 'logging: {level: warn}'
    await app.reload()
    expect(world.levels.at(-1)).to.equal('warn')
  })

  it('gives scans their addresses, and clients their rate limit', async () => {
    const { rpc, plans, edit, outcome } = await start('')
    const client = await connect(`ws://127.0.0.1:${rpc}/ws`)
    const isLimited = () =>
      client.call('ping').then(
        () => false,
        ({ code }: { code: number }) => code === -32040,
      )
    for (let more = 0; more < 20; more++) expect(await isLimited()).to.equal(false)
    edit(
      'security: {rate_limit_requests: 2, rate_limit_address_requests: 2, rate_limit_window: 1d}\n'.concat(
        'external_discovery: {generic_uav: {enabled: true, common_ports: [9], known_ips: [10.0.0.9]}}',
      ),
    )
    await outcome('config.changed')
    const limited: boolean[] = []
    for (let more = 0; more < 3; more++) limited.push(await isLimited())
    client.close()
    expect(limited).to.deep.equal([false, false, true])
    expect(plans).to.deep.equal([
      { generic: { ranges: [], hosts: ['10.0.0.9'], ports: [9], paths: ['/stream', '/live', '/video'] } },
    ])
  })

  it('stops at once while a change is confirmed', async () => {
    const before = `cameras:\n${virtual('a')}${virtual('b')}`
    const { app, world, edit, facts } = await start(before)
    world.isBroken = true
    edit(before.replace('{name: b, source: virtual, fps: 15}', '{name: b, source: virtual, fps: 5}'))
    await until('the camera is faulty', () => app.directory.camera('camera1').status === 'ERROR')
    await app.stop('SIGTERM')
    expect(facts.filter(({ type }) => type.startsWith('config.'))).to.deep.equal([])
  })
})
