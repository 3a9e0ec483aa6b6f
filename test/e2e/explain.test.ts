import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { program, type Service, startService, virtual } from './service.js'

describe('explain and history, for the running service', function () {
  this.timeout(120_000)
  let dataDir: string
  let service: Service
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  })
  after(async () => {
    await service?.end()
    await rm(dataDir, { recursive: true, force: true })
  })
  const start = () => startService({ kind: 'embedded', cameras: [virtual('one')], dataDir })
  const run = (line: string) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const env = {
        PATH: process.env.PATH,
        CAMERA_SERVICE_DATA_DIR: dataDir,
        CAMERA_SERVICE_SERVER_PORT: String(service.ports.rpc),
        CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: 'a key of the end to end tests, 32 bytes or more',
      }
      execFile(process.execPath, [program, ...line.split(' ')], { env, timeout: 60_000 }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out: out.trimEnd(), err: err.trimEnd() }),
      )
    })

  it('explain a camera, and follow it over a restart after SIGKILL', async () => {
    service = await start()
    const { code, out, err } = await run('explain camera0')
    expect({ code, err }).to.deep.equal({ code: 0, err: '' })
    expect(out).to.match(/^camera0 \(one\) can be used\n {2}state {5}available, since /)
    // The journal is written once a second.
    const before = await service.call<{ entries: { seq: number }[] }>('get_history', { limit: 1 })
    await service.stop()
    service = await start()
    await service.kill()
    service = await start()
    const lines = (await run('history --actor service --json')).out.split('\n').map((line) => JSON.parse(line))
    expect(lines.map(({ event }) => event).slice(0, 3)).to.deep.equal(['started', 'stopped', 'started'])
    expect(lines.at(-1).evidence.previous_run).to.equal('ended without a stop')
    expect(lines.at(-1).seq).to.be.greaterThan(before.entries[0]?.seq ?? 0)
  })

  it('say that no service answers', async () => {
    // What it has left in its data directory stays after a crash.
    await service.kill()
    const { code, err } = await run('explain camera0')
    expect(code).to.equal(69)
    expect(err).to.match(/^camera-service: the service does not answer at ws:\S+: the connection was refused/)
  })
})
