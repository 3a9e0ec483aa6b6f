import { findSecret, jwtSecret } from '../adapters/data/secrets.js'
import { codeOf } from '../adapters/errorCode.js'
import { createTokens } from '../adapters/tokens/tokens.js'
import { jwtSecretSources, tokenOptions } from '../config/derive/access.js'
import type { Configuration } from '../config/schema.js'
import { hostInUrl, reachable } from '../machines/domain/address.js'
import { reasonOf } from '../machines/domain/errors.js'
import type { CameraServiceClient } from '../rpc/client/index.js'
import { connectTo, type Service } from './client/service.js'
import { dataFolders } from './dataFolders.js'
import { UsageError } from './line/command.js'
import { CommandError, type CommandPorts, noPermission } from './outcome.js'
import { localTls } from './ownCertificate.js'

/** Life of a token, in ms. The client gets a new one for each connection. */
const life = 60_000

/** `fingerprint`: of the certificate that the service had at its start, if that is known. */
interface LocalAddress {
  config: Configuration
  fingerprint?: string | undefined
}

/** The address of the service that runs on this host with this configuration. */
export function localUrl({ server }: Configuration): string {
  const { host, port, websocket_path: path, tls } = server
  if (port === 0) throw new UsageError('server.port is 0: the port of the running service is not known')
  return `${tls.cert_file ? 'wss' : 'ws'}://${hostInUrl(reachable(host))}:${port}${path}`
}

/**
 * Connects to the service that runs on this host, with a short-lived token made with the secret of its data directory:
 * a user that can read it may use the service. Rejects with NotRunning if there is none.
 */
export async function openLocally(
  { config, fingerprint }: LocalAddress,
  ports: Pick<CommandPorts, 'env' | 'clock'>,
): Promise<Service> {
  const url = localUrl(config)
  const secret = await readableSecret(config, ports)
  const tokens = createTokens({ secret, clock: ports.clock, ...tokenOptions(config) })
  const credential = () => tokens.issue({ user: 'local', role: 'admin', expiresIn: life })
  return connectTo({ url, credential, tls: await localTls(config, fingerprint) })
}

export const connectLocally = async (
  address: LocalAddress,
  ports: Pick<CommandPorts, 'env' | 'clock'>,
): Promise<CameraServiceClient> => (await openLocally(address, ports)).client

/** Unlike `localTokens`, generates no secret, so that the administrator can ask the service of another user. */
async function readableSecret(config: Configuration, { env }: Pick<CommandPorts, 'env'>): Promise<Uint8Array> {
  const sources = jwtSecretSources(config)
  const { secrets: secretsDir } = dataFolders(config)
  try {
    const isConfigured = sources.value !== '' || sources.file !== ''
    const credentialsDirectory = env.CREDENTIALS_DIRECTORY
    const key =
      isConfigured || credentialsDirectory
        ? (await jwtSecret({ ...sources, credentialsDirectory, secretsDir })).key
        : await findSecret(secretsDir, 'jwt_secret')
    if (key !== undefined) return key
  } catch (error) {
    const reason = reasonOf(error)
    if (!['EACCES', 'EPERM'].includes(codeOf(error))) throw error
    throw new CommandError(
      `${reason}: run this command as the user of the service or with sudo, or show a token with --token-file FILE, ` +
        'CAMERA_SERVICE_TOKEN or a profile',
      noPermission,
    )
  }
  throw new UsageError(
    `no camera service has used the data directory ${config.data_dir}: start the service first, or select the data ` +
      'directory of the running service with --data-dir DIR, --config FILE, CAMERA_SERVICE_DATA_DIR or ' +
      'CAMERA_SERVICE_CONFIG; or name a service with --url URL or a profile',
  )
}
