import { readFile } from 'node:fs/promises'
import type { Clock, Dispose, HostSample, Log } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { cpuTimes, memoryPercent, networkBytes } from './proc.js'

export interface SamplerOptions {
  clock: Clock
  log: Log
  /** ms between samples. */
  interval?: number
  /** Reads `stat`, `meminfo` and `net/dev` of /proc. */
  read?: (name: string) => Promise<string>
}

export interface HostSampler {
  /** The last sample, at once; all zeros before the first. */
  sample(): HostSample
  dispose: Dispose
}

/** A share of the processor needs two looks; the second comes soon, so that a fresh service has one. */
const second = 500

/** Looks at the machine in the background, so that nobody who asks has to wait. What cannot be read stays as it was. */
export function createHostSampler({ clock, log, interval = 5_000, read = readProc }: SamplerOptions): HostSampler {
  let sample: HostSample = {
    at: clock.now(),
    cpuPercent: 0,
    memoryPercent: 0,
    residentBytes: 0,
    bytesSent: 0,
    bytesReceived: 0,
  }
  let before: ReturnType<typeof cpuTimes> | undefined
  let isDisposed = false
  let isTold = false
  let timer: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    const [stat, meminfo, network] = await Promise.all([read('stat'), read('meminfo'), read('net/dev')])
    const cpu = cpuTimes(stat)
    const total = cpu.total - (before?.total ?? 0)
    const busy = cpu.busy - (before?.busy ?? 0)
    sample = {
      at: clock.now(),
      // Before there are two looks, the average since the machine's start is the best that is known.
      cpuPercent: total > 0 ? Math.min(100, Math.max(0, (busy / total) * 100)) : sample.cpuPercent,
      memoryPercent: memoryPercent(meminfo),
      residentBytes: process.memoryUsage.rss(),
      ...networkBytes(network),
    }
    before = cpu
  }

  const goOn = (wait: number) => {
    look()
      .catch((error: unknown) => {
        sample = { ...sample, at: clock.now(), residentBytes: process.memoryUsage.rss() }
        if (!isTold) log.warn('the machine’s load cannot be read from /proc', { reason: codeOf(error) })
        isTold = true
      })
      .finally(() => {
        if (!isDisposed) timer = setTimeout(() => goOn(interval), wait).unref()
      })
  }
  goOn(second)

  return {
    sample: () => sample,
    dispose: () => {
      isDisposed = true
      clearTimeout(timer)
    },
  }
}

const readProc = (name: string) => readFile(`/proc/${name}`, 'utf8')
