import { randomUUID } from 'node:crypto'
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

const prefix = '.picture-'

/** Returns the path of a new temporary file. Its name begins with a dot, so that listings skip it. */
export const temporaryFile = (dir: string, extension: string): string =>
  join(dir, `${prefix}${randomUUID()}${extension}`)

/** Removes the file if it exists. Never rejects. */
export const discard = (file: string): Promise<void> => unlink(file).catch(() => {})

/** Removes the temporary files that a killed service left in `dir`. Never rejects. */
export async function discardLeftovers(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => [])
  await Promise.all(names.filter((name) => name.startsWith(prefix)).map((name) => discard(join(dir, name))))
}

/** Calls `make` with a new temporary file and resolves with its path. Removes the file if `make` fails. */
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
