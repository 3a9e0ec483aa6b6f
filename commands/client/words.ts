import { count } from '../../machines/domain/amounts.js'
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

/** A sentence of the service in the words of the command line. Keys of the configuration stay: they have a dot. */
export function forPerson(text: string): string {
  const said = text.replace(/(?<![\w.-])`?([a-z]+(?:[._][a-z]+)+)`?(?![\w.-]*\w)/g, (whole: string, word: string) => {
    const isMethod = Object.hasOwn(paramNames, word)
    return isMethod ? `camera-service ${commandFor(word)}` : (members[word] ?? whole)
  })
  // Methods are called, commands are run.
  return said.replace(/\b([Cc])all camera-service/g, (_, first) => `${first === 'C' ? 'R' : 'r'}un camera-service`)
}

type Data = Readonly<Record<string, unknown>>

const seconds = ({ retry_after_ms: ms }: Data): string =>
  typeof ms === 'number' ? `in ${count(Math.max(1, Math.ceil(ms / 1000)), 'second')}` : 'later'

const listed = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []

/** Suggestions that speak of members of the API. Empty: the sentence before says it all. */
const suggestions: readonly (readonly [RegExp, (data: Data) => string])[] = [
  [
    /^Call authenticate\b|^Send Authorization/,
    () =>
      'show a valid token or API key: --token-file FILE, CAMERA_SERVICE_TOKEN or a profile; on the host of the ' +
      'service, camera-service token prints one',
  ],
  [/^Get a new token/, () => 'get a new token: on the host of the service, camera-service token prints one'],
  [
    /^Use a credential with the required right$/,
    ({ required_role: role }) =>
      typeof role === 'string'
        ? `show a token of the role ${role}: on the host of the service, camera-service token --role ${role} prints one`
        : 'show a token that has the right',
  ],
  [/^Correct the parameter that data\.param names$/, () => ''],
  [/^Correct what data\.details names$/, () => ''],
  [/^Send a JSON-RPC 2\.0 request object$/, () => ''],
  [/^Use one of the ids in data\.cameras$/, ({ cameras }) => `use one of ${listed(cameras).join(', ')}`],
  [
    /^Call a method of data\.allowed_methods/,
    ({ allowed_methods: allowed }) => {
      const names = [...new Set(listed(allowed).map(shortCommand))]
      return names.length === 0 ? 'try again when the state has changed' : `possible now: ${names.join(', ')}`
    },
  ],
  [
    /^Call protect_recording with protected: false/,
    () => `end the protection first: camera-service call protect_recording '{"filename": "NAME", "protected": false}'`,
  ],
  [
    /^Protect the recordings again/,
    () => 'protect the recordings again, then clean up with accept_lost_protections: see docs/api.md',
  ],
  [/^Send the request again after retry_after_ms$/, (data) => `try again ${seconds(data)}`],
  [
    /^Show a valid credential, which is accepted at once/,
    (data) => `show a valid token, or try again ${seconds(data)}`,
  ],
  [
    /^Give the request_id to the administrator/,
    ({ request_id: id }) => `the log of the service explains it: look for the request ${String(id ?? '')}`.trimEnd(),
  ],
  [/^Correct the keys in data\.faults/, () => 'nothing was changed'],
  [/^Check the address; lists of recordings/, () => 'camera-service recordings lists what exists'],
  [/^Check the name; get_camera_list/, () => 'camera-service cameras and camera-service recordings list what exists'],
]

/** What to do, in the words of the command line; `undefined`: nothing more than the sentence before says. */
export function suggestionFor(suggestion: unknown, data: Data): string | undefined {
  if (typeof suggestion !== 'string') return undefined
  const list = /^Check the (?:id|name); (\w+) returns all (\w+)$/.exec(suggestion)
  if (list) return `camera-service ${commandFor(list[1] ?? '')} lists all ${list[2]}`
  const found = suggestions.find(([pattern]) => pattern.test(suggestion))
  return (found === undefined ? forPerson(suggestion) : found[1](data)) || undefined
}
