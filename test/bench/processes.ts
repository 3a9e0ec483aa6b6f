import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts processor time in 1/100 s. */
const msPerTick = 10

/** The pid and all its descendants. */
export function tree(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? Number(statOf(Number(name))?.[1]) : Number.NaN
    if (Number.isFinite(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const below = (of: number): number[] => [of, ...(children.get(of) ?? []).flatMap(below)]
  return below(pid)
}

/** ms of processor time that this process has used, without its children. */
export function cpuOf(pid: number): number {
  const [, , user = 0, system = 0] = statOf(pid) ?? []
  return (Number(user) + Number(system)) * msPerTick
}

/** ms of processor time of this process and all its children, ended ones included. */
export function cpuWithChildren(pid: number): number {
  const ticks = tree(pid).flatMap((each) => statOf(each)?.slice(2) ?? [])
  return ticks.reduce<number>((sum, each) => sum + Number(each), 0) * msPerTick
}

/** MB of memory; 0 if the process has ended. */
export function rssOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

export const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** State, parent, and user and system time of the process and of its ended children in ticks. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return [...fields.slice(0, 2), ...fields.slice(11, 15)]
  } catch {
    return undefined
  }
}
