import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parseArguments } from '../../commands/line/arguments.js'
import { bashCompletion } from '../../commands/line/bash.js'
import { UsageError } from '../../commands/line/command.js'
import { commandHelp, helpText } from '../../commands/line/help.js'
import { readers } from '../../commands/line/requests.js'
import { commandTable, optionsOf } from '../../commands/line/table.js'

const faultOf = (...argv: string[]) => {
  try {
    return JSON.stringify(parseArguments(argv))
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
}

/** The words of an example, up to a pipe or a redirection. */
const wordsOf = (line: string) =>
  [...line.matchAll(/'([^']*)'|\S+/g)]
    .map(([word, quoted]) => quoted ?? word)
    .slice(1)
    .join('\0')
    .split(/\0[|>]/)[0]
    ?.split('\0') ?? []

describe('the table of commands', () => {
  it('has a reader for each command, and nothing else', () => {
    expect(Object.keys(readers)).to.have.members(commandTable.map(({ name }) => name))
  })

  it('has examples that the parser understands as that command', () => {
    for (const { name, examples } of commandTable)
      for (const { line } of examples.filter((each) => !each.line.startsWith('source'))) {
        const { name: found } = parseArguments(wordsOf(line))
        expect(found, line).to.equal(name.split(' ')[0])
      }
  })

  it('uses a name for an option that takes a value, or for one that takes none, not for both', () => {
    const kinds = new Map<string, Set<string>>()
    for (const entry of commandTable)
      for (const [name, { value, short }] of Object.entries(optionsOf(entry))) {
        const kind = `${value === undefined ? 'flag' : 'value'} ${short ?? ''}`
        kinds.set(name, (kinds.get(name) ?? new Set()).add(kind))
      }
    for (const [name, found] of kinds) expect([...found], name).to.have.length(1)
  })

  it('gives a help to every command, with its options and an example, in the width of a terminal', () => {
    const all = helpText()
    for (const entry of commandTable) {
      expect(all).to.contain(`  ${entry.name}`)
      const help = commandHelp(entry.name)
      expect(help).to.match(new RegExp(`^Usage: camera-service ${entry.name}`))
      for (const name of Object.keys(optionsOf(entry))) expect(help, entry.name).to.contain(`--${name}`)
      for (const { line } of entry.examples) expect(help).to.contain(`  $ ${line}`)
    }
    for (const line of all.split('\n')) expect(line.length, line).to.be.lessThan(121)
    expect(commandHelp('keys').match(/^Usage: /gm)).to.have.length(4)
  })
})

describe('the arguments of a client', () => {
  const connection = {}
  const flags = {}

  it('select a camera, a file and the service', () => {
    expect(parseArguments(['record', 'camera0', '--for', '1m30s', '--format=mkv'])).to.deep.equal({
      name: 'record',
      device: 'camera0',
      duration: 90,
      format: 'mkv',
      detach: false,
      json: false,
      connection,
      flags,
    })
    expect(parseArguments(['snapshot', 'camera1', '-o', '-'])).to.deep.equal({
      name: 'snapshot',
      device: 'camera1',
      output: '-',
      force: false,
      json: false,
      connection,
      flags,
    })
    expect(parseArguments(['status', '--url', 'ws://a/ws', '--token-file', '-', '--json'])).to.deep.equal({
      name: 'status',
      json: true,
      connection: { url: 'ws://a/ws', tokenFile: '-' },
      flags,
    })
    expect(parseArguments(['watch', '--topics', 'a,b', '--severity', 'error'])).to.deep.include({
      topics: ['a', 'b'],
      severity: 'error',
    })
    expect(parseArguments(['call', 'get_config', '-'])).to.deep.include({ method: 'get_config', params: '-' })
  })

  it('are refused with one sentence that says what is allowed', () => {
    const sentences: Record<string, string> = {
      camera: 'camera needs the id of a camera, as in camera0: see camera-service cameras',
      'camera Yard': 'camera takes the id of a camera, as in camera0, not "Yard": camera-service cameras lists them',
      'record camera0 --for 1ms':
        '--for must be a duration from 1s to 24h in whole seconds, such as 30s or 1h30m, not "1ms"',
      'record camera0 --for 25h':
        '--for must be a duration from 1s to 24h in whole seconds, such as 30s or 1h30m, not "25h"',
      'record camera0 --for -3s':
        '--for must be a duration from 1s to 24h in whole seconds, such as 30s or 1h30m, not "-3s"',
      'record camera0 --for=-3s':
        '--for must be a duration from 1s to 24h in whole seconds, such as 30s or 1h30m, not "-3s"',
      'record camera0 --for 9h99m':
        '--for must be a duration from 1s to 24h in whole seconds, such as 30s or 1h30m, not "9h99m"; ' +
        '10h39m is the same time',
      'token --role viewer --expires -1h':
        '--expires must be a duration from 1s to 3650d, such as 1h or 30d, not "-1h"',
      'keys create --role viewer --expires 1d24h':
        '--expires must be a duration from 1s to 3650d, such as 1h or 30d, or 0 (never), not "1d24h"; 2d is the same time',
      'recordings --limit -5': '--limit must be a number from 1 to 1000',
      'record camera0 --for --json': '--for needs a value',
      'token --revoke csk_abc':
        '--revoke must be the id (jti) of a token, not an API key: camera-service keys revoke ID ends one, keys list ' +
        'shows the ids',
      'token --revoke eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJkb29yLTIifQ.x':
        '--revoke must be the id (jti) of a token, not the token itself; the id of this token is door-2',
      'record camera0 --detach': '--detach needs --for: without it, record does not wait',
      'record camera0 --format avi': '--format must be one of fmp4, mp4, mkv',
      'record camera0 --fro 3s': '--fro is not a known flag; the nearest is --for',
      'snapshot camera0 -o a.gif': '--output must be a file with the extension .jpg or .png, or - for standard output',
      'snapshot camera0 -o - --json': '--json cannot be used with --output -: both print to standard output',
      'download a -o - --json': '--json cannot be used with --output -: both print to standard output',
      download: 'download needs the name of a file: see camera-service recordings',
      'recordings --limit 1001': '--limit must be a number from 1 to 1000',
      'watch --severity loud': '--severity must be one of info, warning, error, critical',
      'status --token a --token-file b': '--token cannot be used with --token-file: there is one token',
      'status --profile ../x': '--profile must be the name of a profile: letters, digits, dots and dashes, not a path',
      'serve --json': 'serve has no --json: see camera-service serve --help',
      'serve --url ws://a': 'serve has no --url: see camera-service serve --help',
      'completion fish': 'completion needs one of bash',
      'help recrod': 'help does not know the command "recrod"; the nearest is record',
    }
    for (const [line, sentence] of Object.entries(sentences))
      expect(faultOf(...line.split(' ')), line).to.equal(sentence)
    expect(faultOf('token', '--revoke', 'the token')).to.equal(
      '--revoke must be the id (jti) of a token, 1 to 256 letters, digits and signs without spaces, such as door-2',
    )
  })
})

describe('completion of bash', () => {
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'camera-service-'))
    await writeFile(join(dir, 'completion.bash'), bashCompletion())
  })
  after(() => rm(dir, { recursive: true, force: true }))

  /** What bash offers at the end of the line. The service has two cameras; `asked` are its own words. */
  const complete = (line: string) =>
    new Promise<string[]>((resolve, reject) => {
      const script = `
        camera-service() { printf '%s\\n' "$*" >> "$DIR/asked"; printf 'camera0\\ncamera12\\n'; }
        source "$DIR/completion.bash"
        COMP_WORDS=(${line}${line.endsWith(' ') ? " ''" : ''}) COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
        _camera_service
        printf '%s\\n' "\${COMPREPLY[@]}"`
      execFile(
        'bash',
        ['--norc', '-c', script],
        { cwd: dir, env: { PATH: process.env.PATH, DIR: dir } },
        (error, out, err) =>
          error || err ? reject(error ?? new Error(err)) : resolve(out.split('\n').filter(Boolean)),
      )
    })

  it('offers commands, subcommands and options', async () => {
    expect(await complete('camera-service re')).to.deep.equal(['record', 'recordings', 'replay'])
    expect(await complete('camera-service keys r')).to.deep.equal(['rotate', 'revoke'])
    expect(await complete('camera-service keys create --ro')).to.deep.equal(['--role'])
    expect(await complete('camera-service record camera0 --f')).to.deep.equal(['--for', '--format'])
    expect(await complete('camera-service token --role ')).to.deep.equal(['viewer', 'operator', 'admin'])
    expect(await complete('camera-service snapshot camera0 -o comp')).to.deep.equal(['completion.bash'])
  })

  it('asks the service for the cameras, with the connection of the line', async () => {
    expect(await complete('camera-service record camera1')).to.deep.equal(['camera12'])
    expect(await complete('camera-service --url ws://a/ws stop ')).to.deep.equal(['camera0', 'camera12'])
    expect(await complete('camera-service explain m')).to.deep.equal(['mediamtx'])
    expect(await complete('camera-service record camera0 '), 'it takes one camera').to.deep.equal([])
    const { readFile } = await import('node:fs/promises')
    expect((await readFile(join(dir, 'asked'), 'utf8')).split('\n').slice(0, 2)).to.deep.equal([
      'completion cameras',
      'completion cameras --url ws://a/ws',
    ])
  })
})
