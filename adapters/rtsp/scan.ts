import type {
  AddressCheck,
  Candidate,
  ScanAnswer,
  ScanPlan,
  ScanTarget,
  StreamScan,
} from '../../machines/domain/external.js'
import { describe, refusalOf, sizeOf } from './describe.js'
import { planTargets, portOfTls } from './scanTargets.js'
import { type Connection, ConnectionError, guard, openConnection } from './session.js'

export interface StreamScanOptions {
  plan: ScanPlan
  addresses: AddressCheck
  /** For one address and port with all its paths (ms). */
  hostLimit: number
  /** How many of them are asked at a time. */
  concurrency: number
}

/** Asks the addresses of the plan, and no others, for streams: OPTIONS and DESCRIBE answered with 200, and video in it. Sends no credentials. */
export function createStreamScan({ plan, addresses, hostLimit, concurrency }: StreamScanOptions): StreamScan {
  const ask = async (target: ScanTarget, signal: AbortSignal): Promise<ScanAnswer> => {
    const refusal = await addresses.refusal(target.host, target.port, signal)
    return refusal === undefined
      ? askTarget(target, hostLimit, signal)
      : { target, found: [], reason: refusal, answered: false }
  }
  return {
    plan: (wish) => planTargets(plan, wish),
    async run(targets, heard, signal) {
      signal.throwIfAborted()
      const rest = targets[Symbol.iterator]()
      const work = async (): Promise<void> => {
        for (let next = rest.next(); !next.done; next = rest.next()) {
          const answer = await ask(next.value, signal)
          signal.throwIfAborted()
          heard(answer)
        }
      }
      // One worker's failure is the abort, which ends the others too: none may be left behind.
      const outcomes = await Promise.allSettled(Array.from({ length: concurrency }, work))
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    },
  }
}

/** All paths over one connection; a server that closes it after an answer gets another one for the rest. */
async function askTarget(target: ScanTarget, limit: number, signal: AbortSignal): Promise<ScanAnswer> {
  const answer: ScanAnswer = { target, found: [], answered: false }
  const until = performance.now() + limit
  for (let left = target.candidates; left.length > 0; ) {
    const connection = openConnection({ host: target.host, port: target.port, secure: target.port === portOfTls })
    const disarm = guard({ connection, signal, limit: Math.max(1, until - performance.now()) })
    try {
      left = await askOver(connection, left, answer)
    } finally {
      disarm()
      connection.fail(new ConnectionError('closed'))
    }
  }
  return answer
}

/** Puts what is learnt into `answer`; resolves with the candidates that another connection may be asked for, always fewer or none. Never rejects. */
async function askOver(
  connection: Connection,
  candidates: readonly Candidate[],
  answer: ScanAnswer,
): Promise<Candidate[]> {
  let asked = 0
  try {
    const { status } = await connection.request({ method: 'OPTIONS', url: candidates[0]?.url ?? '*' })
    answer.answered = true
    if (status !== 200) throw new Error(refusalOf(status))
    for (const candidate of candidates) {
      const description = await describe(connection, candidate.url).catch(wordOfServer(answer))
      asked += 1
      const video = description?.video
      if (description && !video) answer.reason = 'it has no video'
      if (video) answer.found.push({ ...candidate, codec: video.codec, ...sizeOf(video) })
    }
    return []
  } catch (error) {
    answer.reason = error instanceof Error ? error.message : String(error)
    const isClosed = error instanceof ConnectionError && error.failure === 'closed' && answer.answered
    // Closed at the very first DESCRIBE: by that path, so it is passed over.
    return isClosed ? candidates.slice(Math.max(asked, 1)) : []
  }
}

/** A refusal is about one path; the end of the connection about all of them. */
const wordOfServer = (answer: ScanAnswer) => (error: unknown) => {
  if (error instanceof ConnectionError || !(error instanceof Error)) throw error
  answer.reason = error.message
  return undefined
}
