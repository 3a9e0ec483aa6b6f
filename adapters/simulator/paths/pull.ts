import { setTimeout as sleep } from 'node:timers/promises'
import { addressOf } from '../../rtsp/describe.js'
import type { RtspResponse } from '../../rtsp/message.js'
import { controlUrl, parseSdp } from '../../rtsp/sdp.js'
import { openConnection } from '../../rtsp/session.js'
import { errorText } from '../errorText.js'
import { type Log, labelled } from '../log.js'
import type { Stream } from '../stream.js'

/** What a puller needs. */
export interface PullOptions {
  /** The URL of an RTSP stream. */
  url: string
  /** The source is lost after this time without a packet, in ms. */
  readTimeout: number
  log: Log
  /** Called when the source is about to send media. */
  ready: (sdp: string) => Stream
  /** Called when a source that was ready is lost. */
  lost: () => void
}

/** Reads a stream from another RTSP server, over TCP. Tries again 5 s after each failure. */
export interface Puller {
  start(onDemand: boolean): void
  stop(reason: string): void
  readonly running: boolean
}

const retryPause = 5000

/** Returns a puller that waits for `start`. */
export function pull({ url, readTimeout, log: parentLog, ready, lost }: PullOptions): Puller {
  const log = labelled(parentLog, 'RTSP source')
  let abort: AbortController | undefined

  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        await pullOnce({ url, readTimeout, ready, lost, signal })
      } catch (error) {
        if (!signal.aborted) log('ERR', errorText(error))
      }
      await sleep(retryPause, undefined, { signal }).catch(() => {})
    }
  }

  return {
    start: (onDemand) => {
      abort = new AbortController()
      log('INF', `started${onDemand ? ' on demand' : ''}`)
      void run(abort.signal)
    },
    stop: (reason) => {
      if (!abort) return
      log('INF', `stopped: ${reason}`)
      abort.abort()
      abort = undefined
    },
    get running() {
      return abort !== undefined
    },
  }
}

type PullOnce = Omit<PullOptions, 'log'> & { signal: AbortSignal }

/** Reads the stream until it is lost. Rejects with the reason; never resolves. */
async function pullOnce({ url: source, readTimeout, ready, lost, signal }: PullOnce): Promise<void> {
  const { url, ...where } = addressOf(source)
  let stream: Stream | undefined
  let silence: NodeJS.Timeout | undefined
  const channels = new Map<number, { track: number; rtcp: boolean }>()
  const connection = openConnection({
    ...where,
    onFrame: (channel, payload) => {
      silence?.refresh()
      const target = channels.get(channel)
      if (target) stream?.publish(target.track, target.rtcp, payload)
    },
  })
  const leave = (): void => connection.fail(new Error('terminated'))
  signal.addEventListener('abort', leave, { once: true })
  const ask = async (method: string, to: string, headers = {}): Promise<RtspResponse> => {
    const answer = await connection.request({ method, url: to, headers, timeout: readTimeout })
    if (answer.status !== 200) throw new Error(`bad status code: ${answer.status} (${answer.reason})`)
    return answer
  }
  let keepalive: NodeJS.Timeout | undefined
  try {
    await ask('OPTIONS', url)
    const description = await ask('DESCRIBE', url, { accept: 'application/sdp' })
    const base = description.headers['content-base'] ?? url
    const sdp = description.body.toString('utf8')
    const { control, media } = parseSdp(sdp)
    let session: string | undefined
    for (const [n, section] of media.entries()) {
      const answer = await ask('SETUP', controlUrl(base, section.control), {
        transport: `RTP/AVP/TCP;unicast;interleaved=${2 * n}-${2 * n + 1}`,
        ...(session && { session }),
      })
      session ??= answer.headers.session?.split(';')[0]?.trim()
      const first = Number(/interleaved=(\d+)/.exec(answer.headers.transport ?? '')?.[1] ?? 2 * n)
      channels.set(first, { track: n, rtcp: false })
      channels.set(first + 1, { track: n, rtcp: true })
    }
    const headers = session === undefined ? {} : { session }
    stream = ready(sdp)
    try {
      await ask('PLAY', controlUrl(base, control), { ...headers, range: 'npt=0.000-' })
      silence = setTimeout(() => connection.fail(new Error('timeout')), readTimeout)
      keepalive = setInterval(
        () => void connection.request({ method: 'OPTIONS', url, headers, timeout: readTimeout }).catch(() => {}),
        25_000,
      )
      throw await connection.closed
    } finally {
      if (!signal.aborted) lost()
    }
  } finally {
    clearTimeout(silence)
    clearInterval(keepalive)
    signal.removeEventListener('abort', leave)
    leave()
  }
}
