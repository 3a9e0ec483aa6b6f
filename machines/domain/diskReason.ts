/** Why recordings are blocked, or clients warned, in words. */
import { type DiskLevel, type DiskLimits, freeAt, fullness, reached, type WriteRate } from './diskRoom.js'
import type { DiskUsage } from './files.js'
import { because, type Reason } from './reason.js'

const codes = { warning: 'storage_warning', strained: 'storage_full', full: 'storage_full' } as const

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

/** Returns the reason of a level. The level may have been reached before, and not be left yet. */
export function reasonOfLevel(level: DiskLevel, limits: DiskLimits, usage: DiskUsage, rate: WriteRate): Reason {
  const code = codes[level]
  const by = reached(level, limits, usage, rate)
  const left = megabytes(usage.available)
  if (by === 'free')
    return because(code, `only ${left} are free, the limit is ${megabytes(freeAt(level, limits, usage))}`)
  if (by === 'forecast')
    return because(code, `the disk fills up with ${megabytes(rate.perMs * 1_000)} per second, only ${left} are free`)
  const used = fullness(usage)
  const limit = `the limit is ${level === 'warning' ? limits.warnPercent : limits.blockPercent} %`
  if (used === usage.percent) return because(code, `the disk is ${used.toFixed(1)} % full, ${limit}`)
  const inodes = `${used.toFixed(1)} % of the inodes of the disk are used, ${limit}`
  return because(code, used === 100 ? `${inodes}: no file can be created` : inodes)
}
