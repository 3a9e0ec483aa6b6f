import { isName, roles } from '../../machines/domain/access.js'
import { hintOf } from '../../machines/domain/nearest.js'
import {
  type Command,
  type CommandOf,
  type Connection,
  type ExplainSubject,
  type HistoryFilter,
  type NewRights,
  type Sources,
  UsageError,
} from './command.js'
import { durationFrom } from './durations.js'

/** The words behind the name of the command, and the values of its options; a flag has an empty value. */
export interface Given {
  words: readonly string[]
  values: ReadonlyMap<string, string>
}

type Reader = (given: Given) => Command

const cameraId = /^camera\d{1,26}$/

/** `{ [name]: value }`, or nothing. */
const given = <Name extends string, Value>(name: Name, value: Value | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: Value }

function sourcesOf({ values }: Given): Sources {
  return {
    ...given('config', values.get('config')),
    flags: { ...given('data-dir', values.get('data-dir')), ...given('simulate', values.get('simulate')) },
  }
}

function connectionOf({ values }: Given): Connection {
  const [url, token, tokenFile, profile] = ['url', 'token', 'token-file', 'profile'].map((name) => values.get(name))
  if (token !== undefined && tokenFile !== undefined)
    throw new UsageError('--token cannot be used with --token-file: there is one token')
  if (profile !== undefined && !/^\w[\w.-]{0,63}$/.test(profile))
    throw new UsageError('--profile must be the name of a profile: letters, digits, dots and dashes, not a path')
  return {
    ...given('url', url),
    ...given('token', token),
    ...given('tokenFile', tokenFile),
    ...given('profile', profile),
  }
}

/** Whether an existing file may be replaced. */
const forceOf = ({ values }: Given) => ({ force: values.has('force') })

const asking = (line: Given) => ({ ...sourcesOf(line), connection: connectionOf(line) })
const printing = (line: Given) => ({ ...asking(line), json: line.values.has('json') })

function deviceOf(id: string, command: string): string {
  if (cameraId.test(id)) return id
  throw new UsageError(
    `${command} takes the id of a camera, as in camera0, not ${JSON.stringify(id)}: camera-service cameras lists them`,
  )
}

const oneDevice = (line: Given, command: string) => ({
  device: deviceOf(line.words[0] ?? '', command),
  ...printing(line),
})

/** The value of an option that takes one of some words. */
function choiceOf<const Words extends readonly string[]>(
  { values }: Given,
  option: string,
  words: Words,
): Words[number] | undefined {
  const asked = values.get(option)
  if (asked === undefined) return undefined
  const found = words.find((word) => word === asked)
  if (found !== undefined) return found
  const hint = hintOf(asked, words, '', `the nearest to ${JSON.stringify(asked)} is`)
  throw new UsageError(`--${option} must be one of ${words.join(', ')}${hint}`)
}

function limitOf({ values }: Given): number | undefined {
  const limit = values.get('limit')
  if (limit === undefined) return undefined
  if (/^\d+$/.test(limit) && Number(limit) >= 1 && Number(limit) <= 1000) return Number(limit)
  throw new UsageError('--limit must be a number from 1 to 1000')
}

