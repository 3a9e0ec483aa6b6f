import { release, type } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type BundleHeader, type BundleSection, bundleFormat } from '../machines/domain/bundle.js'
import { createPlaceholders } from '../machines/domain/placeholders.js'
import type { RpcOptions } from './options.js'
import { iso, statusOf } from './present.js'

export type SupportServices = Pick<
  RpcOptions,
  'support' | 'retention' | 'configuration' | 'directory' | 'clock' | 'about'
>

/** Lines that are masked at once, so that other requests do not wait. */
const linesAtOnce = 100

/** Returns a support bundle, compressed with gzip. Every secret is masked; the same secret has the same placeholder. */
export async function supportBundle(services: SupportServices): Promise<Buffer> {
  const { support, configuration, directory, clock, about } = services
  // All of it is of the same moment.
  const trace = support.trace()
  const { version, values, needsRestart, reason } = configuration.view()
  const header: BundleHeader = {
    format: bundleFormat,
    service: about.version,
    charts: support.charts(),
    node: process.version,
    os: `${type()} ${release()} ${process.arch}`,
    at: iso(clock.now()),
  }
  const views = {
    health: statusOf(services),
    system: {
      system: directory.system(),
      link: directory.link(),
      storage: directory.storage(),
      cameras: directory.cameras(),
    },
    log: support.log(),
  }
  const optional = {
    ...(support.metrics && { metrics: await support.metrics() }),
    ...(support.journal && { journal: await support.journal() }),
  }
  const sections: BundleSection[] = [
    { section: 'configuration', data: { version, values, needsRestart, reason } },
    ...Object.entries({ ...views, ...optional }).map(
      ([section, data]) => ({ section, data }) as Exclude<BundleSection, { section: 'trace' }>,
    ),
  ]
  const placeholders = createPlaceholders(support.secrets())
  // A log line may contain a password that only a later URL shows to be one.
  for (const [index, line] of trace.entries()) {
    if (index % linesAtOnce === 0) await setImmediate()
    if (/[@=]/.test(line)) placeholders.value(JSON.parse(line))
  }
  const lines = [JSON.stringify(header), ...sections.map((each) => JSON.stringify(placeholders.value(each)))]
  lines.push(JSON.stringify({ section: 'trace' } satisfies BundleSection))
  for (const [index, line] of trace.entries()) {
    if (index % linesAtOnce === 0) await setImmediate()
    lines.push(JSON.stringify(placeholders.value(JSON.parse(line))))
  }
  return promisify(gzip)(`${lines.join('\n')}\n`)
}
