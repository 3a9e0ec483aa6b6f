import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { reasonOf } from '../machines/domain/errors.js'

const faults: Record<string, string> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'not permitted',
  EADDRNOTAVAIL: 'this host has no such address',
}

/** Resolves with the port. Rejects with a sentence: `the health endpoints cannot listen on …: the port is in use`. */
export const listen = (
  server: Server,
  { host, port }: { host: string; port: number },
  what: string,
): Promise<{ port: number }> =>
  new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) => {
      const reason = faults[error.code ?? ''] ?? reasonOf(error)
      reject(new Error(`the ${what} cannot listen on ${host}:${port}: ${reason}`, { cause: error }))
    }
    server.once('error', refused)
    server.listen(port, host, () => {
      server.off('error', refused)
      // A later error is one connection that could not be accepted. Without a listener it would end the process.
      server.on('error', () => {})
      resolve({ port: (server.address() as AddressInfo).port })
    })
  })

/** Closes a server and its connections. Never rejects; further calls do nothing. */
export const shutdown = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
