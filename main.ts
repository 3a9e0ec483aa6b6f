import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { verifyAudit } from './adapters/audit/verify.js'
import { demandOwner } from './adapters/data/owner.js'
import { findSecret, jwtSecret } from './adapters/data/secrets.js'
import { createApiKeys, type KeyKeeper } from './adapters/keys/apiKeys.js'
import { createLog } from './adapters/log/log.js'
import { summariseRepeats } from './adapters/log/repeat.js'
import { downloadMediamtx } from './adapters/mediamtx/download.js'
import { createSystemdNotifier } from './adapters/systemd/notify.js'
import { createRevocations } from './adapters/tokens/revocations.js'
import { createTokens } from './adapters/tokens/tokens.js'
import { readKeyFiles } from './adapters/tokens/trustedKeys.js'
import { type App, startApp, version } from './app.js'
import { type Command, helpText, parseArguments, UsageError } from './config/arguments.js'
import { ConfigurationError, loadConfiguration } from './config/load.js'
import type { Configuration } from './config/schema.js'
import { type ApiKey, neverExpires } from './machines/domain/access.js'
import { reasonOf, ServiceError } from './machines/domain/errors.js'
import type { Log } from './machines/domain/ports.js'

/** `EX_CONFIG` of sysexits.h: systemd does not restart on it. */
const configurationFault = 78
const clock = { now: Date.now }

/** The only place that ends the process: udev's monitor can never be closed, so nothing else would. */
async function main(): Promise<number> {
  const command = parseArguments(process.argv.slice(2))
  if (command.name === 'help') return say(helpText())
  if (command.name === 'version') return say(version)
  const { config, warnings } = loadConfiguration({ file: command.config, env: process.env, flags: command.flags })
  switch (command.name) {
    case 'check-config':
      return checkConfiguration(config, warnings)
    case 'token':
      return 'revoke' in command ? revokeToken(config, command.revoke) : issueToken(config, command)
    case 'keys':
      return manageKeys(config, command)
    case 'audit':
      return checkAudit(config)
    case 'download-mediamtx':
      return download(config)
    default:
      return serve(config, warnings, command.guide)
  }
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
    const alive =
      systemd.interval === undefined ? undefined : setInterval(() => void systemd.watchdog(), systemd.interval)
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
  const file = await downloadMediamtx({
    dataDir,
    log: createLog({ level: 'info', format: 'text' }),
    signal: AbortSignal.timeout(10 * 60_000),
  })
  return say(`MediaMTX is in ${file}; the service uses it from its next start on.`)
}

async function checkConfiguration({ security }: Configuration, warnings: string[]): Promise<number> {
  try {
    await readKeyFiles(security.jwt_keys)
  } catch (error) {
    tell(reasonOf(error))
    return configurationFault
  }
  return say(['the configuration is good', ...warnings.map((line) => `warning: ${line}`)].join('\n'))
}

type CommandOf<Name extends Command['name']> = Extract<Command, { name: Name }>

async function issueToken(
  config: Configuration,
  wish: Exclude<CommandOf<'token'>, { revoke: string }>,
): Promise<number> {
  const { role, user, expires, cameras, id } = wish
  const {
    jwt_secret_key: value,
    jwt_secret_file: file,
    jwt_expiry_hours: standard,
    jwt_issuer: issuer,
    jwt_audience: audience,
  } = config.security
  const secret = await jwtSecret({
    value,
    file,
    credentialsDirectory: process.env.CREDENTIALS_DIRECTORY,
    secretsDir: join(config.data_dir, 'secrets'),
  })
  const tokens = createTokens({ secret: secret.key, clock, issuer, audience })
  const expiresIn = expires ?? standard
  return say(
    await tokens.issue({ user, role, expiresIn, ...(cameras && { cameras }), ...(id !== undefined && { id }) }),
  )
}

/** Tokens of other issuers too, so until when is not known: for good. */
async function revokeToken(config: Configuration, id: string): Promise<number> {
  const revocations = await createRevocations({ stateDir: await stateFolder(config), clock, log: terminalLog })
  try {
    await revocations.revoke({ kind: 'token', id }, neverExpires)
    tell(`the token ${id} is revoked; a service that runs ends its sessions within a second`)
    return 0
  } finally {
    await revocations.close()
  }
}

async function manageKeys(config: Configuration, command: CommandOf<'keys'>): Promise<number> {
  const { default_expiry: expiry, max_keys: maxKeys } = config.api_key_management
  const keys = await createApiKeys({
    stateDir: await stateFolder(config),
    clock,
    log: terminalLog,
    defaults: { expiry, maxKeys },
  })
  try {
    return await manage(keys, command)
  } finally {
    await keys.close()
  }
}

async function manage(keys: KeyKeeper, command: CommandOf<'keys'>): Promise<number> {
  switch (command.act) {
    case 'create': {
      const { role, user, expires, cameras } = command
      return showOnce(
        await keys.create({
          role,
          user,
          ...(expires !== undefined && { expiresIn: expires }),
          ...(cameras && { cameras }),
        }),
      )
    }
    case 'list':
      return say(keyTable(await keys.list()))
    case 'rotate': {
      const made = await keys.rotate(command.id)
      tell(`the key ${command.id} has ended`)
      return showOnce(made)
    }
    case 'revoke': {
      const { id, prefix } = await keys.revoke(command.id)
      tell(`the key ${id} (${prefix}…) is revoked; a service that runs ends its sessions within a second`)
      return 0
    }
  }
}

