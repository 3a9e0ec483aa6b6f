import { stat } from 'node:fs/promises'
import { codeOf } from '../errorCode.js'

/**
 * Rejects when `dir` belongs to another user: what root wrote there, the service could not read afterwards. A folder that
 * is not there yet belongs to nobody.
 */
export async function demandOwner(dir: string): Promise<void> {
  const owner = await stat(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Error(`the data directory cannot be used (${codeOf(error)})`)
  })
  if (owner === undefined || process.getuid === undefined || owner.uid === process.getuid()) return
  throw new Error(
    `the data directory belongs to another user (uid ${owner.uid}): run this command as that user, as with sudo -u '#${owner.uid}'`,
  )
}
