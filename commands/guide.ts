import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { App } from '../app.js'
import type { Configuration } from '../config/schema.js'
import type { WallClock } from '../machines/domain/ports.js'

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

/** The text of `serve --guide`: the addresses of the service and a token. Waits for the first camera. */
export async function guideText(
  config: Configuration,
  app: App,
  { clock, sources }: { clock: WallClock; sources: GuideSources },
): Promise<string> {
  const camera = await firstCamera(app)
  const { server, cause } = app.directory.link()
  const id = randomUUID()
  const token = await app.tokens.issue({ user: 'viewer', role: 'viewer', expiresIn: day, id })
  const credential = { user: 'viewer', id, expiresAt: clock.now() + day }
  const urls = app.watchUrls(camera?.id ?? 'camera0', hostForPeople(config.server), credential)
  const life =
    config.security.streams === 'open'
      ? ''
      : `\n                  (valid for ${config.security.stream_url_life / 60_000} min)`
  const state = camera && [camera.cause.state, camera.cause.reason?.details].filter(Boolean).join(': ')
  const { host } = config.http_health
  const signIn = app.signInCode({ user: 'console', role: 'admin' })
  const page = config.console.enabled
    ? `${consoleUrl(config, app, signIn.code)}
                  signs in as administrator; works once, within ${signIn.life / 60_000} min`
    : 'off'
  const { health } = app.ports
  return `
  The camera service is running.

    Console       ${page}
    WebSocket     ${webSocketUrl(config, app)}   (JSON-RPC 2.0)
    Health        ${health === undefined ? 'off' : `http://${host}:${health}/health`}
    Camera        ${camera ? `${camera.id}, ${camera.name} (${state})` : 'none found yet'}
    Stream        ${waysToWatch(urls).join('\n                  ')}${life}
    Media server  ${server ? `${server.kind}: ${server.why}` : `not yet: ${cause.reason?.details ?? 'starting'}`}
    Data          ${config.data_dir}

    A token of a viewer, valid for a day:
    ${token}

    Next: \`make demo\` in another terminal shows the API. This command prints a token of an operator:
    ${tokenCommand(sources)}
    Stop: Ctrl-C
`
}

/** One line per player. The VLC of Debian has no RTSP. docs/streams.md has more players. */
const waysToWatch = ({ rtsp, hls, webrtc }: ReturnType<App['watchUrls']>): string[] => [
  ...(webrtc ? [`browser: ${webrtc}`] : []),
  `ffplay -rtsp_transport tcp '${rtsp}'`,
  `mpv --rtsp-transport=tcp '${rtsp}'`,
  ...(hls ? [`vlc '${hls}'`] : []),
]

async function firstCamera({ directory, facts }: App) {
  const connected = () => directory.cameras().find((camera) => camera.status === 'CONNECTED')
  if (connected() === undefined) {
    const limit = AbortSignal.timeout(cameraLimit)
    await facts.next((fact): fact is typeof fact => fact.type === 'camera.connected', limit).catch(() => {})
  }
  return connected() ?? directory.cameras()[0]
}
