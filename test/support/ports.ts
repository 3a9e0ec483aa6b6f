import { mkdirSync, readlinkSync, rmdirSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** Below the range for outgoing connections, which could take a port while a server restarts on it. */
const [lowest, highest] = [12_000, 32_000]
const width = highest - lowest
let offset = Math.floor(Math.random() * width)
/**
 * A link for each port that a process of this host has taken, to its pid: two that test the same port at once would both
 * find it free. A link is made at once, together with what it points to.
 */
const claims = join(tmpdir(), `camera-service-test-ports-${userInfo().uid}`)
const own = new Set<string>()

/** Resolves with a free port of the loopback interface; none is given again before all others were. */
export async function freePort(): Promise<number> {
  for (;;) {
    offset = (offset + 1) % width
    const port = lowest + offset
    if (claim(port) && (await isFree(port))) return port
  }
}

export const freePorts = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, freePort))

/** Returns false if another process that still runs has the port. */
function claim(port: number): boolean {
  const file = join(claims, String(port))
  if (own.has(file)) return true
  mkdirSync(claims, { recursive: true })
  try {
    symlinkSync(String(process.pid), file)
  } catch {
    if (isRunning(ownerOf(file))) return false
    rmSync(file, { force: true })
    return claim(port)
  }
  if (own.size === 0) process.once('exit', release)
  own.add(file)
  return true
}

function release(): void {
  for (const file of own) rmSync(file, { force: true })
  try {
    rmdirSync(claims)
  } catch {
    // Another process has claims, too.
  }
}

function ownerOf(file: string): number {
  try {
    return Number(readlinkSync(file))
  } catch {
    // It was removed meanwhile.
    return 0
  }
}

function isRunning(pid: number): boolean {
  if (pid === 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
