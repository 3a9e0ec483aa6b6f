import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { codeOf } from '../errorCode.js'

/**
 * Reads a small file that other users must not be able to use; `undefined`: there is none. `name` is for messages,
 * `forbidden` are the mode bits that the file must not have, `advice` says what to do if it has them. Rejects with one
 * sentence without the path.
 */
export async function readChecked(
  path: string,
  name: string,
  { forbidden, advice }: { forbidden: number; advice: string },
): Promise<string | undefined> {
  // Without O_NONBLOCK, opening a pipe waits for its other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Error(`${name} cannot be read (${codeOf(error)})`)
  })
  if (!file) return undefined
  try {
    // The open file, not the path: another file may have the name by now.
    const { mode, size } = await file.stat()
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new Error(`${name} is not a file`)
    if (mode & forbidden)
      throw new Error(`${name} is open to others (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): ${advice}`)
    if (size > 65_536) throw new Error(`${name} is larger than 64 KiB, so it is no key`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
