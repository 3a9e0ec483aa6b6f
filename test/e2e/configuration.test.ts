import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { freePort } from '../support/ports.js'
import { until } from '../support/until.js'
import { watch } from './media.js'
import { describeKinds, environment, program, refusal, type Service, startService } from './service.js'
import { startSource } from './source.js'

interface Camera {
  device: string
  name: string
  status: string
}
interface Outcome {
  version: number
  changes: { key: string; from: unknown; to: unknown; applies: string; cameras?: object[] }[]
  needs_restart: string[]
  warnings: string[]
}

const one = '  - {name: one, source: virtual, size: 320x240, fps: 15}\n'
const two = '  - {name: two, source: virtual, size: 320x240, fps: 15} # at the gate\n'
const first = `# Our cameras.\ncameras:\n${one}`

describeKinds('the configuration of a running service', (kind) => {
  let service: Service
  before(async () => {
    service = await startService({ kind, file: first, connected: 1 })
  })
  after(() => service?.end())

  const path = () => join(service.dataDir, 'service.yml')
  /** As most editors do. */
  const save = async (text: string) => {
    await writeFile(`${path()}~`, text)
    await rename(`${path()}~`, path())
  }
  const hangUp = () => process.kill(service.pid, 'SIGHUP')
  const cameras = async () =>
    (await service.call<{ cameras: Camera[] }>('get_camera_list')).cameras.map(
      ({ name, status }) => `${name} ${status}`,
    )
  const logged = (event: string) =>
    service.log.flatMap((line) => {
      const entry = JSON.parse(line)
      return entry.event === event ? [entry] : []
    })

  it('adds a camera after SIGHUP, while the stream of another camera goes on without a gap', async () => {
    const viewer = watch(service.stream('camera0'))
    try {
      await service.until('the stream runs', () => viewer.frames() > 10)
      const [pipeline] = await service.pipelines()
      await writeFile(path(), `${first}${two}`)
      hangUp()
      await service.until('the camera is there', async () => (await cameras()).join() === 'one CONNECTED,two CONNECTED')
      const frames = viewer.frames()
      await service.until('the stream goes on', () => viewer.frames() > frames + 15)
      expect([viewer.isRunning(), viewer.complaints()]).to.deep.equal([true, ''])
      expect((await service.pipelines()).find(({ camera }) => camera === 'camera0')?.pid).to.equal(pipeline?.pid)
      expect(service.notifications.filter(({ params }) => params.device === 'camera0' && isLoss(params))).to.deep.equal(
        [],
      )
    } finally {
      await viewer.end()
    }
  })

  it('changes nothing for a broken file, logs all faults, and takes over the corrected file', async () => {
    await save(`${first}${two}server: {port: x}\nlogging: {levl: debug}\n`)
    const [{ faults }] = await service.until('the refusal is logged', () => {
      const found = logged('config.refused')
      return found.length > 0 && found
    })
    expect(faults.map(({ key, rule }: { key: string; rule: string }) => `${key} ${rule}`)).to.deep.equal([
      'server.port must be a whole number from 0 to 65535',
      'logging.levl is not a known key; the nearest is logging.level',
    ])
    expect(await cameras()).to.deep.equal(['one CONNECTED', 'two CONNECTED'])
    expect((await refusal(service.call('set_config', { patch: {} }))).data).to.include({ reason: 'config_conflict' })
    const from = service.notifications.length
    await save(first)
    await service.told('system.config_changed', { origin: 'file', keys: ['cameras'] }, { from })
    expect(await cameras()).to.deep.equal(['one CONNECTED'])
  })

  it('is changed by a client, keeps the comments of the file, and goes back to an earlier version', async () => {
    const { versions } = await service.call<{ versions: { version: number; current: boolean }[] }>('get_config_history')
    const before = versions.find(({ current }) => current)?.version ?? 0
    const patch = { storage: { warn_percent: 99, block_percent: 100 }, server: { event_buffer: 7 } }
    const dry = await service.call<Outcome>('set_config', { patch, dry_run: true })
    expect(dry.changes.map(({ key }) => key)).to.deep.equal([
      'server.event_buffer',
      'storage.warn_percent',
      'storage.block_percent',
    ])
    expect(await readFile(path(), 'utf8')).to.equal(first)

    const done = await service.call<Outcome>('set_config', { patch })
    expect(done).to.deep.include({ version: before + 1, needs_restart: ['server.event_buffer'], changes: dry.changes })
    expect(await readFile(path(), 'utf8')).to.equal(
      `${first}storage:\n  warn_percent: 99\n  block_percent: 100\nserver:\n  event_buffer: 7\n`,
    )
    const told = await service.told('system.config_changed', { version: before + 1 })
    expect(told.params).to.deep.include({ status: 'APPLIED', origin: 'client', user: 'admin' })

    const back = await service.call<Outcome>('rollback_config', { version: before })
    expect(back).to.deep.include({ version: before + 2, needs_restart: [] })
    expect(await readFile(path(), 'utf8')).to.equal(first)
    expect((await stat(join(service.dataDir, 'state/configuration.json'))).mode & 0o777).to.equal(0o600)
    expect((await refusal(service.call('rollback_config', { version: 99 }))).code).to.equal(-32010)
  })

  it('gives requests their new defaults at once', async () => {
    const picture = () => service.call<{ filename: string }>('take_snapshot', { device: 'camera0' })
    expect((await picture()).filename).to.match(/\.jpg$/)
    const patch = { snapshots: { format: 'png' }, recording: { format: 'mkv' } }
    const { changes } = await service.call<Outcome>('set_config', { patch })
    expect(changes.map(({ key, applies }) => `${key} ${applies}`)).to.deep.equal([
      'recording.format live',
      'snapshots.format live',
    ])
    expect((await picture()).filename).to.match(/\.png$/)
    expect(await service.call('start_recording', { device: 'camera0' })).to.include({ format: 'mkv' })
    await service.call('stop_recording', { device: 'camera0' })
    await service.call('rollback_config', { version: 1 })
    expect((await picture()).filename).to.match(/\.jpg$/)
  })

  it('continues the recording of a camera that reconnects, in a new file', async () => {
    const device = 'camera0'
    const { filename } = await service.call('start_recording', { device })
    const from = service.notifications.length
    const camera = { name: 'one', source: 'virtual', size: '320x240', fps: 10 }
    const { changes } = await service.call<Outcome>('set_config', { patch: { cameras: [camera] } })
    expect(changes[0]?.cameras).to.deep.equal([{ name: 'one', change: 'reconnected' }])
    await service.told('recording.interrupted', { device, reason: 'reconfigured' }, { from })
    const resumed = await service.told('recording.resumed', { device }, { from })
    expect(await service.call('stop_recording', { device })).to.deep.include({
      status: 'STOPPED',
      files: [filename, resumed.params.filename],
    })
    await service.call('rollback_config', { version: 1 })
  })

  it('is refused with the key, the value and the rule', async () => {
    const { code, data } = await refusal(service.call('set_config', { patch: { server: { port: 'x' } } }))
    expect(code).to.equal(-32602)
    expect(data).to.deep.include({
      param: 'server.port',
      rule: 'must be a whole number from 0 to 65535',
      faults: [{ key: 'server.port', value: '"x"', rule: 'must be a whole number from 0 to 65535' }],
    })
    expect(await readFile(path(), 'utf8')).to.equal(first)
  })

  it('shows where each value comes from, without secrets', async () => {
    const { values } = await service.call<{ values: { key: string; value: unknown; origin: string }[] }>('get_config')
    const of = (key: string) => values.find((value) => value.key === key)
    expect(of('cameras')).to.deep.include({ origin: 'file' })
    expect(of('security.jwt_secret_key')).to.deep.include({ origin: 'environment', value: '***' })
    expect(of('logging.format')).to.deep.include({ origin: 'environment', value: 'json' })
    expect(of('recording.format')).to.deep.include({ origin: 'default', value: 'fmp4' })
  })
})

