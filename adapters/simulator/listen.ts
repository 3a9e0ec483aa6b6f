import type { Server } from 'node:net'

/** `127.0.0.1:8554`, `[::1]:8554`, `:8554`. */
export const listen = (server: Server, address: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const colon = address.lastIndexOf(':')
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
    server.once('error', (error) =>
      reject(
        new Error(
          `listen tcp ${address}: ${'code' in error && error.code === 'EADDRINUSE' ? 'bind: address already in use' : error.message}`,
        ),
      ),
    )
    server.listen({ port: Number(address.slice(colon + 1)), ...(host && { host }) }, resolve)
  })
