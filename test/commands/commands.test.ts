import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { startApp } from '../../app.js'
import { audit } from '../../commands/audit.js'
import { checkConfig } from '../../commands/checkConfig.js'
import { keys } from '../../commands/keys.js'
import { UsageError } from '../../commands/line/command.js'
import { configurationFault, failure, type Outcome } from '../../commands/outcome.js'
import { token } from '../../commands/token.js'
import { type Loaded, loadConfiguration } from '../../config/load.js'
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

  describe('check a configuration', () => {
    const none = () => join(dir, 'none.pem')
    /** Writes the configuration file; each row is one line. */
    const written = async (...rows: string[]) => {
      const file = join(dir, 'camera-service.yml')
      await writeFile(file, [`data_dir: ${dir}`, ...rows, ''].join('\n'))
      return loadConfiguration({ file, env: {} })
    }
    const check = async (loaded: Loaded, env: Record<string, string> = {}) => {
      const { status, err, out } = await checkConfig(loaded, env)
      return [status, ...(err ?? out ?? '').replaceAll(dir, 'DIR').split('\n')]
    }
    const keep = (name: string, text: string, mode = 0o600) => writeFile(join(dir, name), text, { mode })
    const camera = (file: string, ...rows: string[]) => [
      'cameras:',
      '  - name: yard',
      '    source: rtsp://192.0.2.1/x',
      '    user: ann',
      `    password_file: ${file}`,
      ...rows,
    ]
    const origin = (line: number) => `(file DIR/camera-service.yml line ${line})`

    it('without a file, with its warnings', async () => {
      const loaded = loadConfiguration({ env: { CAMERA_SERVICE_DATA_DIR: dir } })
      expect(await check({ ...loaded, warnings: ['x is not used'] })).to.deep.equal([
        0,
        'the configuration is good',
        'warning: x is not used',
      ])
    })

    it('with all files that the service could not use, each with its key and line', async () => {
      const loaded = await written(
        'security:',
        `  jwt_secret_file: ${join(dir, 'secret')}`,
        '  jwt_keys:',
        '    - algorithm: RS256',
        `      file: ${none()}`,
        'server:',
        '  tls:',
        `    cert_file: ${none()}`,
        `    key_file: ${dir}`,
        'mediamtx:',
        '  tls: files',
        `  tls_cert_file: ${none()}`,
        `  tls_key_file: ${none()}`,
        ...camera(join(dir, 'pass')),
      )
      expect(await check(loaded)).to.deep.equal([
        configurationFault,
        `security.jwt_secret_file = ***: does not exist ${origin(3)}`,
        `security.jwt_keys[0].file = "DIR/none.pem": does not exist ${origin(6)}`,
        `server.tls.cert_file = "DIR/none.pem": cannot be read: it does not exist ${origin(9)}`,
        `server.tls.key_file = "DIR": cannot be read: it is a folder ${origin(10)}`,
        `mediamtx.tls_cert_file = "DIR/none.pem": cannot be read: it does not exist ${origin(13)}`,
        `mediamtx.tls_key_file = "DIR/none.pem": cannot be read: it does not exist ${origin(14)}`,
        `cameras[0].password_file = ***: does not exist ${origin(19)}`,
      ])
    })

    it('with good files, and generates none', async () => {
      await keep('secret', 'a'.repeat(43))
      await keep('pass', 'hush\n')
      const loaded = await written(
        `security: { jwt_secret_file: ${join(dir, 'secret')} }`,
        ...camera(join(dir, 'pass')),
      )
      expect(await check(loaded)).to.deep.equal([0, 'the configuration is good'])
      expect((await readdir(dir)).sort()).to.deep.equal(['camera-service.yml', 'pass', 'secret'])
    })

    it('with a password file that is empty, no file, or open to others', async () => {
      await keep('empty', '\n')
      await keep('open', 'hush\n')
      await chmod(join(dir, 'open'), 0o644)
      const fault = async (file: string) => (await check(await written(...camera(file)))).slice(1)
      expect(await fault(join(dir, 'empty'))).to.deep.equal([`cameras[0].password_file = ***: is empty ${origin(6)}`])
      expect(await fault(dir)).to.deep.equal([`cameras[0].password_file = ***: is not a file ${origin(6)}`])
      expect(await fault(join(dir, 'open'))).to.deep.equal([
        'the configuration is good',
        `warning: cameras[0].password_file = ***: is open to others (mode 0644): run chmod 600 on it ${origin(6)}`,
      ])
      expect((await check(await written(...camera(none(), '    enabled: false')))).slice(1)).to.deep.equal([
        'the configuration is good',
      ])
    })

    it('with credentials of systemd, which exist only for the service', async () => {
      const loaded = await written(...camera('/run/credentials/camera-service.service/yard'))
      const made = 'systemd makes this file when it starts the service (LoadCredential)'
      expect(await check(loaded)).to.deep.equal([
        0,
        'the configuration is good',
        `warning: cameras[0].password_file = ***: cannot be checked here: ${made} ${origin(6)}`,
      ])
      const ofService = { CREDENTIALS_DIRECTORY: '/run/credentials/camera-service.service' }
      expect(await check(loaded, ofService)).to.deep.equal([
        configurationFault,
        `cameras[0].password_file = ***: does not exist ${origin(6)}`,
      ])
      await keep('jwt_secret', 'short')
      expect(await check(await written(), { CREDENTIALS_DIRECTORY: dir })).to.deep.equal([
        configurationFault,
        'the systemd credential jwt_secret holds 5 bytes; at least 32 are needed (environment CREDENTIALS_DIRECTORY)',
      ])
    })

    it('with the secrets of the data directory that stop the start, and not with those that are replaced', async () => {
      await mkdir(join(dir, 'secrets'), { mode: 0o700 })
      await keep('secrets/jwt_secret', 'short')
      await keep('secrets/link_secret', 'short')
      await keep('secrets/audit_secret', 'a'.repeat(43))
      await chmod(join(dir, 'secrets', 'audit_secret'), 0o644)
      const of = (secret: string) => `data_dir = "DIR": the file secrets/${secret} of the data directory`
      expect(await check(await written())).to.deep.equal([
        configurationFault,
        `${of('jwt_secret')} holds 5 bytes; at least 32 are needed ${origin(1)}`,
        `${of('audit_secret')} is open to others (mode 0644): run chmod 600 on it ${origin(1)}`,
      ])
    })

    it('with a data directory that is a file, in one line', async () => {
      await keep('data', '')
      const loaded = loadConfiguration({ env: { CAMERA_SERVICE_DATA_DIR: join(dir, 'data') } })
      expect(await check(loaded)).to.deep.equal([
        configurationFault,
        'data_dir = "DIR/data": the data directory is not a folder, or a folder of it is a file ' +
          '(environment CAMERA_SERVICE_DATA_DIR)',
      ])
    })

    it('names the environment for a list that it sets', async () => {
      const list = `[{ name: yard, source: "rtsp://192.0.2.1/x", user: ann, password_file: ${none()} }]`
      await written('cameras:', '  - { name: yard, source: virtual, x-note: 1 }')
      const env = { CAMERA_SERVICE_CAMERAS: list }
      expect(await check(loadConfiguration({ file: join(dir, 'camera-service.yml'), env }))).to.deep.equal([
        configurationFault,
        'cameras[0].password_file = ***: does not exist (environment CAMERA_SERVICE_CAMERAS)',
      ])
    })

    it('says what the service says that does not start with them, and warns of cameras', async () => {
      const loaded = await written(
        'server:',
        '  tls:',
        `    cert_file: ${none()}`,
        `    key_file: ${none()}`,
        ...camera(join(dir, 'pass')),
      )
      const start = startApp({ config: loaded.config, source: { env: {}, loaded }, log: createGate().log, env: {} })
      const said = await start.then(
        () => 'it started',
        (error: Error) => error.message,
      )
      const [, ...faults] = await check(loaded)
      expect(faults).to.deep.equal([
        ...said.replaceAll(dir, 'DIR').split('\n'),
        `cameras[0].password_file = ***: does not exist ${origin(10)}`,
      ])
    })
  })

  it('fail with a sentence, and with 78 for mistakes of the operator', () => {
    expect(failure(new UsageError('tokn is not a known command'))).to.deep.equal({
      status: 78,
      err: 'tokn is not a known command',
    })
    expect(failure(notFound('Key', '0a1b'))).to.deep.equal({
      status: 1,
      err: 'camera-service: Key not found: 0a1b; camera-service keys list lists all keys',
    })
    expect(failure(invalidParam('cameras', 'must be ids')).err).to.equal(
      'camera-service: Invalid parameters; must be ids',
    )
    expect(failure(new Error('the disk is full')).err).to.equal('camera-service: the disk is full')
  })
})