/** Each reads the rest of a command line whose words and options are those of the table. Throws UsageError. */
export const readers: Readonly<Record<string, Reader>> = {
  status: (line) => ({ name: 'status', ...printing(line) }),
  cameras: (line) => ({ name: 'cameras', ...printing(line) }),
  camera: (line) => ({ name: 'camera', ...oneDevice(line, 'camera') }),
  stop: (line) => ({ name: 'stop', ...oneDevice(line, 'stop') }),
  snapshot: (line) => {
    const output = line.values.get('output')
    if (output !== undefined && output !== '-' && !/\.(jpe?g|png)$/i.test(output))
      throw new UsageError('--output must be a file with the extension .jpg or .png, or - for standard output')
    if (output === '-' && line.values.has('json'))
      throw new UsageError('--json cannot be used with --output -: both print to standard output')
    return { name: 'snapshot', ...oneDevice(line, 'snapshot'), ...given('output', output), ...forceOf(line) }
  },
  record: (line) => {
    const ms = durationFrom(line.values, 'for', { min: '1s', max: '24h', example: '30s or 1h30m', isWhole: true })
    const detach = line.values.has('detach')
    if (detach && ms === undefined) throw new UsageError('--detach needs --for: without it, record does not wait')
    const format = choiceOf(line, 'format', ['fmp4', 'mp4', 'mkv'])
    const duration = ms === undefined ? undefined : ms / 1000
    return {
      name: 'record',
      ...oneDevice(line, 'record'),
      detach,
      ...given('duration', duration),
      ...given('format', format),
    }
  },
  recordings: (line) => ({ name: 'recordings', limit: limitOf(line) ?? 50, ...printing(line) }),
  download: (line) => {
    const output = line.values.get('output')
    if (output === '-' && line.values.has('json'))
      throw new UsageError('--json cannot be used with --output -: both print to standard output')
    const file = line.words[0] ?? ''
    return { name: 'download', file, ...given('output', output), ...forceOf(line), ...printing(line) }
  },
  watch: (line) => {
    const [id] = line.words
    const severity = choiceOf(line, 'severity', ['info', 'warning', 'error', 'critical'])
    return {
      name: 'watch',
      ...given('device', id === undefined ? undefined : deviceOf(id, 'watch')),
      ...given('topics', line.values.get('topics')?.split(',')),
      ...given('severity', severity),
      ...printing(line),
    }
  },
  call: (line) => ({ name: 'call', method: line.words[0] ?? '', ...given('params', line.words[1]), ...asking(line) }),
  serve: (line) => ({ name: 'serve', guide: line.values.has('guide'), ...sourcesOf(line) }),
  health: (line) => {
    return { name: 'health', live: line.values.has('live'), json: line.values.has('json'), ...sourcesOf(line) }
  },
  doctor: (line) => ({ name: 'doctor', json: line.values.has('json'), ...sourcesOf(line) }),
  'check-config': (line) => ({ name: 'check-config', ...sourcesOf(line) }),
  'check-simulation': (line) => ({ name: 'check-simulation', file: line.words[0] ?? '', ...sourcesOf(line) }),
  'download-mediamtx': (line) => ({ name: 'download-mediamtx', ...sourcesOf(line) }),
  completion: (line) => {
    const what = (['bash', 'cameras', 'media'] as const).find((each) => each === line.words[0])
    if (what === undefined) throw new UsageError('completion needs one of bash')
    return { name: 'completion', what, ...asking(line) }
  },
  token: (line) => ({ name: 'token', ...tokenRequest(line), ...sourcesOf(line) }),
  'keys create': (line) => {
    return { name: 'keys', act: 'create', ...rightsOf(line, 'keys create', { never: true }), ...sourcesOf(line) }
  },
  'keys list': (line) => ({ name: 'keys', act: 'list', ...sourcesOf(line) }),
  'keys rotate': (line) => ({ name: 'keys', act: 'rotate', id: line.words[0] ?? '', ...sourcesOf(line) }),
  'keys revoke': (line) => ({ name: 'keys', act: 'revoke', id: line.words[0] ?? '', ...sourcesOf(line) }),
  'audit verify': (line) => ({ name: 'audit', act: 'verify', ...sourcesOf(line) }),
  explain: (line) => ({ name: 'explain', subject: subjectOf(line.words), ...printing(line) }),
  history: (line) => {
    return { name: 'history', filter: filterOf(line), follow: line.values.has('follow'), ...printing(line) }
  },
  'support-bundle': (line) => {
    const output = line.values.get('output')
    return { name: 'support-bundle', ...given('output', output), ...forceOf(line), ...sourcesOf(line) }
  },
  replay: (line) => replayRequest(line),
}

const components = ['mediamtx', 'storage', 'discovery'] as const

function subjectOf([first = '', second = '']: readonly string[]): ExplainSubject {
  const isRecording = first === 'recording'
  const camera = isRecording ? second : first
  const component = components.find((each) => each === first)
  if (component !== undefined && second === '') return { component }
  if (cameraId.test(camera) && (isRecording || second === ''))
    return isRecording ? { recording: camera } : { device: camera }
  const asked = [first, second].filter((word) => word !== '').join(' ')
  const wrong = asked === '' ? '' : `explain does not know "${asked}": `
  throw new UsageError(
    `${wrong}explain needs the id of a camera, as in camera0, or recording and an id, as in recording camera0, or one ` +
      `of ${components.join(', ')}`,
  )
}

