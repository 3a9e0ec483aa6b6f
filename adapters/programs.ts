import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Returns the file of a program on the PATH; `undefined` if it is not installed. */
export async function findOnPath(program: string, path: string): Promise<string | undefined> {
  for (const dir of path.split(delimiter).filter((dir) => dir !== '')) {
    const file = join(dir, program)
    if (await isProgram(file)) return file
  }
  return undefined
}

/**
 * Returns the beginning of a command that ends with its parent: the kernel sends it SIGTERM. Empty without util-linux; then
 * only an orderly end of the parent ends it.
 */
export async function endsWithParent(path: string): Promise<string[]> {
  const setpriv = await findOnPath('setpriv', path)
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'TERM', '--']
}

export const isProgram = async (file: string): Promise<boolean> => {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
