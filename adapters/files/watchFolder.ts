import { type FSWatcher, watch } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Dispose } from '../../machines/domain/ports.js'

/** The file systems whose changes inotify reports: ext, XFS, Btrfs, tmpfs, F2FS, overlay, FAT, exFAT, ZFS (magic.h). */
const localTypes = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010, 0x794c7630, 0x4d44, 0x2011bab0, 0x2fc12fc1,
])

/** Times between two looks, in ms. `trusted`: where inotify reports all changes. */
export interface LookInterval {
  polled: number
  trusted: number
}

/**
 * Calls `look` now, when something happens in one of the folders, and at intervals: inotify reports nothing on network
 * file systems, and may be used up. A folder that does not exist yet is waited for. `look` never overlaps itself.
 */
export function watchFolder(
  folders: string | readonly string[],
  interval: number | LookInterval,
  look: () => Promise<void>,
): Dispose {
  const { polled, trusted } = typeof interval === 'number' ? { polled: interval, trusted: interval } : interval
  const watched = [folders].flat().map((folder) => ({ folder, watcher: createWatcher(() => void run()) }))
  const ended = new AbortController()
  let timer: NodeJS.Timeout | undefined
  /** A look that is under way, and whether another one is due after it. */
  let running: { again: boolean } | undefined

  /** Returns the time until the next look. */
  const attach = async (): Promise<number> => {
    const sure = await Promise.all(
      watched.map(async ({ folder, watcher }) => {
        const place = trusted > polled ? await placeOf(folder) : undefined
        if (ended.signal.aborted) return false
        const isWatched = watcher.attach(folder, place?.id)
        if (!isWatched) watcher.attach(dirname(folder))
        return isWatched && place?.isLocal === true
      }),
    )
    return sure.every(Boolean) ? trusted : polled
  }

  const run = async (): Promise<void> => {
    if (running) running.again = true
    if (running || ended.signal.aborted) return
    clearTimeout(timer)
    running = { again: true }
    let pause = polled
    while (running.again && !ended.signal.aborted) {
      running.again = false
      pause = await attach()
      await look().catch(() => {})
    }
    running = undefined
    if (!ended.signal.aborted) timer = setTimeout(() => void run(), pause)
  }

  void run()
  return () => {
    ended.abort()
    clearTimeout(timer)
    for (const { watcher } of watched) watcher.close()
  }
}

/** Which folder it is, and whether inotify reports its changes. Undefined: there is none. */
async function placeOf(folder: string): Promise<{ id: string; isLocal: boolean } | undefined> {
  try {
    const [{ dev, ino, birthtimeMs }, { type }] = await Promise.all([stat(folder), statfs(folder)])
    return { id: `${dev}:${ino}:${birthtimeMs}`, isLocal: localTypes.has(type) }
  } catch {
    return undefined
  }
}

/** Watches one folder at a time. `attach` returns false if the folder cannot be watched; the former one stays. */
function createWatcher(changed: () => void) {
  let watcher: { of: string; id: string | undefined; close(): void } | undefined
  return {
    /** `id`: another one means that the folder was removed and made again. */
    attach(dir: string, id?: string): boolean {
      if (watcher?.of === dir && watcher.id === id) return true
      try {
        const next: FSWatcher = watch(dir, changed)
        next.on('error', () => {
          next.close()
          if (watcher?.of === dir) watcher = undefined
        })
        watcher?.close()
        watcher = { of: dir, id, close: () => next.close() }
        return true
      } catch {
        return false
      }
    },
    close: () => watcher?.close(),
  }
}
