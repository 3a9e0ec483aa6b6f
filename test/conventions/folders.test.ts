import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { flags } from '../../docs/generate/flags.js'
import { timers } from '../../docs/generate/timers.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** folder → other folders that it may import. */
const mayImport: Record<string, string[]> = {
  'machines/domain': [],
  machines: ['machines/domain'],
  actors: ['machines', 'machines/domain'],
  adapters: ['machines/domain'],
  rpc: ['machines/domain', 'actors'],
  // The page in the browser knows the service by the typed client only.
  'rpc/console': ['rpc/client'],
  'rpc/client': [],
  config: ['machines/domain'],
  // Runs before the service is loaded.
  'commands/launch': [],
  commands: ['actors', 'machines', 'adapters', 'config', 'machines/domain', 'rpc/client', 'app.ts'],
}
const rooms = Object.keys(mayImport).sort((one, other) => other.length - one.length)
const roomOf = (path: string): string | undefined => rooms.find((room) => path.startsWith(`${room}/`))

const files = ['machines', 'actors', 'adapters', 'rpc', 'config', 'commands'].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => `${top}/${name}`),
)

/** The files outside the statecharts that contain it, sorted. Simulator, console and client are programs of their own. */
const filesWith = (pattern: RegExp): string[] => {
  const outside = /^(?:adapters|actors|rpc)\/(?!simulator\/|console\/|client\/)/
  return files.filter((file) => outside.test(file) && pattern.test(readFileSync(join(root, file), 'utf8'))).sort()
}

describe('conventions: folders', () => {
  it('import in one direction: domain ← machines ← actors ← rpc; domain ← adapters and config ← commands', () => {
    const wrong = files.flatMap((file) => {
      const room = roomOf(file) ?? ''
      return relativeImports(file)
        .filter((target) => roomOf(target) !== room && !mayImport[room]?.includes(roomOf(target) ?? target))
        .map((target) => `${file} imports ${target}`)
    })
    expect(wrong).to.deep.equal([])
  })

  it('let rpc import only ask, directory, facts and refusals of the actors', () => {
    const known = ['actors/ask.ts', 'actors/directory.ts', 'actors/facts.ts', 'actors/refusals.ts']
    const wrong = files
      .filter((file) => file.startsWith('rpc/'))
      .flatMap((file) =>
        relativeImports(file).filter((target) => target.startsWith('actors/') && !known.includes(target)),
      )
    expect(wrong).to.deep.equal([])
  })

  it('let app.ts know the adapters only by adapters/open.ts, which returns ports', () => {
    const known = relativeImports('app.ts').filter((target) => target.startsWith('adapters/'))
    expect(known).to.deep.equal(['adapters/open.ts'])
  })

  it('have no circular imports', () => {
    expect(circles([...files, 'app.ts', 'main.ts'])).to.deep.equal([])
  })

  it('have at most 300 lines in a file, except tables and generated files', () => {
    const tables = [
      'commands/line/table.ts',
      'config/schema.ts',
      'rpc/http/metricsTable.ts',
      'machines/domain/errors.ts',
      'rpc/client/contract.ts',
    ]
    const long = [...files, 'app.ts', 'main.ts'].filter((file) => linesOf(file) > 300 && !tables.includes(file))
    expect(long).to.deep.equal([])
  })

  it('have no timer, loop or retry that docs/generate/timers.ts does not explain', () => {
    const isTimer = /\b(?:setTimeout|setInterval|pRetry|delay|sleep)\(/
    expect(timers.flatMap((each) => each.files).sort()).to.deep.equal(filesWith(isTimer))
  })

  it('have no flag that docs/generate/flags.ts does not explain', () => {
    const isFlag = /\blet \w+(?:: boolean)? = (?:true|false)\b|\blet \w+: boolean\b/
    const listed = flags.flatMap((each) => each.files)
    expect(listed).to.include.members(filesWith(isFlag))
    expect(listed.filter((file) => !files.includes(file))).to.deep.equal([])
  })

  it('end the process only in main.ts', () => {
    expect(
      files.filter(
        (file) => /process\.exit\(/.test(readFileSync(join(root, file), 'utf8')) && !file.endsWith('/main.ts'),
      ),
    ).to.deep.equal([])
  })
})

const linesOf = (file: string): number => readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length

/** Returns each circle as a path that ends where it begins. */
function circles(all: readonly string[]): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file)
    if (start >= 0) found.push([...path.slice(start), file].join(' → '))
    if (start >= 0 || done.has(file) || !all.includes(file)) return
    for (const target of relativeImports(file)) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of all) visit(file, [])
  return found
}

const sourceOf = (target: string): string =>
  ['.ts', '.tsx'].map((end) => target.replace(/\.js$/, end)).find((path) => existsSync(join(root, path))) ?? target

function relativeImports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].map((match) =>
    sourceOf(normalize(join(dirname(file), match[1] ?? ''))),
  )
}
