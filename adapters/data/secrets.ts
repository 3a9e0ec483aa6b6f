import { randomBytes } from 'node:crypto'
import { link, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../errorCode.js'
import { syncFolder } from './atomic.js'
import { readChecked } from './checkedFile.js'
import { makeFolder } from './folder.js'

export interface SecretSources {
  /** `security.jwt_secret_key`; empty: none. */
  value?: string | undefined
  /** `security.jwt_secret_file`; empty: none. */
  file?: string | undefined
  /** `$CREDENTIALS_DIRECTORY` of systemd. */
  credentialsDirectory?: string | undefined
  /** The data directory's `secrets`. */
  secretsDir: string
}

export interface Secret {
  key: Uint8Array
  /** Where it comes from, for the log. */
  from: 'configuration' | 'file' | 'systemd credential' | 'data directory' | 'generated'
}

/** The secrets that the service generates, each for one purpose. */
export type SecretName = 'jwt_secret' | 'link_secret' | 'audit_secret' | 'media_secret'

const least = 32

/**
 * The key of the tokens: the first of value, file, systemd credential and stored secret that exists; else a new one is
 * generated and stored.
 */
export async function jwtSecret({ value, file, credentialsDirectory, secretsDir }: SecretSources): Promise<Secret> {
  if (value) return { key: checked(value, 'security.jwt_secret_key'), from: 'configuration' }
  if (file) {
    const name = 'the file of security.jwt_secret_file'
    const key = await readKey(file, name, 0o027)
    if (key === undefined) throw new Error(`${name} does not exist`)
    return { key, from: 'file' }
  }
  if (credentialsDirectory) {
    // systemd grants access by an ACL, whose mask appears as group bits.
    const path = join(credentialsDirectory, 'jwt_secret')
    const key = await readKey(path, 'the systemd credential jwt_secret', 0o007)
    if (key !== undefined) return { key, from: 'systemd credential' }
  }
  return keptSecret(secretsDir, 'jwt_secret')
}

/** The secret of this name in `dir`, the data directory's `secrets`; generated at its first use. */
export async function keptSecret(dir: string, secret: SecretName): Promise<Secret> {
  const path = join(dir, secret)
  const name = nameOf(secret)
  const kept = await findSecret(dir, secret)
  if (kept !== undefined) return { key: kept, from: 'data directory' }
  const text = randomBytes(32).toString('base64url')
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await makeFolder(dir, 0o700)
    await writeFile(temporary, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true })
    await link(temporary, path)
    await syncFolder(path)
  } catch (error) {
    // Another process has generated it at the same moment.
    const theirs = codeOf(error) === 'EEXIST' ? await findSecret(dir, secret) : undefined
    if (theirs !== undefined) return { key: theirs, from: 'data directory' }
    throw new Error(`${name} cannot be written (${codeOf(error)})`)
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
  }
  return { key: checked(text, name), from: 'generated' }
}

/** Like `keptSecret`, but generates none: enough to check what was made with the secret. */
export const findSecret = (dir: string, secret: SecretName): Promise<Uint8Array | undefined> =>
  readKey(join(dir, secret), nameOf(secret), 0o077)

const nameOf = (secret: SecretName) => `the file secrets/${secret} of the data directory`

function checked(text: string, name: string): Uint8Array {
  const key = new TextEncoder().encode(text)
  if (key.length < least) throw new Error(`${name} holds ${key.length} bytes; at least ${least} are needed`)
  return key
}

async function readKey(path: string, name: string, forbidden: number): Promise<Uint8Array | undefined> {
  const text = await readChecked(path, name, { forbidden, advice: 'run chmod 600 on it' })
  return text === undefined ? undefined : checked(text.replace(/\r?\n$/, ''), name)
}
