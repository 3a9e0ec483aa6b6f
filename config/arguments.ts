import { parseArgs } from 'node:util'
import { isName, type Rights, roles } from '../machines/domain/access.js'
import { durationOf } from './formats.js'
import { hintOf } from './nearest.js'

interface Sources {
  /** Path of the configuration file. */
  config?: string
  /** For `loadConfiguration`. */
  flags: { 'data-dir'?: string; simulate?: string }
}

/** The rights of a new credential, and its lifetime in ms. */
type NewRights = Rights & { expires?: number }

/** The params of the method `explain`. */
type ExplainSubject = { device: string } | { recording: string } | { component: 'mediamtx' | 'storage' | 'discovery' }

/** The params of the method `get_history`. Times as ISO texts. */
interface HistoryFilter {
  device?: string
  actor?: string
  since?: string
  until?: string
  limit?: number
}

/** A command line that was understood. */
export type Command =
  /** `guide`: print addresses and a token for the person at the terminal. `flags.simulate`: the file of a scenario. */
  | ({ name: 'serve'; guide: boolean } & Sources)
  | ({ name: 'check-config' | 'download-mediamtx' } & Sources)
  /** `file`: of `serve --simulate`. */
  | ({ name: 'check-simulation'; file: string } & Sources)
  /** Without `expires`: `security.jwt_expiry_hours`. `id`: the token's `jti`. */
  | ({ name: 'token'; id?: string } & NewRights & Sources)
  /** `revoke`: a token's `jti`. */
  | ({ name: 'token'; revoke: string } & Sources)
  /** Without `expires`: `api_key_management.default_expiry`; 0: never. */
  | ({ name: 'keys'; act: 'create' } & NewRights & Sources)
  | ({ name: 'keys'; act: 'list' } & Sources)
  | ({ name: 'keys'; act: 'rotate' | 'revoke'; id: string } & Sources)
  | ({ name: 'audit'; act: 'verify' } & Sources)
  | ({ name: 'explain'; subject: ExplainSubject; json: boolean } & Sources)
  | ({ name: 'history'; filter: HistoryFilter; follow: boolean; json: boolean } & Sources)
  /** `output`: the file to write. */
  | ({ name: 'support-bundle'; output?: string } & Sources)
  /** `until`: the last event. `actor`: compares only this one. `force`: also with other statecharts. */
  | {
      name: 'replay'
      bundle: string
      until?: number
      actor?: string
      force: boolean
      /** Writes a file for test/replays/. */
      makeTest?: string
    }
  | { name: 'help' }
  | { name: 'version' }

/** The command line of one command. */
export type CommandOf<Name extends Command['name']> = Extract<Command, { name: Name }>

/** A mistake in the command line. The message is one sentence for the person at the terminal. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const commands = [
  'serve',
  'token',
  'keys',
  'audit',
  'explain',
  'history',
  'check-config',
  'check-simulation',
  'support-bundle',
  'replay',
  'download-mediamtx',
] as const
/** The subcommands. */
const acts: Partial<Record<(typeof commands)[number], readonly string[]>> = {
  keys: ['create', 'list', 'rotate', 'revoke'],
  audit: ['verify'],
}
/** `only`: the commands that have the flag; absent: all. */
type Option = { type: 'string' | 'boolean'; short?: string; only?: readonly string[] }
const options = {
  config: { type: 'string' },
  'data-dir': { type: 'string' },
  role: { type: 'string', only: ['token', 'keys create'] },
  user: { type: 'string', only: ['token', 'keys create'] },
  expires: { type: 'string', only: ['token', 'keys create'] },
  cameras: { type: 'string', only: ['token', 'keys create'] },
  id: { type: 'string', only: ['token'] },
  revoke: { type: 'string', only: ['token'] },
  json: { type: 'boolean', only: ['explain', 'history'] },
  follow: { type: 'boolean', only: ['history'] },
  actor: { type: 'string', only: ['history', 'replay'] },
  since: { type: 'string', only: ['history'] },
  until: { type: 'string', only: ['history', 'replay'] },
  limit: { type: 'string', only: ['history'] },
  guide: { type: 'boolean', only: ['serve'] },
  simulate: { type: 'string', only: ['serve'] },
  output: { type: 'string', short: 'o', only: ['support-bundle'] },
  force: { type: 'boolean', only: ['replay'] },
  'make-test': { type: 'string', only: ['replay'] },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} satisfies Record<string, Option>
const isOption = (name: string): name is keyof typeof options => Object.hasOwn(options, name)

