import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { codeOf } from '../errorCode.js'

/** Seconds that another process may take for its change. */
const patience = 5

/**
 * Runs `work` while this process alone holds the lock of `path`. By flock(1) on a descriptor that it inherits, as the
 * data directory is locked: the lock dies with its holder, so none is ever left behind. `what` is for the message.
 */
export async function underLock<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
  const file = opened(path, what)
  try {
    const code = await flock(file)
    if (code === 1) throw new Error(`the ${what} is being changed by another process for ${patience} s now`)
    if (code !== 0) throw new Error(`the ${what} cannot be locked: flock ended with ${code}`)
    return await work()
  } finally {
    closeSync(file)
  }
}

function opened(path: string, what: string): number {
  try {
    return openSync(path, 'a+', 0o600)
  } catch (error) {
    throw new Error(`the ${what} cannot be locked (${codeOf(error)})`)
  }
}

const flock = (fd: number) =>
  new Promise<number | string>((done, fail) => {
    const child = spawn('flock', ['--exclusive', '--timeout', String(patience), '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    })
    child.on('error', (error) =>
      fail(new Error(`the program flock (package util-linux) cannot be started (${codeOf(error)})`)),
    )
    child.on('exit', (code, signal) => done(code ?? signal ?? 'no code'))
  })
