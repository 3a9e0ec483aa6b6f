import { count } from '../../machines/domain/amounts.js'
import { type SuggestionKey, suggestionKeyOf } from '../../machines/domain/errors.js'
import type { Methods } from '../../rpc/client/index.js'
import { paramNames } from './paramNames.js'

/** Methods that have a command. The others are called by `call`. */
const commands: Partial<Record<keyof Methods, string>> = {
  get_camera_list: 'cameras',
  get_camera_status: 'camera ID',
  get_camera_capabilities: 'camera ID',
  start_recording: 'record ID',
  stop_recording: 'stop ID',
  take_snapshot: 'snapshot ID',
  list_recordings: 'recordings',
  get_recording_info: 'recordings',
  get_server_info: 'status',
  get_status: 'status',
  get_system_status: 'status',
  get_storage_info: 'status',
  explain: 'explain ID',
  get_history: 'history',
  subscribe_events: 'watch',
  get_support_bundle: 'support-bundle',
  list_api_keys: 'keys list',
  create_api_key: 'keys create',
  rotate_api_key: 'keys rotate KEY',
  revoke_api_key: 'keys revoke KEY',
  revoke_token: 'token --revoke JTI',
}

/** The command for a method, without the name of the program: `record ID`. */
export const commandFor = (method: string): string => commands[method as keyof Methods] ?? `call ${method}`

/** The same for a camera that is known from the context: `record`. */
export const shortCommand = (method: string): string => commandFor(method).replace(/ (ID|KEY|JTI)$/, '')

/** What members of the API are called on the command line. */
const members: Readonly<Record<string, string>> = {
  auth_token: 'the token',
  download_url: 'address',
  stream_url: 'URL',
}

/**
 * A sentence of the service in the words of the command line, for one camera if its id is given. Keys of the
 * configuration stay: they have a dot.
 */
export function forPerson(text: string, camera = 'ID'): string {
  const said = text.replace(/(?<![\w.-])`?([a-z]+(?:[._][a-z]+)+)`?(?![\w.-]*\w)/g, (whole: string, word: string) => {
    const isMethod = Object.hasOwn(paramNames, word)
    return isMethod ? `camera-service ${commandFor(word).replace(/ ID$/, ` ${camera}`)}` : (members[word] ?? whole)
  })
  // Methods are called, commands are run.
  return said.replace(/\b([Cc])all camera-service/g, (_, first) => `${first === 'C' ? 'R' : 'r'}un camera-service`)
}

type Data = Readonly<Record<string, unknown>>

const seconds = ({ retry_after_ms: ms }: Data): string =>
  typeof ms === 'number' ? `in ${count(Math.max(1, Math.ceil(ms / 1000)), 'second')}` : 'later'

const listed = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []

const token = 'on the host of the service, camera-service token'
const showToken = () =>
  `show a valid token or API key: --token-file FILE, CAMERA_SERVICE_TOKEN or a profile; ${token} prints one`
const newToken = () => `get a new token: ${token} prints one`
const lists = (method: string, things: string) => () => `camera-service ${commandFor(method)} lists all ${things}`

/** Suggestions that speak of members of the API, by their place in the table. Empty: the sentence before says it all. */
const suggestions: Partial<Record<SuggestionKey, (data: Data) => string>> = {
  authRequired: showToken,
  authFailed: showToken,
  'authFailed.ended': showToken,
  'authFailed.token_expired': newToken,
  'authFailed.revoked': newToken,
  permissionDenied: ({ required_role: role }) =>
    typeof role === 'string'
      ? `show a token of the role ${role}: ${token} --role ${role} prints one`
      : 'show a token that has the right',
  invalidRequest: () => '',
  invalidParams: () => '',
  'invalidParams.camera': ({ cameras }) => `use one of ${listed(cameras).join(', ')}`,
  'invalidParams.config_invalid': () => 'nothing was changed',
  invalidState: ({ allowed_methods: allowed }) => {
    const names = [...new Set(listed(allowed).map(shortCommand))]
    return names.length === 0 ? 'try again when the state has changed' : `possible now: ${names.join(', ')}`
  },
  'invalidState.recording_protected': () =>
    `end the protection first: camera-service call protect_recording '{"filename": "NAME", "protected": false}'`,
  'invalidState.protections_lost': () =>
    'protect the recordings again, then run camera-service call cleanup_old_files ' +
    `'{"accept_lost_protections": true}'`,
  rateLimited: (data) => `try again ${seconds(data)}`,
  'rateLimited.too_many_failed_authentications': (data) => `show a valid token, or try again ${seconds(data)}`,
  internal: ({ request_id: id }) =>
    `the log of the service explains it: look for the request ${String(id ?? '')}`.trimEnd(),
  notFound: () => 'camera-service cameras and camera-service recordings list what exists',
  'notFound.camera': lists('get_camera_list', 'cameras'),
  'notFound.recording': lists('list_recordings', 'recordings'),
  'notFound.snapshot': lists('list_snapshots', 'snapshots'),
  'notFound.key': lists('list_api_keys', 'keys'),
  'notFound.actor': lists('get_actors', 'running actors'),
  'notFound.session': lists('list_sessions', 'sessions'),
  'notFound.version': lists('get_config_history', 'versions'),
  'notFound.page': () => 'camera-service recordings lists what exists',
}

/** What to do, in the words of the command line; `undefined`: nothing more than the sentence before says. */
export function suggestionFor(code: number, data: Data): string | undefined {
  if (typeof data.suggestion !== 'string') return undefined
  const key = suggestionKeyOf(code, data)
  const words = key && suggestions[key]
  return (words ? words(data) : forPerson(data.suggestion)) || undefined
}
