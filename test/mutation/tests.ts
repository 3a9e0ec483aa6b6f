/** Finds the tests of a source file by the imports of the tests. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'

const folders = ['machines', 'domain', 'actors', 'rpc', 'config']
/**
 * Tests that start a process, a server or a browser, or compare generated documents, cost too much or prove nothing;
 * those that look for their own name in a stack do not find it in a bundle.
 */
const skipped = /child_process|generatedDocuments|\.listen\(|WebSocket|support\/client|'createActors\.test\.ts'/
/** Functions of the domain have many callers, and their tests may be those of any of them. */
const mostOf = (file: string) => (file.startsWith('machines/domain/') ? 5 : 2)
/** It contains everything: a test of it is not near to the machines below it. */
const root = 'machines/fleet.ts'

export interface Tests {
  files: string[]
  /** The ids of the machines whose paths are generated. */
  models: string[]
}

const importsOf = (() => {
  const known = new Map<string, string[]>()
  return (file: string): string[] => {
    const found = known.get(file) ?? read(file)
    known.set(file, found)
    return found
  }
})()

function read(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/^(?:import|export)(?! type)[^'"]*?from '(\.[^']+)'/gm)].flatMap((match) => {
    const path = normalize(join(dirname(file), match[1] ?? '')).replace(/\.js$/, '.ts')
    return path.endsWith('.ts') ? [path] : []
  })
}

/** Returns the distance of each file that `start` imports, directly or not. */
function distances(start: string): Map<string, number> {
  const found = new Map([[start, 0]])
  for (const [file, distance] of found)
    for (const next of importsOf(file))
      if (!found.has(next) && (file !== root || next.startsWith('machines/fleet'))) found.set(next, distance + 1)
  return found
}

const all = folders.flatMap((folder) =>
  readdirSync(`test/${folder}`)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${folder}/${name}`)
    .filter((file) => !skipped.test(readFileSync(file, 'utf8'))),
)
const reached = new Map(all.map((file) => [file, distances(file)]))
const machines = readdirSync('machines')
  .filter((name) => name.endsWith('.ts') && /^ {2}id: '/m.test(readFileSync(`machines/${name}`, 'utf8')))
  .map((name) => `machines/${name}`)

/** The nearest tests: those in the folder of the same name first, then the small ones. */
export function testsOf(file: string): Tests {
  const stem = basename(file, '.ts')
  const isElsewhere = ({ test }: { test: string }) => Number(dirname(test) !== `test/${basename(dirname(file))}`)
  const near = [...reached]
    .flatMap(([test, found]) => {
      const distance = found.get(file)
      if (distance === undefined) return []
      const subject = basename(test, '.test.ts')
      if (stem.startsWith(subject)) return [{ test, distance: 0, size: sizeOf(test) }]
      return [
        {
          test,
          distance: subject.startsWith('fleet') && !stem.startsWith('fleet') ? distance + 2 : distance,
          size: sizeOf(test),
        },
      ]
    })
    .sort(
      (one, other) => one.distance - other.distance || isElsewhere(one) - isElsewhere(other) || one.size - other.size,
    )
  const nearest = near[0]?.distance ?? 0
  const files = near.filter(({ distance }) => distance <= nearest + 2).slice(0, mostOf(file))
  const users = machines
    .flatMap((machine) => ({ machine, distance: distances(machine).get(file) ?? Number.POSITIVE_INFINITY }))
    .filter(({ distance }) => distance <= (file.startsWith('machines/domain/') ? 1 : 3))
    .sort((one, other) => one.distance - other.distance)
    .slice(0, file.startsWith('machines/domain/') ? 2 : 1)
  return { files: files.map(({ test }) => test), models: users.map(({ machine }) => basename(machine, '.ts')) }
}

const sizeOf = (file: string) => readFileSync(file).length
