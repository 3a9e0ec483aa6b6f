import { parseArgs } from 'node:util'
import { durationOf } from './formats.js'
import { hintOf } from './nearest.js'

const roles = ['viewer', 'operator', 'admin'] as const

interface Sources {
  /** Path of the configuration file. */
  config?: string
  /** As `loadConfiguration` takes them. */
  flags: { 'data-dir'?: string }
}

export type Command =
  /** `guide`: tell the person at the terminal what to do next. */
  | ({ name: 'serve'; guide: boolean } & Sources)
  | ({ name: 'check-config' | 'download-mediamtx' } & Sources)
  /** `expires` in ms; absent: `security.jwt_expiry_hours`. */
  | ({ name: 'token'; role: (typeof roles)[number]; user: string; expires?: number } & Sources)
  | { name: 'help' }
  | { name: 'version' }

/** A command line that cannot be understood; the message is one sentence for the person at the terminal. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const commands = ['serve', 'token', 'check-config', 'download-mediamtx'] as const
/** Flags of one command alone. */
const owners = { role: 'token', user: 'token', expires: 'token', guide: 'serve' } as const
const options = {
  config: { type: 'string' },
  'data-dir': { type: 'string' },
  role: { type: 'string' },
  user: { type: 'string' },
  expires: { type: 'string' },
  guide: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const
const isOption = (name: string): name is keyof typeof options => Object.hasOwn(options, name)

/** `argv` is what follows the script's name. Throws UsageError. */
export function parseArguments(argv: readonly string[]): Command {
  // Not strict: Node's own words for a wrong flag name neither the nearest one nor this program.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
  const values = new Map<string, string>()
  const words: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    if (!isOption(name)) throw new UsageError(`${rawName} is not a known flag${hintOf(name, Object.keys(options), '--')}`)
    if (values.has(name)) throw new UsageError(`--${name} is given twice`)
    const takesValue = options[name].type === 'string'
    if (!takesValue && value !== undefined) throw new UsageError(`--${name} takes no value`)
    if (takesValue && (!value || (!inlineValue && value.startsWith('-')))) throw new UsageError(`--${name} needs a value`)
    values.set(name, value ?? '')
  }
  const [word = 'serve', ...rest] = words
  const command = commands.find((each) => each === word)
  if (command === undefined) throw new UsageError(`${JSON.stringify(word)} is not a known command${hintOf(word, commands)}`)
  if (values.has('help')) return { name: 'help' }
  if (values.has('version')) return { name: 'version' }
  if (rest.length > 0) throw new UsageError(`${JSON.stringify(rest[0])} is one word too many after ${command}`)
  for (const [flag, owner] of Object.entries(owners)) {
    if (values.has(flag) && command !== owner) throw new UsageError(`--${flag} belongs to the command ${owner}`)
  }
  const [config, directory] = [values.get('config'), values.get('data-dir')]
  const sources = { ...(config === undefined ? {} : { config }), flags: directory === undefined ? {} : { 'data-dir': directory } }
  if (command === 'token') return { name: command, ...tokenRequest(values), ...sources }
  return command === 'serve' ? { name: command, guide: values.has('guide'), ...sources } : { name: command, ...sources }
}

function tokenRequest(values: Map<string, string>) {
  const asked = values.get('role')
  if (asked === undefined) throw new UsageError(`token needs --role ${roles.join('|')}`)
  const role = roles.find((each) => each === asked)
  if (role === undefined)
    throw new UsageError(`--role must be one of ${roles.join(', ')}${hintOf(asked, roles, '', `the nearest to ${JSON.stringify(asked)} is`)}`)
  const text = values.get('expires')
  const expires = text === undefined ? undefined : durationOf(text, 's')
  if (text !== undefined && (expires === undefined || expires < 1000 || expires > 3650 * 86_400_000)) {
    throw new UsageError(`--expires must be a duration from 1s to 3650d, such as 1h or 30d, not ${JSON.stringify(text)}`)
  }
  return { role, user: values.get('user') ?? role, ...(expires === undefined ? {} : { expires }) }
}

export const helpText = () => `Usage: camera-service [command] [flags]

Commands
  serve          run the service (default); --guide also prints where everything is and a token to try
  token          print a token for a client: --role viewer|operator|admin [--user ID] [--expires 1h]
  check-config   check the configuration and tell what is wrong with it
  download-mediamtx
                 bring the official MediaMTX for this machine into the data directory (needs the internet)

Flags
  --config FILE     configuration file (YAML); else CAMERA_SERVICE_CONFIG, else defaults
  --data-dir DIR    folder of recordings, snapshots, state and secrets
  --help, -h        this text
  --version         the version

Every key of the configuration can also be set in the environment: server.port as CAMERA_SERVICE_SERVER_PORT.
Exit codes: 0 a clean stop, 78 a fault of the configuration or the command line, 1 anything else.
`
