import { spawn } from 'node:child_process'
import { Failure } from '../../machines/domain/reason.js'

export interface RunOptions {
  /** On abort the program is killed, and the promise rejects with the signal's reason. */
  signal?: AbortSignal
  /** Milliseconds, 10 s by default. */
  timeout?: number
  /** Written to stdin, which is then closed. The program does not wait for a promise to start; a rejection kills it. */
  stdin?: Uint8Array | Promise<Uint8Array>
  /** Bytes kept of stdout and of stderr, 256 KiB by default; the rest is read and dropped. */
  maxOutput?: number
  env?: NodeJS.ProcessEnv
}

export interface Ran {
  /** `null` if a signal ended the program. */
  code: number | null
  stdout: string
  stderr: string
}

export type Run = (command: string, args: readonly string[], options?: RunOptions) => Promise<Ran>

/** The arguments with which ffmpeg writes errors only and asks no questions. */
export const quiet = ['-hide_banner', '-nostdin', '-y', '-loglevel', 'error']

/** A killed program may hang in the kernel. Callers wait for its end no longer than this, in ms. */
const killLimit = 500

/**
 * Runs a program to its end and resolves with any exit code. Rejects with `program_missing`, with `timed_out`, or with
 * the reason of the signal or of `stdin`: then the program is killed first, and gone when the promise rejects.
 */
export const run: Run = (command, args, { signal, timeout = 10_000, stdin, maxOutput = 262_144, env } = {}) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const child = spawn(command, args, {
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(env && { env }),
    })
    const stdout = collect(child.stdout, maxOutput)
    const stderr = collect(child.stderr, maxOutput)
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
    // A program that ends before it has read everything explains that by its output.
    child.stdin?.on('error', () => {})
    if (child.stdin) Promise.resolve(stdin).then((bytes) => child.stdin?.end(bytes), stop)
  })

function collect(stream: NodeJS.ReadableStream | null, limit: number): () => string {
  const chunks: Buffer[] = []
  let length = 0
  stream?.on('data', (chunk: Buffer) => {
    if (length >= limit) return
    chunks.push(chunk.subarray(0, limit - length))
    length += chunk.length
  })
  return () => Buffer.concat(chunks).toString('utf8')
}
