import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { codeOf } from '../errorCode.js'

/**
 * The text of a small file that others must not be able to use. `name` is what messages call it, `forbidden` the mode
 * bits that it must not have, `advice` what to do then. `undefined`: there is none.
 */
export async function readChecked(
  path: string,
  name: string,
  { forbidden, advice }: { forbidden: number; advice: string },
): Promise<string | undefined> {
  // Opening a pipe would wait for its other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Error(`${name} cannot be read (${codeOf(error)})`)
  })
  if (!file) return undefined
  try {
    // Of what was opened, not of what the name means by now.
    const { mode, size } = await file.stat()
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new Error(`${name} is not a file`)
    if (mode & forbidden)
      throw new Error(`${name} is open to others (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): ${advice}`)
    if (size > 65_536) throw new Error(`${name} is larger than 64 KiB: this is no key`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
