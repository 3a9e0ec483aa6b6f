import { type CameraServiceClient, RpcError } from '../client/index.js'
import type { Change } from './timeline.js'

/** One entry of get_history. */
export interface Entry {
  seq: number
  at: string
  actor: string
  from?: string
  to: string
  event?: string
  /** The reason in one sentence, if there is one. */
  cause?: string
}

interface Page {
  entries: Record<string, unknown>[]
  next_cursor?: string
}

export interface Question {
  device?: string
  actor?: string
  since?: string
  limit?: number
}

/** Most pages of one question: older changes are left out. */
const mostPages = 10

const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  const { details, reason, code } = Object(value) as Record<string, unknown>
  return [details, reason, code].find((text) => typeof text === 'string') as string | undefined
}

const entryOf = ({ seq, at, actor, from, to, event, cause }: Record<string, unknown>): Entry => ({
  seq: Number(seq),
  at: String(at),
  actor: String(actor),
  ...(textOf(from) !== undefined && { from: String(textOf(from)) }),
  to: textOf(to) ?? '',
  ...(textOf(event) !== undefined && { event: String(textOf(event)) }),
  ...(textOf(cause) !== undefined && { cause: String(textOf(cause)) }),
})

/** Resolves with the changes, newest first; with `off` if this service keeps no history. */
export const readHistory = async (client: CameraServiceClient, question: Question): Promise<Entry[] | 'off'> => {
  // The service may be older than the page: the method is not part of every version.
  const call = client.call as unknown as (method: string, params: object) => Promise<Page>
  const found: Entry[] = []
  let cursor: string | undefined
  try {
    for (let pages = 0; pages < mostPages; pages += 1) {
      const { entries, next_cursor } = await call('get_history', { ...question, ...(cursor && { cursor }) })
      found.push(...entries.map(entryOf))
      cursor = next_cursor
      if (cursor === undefined || (question.limit !== undefined && found.length >= question.limit)) break
    }
  } catch (error) {
    if (error instanceof RpcError && (error.code === -32601 || error.reason === 'unsupported')) return 'off'
    throw error
  }
  return found.sort((one, other) => other.seq - one.seq)
}

export const changesOf = (entries: readonly Entry[]): Change[] =>
  entries
    .map(({ at, actor, from, to }) => ({ at: Date.parse(at), actor, to, ...(from !== undefined && { from }) }))
    .reverse()
