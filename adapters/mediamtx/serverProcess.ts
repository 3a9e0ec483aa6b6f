import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Log, ServerChoice, ServerProcess } from '../../machines/domain/ports.js'
import { sleep } from '../wait.js'
import { type Child, startChild } from './child.js'
import { type MediaOptions, type ServerOffers, writeConfiguration } from './configurationFile.js'
import { type Address, findProgram, programVersion, whoAnswers } from './findServer.js'
import { choosePorts, type WantedPorts } from './listenPorts.js'
import { endOrphans } from './orphans.js'
import type { PathDefaults } from './pathBody.js'

export interface ServerProcessOptions {
  mode: 'external' | 'managed' | 'embedded' | 'auto'
  /** What selects the mode, for people; by default the key. */
  modeFrom?: string
  /** The API of an external server. The API of a child is on 127.0.0.1 at `ports.api`. */
  api: Address
  ports: WantedPorts
  /** The address at which RTSP, HLS and WebRTC of a child listen. */
  host: string
  /** The protocols of a managed server. The embedded one supports neither. */
  offers: ServerOffers
  media: MediaOptions
  runDir: string
  dataDir: string
  recordingsDir: string
  pathDefaults: PathDefaults
  /** Identifies this data directory. Children of an earlier run have the same mark. */
  mark: string
  /** Program and arguments. The configuration file is appended. */
  simulatorCommand: readonly [string, ...string[]]
  env: NodeJS.ProcessEnv
  /**
   * Returns the address for the authentication requests of a child, and the credential for its API; called at each
   * start. `undefined`: every client may read, and every process on this host may publish and use the API.
   */
  auth?: () => { address: string; apiUser: string; apiPass: string } | undefined
  /** Time from SIGINT to SIGKILL, in ms; 5 s by default. */
  grace?: number
  log: Log
}

/** Time for a media server that still runs after the stop of the actors, in ms. */
const lastGrace = 2_000

/** The media server has a working directory of its own. */
const absolute = ({ tls, ...media }: MediaOptions): MediaOptions => ({
  ...media,
  ...(tls && { tls: { certFile: resolve(tls.certFile), keyFile: resolve(tls.keyFile) } }),
})

/**
 * Runs one media server at a time: `start` rejects while one runs. Calls `exited` after an unexpected end. `offers`
 * returns the protocols of the last one that was started. `signal` returns false if none runs. `endSoon`: `end` for what
 * the actors have left.
 */
