import { Failure } from '../../machines/domain/reason.js'
import type { Codec } from './codec.js'
import { type Depacketiser, parseRtp, type RtpPacket } from './depacketiser.js'
import { codecs, createKeyframeFinder, type FinderEvents } from './keyframes.js'
import { controlUrl, parameterSetsOf, readDescription } from './sdp.js'
import { request, sessionOf, start, transport } from './serverRequests.js'
import type { Connection } from './session.js'

/** Opens a connection to the media server. */
export type Opener = (onFrame: (channel: number, payload: Buffer) => void) => Connection

/** The video of a stream of the media server, whose keyframes are read. */
export interface Video {
  codec: Codec
  /** The URL for TEARDOWN. */
  base: string
  /** Sends SETUP and PLAY. Resolves when the stream plays. */
  play(events: FinderEvents): Promise<{ id: string; timeout: number }>
}

/**
 * Connects to the media server. `describe` sends DESCRIBE, which starts the stream, and rejects with
 * `codec_unsupported` unless the codec is one whose keyframes are read; `stop` ends the events.
 */
export function openVideo(open: Opener, url: string, pause: number) {
  let onPacket = (_: RtpPacket): void => {}
  let channelOfMedia = 0
  const connection = open((channel, payload) => {
    const packet = channel === channelOfMedia ? parseRtp(payload) : undefined
    if (packet) onPacket(packet)
  })

  const describe = async (): Promise<Video> => {
    const description = await start(connection, { method: 'DESCRIBE', url, headers: { accept: 'application/sdp' } })
    const { base, session, video } = readDescription(url, description)
    if (!video) throw new Failure('not_a_stream', 'the stream has no video')
    const codec = codecs[video.codec]
    if (!codec)
      throw new Failure('codec_unsupported', `the stream is ${video.codec || 'of unknown codec'}, not H264 or H265`)
    const play: Video['play'] = async (events) => {
      const track = controlUrl(base, video.control)
      const setup = await request(connection, { method: 'SETUP', url: track, headers: { transport } })
      channelOfMedia = Number(/interleaved=(\d+)/.exec(setup.headers.transport ?? '')?.[1] ?? 0)
      onPacket = untilPause(createKeyframeFinder(codec, parameterSetsOf(video), events), video.payloadType, pause)
      const answer = sessionOf(setup)
      const headers = { session: answer.id, range: 'npt=0.000-' }
      await request(connection, { method: 'PLAY', url: controlUrl(base, session), headers })
      return answer
    }
    return { codec, base, play }
  }

  const stop = (): void => {
    onPacket = () => {}
  }
  return { connection, describe, stop }
}

/**
 * Returns a function that gives packets of the payload type to the finder. In a pause of the stream the picture ends,
 * if its last packet has the marker: otherwise a camera with one picture in ten seconds would be late by one picture.
 */
function untilPause(finder: Depacketiser, payloadType: number, pause: number): (packet: RtpPacket) => void {
  let timer: NodeJS.Timeout | undefined
  return (packet) => {
    if (packet.payloadType !== payloadType) return
    clearTimeout(timer)
    finder.push(packet)
    if (packet.marker) timer = setTimeout(finder.flush, pause).unref()
  }
}
