import { readdirSync, readFileSync, statSync } from 'node:fs'
import { attempt } from './attempt.js'

/** Identifies a process. The pid alone is not sufficient, because pids are reused. */
export interface ProcessId {
  pid: number
  /** Clock ticks since boot. */
  started: number
}

/** Returns the other processes whose environment has this variable. Those of other users cannot be read. */
export function markedProcesses(variable: string): (ProcessId & { program: string; mark: string })[] {
  return (attempt(() => readdirSync('/proc')) ?? []).flatMap((name) => {
    const pid = Number(name)
    if (!/^\d+$/.test(name) || pid === process.pid) return []
    const variables = readProc(`${pid}/environ`).split('\0')
    const mark = variables.find((each) => each.startsWith(`${variable}=`))?.slice(variable.length + 1)
    const status = mark === undefined ? undefined : statusOf(pid)
    return mark !== undefined && status ? [{ pid, mark, ...status }] : []
  })
}

export const isAlive = ({ pid, started }: ProcessId): boolean => statusOf(pid)?.started === started

/** False for a process of another user. Root sees those too, with any mark. */
export const isOurs = ({ pid }: Pick<ProcessId, 'pid'>): boolean =>
  attempt(() => statSync(`/proc/${pid}`).uid) === process.geteuid?.()

/** Returns `undefined` if the process is gone or a zombie. */
function statusOf(pid: number): { started: number; program: string } | undefined {
  const text = readProc(`${pid}/stat`)
  // The second field is the program's name in brackets, which may contain any character.
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ')
  if (end === -1 || fields[0] === 'Z' || fields[0] === 'X') return undefined
  return { started: Number(fields[19]), program: text.slice(text.indexOf('(') + 1, end) }
}

/** Returns a file of /proc; empty if it cannot be read. */
export const readProc = (file: string): string => attempt(() => readFileSync(`/proc/${file}`, 'utf8')) ?? ''
