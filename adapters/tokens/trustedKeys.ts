import { reasonOf } from '../../machines/domain/errors.js'
import { FileFault } from '../../machines/domain/fileFault.js'
import type { JwtAlgorithm } from '../../machines/domain/jwt.js'
import { readChecked } from '../data/checkedFile.js'
import type { JwksOptions } from './jwks.js'
import { type KeyHeader, keysOfText, mostTried, type TrustedKey, type VerifyKey } from './publicKeys.js'

/** One item of `security.jwt_keys`. */
export type KeySource =
  | { kind: 'file'; algorithm: JwtAlgorithm; file: string }
  | { kind: 'url'; url: string; algorithms: readonly JwtAlgorithm[] }

/** The keys of other issuers whose tokens are accepted. */
export interface TrustedKeys {
  /** Returns the keys that may have signed a token with this header. `offline`: never waits for the network. */
  find(header: KeyHeader, also?: { offline?: boolean }): Promise<VerifyKey[]>
  close(): void
}

export const noTrustedKeys: TrustedKeys = { find: async () => [], close: () => {} }

/** Reads the key files of `security.jwt_keys`. Rejects with one sentence that names the item and no path. */
export async function readKeyFiles(sources: readonly KeySource[]): Promise<TrustedKey[]> {
  const found = await Promise.all(sources.map(readKeyFile))
  return found.flat()
}

/** The keys of one item; none of a URL. Rejects with a FileFault. */
export async function readKeyFile(source: KeySource, index: number): Promise<TrustedKey[]> {
  if (source.kind !== 'file') return []
  const { file: path, algorithm } = source
  const name = `the file of security.jwt_keys[${index}]`
  const about = { name, key: `security.jwt_keys[${index}].file`, path }
  const text = await readChecked(path, name, {
    key: about.key,
    forbidden: 0o002,
    advice: 'other users could replace it; run chmod o-w on it',
  })
  if (text === undefined) throw new FileFault('does not exist', { ...about, code: 'ENOENT' })
  try {
    return keysOfText(text, algorithm)
  } catch (error) {
    throw new FileFault(reasonOf(error), about)
  }
}

/** Reads the key files and starts to fetch the JWKS. Rejects as `readKeyFiles`. */
export async function createTrustedKeys({
  sources,
  ...options
}: Pick<JwksOptions, 'clock' | 'log' | 'limits'> & { sources: readonly KeySource[] }): Promise<TrustedKeys> {
  const fixed = await readKeyFiles(sources)
  const remote = sources.filter((source) => source.kind === 'url')
  // Loads jose, which most services do not need before their first token.
  const jwks = remote.length === 0 ? undefined : await import('./jwks.js')
  const sets = remote.flatMap(({ url, algorithms }) => jwks?.createJwks({ ...options, url, algorithms }) ?? [])
  return {
    async find(header, { offline = false } = {}) {
      const { algorithm, kid } = header
      const own = fixed.filter(
        (key) => key.algorithm === algorithm && (kid === undefined || key.kid === undefined || key.kid === kid),
      )
      // A file with this very key needs no JWKS.
      const isKnown = kid !== undefined && own.some((key) => key.kid === kid)
      const others = isKnown ? [] : await Promise.all(sets.map((set) => set.find(header, offline)))
      return [...own.map(({ key }) => key), ...others.flat()].slice(0, mostTried)
    },
    close() {
      for (const set of sets) set.close()
    },
  }
}
