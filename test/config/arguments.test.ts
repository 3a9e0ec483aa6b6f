import { expect } from 'chai'
import fc from 'fast-check'
import { helpText, parseArguments, UsageError } from '../../config/arguments.js'

const parse = (line: string) => parseArguments(line.split(' ').filter(Boolean))

describe('the command line', () => {
  it('serves when it says nothing', () => {
    expect(parse('')).to.deep.equal({ name: 'serve', guide: false, flags: {} })
    expect(parse('serve --guide --config /etc/a.yml --data-dir=/var/b')).to.deep.equal({
      name: 'serve',
      guide: true,
      config: '/etc/a.yml',
      flags: { 'data-dir': '/var/b' },
    })
    expect(parse('--config a.yml check-config')).to.deep.equal({ name: 'check-config', config: 'a.yml', flags: {} })
  })

  it('asks for tokens', () => {
    expect(parse('token --role viewer')).to.deep.equal({ name: 'token', role: 'viewer', user: 'viewer', flags: {} })
    expect(parse('token --role admin --user ann --expires 1h --data-dir d')).to.deep.equal({
      name: 'token',
      role: 'admin',
      user: 'ann',
      expires: 3_600_000,
      flags: { 'data-dir': 'd' },
    })
    expect(parse('token --role admin --expires 90')).to.include({ expires: 90_000 })
  })

  it('helps', () => {
    for (const line of ['--help', '-h', 'token --help', 'serve -h --version']) expect(parse(line), line).to.deep.equal({ name: 'help' })
    expect(parse('--version')).to.deep.equal({ name: 'version' })
    for (const word of ['serve', 'token', 'check-config', '--config', '--data-dir', '--role', '--user', '--expires', '--help', '--version']) {
      expect(helpText()).to.contain(word)
    }
  })

  it('says in a sentence what it did not understand', () => {
    const sentences: Record<string, string> = {
      '--confg a.yml': '--confg is not a known flag; the nearest is --config',
      tokn: '"tokn" is not a known command; the nearest is token',
      'serve now': '"now" is one word too many after serve',
      '--config': '--config needs a value',
      '--config --data-dir x': '--config needs a value',
      '--config=': '--config needs a value',
      '--config a --config b': '--config is given twice',
      '--help=yes': '--help takes no value',
      '--no-config': '--no-config is not a known flag; the nearest is --config',
      '--constructor': '--constructor is not a known flag',
      'serve --role admin': '--role belongs to the command token',
      'check-config --guide': '--guide belongs to the command serve',
      token: 'token needs --role viewer|operator|admin',
      'token --role root': '--role must be one of viewer, operator, admin',
      'token --role admin --expires soon': '--expires must be a duration from 1s to 3650d, such as 1h or 30d, not "soon"',
      'token --role admin --expires 0': '--expires must be',
    }
    for (const [line, sentence] of Object.entries(sentences)) expect(() => parse(line), line).to.throw(UsageError, sentence)
  })

  it('names no neighbour where none is near', () => {
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

  it('throws nothing else', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('serve', 'token', '--', '-', '--config', '--role=admin', '-h', '--=', '---', '-hh', '--no-help', '--__proto__'),
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
