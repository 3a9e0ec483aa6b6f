import { readFileSync } from 'node:fs'
import type { HostSample, Log, WallClock } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { cpuTimes, memoryPercent, networkBytes } from './proc.js'

export interface SamplerOptions {
  clock: WallClock
  log: Log
  /** ms between samples. */
  interval?: number
  /** Reads `stat`, `meminfo` and `net/dev` of /proc, which is in memory. */
  read?: (name: string) => string
}

/** The load of processors needs two samples: the second one follows soon, for a service that has just started (ms). */
const secondSample = 500

/** Samples the load of the host at intervals. A value that cannot be read keeps its last value, at first 0. */
export function createHostSampler({ clock, log, interval = 5_000, read = readProc }: SamplerOptions) {
  let sample: HostSample = { at: 0, cpuPercent: 0, memoryPercent: 0, residentBytes: 0, bytesSent: 0, bytesReceived: 0 }
  let before = { total: 0, busy: 0 }

  const take = (level: 'warn' | 'debug') => {
    sample = { ...sample, at: clock.now(), residentBytes: process.memoryUsage.rss() }
    try {
      const cpu = cpuTimes(read('stat'))
      const total = cpu.total - before.total
      // The first sample shows the average since the boot.
      const cpuPercent = total > 0 ? ((cpu.busy - before.busy) / total) * 100 : sample.cpuPercent
      before = cpu
      sample = {
        ...sample,
        cpuPercent: Math.min(100, Math.max(0, cpuPercent)),
        memoryPercent: memoryPercent(read('meminfo')),
        ...networkBytes(read('net/dev')),
      }
    } catch (error) {
      log[level]('the load of the host cannot be read from /proc', { reason: codeOf(error) })
    }
  }
  take('warn')
  const soon = setTimeout(take, secondSample, 'debug').unref()
  const timer = setInterval(take, interval, 'debug').unref()

  return {
    /** Returns the last sample. */
    sample: () => sample,
    dispose: () => {
      clearTimeout(soon)
      clearInterval(timer)
    },
  }
}

const readProc = (name: string) => readFileSync(`/proc/${name}`, 'utf8')
