import type { KeptKeyframe } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { ConnectionError } from './connectionEnd.js'
import { keepAlive, leave, ofServer } from './serverRequests.js'
import { guard } from './session.js'
import { type Opener, openVideo } from './video.js'

export interface FollowerOptions {
  open: Opener
  urlOf(name: string): string
  /** In ms, as in StreamReaderOptions. */
  startTimeout: number
  keepaliveEvery: number
  answerTimeout: number
  pause: number
  /** Monotonic, in ms. */
  now(): number
}

/** Keyframes this many ms apart or closer are not worth keeping: the next one comes soon. */
const close = 2_500
/** Cameras send a keyframe more at a change of the scene, so one short interval says nothing. */
const shortIntervals = 2

interface Followed {
  /** The media server has accepted the connection as a reader. */
  reads: boolean
  last?: Omit<KeptKeyframe, 'age'> & { at: number }
  /** The last two times between keyframes, the newest first. */
  intervals: number[]
}

/**
 * Keeps the last keyframe of each followed stream, in memory, until `follow` ends. Nobody follows a stream twice.
 */
export function createFollower(options: FollowerOptions) {
  const { open, urlOf, startTimeout, keepaliveEvery, answerTimeout, pause, now } = options
  const streams = new Map<string, Followed>()

  const read = async (name: string, followed: Followed, signal: AbortSignal): Promise<void> => {
    const url = urlOf(name)
    const { connection, describe, stop } = openVideo(open, url, pause)
    let disarm = guard({ connection, signal, limit: startTimeout, late: new Failure('not_started_in_time') })
    let stopKeepAlive = (): void => {}
    try {
      const { codec, base, play } = await describe()
      let tellClose = (): void => {}
      const becameClose = new Promise<void>((resolve) => {
        tellClose = resolve
      })
      const { id, timeout } = await play({
        onKeyframe: (picture) => {
          noteKeyframe(followed, { picture, codec: codec.name, at: now() })
          if (followed.intervals.length === shortIntervals && Math.max(...followed.intervals) <= close) tellClose()
        },
        onRefresh: () => connection.fail(new Failure('codec_unsupported', 'the stream refreshes without keyframes')),
      })
      followed.reads = true
      disarm()
      disarm = guard({ connection, signal })
      const keepalive = { method: 'OPTIONS', url, headers: { session: id }, timeout: answerTimeout }
      stopKeepAlive = keepAlive(connection, keepalive, Math.min(keepaliveEvery, timeout / 2))
      const end = await Promise.race([becameClose, connection.closed])
      if (end instanceof Error) throw ofServer(end)
      leave(connection, base, id)
    } catch (error) {
      connection.fail(new ConnectionError('source_closed'))
      throw error
    } finally {
      stopKeepAlive()
      stop()
      disarm()
    }
  }

  const follow = async (name: string, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted()
    const followed: Followed = { reads: false, intervals: [] }
    streams.set(name, followed)
    await read(name, followed, signal).finally(() => {
      if (streams.get(name) === followed) streams.delete(name)
    })
  }

  const isFollowed = (name: string): boolean => streams.get(name)?.reads === true

  const kept = (name: string): KeptKeyframe | undefined => {
    const last = streams.get(name)?.last
    return last && { picture: last.picture, codec: last.codec, age: now() - last.at }
  }

  /** Returns the longer one of the last two times between keyframes, in ms. */
  const intervalOf = (name: string): number | undefined => {
    const { intervals = [] } = streams.get(name) ?? {}
    return intervals.length > 0 ? Math.max(...intervals) : undefined
  }

  return { follow, isFollowed, kept, intervalOf }
}

function noteKeyframe(followed: Followed, keyframe: NonNullable<Followed['last']>): void {
  const { last, intervals } = followed
  if (last) followed.intervals = [keyframe.at - last.at, ...intervals].slice(0, shortIntervals)
  followed.last = keyframe
}
