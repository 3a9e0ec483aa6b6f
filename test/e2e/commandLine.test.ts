import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { environment, program, refusal, type Service, startService, virtual } from './service.js'

describe('command line', function () {
  this.timeout(60_000)
  let dir: string

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const run = (args: string[], env: NodeJS.ProcessEnv) =>
    new Promise<{ code: number; out: string[]; err: string[] }>((resolve) => {
      const lines = (text: string) => text.split('\n').filter((line) => line !== '')
      execFile(process.execPath, [program, ...args], { env, timeout: 20_000 }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, out: lines(stdout), err: lines(stderr) }),
      )
    })
  const settings = async (dataDir: string, env: Record<string, string> = {}) =>
    (await environment({ kind: 'embedded', dataDir, env })).env
  const errors = (lines: string[]) =>
    lines
      .map((line) => JSON.parse(line))
      .filter(({ level }) => level === 'error')
      .map(({ message }) => message)

  it('says that its output could not be written, with status 1', async () => {
    const full = await open('/dev/full', 'w')
    try {
      const child = spawn(process.execPath, [program, '--version'], { stdio: ['ignore', full.fd, 'pipe'] })
      const [err, [code]] = await Promise.all([child.stderr ? text(child.stderr) : '', once(child, 'exit')])
      expect({ code, err }).to.deep.equal({
        code: 1,
        err: 'camera-service: the output could not be written (ENOSPC)\n',
      })
    } finally {
      await full.close()
    }
  })

  it('prints each fault of the configuration on its own line, and exits with 78', async () => {
    const config = join(dir, 'faulty.yml')
    await writeFile(config, 'server:\n  hots: localhost\nlogging:\n  level: loud\n')
    const env = await settings(dir, { CAMERA_SERVICE_STORAGE_BLOCK_PERCENT: '0' })
    const faults = [
      `server.hots = "localhost": is not a known key; the nearest is server.host (file ${config} line 2)`,
      `logging.level = "loud": must be one of error, warn, info, debug (file ${config} line 4)`,
      'storage.block_percent = "0": must be a whole number from 1 to 100 ' +
        '(environment CAMERA_SERVICE_STORAGE_BLOCK_PERCENT)',
    ]
    for (const command of ['serve', 'check-config']) {
      const { code, out, err } = await run([command, '--config', config], env)
      expect({ command, code, out, err: err.sort() }).to.deep.equal({
        command,
        code: 78,
        out: [],
        err: [...faults].sort(),
      })
    }
    expect(await run(['check-config'], await settings(dir))).to.deep.equal({
      code: 0,
      out: ['the configuration is good'],
      err: [],
    })
    expect((await run(['serev'], env)).code).to.equal(78)
  })

  it('names a port that is in use', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const address = taken.address()
    const port = String(typeof address === 'object' && address?.port)
    for (const [key, what] of [
      ['SERVER_PORT', 'API'],
      ['HTTP_HEALTH_PORT', 'health endpoints'],
    ] as const) {
      const { code, out } = await run(['serve'], await settings(join(dir, 'port'), { [`CAMERA_SERVICE_${key}`]: port }))
      expect(code, what).to.equal(1)
      expect(errors(out)).to.deep.equal([
        `the service cannot start: the ${what} cannot listen on 127.0.0.1:${port}: the port is in use`,
      ])
    }
    taken.close()
  })

  it('names a missing program', async () => {
    const bin = join(dir, 'bin')
    await mkdir(bin)
    const find = (name: string) =>
      new Promise<string>((resolve) => execFile('which', [name], (_error, stdout) => resolve(stdout.trim())))
    for (const name of ['flock', 'env']) await symlink(await find(name), join(bin, name))
    const { code, out } = await run(['serve'], await settings(join(dir, 'missing'), { PATH: bin }))
    expect(code).to.equal(1)
    expect(errors(out)).to.deep.equal(['the service cannot start: the program ffmpeg is missing (package ffmpeg)'])
  })

  describe('beside a running service', () => {
    let service: Service

    before(async () => {
      service = await startService({
        kind: 'embedded',
        cameras: [virtual('one')],
        env: { CAMERA_SERVICE_STORAGE_BLOCK_PERCENT: '2', CAMERA_SERVICE_STORAGE_WARN_PERCENT: '1' },
      })
    })
    after(() => service?.end())

    it('refuses a second service in the same data directory', async () => {
      const { code, out } = await run(['serve'], await settings(service.dataDir))
      expect(code).to.equal(1)
      expect(errors(out)).to.deep.equal([
        `the service cannot start: data directory ${service.dataDir} is in use by ` +
          `another camera service (pid ${service.pid})`,
      ])
    })

    it('prints a token that the service accepts', async () => {
      const env = await settings(service.dataDir)
      const { code, out } = await run(['token', '--role', 'viewer', '--user', 'ann', '--expires', '1h'], env)
      expect(code).to.equal(0)
      const client = await service.client('operator')
      expect(await client.call('authenticate', { auth_token: out.join() })).to.include({
        authenticated: true,
        role: 'viewer',
      })
      const refused = await refusal(client.call('start_recording', { device: 'camera0' }))
      expect(refused.data).to.include({ required_role: 'operator', have_role: 'viewer' })
      expect((await refusal(client.call('authenticate', { auth_token: `${out.join()}x` }))).code).to.equal(-32001)
    })

    it('does not open the inspector of Node for SIGUSR1, and still answers', async () => {
      const isOpen = () => service.log.some((line) => line.includes('Debugger listening'))
      process.kill(service.pid, 'SIGUSR1')
      for (let calls = 0; calls < 20 && !isOpen(); calls++)
        expect(await service.call('get_status')).to.include.keys('status', 'uptime')
      expect(isOpen()).to.equal(false)
    })

    it('refuses recordings on a full disk, with the reason', async () => {
      const { code, data } = await refusal(service.call('start_recording', { device: 'camera0' }))
      expect(code).to.equal(-32050)
      expect(data.dependency).to.equal('storage')
      expect(data.reason).to.equal('storage_full')
      expect(data.details).to.match(/^the disk is \d+\.\d % full, the limit is 2 %$/)
      const info = await service.call('get_storage_info')
      expect(info).to.include({ state: 'critical', low_space_warning: true })
      expect(await service.call('get_status')).to.include({ status: 'DEGRADED' })
      expect(await service.pipelines()).to.deep.equal([])
    })
  })
})
