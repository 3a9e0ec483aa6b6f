import type { DiskUsage, Storage } from '../../machines/domain/ports.js'
import { because } from '../../machines/domain/reason.js'
import type { DiskAction } from '../../machines/domain/simulation.js'

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

/** Measures the disk, and changes the result for the main folder. The disk itself stays as it is. */
export function createSimulatedStorage(
  storage: Storage,
  levels: DiskLevels,
): { storage: Storage; set(action: DiskAction): void } {
  let state: DiskAction = 'disk_ok'
  return {
    storage: {
      ...storage,
      async usage(folder) {
        const usage = await storage.usage(folder)
        if (state === 'disk_ok' || folder !== 'main') return usage
        return { ...shown[state](usage, levels), simulated: true }
      },
    },
    set(action) {
      state = action
    },
  }
}
