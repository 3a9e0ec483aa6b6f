import { isDeepStrictEqual } from 'node:util'
import { deprecatedGlobalFields, deprecatedPathFields, type Field, globalFields, pathFields } from './fields.js'
import { type Json, type JsonObject, objectOf } from './json.js'
import { type Kind, kinds } from './kinds.js'
import { matcherOf, validateGlobal, validatePath } from './validate.js'

/** Canonical values as the API shows them; durations and sizes are strings. Named are the fields that have an effect. */
export type PathConf = JsonObject & {
  name: string
  source: string
  sourceOnDemand: boolean
  sourceOnDemandStartTimeout: string
  sourceOnDemandCloseAfter: string
  sourceRedirect: string
  maxReaders: number
  record: boolean
  recordPath: string
  recordFormat: string
  recordPartDuration: string
  recordMaxPartSize: string
  recordSegmentDuration: string
  recordDeleteAfter: string
  overridePublisher: boolean
  runOnInit: string
  runOnInitRestart: boolean
  runOnDemand: string
  runOnDemandRestart: boolean
  runOnDemandStartTimeout: string
  runOnDemandCloseAfter: string
  runOnUnDemand: string
  runOnRecordSegmentCreate: string
  runOnRecordSegmentComplete: string
}

export interface Permission {
  action: string
  path: string
}

export type GlobalConf = JsonObject & {
  logLevel: string
  readTimeout: string
  writeTimeout: string
  writeQueueSize: number
  authMethod: 'internal' | 'http' | 'jwt'
  authInternalUsers: { user: string; pass: string; ips: string[]; permissions: { action: string; path: string }[] }[]
  authHTTPAddress: string
  authHTTPExclude: { action: string; path: string }[]
  api: boolean
  apiAddress: string
  rtsp: boolean
  rtspAddress: string
  rtspTransports: string[]
}

/** What was validated as one. */
export interface Snapshot {
  global: GlobalConf
  pathDefaults: PathConf
  /** By name, sorted. */
  paths: Map<string, PathConf>
}

export class NotFound extends Error {}

/** Only what was given differs from the defaults. */
interface Raw {
  global: JsonObject
  pathDefaults: JsonObject
  paths: Map<string, JsonObject>
}

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
 * The configuration in RAM. Each change is checked as a whole and throws an Error with MediaMTX's text, or NotFound. `changed` is told of
 * an accepted one at once; it is up to the listener to apply it later, as MediaMTX does.
 *
 * One fault of v1.20.1 is kept on purpose: a PATCH of a path that validation refuses stays in the raw overrides, so that every later
 * change of any path is refused with the same text until that path is corrected, replaced or deleted.
 */
export function createConfig(file: Json, changed: (snapshot: Snapshot) => void): Config {
  let raw = readFile(file)
  let now = snapshotOf(raw)

  const accept = (next: Raw): void => {
    const snapshot = snapshotOf(next)
    raw = next
    now = snapshot
    changed(snapshot)
  }
  const withPath = (name: string, overrides: JsonObject | undefined): void => {
    const paths = new Map(raw.paths)
    if (overrides) paths.set(name, overrides)
    else paths.delete(name)
    accept({ ...raw, paths })
  }

  return {
    get now() {
      return now
    },
    patchGlobal: (body) =>
      accept({ ...raw, global: { ...raw.global, ...decode(body, globalFields, deprecatedGlobalFields) } }),
    patchPathDefaults: (body) => accept({ ...raw, pathDefaults: { ...raw.pathDefaults, ...decodePath(body) } }),
    addPath: (name, body) => {
      const overrides = decodePath(body)
      if (raw.paths.has(name)) throw new Error('path already exists')
      withPath(name, overrides)
    },
    patchPath: (name, body) => {
      const overrides = decodePath(body)
      const present = raw.paths.get(name)
      if (!present) throw new NotFound('path not found')
      // Before the check, not after it: this is the poison.
      Object.assign(present, overrides)
      accept(raw)
    },
    replacePath: (name, body) => withPath(name, decodePath(body)),
    deletePath: (name) => {
      if (!raw.paths.has(name)) throw new NotFound('path not found')
      withPath(name, undefined)
    },
  }
}

