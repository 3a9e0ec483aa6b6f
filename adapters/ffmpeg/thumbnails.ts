import { readFile } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import type { Thumbnails } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { failureOf } from './endReason.js'
import { pictureSize } from './jpeg.js'
import { quiet, type Run, run as runProgram } from './run.js'
import { discard, intoTemporary } from './temporary.js'

/** Width in pixels; the height keeps the proportions. */
const width = 320
/** Bytes of all pictures in memory: about a thousand. */
const mostBytes = 16 * 1024 * 1024
/** Pictures that are made at the same time, and those that may wait. */
const atOnce = 2
const mostWaiting = 200
/** Limit for one picture, in ms. */
const limit = 10_000

/** Makes thumbnails with ffmpeg, from the first keyframe of a recording, and keeps them in memory. */
export const createThumbnails = ({
  runDir,
  run = runProgram,
}: {
  runDir: string
  run?: Run
}): Thumbnails & { close(): void } => {
  const kept = new LRUCache<string, Buffer>({ maxSize: mostBytes, sizeCalculation: ({ length }) => length })
  const underway = new Map<string, Promise<Buffer>>()
  const queue = pLimit(atOnce)
  const closing = new AbortController()

  const make = async (path: string): Promise<Buffer> => {
    // `-skip_frame nokey` decodes keyframes only, and the first one is enough.
    const input = ['-skip_frame', 'nokey', '-i', path]
    const picture = ['-frames:v', '1', '-vf', `scale=${width}:-2`, '-q:v', '5', '-update', '1', '-f', 'image2']
    const file = await intoTemporary(runDir, '.jpg', async (to) => {
      const { stderr } = await run('ffmpeg', [...quiet, ...input, ...picture, to], {
        timeout: limit,
        signal: closing.signal,
      })
      const bytes = await readFile(to).catch(() => Buffer.alloc(0))
      if (!pictureSize(bytes)) throw failureOf(stderr, 'no_picture', 'the file contains no picture')
    })
    try {
      return await readFile(file)
    } finally {
      await discard(file)
    }
  }

  return {
    /** Ends the programs that run. Further calls reject. */
    close: () => closing.abort(new Failure('service_stopping')),
    of: ({ path, createdAt }) => {
      // The first keyframe of a file that still grows stays the same.
      const key = `${path} ${createdAt}`
      const known = kept.get(key)
      if (known !== undefined) return Promise.resolve(known)
      const making = underway.get(key)
      if (making !== undefined) return making
      if (queue.pendingCount >= mostWaiting)
        return Promise.reject(new Failure('limit_reached', 'too many thumbnails are being made'))
      const made = queue(() => make(path)).finally(() => underway.delete(key))
      underway.set(key, made)
      made.then(
        (bytes) => kept.set(key, bytes),
        () => {},
      )
      return made
    },
  }
}
