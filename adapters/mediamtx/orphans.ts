import type { Log } from '../../machines/domain/ports.js'
import { attempt } from '../attempt.js'
import { isAlive, markedProcesses, type ProcessId } from '../markedProcesses.js'
import { sleep } from '../wait.js'

/**
 * The environment variable that marks child processes and their children. Its value identifies the data directory,
 * which only one service uses at a time.
 */
export const MARK = 'CAMERA_SERVICE_CHILD'

export interface OrphanOptions {
  mark: string
  /** What left them, in words; by default an earlier run. */
  of?: 'an earlier run' | 'the last media server'
  /** Time from SIGINT to SIGKILL, in ms. */
  grace: number
  log: Log
  signal?: AbortSignal
}

/** Ends all processes with the mark, except this one. Resolves with their number when all are gone. */
export async function endOrphans({ mark, of = 'an earlier run', grace, log, signal }: OrphanOptions): Promise<number> {
  const found = markedProcesses(MARK).filter((process) => process.mark === mark)
  if (found.length === 0) return 0
  log.warn(`ending processes left over from ${of}`, { pids: found.map(({ pid }) => pid) })
  for (const { pid } of found) {
    send(pid, 'SIGINT')
    // A stopped process receives the signal only when it continues.
    send(pid, 'SIGCONT')
  }
  const left = await gone(found, grace, signal)
  if (left.length === 0) return found.length
  log.warn(`killing processes left over from ${of}`, { pids: left.map(({ pid }) => pid) })
  for (const { pid } of left) send(pid, 'SIGKILL')
  const stuck = await gone(left, 2_000, signal)
  if (stuck.length > 0)
    log.error(`processes left over from ${of} cannot be ended`, { pids: stuck.map(({ pid }) => pid) })
  return found.length
}

async function gone(processes: ProcessId[], limit: number, signal?: AbortSignal): Promise<ProcessId[]> {
  const end = performance.now() + limit
  for (;;) {
    const left = processes.filter(isAlive)
    if (left.length === 0 || performance.now() >= end) return left
    await sleep(25, signal)
  }
}

function send(pid: number, name: NodeJS.Signals): void {
  // It may have just ended.
  attempt(() => process.kill(pid, name))
}