describeKinds('a change after which a camera does not come back', (kind) => {
  let source: Awaited<ReturnType<typeof startSource>>
  let service: Service
  before(async () => {
    source = await startSource(kind, 'yard')
    const yard = `  - name: yard # behind the house\n    source: ${source.url}\n`
    service = await startService({ kind, file: `config: {rollback_timeout: 5s}\ncameras:\n${yard}`, connected: 1 })
  })
  after(async () => {
    await service?.end()
    await source?.end()
  })

  it('is reverted, in the file as well, and the reply says why', async () => {
    const path = join(service.dataDir, 'service.yml')
    const before = await readFile(path, 'utf8')
    const port = await freePort()
    const gone = { name: 'yard', source: `rtsp://127.0.0.1:${port}/yard` }
    const { code, data } = await refusal(service.call('set_config', { patch: { cameras: [gone] } }))
    expect(code).to.equal(-32050)
    expect(data).to.include({
      reason: 'config_unhealthy',
      detail:
        'the change was reverted: camera0 is not available: the connection was refused, because no program listens on ' +
        `port ${port} of the camera: check the port and the address of its URL`,
    })
    expect(await readFile(path, 'utf8')).to.equal(before)
    await service.told('system.config_changed', { status: 'ROLLED_BACK', user: 'admin', keys: ['cameras'] })
    await service.until('the camera is back', async () => {
      const { cameras } = await service.call<{ cameras: Camera[] }>('get_camera_list')
      return cameras[0]?.status === 'CONNECTED'
    })
    expect(await service.call('get_config')).to.include({ version: 1, reason: 'config_unhealthy' })
    expect(await readFile(`${path}.backup`, 'utf8')).to.equal(before)
  })
})

