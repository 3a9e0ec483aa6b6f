import { release, type } from 'node:os'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import { codeOf } from '../adapters/errorCode.js'
import { lastEntries } from '../adapters/journal/files.js'
import { version } from '../app.js'
import type { Loaded } from '../config/load.js'
import { configurationRules } from '../config/rules.js'
import { count } from '../machines/domain/amounts.js'
import { type BundleHeader, type BundleSection, bundleFormat } from '../machines/domain/bundle.js'
import type { JournalEntry } from '../machines/domain/journal.js'
import { createPlaceholders } from '../machines/domain/placeholders.js'
import type { LocalService } from './client/localConfiguration.js'
import { demandFree, faultOfPlace, openSaved } from './client/saved.js'
import { NotRunning } from './client/service.js'
import { dataFolders } from './dataFolders.js'
import type { CommandOf } from './line/command.js'
import { connectLocally } from './localClient.js'
import type { CommandPorts, Outcome } from './outcome.js'

/** `support-bundle`: writes a support bundle of the running service, or of what is on disk if none runs. */
export async function supportBundle(
  service: LocalService,
  { output, force }: Pick<CommandOf<'support-bundle'>, 'output' | 'force'>,
  ports: CommandPorts,
): Promise<Outcome> {
  const { config } = service.loaded
  const stamp = new Date(ports.clock.now()).toISOString().slice(0, 19).replaceAll(':', '-')
  const file = output ?? `camera-service_${stamp}.jsonl.gz`
  await demandFree(file, force)
  const reply = await ask(service, ports)
  const journal = reply ? [] : await journalOf(config)
  const bundle = reply ? Buffer.from(reply.content, 'base64') : gzipSync(fromDisk(service, journal, ports))
  // It describes the whole installation: only for its owner.
  const saved = await openSaved(file, { force, mode: 0o600, output: process.stdout })
  try {
    await pipeline(Readable.from([file.endsWith('.gz') ? bundle : gunzipSync(bundle)]), saved.stream)
    await saved.keep()
  } catch (error) {
    await saved.drop()
    throw faultOfPlace(error) ?? error
  }
  const what = reply
    ? ''
    : `; no service runs, so that it has only the configuration, the versions and ${partOf(journal)}`
  return { status: 0, err: `the support bundle is in ${file}${what}` }
}

/** Entries of the journal, as many as in the bundle of a running service. */
const mostEntries = 5_000

/** The end of the journal on disk, or why it cannot be read. */
const journalOf = (config: Loaded['config']): Promise<JournalEntry[] | string> =>
  lastEntries(dataFolders(config).journal, mostEntries).catch((error: unknown) => codeOf(error))

const partOf = (journal: readonly JournalEntry[] | string): string =>
  typeof journal === 'string'
    ? `no journal (${journal})`
    : `${count(journal.length, 'entry', 'entries')} of the journal`

/** Resolves with undefined if no service runs. */
async function ask(
  { loaded: { config }, fingerprint }: LocalService,
  ports: CommandPorts,
): Promise<{ content: string } | undefined> {
  const client = await connectLocally({ config, fingerprint }, ports).catch((error: unknown) => {
    if (!(error instanceof NotRunning)) throw error
    return undefined
  })
  try {
    return await client?.call('get_support_bundle')
  } finally {
    client?.close()
  }
}

function fromDisk(
  { source, loaded }: LocalService,
  journal: readonly JournalEntry[] | string,
  { clock }: CommandPorts,
): string {
  const header: BundleHeader = {
    format: bundleFormat,
    service: version,
    charts: '',
    node: process.version,
    os: `${type()} ${release()} ${process.arch}`,
    at: new Date(clock.now()).toISOString(),
  }
  const view = configurationRules(source, loaded).describe(loaded.text ?? '')
  const sections: BundleSection[] = [
    { section: 'configuration', data: view },
    ...(typeof journal === 'string' ? [] : [{ section: 'journal' as const, data: journal }]),
  ]
  const placeholders = createPlaceholders([loaded.config.security.jwt_secret_key])
  const lines = sections.map((section) => JSON.stringify(placeholders.value(section)))
  return `${[JSON.stringify(header), ...lines].join('\n')}\n`
}
