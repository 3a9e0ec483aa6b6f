import { stat } from 'node:fs/promises'
import { codeOf } from '../errorCode.js'

/**
 * Makes sure that the service can read what this process writes to `dir`: root becomes the owner of `dir`, for the rest
 * of the process. Rejects for any other user than the owner, or if root must not change its user. A missing folder is
 * accepted.
 */
export async function becomeOwner(dir: string): Promise<void> {
  const owner = await stat(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Error(`the data directory cannot be used (${codeOf(error)})`)
  })
  const { getuid, setgroups, setgid, setuid } = process
  if (owner === undefined || getuid === undefined || owner.uid === getuid()) return
  const { uid, gid } = owner
  const fault = `the data directory belongs to another user (uid ${uid}): run this command with sudo -u '#${uid}'`
  if (getuid() !== 0) throw new Error(fault)
  try {
    // The user comes last: only root can change the groups.
    setgroups?.([gid])
    setgid?.(gid)
    setuid?.(uid)
  } catch (error) {
    // As in a container without the capability to do so.
    throw new Error(fault, { cause: error })
  }
}
