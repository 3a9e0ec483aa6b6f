import { createServer } from 'node:net'

/** Below the range for outgoing connections, which could take a port while a server restarts on it. */
const [lowest, highest] = [12_000, 32_000]
/** Each process of mocha has its own part of the range: two that test the same port at once would both find it free. */
const parts = 16
const width = (highest - lowest) / parts
const first = lowest + (Number(process.env.MOCHA_WORKER_ID ?? 0) % parts) * width
let offset = Math.floor(Math.random() * width)

/** Resolves with a free port of the loopback interface; none is given again before all others were. */
export async function freePort(): Promise<number> {
  for (;;) {
    offset = (offset + 1) % width
    const port = first + offset
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
