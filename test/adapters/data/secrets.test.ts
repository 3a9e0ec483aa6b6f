import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { jwtSecret, keptSecret, type SecretSources } from '../../../adapters/data/secrets.js'

const long = (sign: string) => sign.repeat(32)

describe('the key of the tokens', () => {
  let dir = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'secrets-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  const get = async (sources: Partial<SecretSources> = {}) => {
    const { key, from } = await jwtSecret({ secretsDir: join(dir, 'secrets'), ...sources })
    return { text: new TextDecoder().decode(key), from }
  }
  const refusal = (sources: Partial<SecretSources>) =>
    get(sources).then(
      () => 'accepted',
      (error: Error) => error.message,
    )
  const write = async (name: string, text: string, mode = 0o600) => {
    const path = join(dir, name)
    await writeFile(path, text)
    await chmod(path, mode)
    return path
  }

  it('is the first that exists of value, file, systemd credential and stored secret', async () => {
    const file = await write('key', `${long('f')}\n`)
    await mkdir(join(dir, 'credentials'))
    await write('credentials/jwt_secret', long('c'), 0o440)
    const all = { value: long('v'), file, credentialsDirectory: join(dir, 'credentials') }
    expect(await get(all)).to.deep.equal({ text: long('v'), from: 'configuration' })
    expect(await get({ ...all, value: '' })).to.deep.equal({ text: long('f'), from: 'file' })
    expect(await get({ ...all, value: '', file: '' })).to.deep.equal({ text: long('c'), from: 'systemd credential' })
    expect((await get({ value: '', file: '', credentialsDirectory: join(dir, 'none') })).from).to.equal('generated')
    expect((await get()).from).to.equal('data directory')
  })

  it('is generated once, at random, readable for the owner alone', async () => {
    const { text } = await get()
    expect(text).to.match(/^[\w-]{43}$/)
    expect((await stat(join(dir, 'secrets', 'jwt_secret'))).mode & 0o777).to.equal(0o600)
    expect((await stat(join(dir, 'secrets'))).mode & 0o777).to.equal(0o700)
    expect((await get()).text).to.equal(text)
    expect((await get({ secretsDir: join(dir, 'other') })).text).not.to.equal(text)
    expect(await readdir(join(dir, 'secrets'))).to.deep.equal(['jwt_secret'])
    expect(await readFile(join(dir, 'secrets', 'jwt_secret'), 'utf8')).to.equal(`${text}\n`)
  })

  it('makes only its own folder private, not the folders above', async () => {
    await get({ secretsDir: join(dir, 'data', 'secrets') })
    expect((await stat(join(dir, 'data'))).mode & 0o700).to.equal(0o700)
    expect((await stat(join(dir, 'data', 'secrets'))).mode & 0o077).to.equal(0)
  })

  it('is refused when it is too short', async () => {
    expect(await refusal({ value: 'short' })).to.equal('security.jwt_secret_key holds 5 bytes; at least 32 are needed')
    expect(await refusal({ file: await write('key', `${'x'.repeat(31)}\n`) })).to.equal(
      'the file of security.jwt_secret_file holds 31 bytes; at least 32 are needed',
    )
    await mkdir(join(dir, 'secrets'))
    await write('secrets/jwt_secret', '')
    expect(await refusal({})).to.equal(
      'the file secrets/jwt_secret of the data directory holds 0 bytes; at least 32 are needed',
    )
  })

  it('is refused when other users could read it', async () => {
    expect(await refusal({ file: await write('key', long('x'), 0o644) })).to.equal(
      'the file of security.jwt_secret_file is open to others (mode 0644): run chmod 600 on it',
    )
    expect(await refusal({ file: await write('key', long('x'), 0o620) })).to.contain('open to others')
    expect(await refusal({ file: await write('key', long('x'), 0o640) }), 'a group may read').to.equal('accepted')
    await get()
    await chmod(join(dir, 'secrets', 'jwt_secret'), 0o640)
    expect(await refusal({})).to.contain('open to others (mode 0640)')
  })

  it('is refused when it is missing, no regular file, or too large', async () => {
    expect(await refusal({ file: join(dir, 'none') })).to.equal('the file of security.jwt_secret_file does not exist')
    expect(await refusal({ file: dir })).to.equal('the file of security.jwt_secret_file is not a file')
    expect(await refusal({ file: '/dev/zero' })).to.equal('the file of security.jwt_secret_file is not a file')
    expect(await refusal({ file: await write('key', 'x'.repeat(65_537)) })).to.contain('larger than 64 KiB')
    expect(await refusal({ secretsDir: '/proc/self/none' })).to.match(
      /^the file secrets\/jwt_secret of the data directory cannot be written \([A-Z]+\)$/,
    )
  })

  it('is the same for all processes that start at once', async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, () => get()))
    expect(new Set(keys.map(({ text }) => text)).size).to.equal(1)
  })
})

describe('a secret that the service generates', () => {
  let dir = ''
  let warnings: [string, unknown][] = []
  const log = {
    error() {},
    warn: (...line: [string, unknown?]) => void warnings.push([line[0], line[1]]),
    info() {},
    debug() {},
  }
  const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) }
  const get = (name: 'link_secret' | 'media_secret' | 'audit_secret') => keptSecret(dir, name, { clock, log })
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'secrets-'))
    warnings = []
  })
  afterEach(() => rm(dir, { recursive: true }))

  for (const [name, consequence] of [
    ['link_secret', 'signed URLs of before are invalid'],
    ['media_secret', 'an external media server needs the new secret in its authHTTPAddress'],
    ['audit_secret', 'the audit log starts a new chain, the entries of before are kept and cannot be verified'],
  ] as const)
    for (const text of ['', 'short\n'])
      it(`is kept under another name and replaced when it is ${text ? 'short' : 'empty'}: ${name}`, async () => {
        await writeFile(join(dir, name), text, { mode: 0o600 })
        const { key, from } = await get(name)
        expect([from, key.length]).to.deep.equal(['replaced', 43])
        const kept_as = `${name}.damaged-2026-01-02T03-04-05-006Z`
        const message = `secrets/${name}: it was damaged and is replaced: ${consequence}`
        expect(warnings).to.deep.equal([[message, { kept_as }]])
        expect(await readFile(join(dir, kept_as), 'utf8')).to.equal(text)
        expect(await get(name), 'the next start').to.deep.equal({ key, from: 'data directory' })
        expect(warnings).to.have.length(1)
      })

  it('is refused when others can read it', async () => {
    await writeFile(join(dir, 'link_secret'), long('x'), { mode: 0o644 })
    const message = await get('link_secret').catch((error: Error) => error.message)
    expect(message).to.contain('open to others')
  })

  it('is refused when it is short and the key of the tokens: the operator may have put it there', async () => {
    await writeFile(join(dir, 'jwt_secret'), '', { mode: 0o600 })
    const message = await jwtSecret({ secretsDir: dir, service: { clock, log } }).catch((error: Error) => error.message)
    expect(message).to.contain('holds 0 bytes; at least 32 are needed')
  })
})
