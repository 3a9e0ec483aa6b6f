import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { localConfiguration } from '../../commands/client/localConfiguration.js'
import { targetOf } from '../../commands/client/target.js'
import type { Asking } from '../../commands/line/command.js'
import { failure } from '../../commands/outcome.js'
import { loadConfiguration } from '../../config/load.js'
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
    const find = (also: Partial<typeof unit> = {}, env: Record<string, string> = {}) => {
      const { data_dir, server } = localConfiguration({ flags: {} }, env, { ...unit, ...also })
      return [data_dir, server.port]
    }
    const { data_dir: here } = loadConfiguration({ env: {} }).config
    expect(find()).to.deep.equal([unit.dataDir, 8099])
    expect(find({ isUsed: (dir) => dir === here }), 'used here').to.deep.equal([here, 8002])
    expect(find({ config: join(home, 'none.yml') }), 'not installed').to.deep.equal([here, 8002])
    const dir = join(home, 'named')
    expect(find({}, { CAMERA_SERVICE_DATA_DIR: dir }), 'named').to.deep.equal([dir, 8002])
  })

  it('does not take the variables of the command line for settings', () => {
    const names = ['URL', 'TOKEN', 'TOKEN_FILE', 'PROFILE'].map((name) => [`CAMERA_SERVICE_${name}`, 'x'])
    expect(() => loadConfiguration({ env: Object.fromEntries(names) })).not.to.throw()
  })
})
