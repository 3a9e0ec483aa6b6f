/** Every command in one table: the parser, the help, the completion of bash and docs/commands.md read it. */

/** Completes a word or the value of an option. A list: one of these. */
export type Choice = 'camera' | 'file' | 'folder' | 'media' | readonly string[]

export interface OptionEntry {
  /** Name of its value in the help; absent: it takes none. */
  value?: string
  short?: string
  is?: Choice
  help: string
}

export interface WordEntry {
  /** As in the usage: `ID`. */
  name: string
  is?: Choice
  optional?: true
  /** Completes "… needs". */
  needs: string
}

export interface Example {
  line: string
  /** What it does; one sentence without a full stop. */
  does: string
}

export interface CommandEntry {
  /** Two words for a subcommand: `keys create`. */
  name: string
  group: Group
  summary: string
  words?: readonly WordEntry[]
  options?: Readonly<Record<string, OptionEntry>>
  /** It asks a service: it has the options of a connection. */
  connects?: true
  /** What a user must know beyond the summary; one paragraph each. */
  details?: readonly string[]
  examples: readonly [Example, ...Example[]]
  /** Meanings of exit statuses that differ from the common ones. */
  statuses?: readonly (readonly [number, string])[]
}

export const groups = {
  client: 'Cameras and recordings',
  service: 'The service',
  access: 'Access',
  diagnosis: 'Diagnosis',
} as const
export type Group = keyof typeof groups

/** Options of every command. */
export const commonOptions = {
  config: {
    value: 'FILE',
    is: 'file',
    help: 'configuration file of the service (YAML); default: CAMERA_SERVICE_CONFIG, if it is set',
  },
  'data-dir': { value: 'DIR', is: 'folder', help: 'folder of recordings, snapshots, state and secrets' },
  help: { short: 'h', help: 'print the help of a command' },
  version: { help: 'print the version' },
} as const satisfies Record<string, OptionEntry>

/** Options of commands that ask a service. */
export const connectionOptions = {
  url: {
    value: 'URL',
    help: 'address of a service, as in ws://camera-host:8002/ws; default: CAMERA_SERVICE_URL, a profile, this host',
  },
  'token-file': {
    value: 'FILE',
    is: 'file',
    help: 'file with a token or an API key, readable for its owner only; - reads standard input',
  },
  token: {
    value: 'TOKEN',
    help: 'a token or an API key. Other users of this host can see it: prefer --token-file or CAMERA_SERVICE_TOKEN',
  },
  profile: { value: 'NAME', help: 'use ~/.config/camera-service/NAME.yml; default: default.yml, if it exists' },
} as const satisfies Record<string, OptionEntry>

const force = { help: 'replace an existing file' }
const json = { help: 'print JSON, for programs' }
const camera = {
  name: 'ID',
  is: 'camera',
  needs: 'the id of a camera, as in camera0: see camera-service cameras',
} as const
const rights = {
  role: { value: 'ROLE', is: ['viewer', 'operator', 'admin'], help: 'viewer, operator or admin (required)' },
  user: { value: 'ID', help: 'name of the user in the audit log; default: the role' },
  cameras: { value: 'IDS', help: 'only these cameras, as in camera0,camera1*; default: all' },
} as const satisfies Record<string, OptionEntry>

