import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { networkOf } from '../machines/domain/address.js'
import type { Dispose } from '../machines/domain/ports.js'
import { createCounter } from './admission.js'
import { createClientCertificates } from './clientCertificates.js'
import { refuseUpgrade } from './http/reply.js'
import { listen } from './listen.js'
import type { RpcOptions } from './options.js'
import { createProxies } from './proxies.js'
import { openTls, type Tls } from './tls.js'

/** TCP connections beyond the limits of WebSockets: downloads and single requests. */
const spare = { inAll: 256, perAddress: 64 }
/** Open connections are cut this long after the stop, in ms. */
const stopLimit = 1_500

/**
 * Listens on one host or several with one port, with or without TLS. A connection from an address that is not allowed,
 * or one too many, is closed before anything of it is read.
 */
export const createListeners = ({
  options: { host, port, alsoListen = [], allowedIps, trustedProxies, urls, tls: tlsFiles, limits, log },
  answer,
  upgrade,
}: {
  options: Pick<
    RpcOptions,
    'host' | 'port' | 'alsoListen' | 'allowedIps' | 'trustedProxies' | 'tls' | 'limits' | 'log'
  > & { urls: Pick<RpcOptions['urls'], 'prefix'> }
  answer: (request: IncomingMessage, response: ServerResponse) => void
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}) => {
  const { maxConnections, maxConnectionsPerAddress = 256, headersTimeout = 10_000 } = limits
  const proxies = createProxies({ trustedProxies, allowedIps, prefix: urls.prefix })
  const connections = createCounter()
  const http = {
    headersTimeout,
    requestTimeout: headersTimeout,
    connectionsCheckingInterval: headersTimeout / 2,
  }

  const admit = (socket: Socket) => {
    const { remoteAddress = '' } = socket
    const key = networkOf(remoteAddress)
    // A proxy has the connections of many clients.
    const isFull =
      connections.all() >= maxConnections + spare.inAll ||
      (connections.of(key) >= maxConnectionsPerAddress + spare.perAddress && !proxies.isTrusted(remoteAddress))
    if (isFull || !proxies.mayConnect(remoteAddress)) socket.destroy()
    else socket.once('close', connections.add(key))
  }

  const answerAdmitted = (request: IncomingMessage, response: ServerResponse) => {
    if (proxies.admits(request)) answer(request, response)
    else response.writeHead(403, { 'Content-Length': 0, Connection: 'close' }).end()
  }

  const upgradeAdmitted = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (proxies.admits(request)) upgrade(request, socket, head)
    else refuseUpgrade(socket, { status: 403, words: 'this address is not in server.allowed_ips' })
  }

  const createHttps = ({ context }: Tls, { clientCertificate, clients }: NonNullable<typeof tlsFiles>): TlsServer => {
    const isRequired = clientCertificate === 'required'
    const requestCert = clientCertificate !== 'none'
    const certificate = { requestCert, rejectUnauthorized: isRequired, handshakeTimeout: headersTimeout }
    const server = createTlsServer({ ...http, ...context, ...certificate }, answerAdmitted)
    const callerOf = createClientCertificates(clients)
    if (isRequired && clients.length > 0)
      server.prependListener('secureConnection', (socket: TLSSocket) => {
        if (callerOf(socket) === undefined) socket.destroy()
      })
    return server
  }

  const servers: Server[] = []
  let endWatch: Dispose = () => {}
  const close = (server: Server) =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeIdleConnections()
    })

  return {
    /** Resolves with the port of all hosts. Rejects with one sentence. */
    start: async () => {
      const tls = tlsFiles && { files: tlsFiles, open: openTls({ files: tlsFiles, log }) }
      let bound = port
      try {
        for (const each of [host, ...alsoListen]) {
          const server = tls === undefined ? createServer(http, answerAdmitted) : createHttps(tls.open, tls.files)
          // Beyond this limit the kernel's connection is closed without a socket object.
          server.maxConnections = maxConnections + spare.inAll
          server.on('connection', admit)
          server.on('upgrade', upgradeAdmitted)
          bound = (await listen(server, { host: each, port: bound }, 'API')).port
          servers.push(server)
        }
      } catch (error) {
        await Promise.all(servers.map(close))
        throw error
      }
      if (tls !== undefined)
        endWatch = tls.open.watch((context) => {
          for (const server of servers) (server as TlsServer).setSecureContext(context)
        })
      return { port: bound }
    },
    /** Accepts nothing more. Resolves when the last connection is closed, after 1.5 s at the latest. Never rejects. */
    stop: async () => {
      endWatch()
      const cut = setTimeout(() => {
        for (const server of servers) server.closeAllConnections()
      }, stopLimit)
      await Promise.all(servers.map(close))
      clearTimeout(cut)
    },
  }
}