/** Reads the words behind the name of the script. Throws UsageError. */
export function parseArguments(argv: readonly string[]): Command {
  // Not strict: the messages of Node do not name the nearest flag.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
  const values = new Map<string, string>()
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    if (!isOption(name))
      throw new UsageError(`${rawName} is not a known flag${hintOf(name, Object.keys(options), '--')}`)
    if (values.has(name)) throw new UsageError(`--${name} is given twice`)
    const takesValue = options[name].type === 'string'
    if (!takesValue && value !== undefined) throw new UsageError(`--${name} takes no value`)
    if (takesValue && (!value || (!inlineValue && value.startsWith('-'))))
      throw new UsageError(`--${name} needs a value`)
    values.set(name, value ?? '')
  }
  const [word = 'serve', ...rest] = words
  const command = commands.find((each) => each === word)
  if (command === undefined)
    throw new UsageError(`${JSON.stringify(word)} is not a known command${hintOf(word, commands)}`)
  if (values.has('help')) return { name: 'help' }
  if (values.has('version')) return { name: 'version' }
  const isFree = command === 'explain' || command === 'history'
  const takesFile = command === 'replay' || command === 'check-simulation'
  const [file, ...others] = takesFile ? rest : []
  const { act, id } = isFree ? { act: '', id: '' } : actOf(command, takesFile ? others : rest)
  const whole = [command, act].filter(Boolean).join(' ')
  for (const [flag, { only }] of Object.entries<Option>(options)) {
    if (only && values.has(flag) && !only.includes(whole))
      throw new UsageError(`--${flag} is only for ${only.join(' and ')}`)
  }
  const [config, directory] = [values.get('config'), values.get('data-dir')]
  const sources = {
    ...(config === undefined ? {} : { config }),
    flags: { ...given('data-dir', directory), ...given('simulate', values.get('simulate')) },
  }
  switch (command) {
    case 'serve':
      return { name: command, guide: values.has('guide'), ...sources }
    case 'token':
      return { name: command, ...tokenRequest(values), ...sources }
    case 'keys':
      if (act === 'create') return { name: command, act, ...rightsOf(values, whole, { never: true }), ...sources }
      if (act === 'rotate' || act === 'revoke') return { name: command, act, id, ...sources }
      return { name: command, act: 'list', ...sources }
    case 'audit':
      return { name: command, act: 'verify', ...sources }
    case 'explain':
      return { name: command, subject: subjectOf(rest), json: values.has('json'), ...sources }
    case 'history':
      return {
        name: command,
        filter: filterOf(rest, values),
        follow: values.has('follow'),
        json: values.has('json'),
        ...sources,
      }
    case 'support-bundle':
      return { name: command, ...given('output', values.get('output')), ...sources }
    case 'replay':
      return replayRequest(file, values)
    case 'check-simulation':
      if (file === undefined) throw new UsageError('check-simulation needs the file of a simulation')
      return { name: command, file, ...sources }
    default:
      return { name: command, ...sources }
  }
}

const components = ['mediamtx', 'storage', 'discovery'] as const
const cameraId = /^camera\d{1,26}$/

function subjectOf(words: string[]): ExplainSubject {
  const [first = '', second = '', ...rest] = words
  const isRecording = first === 'recording'
  const camera = isRecording ? second : first
  const component = components.find((each) => each === first)
  if (component !== undefined && second === '') return { component }
  if (cameraId.test(camera) && rest.length === 0 && (isRecording || second === ''))
    return isRecording ? { recording: camera } : { device: camera }
  throw new UsageError('explain needs one of camera0, recording camera0, mediamtx, storage, discovery')
}

function filterOf(words: string[], values: ReadonlyMap<string, string>): HistoryFilter {
  const [device, ...rest] = words
  if (rest.length > 0) throw new UsageError(`history does not take ${JSON.stringify(rest[0])}`)
  if (device !== undefined && !cameraId.test(device))
    throw new UsageError(`history takes the id of a camera, as in camera0, not ${JSON.stringify(device)}`)
  const limit = values.get('limit')
  if (limit !== undefined && !(/^\d+$/.test(limit) && Number(limit) >= 1 && Number(limit) <= 1000))
    throw new UsageError('--limit must be a number from 1 to 1000')
  for (const name of ['since', 'until']) {
    const text = values.get(name)
    if (text !== undefined && !/^\d{4}-\d{2}-\d{2}/.test(text))
      throw new UsageError(`--${name} must be a time as in 2026-01-02T03:00:00Z`)
  }
  const given = ['actor', 'since', 'until'].flatMap((name) => (values.has(name) ? [[name, values.get(name)]] : []))
  return {
    ...(device !== undefined && { device }),
    ...Object.fromEntries(given),
    ...(limit !== undefined && { limit: Number(limit) }),
  }
}

