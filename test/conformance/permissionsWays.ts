import { createStreamReader } from '../../adapters/rtsp/reader.js'
import type { Log } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import type { Identity, Outcome, Row, Target } from './permissionsCells.js'
import { cameras, type House, makeFile, nameOf, secret, type Visitor } from './permissionsHouse.js'

type Headers = Record<string, string>
/** The credentials of a request. */
type Credentials = { headers?: Headers; query?: string; password?: string }

const statuses: Record<number, Outcome> = { 200: 'in', 401: 'auth', 403: 'role', 404: 'hidden' }
const outcomeOf = (status: number): Outcome => statuses[status] ?? `status ${status}`
export const silent: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

/** `forbidden`: the outcome for a hidden camera, which URLs and the media server refuse like a missing credential. */
const expectedOf =
  (forbidden: Outcome) =>
  ({ role, limited }: Identity, target: Target): Outcome => {
    if (role === 'none') return 'auth'
    return limited && target === 'other' ? forbidden : 'in'
  }

/** A client without a credential sends an invented one. */
const credentialOf = ({ credential }: Visitor) => credential || 'made-up'

/** The signature of a URL. */
const sigOf = (url: string): string => new URL(url, 'http://host').searchParams.get('sig') ?? ''

/** The target whose URL an identity can get: a limited one uses the URL of its own camera for the other one. */
const reachable = ({ limited }: Identity, target: Target) => (limited || target === 'both' ? 'own' : target)

const targets = ['own', 'other'] as const

const byHeader: Record<string, (credential: string) => Headers> = {
  Bearer: (credential) => ({ Authorization: `Bearer ${credential}` }),
  'X-API-Key': (credential) => ({ 'X-API-Key': credential }),
}

/** Files and pictures by HTTP, with signed URLs and other credentials. */
export function httpRows(house: () => House, ways = byHeader): Row[] {
  const get = ({ base = house().base }: Visitor, path: string, { headers = {}, query = '' }: Credentials) =>
    fetch(`${base}${path}${query}`, { headers, signal: AbortSignal.timeout(20_000) })

  const kinds = {
    'GET recording': {
      path: async (whose: 'own' | 'other' | 'absent') =>
        `/files/recordings/${await makeFile(house(), 'recordings', whose)}`,
      url: async ({ client }: Visitor, path: string) =>
        (await client.call<{ download_url: string }>('get_recording_info', { filename: path.split('/').pop() }))
          .download_url,
      isIt: (body: Buffer, target: Target) =>
        body.toString() === `recordings of ${target === 'other' ? nameOf('other') : nameOf('own')}`,
    },
    'GET snapshot': {
      path: async (whose: 'own' | 'other' | 'absent') =>
        `/files/snapshots/${await makeFile(house(), 'snapshots', whose)}`,
      url: async ({ client }: Visitor, path: string) =>
        (await client.call<{ download_url: string }>('get_snapshot_info', { filename: path.split('/').pop() }))
          .download_url,
      isIt: (body: Buffer, target: Target) =>
        body.toString() === `snapshots of ${target === 'other' ? nameOf('other') : nameOf('own')}`,
    },
    'GET snapshot.jpg': {
      path: async (whose: 'own' | 'other' | 'absent') => `/cameras/${cameras[whose][0]}/snapshot.jpg`,
      url: async ({ client }: Visitor, path: string) =>
        (await client.call<{ snapshot_url: string }>('get_stream_url', { device: path.split('/')[2] })).snapshot_url,
      isIt: (body: Buffer) => body.readUInt16BE(0) === 0xffd8,
    },
  }
  return Object.entries(kinds).flatMap(([title, { path, url, isIt }]): Row[] => {
    const judge = async (response: Response, target: Target): Promise<Outcome> => {
      const body = Buffer.from(await response.arrayBuffer())
      return response.status === 200 && !isIt(body, target) ? 'something else' : outcomeOf(response.status)
    }
    const inHeader = Object.entries(ways).map(
      ([way, headersOf]): Row => ({
        title: `${title}, ${way}`,
        targets,
        expected: expectedOf('hidden'),
        ask: async (identity, target) => {
          const visitor = house().visitor(identity)
          const credentials = { headers: headersOf(credentialOf(visitor)) }
          const wanted = await path(target === 'other' ? 'other' : 'own')
          const outcome = await judge(await get(visitor, wanted, credentials), target)
          if (outcome !== 'hidden') return outcome
          const absent = await path('absent')
          const lines = await Promise.all(
            [wanted, absent].map(async (each) =>
              (await (await get(visitor, each, credentials)).text()).replaceAll(lastOf(each), '…'),
            ),
          )
          return lines[0] === lines[1]
            ? 'hidden'
            : `refused differently from something that does not exist: ${lines.join(' | ')}`
        },
      }),
    )
    const inQuery: Row = {
      title: `${title}, signed URL`,
      targets,
      expected: expectedOf('auth'),
      ask: async (identity, target) => {
        const visitor = house().visitor(identity)
        const wanted = await path(target === 'other' ? 'other' : 'own')
        const given = identity.limited && target === 'other' ? await path('own') : wanted
        const query =
          identity.role === 'none' ? '?sig=made-up' : new URL(await url(visitor, given), 'http://host').search
        return judge(await get(visitor, wanted, { query }), target)
      },
    }
    return [...inHeader, inQuery]
  })
}

