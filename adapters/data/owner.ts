import { stat } from 'node:fs/promises'
import { codeOf } from '../errorCode.js'

/**
 * Rejects if `dir` belongs to another user: the service could not read what this user writes there. A missing folder is
 * accepted.
 */
export async function demandOwner(dir: string): Promise<void> {
  const owner = await stat(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Error(`the data directory cannot be used (${codeOf(error)})`)
  })
  if (owner === undefined || process.getuid === undefined || owner.uid === process.getuid()) return
  const { uid } = owner
  throw new Error(`the data directory belongs to another user (uid ${uid}): run this command with sudo -u '#${uid}'`)
}
