import { type CameraServiceClient, type Methods, RpcError } from '../client/index.js'
import type { Change, Span } from './timeline.js'

type GetHistory = Methods['get_history']
export type Entry = GetHistory['result']['entries'][number]

/** Most pages of one question: older entries are left out. */
const mostPages = 10

/** Resolves with entries, newest first; with `off` if this service keeps no history. */
export const readHistory = async (
  client: CameraServiceClient,
  question: Omit<GetHistory['params'], 'cursor'>,
): Promise<Entry[] | 'off'> => {
  const found: Entry[] = []
  let cursor: number | undefined
  try {
    for (let pages = 0; pages < mostPages; pages += 1) {
      const page = await client.call('get_history', { ...question, ...(cursor !== undefined && { cursor }) })
      found.push(...page.entries)
      cursor = page.next_cursor
      if (cursor === undefined || (question.limit !== undefined && found.length >= question.limit)) break
    }
  } catch (error) {
    if (error instanceof RpcError && error.reason === 'unsupported') return 'off'
    throw error
  }
  return found.sort((one, other) => other.seq - one.seq)
}

/** The changes of public states, oldest first. */
export const changesOf = (entries: readonly Entry[]): Change[] =>
  entries
    .flatMap(({ at, actor, from, state }) =>
      state === undefined ? [] : [{ at: Date.parse(at), actor, state, ...(from !== undefined && { from }) }],
    )
    .reverse()

/** The times when the service did not run, from the changes of the actor `service`; oldest first. */
export const outagesOf = (entries: readonly Entry[]): Span[] =>
  entries.toReversed().flatMap(({ event, at, evidence }, index, all) => {
    if (event !== 'started') return []
    const before = all[index - 1]
    // After a kill, the service was alive at this time at least.
    const alive = evidence?.last_alive
    const from = typeof alive === 'string' ? alive : before?.event === 'stopped' ? before.at : undefined
    return from === undefined ? [] : [{ from: Date.parse(from), to: Date.parse(at) }]
  })
