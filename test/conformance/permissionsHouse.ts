import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role } from '../../machines/domain/access.js'
import type { Client } from '../e2e/service.js'
import type { Notification } from '../support/client.js'
import type { Identity } from './permissionsCells.js'

type Params = Record<string, unknown>

/** The cameras that limited callers may use, and those hidden from them. The second of each is an external stream. */
export const cameras = { own: ['camera0', 'camera2'], other: ['camera1', 'camera3'], absent: ['camera99'] } as const
export type Whose = keyof typeof cameras

/** The names of the hidden cameras in any text. */
export const secret = /camera[13](?!\d)|secluded/
export const shared = /camera0(?!\d)/

export const streamUrls = {
  own: 'rtsp://127.0.0.1:9/gate',
  other: 'rtsp://127.0.0.1:9/secluded',
  absent: 'rtsp://127.0.0.1:9/nowhere',
}

/** Limits that a thousand requests of one address do not reach, and external streams. */
export const settings = {
  CAMERA_SERVICE_SECURITY_RATE_LIMIT_REQUESTS: '1000000',
  CAMERA_SERVICE_SECURITY_RATE_LIMIT_ADDRESS_REQUESTS: '10000000',
  CAMERA_SERVICE_SECURITY_AUTH_FAILURES: '1000',
  CAMERA_SERVICE_API_KEY_MANAGEMENT_MAX_KEYS: '10000',
  // Clients without a credential stay connected to the end.
  CAMERA_SERVICE_SERVER_AUTHENTICATION_TIMEOUT: '10m',
  CAMERA_SERVICE_EXTERNAL_DISCOVERY_ENABLED: 'true',
  CAMERA_SERVICE_EXTERNAL_DISCOVERY_SCAN_INTERVAL: '0',
}

/** The client of an identity. */
export interface Visitor extends Identity {
  /** A token or an API key; empty: none. */
  credential: string
  client: Client
  /** All its notifications. */
  received: Notification[]
  /** Base URL of its HTTP requests, if it has its own. */
  base?: string
}

/** A service with the cameras, files and keys of the matrix. */
export interface House {
  dataDir: string
  /** Base URL of the API: `http://…`. */
  base: string
  call<Result = Params>(method: string, params?: Params): Promise<Result>
  token(role: Role, cameras?: readonly string[]): Promise<string>
  /** Opens a connection that is not authenticated. */
  connect(listener?: (notification: Notification) => void): Promise<Client>
  visitor(identity: Identity): Visitor
  until(what: string, probe: () => boolean): Promise<unknown>
}

export const nameOf = (whose: Whose): string => ({ own: 'gate', other: 'secluded', absent: 'nowhere' })[whose]

let made = 0
/** Makes a file of a camera, old enough for the retention policy; for an absent camera only its name. */
export async function makeFile(
  { dataDir }: Pick<House, 'dataDir'>,
  kind: 'recordings' | 'snapshots',
  whose: Whose,
): Promise<string> {
  made += 1
  const name = `${nameOf(whose)}-${made}.${kind === 'recordings' ? 'mp4' : 'jpg'}`
  if (whose === 'absent') return name
  const folder = join(dataDir, kind, cameras[whose][0])
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, name), `${kind} of ${nameOf(whose)}`)
  await utimes(join(folder, name), 1_700_000_000, 1_700_000_000)
  return name
}

/** Connects an identity, and authenticates it if it has a credential. */
export async function enter(house: Pick<House, 'connect'>, identity: Identity, credential: string): Promise<Visitor> {
  const received: Notification[] = []
  const client = await house.connect((notification) => received.push(notification))
  if (credential !== '') await client.call('authenticate', { auth_token: credential })
  return { ...identity, credential, client, received }
}

/** Makes an external stream, a key, files and a hold for each side. */
export async function furnish(house: Pick<House, 'dataDir' | 'call'>): Promise<void> {
  for (const whose of ['own', 'other'] as const) {
    const { device } = await house.call<{ device: string }>('add_external_stream', {
      stream_url: streamUrls[whose],
      stream_name: nameOf(whose),
    })
    if (device !== cameras[whose][1]) throw new Error(`${streamUrls[whose]} became ${device}`)
    await house.call('create_api_key', { user: nameOf(whose), role: 'viewer', cameras: [cameras[whose][0]] })
    for (const kind of ['recordings', 'snapshots'] as const) await makeFile(house, kind, whose)
    await house.call('start_streaming', { device: cameras[whose][0] })
  }
  await house.call('set_retention_policy', { policy_type: 'age', max_age_days: 1, enabled: false })
}

/** Changes each camera, the hidden one first: after the last notification a client could have got that one too. */
export async function stir({ call, until }: House, visitors: readonly Visitor[]): Promise<void> {
  for (const [device] of [cameras.other, cameras.own]) await call('take_snapshot', { device })
  for (const [device] of [cameras.other, cameras.own]) await call('simulate', { device, action: 'unplug' })
  const hasReceived = ({ received }: Visitor) =>
    received.some(({ method, params }) => method === 'camera.disconnected' && params.device === cameras.own[0])
  await until('all clients get the last notification', () =>
    visitors.every((visitor) => visitor.role === 'none' || hasReceived(visitor)),
  )
}
