import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { constants, Script } from 'node:vm'

/** The service as one script, and V8's code for it. */
export interface ServiceScript {
  /** Names the text that the code belongs to: V8 itself compares only the length of the text. */
  readonly hash: Buffer
  /** True if V8 took the code of an earlier run. */
  readonly isFast: boolean
  run(): void
  /** The code of every function that has run until now. */
  code(): Buffer
}

const hashBytes = 32

/** The text of a code file: the hash of the script, then V8's code. */
export const codeFile = (script: ServiceScript): Buffer => Buffer.concat([script.hash, script.code()])

/**
 * Compiles `service.cjs` of `dir`. Uses `service.code` if it belongs to that text, this version of Node and its flags;
 * otherwise V8 parses the text, which only takes longer.
 */
export function serviceScript(dir: string): ServiceScript {
  const filename = join(dir, 'service.cjs')
  const content = readFileSync(filename)
  const hash = createHash('sha256').update(content).digest()
  const cachedData = codeOf(join(dir, 'service.code'), hash)
  // The bundler writes ASCII. Latin-1 needs no decoder, and a byte per character in memory.
  const script = new Script(content.toString('latin1'), {
    filename,
    ...(cachedData && { cachedData }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  return {
    hash,
    isFast: cachedData !== undefined && script.cachedDataRejected === false,
    code: () => script.createCachedData(),
    run() {
      const module = { exports: {} }
      script.runInThisContext()(module.exports, createRequire(filename), module, filename, dirname(filename))
    },
  }
}

function codeOf(path: string, hash: Buffer): Buffer | undefined {
  try {
    const content = readFileSync(path)
    return content.subarray(0, hashBytes).equals(hash) ? content.subarray(hashBytes) : undefined
  } catch {
    return undefined
  }
}