const client: CommandEntry[] = [
  {
    name: 'status',
    group: 'client',
    summary: 'show the state of the service, its cameras and its disk',
    connects: true,
    options: { json },
    details: ['The exit status says whether the service has answered, not whether it is healthy.'],
    examples: [{ line: 'camera-service status', does: 'Shows what runs, what does not, and why' }],
  },
  {
    name: 'cameras',
    group: 'client',
    summary: 'list the cameras',
    connects: true,
    options: { json },
    examples: [
      { line: 'camera-service cameras', does: 'Lists all cameras, unplugged ones included' },
      { line: "camera-service cameras --json | jq -r '.cameras[].id'", does: 'Prints the ids only' },
    ],
  },
  {
    name: 'camera',
    group: 'client',
    summary: 'show one camera: state, reason, stream, recording, what it refuses',
    words: [camera],
    connects: true,
    options: { json },
    examples: [{ line: 'camera-service camera camera0', does: 'Shows camera0 with the URLs of its stream' }],
  },
  {
    name: 'snapshot',
    group: 'client',
    summary: 'take a snapshot, and save it here with -o',
    words: [camera],
    connects: true,
    options: {
      output: {
        value: 'FILE',
        short: 'o',
        is: 'file',
        help: 'save it to this .jpg or .png file; - is standard output',
      },
      force,
      json,
    },
    details: [
      'The snapshot stays in the service as well. Without -o its name is printed. An existing file is only replaced with ' +
        '--force.',
    ],
    examples: [
      { line: 'camera-service snapshot camera0 -o door.jpg', does: 'Saves a picture of camera0 to door.jpg' },
      { line: 'camera-service snapshot camera0', does: 'Takes one that stays in the service' },
    ],
  },
  {
    name: 'record',
    group: 'client',
    summary: 'start a recording; with --for, wait for its end',
    words: [camera],
    connects: true,
    options: {
      for: { value: 'TIME', help: 'stop after this time, as in 30s or 1h30m, and wait with progress' },
      detach: { help: 'do not wait: the service stops the recording by itself' },
      format: { value: 'FORMAT', is: ['fmp4', 'mp4', 'mkv'], help: 'fmp4, mp4 or mkv; default: as configured' },
      json,
    },
    details: [
      'Ctrl-C during --for stops the recording. If the terminal is closed or the connection is lost, the recording ' +
        'goes on, and the service stops it in time.',
      'Without --for the recording goes on until camera-service stop.',
    ],
    examples: [
      { line: 'camera-service record camera0 --for 30s', does: 'Records for 30 seconds and prints the file' },
      { line: 'camera-service record camera0', does: 'Starts a recording and returns' },
    ],
    statuses: [
      [1, 'the recording was refused, or failed'],
      [130, 'interrupted; the recording was stopped and its file is complete'],
    ],
  },
  {
    name: 'stop',
    group: 'client',
    summary: 'stop a recording; its files are final then',
    words: [camera],
    connects: true,
    options: { json },
    examples: [{ line: 'camera-service stop camera0', does: 'Stops the recording of camera0 and prints its files' }],
  },
  {
    name: 'recordings',
    group: 'client',
    summary: 'list the recordings, newest first',
    connects: true,
    options: { limit: { value: 'N', help: 'at most this many, 1 to 1000; default 50' }, json },
    examples: [{ line: 'camera-service recordings --limit 10', does: 'Lists the ten newest files' }],
  },
  {
    name: 'download',
    group: 'client',
    summary: 'download a recording or a snapshot',
    words: [{ name: 'NAME', is: 'media', needs: 'the name of a file: see camera-service recordings' }],
    connects: true,
    options: {
      output: { value: 'FILE', short: 'o', is: 'file', help: 'save it to this file; - is standard output' },
      force,
      json,
    },
    details: [
      'Without -o it is saved under its name in the present folder. An existing file is only replaced with --force. A ' +
        'download that fails leaves no file, and the existing one as it was.',
    ],
    examples: [
      { line: 'camera-service download camera0_2026-01-02_03-04-05-000000.mp4', does: 'Saves it in this folder' },
      { line: 'camera-service download camera0_2026-01-02_03-04-05-000000 -o - | ffprobe -', does: 'Reads it at once' },
    ],
  },
  {
    name: 'watch',
    group: 'client',
    summary: 'follow what happens, until Ctrl-C',
    words: [{ ...camera, optional: true }],
    connects: true,
    options: {
      topics: { value: 'NAMES', help: 'only these topics, with commas; default: all, without those for older clients' },
      severity: {
        value: 'LEVEL',
        is: ['info', 'warning', 'error', 'critical'],
        help: 'only this severity or a higher one',
      },
      json: { help: 'print one JSON object per line, for programs' },
    },
    details: ['After a loss of the connection it continues, and prints what it missed.'],
    examples: [
      { line: 'camera-service watch', does: 'Prints the events of all cameras' },
      {
        line: 'camera-service watch camera0 --severity warning --json',
        does: 'Prints only trouble of camera0, as JSON',
      },
    ],
    statuses: [[0, 'interrupted with Ctrl-C']],
  },
  {
    name: 'call',
    group: 'client',
    summary: 'call any method of the API, and print its result as JSON',
    words: [
      { name: 'METHOD', needs: 'the name of a method: see docs/api.md' },
      { name: 'JSON', optional: true, needs: 'the params' },
    ],
    connects: true,
    details: ['The params are a JSON object; - reads it from standard input; absent: none.'],
    examples: [
      { line: `camera-service call get_camera_status '{"device": "camera0"}'`, does: 'Prints the status of camera0' },
    ],
  },
]

