import { setTimeout as pause } from 'node:timers/promises'
import type { CameraServiceClient } from '../rpc/client/index.js'
import { entryText, type HistoryEntry } from './explanationText.js'
import type { CommandOf } from './line/command.js'
import type { Outcome } from './outcome.js'

/** How often `--follow` asks for new entries, in ms. */
const every = 1_000
/** Entries of one request. */
const most = 1_000

interface HistoryPorts {
  print(text: string): void
  /** Ends `--follow`. */
  signal: AbortSignal
}

/** `history [--follow]`: prints the journal of the service, oldest entry first. */
export async function history(
  { filter, follow, json }: Pick<CommandOf<'history'>, 'filter' | 'follow' | 'json'>,
  { print, signal }: HistoryPorts,
  client: Pick<CameraServiceClient, 'call'>,
): Promise<Outcome> {
  const show = (entries: readonly HistoryEntry[]) => {
    for (const entry of entries.toReversed()) print(json ? JSON.stringify(entry) : entryText(entry))
  }
  const { entries } = await client.call('get_history', filter)
  show(entries)
  let after = entries[0]?.seq ?? 0
  const { limit: _limit, ...same } = filter
  while (follow && !signal.aborted) {
    await pause(every, undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    // While the service restarts, the call waits.
    const newer = await client.call('get_history', { ...same, after, limit: most })
    show(newer.entries)
    after = newer.entries[0]?.seq ?? after
  }
  return { status: 0 }
}
