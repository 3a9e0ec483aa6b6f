import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { App } from '../app.js'
import type { Configuration } from '../config/schema.js'
import type { Told } from '../machines/domain/facts.js'
import type { WallClock } from '../machines/domain/ports.js'
import type { CameraView } from '../machines/domain/views.js'
import { paint, type Screen } from './client/screen.js'

/** The first camera is usually found within a second or two (ms). */
const cameraLimit = 4_000
const day = 24 * 3_600_000

/** The URL of the API, with a host that other computers can resolve. */
export const webSocketUrl = ({ server }: Configuration, { ports }: App): string =>
  `${server.tls.cert_file ? 'wss' : 'ws'}://${hostForPeople(server)}:${ports.rpc}${server.websocket_path}`

const hostForPeople = ({ public_host: named, host }: Configuration['server']): string =>
  named || (/^(0\.0\.0\.0|::)$/.test(host) ? hostname() : host)

/** The address of the console. `code`: adds a sign-in code, which works once; browsers send it to no server. */
export const consoleUrl = ({ server }: Configuration, { ports }: Pick<App, 'ports'>, code?: string): string =>
  `${server.tls.cert_file ? 'https' : 'http'}://${hostForPeople(server)}:${ports.rpc}/` +
  (code === undefined ? '' : `#signin=${code}`)

/** Where the settings of this run come from, as far as another command can repeat it. */
export interface GuideSources {
  configFile?: string | undefined
  dataDir?: string | undefined
}

/** The command that prints a token for this service, for the shell of another terminal. */
export function tokenCommand({ configFile, dataDir }: GuideSources): string {
  const flag = (name: string, path: string | undefined) => (path ? [name, quoted(resolve(path))] : [])
  const flags = [...flag('--config', configFile), ...flag('--data-dir', dataDir)]
  return ['node dist/main.js token --role operator', ...flags].join(' ')
}

const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** The text of `serve --guide`: the addresses of the service and a token. Waits for the first camera and its server. */
export async function guideText(
  config: Configuration,
  app: App,
  { clock, sources, screen }: { clock: WallClock; sources: GuideSources; screen: Pick<Screen, 'colours'> },
): Promise<string> {
  const camera = await firstCamera(app)
  const id = randomUUID()
  const token = await app.tokens.issue({ user: 'viewer', role: 'viewer', expiresIn: day, id })
  const credential = { user: 'viewer', id, expiresAt: clock.now() + day }
  const { health } = app.ports
  const bold = (text: string) => paint(screen, 'bold', text)
  const dim = (text: string) => paint(screen, 'dim', text)
  const rows: [string, string[]][] = [
    ['Console', consoleLines(config, app, dim)],
    ...cameraRows(config, app, { camera, credential, dim }),
    ['API', [`${webSocketUrl(config, app)}   ${dim('(WebSocket, JSON-RPC 2.0)')}`]],
    ['Health', [health === undefined ? 'off' : `http://${config.http_health.host}:${health}/health`]],
    ['Media server', [mediaServerText(app)]],
    ['Data', [resolve(config.data_dir)]],
    [
      'Token',
      [token, dim('of a viewer, valid for a day. This command prints one of an operator:'), tokenCommand(sources)],
    ],
  ]
  const lines = rows.flatMap(([name, texts]) =>
    texts.map((text, index) => `  ${bold((index === 0 ? name : '').padEnd(nameWidth))}${text}`),
  )
  const next = `  Next: ${bold('make demo')} in another terminal. Stop: ${bold('Ctrl-C')}.`
  return ['', `  ${paint(screen, 'green', 'The camera service is running.')}`, '', ...lines, '', next, ''].join('\n')
}

const nameWidth = 14

function consoleLines(config: Configuration, app: App, dim: (text: string) => string): string[] {
  if (!config.console.enabled) return ['off']
  const { code, life } = app.signInCode({ user: 'console', role: 'admin' })
  const note = `opens in a browser and signs in as administrator: once, within ${life / 60_000} min`
  return [consoleUrl(config, app, code), dim(note)]
}

/** Addresses of one camera: each signed one once, because it is longer than a line. */
function cameraRows(
  config: Configuration,
  app: App,
  {
    camera,
    credential,
    dim,
  }: {
    camera: CameraView | undefined
    credential: { user: string; id: string; expiresAt: number }
    dim: (text: string) => string
  },
): [string, string[]][] {
  if (camera === undefined)
    return [['Camera', ['none yet: plug in a USB camera, or add one to the configuration (docs/configuration.md)']]]
  const state = [camera.cause.state, camera.cause.reason?.details].filter(Boolean).join(': ')
  const row: [string, string[]] = ['Camera', [`${camera.id}, ${camera.name}: ${state}`]]
  if (camera.status !== 'CONNECTED') return [row]
  const { rtsp, webrtc } = app.watchUrls(camera.id, hostForPeople(config.server), credential)
  const { path, life } = app.stillPath(camera.id, credential)
  const minutes = (time: number) => `${Math.round(time / 60_000)} min`
  const lifeOfStreams =
    config.security.streams === 'open' ? '' : `for ${minutes(config.security.stream_url_life)}, snapshot `
  return [
    row,
    ...(webrtc ? [['Browser', [webrtc]] as [string, string[]]] : []),
    ['Snapshot', [`${consoleUrl(config, app)}${path.slice(1)}`]],
    ['Player', [`ffplay -rtsp_transport tcp '${rtsp}'`]],
    ['', [dim(`valid ${lifeOfStreams}for ${minutes(life)}; mpv, VLC and others: docs/streams.md`)]],
  ]
}

function mediaServerText({ directory }: App): string {
  const { server, cause, state } = directory.link()
  if (server === undefined) return `not yet: ${cause.reason?.details ?? 'starting'}`
  const name = server.kind === 'embedded' ? 'simulator' : `MediaMTX ${server.version ?? ''}`.trim()
  return `${name}, ${state}: ${server.why}`
}

/** The first camera that can be used, else any; waits a moment for it, and for the media server. */
async function firstCamera({ directory, facts }: App): Promise<CameraView | undefined> {
  const connected = () => directory.cameras().find((camera) => camera.status === 'CONNECTED')
  const limit = AbortSignal.timeout(cameraLimit)
  const happened = (type: Told['type']) =>
    facts.next((fact): fact is typeof fact => fact.type === type, limit).catch(() => {})
  await Promise.all([
    connected() ?? happened('camera.connected'),
    directory.link().state === 'up' || happened('link.up'),
  ])
  return connected() ?? directory.cameras()[0]
}
