import { spawn } from 'node:child_process'
import { reasonOf } from '../../machines/domain/errors.js'

export interface RunOptions {
  /** The child is killed, and the promise rejects with the signal's reason. */
  signal?: AbortSignal
  /** Milliseconds, 10 s by default. */
  timeout?: number
  /** Fed to the child and closed. A promise is waited for while the child starts; its failure ends the child. */
  stdin?: Uint8Array | Promise<Uint8Array>
  /** Bytes kept of stdout and of stderr, 256 KiB by default; the rest is read and dropped. */
  maxOutput?: number
  env?: NodeJS.ProcessEnv
}

export interface Ran {
  /** `null`: ended by a signal. */
  code: number | null
  stdout: string
  stderr: string
}

export type Run = (command: string, args: readonly string[], options?: RunOptions) => Promise<Ran>

/** A killed child may hang in the kernel; nobody waits for it longer than this. */
const burial = 500

/**
 * Runs a program to its end. Any exit code is an answer, and the caller's to judge; rejected are: no such program, a time-out
 * (`timed out after 2 s`), an abort. A child that is given up is killed at once, and gone when the promise rejects.
 */
export const run: Run = (command, args, { signal, timeout = 10_000, stdin, maxOutput = 262_144, env } = {}) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortReason(signal))
    const child = spawn(command, args, {
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(env && { env }),
    })
    const stdout = collect(child.stdout, maxOutput)
    const stderr = collect(child.stderr, maxOutput)
    let failure: Error | undefined
    let burialTimer: NodeJS.Timeout | undefined
    const settle = (code: number | null) => {
      clearTimeout(timer)
      clearTimeout(burialTimer)
      signal?.removeEventListener('abort', onAbort)
      if (failure) reject(failure)
      else resolve({ code, stdout: stdout(), stderr: stderr() })
    }
    const giveUp = (reason: Error) => {
      if (failure) return
      failure = reason
      child.kill('SIGKILL')
      burialTimer = setTimeout(() => settle(null), burial)
    }
    const onAbort = () => signal && giveUp(abortReason(signal))
    const timer = setTimeout(() => giveUp(new Error(`timed out after ${Math.round(timeout / 100) / 10} s`)), timeout)
    signal?.addEventListener('abort', onAbort, { once: true })

    child.on('error', (error: NodeJS.ErrnoException) => {
      failure ??= new Error(
        error.code === 'ENOENT'
          ? `${command} is not installed`
          : `${command} cannot be run: ${error.code ?? 'unknown error'}`,
      )
      if (child.pid === undefined) settle(null)
    })
    child.on('close', settle)
    if (child.stdin) {
      const input = child.stdin
      // A child that ends before it has read everything says why by its exit code.
      input.on('error', () => {})
      Promise.resolve(stdin).then(
        (bytes) => input.end(bytes),
        (error: unknown) => giveUp(error instanceof Error ? error : new Error(reasonOf(error))),
      )
    }
  })

const abortReason = ({ reason }: AbortSignal): Error => (reason instanceof Error ? reason : new Error('aborted'))

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