/** The key alone on standard output, for `$(…)`; the words on the other one. */
function showOnce({ key, secret }: { key: ApiKey; secret: string }): number {
  const { id, user, role, cameras, expiresAt } = key
  tell(
    `key ${id} of ${user}: ${role}, ${cameras?.join(',') ?? 'every camera'}, expires ${dateOf(expiresAt)}. It is shown this once.`,
  )
  return say(secret)
}

function keyTable(keys: ApiKey[]): string {
  const stateOf = ({ revokedAt, expiresAt }: ApiKey) =>
    revokedAt !== undefined ? 'revoked' : expiresAt <= clock.now() ? 'expired' : 'active'
  const rows = keys.map((key) => [
    ...[key.id, key.prefix, stateOf(key), key.role, key.user, key.cameras?.join(',') ?? '*'],
    ...[dateOf(key.createdAt), dateOf(key.expiresAt), key.lastUsedAt === undefined ? '-' : dateOf(key.lastUsedAt)],
  ])
  const lines = [['ID', 'KEY', 'STATE', 'ROLE', 'USER', 'CAMERAS', 'CREATED', 'EXPIRES', 'LAST USED'], ...rows]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const dateOf = (time: number) => (time === neverExpires ? 'never' : `${new Date(time).toISOString().slice(0, 19)}Z`)

async function checkAudit({ data_dir: dataDir }: Configuration): Promise<number> {
  const secret = await findSecret(join(dataDir, 'secrets'), 'audit_secret')
  if (secret === undefined) {
    tell('the audit log cannot be proven: the data directory has no secrets/audit_secret')
    return 1
  }
  const verdict = await verifyAudit({ dir: join(dataDir, 'audit'), headDir: join(dataDir, 'state'), secret })
  const counted = `${verdict.entries} ${verdict.entries === 1 ? 'entry' : 'entries'}`
  if (verdict.good) return say(`the audit log is whole: ${counted}`)
  say(`the audit log is not whole: ${verdict.fault} (${counted} before it are good)`)
  return 1
}

async function stateFolder({ data_dir: dataDir }: Configuration): Promise<string> {
  const dir = join(dataDir, 'state')
  await demandOwner(dir)
  return dir
}

/** Words for the person at the terminal, beside what a script would read. */
function tell(words: string): void {
  process.stderr.write(`${words}\n`)
}

const terminalLog: Log = { error: tell, warn: tell, info: () => {}, debug: () => {} }

/** What a command was refused with, and what to do about it. */
const wordsOf = (error: unknown): string => {
  if (!(error instanceof ServiceError)) return reasonOf(error)
  const { state, rule, detail, id, suggestion } = error.data
  return [error.message, state ?? rule ?? detail ?? id, suggestion].filter((part) => part !== undefined).join('; ')
}

const webSocketUrl = ({ server }: Configuration, { ports }: App): string =>
  `${server.tls.cert_file ? 'wss' : 'ws'}://${hostForPeople(server)}:${ports.rpc}${server.websocket_path}`

const hostForPeople = ({ public_host: named, host }: Configuration['server']): string =>
  named || (/^(0\.0\.0\.0|::)$/.test(host) ? hostname() : host)

/** What somebody who just started the service wants to do next. */
async function showGuide(config: Configuration, app: App): Promise<void> {
  const camera = await firstCamera(app)
  const { server, cause } = app.directory.link()
  const [id, day] = [randomUUID(), 24 * 3_600_000]
  const token = await app.tokens.issue({ user: 'viewer', role: 'viewer', expiresIn: day, id })
  const stream = app.watchUrl(camera?.id ?? 'camera0', hostForPeople(config.server), {
    user: 'viewer',
    id,
    expiresAt: clock.now() + day,
  })
  console.log(`
  The camera service runs.

    WebSocket     ${webSocketUrl(config, app)}   (JSON-RPC 2.0)
    Health        ${app.ports.health === undefined ? 'off' : `http://${config.http_health.host}:${app.ports.health}/health`}
    Camera        ${camera ? `${camera.id}, ${camera.name} (${camera.cause.state}${camera.cause.reason ? `: ${camera.cause.reason}` : ''})` : 'none found yet'}
    Stream        ${stream}
                  ${config.security.streams === 'open' ? '' : `good for ${config.security.stream_url_life / 60_000} min; `}ffplay -rtsp_transport tcp '<that>', or VLC: Media, Open Network Stream
    Media server  ${server ? `${server.kind}: ${server.why}` : `not yet: ${cause.reason ?? 'starting'}`}
    Data          ${config.data_dir}

    A viewer's token, good for a day:
    ${token}

    Next: \`make demo\` in another terminal tours the API; \`node dist/main.js token --role operator\` prints further tokens.
    Stop: Ctrl-C
`)
}

/** Waits a little: the first camera is found within a second or two. */
async function firstCamera({ directory, facts }: App) {
  const found = () => directory.cameras().find((camera) => camera.status === 'CONNECTED')
  if (found() === undefined) {
    await facts
      .next((fact): fact is typeof fact => fact.type === 'camera.connected', AbortSignal.timeout(4_000))
      .catch(() => {})
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
    process.stderr.write(`${isTheirs ? error.message : `camera-service: ${wordsOf(error)}`}\n`)
    return isTheirs ? configurationFault : 1
  })
  .then((code) => process.exit(code))
