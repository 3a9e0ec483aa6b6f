import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { Failure } from '../../machines/domain/reason.js'
import { attempt } from '../attempt.js'

export interface RunOptions {
  /** Abort kills the program, and the promise rejects with the signal's reason. */
  signal?: AbortSignal
  /** Milliseconds, 10 s by default. */
  timeout?: number
  /** Written to stdin, which is then closed. The program starts before a promise settles; a rejection kills it. */
  stdin?: Uint8Array | Promise<Uint8Array>
  env?: NodeJS.ProcessEnv
  /** How far behind other programs it is scheduled, 0–19. */
  niceness?: number
}

export interface Ran {
  /** `null` if a signal ended the program. */
  code: number | null
  stdout: string
  stderr: string
}

export type Run = (command: string, args: readonly string[], options?: RunOptions) => Promise<Ran>

/** Runs programs that must not take the processor from the streams: of probes and snapshots. */
export const behindStreams =
  (runner: Run): Run =>
  (command, args, options) =>
    runner(command, args, { ...options, niceness: 5 })

/** Arguments that make ffmpeg write errors only and never prompt. */
export const quiet = ['-hide_banner', '-nostdin', '-y', '-loglevel', 'error']

/** Maximum number of bytes kept of stdout and of stderr; the rest is dropped. */
const maxOutput = 262_144
/** Limit for the end of a killed program, in ms, because it may hang in the kernel. */
const killLimit = 500

/**
 * Runs a program and resolves with any exit code. Rejects with `program_missing`, with `timed_out`, or with the reason
 * of the signal or of `stdin`; in these cases it kills the program before the promise rejects.
 */
export const run: Run = (command, args, { signal, timeout = 10_000, stdin, env, niceness } = {}) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const child = spawn(command, args, {
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(env && { env }),
    })
    if (niceness !== undefined) attempt(() => setPriority(child.pid ?? -1, niceness))
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    let failure: unknown
    let killTimer: NodeJS.Timeout | undefined
    const settle = (code: number | null) => {
      clearTimeout(timer)
      clearTimeout(killTimer)
      signal?.removeEventListener('abort', onAbort)
      if (failure === undefined) resolve({ code, stdout: stdout(), stderr: stderr() })
      else reject(failure)
    }
    const stop = (reason: unknown) => {
      if (failure !== undefined) return
      failure = reason
      child.kill('SIGKILL')
      killTimer = setTimeout(() => settle(null), killLimit)
    }
    const onAbort = () => stop(signal?.reason)
    const tooLate = () => stop(new Failure('timed_out', `timed out after ${Math.round(timeout / 100) / 10} s`))
    const timer = setTimeout(tooLate, timeout)
    signal?.addEventListener('abort', onAbort, { once: true })

    child.on('error', ({ code = 'unknown error' }: NodeJS.ErrnoException) => {
      failure ??=
        code === 'ENOENT'
          ? new Failure('program_missing', `${command} is not installed`)
          : new Failure('failed', `${command} cannot be run (${code})`)
      if (child.pid === undefined) settle(null)
    })
    child.on('close', settle)
    // If a program ends before it has read all input, its output contains the reason.
    child.stdin?.on('error', () => {})
    if (child.stdin) Promise.resolve(stdin).then((bytes) => child.stdin?.end(bytes), stop)
  })

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = []
  let length = 0
  stream?.on('data', (chunk: Buffer) => {
    if (length >= maxOutput) return
    chunks.push(chunk.subarray(0, maxOutput - length))
    length += chunk.length
  })
  return () => Buffer.concat(chunks).toString('utf8')
}
