import { bytesText, count } from '../../machines/domain/amounts.js'
import type { CameraServiceClient, Methods } from '../../rpc/client/index.js'
import { RpcError } from '../../rpc/client/index.js'
import type { CommandOf } from '../line/command.js'
import type { Outcome } from '../outcome.js'
import { cameraTable } from './cameras.js'
import type { ClientPorts } from './open.js'
import { type Colour, clean, durationText, list, paint, type Screen, timeText } from './screen.js'

type Calling = Pick<CameraServiceClient, 'call'>

/** `status`: what runs, what does not, and why. Viewers do not see the disk and the health. */
export async function status(
  { json }: Pick<CommandOf<'status'>, 'json'>,
  { screen }: Pick<ClientPorts, 'screen'>,
  client: Calling,
): Promise<Outcome> {
  const [server, system, cameras, health, storage, config] = await Promise.all([
    client.call('get_server_info'),
    client.call('get_system_status'),
    client.call('get_camera_list'),
    ifAllowed(client.call('get_status')),
    ifAllowed(client.call('get_storage_info')),
    ifAllowed(client.call('get_config')),
  ])
  const configuration = config && withoutValues(config)
  const all = {
    ...{ server, system, cameras },
    ...(health && { health }),
    ...(storage && { storage }),
    ...(configuration && { configuration }),
  }
  return { status: 0, out: json ? JSON.stringify(all, null, 2) : statusText(screen, all) }
}

/** `undefined` if the caller has not the right, or an older service not the method. */
const ifAllowed = <T>(call: Promise<T>): Promise<T | undefined> =>
  call.catch((error: unknown) => {
    if (error instanceof RpcError && (error.code === -32002 || error.code === -32601)) return undefined
    throw error
  })

interface All {
  server: Methods['get_server_info']['result']
  system: Methods['get_system_status']['result']
  cameras: Methods['get_camera_list']['result']
  health?: Methods['get_status']['result']
  storage?: Methods['get_storage_info']['result']
  configuration?: ReturnType<typeof withoutValues>
}

const withoutValues = ({ version: _version, values: _values, ...rest }: Methods['get_config']['result']) => rest

const colours: Readonly<Record<string, Colour>> = {
  HEALTHY: 'green',
  ready: 'green',
  DEGRADED: 'yellow',
  UNHEALTHY: 'red',
}

function statusText(screen: Screen, { server, system, cameras, health, storage, configuration }: All): string {
  const word = health?.status ?? system.status
  const uptime = health ? `, up ${durationText(health.uptime)}` : ''
  const media = server.media_server
  const recording = cameras.cameras.filter((camera) => camera.recording?.status === 'RECORDING').length
  const parts = list([
    ['cameras', [`${cameras.connected} of ${cameras.total} connected, ${recording} recording`]],
    ['discovery', [reasonText(health?.reasons.camera_monitor) ?? system.discovery_mode]],
    ['MediaMTX', media ? [`${reasonText(health?.reasons.mediamtx) ?? media.state} (${mediaText(media)})`] : []],
    ['storage', storage ? [reasonText(storage) ?? storage.state, spaceText(storage)] : []],
    ['retention', health?.reasons.retention ? [reasonText(health.reasons.retention) ?? ''] : []],
    ['config', configuration ? configurationText(configuration) : []],
    ['simulation', server.simulation ? ['faults are simulated: this service is not for production'] : []],
  ])
  return [
    `camera service ${clean(server.version)} is ${paint(screen, colours[word], clean(word))}${uptime}`,
    ...parts,
    ...(cameras.total === 0 ? [] : ['', cameraTable(screen, cameras.cameras)]),
  ].join('\n')
}

const mediaText = ({ kind, version }: NonNullable<All['server']['media_server']>): string =>
  clean([kind, version].filter(Boolean).join(', '))

/** Nothing if the file is in force as it is. */
function configurationText({ changing, needs_restart: waiting, ...last }: NonNullable<All['configuration']>): string[] {
  const why = changing ? undefined : (last.details ?? last.reason)
  return [
    ...(changing ? ['a change is being applied'] : []),
    ...(why === undefined ? [] : [clean(`the last change is not in force: ${why}`)]),
    ...(waiting.length === 0 ? [] : [clean(`a restart is needed for ${waiting.join(', ')}`)]),
  ]
}

/** `down since 2026-01-02 03:04:05Z: the server does not answer`. */
function reasonText(part: { state: string; since?: string; reason?: string; details?: string } | undefined) {
  if (part === undefined) return undefined
  const { state, since, reason, details } = part
  const why = details ?? reason
  return clean([state, since && `since ${timeText(since)}`].filter(Boolean).join(' ') + (why ? `: ${why}` : ''))
}

function spaceText({
  available_space,
  total_space,
  usage_percentage,
  recordings_size,
  forecast,
}: NonNullable<All['storage']>) {
  const full =
    forecast?.days_left === undefined ? '' : `; full in ${count(Math.max(0, Math.round(forecast.days_left)), 'day')}`
  return (
    `${bytesText(available_space)} free of ${bytesText(total_space)} (${Math.round(usage_percentage)} % used), ` +
    `recordings ${bytesText(recordings_size)}${full}`
  )
}
