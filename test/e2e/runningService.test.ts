import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { program, type Service, secret, startService, virtual } from './service.js'

// The file of the configuration is what the next start uses. The commands ask the service that runs.
describe('local commands while the configuration file differs from the running service', function () {
  this.timeout(120_000)
  let service: Service
  let file: string
  before(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    await mkdir(join(dataDir, 'secrets'), { mode: 0o700 })
    await writeFile(join(dataDir, 'secrets/jwt_secret'), secret, { mode: 0o600 })
    service = await startService({
      kind: 'embedded',
      dataDir,
      cameras: [virtual('one')],
      env: { CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: '' },
      file: 'logging:\n  level: debug\n',
    })
    file = join(service.dataDir, 'service.yml')
  })
  after(() => service?.end())

  /** On the host of the service; nothing of its environment is known but the file or the data directory. */
  const run = (args: string, env: Record<string, string>) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const options = { env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env }, cwd: '/', timeout: 60_000 }
      execFile(process.execPath, [program, ...args.split(' ')], options, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out: out.trimEnd(), err: err.trimEnd() }),
      )
    })
  const byFolder = () => ({ CAMERA_SERVICE_DATA_DIR: service.dataDir })
  const byFile = () => ({ ...byFolder(), CAMERA_SERVICE_CONFIG: file })

  it('reach it by the data directory alone', async () => {
    expect(await run('cameras', byFolder())).to.include({ code: 0, err: '' })
    expect(await run('health', byFolder())).to.deep.equal({ code: 0, out: 'the service is ready', err: '' })
  })

  it('reach it after its port was changed in the file', async () => {
    await writeFile(file, 'server:\n  port: 9\nhttp_health:\n  port: 10\n')
    for (const command of ['status', 'cameras', 'health', 'history --limit 1'])
      expect(await run(command, byFile()), command).to.include({ code: 0, err: '' })
  })

  it('reach it with a faulty file, and warn', async () => {
    await writeFile(file, 'server:\n  port: many\n')
    for (const command of ['status', 'health', 'keys list', 'token --role viewer']) {
      const { code, err } = await run(command, byFile())
      expect(code, `${command}: ${err}`).to.equal(0)
      expect(err, command).to.match(/^warning: the configuration has a fault .*server\.port = "many"/)
    }
    await writeFile(file, 'server: [\n')
    expect((await run('cameras', byFile())).err).to.match(/^warning: the configuration has a fault .*is not YAML/)
  })

  it('write a support bundle with a faulty file', async () => {
    const bundle = join(service.dataDir, 'report.jsonl.gz')
    const { code, err } = await run(`support-bundle -o ${bundle}`, byFile())
    expect(code, err).to.equal(0)
    expect(err).to.contain(`the support bundle is in ${bundle}`).and.not.contain('no service runs')
  })

  it('find nothing secret in what the service leaves, and nothing at all after its end', async () => {
    const path = join(service.dataDir, 'run/address.json')
    const text = await readFile(path, 'utf8')
    expect(text).to.contain(String(service.ports.rpc)).and.not.contain(secret)
    expect((await stat(path)).mode & 0o027).to.equal(0)
    await service.stop()
    expect(await stat(path).catch(({ code }: NodeJS.ErrnoException) => code)).to.equal('ENOENT')
    const { code, err } = await run('status', byFile())
    expect(code).to.equal(78)
    expect(err).to.contain('is not YAML')
  })
})