function readFile(file: Json): Raw {
  const { pathDefaults = null, paths = null, ...global } = objectOf(file)
  return {
    global: decode(global, globalFields, deprecatedGlobalFields),
    pathDefaults: decodePath(pathDefaults),
    paths: new Map(Object.entries(objectOf(paths)).map(([name, overrides]) => [name, decodePath(overrides)])),
  }
}

const decodePath = (body: Json): JsonObject => decode(body, pathFields, deprecatedPathFields)

/** Unknown names are found before wrong values, wherever they stand. `null` is "not given". */
function decode(body: Json, fields: Record<string, Field>, deprecated: Record<string, Kind>): JsonObject {
  const given = objectOf(body)
  const kindOf = (name: string): Kind | undefined =>
    Object.hasOwn(fields, name) ? fields[name]?.[0] : Object.hasOwn(deprecated, name) ? deprecated[name] : undefined
  const unknown = Object.keys(given).find((name) => kindOf(name) === undefined)
  if (unknown !== undefined) throw new Error(`json: unknown field ${JSON.stringify(unknown)}`)
  const decoded: JsonObject = {}
  for (const [name, value] of Object.entries(given)) {
    const kind = kindOf(name)
    if (kind !== undefined && value !== null) decoded[name] = kinds[kind](value, name)
  }
  return decoded
}

function snapshotOf(raw: Raw): Snapshot {
  const global = { ...defaultsOf(globalFields), ...raw.global } as GlobalConf
  validateGlobal(global)
  const pathDefaults = { ...defaultsOf(pathFields), ...raw.pathDefaults } as PathConf
  const names = [...raw.paths.keys()].sort()
  const all = names.filter((name) => ['all', 'all_others', '~^.*$'].includes(name))
  if (all.length > 1) throw new Error("all_others, all and '~^.*$' are aliases")
  const paths = new Map(names.map((name) => [name, { ...pathDefaults, ...raw.paths.get(name), name } as PathConf]))
  for (const conf of paths.values()) validatePath(conf, global)
  return { global, pathDefaults, paths }
}

const defaultsOf = (fields: Record<string, Field>): JsonObject =>
  Object.fromEntries(Object.entries(fields).map(([name, [, value]]) => [name, value]))

/** The configuration of a path: its own, else the first regular expression that matches, `all_others` last. Throws when there is none. */
export function findPathConf(paths: Map<string, PathConf>, name: string): { conf: PathConf; groups: string[] } {
  const own = paths.get(name)
  if (own && !matcherOf(own.name)) return { conf: own, groups: [] }
  const patterns = [...paths.values()].flatMap((conf) => {
    const matcher = matcherOf(conf.name)
    return matcher ? [{ conf, matcher }] : []
  })
  const isLast = (conf: PathConf): boolean => matcherOf(conf.name)?.source === '^.*$'
  for (const { conf, matcher } of [
    ...patterns.filter((one) => !isLast(one.conf)),
    ...patterns.filter((one) => isLast(one.conf)),
  ]) {
    const match = matcher.exec(name)
    if (match) return { conf, groups: match.slice(1).map((group) => group ?? '') }
  }
  throw new Error(`path '${name}' is not configured`)
}

const hot = new Set([
  'name',
  'forward',
  'record',
  'recordPath',
  'recordFormat',
  'recordPartDuration',
  'recordMaxPartSize',
  'recordSegmentDuration',
  'recordDeleteAfter',
])

/** `same`; `hot`: can be taken over while the stream runs; `new`: the path has to be made anew. */
export function compare(before: PathConf, after: PathConf): 'same' | 'hot' | 'new' {
  if (isDeepStrictEqual(before, after)) return 'same'
  const cold = (conf: PathConf): JsonObject =>
    Object.fromEntries(Object.entries(conf).filter(([name]) => !hot.has(name)))
  return isDeepStrictEqual(cold(before), cold(after)) ? 'hot' : 'new'
}
