import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { maskedLine, textForClients } from '../../machines/domain/mask.js'
import type { Log } from '../../machines/domain/ports.js'
import { endsWithParent, isProgram } from '../programs.js'
import { MARK } from './orphans.js'
import { openOutputPipe } from './outputPipe.js'

export interface ChildOptions {
  command: readonly [string, ...string[]]
  cwd: string
  env: NodeJS.ProcessEnv
  mark: string
  log: Log
}

/** A running media server. */
export interface Child {
  pid: number
  /** Resolves with a sentence about its end and the last line of its output. */
  ended: Promise<string>
  /** False if it has ended. */
  signal(name: NodeJS.Signals): boolean
  /** Sends SIGINT, and SIGKILL after `grace` ms. */
  end(grace: number): Promise<void>
}

/** Sent by others; SIGSEGV and SIGABRT are its own faults. */
const fromOutside: ReadonlySet<NodeJS.Signals> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT'])

/**
 * Warnings of normal operation: a frame that arrives while its path ends, as at every stop; a network camera without
 * UDP, at each start of its stream.
 */
const isNormal = /writing packet to \S+ stream: stream is closed$|\bswitching to TCP\b/

/**
 * Starts the media server in its own process group, so that Ctrl-C ends only this process, which closes recordings in
 * order. Rejects if it cannot be started. If this process ends first, even by SIGKILL, the child ends too; a child that
 * hangs is found by its mark by the next run of the service.
 */
export async function startChild({ command: [program, ...args], cwd, env, mark, log }: ChildOptions): Promise<Child> {
  // `setpriv` would report this in its own words.
  if (!(await isProgram(program))) throw new Error('the media server cannot be started (ENOENT)')
  const [file, ...words] = [...(await endsWithParent(env.PATH ?? '')), program, ...args] as [string, ...string[]]
  const pipe = await openOutputPipe(cwd)
  const output = pipe?.descriptor ?? 'pipe'
  const child = spawn(file, words, {
    cwd,
    env: { ...childEnvironment(env), TZ: 'UTC', [MARK]: mark },
    stdio: ['ignore', output, output],
    detached: true,
  })
  pipe?.handOver()
  const streams = [pipe?.reader, child.stdout, child.stderr].filter((stream) => stream != null)
  const { pid } = child
  if (pid === undefined) {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve))
    for (const stream of streams) stream.destroy()
    throw new Error(`the media server cannot be started (${error.code ?? 'no reason known'})`)
  }
  child.on('error', () => {})

  let last = ''
  const keep = (line: string) => {
    const text = maskedLine(line.trim()).slice(0, 1000)
    if (text === '') return
    const level = /^\S+ \S+ (ERR|WAR|INF|DEB)\b/.exec(text)?.[1]
    const words = text.replace(/^\d{4}\/\d\d\/\d\d [\d:.]+ /, '').replace(/^(ERR|WAR|INF|DEB):? /, '')
    const isDetail = level === 'INF' || level === 'DEB' || isNormal.test(words)
    if (!isDetail) last = words
    log[level !== undefined && !isDetail ? 'warn' : 'debug'](words, { from: 'media server' })
  }
  for (const stream of streams) readLines(stream, keep)

  const withUs = () => child.kill('SIGINT')
  process.once('exit', withUs)
  const ended = new Promise<string>((resolve) => {
    // `exit`, not `close`, because an ffmpeg process that still runs keeps the pipes open. Waits 20 ms for remaining
    // output.
    child.once('exit', (code, signal) => {
      process.off('exit', withUs)
      setTimeout(() => {
        for (const stream of streams) stream.destroy()
        const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`
        // A signal of another process has nothing to do with what the server wrote last.
        const why = last === '' || (signal !== null && fromOutside.has(signal)) ? '' : `: ${textForClients(last)}`
        resolve(`the media server ${how}${why}`)
      }, 20)
    })
  })

  return {
    pid,
    ended,
    signal: (name) => child.kill(name),
    end: async (grace) => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT')
      const timer = setTimeout(() => {
        log.warn('the media server does not exit and is killed')
        child.kill('SIGKILL')
      }, grace)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Removes the service's settings and secrets, and `MTX_…` variables, which would override the configuration file. */
const childEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([key]) => !/^(CAMERA_SERVICE_|MTX_|RTSP_|LISTEN_|WATCHDOG_|NOTIFY_SOCKET$|CREDENTIALS_DIRECTORY$)/.test(key),
    ),
  )

function readLines(stream: Readable, keep: (line: string) => void): void {
  stream.on('error', () => {})
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', keep)
}
