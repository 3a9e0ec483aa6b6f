import { hostInUrl } from '../../machines/domain/address.js'
import type { Dispose, Log, StreamReader } from '../../machines/domain/ports.js'
import { Failure, type Reason, reasonFrom } from '../../machines/domain/reason.js'
import type { Credentials } from './auth.js'
import { ConnectionError } from './connectionEnd.js'
import { describeSource, reachSource } from './describe.js'
import { createFollower } from './follower.js'
import { keepAlive, leave, ofServer, sessionOf, start, transport } from './serverRequests.js'
import { type Connection, guard, openConnection, type Request } from './session.js'
import { openVideo } from './video.js'

export interface StreamReaderOptions {
  /** Where the media server listens for RTSP. */
  host: string
  port: number
  /** Credentials for the media server; those for a described source are in its URL. */
  credentials?: Credentials
  log: Log
  /** Time limit for the start of a stream, in ms; by default 22 s, a little more than the limit of the media server. */
  startTimeout?: number
  /**
   * Time between two keep-alives of a held stream, in ms; 20 s by default, and at most half of what the server allows.
   */
  keepaliveEvery?: number
  /** Time limit for the answer to a keep-alive, in ms; 10 s by default. */
  answerTimeout?: number
  /** Time limit from PLAY to the keyframe, in ms; 12 s by default. */
  keyframeTimeout?: number
  /** A picture whose last packet has the marker ends after this time without another one, in ms; 1 s by default. */
  pause?: number
  /** Time limit for a whole description, in ms; 5 s by default. */
  describeTimeout?: number
  /** The monotonic clock, in ms; by default that of the process. */
  now?: () => number
}

/** The RTSP client of the service. Rejects with Failures, which hold no addresses and no credentials. */
export function createStreamReader(options: StreamReaderOptions): StreamReader {
  const { host, port, credentials, log, startTimeout = 22_000, keepaliveEvery = 20_000 } = options
  const { answerTimeout = 10_000, keyframeTimeout = 12_000, describeTimeout = 5000, pause = 1_000 } = options
  const { now = () => performance.now() } = options
  const urlOf = (name: string): string => `rtsp://${hostInUrl(host)}:${port}/${name}`
  const open = (onFrame?: (channel: number, payload: Buffer) => void): Connection =>
    openConnection({ host, port, ...(credentials && { credentials }), ...(onFrame && { onFrame }) })

  const hold = async (name: string, lost: (reason: Reason) => void, signal: AbortSignal): Promise<Dispose> => {
    signal.throwIfAborted()
    const url = urlOf(name)
    const connection = open()
    const disarm = guard({ connection, signal, limit: startTimeout, late: new Failure('not_started_in_time') })
    const answer = await start(connection, {
      method: 'SETUP',
      url: `${url}/trackID=0`,
      headers: { transport },
    }).finally(disarm)
    const { id, timeout } = sessionOf(answer)
    if (signal.aborted) leave(connection, url, id)
    signal.throwIfAborted()
    log.debug('stream held', { stream: name })
    const keepalive: Request = { method: 'OPTIONS', url, headers: { session: id }, timeout: answerTimeout }
    const stop = keepAlive(connection, keepalive, Math.min(keepaliveEvery, timeout / 2))
    let released = false
    void connection.closed.then((error) => {
      stop()
      if (released) return
      const reason = reasonFrom(ofServer(error), 'stream_lost')
      log.debug('stream lost', { stream: name, reason: reason.details })
      lost(reason)
    })
    return () => {
      if (released) return
      released = true
      stop()
      leave(connection, url, id)
    }
  }

  const follower = createFollower({ open, urlOf, startTimeout, keepaliveEvery, answerTimeout, pause, now })

  /** Since when keyframes are waited for, by the monotonic clock, and when the last wait ended. */
  const waits = new Map<string, { since: number; until: number }>()
  const waitOf = (name: string) => {
    const at = now()
    const before = waits.get(name)
    const wait = before && at - before.until < 2_000 ? before : { since: at, until: at }
    waits.set(name, wait)
    return wait
  }

  const keyframe: StreamReader['keyframe'] = async (name, signal, described = () => {}) => {
    signal.throwIfAborted()
    const { connection, describe, stop } = openVideo(open, urlOf(name), pause)
    let disarm = guard({ connection, signal, limit: startTimeout, late: new Failure('not_started_in_time') })
    try {
      const { codec, base, play } = await describe()
      disarm()
      const wait = waitOf(name)
      const late = () => noKeyframe(now() - wait.since, follower.intervalOf(name))
      disarm = guard({ connection, signal, limit: keyframeTimeout, late })
      described(codec.name)
      let catchIt = (_: Buffer): void => {}
      const caught = new Promise<Buffer>((resolve) => {
        catchIt = resolve
      })
      const { id } = await play({
        onKeyframe: catchIt,
        onRefresh: () => connection.fail(new Failure('codec_unsupported', 'the stream refreshes without keyframes')),
      })
      const picture = await Promise.race([caught, connection.closed])
      wait.until = now()
      if (picture instanceof Error) throw ofServer(picture)
      waits.delete(name)
      stop()
      leave(connection, base, id)
      return picture
    } catch (error) {
      connection.fail(new ConnectionError('source_closed'))
      throw error
    } finally {
      stop()
      disarm()
    }
  }

  const address = (name: string): string => {
    const { user, password } = credentials ?? {}
    const who = user === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}@`
    return urlOf(name).replace('://', `://${who}`)
  }

  return {
    hold,
    keyframe,
    follow: follower.follow,
    isFollowed: follower.isFollowed,
    kept: follower.kept,
    address,
    describe: (source, signal, access) => describeSource({ source, limit: describeTimeout, signal, access }),
    reach: (source, signal, access) => reachSource({ source, limit: describeTimeout, signal, access }),
  }
}

/** `waited`, `interval`: in ms. The interval is only known of a stream that is followed. */
const noKeyframe = (waited: number, interval: number | undefined): Failure =>
  new Failure(
    'no_keyframe',
    `no keyframe for ${seconds(waited)} s${interval === undefined ? '' : ` (the camera sends one every ${seconds(interval)} s)`}`,
  )

const seconds = (time: number): number => Math.round(time / 1000)
