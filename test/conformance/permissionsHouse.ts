import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role } from '../../machines/domain/access.js'
import type { Client } from '../e2e/service.js'
import type { Notification } from '../support/client.js'
import type { Identity } from './permissionsCells.js'

type Params = Record<string, unknown>

/** Of the limited ones: what they may use, and what does not exist for them. The second of each is an external stream. */
export const cameras = { own: ['camera0', 'camera2'], other: ['camera1', 'camera3'], absent: ['camera99'] } as const
export type Whose = keyof typeof cameras

/** What names the other cameras, in whatever is told. */
export const secret = /camera[13](?!\d)|secluded/
export const shared = /camera0(?!\d)/

export const streamUrls = {
  own: 'rtsp://127.0.0.1:9/gate',
  other: 'rtsp://127.0.0.1:9/secluded',
  absent: 'rtsp://127.0.0.1:9/nowhere',
}

/** Limits that a thousand questions of one address do not reach, and somewhere to add streams to. */
export const settings = {
  CAMERA_SERVICE_SECURITY_RATE_LIMIT_REQUESTS: '1000000',
  CAMERA_SERVICE_SECURITY_RATE_LIMIT_ADDRESS_REQUESTS: '10000000',
  CAMERA_SERVICE_SECURITY_AUTH_FAILURES: '1000',
  CAMERA_SERVICE_API_KEY_MANAGEMENT_MAX_KEYS: '10000',
  // Who has nothing to show stays to the end.
  CAMERA_SERVICE_SERVER_AUTHENTICATION_TIMEOUT: '10m',
  CAMERA_SERVICE_EXTERNAL_DISCOVERY_ENABLED: 'true',
  CAMERA_SERVICE_EXTERNAL_DISCOVERY_SCAN_INTERVAL: '0',
}

/** An identity that has come in. */
export interface Visitor extends Identity {
  /** A token or an API key; empty: nothing to show. */
  credential: string
  client: Client
  /** Everything that it was told unasked. */
  told: Notification[]
  /** Where they come in by HTTP, if not where everybody does. */
  base?: string
}

/** A service with what the matrix asks for. */
export interface House {
  dataDir: string
  /** Of the API: `http://…`. */
  base: string
  call<Result = Params>(method: string, params?: Params): Promise<Result>
  token(role: Role, cameras?: readonly string[]): Promise<string>
  /** A connection of its own, of nobody yet. */
  connect(listener?: (notification: Notification) => void): Promise<Client>
  visitor(identity: Identity): Visitor
  until(what: string, probe: () => boolean): Promise<unknown>
}

export const nameOf = (whose: Whose): string => ({ own: 'gate', other: 'secluded', absent: 'nowhere' })[whose]

let made = 0
/** A file of a camera, old enough for the retention policy; of an absent one only the name. */
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

/** Somebody who has come in by what they have to show, if anything. */
export async function enter(house: Pick<House, 'connect'>, identity: Identity, credential: string): Promise<Visitor> {
  const told: Notification[] = []
  const client = await house.connect((notification) => told.push(notification))
  if (credential !== '') await client.call('authenticate', { auth_token: credential })
  return { ...identity, credential, client, told }
}

/** What there is to be seen of each camera before anybody asks. */
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

/** Something that happens to each camera. The other first: who has heard of their own has had time to hear of that too. */
export async function stir({ call, until }: House, visitors: readonly Visitor[]): Promise<void> {
  for (const [device] of [cameras.other, cameras.own]) await call('take_snapshot', { device })
  for (const [device] of [cameras.other, cameras.own]) await call('simulate', { device, action: 'unplug' })
  const hasHeard = ({ told }: Visitor) =>
    told.some(({ method, params }) => method === 'camera.disconnected' && params.device === cameras.own[0])
  await until('everybody has heard of the end', () =>
    visitors.every((visitor) => visitor.role === 'none' || hasHeard(visitor)),
  )
}
