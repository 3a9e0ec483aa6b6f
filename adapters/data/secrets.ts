import { randomBytes } from 'node:crypto'
import { link, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FaultyFile, FileFault } from '../../machines/domain/fileFault.js'
import type { Log, WallClock } from '../../machines/domain/ports.js'
import { codeOf, isDiskFault } from '../errorCode.js'
import { syncFolder } from './atomic.js'
import { readChecked } from './checkedFile.js'
import { makeFolder } from './folder.js'
import { damagedName } from './stateFile.js'

export interface SecretSources {
  /** `security.jwt_secret_key`; empty: none. */
  value?: string | undefined
  /** `security.jwt_secret_file`; empty: none. */
  file?: string | undefined
  /** `$CREDENTIALS_DIRECTORY` of systemd. */
  credentialsDirectory?: string | undefined
  /** The data directory's `secrets`. */
  secretsDir: string
  service?: Service | undefined
}

/** Present in the service, which must start; the command line fails instead. */
interface Service {
  clock: WallClock
  log: Log
}

export interface Secret {
  key: Uint8Array
  /** Where it comes from, for the log. */
  from: 'configuration' | 'file' | 'systemd credential' | 'data directory' | 'generated' | 'replaced' | 'memory'
}

/** The secrets that the service generates, each for one purpose. */
export type SecretName = 'jwt_secret' | 'link_secret' | 'audit_secret' | 'media_secret'

const least = 32

/** What it means that a secret of the service was replaced. The key of the tokens is not: it may be the operator's. */
const consequences: Record<Exclude<SecretName, 'jwt_secret'>, string> = {
  link_secret: 'signed URLs of before are invalid',
  media_secret: 'an external media server needs the new secret in its authHTTPAddress',
  audit_secret: 'the audit log starts a new chain, the entries of before are kept and cannot be verified',
}

class TooShort extends FileFault {}

/**
 * The key of the tokens: the first of value, file, systemd credential and stored secret that exists; else a new one is
 * generated and stored.
 */
export async function jwtSecret(sources: SecretSources): Promise<Secret> {
  const { secretsDir, service } = sources
  return (await configuredSecret(sources)) ?? keptSecret(secretsDir, 'jwt_secret', service)
}

/** The same without the stored secret. Rejects with a FileFault. */
export async function configuredSecret(sources: SecretSources): Promise<Secret | undefined> {
  const { value, file, credentialsDirectory } = sources
  if (value) {
    const name = 'security.jwt_secret_key'
    return { key: checked(value, { name, key: name }), from: 'configuration' }
  }
  if (file) {
    const about = { name: 'the file of security.jwt_secret_file', key: 'security.jwt_secret_file', path: file }
    const key = await readKey(about, 0o027)
    if (key === undefined) throw new FileFault('does not exist', { ...about, code: 'ENOENT' })
    return { key, from: 'file' }
  }
  if (credentialsDirectory) {
    // systemd grants access by an ACL, whose mask appears as group bits.
    const path = join(credentialsDirectory, 'jwt_secret')
    const key = await readKey({ name: 'the systemd credential jwt_secret', path }, 0o007)
    if (key !== undefined) return { key, from: 'systemd credential' }
  }
  return undefined
}

/**
 * Checks of the stored secrets that reject with a FileFault if the service does not start with one of them. `without`:
 * the key of the tokens is configured. Another user's secrets cannot be checked and are left out.
 */
export const storedFaults = (dir: string, without: boolean): Promise<unknown>[] =>
  (Object.keys({ ...(!without && { jwt_secret: '' }), ...consequences }) as SecretName[]).map((secret) =>
    findSecret(dir, secret).catch((error: unknown) => {
      const isReplaced = error instanceof TooShort && secret !== 'jwt_secret'
      const code = error instanceof FileFault ? error.about.code : undefined
      // The same fault for each of them: `accessFaults` tells it once.
      if (code === 'ENOTDIR') throw new FileFault('is not a folder, or a folder of it is a file', { ...dataDir, code })
      if (!isReplaced && code !== 'EACCES' && code !== 'EPERM') throw error
    }),
  )

const dataDir = { name: 'the data directory', key: 'data_dir' }

/**
 * The secret of this name in `dir`, the data directory's `secrets`; generated at its first use. In the service, one
 * that is too short is kept under another name and replaced, and one that the disk does not take is used from memory.
 */
export async function keptSecret(dir: string, secret: SecretName, service?: Service): Promise<Secret> {
  const path = join(dir, secret)
  const name = nameOf(secret)
  const consequence = service && secret !== 'jwt_secret' ? consequences[secret] : undefined
  const kept = await findSecret(dir, secret).catch((error: unknown) => {
    if (consequence !== undefined && error instanceof TooShort) return 'damaged'
    throw error
  })
  if (kept instanceof Uint8Array) return { key: kept, from: 'data directory' }
  const kept_as = kept && service && damagedName(secret, service.clock)
  const text = randomBytes(32).toString('base64url')
  const key = checked(text, { name })
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await makeFolder(dir, 0o700)
    await writeFile(temporary, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true })
    if (kept_as) await rename(path, join(dir, kept_as))
    await link(temporary, path)
    await syncFolder(path)
  } catch (error) {
    // Another process has generated it at the same moment.
    const theirs = codeOf(error) === 'EEXIST' ? await findSecret(dir, secret) : undefined
    if (theirs !== undefined) return { key: theirs, from: 'data directory' }
    const fault = `cannot be written (${codeOf(error)})`
    if (!service || !isDiskFault(error)) throw new Error(`${name} ${fault}`)
    service.log.warn(`secrets/${secret}: it ${fault} and is valid until the service ends: repair the disk and restart`)
    return { key, from: 'memory' }
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
  }
  if (!kept_as) return { key, from: 'generated' }
  service?.log.warn(`secrets/${secret}: it was damaged and is replaced: ${consequence}`, { kept_as })
  return { key, from: 'replaced' }
}

/** Like `keptSecret`, but generates none: enough to check what was made with the secret. */
export const findSecret = (dir: string, secret: SecretName): Promise<Uint8Array | undefined> =>
  readKey({ path: join(dir, secret), name: nameOf(secret), key: 'data_dir' }, 0o077)

const nameOf = (secret: SecretName) => `the file secrets/${secret} of the data directory`

function checked(text: string, about: FaultyFile): Uint8Array {
  const key = new TextEncoder().encode(text)
  if (key.length < least) throw new TooShort(`holds ${key.length} bytes; at least ${least} are needed`, about)
  return key
}

async function readKey(about: FaultyFile & { path: string }, forbidden: number): Promise<Uint8Array | undefined> {
  const { path, name, key } = about
  const text = await readChecked(path, name, { forbidden, advice: 'run chmod 600 on it', ...(key && { key }) })
  return text === undefined ? undefined : checked(text.replace(/\r?\n$/, ''), about)
}
