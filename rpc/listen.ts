import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { reasonOf } from '../machines/domain/errors.js'

/** Resolves with the port; rejects with one sentence for people (`the health endpoints cannot listen on …: the port is in use`). */
export const listen = (
  server: Server,
  { host, port }: { host: string; port: number },
  what: string,
): Promise<{ port: number }> =>
  new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'the port is in use'
          : error.code === 'EACCES'
            ? 'not permitted'
            : error.code === 'EADDRNOTAVAIL'
              ? 'this machine has no such address'
              : reasonOf(error)
      reject(new Error(`the ${what} cannot listen on ${host}:${port}: ${why}`, { cause: error }))
    }
    server.once('error', refused)
    server.listen(port, host, () => {
      server.off('error', refused)
      // What fails later is one connection that could not be accepted; unheard, it would end the process.
      server.on('error', () => {})
      resolve({ port: (server.address() as AddressInfo).port })
    })
  })

/** Ends a server and what is connected to it. Never rejects; may be called twice. */
export const shutdown = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
