import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../errorCode.js'
import { syncFolder } from './atomic.js'
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

export interface JwtSecret {
  key: Uint8Array
  /** Where it comes from, for the log. */
  from: 'configuration' | 'file' | 'systemd credential' | 'data directory' | 'generated'
}

const least = 32

/** The key of the tokens: the first there is of value, file, credential, kept file; else a new one is generated and kept. */
export async function jwtSecret({ value, file, credentialsDirectory, secretsDir }: SecretSources): Promise<JwtSecret> {
  if (value) return { key: checked(value, 'security.jwt_secret_key'), from: 'configuration' }
  if (file) {
    const text = await readSecret(file, 'the file of security.jwt_secret_file', 0o027)
    if (text === undefined) throw new Error('the file of security.jwt_secret_file does not exist')
    return { key: checked(text, 'the file of security.jwt_secret_file'), from: 'file' }
  }
  if (credentialsDirectory) {
    // systemd grants by ACL, whose mask shows as group bits.
    const text = await readSecret(join(credentialsDirectory, 'jwt_secret'), 'the systemd credential jwt_secret', 0o007)
    if (text !== undefined) return { key: checked(text, 'the systemd credential jwt_secret'), from: 'systemd credential' }
  }
  return keptSecret(secretsDir)
}

async function keptSecret(dir: string): Promise<JwtSecret> {
  const path = join(dir, 'jwt_secret')
  const name = 'the file secrets/jwt_secret of the data directory'
  const kept = await readSecret(path, name, 0o077)
  if (kept !== undefined) return { key: checked(kept, name), from: 'data directory' }
  const text = randomBytes(32).toString('base64url')
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await makeFolder(dir, 0o700)
    await writeFile(temporary, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true })
    await link(temporary, path)
    await syncFolder(path)
  } catch (error) {
    // `token`, run at the same moment, was first.
    if (codeOf(error) === 'EEXIST') {
      const theirs = await readSecret(path, name, 0o077)
      if (theirs !== undefined) return { key: checked(theirs, name), from: 'data directory' }
    }
    throw new Error(`${name} cannot be written (${codeOf(error)})`)
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
  }
  return { key: checked(text, name), from: 'generated' }
}

function checked(text: string, name: string): Uint8Array {
  const key = new TextEncoder().encode(text)
  if (key.length < least) throw new Error(`${name} holds ${key.length} bytes; at least ${least} are needed`)
  return key
}

/** `undefined`: there is none. `forbidden`: mode bits that would let others read or change it. */
async function readSecret(path: string, name: string, forbidden: number): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Error(`${name} cannot be read (${codeOf(error)})`)
  })
  if (!file) return undefined
  try {
    // Of what was opened, not of what the name means by now.
    const { mode, size } = await file.stat()
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw new Error(`${name} is not a file`)
    if (mode & forbidden) throw new Error(`${name} is open to others (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): run chmod 600 on it`)
    if (size > 65_536) throw new Error(`${name} is larger than 64 KiB: this is no key`)
    return (await file.readFile('utf8')).replace(/\r?\n$/, '')
  } finally {
    await file.close()
  }
}
