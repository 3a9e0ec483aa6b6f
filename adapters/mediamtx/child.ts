import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { maskedLine, textForClients } from '../../machines/domain/mask.js'
import type { Log } from '../../machines/domain/ports.js'
import { MARK } from './orphans.js'

export interface ChildOptions {
  command: readonly [string, ...string[]]
  cwd: string
  env: NodeJS.ProcessEnv
  mark: string
  /** The child reads its standard input, which closes when we end, and then ends too. */
  watchesInput: boolean
  log: Log
}

/** A running media server. */
export interface Child {
  pid: number
  /** Resolves once, with how it ended and the last line it printed. */
  ended: Promise<string>
  /** SIGINT, after `grace` ms SIGKILL. */
  end(grace: number): Promise<void>
}

/**
 * Starts the media server in a process group of its own: Ctrl-C reaches only us, and recordings are closed in our order.
 * Rejects when it cannot be started. If this process ends first it ends the child too, where it can; otherwise the next
 * run of the service finds the child by its mark.
 */
export async function startChild({
  command: [program, ...args],
  cwd,
  env,
  mark,
  watchesInput,
  log,
}: ChildOptions): Promise<Child> {
  const child = spawn(program, args, {
    cwd,
    env: { ...childEnvironment(env), TZ: 'UTC', [MARK]: mark },
    stdio: [watchesInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const { pid } = child
  if (pid === undefined) {
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve))
    throw new Error(`the media server cannot be started (${error.code ?? 'no reason known'})`)
  }
  child.on('error', () => {})
  child.stdin?.on('error', () => {})

  let last = ''
  const keep = (line: string) => {
    const text = maskedLine(line.trim()).slice(0, 1000)
    if (text === '') return
    const level = /^\S+ \S+ (ERR|WAR|INF|DEB)\b/.exec(text)?.[1]
    const words = text.replace(/^\d{4}\/\d\d\/\d\d [\d:.]+ /, '').replace(/^(ERR|WAR|INF|DEB):? /, '')
    if (level !== 'INF' && level !== 'DEB') last = words
    log[level === 'ERR' || level === 'WAR' ? 'warn' : 'debug'](words, { from: 'media server' })
  }
  for (const stream of [child.stdout, child.stderr]) if (stream) readLines(stream, keep)

  const withUs = () => child.kill('SIGINT')
  process.once('exit', withUs)
  const ended = new Promise<string>((resolve) => {
    // `exit`, not `close`: an ffmpeg that outlives its server keeps the pipes open. Their remaining output gets a moment.
    child.once('exit', (code, signal) => {
      process.off('exit', withUs)
      setTimeout(() => {
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
        const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`
        resolve(`the media server ${how}${last === '' ? '' : `: ${textForClients(last)}`}`)
      }, 20)
    })
  })

  return {
    pid,
    ended,
    end: async (grace) => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT')
      const timer = setTimeout(() => {
        log.warn('the media server does not end: killing it')
        child.kill('SIGKILL')
      }, grace)
      await ended
      clearTimeout(timer)
    },
  }
}

/** The child must not see our settings and secrets, and `MTX_…` would override the file that we write. */
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
