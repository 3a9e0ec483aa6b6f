import { type EventObject, fromCallback, fromPromise } from 'xstate'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Kick, KickOutcome, Listing } from '../../machines/domain/mediaReaders.js'
import type { Clock, Log, MediaServer } from '../../machines/domain/ports.js'
import type { MediaSessionsEvent } from '../../machines/mediaSessions.js'
import { waitUntil, within } from './time.js'

export interface MediaSessionsPorts {
  mediaServer: Pick<MediaServer, 'kick' | 'sessions'>
  clock: Clock
  log: Log
}

/** Limits for one kick and for one list, in ms. */
const limits = { kick: 5_000, list: 10_000 }

/** The effects of machines/mediaSessions.ts. */
export const mediaSessionsEffects = ({ mediaServer, clock, log }: MediaSessionsPorts) => {
  /** Never rejects. */
  const outcomeOf = async ({ session, query }: Kick, signal: AbortSignal): Promise<KickOutcome> => {
    const { id, protocol, camera, user, address } = session
    const reader = { protocol, id, ...(query !== undefined && { query }) }
    try {
      return (await within(limits.kick, signal, (limited) => mediaServer.kick(reader, limited))) ? 'ended' : 'absent'
    } catch (error) {
      if (!signal.aborted)
        log.warn('a reader could not be kicked', { camera, protocol, user, address, reason: reasonOf(error) })
      return 'failed'
    }
  }
  return {
    waitUntil: waitUntil(clock.monotonic),
    kickReaders: fromCallback<EventObject>(({ receive, sendBack }) => {
      const stopped = new AbortController()
      const send = (event: MediaSessionsEvent) => {
        if (!stopped.signal.aborted) sendBack(event)
      }
      receive((event) => {
        const kick = event as { type: 'kick' } & Kick
        void outcomeOf(kick, stopped.signal).then((outcome) =>
          send({ type: 'kick.done', kick, outcome, at: clock.monotonic() }),
        )
      })
      return () => stopped.abort()
    }),
    listSessions: fromPromise<Listing>(async ({ signal }) => {
      const at = clock.monotonic()
      try {
        return { at, sessions: await within(limits.list, signal, (limited) => mediaServer.sessions(limited)) }
      } catch (error) {
        log.debug('the readers of the media server could not be listed', { reason: reasonOf(error) })
        throw error
      }
    }),
  }
}
