import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTokens } from '../../../adapters/tokens/tokens.js'
import { type CameraServiceClient, connectCameraService, type Methods } from '../../../rpc/client/index.js'
import { type Child, environment, type Kind, processesOf, program, secret } from '../../e2e/service.js'
import { killIfRunning } from '../../support/killIfRunning.js'

/** Lines of the log that are kept, to explain a failure. */
const keptLines = 400

/** A service that is killed and started again and again, with the same ports and the same data. */
export interface Lives {
  dataDir: string
  /** Starts the service. Does not wait until it is ready. */
  start(): void
  /** Sends SIGKILL, `also` to these processes. Resolves with the time of it, when the service has ended. */
  kill(also?: readonly number[]): Promise<number>
  /** Resolves with the exit code; `null`: it had to be killed after 15 s. */
  stop(): Promise<number | null>
  /** False: it ended by itself. */
  isRunning(): boolean
  /** Whether it says that cameras can be used: the same that it tells systemd. */
  isReady(): Promise<boolean>
  /** As an administrator. Rejects while the service cannot be reached. */
  call<Result>(method: string, params?: Record<string, unknown>): Promise<Result>
  /** Its media server, and the processes of that; without zombies. */
  processes(): Promise<Child[]>
  /** The end of the log of the present run. */
  log(): readonly string[]
  /** Ends all processes, and removes the data. */
  end(): Promise<void>
}

interface LivesOptions {
  kind: Kind
  cameras: Record<string, unknown>[]
  env: Record<string, string>
}

export async function openLives(options: LivesOptions): Promise<Lives> {
  const dataDir = await mkdtemp(join(tmpdir(), 'camera-service-'))
  const { env, ports } = await environment({ ...options, dataDir })
  const tokens = createTokens({ secret: Buffer.from(secret), clock: Date })
  let run: Run | undefined
  let connection: Promise<CameraServiceClient> | undefined

  const connect = async () =>
    connectCameraService({
      url: `ws://127.0.0.1:${ports.rpc}/ws`,
      credential: await tokens.issue({ user: 'admin', role: 'admin', expiresIn: 3_600_000 }),
      reconnect: false,
      timeout: 30_000,
    })
  const connected = (): Promise<CameraServiceClient> => {
    const made = connection ?? connect()
    connection = made
    // The next call tries again.
    made.catch(() => disconnect(made))
    return made
  }
  const disconnect = (one = connection) => {
    if (connection === one) connection = undefined
    one?.then(
      (client) => client.close(),
      () => {},
    )
  }

  const end = async (signal: NodeJS.Signals, also: readonly number[] = []): Promise<number | null> => {
    const ending = run
    disconnect()
    ending?.child.kill(signal)
    for (const pid of also) killIfRunning(pid)
    const timer = setTimeout(() => ending?.child.kill('SIGKILL'), 15_000)
    const code = (await ending?.exited) ?? null
    clearTimeout(timer)
    return code
  }
  return {
    dataDir,
    start() {
      disconnect()
      run = startRun(env)
    },
    async kill(also) {
      const at = Date.now()
      await end('SIGKILL', also)
      return at
    },
    stop: () => end('SIGTERM'),
    isRunning: () => run?.isRunning() ?? false,
    isReady: () =>
      fetch(`http://127.0.0.1:${ports.health}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    async call(method, params = {}) {
      const client = await connected()
      return client.call(method as keyof Methods, params as never).catch((error: unknown) => {
        if (client.state !== 'open') disconnect()
        throw error
      }) as Promise<never>
    },
    processes: () => processesOf(dataDir),
    log: () => run?.log ?? [],
    async end() {
      await end('SIGKILL')
      for (const { pid } of await processesOf(dataDir)) killIfRunning(pid)
      await sleep(200)
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

type Run = ReturnType<typeof startRun>

function startRun(env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [program, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const log: string[] = []
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      log.push(line)
      if (log.length > keptLines) log.shift()
    })
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  return { child, log, exited, isRunning: () => child.exitCode === null && child.signalCode === null }
}
