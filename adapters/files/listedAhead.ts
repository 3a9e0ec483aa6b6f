import type { ListedFiles } from './mediaFiles.js'

/** How often the folders are looked at, in ms. */
const interval = 5_000

/** Follows the folders, so that the reply to a list need not read one that holds very many files. Returns how to end. */
export function listAhead({ refresh }: Pick<ListedFiles, 'refresh'>): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let isEnded = false
  let running = Promise.resolve()
  const look = () => {
    // A folder on a disk that hangs must not be looked at twice.
    running = refresh().then(() => {
      if (!isEnded) timer = setTimeout(look, interval).unref()
    })
  }
  look()
  return () => {
    isEnded = true
    clearTimeout(timer)
    return running
  }
}
