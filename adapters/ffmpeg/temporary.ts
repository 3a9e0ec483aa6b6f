import { randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const prefix = '.picture-'

/** A name for a file that does not exist yet; listings pass over it, as it begins with a dot. */
export const temporaryFile = (dir: string, extension: string): string =>
  join(dir, `${prefix}${randomUUID()}${extension}`)

/** Removes it; a missing one is fine. */
export const discard = (file: string): Promise<void> => rm(file, { force: true }).catch(() => {})

/** Removes what a killed service left in `dir`. */
export async function discardLeftovers(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => [])
  await Promise.all(names.filter((name) => name.startsWith(prefix)).map((name) => discard(join(dir, name))))
}

/** Gives `make` a temporary file, which is gone again when that fails. */
export async function intoTemporary(
  dir: string,
  extension: string,
  make: (file: string) => Promise<void>,
): Promise<string> {
  const file = temporaryFile(dir, extension)
  try {
    await make(file)
    return file
  } catch (error) {
    await discard(file)
    throw error
  }
}
