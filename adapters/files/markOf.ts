import { stat } from 'node:fs/promises'

/** Changes with each write: a rename brings a new inode. `undefined`: there is no such file. */
export const markOf = (path: string): Promise<string | undefined> =>
  stat(path).then(
    ({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`,
    () => undefined,
  )
