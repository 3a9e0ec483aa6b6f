import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTokens } from '../../adapters/tokens/tokens.js'
import type { Role } from '../../machines/domain/access.js'
import { environment, program, virtual } from '../e2e/service.js'
import { until } from '../rpc/wait.js'

const secret = 'a key of a service alone, 32 bytes or more'

/** A service with one camera, without a media server and without external discovery. */
export async function startAlone() {
  const dataDir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  const { env, ports } = await environment({
    kind: 'embedded',
    dataDir,
    cameras: [virtual('alone')],
    env: { CAMERA_SERVICE_MEDIAMTX_MODE: 'external', CAMERA_SERVICE_SECURITY_JWT_SECRET_KEY: secret },
  })
  const child = spawn(process.execPath, [program, 'serve'], { env, stdio: 'ignore' })
  const exited = once(child, 'exit')
  const end = async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await exited
    clearTimeout(timer)
    await rm(dataDir, { recursive: true, force: true })
  }
  const isUp = async () => {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`)
    return (await fetch(`http://127.0.0.1:${ports.health}/health/live`).catch(() => undefined))?.ok
  }
  await until('the service answers', isUp, 15_000).catch(async (error) => {
    await end()
    throw error
  })
  const tokens = createTokens({ secret: Buffer.from(secret), clock: Date })
  return {
    port: ports.rpc,
    dataDir,
    token: (role: Role) => tokens.issue({ user: role, role, expiresIn: 3_600_000 }),
    end,
  }
}
