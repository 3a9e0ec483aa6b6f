import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Dispose } from '../../machines/domain/ports.js'

/**
 * Calls `look` now, when something happens in the folder, and every `interval` ms (inotify says nothing on network
 * file systems, and may be used up). A folder that is not there yet is waited for. `look` never overlaps itself.
 */
export function watchFolder(folder: string, interval: number, look: () => Promise<void>): Dispose {
  let watcher: FSWatcher | undefined
  let watched: string | undefined
  let ended = false
  let looking = false
  let again = false

  const attach = (dir: string): boolean => {
    if (watched === dir) return true
    try {
      const next = watch(dir, () => void run())
      next.on('error', () => {
        next.close()
        if (watcher === next) watched = undefined
      })
      watcher?.close()
      watcher = next
      watched = dir
      return true
    } catch {
      return false
    }
  }

  const run = async (): Promise<void> => {
    again = looking
    if (looking || ended) return
    looking = true
    do {
      again = false
      if (!attach(folder)) attach(dirname(folder))
      await look().catch(() => {})
    } while (again && !ended)
    looking = false
  }

  const timer = setInterval(() => void run(), interval)
  void run()
  return () => {
    ended = true
    clearInterval(timer)
    watcher?.close()
  }
}