const service: CommandEntry[] = [
  {
    name: 'serve',
    group: 'service',
    summary: 'run the service (default)',
    options: {
      guide: { help: 'print its addresses and a token as well' },
      simulate: { value: 'FILE', is: 'file', help: 'with cameras and faults of this file (docs/simulation.md)' },
    },
    examples: [
      { line: 'camera-service serve --config /etc/camera-service/camera-service.yml', does: 'Runs until SIGTERM' },
    ],
    statuses: [[70, 'its parts crashed too often; systemd restarts it']],
  },
  {
    name: 'check-config',
    group: 'service',
    summary: 'check the configuration and list its faults',
    examples: [{ line: 'camera-service check-config --config new.yml', does: 'Lists all faults of new.yml' }],
    statuses: [[78, 'the configuration has a fault']],
  },
  {
    name: 'check-simulation',
    group: 'service',
    summary: 'check a file of serve --simulate and list its faults',
    words: [{ name: 'FILE', is: 'file', needs: 'the file of a simulation' }],
    examples: [{ line: 'camera-service check-simulation faults.yml', does: 'Lists all faults of faults.yml' }],
  },
  {
    name: 'download-mediamtx',
    group: 'service',
    summary: 'download the official MediaMTX for this CPU into the data directory (needs the internet)',
    examples: [{ line: 'camera-service download-mediamtx', does: 'The service uses it from its next start' }],
  },
  {
    name: 'completion',
    group: 'service',
    summary: 'print the completion for bash',
    words: [{ name: 'SHELL', is: ['bash'], needs: 'one of bash' }],
    connects: true,
    details: [
      'It completes commands, options, the ids of cameras and the names of recordings: the last two ask the service.',
    ],
    examples: [
      { line: 'source <(camera-service completion bash)', does: 'Completes in this shell' },
      {
        line: 'camera-service completion bash > ~/.local/share/bash-completion/completions/camera-service',
        does: 'Completes in all later shells',
      },
    ],
  },
]

const access: CommandEntry[] = [
  {
    name: 'token',
    group: 'access',
    summary: 'print a new token for a client, or revoke one',
    options: {
      ...rights,
      expires: { value: 'TIME', help: 'lifetime, as in 1h; default: security.jwt_expiry_hours' },
      id: { value: 'JTI', help: 'id of the token, for --revoke; default: a random UUID' },
      revoke: { value: 'JTI', help: 'revoke the token with this id, the jti in the token' },
    },
    examples: [
      { line: 'camera-service token --role viewer --expires 1h', does: 'Prints a token for all cameras' },
      { line: 'camera-service token --revoke door-2', does: 'Ends the token door-2 and its sessions' },
    ],
  },
  {
    name: 'keys create',
    group: 'access',
    summary: 'print a new API key, only once',
    options: {
      ...rights,
      expires: { value: 'TIME', help: 'lifetime, as in 90d; 0: for good; default: api_key_management.default_expiry' },
    },
    examples: [
      { line: 'camera-service keys create --role viewer --user wall-display', does: 'Prints a key for the display' },
    ],
  },
  {
    name: 'keys list',
    group: 'access',
    summary: 'list the API keys',
    examples: [{ line: 'camera-service keys list', does: 'Lists ids, rights and expiry, without the keys' }],
  },
  {
    name: 'keys rotate',
    group: 'access',
    summary: 'replace an API key by a new one with the same rights',
    words: [{ name: 'ID', needs: 'the id of a key: see keys list' }],
    examples: [
      { line: 'camera-service keys rotate 0a1b2c3d4e5f', does: 'Prints the new key; the old one ends at once' },
    ],
  },
  {
    name: 'keys revoke',
    group: 'access',
    summary: 'revoke an API key',
    words: [{ name: 'ID', needs: 'the id of a key: see keys list' }],
    examples: [{ line: 'camera-service keys revoke 0a1b2c3d4e5f', does: 'Ends the key and its sessions' }],
  },
  {
    name: 'audit verify',
    group: 'access',
    summary: 'check that the audit log is complete and unchanged',
    examples: [{ line: 'camera-service audit verify', does: 'Names the first fault, if there is one' }],
    statuses: [[1, 'the audit log is incomplete or was changed, or cannot be verified']],
  },
]

