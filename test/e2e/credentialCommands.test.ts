import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

describe('credential commands', function () {
  this.timeout(60_000)
  let dir: string
  before(async () => {
    if (!existsSync(program)) throw new Error('there is no dist/main.js: run `make build` first')
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    // As the first start of a service leaves it.
    await mkdir(join(dir, 'secrets'), { mode: 0o700 })
    await writeFile(join(dir, 'secrets', 'audit_secret'), 'x'.repeat(43), { mode: 0o600 })
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const run = (line: string, env: Record<string, string> = {}) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const clean = Object.entries(process.env).filter(
        ([name]) => !name.startsWith('CAMERA_SERVICE_') && name !== 'NODE_OPTIONS',
      )
      const options = { env: { ...Object.fromEntries(clean), CAMERA_SERVICE_DATA_DIR: dir, ...env }, timeout: 30_000 }
      execFile(process.execPath, [program, ...line.split(' ')], options, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out: out.trimEnd(), err: err.trimEnd() }),
      )
    })

  it('refuse a data directory that no service has used, and create nothing in it', async () => {
    const empty = await mkdtemp(join(dir, 'elsewhere-'))
    const dataDir = join(empty, 'var')
    for (const line of [
      'token --role viewer',
      'token --revoke door-2',
      'keys create --role viewer',
      'keys list',
      'keys rotate 0a1b',
      'keys revoke 0a1b',
    ]) {
      const { code, out, err } = await run(line, { CAMERA_SERVICE_DATA_DIR: dataDir })
      expect({ line, code, out }).to.deep.equal({ line, code: 78, out: '' })
      expect(err, line).to.contain(dataDir).and.to.contain('--data-dir').and.to.contain('--config')
    }
    expect(await readdir(empty)).to.deep.equal([])
    const own = { CAMERA_SERVICE_DATA_DIR: dataDir, CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: 'k'.repeat(32) }
    expect(await run('token --role viewer', own), 'a key of the configuration').to.include({ code: 0, err: '' })
    expect(await readdir(empty)).to.deep.equal([])
  })

  it('write, as root, what the user of the service can read', async function () {
    // Only root can give a folder to the user of a service.
    if (process.getuid?.() !== 0) this.skip()
    const user = 4711
    const theirs = await mkdtemp(join(tmpdir(), 'camera-service-'))
    try {
      await cp(join(dir, 'secrets'), join(theirs, 'secrets'), { recursive: true })
      await mkdir(join(theirs, 'state'), { mode: 0o700 })
      const namesOf = () => readdir(theirs, { recursive: true })
      for (const name of ['.', ...(await namesOf())]) await chown(join(theirs, name), user, user)
      const env = { CAMERA_SERVICE_DATA_DIR: theirs }
      for (const line of ['token --role viewer', 'token --revoke door-2', 'keys create --role viewer', 'keys list'])
        expect(await run(line, env), line).to.include({ code: 0 })
      const names = await namesOf()
      expect(names).to.include.members(['secrets/jwt_secret', 'state/api_keys.json'])
      const owners = await Promise.all(names.map((name) => stat(join(theirs, name))))
      expect(new Set(owners.map(({ uid, gid }) => `${uid}:${gid}`))).to.deep.equal(new Set([`${user}:${user}`]))
      await chown(join(theirs, 'state'), 0, 0)
      const { code, err } = await run('keys create --role viewer', env)
      expect(code).to.equal(1)
      expect(err).to.contain(`uid 0 and ${user}`).and.to.contain('chown -R')
    } finally {
      await rm(theirs, { recursive: true, force: true })
    }
  })

  it('refuse a name instead of a camera id', async () => {
    for (const line of ['token --role viewer --cameras door', 'keys create --role viewer --cameras camera0,door*']) {
      const { code, out, err } = await run(line)
      expect({ code, out }).to.deep.equal({ code: 78, out: '' })
      expect(err).to.contain('"door').and.to.contain('camera0').and.to.contain('camera1*')
    }
  })

  it('create, list, rotate and revoke API keys, with only the key on standard output', async () => {
    const made = await run('keys create --role operator --user ann --cameras camera0 --expires 1h')
    expect(made.code).to.equal(0)
    expect(made.out).to.match(/^csk_[\w-]{43}$/)
    const id =
      /^key ([0-9a-f]{12}) of ann: operator, camera0, expires \S+Z\. It is shown only once\.$/.exec(made.err)?.[1] ?? ''
    const rotated = await run(`keys rotate ${id}`)
    expect(rotated.out)
      .to.match(/^csk_[\w-]{43}$/)
      .and.not.to.equal(made.out)
    expect(rotated.err).to.match(new RegExp(`^the key ${id} is revoked\nkey (?!${id})`))
    const list = await run('keys list')
    expect(list.out.split('\n').map((row) => row.split(/ {2,}/).slice(2, 6).join(' '))).to.deep.equal([
      'STATE ROLE USER CAMERAS',
      'active operator ann camera0',
      'revoked operator ann camera0',
    ])
    const text = await readFile(join(dir, 'state', 'api_keys.json'), 'utf8')
    for (const secret of [made.out, rotated.out]) expect(text + list.out).not.to.contain(secret.slice(12))
    expect(await run('keys revoke none')).to.deep.equal({
      code: 1,
      out: '',
      err: 'camera-service: Key not found: none; camera-service keys list lists all keys',
    })
  })

  it('revoke a token', async () => {
    const { code, out, err } = await run('token --revoke door-2')
    expect({ code, out }).to.deep.equal({ code: 0, out: '' })
    expect(err).to.match(/^the token door-2 is revoked; a running service closes its sessions within a second\nnote: /)
    expect(JSON.parse(await readFile(join(dir, 'state', 'revoked.json'), 'utf8')).revoked).to.have.length(1)
  })

  it('check the key files of the configuration, and the audit log', async () => {
    const keys = { CAMERA_SERVICE_SECURITY_JWT_KEYS: '[{algorithm: RS256, file: /none.pem}]' }
    expect(await run('check-config', keys)).to.deep.equal({
      code: 78,
      out: '',
      err: 'security.jwt_keys[0].file = "/none.pem": does not exist (environment CAMERA_SERVICE_SECURITY_JWT_KEYS)',
    })
    expect((await run('audit verify')).code).to.equal(1)
  })
})
