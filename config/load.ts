import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { configurationText } from '../machines/domain/configurationText.js'
import { hintOf } from '../machines/domain/nearest.js'
import { checkTogether } from './checks.js'
import {
  isNothing,
  isOwnKey,
  linesIn,
  nothingRule,
  plain,
  type Raw,
  type Report,
  shown,
  text,
  warnOfCut,
} from './raw.js'
import { type Configuration, configurationOf, environmentName, settings } from './schema.js'
import { unusedHint, unusedVariableHint } from './unused.js'
import { type Environment, expanded } from './variables.js'
import { parseYaml } from './yaml.js'

/** One broken rule: `server.port`, `"12abc"`, `must be …`, `environment CAMERA_SERVICE_SERVER_PORT`. */
export interface Fault {
  /** Empty for a fault of the whole file. */
  key: string
  /** The value as written; `***` for a secret. */
  value: string
  rule: string
  origin: string
}

/** Every fault of the configuration. The message has one line per fault. */
export class ConfigurationError extends Error {
  /** `usable`: the configuration with the defaults in place of the faults, for commands that ask a running service. */
  constructor(
    readonly faults: readonly Fault[],
    readonly usable?: Loaded,
  ) {
    super(faults.map(faultLine).join('\n'))
    this.name = 'ConfigurationError'
  }
}

/** `server.port = "12abc": must be … (environment CAMERA_SERVICE_SERVER_PORT)` */
export const faultLine = ({ key, value, rule, origin }: Fault) =>
  `${[key, value].filter(Boolean).join(' = ')}${key || value ? ': ' : ''}${rule} (${origin})`

/** Where settings come from. Later ones override earlier ones. */
export interface ConfigurationSources {
  /** A YAML file; without one, that of CAMERA_SERVICE_CONFIG, if it is set. */
  file?: string | undefined
  env: Readonly<Record<string, string | undefined>>
  /** `simulate`: a scenario runs, with the embedded media server. */
  flags?: Readonly<{ 'data-dir'?: string | undefined; simulate?: string | undefined }>
}

/** A configuration, and how its values are written. */
export interface Loaded {
  config: Configuration
  warnings: string[]
  /** The text of the file; absent without a file. */
  text?: string
  /**
   * By key, for the keys that are set: the source (`environment CAMERA_SERVICE_…`), and the value as written. The file's
   * lists have origins of their items, too: `cameras[0].name`.
   */
  origins: ReadonlyMap<string, string>
  written: ReadonlyMap<string, unknown>
  /** The values in the file, as written, by key. */
  inFile: ReadonlyMap<string, unknown>
}

/** One source of settings: its values, their origins and how they are written, by key. */
interface Layer {
  values: Map<string, unknown>
  origins: Map<string, string>
  written: Map<string, unknown>
  faults: Fault[]
  warnings: string[]
}

/** Where the file is: an argument of the program, or CAMERA_SERVICE_CONFIG. `undefined`: there is no file. */
export const configurationPath = ({ file, env }: ConfigurationSources): string | undefined =>
  file ?? (env.CAMERA_SERVICE_CONFIG || undefined)

/**
 * Reads all sources; later ones override earlier ones: defaults, YAML file, environment, flags. Throws
 * ConfigurationError.
 */
export function loadConfiguration(sources: ConfigurationSources): Loaded {
  const path = configurationPath(sources)
  if (path === undefined) return parseConfiguration(sources)
  return parseConfiguration({ ...sources, file: { place: `file ${path}`, ...readText(path) } })
}

/** A configuration without its sources, which cannot change while the service runs. */
export const withoutSources = (config: Configuration): Loaded => ({
  config,
  warnings: [],
  origins: new Map(),
  written: new Map(),
  inFile: new Map(),
})

/** The text of the file, or the rule that it breaks. `place` names it in messages. */
type FileText = { place: string } & ({ text: string } | { rule: string })

