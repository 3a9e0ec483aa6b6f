import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { readChecked } from '../data/checkedFile.js'
import { createJwks, type Jwks, type JwksOptions } from './jwks.js'
import { type Algorithm, keysOfText, type TrustedKey } from './publicKeys.js'

/** One item of `security.jwt_keys`. */
export type KeySource =
  | { kind: 'file'; algorithm: Algorithm; file: string }
  | { kind: 'url'; url: string; algorithms: readonly Algorithm[] }

/** Whose tokens are believed besides our own. */
export interface TrustedKeys {
  /** Those that may have made a token with this header. */
  find(header: { algorithm: string; kid?: string }, also?: { offline?: boolean }): Promise<TrustedKey[]>
  close(): void
}

/** More are not tried for one token. */
const mostTried = 8

export const noTrustedKeys: TrustedKeys = { find: async () => [], close: () => {} }

/** The keys of all files of `security.jwt_keys`. Rejects with one sentence for the operator, which names the item and no path. */
export async function readKeyFiles(sources: readonly KeySource[]): Promise<TrustedKey[]> {
  const found = await Promise.all(
    sources.map((source, index) => (source.kind === 'file' ? readKeyFile(source, `security.jwt_keys[${index}]`) : [])),
  )
  return found.flat()
}

async function readKeyFile(
  { file, algorithm }: { file: string; algorithm: Algorithm },
  item: string,
): Promise<TrustedKey[]> {
  const name = `the file of ${item}`
  const text = await readChecked(file, name, {
    forbidden: 0o002,
    advice: 'whoever can write it could make tokens; run chmod o-w on it',
  })
  if (text === undefined) throw new Error(`${name} does not exist`)
  try {
    return keysOfText(text, algorithm)
  } catch (error) {
    throw new Error(`${name} ${reasonOf(error)}`)
  }
}

export async function createTrustedKeys(options: {
  sources: readonly KeySource[]
  clock: Clock
  log: Log
  limits?: JwksOptions['limits']
}): Promise<TrustedKeys> {
  const { sources, clock, log, limits } = options
  const fixed = await readKeyFiles(sources)
  const sets: Jwks[] = sources.flatMap((source) =>
    source.kind === 'url'
      ? [createJwks({ url: source.url, algorithms: source.algorithms, clock, log, ...(limits && { limits }) })]
      : [],
  )
  return {
    async find({ algorithm, kid }, { offline = false } = {}) {
      const isIt = (key: TrustedKey) =>
        key.algorithm === algorithm && (kid === undefined || key.kid === undefined || key.kid === kid)
      const own = fixed.filter(isIt)
      // A file that names this very key needs no question elsewhere.
      if (kid !== undefined && own.some((key) => key.kid === kid)) return own.slice(0, mostTried)
      const others = await Promise.all(sets.map((set) => set.find(isIt, offline)))
      return [...own, ...others.flat()].slice(0, mostTried)
    },
    close() {
      for (const set of sets) set.close()
    },
  }
}
