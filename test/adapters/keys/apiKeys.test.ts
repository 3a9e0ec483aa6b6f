import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sinon from 'sinon'
import { createApiKeys, type KeyKeeper } from '../../../adapters/keys/apiKeys.js'
import { type ApiKey, type Credential, neverExpires } from '../../../machines/domain/access.js'
import { ServiceError } from '../../../machines/domain/errors.js'
import type { Log } from '../../../machines/domain/ports.js'
import { until } from '../../support/until.js'

const start = Date.UTC(2026, 0, 1)
const [hour, day] = [3_600_000, 86_400_000]

describe('API keys', () => {
  let stateDir = ''
  let now = start
  const opened: KeyKeeper[] = []
  let errors: string[] = []
  let keys: KeyKeeper
  const clock = { now: () => now }
  const note = (message: string) => void errors.push(message)
  const log: Log = { error: note, warn: note, info: () => {}, debug: () => {} }

  const open = async () => {
    const keeper = await createApiKeys({ stateDir, clock, log, defaults: { expiry: 90 * day, maxKeys: 3 } })
    opened.push(keeper)
    return keeper
  }
  beforeEach(async () => {
    now = start
    errors = []
    stateDir = await mkdtemp(join(tmpdir(), 'api-keys-'))
    keys = await open()
  })
  afterEach(async () => {
    sinon.restore()
    await Promise.all(opened.splice(0).map((keeper) => keeper.close()))
    await rm(stateDir, { recursive: true, force: true })
  })
  const file = () => join(stateDir, 'api_keys.json')
  const verdict = (secret: string, keeper = keys) =>
    keeper.verify(secret).then(
      () => 'accepted',
      (error: unknown) => (error instanceof ServiceError && error.key === 'authFailed' ? error.data.reason : error),
    )
  const refusal = async (promise: Promise<unknown>) => {
    const error = await promise.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof ServiceError)) throw new Error(`refused with ${String(error)}`)
    return error
  }

  it('carry the user, role and cameras they were created for', async () => {
    const { key, secret } = await keys.create({
      user: 'ann',
      role: 'operator',
      cameras: ['camera0', 'camera1*'],
      expiresIn: hour,
    })
    expect(secret).to.match(/^csk_[\w-]{43}$/)
    const expected: ApiKey = {
      id: key.id,
      prefix: secret.slice(0, 12),
      user: 'ann',
      role: 'operator',
      cameras: ['camera0', 'camera1*'],
      createdAt: start,
      expiresAt: start + hour,
    }
    expect(key).to.deep.equal(expected)
    expect(await keys.list()).to.deep.equal([expected])
    expect(await keys.verify(secret)).to.deep.equal({
      user: 'ann',
      role: 'operator',
      cameras: ['camera0', 'camera1*'],
      expiresAt: start + hour,
      credential: { kind: 'key', id: key.id },
    })
    expect(await verdict(secret, await open()), 'after a restart').to.equal('accepted')
  })

  it('have no camera limit when their list includes every camera', async () => {
    const { secret } = await keys.create({ user: 'ann', role: 'operator', cameras: ['*'] })
    expect(await keys.verify(secret)).to.not.have.property('cameras')
  })

  it('are stored as hashes, readable for the owner alone', async () => {
    const { secret } = await keys.create({ user: 'ann', role: 'viewer' })
    const text = await readFile(file(), 'utf8')
    expect(text).not.to.contain(secret.slice(12))
    expect((await stat(file())).mode & 0o777).to.equal(0o600)
    expect(JSON.stringify(await keys.list())).not.to.contain(JSON.parse(text).keys[0].hash)
  })

  it('are refused when one character is wrong', async () => {
    const { secret } = await keys.create({ user: 'ann', role: 'viewer' })
    const wrong = [
      secret.toUpperCase(),
      secret.slice(0, -1),
      `${secret}A`,
      `${secret.slice(0, -2)}${secret.at(-2) === 'A' ? 'B' : 'A'}${secret.slice(-1)}`,
    ]
    for (const each of [...wrong, '', 'csk_', secret.slice(0, 12), ` ${secret}`, `${secret}\n`])
      expect(await verdict(each), each).to.equal('auth_failed')
    for (const each of [5, {}, [secret], undefined]) expect(await verdict(each as string)).to.equal('auth_failed')
  })

  it('expire after the requested or the default time, or never', async () => {
    const lives = [
      await keys.create({ user: 'a', role: 'viewer' }),
      await keys.create({ user: 'b', role: 'viewer', expiresIn: 0 }),
    ]
    expect(lives.map(({ key }) => key.expiresAt)).to.deep.equal([start + 90 * day, neverExpires])
    now = start + 90 * day - 1
    expect(await Promise.all(lives.map(({ secret }) => verdict(secret)))).to.deep.equal(['accepted', 'accepted'])
    now += 1
    expect(await Promise.all(lives.map(({ secret }) => verdict(secret)))).to.deep.equal(['token_expired', 'accepted'])
    now += 30 * day
    expect(
      (await keys.list()).map(({ user }) => user),
      'the expired one is forgotten',
    ).to.deep.equal(['b'])
  })

  it('end at once when they are revoked, and are listed for 30 days', async () => {
    const { key, secret } = await keys.create({ user: 'ann', role: 'viewer' })
    const events: Credential[] = []
    keys.onRevoked((credential) => void events.push(credential))
    now += 1
    expect(await keys.revoke(key.id)).to.deep.equal({ ...key, revokedAt: now })
    expect(await verdict(secret)).to.equal('revoked')
    await keys.revoke(key.id)
    expect(events).to.deep.equal([{ kind: 'key', id: key.id }])
    now += 29 * day
    expect(await keys.list()).to.have.length(1)
    now += day
    expect(await keys.list()).to.have.length(0)
    const { data } = await refusal(keys.revoke('none'))
    expect(data).to.deep.equal({ resource: 'key', id: 'none' })
  })

  it('are replaced by a key with the same rights when they are rotated', async () => {
    const { key, secret } = await keys.create({ user: 'ann', role: 'operator', cameras: ['camera0'], expiresIn: hour })
    const events: Credential[] = []
    keys.onRevoked((credential) => void events.push(credential))
    now += 60_000
    const made = await keys.rotate(key.id)
    expect(made.key).to.deep.include({
      user: 'ann',
      role: 'operator',
      cameras: ['camera0'],
      createdAt: now,
      expiresAt: now + hour,
    })
    expect(await verdict(secret)).to.equal('revoked')
    expect(await verdict(made.secret)).to.equal('accepted')
    expect(events).to.deep.equal([{ kind: 'key', id: key.id }])
    expect((await refusal(keys.rotate(key.id))).data).to.include({ reason: 'key_ended', state: 'revoked' })
    expect((await refusal(keys.rotate('none'))).key).to.equal('notFound')
  })

  it('are limited in number, without those that have ended', async () => {
    const made = [await keys.create({ user: 'a', role: 'viewer' }), await keys.create({ user: 'b', role: 'viewer' })]
    const outcome = await Promise.allSettled([
      keys.create({ user: 'c', role: 'viewer' }),
      (await open()).create({ user: 'd', role: 'viewer' }),
    ])
    expect(outcome.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected'])
    const { key, data } = await refusal(keys.create({ user: 'e', role: 'viewer' }))
    expect({ key, ...data }).to.include({ key: 'invalidState', reason: 'too_many_keys', state: '3 keys are valid' })
    await keys.revoke(made[0]?.key.id ?? '')
    await keys.create({ user: 'e', role: 'viewer' })
  })

  it('are not created with invalid values', async () => {
    const wrong: [object, string][] = [
      [{ user: '' }, 'user'],
      [{ user: 'a\nb' }, 'user'],
      [{ role: 'root' }, 'role'],
      [{ cameras: ['Camera 0'] }, 'cameras'],
      [{ expiresIn: -1 }, 'expires_in'],
      [{ expiresIn: Number.NaN }, 'expires_in'],
    ]
    for (const [wish, param] of wrong)
      expect((await refusal(keys.create({ user: 'ann', role: 'viewer', ...wish }))).data.param).to.equal(param)
  })

  it('follow the changes of the command line', async () => {
    const elsewhere = await open()
    const { key, secret } = await elsewhere.create({ user: 'ann', role: 'viewer' })
    await until('the key is accepted', async () => (await verdict(secret)) === 'accepted')
    const events = new Promise<Credential>((resolve) => keys.onRevoked(resolve))
    await elsewhere.revoke(key.id)
    expect(await events).to.deep.equal({ kind: 'key', id: key.id })
    expect(await verdict(secret)).to.equal('revoked')
  })

  it('end the sessions of a key whose rights were changed by hand', async () => {
    const { key, secret } = await keys.create({ user: 'ann', role: 'operator' })
    const events = new Promise<Credential>((resolve) => keys.onRevoked(resolve))
    await writeFile(file(), (await readFile(file(), 'utf8')).replace('"operator"', '"viewer"'))
    expect(await events).to.deep.equal({ kind: 'key', id: key.id })
    expect((await keys.verify(secret)).role).to.equal('viewer')
  })

  it('end with their file', async () => {
    const { key, secret } = await keys.create({ user: 'ann', role: 'viewer' })
    const events = new Promise<Credential>((resolve) => keys.onRevoked(resolve))
    await rm(file())
    expect(await events).to.deep.equal({ kind: 'key', id: key.id })
    expect(await verdict(secret)).to.equal('auth_failed')
    expect(keys.isRevoked(key.id)).to.equal(true)
  })

  it('are those of the copy when the file is missing at the start, without the revoked ones', async () => {
    const { key, secret } = await keys.create({ user: 'ann', role: 'viewer' })
    const other = await keys.create({ user: 'bea', role: 'viewer' })
    await keys.revoke(key.id)
    await Promise.all(opened.splice(0).map((keeper) => keeper.close()))
    await rm(file())
    keys = await open()
    expect(errors).to.deep.equal([
      'state/api_keys.json: the list of API keys was missing: its copy api_keys.previous.json is used',
    ])
    expect([await verdict(secret), await verdict(other.secret)]).to.deep.equal(['revoked', 'accepted'])
  })

  for (const [sound, damage] of [
    ['"camera0"', '5'],
    ['"camera0"', '"camera0,camera1"'],
    ['"ann"', '"ann\\nadmin"'],
    ['"ann"', '""'],
  ] as const)
    it(`are all refused when the file and its copy have ${damage} instead of ${sound}, and the file is kept`, async () => {
      const { secret } = await keys.create({ user: 'ann', role: 'viewer', cameras: ['camera0'] })
      const damaged = (await readFile(file(), 'utf8')).replace(sound, damage)
      expect(damaged).to.include(damage)
      await Promise.all(opened.splice(0).map((keeper) => keeper.close()))
      await writeFile(file(), damaged)
      await writeFile(join(stateDir, 'api_keys.previous.json'), damaged)
      keys = await open()
      expect(errors).to.have.length(1)
      expect(await verdict(secret)).to.equal('auth_failed')
      await keys.create({ user: 'bea', role: 'viewer' })
      const aside = (await readdir(stateDir)).find((name) => name.includes('damaged')) ?? ''
      expect(await readFile(join(stateDir, aside), 'utf8')).to.equal(damaged)
    })

  it('are revoked but not created when the disk is full', async () => {
    const { key, secret } = await keys.create({ user: 'ann', role: 'viewer' })
    await mkdir(`${file()}.tmp/x`, { recursive: true })
    expect((await refusal(keys.create({ user: 'bea', role: 'viewer' }))).key).to.equal('dependencyFailed')
    expect((await refusal(keys.revoke(key.id))).key).to.equal('dependencyFailed')
    expect(await verdict(secret)).to.equal('revoked')
    expect(await keys.list()).to.have.length(1)
  })

  it('remember their last use, which is written once a minute', async () => {
    const timers = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { key, secret } = await keys.create({ user: 'ann', role: 'viewer' })
    const before = (await stat(file())).ino
    now += 5
    await keys.verify(secret)
    now += 5
    await keys.verify(secret)
    expect((await keys.list())[0]?.lastUsedAt).to.equal(start + 10)
    expect((await stat(file())).ino).to.equal(before)
    timers.tick(60_000)
    timers.restore()
    await keys.close()
    expect((await (await open()).list())[0]).to.deep.equal({ ...key, lastUsedAt: start + 10 })
  })
})