const diagnosis: CommandEntry[] = [
  {
    name: 'doctor',
    group: 'diagnosis',
    summary: 'check this host and the configuration, and say how to fix each fault',
    options: { json },
    details: [
      'It checks programs, cameras, ports, MediaMTX, disk, clock, memory, configuration and secrets. It changes ' +
        'nothing, and works with and without a running service. Run it as the user of the service: the ' +
        'answers about permissions are those of the user that runs it.',
    ],
    examples: [
      { line: 'camera-service doctor', does: 'Checks this host; as the user of the service: sudo -u camera-service' },
      { line: 'camera-service doctor --json', does: 'Prints the same for programs' },
    ],
    statuses: [[1, 'at least one check failed; warnings do not count']],
  },
  {
    name: 'health',
    group: 'diagnosis',
    summary: 'ask the service of this host whether it is ready, for probes',
    options: { live: { help: 'only ask whether it is alive, without cameras and media server' }, json },
    details: [
      'It asks the health port of the running service, which its data directory names, else http_health.port. It needs no ' +
        'token.',
    ],
    examples: [
      { line: 'camera-service health', does: 'Prints one line; the exit status tells a probe the same' },
      { line: 'camera-service health --live', does: 'Says whether the service must be restarted' },
    ],
    statuses: [
      [1, 'the service is not ready'],
      [69, 'nobody answers at the health port'],
    ],
  },
  {
    name: 'explain',
    group: 'diagnosis',
    summary: 'say why a part is in its state, since when, and what to do',
    words: [
      {
        name: 'SUBJECT',
        is: 'camera',
        needs: 'one of camera0, recording camera0, mediamtx, storage, discovery',
      },
      { name: 'ID', is: 'camera', optional: true, needs: 'the id of a camera, as in camera0' },
    ],
    connects: true,
    options: { json },
    details: ['SUBJECT is camera0, recording camera0, mediamtx, storage or discovery.'],
    examples: [
      { line: 'camera-service explain camera0', does: 'Says why camera0 is in its state' },
      { line: 'camera-service explain recording camera0', does: 'Says what a recording waits for' },
    ],
  },
  {
    name: 'history',
    group: 'diagnosis',
    summary: 'print the journal: all transitions with their causes',
    words: [{ ...camera, optional: true }],
    connects: true,
    options: {
      follow: { help: 'go on with new entries until Ctrl-C' },
      actor: { value: 'NAME', help: 'only this actor and its children, as in camera:camera0' },
      since: { value: 'TIME', help: 'as in 2026-01-02T03:00:00Z' },
      until: { value: 'TIME', help: 'as in 2026-01-02T03:00:00Z' },
      limit: { value: 'N', help: 'at most this many entries, 1 to 1000; default 100' },
      json: { help: 'print one JSON object per line, for programs' },
    },
    examples: [{ line: 'camera-service history camera0 --follow', does: 'Prints what happens to camera0' }],
  },
  {
    name: 'support-bundle',
    group: 'diagnosis',
    summary: 'write one file for a report of a fault, without secrets',
    options: {
      output: { value: 'FILE', short: 'o', is: 'file', help: 'the file; default: a name with the time' },
      force,
    },
    examples: [{ line: 'camera-service support-bundle -o report.jsonl.gz', does: 'Also works while no service runs' }],
  },
  {
    name: 'replay',
    group: 'diagnosis',
    summary: 'replay the events of a support bundle and compare all states',
    words: [{ name: 'BUNDLE', is: 'file', needs: 'the file of a support bundle' }],
    options: {
      until: { value: 'SEQ', help: 'the last event' },
      actor: { value: 'NAME', help: 'compare only this actor and its children, as in camera:camera0' },
      force: { help: 'also with other statecharts' },
      'make-test': { value: 'FILE', is: 'file', help: 'write a file for test/replays/' },
    },
    examples: [{ line: 'camera-service replay report.jsonl.gz', does: 'Says whether all states are equal' }],
    statuses: [
      [1, 'the states differ'],
      [2, 'the bundle cannot be replayed'],
    ],
  },
]

export const commandTable: readonly CommandEntry[] = [...client, ...service, ...access, ...diagnosis]

/** The exit statuses of all commands. */
export const exitStatuses: readonly (readonly [number, string])[] = [
  [0, 'success'],
  [1, 'the service refused the request, or any other error'],
  [69, 'no service answers, or the connection was lost'],
  [70, 'the service crashed too often (serve)'],
  [77, 'the token is not accepted or has too few rights, or a file with a secret is open to others'],
  [78, 'a fault of the command line, the profile or the configuration'],
  [130, 'interrupted with Ctrl-C'],
]

/** The options of one command, with those that it shares with others. */
export const optionsOf = ({ options = {}, connects }: CommandEntry): Readonly<Record<string, OptionEntry>> => ({
  ...options,
  ...(connects && connectionOptions),
  ...commonOptions,
})

/** `record ID`, `history [ID]`. */
export const usageOf = ({ name, words = [] }: CommandEntry): string =>
  [name, ...words.map((word) => (word.optional ? `[${word.name}]` : word.name))].join(' ')
