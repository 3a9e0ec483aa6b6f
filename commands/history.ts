import { setTimeout as pause } from 'node:timers/promises'
import type { CommandOf } from '../config/arguments.js'
import type { Configuration } from '../config/schema.js'
import { entryText, type HistoryEntry } from './explanationText.js'
import { askService, connectLocally } from './localClient.js'
import type { CommandPorts, Outcome } from './outcome.js'

/** How often `--follow` asks for new entries, in ms. */
const every = 1_000
/** Entries of one request. */
const most = 1_000

interface HistoryPorts extends CommandPorts {
  print(text: string): void
  /** Ends `--follow`. */
  signal?: AbortSignal
}

/** `history [--follow]`: prints the journal of the running service, oldest entry first. */
export async function history(
  config: Configuration,
  { filter, follow, json }: CommandOf<'history'>,
  { print, signal, ...ports }: HistoryPorts,
  connect = connectLocally,
): Promise<Outcome> {
  const show = (entries: readonly HistoryEntry[]) => {
    for (const entry of entries.toReversed()) print(json ? JSON.stringify(entry) : entryText(entry))
  }
  return askService(await connect(config, ports), async (client) => {
    const { entries } = await client.call('get_history', filter)
    show(entries)
    let after = entries[0]?.seq ?? 0
    const { limit: _limit, ...same } = filter
    while (follow && !signal?.aborted) {
      await pause(every, undefined, signal && { signal }).catch(() => {})
      if (signal?.aborted) break
      // While the service restarts, the call waits.
      const newer = await client.call('get_history', { ...same, after, limit: most })
      show(newer.entries)
      after = newer.entries[0]?.seq ?? after
    }
    return { status: 0 }
  })
}