/** The name in a path. */
const lastOf = (path: string): string => path.split('/').findLast((part) => part !== 'snapshot.jpg') ?? ''

const wanted = (target: Target) => cameras[target === 'other' ? 'other' : 'own'][0]

const streamSig = async ({ client, role, ...visitor }: Visitor, target: Target): Promise<string> => {
  if (role === 'none') return 'made-up'
  const device = cameras[reachable({ role, ...visitor }, target)][0]
  return sigOf((await client.call<{ stream_url: string }>('get_stream_url', { device })).stream_url)
}

const basic = (password: string) => ({
  Authorization: `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`,
})

/** A keyframe from the media server by RTSP. */
export function rtspRows(house: () => House, port: () => number): Row[] {
  const ways: Record<string, (visitor: Visitor, target: Target) => Promise<Credentials> | Credentials> = {
    password: (visitor) => ({ password: credentialOf(visitor) }),
    token: (visitor) => ({ query: `?token=${encodeURIComponent(credentialOf(visitor))}` }),
    'signed URL': async (visitor, target) => ({
      query: `?sig=${encodeURIComponent(await streamSig(visitor, target))}`,
    }),
  }
  return Object.entries(ways).map(([way, show]) => ({
    title: `RTSP read, ${way}`,
    targets,
    expected: expectedOf('auth'),
    ask: async (identity, target) => {
      const { query = '', password } = await show(house().visitor(identity), target)
      const credentials = password === undefined ? {} : { credentials: { user: 'anybody', password } }
      const limits = { startTimeout: 60_000, keyframeTimeout: 60_000 }
      const reader = createStreamReader({ host: '127.0.0.1', port: port(), log: silent, ...limits, ...credentials })
      return reader.keyframe(`${wanted(target)}${query}`, AbortSignal.timeout(60_000)).then(
        (picture) => (picture.length > 0 ? 'in' : 'no picture'),
        (error: Error) => (error instanceof Failure && error.code === 'server_refused' ? 'auth' : error.message),
      )
    },
  }))
}

/** A playlist from the media server by HLS. */
export function hlsRows(house: () => House, port: () => number): Row[] {
  const ways: Record<string, (visitor: Visitor, target: Target) => Promise<Credentials> | Credentials> = {
    password: (visitor) => ({ headers: basic(credentialOf(visitor)) }),
    Bearer: (visitor) => ({ headers: { Authorization: `Bearer ${credentialOf(visitor)}` } }),
    'signed URL': async (visitor, target) => ({
      query: `?sig=${encodeURIComponent(await streamSig(visitor, target))}`,
    }),
  }
  return Object.entries(ways).map(([way, show]) => ({
    title: `HLS read, ${way}`,
    targets,
    expected: expectedOf('auth'),
    ask: async (identity, target) => {
      const { query = '', headers = {} } = await show(house().visitor(identity), target)
      const url = `http://127.0.0.1:${port()}/${wanted(target)}/index.m3u8${query}`
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) })
      const text = await response.text()
      return response.status === 200 && !text.startsWith('#EXTM3U') ? 'no playlist' : outcomeOf(response.status)
    },
  }))
}

/** The notifications about a change of each camera. */
export function notificationRow(house: () => House): Row {
  return {
    title: 'notifications',
    targets,
    expected: expectedOf('hidden'),
    ask: async (identity, target) => {
      const { received, role, limited } = house().visitor(identity)
      if (role === 'none') return received.length === 0 ? 'auth' : 'in'
      const isNotified = (camera: string) =>
        received.some(({ method, params }) => method === 'snapshot.taken' && params.device === camera)
      // A scan finds streams that are not cameras yet.
      if (limited === received.some(({ method }) => method.startsWith('discovery.')))
        return limited ? 'got discovery topics' : 'got no discovery topics'
      if (target === 'own') return isNotified(cameras.own[0]) ? 'in' : 'hidden'
      const [found] = limited ? (secret.exec(JSON.stringify(received)) ?? []) : []
      return found !== undefined || isNotified(cameras.other[0]) ? 'in' : 'hidden'
    },
  }
}
