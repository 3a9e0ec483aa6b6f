import { join } from 'node:path'
import { becomeOwner } from '../adapters/data/owner.js'
import { findSecret } from '../adapters/data/secrets.js'
import type { Configuration } from '../config/schema.js'
import { UsageError } from './line/command.js'

/** The folders of a data directory. */
export const dataFolders = ({ data_dir: dir }: Configuration) => ({
  audit: join(dir, 'audit'),
  secrets: join(dir, 'secrets'),
  state: join(dir, 'state'),
  journal: join(dir, 'state', 'journal'),
})

/**
 * The same folders, of a data directory that a service has used. Rejects otherwise, because in a new one a command
 * would make a key that no service knows. As root, the process becomes the user of the data directory; for other users
 * it rejects when the data directory is not theirs.
 */
export async function usedDataFolders(config: Configuration): Promise<ReturnType<typeof dataFolders>> {
  const folders = dataFolders(config)
  await becomeOwner([folders.state, folders.secrets])
  // The commands make a jwt_secret, but only a service makes this one.
  if ((await findSecret(folders.secrets, 'audit_secret')) !== undefined) return folders
  throw new UsageError(
    `no camera service has used the data directory ${config.data_dir}: start the service first, or select the data ` +
      'directory of the running service with --data-dir DIR, --config FILE, CAMERA_SERVICE_DATA_DIR or ' +
      'CAMERA_SERVICE_CONFIG',
  )
}
