import { isDeepStrictEqual } from 'node:util'
import { type GlobalConf, globalFields, type PathConf, pathFields } from './fields.js'
import { decodeMembers, defaultsOf, type Json, objectOf } from './kinds.js'
import { catchAll } from './pathNames.js'
import { checkGlobal, checkPath } from './rules.js'

/** A whole configuration, checked. */
export interface Snapshot {
  global: GlobalConf
  pathDefaults: PathConf
  /** By name, sorted. */
  paths: Map<string, PathConf>
}

/** The path of a request does not exist. */
export class NotFound extends Error {}

/** The values that were given; all others are defaults. */
interface Given {
  global: Partial<GlobalConf>
  pathDefaults: Partial<PathConf>
  paths: Map<string, Partial<PathConf>>
}

/** The configuration in memory. A change takes parsed JSON, and throws an Error or NotFound when it is refused. */
export interface Config {
  readonly now: Snapshot
  patchGlobal(body: Json): void
  patchPathDefaults(body: Json): void
  addPath(name: string, body: Json): void
  patchPath(name: string, body: Json): void
  replacePath(name: string, body: Json): void
  deletePath(name: string): void
}

/**
 * Reads the content of a configuration file. Throws an Error when it is refused: one bad path refuses the whole file.
 * `changed` is called at once for each accepted change; MediaMTX applies a change only after it has answered.
 *
 * One fault of v1.20.1 is simulated: a refused PATCH of a path keeps its values, so every later change is refused too,
 * until that path is corrected, replaced or deleted.
 */
export function createConfig(file: Json, changed: () => void): Config {
  let given = readFile(file)
  let now = snapshotOf(given)

  const accept = (next: Given): void => {
    now = snapshotOf(next)
    given = next
    changed()
  }
  const setPath = (name: string, values: Partial<PathConf>): void =>
    accept({ ...given, paths: new Map([...given.paths, [name, values]]) })

  return {
    get now() {
      return now
    },
    patchGlobal: (body) => accept({ ...given, global: { ...given.global, ...decodeMembers(globalFields, body) } }),
    patchPathDefaults: (body) => accept({ ...given, pathDefaults: { ...given.pathDefaults, ...decodePath(body) } }),
    addPath: (name, body) => {
      const values = decodePath(body)
      if (given.paths.has(name)) throw new Error('path already exists')
      setPath(name, values)
    },
    patchPath: (name, body) => {
      const values = decodePath(body)
      const present = given.paths.get(name)
      if (!present) throw new NotFound('path not found')
      // Changed before the check: this is the fault that is simulated.
      Object.assign(present, values)
      accept(given)
    },
    replacePath: (name, body) => setPath(name, decodePath(body)),
    deletePath: (name) => {
      if (!given.paths.has(name)) throw new NotFound('path not found')
      accept({ ...given, paths: new Map([...given.paths].filter(([one]) => one !== name)) })
    },
  }
}

const decodePath = (body: Json): Partial<PathConf> => decodeMembers(pathFields, body)

function readFile(file: Json): Given {
  const { pathDefaults = null, paths = null, ...global } = objectOf(file)
  return {
    global: decodeMembers(globalFields, global),
    pathDefaults: decodePath(pathDefaults),
    paths: new Map(Object.entries(objectOf(paths)).map(([name, values]) => [name, decodePath(values)])),
  }
}

function snapshotOf(given: Given): Snapshot {
  const global = { ...defaultsOf(globalFields), ...given.global }
  checkGlobal(global)
  const pathDefaults = { ...defaultsOf(pathFields), ...given.pathDefaults }
  const names = [...given.paths.keys()].sort()
  if (names.filter((name) => catchAll.includes(name)).length > 1)
    throw new Error("all_others, all and '~^.*$' are aliases")
  const paths = new Map(names.map((name) => [name, { ...pathDefaults, ...given.paths.get(name), name }]))
  for (const conf of paths.values()) checkPath(conf)
  return { global, pathDefaults, paths }
}

/** Fields that a path takes over while its stream runs. */
const isHot = (field: string): boolean => field === 'name' || field.startsWith('record')

/** `same`: nothing changed. `hot`: the stream can go on. `new`: the path must be made anew. */
export function compare(before: PathConf, after: PathConf): 'same' | 'hot' | 'new' {
  if (isDeepStrictEqual(before, after)) return 'same'
  const cold = (conf: PathConf) => Object.entries(conf).filter(([field]) => !isHot(field))
  return isDeepStrictEqual(cold(before), cold(after)) ? 'hot' : 'new'
}