export function createServerProcess(
  options: ServerProcessOptions,
): ServerProcess & { offers(): ServerOffers; signal(name: NodeJS.Signals): boolean; endSoon(): Promise<void> } {
  const { mode, api, ports, host, runDir, dataDir, recordingsDir, mark, env, grace = 5_000, log } = options
  const at = `${api.host}:${api.port}`
  let running: Child | undefined
  let { offers: offered } = options
  /** Children that are being ended. */
  const asked = new WeakSet<Child>()

  const orphans = (of: 'the last media server' | 'an earlier run', limit: number, signal?: AbortSignal) =>
    endOrphans({ mark, of, grace: limit, log, ...(signal && { signal }) })

  async function choose(signal: AbortSignal): Promise<ServerChoice> {
    // A child that still runs has no owner any more.
    if (running) await stop(running)
    await orphans('an earlier run', grace, signal)
    if (mode === 'external') return { kind: 'external', why: `mediamtx.mode selects the MediaMTX at ${at}` }
    if (mode === 'embedded')
      return { kind: 'embedded', why: `${options.modeFrom ?? 'mediamtx.mode'} selects the built-in simulator` }
    const answers = mode === 'auto' ? await whoAnswers(api, signal) : 'nobody'
    if (answers === 'mediamtx') return { kind: 'external', why: `a MediaMTX answers at ${at}` }
    if (answers === 'locked')
      throw new Error(
        `a MediaMTX at ${at} requires credentials: set mediamtx.mode to external and configure them, ` +
          'or set another mediamtx.api_port',
      )
    if (answers === 'other')
      throw new Error(`port ${api.port} (mediamtx.api_port) is in use by a program that is not MediaMTX`)
    const program = await findProgram(env.PATH ?? '', dataDir)
    if (program && mode === 'managed')
      return { kind: 'managed', why: `mediamtx.mode selects it, and the program is ${program.where}` }
    if (program)
      return { kind: 'managed', why: `no MediaMTX answers at ${at}, and the program mediamtx is ${program.where}` }
    const missing = 'there is no program mediamtx on the PATH or in the data directory'
    if (mode === 'managed') throw new Error(`mediamtx.mode is managed, but ${missing}; make mediamtx downloads it`)
    return {
      kind: 'embedded',
      why:
        `no MediaMTX answers at ${at} and ${missing}: the built-in simulator runs instead, ` +
        'with RTSP and recording but without HLS and WebRTC; make mediamtx downloads the real one',
    }
  }

  async function command(choice: ServerChoice, signal: AbortSignal) {
    if (choice.kind === 'embedded') return { command: options.simulatorCommand, offers: { hls: false, webrtc: false } }
    const program = await findProgram(env.PATH ?? '', dataDir)
    if (!program) throw new Error('the program mediamtx is gone')
    const version = await programVersion(program.file, signal)
    return { command: [program.file] as const, offers: options.offers, ...(version && { version }) }
  }

  async function start(
    choice: ServerChoice,
    exited: (reason: string) => void,
    signal: AbortSignal,
  ): Promise<{ pid: number }> {
    if (choice.kind === 'external') throw new Error('an external media server is not started by this service')
    if (running) throw new Error('the media server is already running')
    // Child processes of a killed server still use the cameras.
    await orphans('the last media server', 1_000, signal)
    const { command: line, offers: possible, ...rest } = await command(choice, signal)
    const { ports: free, offers } = await choosePorts({ ports, host, offers: possible, log })
    await mkdir(recordingsDir, { recursive: true })
    // A separate folder, because the server watches the folder of its file and the other files change often.
    const cwd = join(runDir, 'mediamtx')
    const auth = options.auth?.()
    const file = await writeConfiguration(cwd, {
      ports: free,
      host,
      offers,
      media: absolute(options.media),
      pathDefaults: options.pathDefaults,
      ...(auth && { auth: { address: auth.address } }),
      ...rest,
    })
    signal.throwIfAborted()
    const child = await startChild({
      command: [...line, file],
      cwd,
      env,
      mark,
      log,
    })
    running = child
    offered = offers
    let ready = false
    const end = child.ended.then((reason) => {
      if (running === child) running = undefined
      if (ready && !asked.has(child)) exited(reason)
      return reason
    })
    try {
      await answers(end, signal, auth && `${auth.apiUser}:${auth.apiPass}`)
      ready = true
      return { pid: child.pid }
    } catch (error) {
      await stop(child)
      throw error
    }
  }

  /** Asks until the API of the child answers; the machine ends a late start. `credentials`: `user:password`. */
  async function answers(end: Promise<string>, signal: AbortSignal, credentials?: string): Promise<void> {
    const over = new AbortController()
    void end.then((reason) => over.abort(new Error(reason)))
    const either = AbortSignal.any([signal, over.signal])
    while (true) {
      const answer = await whoAnswers(
        { host: '127.0.0.1', port: ports.api, ...(credentials !== undefined && { credentials }) },
        either,
        1_000,
      )
      if (answer === 'mediamtx') return
      // Its authentication request was refused or failed, so waiting does not help.
      if (answer === 'locked') throw new Error('the media server denies this service access to its API')
      await sleep(50, either)
    }
  }

  async function stop(child: Child, limit = grace): Promise<void> {
    asked.add(child)
    await child.end(Math.min(grace, limit))
    if (running === child) running = undefined
    // After a kill, the server's pipelines still run.
    await orphans('the last media server', 500)
  }

  const end = async (limit?: number): Promise<void> => {
    if (running) await stop(running, limit)
  }

  return {
    choose,
    start,
    kill: async () => void running?.signal('SIGKILL'),
    signal: (name) => running?.signal(name) ?? false,
    offers: () => offered,
    end,
    endSoon: () => end(lastGrace),
  }
}
