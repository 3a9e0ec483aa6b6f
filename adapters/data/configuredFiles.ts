/** Reads the files that the configuration names, as the service does at its start and at their use. */
import { constants } from 'node:fs'
import { stat } from 'node:fs/promises'
import { reasonOf } from '../../machines/domain/errors.js'
import { FileFault, type NamedFile } from '../../machines/domain/fileFault.js'
import { type KeySource, readKeyFile } from '../tokens/trustedKeys.js'
import { openToOthers, readChecked } from './checkedFile.js'
import { configuredSecret, type SecretSources, storedFaults } from './secrets.js'

/** The faults of the secrets and the key files: with one of them the service does not start. */
export async function accessFaults(sources: SecretSources, keys: readonly KeySource[]): Promise<FileFault[]> {
  const secret = configuredSecret(sources)
  const isConfigured = secret.then(
    (found) => found !== undefined,
    () => true,
  )
  return faultsOf([
    secret,
    ...keys.map((source, index) => readKeyFile(source, index)),
    ...(await storedFaults(sources.secretsDir, await isConfigured)),
  ])
}

/** The faults of password files of cameras. The service starts all the same. */
export const passwordFaults = (files: readonly NamedFile[]): Promise<FileFault[]> => faultsOf(files.map(checkPassword))

async function checkPassword({ key, path }: NamedFile): Promise<void> {
  const rights = { forbidden: constants.S_IRWXO, advice: 'run chmod 600 on it', key }
  const text = await readChecked(path, key, rights)
  if (text === undefined) throw new FileFault('does not exist', { name: key, key, path, code: 'ENOENT' })
  if (text.replace(/\r?\n$/, '') === '') throw new FileFault('is empty', { name: key, key, path })
}

/** The private keys that other users may use. Those that cannot be found are no concern of this function. */
export async function openKeys(files: readonly NamedFile[]): Promise<FileFault[]> {
  const found = await Promise.all(
    files.map(async ({ key, path }) => {
      const mode = await stat(path).then(
        ({ mode }) => mode,
        () => 0,
      )
      const isOpen = (mode & constants.S_IRWXO) !== 0
      return isOpen
        ? new FileFault(openToOthers(mode, 'run chmod 600 on it'), { name: key, key, path, code: 'open' })
        : []
    }),
  )
  return found.flat()
}

async function faultsOf(checks: readonly Promise<unknown>[]): Promise<FileFault[]> {
  const results = await Promise.allSettled(checks)
  const faults = results.flatMap((result) => {
    if (result.status === 'fulfilled') return []
    const { reason } = result
    return reason instanceof FileFault ? reason : new FileFault(reasonOf(reason), { name: 'a file:' })
  })
  return [...new Map(faults.map((fault) => [fault.message, fault])).values()]
}
