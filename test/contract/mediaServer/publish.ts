import { connect as connectTcp } from 'node:net'
import { inTime, transport } from './client.js'
import type { RunningMediaServer } from './servers.js'

/** Does nothing. */
export const none = async (): Promise<void> => {}

const sdp = [
  ...['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=x', 't=0 0', 'm=video 0 RTP/AVP 96'],
  ...['a=rtpmap:96 H264/90000', 'a=fmtp:96 packetization-mode=1', 'a=control:streamid=0', ''],
].join('\r\n')

/**
 * Publishes without ever sending media. `between` runs before RECORD, `after` runs after it. Resolves with the status
 * of RECORD, or of ANNOUNCE if that is refused.
 */
export async function publish(
  server: RunningMediaServer,
  name: string,
  between: () => Promise<unknown> = none,
  after: () => Promise<unknown> = none,
  credential?: { user: string; password: string },
): Promise<number> {
  const url = server.url(name)
  const client = rawClient(server.rtspPort)
  const basic = credential && Buffer.from(`${credential.user}:${credential.password}`).toString('base64')
  const announce = await client.send(
    `ANNOUNCE ${url} RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\n` +
      `${basic === undefined ? '' : `Authorization: Basic ${basic}\r\n`}` +
      `Content-Length: ${sdp.length}\r\n\r\n${sdp}`,
  )
  if (statusOf(announce) !== 200) {
    client.close()
    return statusOf(announce)
  }
  const setup = await client.send(
    `SETUP ${url}/streamid=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: ${transport};mode=record\r\n\r\n`,
  )
  const session = /Session: (\w+)/.exec(setup)?.[1]
  await between()
  const record = await client.send(`RECORD ${url} RTSP/1.0\r\nCSeq: 3\r\nSession: ${session}\r\n\r\n`)
  await after()
  client.close()
  return statusOf(record)
}

const statusOf = (response: string): number => Number(/^RTSP\/1.0 (\d+)/.exec(response)?.[1])

/** Sends and receives text, for requests that a reader never sends. */
function rawClient(port: number): { send(text: string): Promise<string>; close(): void } {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {})
  return {
    send: (text) =>
      inTime(
        'a response',
        new Promise((resolve) => {
          socket.once('data', (answer) => resolve(answer.toString('latin1')))
          socket.once('close', () => resolve(''))
          socket.write(text)
        }),
      ),
    close: () => socket.destroy(),
  }
}
