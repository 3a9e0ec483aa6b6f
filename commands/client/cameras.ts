import { count } from '../../machines/domain/amounts.js'
import type { Camera, CameraServiceClient, Methods } from '../../rpc/client/index.js'
import type { CommandOf } from '../line/command.js'
import type { Outcome } from '../outcome.js'
import type { ClientPorts } from './open.js'
import { type Cell, type Colour, clean, durationText, list, paint, type Screen, table, timeText } from './screen.js'
import { forPerson, shortCommand } from './words.js'

type Calling = Pick<CameraServiceClient, 'call'>
type Shown = Pick<ClientPorts, 'screen'>

/** `cameras`: a table of all cameras. */
export async function cameras(
  { json }: Pick<CommandOf<'cameras'>, 'json'>,
  { screen }: Shown,
  client: Calling,
): Promise<Outcome> {
  const result = await client.call('get_camera_list')
  if (json) return { status: 0, out: JSON.stringify(result, null, 2) }
  return result.total === 0
    ? { status: 0, err: 'there are no cameras: plug one in, or add one to cameras in the configuration' }
    : { status: 0, out: cameraTable(screen, result.cameras) }
}

const colours: Readonly<Record<string, Colour>> = { CONNECTED: 'green', DISCONNECTED: 'yellow', ERROR: 'red' }
const recordingColours: Readonly<Record<string, Colour>> = { RECORDING: 'red', INTERRUPTED: 'yellow', FAILED: 'yellow' }

export function cameraTable(screen: Screen, cameras: readonly Camera[]): string {
  const rows = cameras.map((camera): Cell[] => {
    const { id, status, state, stream_state, recording, resolution = '-', fps, kind, name, details, reason } = camera
    return [
      id,
      { text: status, colour: colours[status] },
      status === 'CONNECTED' ? state : [state, details ?? reason].filter(Boolean).join(': '),
      stream_state,
      recording ? { text: recording.status, colour: recordingColours[recording.status] } : '-',
      fps === undefined ? resolution : `${resolution}@${fps}`,
      kind,
      name,
    ]
  })
  return table(screen, ['ID', 'STATUS', 'STATE', 'STREAM', 'RECORDING', 'MODE', 'KIND', 'NAME'], rows)
}

/** `camera ID`: all about one camera. */
export async function camera(
  { device, json }: Pick<CommandOf<'camera'>, 'device' | 'json'>,
  { screen }: Shown,
  client: Calling,
): Promise<Outcome> {
  const result = await client.call('get_camera_status', { device })
  return { status: 0, out: json ? JSON.stringify(result, null, 2) : cameraText(screen, result) }
}

type CameraStatus = Methods['get_camera_status']['result']

function cameraText(screen: Screen, camera: CameraStatus): string {
  const { id, name, status, state, since, reason, details, kind, resolution, fps, streams, identity } = camera
  const { pipeline, recording, metrics, flapping, refused_methods: refused, allowed_methods: allowed } = camera
  const mode = resolution === undefined ? [] : [`${resolution}${fps === undefined ? '' : ` at ${fps} frames/s`}`]
  const rows: [string, string[]][] = [
    ['state', [`${state}, since ${timeText(since)}`]],
    ['reason', reason === undefined ? [] : [[reason, details].filter(Boolean).join(': ')]],
    ['kind', [`${kind}, identified by ${identity.basis} (confidence ${identity.confidence})`]],
    ['mode', mode],
    ['stream', [[camera.stream_state, metrics && count(metrics.readers, 'reader')].filter(Boolean).join(', ')]],
    ['pipeline', pipeline === undefined ? [] : [`${pipeline.kind}: ${pipeline.reason}`]],
    ['encoder', pipeline?.encoder === undefined ? [] : [[pipeline.encoder, pipeline.encoder_reason].join(': ')]],
    ['URLs', Object.values(streams)],
    ['recording', recording === undefined ? [] : recordingText(recording)],
    [
      'flapping',
      flapping === undefined
        ? []
        : [`${count(flapping.disconnects, 'disconnect')} in ${durationText(flapping.window_s)}`],
    ],
    ['allowed', allowed.length === 0 ? [] : [allowed.map(shortCommand).join(', ')]],
    ['refused', refused.map((each) => `${shortCommand(each.method)} (${each.reason}): ${forPerson(each.details, id)}`)],
  ]
  const cleaned = rows.map(([title, values]) => [title, values.map(clean)] as const)
  return [`${id} (${clean(name)}) is ${paint(screen, colours[status], status)}`, ...list(cleaned)].join('\n')
}

function recordingText({
  status,
  filename,
  start_time,
  since,
  reason,
  details,
  waits_for,
  gaps,
}: NonNullable<Camera['recording']>) {
  const interrupted = since === undefined ? '' : ` since ${timeText(since)}`
  const began = start_time === undefined ? '' : `, began ${timeText(start_time)}`
  const waits = waits_for === undefined ? '' : `; it waits for the ${waits_for}`
  return [
    `${status}${interrupted}${began}`,
    ...(filename === undefined ? [] : [filename]),
    ...(reason === undefined ? [] : [`${[reason, details].filter(Boolean).join(': ')}${waits}`]),
    ...(gaps.length === 0 ? [] : [count(gaps.length, 'gap')]),
  ]
}
