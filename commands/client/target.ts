import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { readChecked } from '../../adapters/data/checkedFile.js'
import { reasonOf } from '../../machines/domain/errors.js'
import { hintOf } from '../../machines/domain/nearest.js'
import { type Asking, UsageError } from '../line/command.js'
import { CommandError, type CommandPorts, noPermission } from '../outcome.js'

/** The address and the credential. Without `url`: the service of this host; without `token`: its own secret. */
export interface Target {
  url?: string
  token?: string
  /** File with the PEM certificate of the issuer. */
  caFile?: string
}

interface TargetPorts extends Pick<CommandPorts, 'env' | 'log'> {
  /** Reads standard input. */
  stdin(): Promise<string>
}

/**
 * Finds the service: by the options, else by the environment, else by the default profile, else that of this host. The
 * first of the address, the profile and the configuration counts. Rejects with UsageError or CommandError.
 */
export async function targetOf(asking: Asking, ports: TargetPorts): Promise<Target> {
  const { env } = ports
  const token = await givenToken(asking.connection, ports)
  const { url, profile: name, isLocal } = choiceOf(asking, env)
  const needsNone = name === undefined && (url !== undefined || isLocal)
  const profile = needsNone ? undefined : await readProfile(name, env)
  const address = url ?? profile?.url
  if (address === undefined) return { ...(token !== undefined && { token }) }
  const checked = checkedUrl(address)
  // The token of a profile is for its own service only.
  const isOwn = profile?.url !== undefined && checkedUrl(profile.url) === checked
  const shown = token ?? (isOwn ? await profileToken(profile) : undefined)
  if (shown === undefined)
    throw new UsageError(
      `the service at ${checked} needs a token: use --token-file FILE, CAMERA_SERVICE_TOKEN or a profile; on its host, ` +
        'camera-service token prints one',
    )
  return { url: checked, token: shown, ...(isOwn && profile.caFile !== undefined && { caFile: profile.caFile }) }
}

/** Options come before the environment, as a whole: a variable does not mix with an option. */
function choiceOf({ connection, config, flags }: Asking, env: NodeJS.ProcessEnv) {
  const { url, profile } = connection
  const isLocal = Boolean(config ?? flags['data-dir'])
  if (url !== undefined || profile !== undefined || isLocal) return { url, profile, isLocal }
  return {
    url: env.CAMERA_SERVICE_URL || undefined,
    profile: env.CAMERA_SERVICE_PROFILE || undefined,
    isLocal: Boolean(env.CAMERA_SERVICE_CONFIG || env.CAMERA_SERVICE_DATA_DIR),
  }
}

async function givenToken(
  { token, tokenFile }: Asking['connection'],
  { env, log, stdin }: TargetPorts,
): Promise<string | undefined> {
  if (token !== undefined) {
    log.warn('warning: other users of this host can see --token: prefer --token-file FILE or CAMERA_SERVICE_TOKEN')
    return tokenIn(token, '--token')
  }
  if (tokenFile === '-') return tokenIn(await stdin(), 'standard input')
  if (tokenFile !== undefined) return tokenOf(tokenFile, `the file ${tokenFile} of --token-file`)
  if (env.CAMERA_SERVICE_TOKEN) return tokenIn(env.CAMERA_SERVICE_TOKEN, 'CAMERA_SERVICE_TOKEN')
  const file = env.CAMERA_SERVICE_TOKEN_FILE
  return file ? tokenOf(file, `the file ${file} of CAMERA_SERVICE_TOKEN_FILE`) : undefined
}

function tokenIn(text: string, name: string): string {
  const token = text.trim()
  if (token !== '' && !/\s/.test(token)) return token
  throw new UsageError(
    `${name} holds ${token === '' ? 'no token' : 'more than one word'}: it must be a token or an API key`,
  )
}

async function tokenOf(path: string, name: string): Promise<string> {
  const text = await secretText(path, name)
  if (text === undefined) throw new UsageError(`${name} does not exist`)
  return tokenIn(text, name)
}

/** The text of a file that only its owner can use; `undefined`: there is none. */
const secretText = (path: string, name: string): Promise<string | undefined> =>
  readChecked(path, name, { forbidden: 0o077, advice: `run chmod 600 ${path}` }).catch((error: unknown) => {
    throw new CommandError(reasonOf(error), noPermission)
  })

const profileKeys = ['url', 'token', 'token_file', 'ca_file'] as const

interface Profile {
  path: string
  url?: string
  token?: string
  tokenFile?: string
  caFile?: string
}

const profileToken = async ({ token, tokenFile, path }: Profile): Promise<string | undefined> => {
  if (token !== undefined) return tokenIn(token, `token of the profile ${path}`)
  return tokenFile === undefined ? undefined : tokenOf(tokenFile, `the file ${tokenFile} of the profile ${path}`)
}

/** Folder of the profiles: `~/.config/camera-service`. */
export const profileFolder = (env: NodeJS.ProcessEnv): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'camera-service')

/** Without a name: the default profile, which need not exist. */
async function readProfile(name: string | undefined, env: NodeJS.ProcessEnv): Promise<Profile | undefined> {
  const folder = profileFolder(env)
  const path = join(folder, `${name ?? 'default'}.yml`)
  const text = await secretText(path, `the profile ${path}`)
  if (text === undefined) {
    if (name === undefined) return undefined
    throw new UsageError(`there is no profile ${path}: write it with url: ws://HOST:8002/ws and token: TOKEN, mode 600`)
  }
  const values = valuesIn(text, path)
  const file = (key: 'token_file' | 'ca_file') => (values[key] === undefined ? undefined : resolve(folder, values[key]))
  const [tokenFile, caFile] = [file('token_file'), file('ca_file')]
  if (values.token !== undefined && tokenFile !== undefined)
    throw new UsageError(`the profile ${path} has both token and token_file: remove one`)
  return {
    path,
    ...(values.url !== undefined && { url: values.url }),
    ...(values.token !== undefined && { token: values.token }),
    ...(tokenFile !== undefined && { tokenFile }),
    ...(caFile !== undefined && { caFile }),
  }
}

function valuesIn(text: string, path: string): { [Key in (typeof profileKeys)[number]]?: string } {
  let content: unknown
  try {
    content = parse(text) ?? {}
  } catch {
    // The message of the parser repeats the line, which may hold the token.
    throw new UsageError(`the profile ${path} is not YAML`)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new UsageError(`the profile ${path} must have the keys ${profileKeys.join(', ')}`)
  for (const [key, value] of Object.entries(content)) {
    if (!profileKeys.some((each) => each === key))
      throw new UsageError(`${key} is not a key of a profile${hintOf(key, profileKeys)} (${path})`)
    if (typeof value !== 'string' || value === '')
      throw new UsageError(`${key} must be a text that is not empty (${path})`)
  }
  return content
}

/** The address of the WebSocket. A bare host gets the usual path. */
function checkedUrl(text: string): string {
  const example = 'as in ws://camera-host:8002/ws'
  if (!URL.canParse(text)) throw new UsageError(`${JSON.stringify(text)} is not the address of a service, ${example}`)
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    throw new UsageError(`the address of a service has no user and no password, ${example}: show a token`)
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    throw new UsageError(`the address of a service begins with ws:// or wss://, ${example}, not ${url.protocol}//`)
  if (url.pathname === '/') url.pathname = '/ws'
  return url.href
}
