import { downloadMediamtx as download } from '../adapters/mediamtx/download.js'
import type { Configuration } from '../config/schema.js'
import type { CommandPorts, Outcome } from './outcome.js'

/** In ms. */
const limit = 10 * 60_000

/** `download-mediamtx`: downloads the official MediaMTX into the data directory. */
export async function downloadMediamtx(
  { data_dir: dataDir }: Configuration,
  { log }: Pick<CommandPorts, 'log'>,
): Promise<Outcome> {
  const file = await download({ dataDir, log, signal: AbortSignal.timeout(limit) })
  return { status: 0, out: `MediaMTX is in ${file}; the service uses it from its next start` }
}
