import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Dispose } from '../../machines/domain/ports.js'

/**
 * Calls `look` now, when something happens in one of the folders, and every `interval` ms: inotify reports nothing on
 * network file systems, and may be used up. A folder that does not exist yet is waited for. `look` never overlaps
 * itself.
 */
export function watchFolder(folders: string | readonly string[], interval: number, look: () => Promise<void>): Dispose {
  const watched = [folders].flat().map((folder) => ({ folder, watcher: createWatcher(() => void run()) }))
  const ended = new AbortController()
  /** A look that is under way, and whether another one is due after it. */
  let running: { again: boolean } | undefined

  const run = async (): Promise<void> => {
    if (running) running.again = true
    if (running || ended.signal.aborted) return
    running = { again: true }
    while (running.again && !ended.signal.aborted) {
      running.again = false
      for (const { folder, watcher } of watched) if (!watcher.attach(folder)) watcher.attach(dirname(folder))
      await look().catch(() => {})
    }
    running = undefined
  }

  const timer = setInterval(() => void run(), interval)
  void run()
  return () => {
    ended.abort()
    clearInterval(timer)
    for (const { watcher } of watched) watcher.close()
  }
}

/** Watches one folder at a time. `attach` returns false if the folder cannot be watched; the former one stays. */
function createWatcher(changed: () => void) {
  let watcher: { of: string; close(): void } | undefined
  return {
    attach(dir: string): boolean {
      if (watcher?.of === dir) return true
      try {
        const next: FSWatcher = watch(dir, changed)
        next.on('error', () => {
          next.close()
          if (watcher?.of === dir) watcher = undefined
        })
        watcher?.close()
        watcher = { of: dir, close: () => next.close() }
        return true
      } catch {
        return false
      }
    },
    close: () => watcher?.close(),
  }
}
