import type { Server } from 'node:net'

/** Opens a server at an address such as `127.0.0.1:8554`, `[::1]:8554` or `:8554`. Rejects when it cannot be had. */
export const listen = (server: Server, address: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const colon = address.lastIndexOf(':')
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
    server.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      reject(new Error(`listen tcp ${address}: ${code === 'EADDRINUSE' ? 'bind: address already in use' : message}`)),
    )
    server.listen({ port: Number(address.slice(colon + 1)), ...(host && { host }) }, resolve)
  })
