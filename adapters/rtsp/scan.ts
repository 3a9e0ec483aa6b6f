import PQueue from 'p-queue'
import { reasonOf } from '../../machines/domain/errors.js'
import type {
  AddressCheck,
  Candidate,
  ScanAnswer,
  ScanPlan,
  ScanTarget,
  StreamScan,
} from '../../machines/domain/external.js'
import { ConnectionError } from './connectionEnd.js'
import { describe, refusalOf, sizeOf } from './describe.js'
import { planTargets, portOfTls } from './scanTargets.js'
import { type Connection, guard, openConnection } from './session.js'

export interface StreamScanOptions {
  plan: ScanPlan
  addresses: AddressCheck
  /** Time limit for one address and port with all its paths, in ms. */
  hostLimit: number
  /** Number of addresses and ports that are scanned at the same time. */
  concurrency: number
}

/**
 * Scans the addresses of the plan, and no others, for streams: OPTIONS and DESCRIBE are answered with 200, and there is
 * video. Sends no credentials.
 */
export function createStreamScan({ plan: first, addresses, hostLimit, concurrency }: StreamScanOptions): StreamScan {
  let plan = first
  const scanOne = async (target: ScanTarget, signal: AbortSignal): Promise<ScanAnswer> => {
    const refusal = await addresses.refusal(target.host, target.port, signal)
    return refusal === undefined
      ? scanTarget(target, hostLimit, signal)
      : { target, found: [], reason: refusal, answered: false }
  }
  return {
    use(next) {
      plan = next
    },
    plan: (wish) => planTargets(plan, wish),
    async run(targets, heard, signal) {
      const queue = new PQueue({ concurrency })
      const ended = new AbortController()
      for (const target of targets) {
        // There may be a million targets: make the next one only when it can start.
        await queue.onSizeLessThan(1)
        if (signal.aborted || ended.signal.aborted) break
        const task = async () => {
          const answer = await scanOne(target, signal)
          if (!signal.aborted) heard(answer)
        }
        queue.add(task).catch((error: unknown) => ended.abort(error))
      }
      await queue.onIdle()
      signal.throwIfAborted()
      ended.signal.throwIfAborted()
    },
  }
}

/**
 * Scans all paths over one connection. A server that closes it after an answer gets another connection for the rest.
 */
async function scanTarget(target: ScanTarget, limit: number, signal: AbortSignal): Promise<ScanAnswer> {
  const answer: ScanAnswer = { target, found: [], answered: false }
  const until = performance.now() + limit
  for (let left = target.candidates; left.length > 0; ) {
    const connection = openConnection({ host: target.host, port: target.port, secure: target.port === portOfTls })
    const disarm = guard({ connection, signal, limit: Math.max(1, until - performance.now()) })
    try {
      left = await scanOver(connection, left, answer)
    } finally {
      disarm()
      connection.fail(new ConnectionError('source_closed'))
    }
  }
  return answer
}

/**
 * Fills `answer`. Resolves with the candidates that need another connection, always fewer than before. Never rejects.
 */
async function scanOver(
  connection: Connection,
  candidates: readonly Candidate[],
  answer: ScanAnswer,
): Promise<Candidate[]> {
  let done = 0
  try {
    const { status } = await connection.request({ method: 'OPTIONS', url: candidates[0]?.url ?? '*' })
    answer.answered = true
    if (status !== 200) throw refusalOf(status)
    for (const candidate of candidates) {
      const description = await describe(connection, candidate.url).catch((error: unknown) => {
        // A refusal concerns one path, the end of the connection all of them.
        if (error instanceof ConnectionError) throw error
        answer.reason = reasonOf(error)
      })
      done += 1
      const video = description?.video
      if (description && !video) answer.reason = 'the camera offers no video'
      if (video) answer.found.push({ ...candidate, codec: video.codec, ...sizeOf(video) })
    }
    return []
  } catch (error) {
    answer.reason = reasonOf(error)
    const isClosed = error instanceof ConnectionError && error.code === 'source_closed' && answer.answered
    // A server that closes at the first DESCRIBE would do so again: skip that path.
    return isClosed ? candidates.slice(Math.max(done, 1)) : []
  }
}
