import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { FileFault } from '../../machines/domain/fileFault.js'
import { codeOf } from '../errorCode.js'

/** The rule that a file with this mode breaks. */
export const openToOthers = (mode: number, advice: string): string =>
  `is open to others (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): ${advice}`

/**
 * Reads a small file that other users must not be able to use; `undefined`: there is none. `name` is for messages,
 * `forbidden` are the mode bits that the file must not have, `advice` says what to do if it has them, `key` is that of
 * the configuration. Rejects with a FileFault.
 */
export async function readChecked(
  path: string,
  name: string,
  { forbidden, advice, key }: { forbidden: number; advice: string; key?: string },
): Promise<string | undefined> {
  const refused = (rule: string, code?: string) =>
    new FileFault(rule, { name, path, ...(key !== undefined && { key }), ...(code !== undefined && { code }) })
  // Without O_NONBLOCK, opening a pipe waits for its other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw refused(`cannot be read (${codeOf(error)})`, codeOf(error))
  })
  if (!file) return undefined
  try {
    // The open file, not the path: another file may have the name by now.
    const { mode, size } = await file.stat()
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refused('is not a file')
    if (mode & forbidden) throw refused(openToOthers(mode, advice), 'open')
    if (size > 65_536) throw refused('is larger than 64 KiB, so it is no key')
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
