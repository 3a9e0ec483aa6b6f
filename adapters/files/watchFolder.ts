import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { Dispose } from '../../machines/domain/ports.js'

/**
 * Calls `look` now, when something happens in the folder, and every `interval` ms: inotify reports nothing on network
 * file systems, and may be used up. A folder that does not exist yet is waited for. `look` never overlaps itself.
 */
export function watchFolder(folder: string, interval: number, look: () => Promise<void>): Dispose {
  let watcher: { of: string; close(): void } | undefined
  const ended = new AbortController()
  /** A look that is under way, and whether another one is due after it. */
  let running: { again: boolean } | undefined

  const attach = (dir: string): boolean => {
    if (watcher?.of === dir) return true
    try {
      const next: FSWatcher = watch(dir, () => void run())
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
  }
  const run = async (): Promise<void> => {
    if (running) running.again = true
    if (running || ended.signal.aborted) return
    running = { again: true }
    while (running.again && !ended.signal.aborted) {
      running.again = false
      if (!attach(folder)) attach(dirname(folder))
      await look().catch(() => {})
    }
    running = undefined
  }

  const timer = setInterval(() => void run(), interval)
  void run()
  return () => {
    ended.abort()
    clearInterval(timer)
    watcher?.close()
  }
}
