import { readdir, readFile } from 'node:fs/promises'
import type { Log } from '../../machines/domain/ports.js'
import { sleep } from '../wait.js'

/**
 * The environment variable that marks child processes and their children. Its value identifies the data directory,
 * which only one service uses at a time.
 */
export const MARK = 'CAMERA_SERVICE_CHILD'

/** Identifies a process. The pid alone is not sufficient, because pids are reused. */
interface Process {
  pid: number
  /** Clock ticks since boot. */
  started: string
}

export interface OrphanOptions {
  mark: string
  /** Time from SIGINT to SIGKILL, in ms. */
  grace: number
  log: Log
  signal?: AbortSignal
}

/** Ends all processes with the mark, except this one. Resolves with their number when all are gone. */
export async function endOrphans({ mark, grace, log, signal }: OrphanOptions): Promise<number> {
  const found = await marked(mark)
  if (found.length === 0) return 0
  log.warn('ending processes left over from an earlier run', { pids: found.map(({ pid }) => pid) })
  for (const { pid } of found) {
    send(pid, 'SIGINT')
    // A stopped process receives the signal only when it continues.
    send(pid, 'SIGCONT')
  }
  const left = await gone(found, grace, signal)
  if (left.length === 0) return found.length
  log.warn('killing processes left over from an earlier run', { pids: left.map(({ pid }) => pid) })
  for (const { pid } of left) send(pid, 'SIGKILL')
  const stuck = await gone(left, 2_000, signal)
  if (stuck.length > 0)
    log.error('processes left over from an earlier run cannot be ended', { pids: stuck.map(({ pid }) => pid) })
  return found.length
}

/** Returns the processes with the mark. Processes of other users cannot be read and are ignored. */
async function marked(mark: string): Promise<Process[]> {
  const entry = `${MARK}=${mark}`
  const pids = (await readdir('/proc').catch(() => [])).filter(
    (name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid,
  )
  const found = await Promise.all(
    pids.map(async (pid): Promise<Process | undefined> => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      if (!environment.split('\0').includes(entry)) return undefined
      const started = await startOf(Number(pid))
      return started === undefined ? undefined : { pid: Number(pid), started }
    }),
  )
  return found.filter((process) => process !== undefined)
}

/** Resolves with `undefined` if the process is gone or a zombie. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the program's name in brackets, which may contain any character.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

async function gone(processes: Process[], limit: number, signal?: AbortSignal): Promise<Process[]> {
  const end = performance.now() + limit
  for (;;) {
    const starts = await Promise.all(processes.map(({ pid }) => startOf(pid)))
    const left = processes.filter(({ started }, i) => starts[i] === started)
    if (left.length === 0 || performance.now() >= end) return left
    await sleep(25, signal)
  }
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has just ended.
  }
}