/** A busy host may be too slow for the stream: that is no loss. */
const isLoss = ({ status, reason }: Record<string, unknown>) =>
  status === 'DISCONNECTED' || (reason !== undefined && reason !== 'overloaded')

describe('a service on a terminal', function () {
  this.timeout(60_000)
  let dir = ''
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  })
  after(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))

  /** The processes of the service, by their environment. */
  const pids = async () => {
    const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const found = await Promise.all(
      all.map(async (pid) => {
        const [environ, command] = await Promise.all(
          ['environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
        )
        const isOurs = environ?.includes(`CAMERA_SERVICE_DATA_DIR=${dir}\0`)
        return isOurs && command?.startsWith(`${process.execPath}\0${program}\0serve`) ? [Number(pid)] : []
      }),
    )
    return found.flat()
  }

  it('reads its configuration again on SIGHUP, and ends when the terminal is closed', async () => {
    const config = join(dir, 'service.yml')
    await writeFile(config, first)
    const { env, ports } = await environment({ kind: 'embedded', dataDir: dir })
    delete env.CAMERA_SERVICE_CAMERAS
    const isAlive = () =>
      fetch(`http://127.0.0.1:${ports.health}/health/live`).then(
        ({ ok }) => ok,
        () => false,
      )
    // Makes a terminal, which is closed when it ends.
    const command = `exec ${process.execPath} ${program} serve --config ${config}`
    const terminal = spawn('script', ['--quiet', '--flush', '--command', command, '/dev/null'], {
      env: { ...env, SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    let shown = ''
    terminal.stdout.on('data', (data) => {
      shown += data
    })
    try {
      await until('the service runs', isAlive)
      const [pid = 0] = await pids()
      await writeFile(config, `${first}server: {event_buffer: 7}\n`)
      process.kill(pid, 'SIGHUP')
      await until('the configuration is read again', () => shown.includes('config.changed'))
      expect(await isAlive()).to.equal(true)
      terminal.kill('SIGKILL')
      await until('the service has ended', async () => (await pids()).length === 0)
    } finally {
      terminal.kill('SIGKILL')
      for (const pid of await pids()) process.kill(pid, 'SIGKILL')
    }
  })
})
