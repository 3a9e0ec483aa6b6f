import { hostname } from 'node:os'
import { jwtSecret } from './adapters/data/secrets.js'
import { createLog } from './adapters/log/log.js'
import { summariseRepeats } from './adapters/log/repeat.js'
import { downloadMediamtx } from './adapters/mediamtx/download.js'
import { createSystemdNotifier } from './adapters/systemd/notify.js'
import { createTokens } from './adapters/tokens/tokens.js'
import { type App, startApp, version } from './app.js'
import { type Command, helpText, parseArguments, UsageError } from './config/arguments.js'
import { ConfigurationError, loadConfiguration } from './config/load.js'
import type { Configuration } from './config/schema.js'
import { reasonOf } from './machines/domain/errors.js'
import type { Role } from './machines/domain/ports.js'

/** `EX_CONFIG` of sysexits.h: systemd does not restart on it. */
const configurationFault = 78
const clock = { now: Date.now }

/** The only place that ends the process: udev's monitor can never be closed, so nothing else would. */
async function main(): Promise<number> {
  const command = parseArguments(process.argv.slice(2))
  if (command.name === 'help') return say(helpText())
  if (command.name === 'version') return say(version)
  const { config, warnings } = loadConfiguration({ file: command.config, env: process.env, flags: command.flags })
  if (command.name === 'check-config') return say(['the configuration is good', ...warnings.map((line) => `warning: ${line}`)].join('\n'))
  if (command.name === 'token') return say(await issueToken(config, command))
  return command.name === 'serve' ? serve(config, warnings, command.guide) : download(config)
}

async function serve(config: Configuration, warnings: string[], guide: boolean): Promise<number> {
  const output = createLog({ level: config.logging.level, format: config.logging.format })
  const log = summariseRepeats(output, { period: config.logging.repeat_period, clock })
  for (const warning of warnings) log.warn(warning)
  const systemd = createSystemdNotifier({ env: process.env, log })
  const asked = new Promise<string>((resolve) => {
    process.on('SIGTERM', () => resolve('SIGTERM'))
    process.on('SIGINT', () => resolve('SIGINT'))
    // The terminal of `make run` was closed.
    process.on('SIGHUP', () => resolve('SIGHUP'))
  })
  // The service goes on without what failed, and says so: a bug in one camera's path is no reason to stop the others.
  process.on('unhandledRejection', (error) => log.error('a rejection was not handled', { error }))
  try {
    const app = await startApp({ config, log, env: process.env })
    log.info('the service listens', { url: webSocketUrl(config, app) })
    await systemd.ready(app.directory.system().message)
    const alive = systemd.interval === undefined ? undefined : setInterval(() => void systemd.watchdog(), systemd.interval)
    if (guide) void showGuide(config, app)
    const reason = await asked
    log.info('the service stops', { reason })
    await systemd.stopping()
    clearInterval(alive)
    await app.stop(reason)
    return 0
  } catch (error) {
    log.error(`the service cannot start: ${reasonOf(error)}`)
    return 1
  } finally {
    log.close()
    await output.close()
  }
}

async function download({ data_dir: dataDir }: Configuration): Promise<number> {
  const file = await downloadMediamtx({ dataDir, log: createLog({ level: 'info', format: 'text' }), signal: AbortSignal.timeout(10 * 60_000) })
  return say(`MediaMTX is in ${file}; the service uses it from its next start on.`)
}

async function issueToken(config: Configuration, { role, user, expires }: Extract<Command, { name: 'token' }>): Promise<string> {
  const { jwt_secret_key: value, jwt_secret_file: file, jwt_expiry_hours: standard } = config.security
  const secret = await jwtSecret({ value, file, credentialsDirectory: process.env.CREDENTIALS_DIRECTORY, secretsDir: `${config.data_dir}/secrets` })
  return createTokens({ secret: secret.key, clock }).issue({ user, role, expiresIn: expires ?? standard })
}

const webSocketUrl = ({ server }: Configuration, { ports }: App): string => `ws://${hostForPeople(server)}:${ports.rpc}${server.websocket_path}`

const hostForPeople = ({ public_host: named, host }: Configuration['server']): string => named || (/^(0\.0\.0\.0|::)$/.test(host) ? hostname() : host)

/** What somebody who just started the service wants to do next. */
async function showGuide(config: Configuration, app: App): Promise<void> {
  const camera = await firstCamera(app)
  const { server, cause } = app.directory.link()
  const token = (role: Role) => app.tokens.issue({ user: role, role, expiresIn: 24 * 3_600_000 })
  const stream = `rtsp://${hostForPeople(config.server)}:${config.mediamtx.rtsp_port}/${camera?.id ?? 'camera0'}`
  console.log(`
  The camera service runs.

    WebSocket     ${webSocketUrl(config, app)}   (JSON-RPC 2.0)
    Health        ${app.ports.health === undefined ? 'off' : `http://${config.http_health.host}:${app.ports.health}/health`}
    Camera        ${camera ? `${camera.id}, ${camera.name} (${camera.cause.state}${camera.cause.reason ? `: ${camera.cause.reason}` : ''})` : 'none found yet'}
    Stream        ${stream}
                  ffplay -rtsp_transport tcp ${stream}      (VLC: Media, Open Network Stream)
    Media server  ${server ? `${server.kind}: ${server.why}` : `not yet: ${cause.reason ?? 'starting'}`}
    Data          ${config.data_dir}

    A viewer's token, good for a day:
    ${await token('viewer')}

    Next: \`make demo\` in another terminal tours the API; \`node dist/main.js token --role operator\` prints further tokens.
    Stop: Ctrl-C
`)
}

/** Waits a little: the first camera is found within a second or two. */
async function firstCamera({ directory, facts }: App) {
  const found = () => directory.cameras().find((camera) => camera.status === 'CONNECTED')
  if (found() === undefined) {
    await facts.next((fact): fact is typeof fact => fact.type === 'camera.connected', AbortSignal.timeout(4_000)).catch(() => {})
  }
  return found() ?? directory.cameras()[0]
}

function say(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

main()
  .catch((error: unknown) => {
    const isTheirs = error instanceof UsageError || error instanceof ConfigurationError
    process.stderr.write(`${isTheirs ? error.message : `camera-service: ${reasonOf(error)}`}\n`)
    return isTheirs ? configurationFault : 1
  })
  .then((code) => process.exit(code))
