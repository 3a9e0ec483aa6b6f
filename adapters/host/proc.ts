/** Parsers for files of /proc: see proc(5). */

/** Ticks of all processors since the boot: all of them, and those that were busy. */
export function cpuTimes(stat: string): { total: number; busy: number } {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = (
    /^cpu +(.*)$/m.exec(stat)?.[1] ?? ''
  )
    .split(' ')
    .map(Number)
  // `user` and `nice` include the time of guests.
  const busy = user + nice + system + irq + softirq + steal
  return { total: busy + idle + iowait, busy }
}

/** Percentage of memory in use that cannot be freed at once, as `free` shows it. */
export function memoryPercent(meminfo: string): number {
  const { total, available } = memoryBytes(meminfo)
  return total ? Math.min(100, Math.max(0, (1 - available / total) * 100)) : 0
}

/** Bytes of memory of this host, and those that programs can still get. */
export function memoryBytes(meminfo: string): { total: number; available: number } {
  const [total = 0, available = 0] = ['MemTotal', 'MemAvailable'].map(
    (name) => 1024 * Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0),
  )
  return { total, available }
}

/** Bytes of all network interfaces but loopback. */
export function networkBytes(dev: string): { bytesReceived: number; bytesSent: number } {
  const sums = { bytesReceived: 0, bytesSent: 0 }
  for (const [, name, numbers = ''] of dev.matchAll(/^ *([^:\s]+): *([\d ]+)$/gm)) {
    if (name === 'lo') continue
    const columns = numbers.trim().split(/ +/).map(Number)
    sums.bytesReceived += columns[0] ?? 0
    sums.bytesSent += columns[8] ?? 0
  }
  return sums
}
