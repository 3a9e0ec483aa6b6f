import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  dir: string
  /** Leaves no room, not even for one byte. */
  fill(): void
  setReadOnly(): void
  remove(): void
}

/** Mounts a disk of `size` (`64k`) in memory; returns the reason if this user may not mount. The caller removes it. */
export function smallDisk(size: string, options = ''): SmallDisk | string {
  const dir = mkdtempSync(join(tmpdir(), 'small-disk-'))
  const run = (command: string, ...words: string[]) => execFileSync(command, words, { stdio: 'pipe' })
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${size},mode=755${options}`, 'tmpfs', dir)
  } catch (error) {
    rmdirSync(dir)
    return `no disk can be mounted here: ${error instanceof Error ? error.message.trim().replaceAll('\n', ' ') : error}`
  }
  return {
    dir,
    fill() {
      for (const bytes of [65_536, 4_096])
        for (let number = 0; ; number++)
          try {
            writeFileSync(join(dir, `filling-${bytes}-${number}`), Buffer.alloc(bytes))
          } catch {
            break
          }
    },
    setReadOnly: () => void run('mount', '-o', 'remount,ro', dir),
    remove() {
      run('umount', '--lazy', dir)
      rmdirSync(dir)
    },
  }
}
