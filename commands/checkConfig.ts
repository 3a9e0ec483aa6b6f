import { jwtSecret } from '../adapters/data/secrets.js'
import { readKeyFiles } from '../adapters/tokens/trustedKeys.js'
import { checkCertificates, checkMediaCertificate } from '../app.js'
import type { Configuration } from '../config/schema.js'
import { reasonOf } from '../machines/domain/errors.js'
import { configurationFault, type Outcome } from './outcome.js'

/** `check-config`: reads the files that a valid configuration names, as `serve` does, and prints its warnings. */
export async function checkConfig(config: Configuration, warnings: readonly string[]): Promise<Outcome> {
  const { jwt_secret_key: value, jwt_secret_file: file, jwt_keys } = config.security
  const checks = [
    // Without a configured secret, the service generates one.
    async () => (value || file ? await jwtSecret({ value, file, secretsDir: '' }) : undefined),
    () => readKeyFiles(jwt_keys),
    async () => checkCertificates(config),
    async () => checkMediaCertificate(config),
  ]
  const results = await Promise.allSettled(checks.map((check) => check()))
  const faults = results.flatMap((result) => (result.status === 'rejected' ? [reasonOf(result.reason)] : []))
  if (faults.length > 0) return { status: configurationFault, err: faults.join('\n') }
  return { status: 0, out: ['the configuration is good', ...warnings.map((line) => `warning: ${line}`)].join('\n') }
}
