import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { codeOf } from '../errorCode.js'

/** Seconds that another process may take for its change. */
const patience = 5

/** Exit status of flock when another process holds the lock. Without it, a flock that fails would mean the same. */
const taken = 75

/**
 * Locks an open file by the program flock(1), which inherits the descriptor. The lock belongs to the open file: it
 * outlives the program and ends with this process, however that ends. Waits at most `seconds`. Rejects with one
 * sentence; false: another process holds the lock.
 */
export async function flock(fd: number, seconds: number): Promise<boolean> {
  const wait = seconds === 0 ? ['--nonblock'] : ['--timeout', String(seconds)]
  const args = ['--exclusive', ...wait, '--conflict-exit-code', String(taken), '3']
  let output = ''
  const status = await new Promise<number | string>((done, fail) => {
    const child = spawn('flock', args, { stdio: ['ignore', 'ignore', 'pipe', fd] })
    child.stderr?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(0, 2_000)
    })
    child.on('error', (error) => {
      const isMissing = codeOf(error) === 'ENOENT'
      const what = isMissing ? 'is missing' : `cannot be started (${codeOf(error)})`
      fail(new Error(`the program flock (package util-linux) ${what}`))
    })
    child.on('close', (code, signal) => done(code ?? signal ?? 'no status'))
  })
  if (status === 0 || status === taken) return status === 0
  if (/busybox|unrecognized option|invalid option/i.test(output))
    throw new Error('the program flock is not that of util-linux, and lacks options: install the package util-linux')
  throw new Error(`the program flock (package util-linux) ended with ${status}`)
}

/** Runs `work` while this process alone holds the lock file `path`. `what` is for messages: `the list of API keys`. */
export async function underLock<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
  const file = opened(path, what)
  try {
    if (!(await flock(file, patience)))
      throw new Error(`${what} has been locked by another process for ${patience} s: try again`)
    return await work()
  } finally {
    closeSync(file)
  }
}

function opened(path: string, what: string): number {
  try {
    return openSync(path, 'a+', 0o600)
  } catch (error) {
    throw new Error(`${what} cannot be locked (${codeOf(error)})`)
  }
}