/** The same from the text of the file. */
export function parseConfiguration({
  file,
  env,
  flags = {},
}: Omit<ConfigurationSources, 'file'> & { file?: FileText | string | undefined }): Loaded {
  const given = typeof file === 'string' ? { place: 'the configuration file', text: file } : file
  const ofFile = given === undefined ? emptyLayer() : fromFile(given, env)
  const layers = [ofFile, fromEnvironment(env), fromFlags(flags)]
  const faults = layers.flatMap((layer) => layer.faults)
  const written = configurationOf(new Map(layers.flatMap(({ values }) => [...values])))
  const config = { ...written, data_dir: resolve(written.data_dir) }
  const origins = new Map(layers.flatMap((layer) => [...layer.origins]))
  const broken = new Set(faults.map(({ key }) => key))
  const together = checkTogether(config)
  for (const { values, rule } of together.faults) {
    const keys = Object.keys(values)
    const key = keys.findLast((each) => origins.has(each)) ?? keys[0] ?? ''
    const value = values[key] ?? ''
    if (!keys.some((each) => broken.has(each))) faults.push({ key, value, rule, origin: origins.get(key) ?? 'default' })
  }
  const loaded: Loaded = {
    config,
    warnings: [...layers.flatMap((layer) => layer.warnings), ...together.warnings],
    origins,
    written: new Map(layers.flatMap((layer) => [...layer.written])),
    inFile: ofFile.written,
    ...(given && 'text' in given && { text: given.text }),
  }
  if (faults.length > 0) throw new ConfigurationError(faults, loaded)
  return loaded
}

const emptyLayer = (): Layer => ({
  values: new Map(),
  origins: new Map(),
  written: new Map(),
  faults: [],
  warnings: [],
})

/** Reads one setting into a layer. A fault names the key with the place below it (`cameras[2].name`). */
function set(layer: Layer, key: string, given: Raw, origin: (line: number | undefined) => string, env?: Environment) {
  const setting = settings.get(key)
  if (!setting) return
  const refuse: Report = (rule, at, below = '', severity) => {
    const value = shown(at, key + below, setting.sensitive)
    const fault = { key: key + below, value, rule, origin: origin(at.line ?? given.line) }
    if (severity === 'warning') layer.warnings.push(faultLine(fault))
    else layer.faults.push(fault)
  }
  if (isNothing(given)) return refuse(nothingRule(given), given)
  const raw = env === undefined ? given : expanded(given, env, refuse)
  if (raw === undefined) return
  const value = setting.reads.read(raw, refuse)
  if (value !== undefined) {
    layer.values.set(key, value)
    layer.origins.set(key, origin(raw.line))
    for (const [place, line] of linesIn(raw)) layer.origins.set(key + place, origin(line))
    layer.written.set(key, plainOf(raw, value))
  }
  if (setting.sensitive) warnOfCut(raw, refuse)
}

const unusedWarning = (what: string, hint: string, origin: string) =>
  `${what} is not used and ignored${hint && `; ${hint}`} (${origin})`

const groups = new Set(
  [...settings.keys()].flatMap((key) => key.split('.').map((_, index, parts) => parts.slice(0, index).join('.'))),
)

/** The value as written, as plain data. A list of groups in the environment is a text of YAML. */
function plainOf(raw: Raw, value: unknown): unknown {
  const isList = Array.isArray(value) && value.some((item) => typeof item === 'object')
  const tree = isList && raw.kind === 'scalar' ? parseYaml(String(raw.value)).root : raw
  return tree === undefined ? value : plain(tree)
}

const ofFile = (rule: string) => `the configuration file ${rule}`

function fromFile({ place, ...source }: FileText, env: Environment): Layer {
  const layer = emptyLayer()
  const origin = (line: number | undefined) => `${place}${line === undefined ? '' : ` line ${line}`}`
  if ('rule' in source) {
    layer.faults.push({ key: '', value: '', rule: ofFile(source.rule), origin: origin(undefined) })
    return layer
  }
  const { root, faults } = parseYaml(source.text)
  for (const { rule, line } of faults)
    layer.faults.push({ key: '', value: '', rule: ofFile(rule), origin: origin(line) })
  if (root) walk(layer, root, '', { origin, env })
  return layer
}

