import { expect } from 'chai'
import { parseArguments } from '../../commands/line/arguments.js'
import { commandTable } from '../../commands/line/table.js'
import { argumentsOf, type CommandLine, commandLinesOf, commandsIn } from './commandLines.js'
import { pages, pageText } from './markdown.js'

const names = commandTable.flatMap(({ name }) => [name, name.split(' ')[0] ?? ''])
/** What stands for a value in a sample. */
const samples: Record<string, string> = { COMMAND: 'status', $device: 'camera0' }
const lines = pages
  .filter((page) => page !== 'CHANGELOG.md')
  .flatMap((page) => commandLinesOf(pageText(page)).map((line) => ({ page, ...line })))
const of = (...program: string[]) =>
  lines.flatMap(({ words, ...line }) => {
    const args = argumentsOf(words, program)
    return args === undefined ? [] : [{ ...line, args: args.map((arg) => samples[arg] ?? arg) }]
  })

/** A sentence may name a command without what it needs: `camera-service token`. */
const isName = ({ isInline, args }: Pick<CommandLine, 'isInline'> & { args: string[] }) =>
  isInline && names.includes(args.join(' '))

const faultOf = (args: string[]): string | undefined => {
  try {
    parseArguments(args)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('docs: commands', () => {
  it('of camera-service are accepted', () => {
    const found = [...of('camera-service'), ...of('node', 'dist/main.js')].filter((line) => !isName(line))
    const faults = found.flatMap(({ page, args }) => {
      const fault = faultOf(args)
      return fault === undefined ? [] : [`${page}: ${args.join(' ')}: ${fault}`]
    })
    expect(faults).to.deep.equal([])
    for (const page of ['README.md', 'docs/operate.md', 'docs/integrate.md', 'docs/commands.md'])
      expect(
        found.filter((line) => line.page === page),
        page,
      ).to.have.length.above(2)
  })

  it('of make have a target', () => {
    const makefile = pageText('Makefile')
    const targets = [...makefile.matchAll(/^([a-z-]+):/gm)].map(([, target]) => target)
    const used = of('make').flatMap(({ page, args }) =>
      args.filter((arg) => !/=|^-/.test(arg)).map((target) => ({ page, target })),
    )
    expect(used.filter(({ target }) => !targets.includes(target))).to.deep.equal([])
    expect(used).to.have.length.above(20)
  })

  it('are found in shell code', () => {
    const code = `sudo -u joe camera-service call x '{"a": 1}' | jq . # camera-service no\nA=1 node dist/main.js token \\\n --role "a b"`
    const found = commandsIn(code)
    expect(found).to.have.length(3)
    expect(argumentsOf(found[0] ?? [], ['camera-service'])).to.deep.equal(['call', 'x', '{"a": 1}'])
    expect(argumentsOf(found[2] ?? [], ['node', 'dist/main.js'])).to.deep.equal(['token', '--role', 'a b'])
    expect(argumentsOf(['systemctl', 'status', 'camera-service'], ['camera-service'])).to.equal(undefined)
    expect(commandsIn('source <(camera-service completion bash)').at(-1)).to.deep.equal([
      'camera-service',
      'completion',
      'bash',
    ])
  })
})
