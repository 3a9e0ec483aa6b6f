import { readKeyFiles } from '../adapters/tokens/trustedKeys.js'
import type { Configuration } from '../config/schema.js'
import { reasonOf } from '../machines/domain/errors.js'
import { configurationFault, type Outcome } from './outcome.js'

/** `check-config`: checks the files that a valid configuration names, and prints its warnings. */
export async function checkConfig({ security }: Configuration, warnings: readonly string[]): Promise<Outcome> {
  try {
    await readKeyFiles(security.jwt_keys)
  } catch (error) {
    return { status: configurationFault, err: reasonOf(error) }
  }
  return { status: 0, out: ['the configuration is good', ...warnings.map((line) => `warning: ${line}`)].join('\n') }
}
