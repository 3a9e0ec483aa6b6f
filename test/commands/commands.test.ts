import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { audit } from '../../commands/audit.js'
import { checkConfig } from '../../commands/checkConfig.js'
import { keys } from '../../commands/keys.js'
import { UsageError } from '../../commands/line/command.js'
import { configurationFault, failure, type Outcome } from '../../commands/outcome.js'
import { token } from '../../commands/token.js'
import { loadConfiguration } from '../../config/load.js'
import { invalidParam, notFound } from '../../machines/domain/errors.js'
import { createGate } from '../support/gate.js'

const start = Date.UTC(2026, 0, 2, 3, 4, 5)

describe('commands', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const configuration = (env: Record<string, string> = {}) =>
    loadConfiguration({ env: { CAMERA_SERVICE_DATA_DIR: dir, ...env } }).config
  const ports = { env: {}, clock: { now: () => start, monotonic: () => 0 }, log: createGate().log }
  /** As the first start of a service leaves the data directory. */
  const useDataDirectory = async () => {
    await mkdir(join(dir, 'secrets'), { mode: 0o700 })
    await writeFile(join(dir, 'secrets', 'audit_secret'), 'a'.repeat(43), { mode: 0o600 })
  }
  const claimsOf = ({ out = '' }: Outcome) => JSON.parse(Buffer.from(out.split('.')[1] ?? '', 'base64url').toString())
  const refusalOf = (run: Promise<Outcome>) =>
    run.then(
      () => 'accepted',
      (error: unknown) => (error instanceof UsageError ? error.message : String(error)),
    )

  it('refuse a data directory that no service has used, and name it', async () => {
    const config = configuration()
    for (const run of [
      token(config, { name: 'token', role: 'viewer', user: 'ann', flags: {} }, ports),
      token(config, { name: 'token', revoke: 'door-2', flags: {} }, ports),
      keys(config, { name: 'keys', act: 'list', flags: {} }, ports),
    ])
      expect(await refusalOf(run)).to.contain(`no camera service has used the data directory ${dir}:`)
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('refuse a data directory that only a misdirected token command has used', async () => {
    await mkdir(join(dir, 'secrets'), { mode: 0o700 })
    await writeFile(join(dir, 'secrets', 'jwt_secret'), 'a'.repeat(43), { mode: 0o600 })
    const run = token(configuration(), { name: 'token', role: 'viewer', user: 'ann', flags: {} }, ports)
    expect(await refusalOf(run)).to.contain('no camera service has used')
  })

  it('issue a token with a key of the configuration, without a data directory', async () => {
    const config = configuration({
      CAMERA_SERVICE_DATA_DIR: join(dir, 'none'),
      CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: 'k'.repeat(32),
      CAMERA_SERVICE_SECURITY_JWT_ISSUER: 'us',
    })
    const request = {
      name: 'token',
      role: 'viewer',
      user: 'ann',
      cameras: ['camera1*'],
      id: 'door-2',
      flags: {},
    } as const
    const outcome = await token(config, { ...request, cameras: ['camera1*'], expires: 60_000 }, ports)
    expect(outcome.status).to.equal(0)
    expect(claimsOf(outcome)).to.deep.include({ role: 'viewer', cameras: ['camera1*'], jti: 'door-2', iss: 'us' })
    expect(existsSync(join(dir, 'none'))).to.equal(false)
  })

  it('issue a token with the key of the data directory, valid for the configured time', async () => {
    await useDataDirectory()
    const config = configuration({ CAMERA_SERVICE_SECURITY_JWT_EXPIRY_HOURS: '2h' })
    const claims = claimsOf(await token(config, { name: 'token', role: 'admin', user: 'ann', flags: {} }, ports))
    expect(claims.exp - claims.iat).to.equal(7_200)
  })

  it('revoke a token once, and doubt an id that they would not make', async () => {
    await useDataDirectory()
    const revoke = (id: string) => token(configuration(), { name: 'token', revoke: id, flags: {} }, ports)
    expect((await revoke('xyz')).err).to.match(
      /^the token xyz is revoked; .*\nnote: without --id, tokens have a UUID as their id: make sure that xyz is the id/,
    )
    expect(await revoke('xyz')).to.deep.equal({
      status: 0,
      err: 'the token xyz was revoked before; nothing was changed',
    })
    expect((await revoke('0b5f6c1e-5a1d-4c7e-8f3a-0123456789ab')).err).to.match(/within a second$/)
  })

  it('create, list, rotate and revoke keys', async () => {
    await useDataDirectory()
    const config = configuration()
    const made = await keys(
      config,
      { name: 'keys', act: 'create', role: 'viewer', user: 'ann', expires: 0, flags: {} },
      ports,
    )
    expect(made.out).to.match(/^csk_/)
    const id =
      /^key (\w+) of ann: viewer, every camera, expires never\. It is shown only once\.$/.exec(made.err ?? '')?.[1] ??
      ''
    const listed = await keys(config, { name: 'keys', act: 'list', flags: {} }, ports)
    expect(listed.out?.split('\n')).to.deep.equal([
      'ID            KEY           STATE   ROLE    USER  CAMERAS  CREATED               EXPIRES  LAST USED',
      `${id}  ${made.out?.slice(0, 12)}  active  viewer  ann   *        2026-01-02T03:04:05Z  never    -`,
    ])
    const rotated = await keys(config, { name: 'keys', act: 'rotate', id, flags: {} }, ports)
    expect(rotated.err).to.match(new RegExp(`^the key ${id} is revoked\nkey (?!${id})`))
    const newId = /\nkey (\w+)/.exec(rotated.err ?? '')?.[1] ?? ''
    const revoked = await keys(config, { name: 'keys', act: 'revoke', id: newId, flags: {} }, ports)
    expect(revoked).to.include({ status: 0 }).and.not.to.have.property('out')
    expect(revoked.err).to.contain(`the key ${newId} (csk_`)
  })

  it('verify an audit log only with its secret', async () => {
    expect(await audit(configuration())).to.deep.equal({
      status: 1,
      err: `the audit log cannot be verified: ${dir} has no secrets/audit_secret`,
    })
    await useDataDirectory()
    expect((await audit(configuration())).out).to.match(/^the audit log is incomplete or was changed: .* \(0 entries/)
  })

  it('check a configuration with its key files', async () => {
    expect(await checkConfig(configuration(), ['x is not used'])).to.deep.equal({
      status: 0,
      out: 'the configuration is good\nwarning: x is not used',
    })
    const keyFile = { CAMERA_SERVICE_SECURITY_JWT_KEYS: `[{algorithm: RS256, file: ${join(dir, 'none.pem')}}]` }
    expect(await checkConfig(configuration(keyFile), [])).to.deep.equal({
      status: configurationFault,
      err: 'the file of security.jwt_keys[0] does not exist',
    })
  })

  it('report every file of a configuration that the service could not read, and accept good ones', async () => {
    const file = join(dir, 'secret')
    const secret = { CAMERA_SERVICE_SECURITY_JWT_SECRET_FILE: file }
    const tls = {
      CAMERA_SERVICE_SERVER_TLS_CERT_FILE: join(dir, 'none.pem'),
      CAMERA_SERVICE_SERVER_TLS_KEY_FILE: dir,
      CAMERA_SERVICE_MEDIAMTX_TLS: 'files',
      CAMERA_SERVICE_MEDIAMTX_TLS_CERT_FILE: join(dir, 'none.pem'),
      CAMERA_SERVICE_MEDIAMTX_TLS_KEY_FILE: join(dir, 'none.key'),
    }
    const { status, err } = await checkConfig(configuration({ ...secret, ...tls }), [])
    expect(status).to.equal(configurationFault)
    expect(err?.split('\n')).to.deep.equal([
      'the file of security.jwt_secret_file does not exist',
      'server.tls.cert_file cannot be read: it does not exist',
      'mediamtx.tls_cert_file cannot be read: it does not exist',
    ])
    await writeFile(file, 'a'.repeat(43), { mode: 0o600 })
    expect((await checkConfig(configuration(secret), [])).status).to.equal(0)
    expect(await readdir(dir), 'nothing is generated').to.deep.equal(['secret'])
  })

  it('fail with a sentence, and with 78 for mistakes of the operator', () => {
    expect(failure(new UsageError('tokn is not a known command'))).to.deep.equal({
      status: 78,
      err: 'tokn is not a known command',
    })
    expect(failure(notFound('Key', '0a1b'))).to.deep.equal({
      status: 1,
      err: 'camera-service: Key not found; 0a1b; camera-service keys list lists all keys',
    })
    expect(failure(invalidParam('cameras', 'must be ids')).err).to.equal(
      'camera-service: Invalid parameters; must be ids',
    )
    expect(failure(new Error('the disk is full')).err).to.equal('camera-service: the disk is full')
  })
})