/** The subcommand and its id: `keys revoke <id>`. */
function actOf(command: (typeof commands)[number], words: string[]): { act: string; id: string } {
  const names = acts[command]
  const [act = '', ...rest] = names ? words : ['', ...words]
  if (names && !names.includes(act)) {
    if (act === '') throw new UsageError(`${command} needs one of ${names.join(', ')}`)
    throw new UsageError(`${command} has no ${JSON.stringify(act)}: use ${names.join(', ')}${hintOf(act, names)}`)
  }
  const room = act === 'rotate' || act === 'revoke' ? 1 : 0
  const whole = [command, act].filter(Boolean).join(' ')
  if (rest.length > room) throw new UsageError(`${whole} does not take ${JSON.stringify(rest[room])}`)
  if (rest.length < room) throw new UsageError(`${whole} needs the id of a key: see keys list`)
  return { act, id: rest[0] ?? '' }
}

const given = <Name extends string>(name: Name, value: string | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: string }

function replayRequest(bundle: string | undefined, values: Map<string, string>): CommandOf<'replay'> {
  if (bundle === undefined) throw new UsageError('replay needs the file of a support bundle')
  const until = values.get('until')
  if (until !== undefined && !/^[1-9]\d{0,14}$/.test(until))
    throw new UsageError(`--until must be the number of an event, not ${JSON.stringify(until)}`)
  return {
    name: 'replay',
    bundle,
    ...(until === undefined ? {} : { until: Number(until) }),
    ...given('actor', values.get('actor')),
    force: values.has('force'),
    ...given('makeTest', values.get('make-test')),
  }
}

function tokenRequest(values: Map<string, string>) {
  const revoke = values.get('revoke')
  if (revoke !== undefined) {
    const other = ['role', 'user', 'expires', 'cameras', 'id'].find((flag) => values.has(flag))
    if (other !== undefined)
      throw new UsageError(`--revoke cannot be used with --${other}: it revokes a token and makes none`)
    return { revoke: tokenId(revoke, 'revoke') }
  }
  const id = values.get('id')
  return { ...rightsOf(values, 'token', { never: false }), ...(id === undefined ? {} : { id: tokenId(id, 'id') }) }
}

function tokenId(text: string, flag: string): string {
  if (!isName(text)) throw new UsageError(`--${flag} must be the id (jti) of a token, at most 256 characters`)
  if (/^eyJ[\w-]*\./.test(text)) throw new UsageError(`--${flag} must be the id (jti) of a token, not the token itself`)
  return text
}

/** A camera id, or a pattern that a camera id can match. */
const cameraPattern = /^(?:camera\d{1,57}|(?=.*\*)[acemr\d*]{1,64})$/

function rightsOf(values: Map<string, string>, command: string, { never }: { never: boolean }): NewRights {
  const asked = values.get('role')
  if (asked === undefined) throw new UsageError(`${command} needs --role ${roles.join('|')}`)
  const role = roles.find((each) => each === asked)
  if (role === undefined) {
    const hint = hintOf(asked, roles, '', `the nearest to ${JSON.stringify(asked)} is`)
    throw new UsageError(`--role must be one of ${roles.join(', ')}${hint}`)
  }
  const text = values.get('expires')
  const expires = text === undefined ? undefined : durationOf(text, 's')
  const isGood =
    expires !== undefined && ((expires >= 1000 && expires <= 3650 * 86_400_000) || (never && expires === 0))
  if (text !== undefined && !isGood) {
    const examples = `such as 1h or 30d${never ? ', or 0 (never)' : ''}`
    throw new UsageError(`--expires must be a duration from 1s to 3650d, ${examples}, not ${JSON.stringify(text)}`)
  }
  const cameras = values.get('cameras')?.split(',')
  const wrong = cameras?.find((each) => !cameraPattern.test(each))
  if (wrong !== undefined) {
    const rule = '--cameras must be ids or patterns with commas, such as camera0,camera1*'
    throw new UsageError(`${rule}, not ${JSON.stringify(wrong)}; names of cameras are not ids`)
  }
  const user = values.get('user') ?? role
  if (!isName(user)) throw new UsageError('--user must be at most 256 characters without control characters')
  return { role, user, ...(expires === undefined ? {} : { expires }), ...(cameras === undefined ? {} : { cameras }) }
}
