import WebSocket from 'ws'
import { jwtSecret } from '../adapters/data/secrets.js'
import { createTokens } from '../adapters/tokens/tokens.js'
import { jwtSecretSources, tokenOptions } from '../config/derive/access.js'
import type { Configuration } from '../config/schema.js'
import { hostInUrl } from '../machines/domain/address.js'
import { dataFolders } from './dataFolders.js'
import type { CommandPorts } from './outcome.js'

/** No service listens at the address of the configuration. */
export class NotRunning extends Error {}

/** In ms: for the connection and each call. */
const limit = 30_000
const tokenLife = 60_000

/**
 * Calls one method of the running service as an administrator, with a token signed by the local secret. Rejects with
 * NotRunning, or with one sentence.
 */
export async function callLocally(
  config: Configuration,
  { user, method }: { user: string; method: string },
  { env, clock }: Pick<CommandPorts, 'env' | 'clock'>,
): Promise<unknown> {
  const { secrets: secretsDir } = dataFolders(config)
  const sources = { ...jwtSecretSources(config), credentialsDirectory: env.CREDENTIALS_DIRECTORY, secretsDir }
  const socket = await open(urlOf(config))
  try {
    const { key } = await jwtSecret(sources)
    const tokens = createTokens({ secret: key, clock, ...tokenOptions(config) })
    const token = await tokens.issue({ user, role: 'admin', expiresIn: tokenLife })
    await ask(socket, 1, 'authenticate', { auth_token: token })
    return await ask(socket, 2, method, {})
  } finally {
    socket.close()
  }
}

function urlOf({ server }: Configuration): string {
  const host = server.host === '0.0.0.0' ? '127.0.0.1' : server.host === '::' ? '::1' : server.host
  const scheme = server.tls.cert_file === '' ? 'ws' : 'wss'
  return `${scheme}://${hostInUrl(host)}:${server.port}${server.websocket_path}`
}

function open(url: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    // The certificate names the public host, and this connection does not leave the host.
    const socket = new WebSocket(url, { handshakeTimeout: limit, rejectUnauthorized: false, maxPayload: 2 ** 26 })
    socket.once('open', () => resolve(socket))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'ECONNREFUSED'
          ? new NotRunning(`no service listens at ${url}`)
          : new Error(`the service at ${url} cannot be reached: ${error.message}`),
      ),
    )
  })
}

function ask(socket: WebSocket, id: number, method: string, params: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(() => reject(new Error(`${method}: no reply within ${limit / 1000} s`))), limit)
    const end = (settle: () => void) => {
      clearTimeout(timer)
      socket.off('message', receive).off('close', closed)
      settle()
    }
    const closed = () => end(() => reject(new Error(`${method}: the service closed the connection`)))
    const receive = (data: WebSocket.RawData) => {
      const reply = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: { message: string } }
      if (reply.id !== id) return
      const { error } = reply
      end(() => (error ? reject(new Error(`${method}: ${error.message}`)) : resolve(reply.result)))
    }
    socket.on('message', receive).on('close', closed)
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
  })
}
