import type { Socket } from 'node:net'
import { milliseconds } from '../config/duration.js'
import type { GlobalConf } from '../config/fields.js'
import { type Log, labelled } from '../log.js'
import { countTracks } from '../stream.js'
import { createOutlet } from './outlet.js'
import { nameOf, type Reading, type Session } from './session.js'

const packetSize = 1500

/** Sends the tracks of the session to its socket from now on. */
export function startMedia({ session, reading, socket, conf, log, dead }: StartMedia): void {
  const own = labelled(log, `session ${nameOf(session)}`)
  const tracks = [...session.channels.values()].flatMap(({ track, rtcp }) =>
    rtcp ? [] : [reading.stream.tracks[track]?.label ?? ''],
  )
  own('INF', `is reading from path '${session.path}', with TCP, ${countTracks(tracks)}`)
  /** By track. */
  const channels: Record<'rtp' | 'rtcp', number[]> = { rtp: [], rtcp: [] }
  for (const [channel, { track, rtcp }] of session.channels) channels[rtcp ? 'rtcp' : 'rtp'][track] = channel
  const outlet = createOutlet({
    socket,
    limit: conf.writeQueueSize * packetSize,
    patience: milliseconds(conf.writeTimeout),
    dropped: (count) => own('WAR', `reader is too slow, discarding ${count} ${count === 1 ? 'frame' : 'frames'}`),
    dead,
  })
  const { counters } = session
  reading.outlet = outlet
  reading.detach = reading.stream.attach((track, rtcp, packet) => {
    const channel = channels[rtcp ? 'rtcp' : 'rtp'][track]
    if (channel === undefined) return
    const bytes = outlet.send(channel, packet)
    if (bytes === 0) return
    reading.stream.sent(bytes)
    counters.outboundBytes += bytes
    if (rtcp) counters.outboundRtcp++
    else counters.outboundRtp++
  })
  session.state = 'play'
}

interface StartMedia {
  session: Session
  reading: Reading
  socket: Socket
  conf: GlobalConf
  log: Log
  /** Called when the client has not read for `writeTimeout`. */
  dead: () => void
}
