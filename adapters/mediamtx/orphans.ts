import { readdir, readFile } from 'node:fs/promises'
import type { Log } from '../../machines/domain/ports.js'
import { sleep } from './wait.js'

/** The variable that marks our children, and theirs; its value names the data directory, which one service has at a time. */
export const MARK = 'CAMERA_SERVICE_CHILD'

/** A process for certain: a pid alone may be given to another. */
interface Process {
  pid: number
  /** Clock ticks since boot. */
  started: string
}

export interface OrphanOptions {
  mark: string
  /** From SIGINT to SIGKILL, in ms. */
  grace: number
  log: Log
  signal?: AbortSignal
}

/** Ends every process but this one that carries the mark. Resolves with their count when all are gone. */
export async function endOrphans({ mark, grace, log, signal }: OrphanOptions): Promise<number> {
  const found = await marked(mark)
  if (found.length === 0) return 0
  log.warn('processes of an earlier life are ended', { pids: found.map(({ pid }) => pid) })
  for (const { pid } of found) {
    send(pid, 'SIGINT')
    // A stopped one would keep the signal for later.
    send(pid, 'SIGCONT')
  }
  const left = await gone(found, grace, signal)
  if (left.length === 0) return found.length
  log.warn('processes of an earlier life are killed', { pids: left.map(({ pid }) => pid) })
  for (const { pid } of left) send(pid, 'SIGKILL')
  const stuck = await gone(left, 2_000, signal)
  if (stuck.length > 0) log.error('processes of an earlier life cannot be ended', { pids: stuck.map(({ pid }) => pid) })
  return found.length
}

/** Those of other users cannot be read, and are none of ours. */
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

/** `undefined`: it is gone, or a zombie. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the program's name in brackets and may hold anything.
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
