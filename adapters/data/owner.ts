import { stat } from 'node:fs/promises'
import { codeOf } from '../errorCode.js'

/**
 * Makes sure that the service can read what this process writes to `dirs`: root becomes their owner, for the rest of the
 * process. Rejects for any other user than the owner, if the owners differ, or if root must not change its user. Missing
 * folders are accepted.
 */
export async function becomeOwner(dirs: readonly string[]): Promise<void> {
  const [owner, ...others] = (await Promise.all(dirs.map(ownerOf))).filter((each) => each !== undefined)
  const { getuid, setgroups, setgid, setuid } = process
  if (owner === undefined || getuid === undefined) return
  const { uid, gid } = owner
  const other = others.find((each) => each.uid !== uid)
  if (other)
    throw new Error(
      `the folders of the data directory belong to different users (uid ${uid} and ${other.uid}): give all of it to ` +
        'the user of the service with chown -R',
    )
  if (uid === getuid()) return
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

const ownerOf = (dir: string) =>
  stat(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Error(`the data directory cannot be used (${codeOf(error)})`)
  })
