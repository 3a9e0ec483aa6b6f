import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

/** The machine ends the script after VM_SECONDS; the rest is for the table and the logs. */
export const secondsForSteps = Number(process.env.VM_SECONDS ?? 120) - 15

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs a program; resolves whatever its exit status is. */
export const run = (program: string, args: string[], { seconds = 30 }: { seconds?: number } = {}): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(
      program,
      args,
      { timeout: seconds * 1000, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr })
      },
    )
  })

/** The output of a program that must succeed. */
export const output = async (program: string, args: string[], options?: { seconds?: number }): Promise<string> => {
  const { code, stdout, stderr } = await run(program, args, options)
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${(stderr || stdout).trim().slice(-500)}`)
  return stdout
}

/** Polls until the answer is not `undefined` or `false`. The error at the timeout holds `what` and the last failure. */
export const eventually = async <T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { seconds = 20 } = {},
): Promise<T> => {
  const deadline = performance.now() + seconds * 1000
  let last = ''
  while (performance.now() < deadline) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      last = `: ${error instanceof Error ? error.message : error}`
    }
    await delay(200) // an emulated processor has enough to do
  }
  throw new Error(`waited ${seconds} s without success for ${what}${last}`)
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message)
}