function filterOf(line: Given): HistoryFilter {
  const { words, values } = line
  const [device] = words
  if (device !== undefined && !cameraId.test(device))
    throw new UsageError(`history takes the id of a camera, as in camera0, not ${JSON.stringify(device)}`)
  const limit = limitOf(line)
  for (const name of ['since', 'until']) {
    const text = values.get(name)
    if (text !== undefined && !/^\d{4}-\d{2}-\d{2}/.test(text))
      throw new UsageError(`--${name} must be a time as in 2026-01-02T03:00:00Z`)
  }
  const texts = ['actor', 'since', 'until'].flatMap((name) => (values.has(name) ? [[name, values.get(name)]] : []))
  return { ...given('device', device), ...Object.fromEntries(texts), ...given('limit', limit) }
}

function replayRequest({ words, values }: Given): CommandOf<'replay'> {
  const until = values.get('until')
  if (until !== undefined && !/^[1-9]\d{0,14}$/.test(until))
    throw new UsageError(`--until must be the number of an event, not ${JSON.stringify(until)}`)
  return {
    name: 'replay',
    bundle: words[0] ?? '',
    ...given('until', until === undefined ? undefined : Number(until)),
    ...given('actor', values.get('actor')),
    force: values.has('force'),
    ...given('makeTest', values.get('make-test')),
  }
}

function tokenRequest(line: Given) {
  const { values } = line
  const revoke = values.get('revoke')
  if (revoke !== undefined) {
    const other = ['role', 'user', 'expires', 'cameras', 'id'].find((flag) => values.has(flag))
    if (other !== undefined)
      throw new UsageError(`--revoke cannot be used with --${other}: it revokes a token and makes none`)
    return { revoke: tokenId(revoke, 'revoke') }
  }
  const id = values.get('id')
  return { ...rightsOf(line, 'token', { never: false }), ...(id === undefined ? {} : { id: tokenId(id, 'id') }) }
}

/** Other issuers have other forms of ids: nothing else can be demanded. */
const tokenIdForm = /^[\x21-\x7e]{1,256}$/

function tokenId(text: string, flag: string): string {
  const rule = `--${flag} must be the id (jti) of a token`
  if (/^eyJ[\w-]*\./.test(text)) throw new UsageError(`${rule}, not the token itself${idHint(text)}`)
  if (text.startsWith('csk_'))
    throw new UsageError(`${rule}, not an API key: camera-service keys revoke ID ends one, keys list shows the ids`)
  if (!tokenIdForm.test(text))
    throw new UsageError(`${rule}, 1 to 256 letters, digits and signs without spaces, such as door-2`)
  return text
}

/** The id inside of a token. */
function idHint(token: string): string {
  try {
    const { jti } = Object(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()))
    return typeof jti === 'string' && tokenIdForm.test(jti) ? `; the id of this token is ${jti}` : ''
  } catch {
    return ''
  }
}

/** A camera id, or a pattern that a camera id can match. */
const cameraPattern = /^(?:camera\d{1,57}|(?=.*\*)[acemr\d*]{1,64})$/

function rightsOf(line: Given, command: string, { never }: { never: boolean }): NewRights {
  const { values } = line
  const role = choiceOf(line, 'role', roles)
  if (role === undefined) throw new UsageError(`${command} needs --role ${roles.join('|')}`)
  const rule = { min: '1s', max: '3650d', example: '1h or 30d', ...(never && { zero: 'never' }) }
  const expires = durationFrom(values, 'expires', rule)
  const cameras = values.get('cameras')?.split(',')
  const wrong = cameras?.find((each) => !cameraPattern.test(each))
  if (wrong !== undefined) {
    const allowed = '--cameras must be ids or patterns with commas, such as camera0,camera1*'
    throw new UsageError(`${allowed}, not ${JSON.stringify(wrong)}; names of cameras are not ids`)
  }
  const user = values.get('user') ?? role
  if (!isName(user)) throw new UsageError('--user must be at most 256 characters without control characters')
  return { role, user, ...given('expires', expires), ...given('cameras', cameras) }
}
