import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { createConnection } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import WebSocket from 'ws'
import { UsageError } from '../config/arguments.js'
import type { Configuration } from '../config/schema.js'
import { hostInUrl } from '../machines/domain/address.js'
import { reasonOf } from '../machines/domain/errors.js'
import {
  type CameraServiceClient,
  connectCameraService,
  RpcError,
  type WebSocketConstructor,
} from '../rpc/client/index.js'
import type { CommandPorts, Outcome } from './outcome.js'
import { localTokens } from './token.js'

/** No service listens at the address of the configuration. */
export class NotRunning extends Error {
  override readonly name = 'NotRunning'
}

/** Life of a token, in ms. The client gets a new one for each connection. */
const life = 60_000

/**
 * Connects to the service that runs on this host, with a short-lived token made with the secret of its data directory.
 * Rejects with NotRunning if there is none.
 */
export async function connectLocally(
  config: Configuration,
  ports: Pick<CommandPorts, 'env' | 'clock'>,
): Promise<CameraServiceClient> {
  const { host, port, websocket_path: path, tls } = config.server
  if (port === 0) throw new UsageError('server.port is 0: the port of the running service is not known')
  const tokens = await localTokens(config, ports)
  const url = `${tls.cert_file ? 'wss' : 'ws'}://${hostInUrl(reachable(host))}:${port}${path}`
  const credential = () => tokens.issue({ user: 'local', role: 'admin', expiresIn: life })
  const own = tls.cert_file === '' ? undefined : await readCertificate(tls.cert_file)
  let stranger: Stranger | undefined
  const connectTls = (options: ConnectionOptions) => {
    const socket = connect({ ...options, rejectUnauthorized: false })
    // Before the first byte is sent. The certificate names the host, not this address, so only the key is compared.
    socket.prependOnceListener('secureConnect', () => {
      if (socket.getPeerX509Certificate()?.fingerprint256 === own?.fingerprint256) return
      stranger = new Stranger(url)
      socket.destroy(stranger)
    })
    return socket
  }
  const Local = class extends WebSocket {
    constructor(address: string) {
      super(address, own === undefined ? {} : { createConnection: connectTls as typeof createConnection })
    }
  } as unknown as WebSocketConstructor
  return connectCameraService({ url, credential, WebSocket: Local, timeout: 10_000 }).catch((error: unknown) => {
    if (stranger !== undefined) throw stranger
    if (error instanceof RpcError) throw new Error(`the running service cannot be asked: ${reasonOf(error)}`)
    throw new NotRunning(`the running service cannot be asked: it does not answer at ${url} (${reasonOf(error)})`)
  })
}

/** Another program listens there, or the service has not read a changed certificate yet: it must not get a token. */
class Stranger extends Error {
  override readonly name = 'Stranger'
  constructor(url: string) {
    super(
      `the program at ${url} does not have the certificate of server.tls.cert_file, and was not asked: ` +
        'check which program listens there; a changed certificate takes some seconds',
    )
  }
}

/** The first certificate of the file: that of the service. */
async function readCertificate(path: string): Promise<X509Certificate> {
  try {
    return new X509Certificate(await readFile(path))
  } catch (error) {
    throw new UsageError(`server.tls.cert_file cannot be read: ${reasonOf(error)}`)
  }
}

/** Closes the client after `ask`. An error of the service becomes an exit status of 1 and a sentence. */
export async function askService(
  client: CameraServiceClient,
  ask: (client: CameraServiceClient) => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await ask(client)
  } catch (error) {
    if (error instanceof RpcError) return { status: 1, err: `camera-service: ${sentence(error)}` }
    throw error
  } finally {
    client.close()
  }
}

/** What is wrong and what to do. */
const sentence = ({ message, data }: RpcError): string =>
  [message, data.details, data.suggestion].filter((part) => typeof part === 'string').join('; ')

/** The address to connect to for a listen address. */
const reachable = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)
