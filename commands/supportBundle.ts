import { writeFile } from 'node:fs/promises'
import { release, type } from 'node:os'
import { gunzipSync, gzipSync } from 'node:zlib'
import { version } from '../app.js'
import type { Loaded } from '../config/load.js'
import { configurationRules } from '../config/rules.js'
import { type BundleHeader, type BundleSection, bundleFormat } from '../machines/domain/bundle.js'
import { createPlaceholders } from '../machines/domain/placeholders.js'
import { NotRunning } from './client/service.js'
import type { CommandOf } from './line/command.js'
import { connectLocally } from './localClient.js'
import type { CommandPorts, Outcome } from './outcome.js'

/** `support-bundle`: writes a support bundle of the running service, or of what is on disk if none runs. */
export async function supportBundle(
  source: Parameters<typeof configurationRules>[0] & { loaded: Loaded },
  { output }: CommandOf<'support-bundle'>,
  ports: CommandPorts,
): Promise<Outcome> {
  const { config } = source.loaded
  const stamp = new Date(ports.clock.now()).toISOString().slice(0, 19).replaceAll(':', '-')
  const file = output ?? `camera-service_${stamp}.jsonl.gz`
  const reply = await ask(config, ports)
  const bundle = reply ? Buffer.from(reply.content, 'base64') : gzipSync(fromDisk(source, ports))
  // It describes the whole installation: only for its owner.
  await writeFile(file, file.endsWith('.gz') ? bundle : gunzipSync(bundle), { mode: 0o600 })
  const what = reply ? '' : '; no service runs, so that it has only the configuration and the versions'
  return { status: 0, err: `the support bundle is in ${file}${what}` }
}

/** Resolves with undefined if no service runs. */
async function ask(config: Loaded['config'], ports: CommandPorts): Promise<{ content: string } | undefined> {
  const client = await connectLocally(config, ports).catch((error: unknown) => {
    if (!(error instanceof NotRunning)) throw error
    return undefined
  })
  try {
    return await client?.call('get_support_bundle')
  } finally {
    client?.close()
  }
}

function fromDisk(source: Parameters<typeof supportBundle>[0], { clock }: CommandPorts): string {
  const { loaded } = source
  const header: BundleHeader = {
    format: bundleFormat,
    service: version,
    charts: '',
    node: process.version,
    os: `${type()} ${release()} ${process.arch}`,
    at: new Date(clock.now()).toISOString(),
  }
  const view = configurationRules(source, loaded).describe(loaded.text ?? '')
  const section: BundleSection = { section: 'configuration', data: view }
  const placeholders = createPlaceholders([loaded.config.security.jwt_secret_key])
  return `${JSON.stringify(header)}\n${JSON.stringify(placeholders.value(section))}\n`
}
