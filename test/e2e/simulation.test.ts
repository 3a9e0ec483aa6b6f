import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { parseScenario } from '../../config/simulation.js'
import { actOf, nextDue } from '../../machines/domain/simulation.js'
import { environment, program, refusal, type Service, startService } from './service.js'

const run = promisify(execFile)
const folder = new URL('../../config/examples/simulations/', import.meta.url)
const textOf = (name: string): string => readFileSync(new URL(`${name}.yaml`, folder), 'utf8')
/** The client of a test must listen before the first step. */
const held = (text: string): string => (/^start:/m.test(text) ? text : `start: asked\n${text}`)

describe('the scenarios of config/examples/simulations', function () {
  this.timeout(120_000)
  let service: Service
  afterEach(() => service?.end())

  async function prepare(name: string, { connected = 1, records = false } = {}) {
    service = await startService({ kind: 'embedded', scenario: held(textOf(name)), connected })
    if (records) await service.call('start_recording', { device: 'camera0' })
  }
  /** Starts the service with a scenario, a recording if wanted, and then the scenario. */
  async function play(name: string, options = {}) {
    await prepare(name, options)
    return begin()
  }
  async function begin() {
    const begin = service.notifications.length
    expect(await service.call('simulate', { action: 'start' })).to.deep.equal({ action: 'start', status: 'DONE' })
    return begin
  }
  /** Waits for these notifications, each after the one before. Returns the index of the last. */
  async function inOrder(begin: number, ...expected: [method: string, params: Record<string, unknown>][]) {
    let from = begin
    for (const [method, params] of expected)
      from = (await service.told(method, params, { from, limit: 60_000 })).index + 1
    return from
  }
  const step = (number: number, action: string) =>
    ['simulation.step', { step: number, action, status: 'DONE' }] as [string, Record<string, unknown>]
  const interrupted = (reason: string): [string, Record<string, unknown>] => [
    'recording.error',
    { device: 'camera0', status: 'INTERRUPTED', will_resume: true, reason },
  ]
  const resumed: [string, Record<string, unknown>] = ['recording.resumed', { device: 'camera0', status: 'RECORDING' }]
  const cameras = async () =>
    (await service.call<{ cameras: Record<string, unknown>[] }>('get_camera_list')).cameras.map(
      ({ device, name, kind, status, identity }) => ({ device, name, kind, status, identity }),
    )

  it('are all run by these tests', () => {
    const names = readdirSync(folder).map((file) => file.replace('.yaml', ''))
    expect(names.sort()).to.deep.equal(['bad-day', 'clock', 'disk', 'media-server', 'replug', 'twins'])
  })

  it('replug: the camera keeps its id, also at another port; the service says that it simulates', async () => {
    const begin = await play('replug')
    await inOrder(
      begin,
      ['camera.disconnected', { device: 'camera0', reason: 'unplugged' }],
      ['camera.connected', { device: 'camera0', name: 'front' }],
      ['camera.disconnected', { device: 'camera0', reason: 'unplugged' }],
      ['camera.connected', { device: 'camera0', name: 'front' }],
    )
    await inOrder(begin, step(1, 'unplug'), step(2, 'plug'), step(3, 'replug'))
    const identity = { basis: 'serial', confidence: 'high', ambiguous: false }
    const front = { device: 'camera0', name: 'front', kind: 'usb', status: 'CONNECTED', identity }
    expect(await cameras()).to.deep.equal([front])

    expect(await service.call('get_server_info')).to.include({ simulation: true })
    const health = await fetch(`http://127.0.0.1:${service.ports.health}/health/detailed`)
    expect(await health.json()).to.include({ simulation: true, environment: 'simulation' })
    expect(service.log.some((line) => line.includes('the service simulates cameras and faults'))).to.equal(true)
    const picture = await service.call('take_snapshot', { device: 'camera0' })
    expect(picture).to.include({ status: 'SUCCESS' })

    const again = await refusal(service.call('simulate', { action: 'start' }))
    expect(again.data).to.include({ reason: 'invalid_state', state: 'started' })
    const taken = await refusal(service.call('simulate', { device: 'camera0', action: 'plug', port: '9' }))
    expect([taken.code, taken.data.reason]).to.deep.equal([-32020, 'not_simulated'])
    await service.told('simulation.step', {
      device: 'camera0',
      action: 'plug',
      status: 'FAILED',
      reason: 'not_simulated',
    })
  })

  it('twins: the second camera gets an id of its own, and both are ambiguous', async () => {
    const begin = await play('twins')
    await inOrder(begin, ['camera.connected', { device: 'camera1' }], ['camera.disconnected', { device: 'camera1' }])
    await inOrder(begin, ['system.error', { error: 'identity_ambiguous' }])
    await inOrder(begin, step(1, 'twin'), step(2, 'unplug'))
    const identity = { basis: 'port', confidence: 'medium', ambiguous: true }
    expect(await cameras()).to.deep.equal([
      { device: 'camera0', name: 'front', kind: 'usb', status: 'CONNECTED', identity },
      { device: 'camera1', name: 'front-twin', kind: 'usb', status: 'DISCONNECTED', identity },
    ])
  })

  it('media server: a recording is interrupted and resumed when it is killed, and the link is lost when it hangs', async () => {
    await prepare('media-server', { records: true })
    const healthy: [string, Record<string, unknown>] = ['system.health', { status: 'HEALTHY' }]
    // Each act after the effect of the one before: a busy host may be slower than the scenario.
    const act = async (action: string, ...effects: [method: string, params: Record<string, unknown>][]) => {
      const from = service.notifications.length
      await service.call('simulate', { action })
      await Promise.all(effects.map((effect) => inOrder(from, effect)))
    }
    const lost: [string, Record<string, unknown>] = ['recording.error', { device: 'camera0', status: 'INTERRUPTED' }]
    await act('kill_server', ['mediamtx.error', {}], lost, resumed, healthy)
    await act('hang_server', ['mediamtx.error', { reason: 'server_unreachable' }], healthy)
    await act('resume_server')

    const from = await begin()
    const end = await inOrder(from, step(1, 'kill_server'), step(2, 'hang_server'), step(3, 'resume_server'))
    await inOrder(end, healthy)
  })

  it('disk: a warning first; then recordings are interrupted with the reason, and resumed', async () => {
    const begin = await play('disk', { records: true })
    const storage = (reason: string): [string, Record<string, unknown>] => [
      'system.error',
      { component: 'storage', reason },
    ]
    await inOrder(begin, step(1, 'disk_nearly_full'), ['system.health', { status: 'DEGRADED' }], step(2, 'disk_full'))
    await inOrder(begin, storage('storage_full'), storage('storage_read_only'), [
      'system.health',
      { status: 'HEALTHY' },
    ])
    await inOrder(begin, interrupted('storage_full'), resumed)
    await inOrder(begin, step(3, 'disk_read_only'), step(4, 'disk_ok'), resumed)
  })

  it('clock: clients learn of each jump, and a recording that starts after it is found', async () => {
    const begin = await play('clock', { records: true })
    const { params } = await service.told('system.clock_jumped', {}, { from: begin, limit: 60_000 })
    expect(params.by_ms).to.be.within(7_190_000, 7_210_000)
    await service.call('stop_recording', { device: 'camera0' })
    const { start_time } = await service.call<{ start_time: string }>('start_recording', { device: 'camera0' })
    await inOrder(begin, step(1, 'jump_clock'), step(2, 'jump_clock'))
    const back = await service.until('the notification of the second jump', () =>
      service.notifications.find((each) => each.method === 'system.clock_jumped' && Number(each.params.by_ms) < 0),
    )
    expect(back.params.by_ms).to.be.within(-3_610_000, -3_590_000)
    expect(Date.parse(start_time)).to.be.greaterThan(Date.now() + 1_800_000)
  })

  it('bad day: the random steps are those of the seed', async () => {
    const text = held(textOf('bad-day'))
    const begin = await play('bad-day', { connected: 2 })
    const scenario = parseScenario(text, [])
    const made = scenario.steps.map(() => 0)
    const expected = Array.from({ length: 6 }, () => {
      const due = nextDue(scenario, made)
      if (!due) throw new Error('the scenario has no end')
      made[due.index] = due.count + 1
      const { action, camera } = actOf(scenario, due)
      return { step: due.index + 1, action, name: camera, status: 'DONE' }
    })
    const steps = () => service.notifications.slice(begin).filter(({ method }) => method === 'simulation.step')
    await service.until('six steps', () => steps().length >= expected.length, 90_000)
    const seen = steps().map(({ params: { step, action, name, status } }) => ({ step, action, name, status }))
    expect(seen.slice(0, expected.length)).to.deep.equal(expected)
  })
})