interface OfFile {
  origin(line: number | undefined): string
  env: Environment
}

function walk(layer: Layer, raw: Raw, group: string, of: OfFile) {
  const { origin, env } = of
  const refuse = (key: string, value: Raw, rule: string, line = value.line) =>
    layer.faults.push({ key, value: shown(value, key), rule, origin: origin(line) })
  // All keys of the group are commented out.
  if (isNothing(raw)) return
  if (raw.kind !== 'map')
    return void refuse(group, raw, group ? 'must be a group of keys' : 'must hold keys with values')
  const lines = new Map<string, number | undefined>()
  for (const { key: name, value, line } of raw.entries) {
    const key = group ? `${group}.${name}` : name
    const hint = unusedHint(key)
    if (isOwnKey(name)) continue
    if (lines.has(name)) refuse(key, value, `is set twice, first on line ${lines.get(name)}`, line)
    else if (settings.has(key)) set(layer, key, value, origin, env)
    else if (groups.has(key) && name !== '') walk(layer, value, key, of)
    else if (hint !== undefined) layer.warnings.push(unusedWarning(key, hint, origin(line)))
    else refuse(key, value, `is not a known key${hintOfKey(key, group)}`, line)
    lines.set(name, line)
  }
}

/** Looks for the nearest key in the same group. */
function hintOfKey(key: string, group: string): string {
  const here = [...settings.keys(), ...groups].filter(
    (each) => each !== '' && (group === '' || each.startsWith(`${group}.`)),
  )
  return hintOf(key, here)
}

/** Reads a file of at most 1 MiB, or returns the rule that it breaks. */
export function readText(path: string): { text: string } | { rule: string } {
  try {
    const content = readFileSync(path)
    return content.length > 1_048_576
      ? { rule: 'is larger than 1 MiB and not a configuration' }
      : configurationText(content)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const rules: Record<string, string> = { ENOENT: 'does not exist', EACCES: 'may not be read', EISDIR: 'is a folder' }
    return { rule: rules[code] ?? `cannot be read (${code})` }
  }
}

const prefix = 'CAMERA_SERVICE_'
/** Variables of the command line, which are no settings. */
const otherVariables = ['CONFIG', 'URL', 'TOKEN', 'TOKEN_FILE', 'PROFILE', 'INSTALLED']
const variables = new Map([...settings.keys()].map((key) => [environmentName(key).slice(prefix.length), key]))

function fromEnvironment(env: ConfigurationSources['env']): Layer {
  const layer = emptyLayer()
  for (const [name, value] of Object.entries(env)) {
    const short = name.slice(prefix.length)
    if (!name.startsWith(prefix) || value === undefined || otherVariables.includes(short)) continue
    const origin = `environment ${name}`
    const key = variables.get(short)
    const hint = unusedVariableHint(short)
    if (key !== undefined) set(layer, key, text(value), () => origin)
    else if (hint !== undefined) layer.warnings.push(unusedWarning(name, hint, origin))
    else {
      const rule = `names no known key${hintOf(short, variables.keys(), prefix)}`
      layer.faults.push({ key: name, value: shown(text(value), name), rule, origin })
    }
  }
  return layer
}

function fromFlags(flags: NonNullable<ConfigurationSources['flags']>): Layer {
  const layer = emptyLayer()
  const directory = flags['data-dir']
  if (directory !== undefined) set(layer, 'data_dir', text(directory), () => 'flag --data-dir')
  if (flags.simulate !== undefined) {
    set(layer, 'simulation.enabled', text('true'), () => 'flag --simulate')
    set(layer, 'mediamtx.mode', text('embedded'), () => 'flag --simulate')
  }
  return layer
}
