import { expect } from 'chai'
import fc from 'fast-check'
import { parseArguments } from '../../commands/line/arguments.js'
import { UsageError } from '../../commands/line/command.js'

const parse = (line: string) => parseArguments(line.split(' ').filter(Boolean))

describe('command line arguments', () => {
  it('select serve by default', () => {
    expect(parse('')).to.deep.equal({ name: 'serve', guide: false, flags: {} })
    expect(parse('serve --guide --config /etc/a.yml --data-dir=/var/b')).to.deep.equal({
      name: 'serve',
      guide: true,
      config: '/etc/a.yml',
      flags: { 'data-dir': '/var/b' },
    })
    expect(parse('--config a.yml check-config')).to.deep.equal({ name: 'check-config', config: 'a.yml', flags: {} })
  })

  it('select the file of a simulation', () => {
    expect(parse('serve --simulate s.yaml')).to.deep.equal({
      name: 'serve',
      guide: false,
      flags: { simulate: 's.yaml' },
    })
    expect(parse('check-simulation s.yaml')).to.deep.equal({ name: 'check-simulation', file: 's.yaml', flags: {} })
    for (const [line, message] of [
      ['check-simulation', 'check-simulation needs the file of a simulation'],
      ['check-simulation a b', 'check-simulation does not take "b"'],
      ['serve --simulate', '--simulate needs a value'],
      ['token --role viewer --simulate a', '--simulate is only for serve'],
    ] as const)
      expect(() => parse(line), line).to.throw(UsageError, message)
  })

  it('describe a token', () => {
    expect(parse('token --role viewer')).to.deep.equal({ name: 'token', role: 'viewer', user: 'viewer', flags: {} })
    expect(parse('token --role admin --user ann --expires 1h --data-dir d')).to.deep.equal({
      name: 'token',
      role: 'admin',
      user: 'ann',
      expires: 3_600_000,
      flags: { 'data-dir': 'd' },
    })
    expect(parse('token --role admin --expires 90')).to.include({ expires: 90_000 })
    expect(parse('token --role viewer --cameras camera0,camera1* --id door-2')).to.deep.equal({
      name: 'token',
      role: 'viewer',
      user: 'viewer',
      cameras: ['camera0', 'camera1*'],
      id: 'door-2',
      flags: {},
    })
    expect(parse('token --revoke door-2')).to.deep.equal({ name: 'token', revoke: 'door-2', flags: {} })
  })

  it('select an action for API keys', () => {
    expect(parse('keys create --role viewer --user ann --expires 0 --cameras camera0')).to.deep.equal({
      name: 'keys',
      act: 'create',
      role: 'viewer',
      user: 'ann',
      expires: 0,
      cameras: ['camera0'],
      flags: {},
    })
    expect(parse('keys list --data-dir d')).to.deep.equal({ name: 'keys', act: 'list', flags: { 'data-dir': 'd' } })
    expect(parse('keys rotate 0a1b')).to.deep.equal({ name: 'keys', act: 'rotate', id: '0a1b', flags: {} })
    expect(parse('keys revoke 0a1b --config a.yml')).to.deep.equal({
      name: 'keys',
      act: 'revoke',
      id: '0a1b',
      config: 'a.yml',
      flags: {},
    })
    expect(parse('audit verify')).to.deep.equal({ name: 'audit', act: 'verify', flags: {} })
  })

  it('accept camera ids and patterns that an id can match', () => {
    for (const cameras of ['camera0', 'camera12', '*', 'camera*', 'camera1*', '*1', 'cam*a1'])
      expect(parse(`token --role viewer --cameras ${cameras}`), cameras).to.deep.include({ cameras: [cameras] })
    for (const cameras of ['door', 'door*', 'camera', 'Camera0', 'camera0x', 'camera-1', '0', ''])
      expect(() => parseArguments(['token', '--role', 'viewer', `--cameras=camera0,${cameras}`]), cameras).to.throw(
        UsageError,
        '--cameras must be',
      )
  })

  it('request help or the version', () => {
    for (const line of ['--help', '-h', 'help']) expect(parse(line), line).to.deep.equal({ name: 'help' })
    for (const [line, of] of [
      ['token --help', 'token'],
      ['serve -h --version', 'serve'],
      ['help record', 'record'],
      ['record --help', 'record'],
      ['keys --help', 'keys'],
      ['keys create -h', 'keys create'],
      ['help keys revoke', 'keys revoke'],
    ] as const)
      expect(parse(line), line).to.deep.equal({ name: 'help', of })
    expect(parse('--version')).to.deep.equal({ name: 'version' })
  })

  it('are refused with one sentence', () => {
    const sentences: Record<string, string> = {
      '--confg a.yml': '--confg is not a known flag; the nearest is --config',
      tokn: '"tokn" is not a known command; the nearest is token',
      'serve now': 'serve does not take "now"',
      '--config': '--config needs a value',
      '--config --data-dir x': '--config needs a value',
      '--config=': '--config needs a value',
      '--config a --config b': '--config is given twice',
      '--help=yes': '--help takes no value',
      '--no-config': '--no-config is not a known flag; the nearest is --config',
      '--constructor': '--constructor is not a known flag',
      'serve --role admin': '--role is only for token and keys create',
      'check-config --guide': '--guide is only for serve',
      token: 'token needs --role viewer|operator|admin',
      'token --role root': '--role must be one of viewer, operator, admin',
      'token --role admin --expires soon':
        '--expires must be a duration from 1s to 3650d, such as 1h or 30d, not "soon"',
      'token --role admin --expires 0': '--expires must be',
      'token --role admin --revoke x': '--revoke cannot be used with --role: it revokes a token and makes none',
      'token --revoke eyJhbGciOiJIUzI1NiJ9.e30.x': '--revoke must be the id (jti) of a token, not the token itself',
      'token --role admin --cameras camera0,Yard':
        '--cameras must be ids or patterns with commas, such as camera0,camera1*, not "Yard"; ' +
        'names of cameras are not ids',
      'token --role admin --cameras camera0,': '--cameras must be ids or patterns',
      keys: 'keys needs one of create, list, rotate, revoke',
      'keys revok 1': 'keys has no "revok": use create, list, rotate, revoke; the nearest is revoke',
      'keys constructor': 'keys has no "constructor"',
      'keys revoke': 'keys revoke needs the id of a key: see keys list',
      'keys revoke 1 2': 'keys revoke does not take "2"',
      'keys list 1': 'keys list does not take "1"',
      'keys list --role admin': '--role is only for token and keys create',
      'keys create --id x': '--id is only for token',
      'keys create': 'keys create needs --role viewer|operator|admin',
      'keys create --role admin --expires soon':
        '--expires must be a duration from 1s to 3650d, such as 1h or 30d, or 0 (never), not "soon"',
      audit: 'audit needs one of verify',
    }
    for (const [line, sentence] of Object.entries(sentences))
      expect(() => parse(line), line).to.throw(UsageError, sentence)
  })

  it('are refused without a suggestion if nothing is similar', () => {
    const sentences: Record<string, string> = {
      'token --role god': '--role must be one of viewer, operator, admin',
      'token --role amdin': '--role must be one of viewer, operator, admin; the nearest to "amdin" is admin',
      frobnicate: '"frobnicate" is not a known command',
      '-x': '-x is not a known flag',
    }
    for (const [line, sentence] of Object.entries(sentences)) {
      const thrown = (() => {
        try {
          return parse(line)
        } catch (error) {
          return error instanceof UsageError ? error.message : error
        }
      })()
      expect(thrown, line).to.equal(sentence)
    }
  })

  it('throw only usage errors', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'serve',
        'token',
        'keys',
        'create',
        'rotate',
        'audit',
        '--cameras',
        '--revoke',
        '--',
        '-',
        '--config',
        '--role=admin',
        '-h',
        '--=',
        '---',
        '-hh',
        '--no-help',
        '--__proto__',
      ),
    )
    fc.assert(
      fc.property(fc.array(word), (argv) => {
        try {
          parseArguments(argv)
        } catch (error) {
          expect(error).to.be.instanceOf(UsageError)
        }
      }),
    )
  })
})
