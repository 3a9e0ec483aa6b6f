import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createApiKeys, type KeyKeeper } from '../../../adapters/keys/apiKeys.js'
import { type CredentialKeeper, createCredentials } from '../../../adapters/tokens/credentials.js'
import { createRevocations } from '../../../adapters/tokens/revocations.js'
import { createTokens } from '../../../adapters/tokens/tokens.js'
import { type Credential, neverExpires, type OutsideChange } from '../../../machines/domain/access.js'
import { ServiceError } from '../../../machines/domain/errors.js'
import type { Log } from '../../../machines/domain/ports.js'
import { day } from '../../support/clock.js'

const start = Date.UTC(2026, 0, 1)
const hour = 3_600_000

describe('credentials', () => {
  let stateDir = ''
  let now = start
  const ends: (() => Promise<unknown>)[] = []
  const clock = { now: () => now }
  const log: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }
  const tokens = createTokens({ secret: new Uint8Array(32).fill(3), clock })
  let keys: KeyKeeper
  let credentials: CredentialKeeper

  beforeEach(async () => {
    now = start
    stateDir = await mkdtemp(join(tmpdir(), 'credentials-'))
    keys = await createApiKeys({ stateDir, clock, log, defaults: { expiry: hour, maxKeys: 5 } })
    credentials = await open()
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await keys.close()
    await rm(stateDir, { recursive: true })
  })

  /** As after a restart. */
  const open = async () => {
    const made = await createCredentials({ tokens, keys, stateDir, clock, log })
    ends.push(() => made.close())
    return made
  }
  const token = (id: string) => tokens.issue({ user: 'ann', role: 'viewer', expiresIn: hour, id })
  const verdict = (text: unknown, by = credentials) =>
    by.verify(text as string).then(
      () => 'accepted',
      (error: unknown) => (error instanceof ServiceError && error.key === 'authFailed' ? error.data.reason : error),
    )

  it('are accepted as people paste them', async () => {
    const { secret } = await keys.create({ user: 'bea', role: 'admin' })
    for (const text of [await token('a'), secret]) {
      for (const pasted of [
        `  ${text}\n`,
        `\ufeff${text}\u00a0`,
        `"${text}"`,
        `'${text}'`,
        `“${text}”`,
        `\`${text}\``,
        `Bearer ${text}`,
        `bearer\t${text}\r\n`,
        `Authorization: Bearer ${text}`,
        `"Bearer ${text}"`,
        `Bearer "${text}"`,
        ` 'Bearer "${text}" ' `,
      ])
        expect(await verdict(pasted), JSON.stringify(pasted)).to.equal('accepted')
      for (const other of [`"${text}`, `${text}"`, `x ${text}`, `Basic ${text}`, `Bearer${text}`, `${text} ${text}`])
        expect(await verdict(other), other).to.equal('auth_failed')
    }
    for (const none of [' ', '""', "''", 'Bearer', 'Bearer ', '" Bearer "', '\n'])
      expect(await verdict(none), JSON.stringify(none)).to.equal('auth_required')
    for (const long of ['"'.repeat(1e6), ' '.repeat(1e6), 'Bearer '.repeat(1e5)])
      expect(await verdict(long), long.slice(0, 10)).to.be.oneOf(['auth_failed', 'auth_required'])
  })

  it('are tokens and keys', async () => {
    expect((await credentials.verify(await token('a'))).credential).to.deep.equal({ kind: 'token', id: 'a' })
    const { key, secret } = await keys.create({ user: 'bea', role: 'admin' })
    expect((await credentials.verify(secret)).credential).to.deep.equal({ kind: 'key', id: key.id })
    for (const none of ['', undefined, null]) expect(await verdict(none)).to.equal('auth_required')
    for (const other of ['x', 'csk_', `csk_${'x'.repeat(43)}`, `${secret}x`, 5, {}, []])
      expect(await verdict(other)).to.equal('auth_failed')
  })

  it('are refused once revoked, also after a restart; others are not', async () => {
    const [one, other] = [await token('a'), await token('b')]
    expect(await verdict(one)).to.equal('accepted')
    const events: Credential[] = []
    const dispose = credentials.onRevoked((credential) => void events.push(credential))
    await credentials.revoke({ kind: 'token', id: 'a' }, now + hour)
    await credentials.revoke({ kind: 'token', id: 'a' }, now + hour)
    expect(events).to.deep.equal([{ kind: 'token', id: 'a' }])
    expect(credentials.isRevoked({ kind: 'token', id: 'a' })).to.equal(true)
    expect(credentials.isRevoked({ kind: 'certificate', id: 'a' })).to.equal(false)
    const restarted = await open()
    for (const each of [credentials, restarted]) {
      expect(await verdict(one, each)).to.equal('revoked')
      expect(await verdict(other, each)).to.equal('accepted')
    }
    dispose()
    await credentials.revoke({ kind: 'certificate', id: 'f' }, now + hour)
    expect(events).to.have.length(1)
  })

  it('may be revoked before their first use', async () => {
    await credentials.revoke({ kind: 'token', id: '__proto__' }, now + hour)
    expect(await verdict(await token('__proto__'))).to.equal('revoked')
    expect(await verdict(await token('constructor'))).to.equal('accepted')
  })

  it('report the changes of another process, not those of this one', async () => {
    const events: OutsideChange[] = []
    const dispose = credentials.onOutsideChange((change) => void events.push(change))
    const here = await keys.create({ user: 'ann', role: 'viewer' })
    await keys.verify(here.secret)
    await keys.rotate(here.key.id)
    await credentials.revoke({ kind: 'token', id: 'mine' }, now + hour)

    const elsewhere = await createApiKeys({ stateDir, clock, log, defaults: { expiry: hour, maxKeys: 5 } })
    ends.push(() => elsewhere.close())
    const { key } = await elsewhere.create({ user: 'eve', role: 'admin' })
    const rotated = await elsewhere.rotate(key.id)
    await elsewhere.revoke(rotated.key.id)
    const revocations = await createRevocations({ stateDir, clock, log })
    ends.push(() => revocations.close())
    await revocations.revoke({ kind: 'token', id: 'theirs' }, now + hour)

    // A change here first takes over what others have written.
    await keys.create({ user: 'ann', role: 'viewer' })
    await credentials.revoke({ kind: 'token', id: 'mine too' }, now + hour)
    dispose()
    const reasonsOf = (subject: string) =>
      events.filter((change) => change.subject === subject).map(({ action, reason }) => `${action}: ${reason}`)
    expect(new Set(events.map(({ subject }) => subject))).to.deep.equal(new Set([key.id, rotated.key.id, 'theirs']))
    expect(reasonsOf(key.id)[0]).to.equal('keys: created by the command line')
    expect(reasonsOf(rotated.key.id)[0]).to.equal('keys: created by the command line')
    expect(reasonsOf('theirs')).to.deep.equal(['revocations: token revoked by the command line'])
  })

  it('are revoked when very many are revoked already', async () => {
    const revoked = Array.from({ length: 12_000 }, (_, index) => ({
      kind: 'token',
      id: `t${index}`,
      until: neverExpires,
    }))
    await writeFile(join(stateDir, 'revoked.json'), JSON.stringify({ version: 1, revoked }))
    const many = await open()
    await many.revoke({ kind: 'token', id: 'urgent' }, neverExpires)
    expect([
      many.isRevoked({ kind: 'token', id: 'urgent' }),
      many.isRevoked({ kind: 'token', id: 't0' }),
    ]).to.deep.equal([true, true])
  })

  it('are refused after the command line has revoked them', async () => {
    const events = new Promise<Credential>((resolve) => credentials.onRevoked(resolve))
    const elsewhere = await createRevocations({ stateDir, clock, log })
    await elsewhere.revoke({ kind: 'token', id: 'a' }, now + hour)
    await elsewhere.close()
    expect(await events).to.deep.equal({ kind: 'token', id: 'a' })
    expect(await verdict(await token('a'))).to.equal('revoked')
  })

  it('end with their key if they are keys', async () => {
    const { key, secret } = await keys.create({ user: 'bea', role: 'admin' })
    const events: Credential[] = []
    credentials.onRevoked((credential) => void events.push(credential))
    await credentials.revoke({ kind: 'key', id: key.id }, now + hour)
    expect(events).to.deep.equal([{ kind: 'key', id: key.id }])
    expect(await verdict(secret)).to.equal('revoked')
    expect(credentials.isRevoked({ kind: 'key', id: key.id })).to.equal(true)
    expect(credentials.isRevoked({ kind: 'key', id: 'never heard of' })).to.equal(true)
  })

  it('stay revoked if the clock is set forward and back again', async () => {
    await credentials.revoke({ kind: 'token', id: 'a' }, now + hour)
    now += day
    await credentials.revoke({ kind: 'token', id: 'b' }, now - hour)
    now -= day
    for (const id of ['a', 'b']) expect(credentials.isRevoked({ kind: 'token', id })).to.equal(true)
  })

  it('leave the list of revocations 30 days after they have expired', async () => {
    await credentials.revoke({ kind: 'token', id: 'a' }, now + hour)
    now += 30 * day + hour
    await credentials.revoke({ kind: 'token', id: 'b' }, now + hour)
    await credentials.revoke({ kind: 'token', id: 'c' }, now - 30 * day)
    const { revoked } = JSON.parse(await readFile(join(stateDir, 'revoked.json'), 'utf8'))
    expect(revoked).to.deep.equal([{ kind: 'token', id: 'b', until: now + hour }])
  })

  it('stay revoked when the file is lost or overwritten while the service runs', async () => {
    await credentials.revoke({ kind: 'token', id: 'a' }, now + hour)
    await rm(join(stateDir, 'revoked.json'))
    await credentials.revoke({ kind: 'token', id: 'b' }, now + hour)
    for (const each of [credentials, await open()])
      for (const id of ['a', 'b']) expect(await verdict(await token(id), each), id).to.equal('revoked')
  })

  it('cannot be opened when the list of revocations is damaged', async () => {
    await writeFile(join(stateDir, 'revoked.json'), '{"version":1,"revoked":[{"kind":"token"}]}')
    const message = await open().then(
      () => 'opened',
      (error: Error) => error.message,
    )
    expect(message).to.equal(
      'state/revoked.json: the list of revoked credentials is damaged: restore it from a backup; ' +
        'or change security.jwt_secret_key, which ends every token, and delete it',
    )
  })

  it('are revoked up to a maximum', async () => {
    const revoked = Array.from({ length: 50_000 }, (_, index) => ({
      kind: 'token',
      id: `t${index}`,
      until: now + hour,
    }))
    await writeFile(join(stateDir, 'revoked.json'), JSON.stringify({ version: 1, revoked }))
    const full = await open()
    const error = await full.revoke({ kind: 'token', id: 'one more' }, now + hour).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(ServiceError).with.property('key', 'invalidState')
  })
})
