import { readFile, stat } from 'node:fs/promises'
import type { WallClock } from '../../machines/domain/ports.js'
import { pictureSize } from './jpeg.js'

/**
 * Returns a function that knows the size of a process's frames once its first still exists. The driver may have chosen
 * another size than it was asked for. `still`: the file of the still; `undefined`: there is none.
 */
export function createSizeReader(still: () => string | undefined, clock: WallClock) {
  const since = clock.now()
  let size: { width: number; height: number } | undefined
  let isReading = false

  const read = async (file: string): Promise<void> => {
    // A still of the process before this one may have another size.
    if ((await stat(file)).mtimeMs >= since) size = pictureSize(await readFile(file))
  }
  return (frames: number): { width: number; height: number } | undefined => {
    const file = size === undefined && frames > 0 && !isReading ? still() : undefined
    if (file !== undefined) {
      isReading = true
      read(file)
        .catch(() => {})
        .finally(() => {
          isReading = false
        })
    }
    return size
  }
}
