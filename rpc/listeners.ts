import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { allowList, networkOf } from '../machines/domain/address.js'
import type { Dispose } from '../machines/domain/ports.js'
import { createClientCertificates } from './clientCertificates.js'
import { listen } from './listen.js'
import type { RpcOptions } from './options.js'
import { openTls } from './tls.js'

/** TCP connections beyond those of the API: downloads, requests on their way. */
const spare = { inAll: 256, perAddress: 64 }

export interface Doors {
  /** Resolves with the port of them all; rejects with one sentence. */
  start(): Promise<{ port: number }>
  /** Takes nothing new; resolves when the last connection is gone, after 1.5 s at the latest. Never rejects. */
  stop(): Promise<void>
}

/** Where the service listens: one host or several, one port, with TLS or without. Who may not come is cut before a byte is read. */
export const createListeners = ({
  options: { host, port, alsoListen = [], allowedIps = [], tls: tlsFiles, limits, log },
  answer,
  upgrade,
}: {
  options: Pick<RpcOptions, 'host' | 'port' | 'alsoListen' | 'allowedIps' | 'tls' | 'limits' | 'log'>
  answer: (request: IncomingMessage, response: ServerResponse) => void
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}): Doors => {
  const { maxConnections, maxConnectionsPerAddress = 256, headersTimeout = 10_000 } = limits
  const isAllowed = allowList(allowedIps)
  const counts = new Map<string, number>()
  let open = 0

  const admit = (socket: Socket) => {
    const { remoteAddress = '' } = socket
    const key = networkOf(remoteAddress)
    const count = counts.get(key) ?? 0
    if (
      !isAllowed(remoteAddress) ||
      open >= maxConnections + spare.inAll ||
      count >= maxConnectionsPerAddress + spare.perAddress
    ) {
      socket.destroy()
      return
    }
    open += 1
    counts.set(key, count + 1)
    socket.once('close', () => {
      open -= 1
      const rest = (counts.get(key) ?? 1) - 1
      if (rest > 0) counts.set(key, rest)
      else counts.delete(key)
    })
  }

  const http = {
    headersTimeout,
    requestTimeout: headersTimeout,
    connectionsCheckingInterval: Math.min(headersTimeout, 1_000),
  }
  const createDoor = (tls: ReturnType<typeof openTls> | undefined): Server | TlsServer => {
    if (tls === undefined || tlsFiles === undefined) return createServer(http, answer)
    const { clientCertificate, clients } = tlsFiles
    const callerOf = createClientCertificates(clients)
    const door = createTlsServer(
      {
        ...http,
        ...tls.context,
        handshakeTimeout: headersTimeout,
        requestCert: clientCertificate !== 'none',
        rejectUnauthorized: clientCertificate === 'required',
      },
      answer,
    )
    if (clientCertificate === 'required' && clients.length > 0) {
      door.prependListener('secureConnection', (socket: TLSSocket) => {
        if (callerOf(socket) === undefined) socket.destroy()
      })
    }
    return door
  }

  const servers: Server[] = []
  let unwatch: Dispose = () => {}
  const closed = (server: Server) =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeIdleConnections()
    })

  return {
    start: async () => {
      const tls = tlsFiles === undefined ? undefined : openTls({ files: tlsFiles, log })
      let bound = port
      try {
        for (const each of [host, ...alsoListen]) {
          const server = createDoor(tls)
          // Below what is counted here: the kernel's connection is closed without an object being made for it.
          server.maxConnections = maxConnections + spare.inAll
          server.on('connection', admit)
          server.on('upgrade', upgrade)
          bound = (await listen(server, { host: each, port: bound }, 'API')).port
          servers.push(server)
        }
      } catch (error) {
        await Promise.all(servers.map(closed))
        throw error
      }
      const watched = tls?.watch((context) => {
        for (const server of servers) (server as TlsServer).setSecureContext(context)
      })
      if (watched !== undefined) unwatch = watched
      return { port: bound }
    },
    stop: async () => {
      unwatch()
      const cut = setTimeout(() => {
        for (const server of servers) server.closeAllConnections()
      }, 1_500)
      await Promise.all(servers.map(closed))
      clearTimeout(cut)
    },
  }
}
