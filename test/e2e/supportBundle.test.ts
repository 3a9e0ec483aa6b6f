import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { environment, program, type Service, startService, virtual } from './service.js'

describe('support bundle of a running service', function () {
  this.timeout(60_000)
  let dir: string
  let service: Service
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    service = await startService({ kind: 'embedded', cameras: [virtual('one')] })
  })
  after(async () => {
    await service?.end()
    await rm(dir, { recursive: true, force: true })
  })

  const run = (args: string[], env: NodeJS.ProcessEnv) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      execFile(process.execPath, [program, ...args], { env, timeout: 40_000 }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      )
    })

  it('is written by one command, contains no secret, and is replayed to the same states', async () => {
    const env = { ...(await environment({ kind: 'embedded', dataDir: service.dataDir })).env }
    env.CAMERA_SERVICE_SERVER_PORT = String(service.ports.rpc)
    const file = join(dir, 'bundle.jsonl.gz')
    const written = await run(['support-bundle', '-o', file], env)
    expect(written).to.deep.equal({ code: 0, out: '', err: `the support bundle is in ${file}\n` })
    const text = gunzipSync(await readFile(file)).toString()
    const secrets = join(service.dataDir, 'secrets')
    for (const name of await readdir(secrets)) {
      const secret = (await readFile(join(secrets, name), 'utf8')).trim()
      expect(text.includes(secret), name).to.equal(false)
    }
    expect(text).to.contain('"section":"log"')
    const replayed = await run(['replay', file], env)
    expect(replayed.err).to.equal('')
    expect(replayed.code).to.equal(0)
    expect(replayed.out).to.match(/^equal: \d+ events/)
    const one = await run(['replay', file, '--actor', 'camera:camera0'], env)
    expect(one.out).to.contain('  camera:camera0: {')
  })
})