describe('serve --simulate', function () {
  this.timeout(60_000)
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const command = async (args: string[], also: Record<string, string> = {}) => {
    const { env } = await environment({ kind: 'embedded', dataDir: join(dir, 'data'), env: also })
    return run(process.execPath, [program, ...args], { env, timeout: 30_000 }).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      ({ code, stdout, stderr }) => ({ code, text: `${stdout}${stderr}` }),
    )
  }

  it('refuses a faulty file with the line, as check-simulation does, which accepts the examples', async () => {
    const file = join(dir, 'faulty.yaml')
    await writeFile(file, 'steps:\n  - {at: 0, do: stall, camera: frnt}\n')
    for (const args of [
      ['serve', '--simulate', file],
      ['check-simulation', file],
    ]) {
      const { code, text } = await command(args)
      expect(code).to.equal(78)
      expect(text).to.match(/^steps\[0\]\.camera = "frnt": is not a camera .*faulty\.yaml line 2\)\n$/)
    }
    const good = await command(['check-simulation', new URL('twins.yaml', folder).pathname])
    expect(good).to.deep.equal({ code: 0, text: 'the simulation is good: 1 camera, 2 steps\n' })
  })

  it('refuses the data directory of a service that does not simulate, and a host that others can reach', async () => {
    const file = new URL('twins.yaml', folder).pathname
    await mkdir(join(dir, 'data', 'state'), { recursive: true })
    await writeFile(join(dir, 'data', 'state', 'registry.json'), '{}')
    const used = await command(['serve', '--simulate', file])
    expect(used.code).to.equal(1)
    expect(used.text).to.include('belongs to a service that does not simulate: select another one')
    const open = await command(['serve', '--simulate', file], { CAMERA_SERVICE_SERVER_HOST: '0.0.0.0' })
    expect(open.code).to.equal(78)
    expect(open.text).to.include('simulation is only for a service whose server.host (0.0.0.0) is loopback')
  })
})
