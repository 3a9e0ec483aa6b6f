import { createServer } from 'node:net'

/** Below the range for outgoing connections, which could take a port while a server restarts on it. */
const [lowest, highest] = [12_000, 32_000]
const given = new Set<number>()

/** Resolves with a free port of the loopback interface, a different one for each call. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
}

export const freePorts = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, freePort))

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
