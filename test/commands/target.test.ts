import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createAddressFile } from '../../adapters/data/addressFile.js'
import { givenSources, localService } from '../../commands/client/localConfiguration.js'
import { targetOf } from '../../commands/client/target.js'
import type { Asking } from '../../commands/line/command.js'
import { failure } from '../../commands/outcome.js'
import { loadConfiguration } from '../../config/load.js'
import type { RunningAddress } from '../../machines/domain/runningAddress.js'
import { createGate } from '../support/gate.js'

describe('which service a command asks', () => {
  let home: string
  let warnings: string[]
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'camera-service-'))
    warnings = []
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  const write = async (name: string, text: string, mode = 0o600) => {
    const path = join(home, name)
    await writeFile(path, text)
    await chmod(path, mode)
    return path
  }
  const profile = async (name: string, text: string, mode = 0o600) => {
    await mkdir(join(home, '.config/camera-service'), { recursive: true })
    return write(`.config/camera-service/${name}.yml`, text, mode)
  }
  const find = (connection: Asking['connection'] = {}, env: Record<string, string> = {}, also: Partial<Asking> = {}) =>
    targetOf(
      { flags: {}, ...also, connection },
      {
        env: { HOME: home, ...env },
        log: { ...createGate().log, warn: (text: string) => void warnings.push(text) },
        stdin: async () => ' csk_stdin\n',
      },
    )
  const refusal = (finding: Promise<unknown>) =>
    finding.then(
      (target) => JSON.stringify(target),
      (error: unknown) => {
        const { status, err } = failure(error)
        return `${status} ${err}`
      },
    )

  it('is the one of this host without any set-up', async () => {
    expect(await find()).to.deep.equal({})
    expect(await find({}, { CAMERA_SERVICE_TOKEN: 'csk_a' })).to.deep.equal({ token: 'csk_a' })
  })

  it('is named by --url or the environment, with a token from a file, the environment or standard input', async () => {
    const file = await write('token', 'csk_file\n')
    expect(await find({ url: 'ws://a:1/ws', tokenFile: file })).to.deep.equal({ url: 'ws://a:1/ws', token: 'csk_file' })
    const env = { CAMERA_SERVICE_URL: 'wss://b', CAMERA_SERVICE_TOKEN_FILE: file }
    expect(await find({}, env)).to.deep.equal({ url: 'wss://b/ws', token: 'csk_file' })
    expect(await find({ tokenFile: '-' }, env)).to.deep.equal({ url: 'wss://b/ws', token: 'csk_stdin' })
    expect(warnings).to.deep.equal([])
  })

  it('warns that others can see a token on the command line', async () => {
    expect(await find({ url: 'ws://a/ws', token: 'csk_line' })).to.deep.include({ token: 'csk_line' })
    expect(warnings.join()).to.match(/other users of this host can see --token: prefer --token-file/)
  })

  it('is that of the default profile, unless another service is named', async () => {
    await profile('default', 'url: ws://default/ws\ntoken: csk_default\nca_file: ca.pem\n')
    await profile('yard', 'url: ws://yard/ws\ntoken_file: yard.token\n')
    await write('.config/camera-service/yard.token', 'csk_yard')
    const ca = join(home, '.config/camera-service/ca.pem')
    const standard = { url: 'ws://default/ws', token: 'csk_default', caFile: ca }
    expect(await find()).to.deep.equal(standard)
    expect(await find({ profile: 'yard' })).to.deep.equal({ url: 'ws://yard/ws', token: 'csk_yard' })
    expect(await find({}, { CAMERA_SERVICE_PROFILE: 'yard' })).to.deep.include({ url: 'ws://yard/ws' })
    expect(await find({}, {}, { flags: { 'data-dir': '/x' } }), '--data-dir').to.deep.equal({})
    expect(await find({}, {}, { config: 'x.yml' }), '--config').to.deep.equal({})
    const env = { CAMERA_SERVICE_URL: 'ws://env/ws', CAMERA_SERVICE_PROFILE: 'yard', CAMERA_SERVICE_TOKEN: 'csk_env' }
    expect(await find({}, env, { config: 'x.yml' }), 'an option before the environment').to.deep.equal({
      token: 'csk_env',
    })
    expect(await find({}, { CAMERA_SERVICE_DATA_DIR: '/x' }), 'the data directory of the environment').to.deep.equal({})
    expect(await find({}, { XDG_CONFIG_HOME: join(home, '.config') })).to.deep.equal(standard)
  })

  it('does not get the token of a profile for another service', async () => {
    await profile('yard', 'url: ws://yard/ws\ntoken: csk_yard\n')
    expect(await refusal(find({ profile: 'yard', url: 'ws://elsewhere/ws' }))).to.match(
      /^78 the service at ws:\/\/elsewhere\/ws needs a token: use --token-file FILE/,
    )
  })

  it('is refused if others can read the profile or the token, with the way to close it', async () => {
    const path = await profile('default', 'url: ws://a/ws\ntoken: csk_secret\n', 0o644)
    expect(await refusal(find())).to.equal(
      `77 camera-service: the profile ${path} is open to others (mode 0644): run chmod 600 ${path}`,
    )
    const file = await write('token', 'csk_secret', 0o640)
    expect(await refusal(find({ url: 'ws://a/ws', tokenFile: file }))).to.match(/^77 .*mode 0640\): run chmod 600/)
  })

  it('is refused with a sentence that repeats no token', async () => {
    const yard = (text: string) => profile('yard', text).then(() => refusal(find({ profile: 'yard' })))
    expect(await refusal(find({ profile: 'door' }))).to.match(/^78 there is no profile .*door\.yml: write it with url:/)
    expect(await yard('url: ws://a/ws\ntokne: csk_secret')).to.match(
      /^78 tokne is not a key of a profile; the nearest is token/,
    )
    expect(await yard('url: [csk_secret')).to.match(/^78 the profile .* is not YAML$/)
    expect(await yard('csk_secret')).to.match(/^78 the profile .* must have the keys url, token/)
    expect(await yard('url: 1')).to.match(/^78 url must be a text/)
    expect(await yard('url: ws://a/ws\ntoken: a\ntoken_file: b')).to.match(/has both token and token_file: remove one/)
    expect(await yard('url: ws://a/ws\ntoken_file: none')).to.match(
      /^78 the file .*none of the profile .* does not exist/,
    )
    expect(await refusal(find({ url: 'http://a:8002' }))).to.match(
      /^78 the address of a service begins with ws:\/\/ or wss:\/\/, as in .*, not http:\/\/$/,
    )
    expect(await refusal(find({ url: 'camera-host' }))).to.match(/^78 "camera-host" is not the address of a service/)
    expect(await refusal(find({ url: 'ws://me:csk_secret@a/ws' })))
      .to.match(/no user and no password/)
      .and.not.contain('csk')
    expect(await refusal(find({}, { CAMERA_SERVICE_TOKEN: 'csk_secret two' })))
      .to.match(/^78 CAMERA_SERVICE_TOKEN holds more than one word/)
      .and.not.contain('csk')
  })

  it('is the installed one, unless a service has run in this folder or one is named', async () => {
    const config = await write('installed.yml', 'server:\n  port: 8099\n')
    const unit = { config, dataDir: join(home, 'lib'), isUsed: (_dataDir: string) => false }
    const find = async (also: Partial<typeof unit> = {}, env: Record<string, string> = {}) => {
      const { log } = createGate()
      const { data_dir, server } = (await localService({ flags: {} }, { env, log }, { ...unit, ...also })).loaded.config
      return [data_dir, server.port]
    }
    const { data_dir: here } = loadConfiguration({ env: {} }).config
    expect(await find()).to.deep.equal([unit.dataDir, 8099])
    expect(await find({ isUsed: (dir) => dir === here }), 'used here').to.deep.equal([here, 8002])
    expect(await find({ config: join(home, 'none.yml') }), 'not installed').to.deep.equal([here, 8002])
    const program = { CAMERA_SERVICE_INSTALLED: '1' }
    expect(await find({ isUsed: (dir) => dir === here }, program), 'the installed program').to.deep.equal([
      unit.dataDir,
      8099,
    ])
    const own = await write('own.yml', `data_dir: ${home}\n`)
    expect(await find({ config: own }, program), 'a data directory of the file').to.deep.equal([home, 8002])
    expect(await find({ config: own, isUsed: () => true }, program), 'of the unit').to.deep.equal([unit.dataDir, 8002])
    const ofCheckout = givenSources({ flags: {} }, {}, unit)
    expect(ofCheckout.file, 'serve of a checkout').to.equal(undefined)
    expect(givenSources({ flags: {} }, program, unit).file).to.equal(config)
    const dir = join(home, 'named')
    expect(await find({}, { CAMERA_SERVICE_DATA_DIR: dir }), 'named').to.deep.equal([dir, 8002])
  })

  describe('while it runs', () => {
    const address: RunningAddress = {
      config: '',
      api: { host: '0.0.0.0', port: 8100, path: '/ws', certFile: '' },
      health: { host: '127.0.0.1', port: 8101 },
      tokens: { issuer: 'us', audience: '', ownKey: true },
    }
    const unit = { config: '/nonexistent/installed.yml', dataDir: '/nonexistent', isUsed: () => false }
    /** As a service leaves it. */
    const leave = async (changes: Partial<RunningAddress> = {}, dir = home) => {
      await mkdir(join(dir, 'run'), { recursive: true })
      return createAddressFile({ dir: join(dir, 'run'), log: createGate().log })({ ...address, ...changes })
    }
    const local = async (text: string, env: Record<string, string> = {}, installed = unit) => {
      const log = { ...createGate().log, warn: (line: string) => void warnings.push(line) }
      const config = await write('service.yml', text)
      const { loaded } = await localService({ config, flags: {} }, { env, log }, { ...installed })
      return loaded.config
    }
    const here = () => ({ CAMERA_SERVICE_DATA_DIR: home })

    it('is at the address at which it listens, with the key of its data directory, whatever the file says', async () => {
      await leave()
      const { server, http_health, security } = await local(
        'server:\n  port: 8200\n  host: 10.0.0.1\nsecurity:\n  jwt_issuer: them\n',
        { ...here(), CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: 'k1'.repeat(20) },
      )
      expect([server.host, server.port, http_health.port]).to.deep.equal(['0.0.0.0', 8100, 8101])
      expect([security.jwt_issuer, security.jwt_secret_key]).to.deep.equal(['us', ''])
      expect(warnings).to.deep.equal([])
    })

    it('is found with a faulty file, and the warning names the first fault', async () => {
      await leave()
      expect((await local(`data_dir: ${home}\nserver:\n  port: many\n`)).server.port).to.equal(8100)
      expect((await local('server: [\n', here())).server.port).to.equal(8100)
      expect(warnings.join('\n')).to.match(
        /^warning: the configuration has a fault and is not used: server\.port = "many": .*\n.*is not YAML/,
      )
    })

    it('is not guessed: a file that is not YAML and names no data directory must be its own', async () => {
      const dir = join(home, 'lib')
      const installed = { ...unit, config: join(home, 'service.yml'), dataDir: dir }
      await leave({ config: '/other.yml' }, dir)
      const refused = await local('server: [\n', {}, installed).catch((error: unknown) => failure(error))
      expect(refused).to.deep.include({ status: 78 })
      expect('err' in refused && refused.err).to.match(/not YAML: .*; a running service is found with --data-dir DIR/)
      await leave({ config: installed.config }, dir)
      expect(await local('server: [\n', {}, installed)).to.deep.include({ data_dir: dir })
    })

    it('is that of the configuration if it has left nothing that can be read, or has ended', async () => {
      const end = await leave()
      await end()
      expect((await local('server:\n  port: 8200\n', here())).server.port).to.equal(8200)
      await write('run/address.json', '{"api": 1}')
      expect((await local('server:\n  port: 8200\n', here())).server.port).to.equal(8200)
      const fault = await local('server:\n  port: many\n', here()).catch((error: unknown) => failure(error))
      expect(fault).to.deep.include({ status: 78 })
    })

    it('starts although the address cannot be written', async () => {
      const gate = createGate()
      const end = await createAddressFile({ dir: join(home, 'none'), log: gate.log })(address)
      await end()
      expect(JSON.stringify(gate.lines)).to.contain('run/address.json cannot be written (ENOENT)')
    })
  })

  it('does not take the variables of the command line for settings', () => {
    const names = ['URL', 'TOKEN', 'TOKEN_FILE', 'PROFILE', 'INSTALLED'].map((name) => [`CAMERA_SERVICE_${name}`, 'x'])
    expect(() => loadConfiguration({ env: Object.fromEntries(names) })).not.to.throw()
  })
})
