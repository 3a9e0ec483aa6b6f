import type { DiskUsage, Pictures, Storage } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import type { DiskAction } from '../../machines/domain/simulation.js'
import { unwritten } from '../ffmpeg/pictures.js'
import { discard } from '../ffmpeg/temporary.js'

export interface DiskLevels {
  warnPercent: number
  blockPercent: number
}

/** What the simulated disk shows instead of the measured usage. */
const shown: Record<Exclude<DiskAction, 'disk_ok'>, (usage: DiskUsage, levels: DiskLevels) => DiskUsage> = {
  // Above the warning, and below the level where the recordings of low priority stop.
  disk_nearly_full: (usage, { warnPercent, blockPercent }) => ({
    ...usage,
    ...filledTo(Math.max(usage.percent, warnPercent + (blockPercent - warnPercent) / 4), usage),
  }),
  disk_full: (usage) => ({
    ...usage,
    ...filledTo(100, usage),
    fault: because('storage_full', 'no file can be written (ENOSPC)', { errno: 'ENOSPC' }),
  }),
  disk_read_only: (usage) => ({
    ...usage,
    fault: because('storage_read_only', 'the disk is read-only (EROFS)', { errno: 'EROFS' }),
  }),
}

function filledTo(percent: number, { used, available }: DiskUsage): Pick<DiskUsage, 'used' | 'available' | 'percent'> {
  const size = used + available
  const left = Math.round(size * (1 - percent / 100))
  return { used: size - left, available: left, percent }
}

/** The error of the system with which the simulated disk takes no file. */
const errors: Partial<Record<DiskAction, string>> = { disk_full: 'ENOSPC', disk_read_only: 'EROFS' }

/**
 * Measures the disk, and changes the result for the main folder, where snapshots cannot be saved while it takes no
 * file. The disk itself stays as it is.
 */
export function createSimulatedDisk(levels: DiskLevels): {
  storage(real: Storage): Storage
  pictures(real: Pictures): Pictures
  set(action: DiskAction): void
} {
  let state: DiskAction = 'disk_ok'
  return {
    storage: (real) => ({
      ...real,
      async usage(folder) {
        const usage = await real.usage(folder)
        if (state === 'disk_ok' || folder !== 'main') return usage
        return { ...shown[state](usage, levels), simulated: true }
      },
    }),
    pictures: (real) => ({
      ...real,
      async save(camera, picture, options, signal, also) {
        const errno = errors[state]
        // A fleeting picture is not saved on the disk of the recordings.
        if (errno === undefined || options.fleeting) return real.save(camera, picture, options, signal, also)
        if (also?.keep !== true) await discard(picture.file)
        throw unwritten(errno)
      },
    }),
    set(action) {
      state = action
    },
  }
}
