import { rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'chai'
import { createParser, formatFrame, type RtspResponse } from '../../../adapters/rtsp/message.js'
import { type Simulator, startSimulator } from '../../../adapters/simulator/server.js'
import { inTime, until } from '../../contract/mediaServer/client.js'
import { temporaryFolder } from '../../contract/mediaServer/servers.js'
import { freePort } from '../../support/ports.js'

const sdp = [
  ...['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=x', 't=0 0', 'm=video 0 RTP/AVP 96'],
  ...['a=rtpmap:96 H264/90000', 'a=control:streamid=0', ''],
].join('\r\n')
const transport = 'RTP/AVP/TCP;unicast;interleaved=0-1'
/** Far more packets than the kernel buffers for a reader. */
const mostPackets = 60_000

describe('simulator: a reader that does not read', function () {
  this.timeout(60_000)
  let simulator: Simulator
  let dir: string
  let port: number
  let log = ''
  const sockets: Socket[] = []
  before(async () => {
    dir = await temporaryFolder()
    port = await freePort()
    const file = join(dir, 'mediamtx.yml')
    await writeFile(
      file,
      JSON.stringify({ rtspAddress: `127.0.0.1:${port}`, writeTimeout: '300ms', paths: { cam: null } }),
    )
    const write = (line: string): void => {
      log += line
    }
    simulator = await startSimulator({ file, write, failed: (reason) => expect.fail(reason) })
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    await simulator?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it('loses packets and then its connection; the publisher and the other reader are not affected', async () => {
    const url = `rtsp://127.0.0.1:${port}/cam`
    const publisher = client(port, sockets)
    await publisher.request('ANNOUNCE', url, { 'content-type': 'application/sdp' }, sdp)
    const published = await publisher.request('SETUP', `${url}/streamid=0`, { transport: `${transport};mode=record` })
    const recording = await publisher.request('RECORD', url, { session: published.headers.session ?? '' })
    expect(recording.status).to.equal(200)
    const [good, bad] = await Promise.all([playing(url, port, sockets), playing(url, port, sockets)])
    bad.socket.pause()
    const closed = new Promise((resolve) => bad.socket.once('close', resolve))

    let sent = 0
    const packet = Buffer.alloc(1400, 0x80)
    const publish = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) publisher.socket.write(formatFrame(0, packet))
      sent += count
      await good.received(sent)
    }
    while (!log.includes('reader is too slow') && sent < mostPackets) await publish(100)
    expect(log).to.match(/WAR \[RTSP\] \[session [0-9a-f]{8}\] reader is too slow, discarding \d+ frames?\n/)
    await until('the write timeout', async () => {
      await publish(1)
      return log.includes('closed: write timeout')
    })
    bad.socket.resume()
    await inTime('the end of the connection', closed)
    expect(bad.frames()).to.be.lessThan(sent)
    expect(good.frames()).to.equal(sent)
    expect(good.socket.destroyed).to.equal(false)
  })
})

interface Client {
  socket: Socket
  frames(): number
  /** Resolves when `count` frames have arrived. */
  received(count: number): Promise<void>
  request(method: string, url: string, headers?: Record<string, string>, body?: string): Promise<RtspResponse>
}

function client(port: number, sockets: Socket[]): Client {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  let frames = 0
  let answered: (response: RtspResponse) => void = () => {}
  const parser = createParser({
    onFrame: () => {
      frames++
    },
    onResponse: (response) => answered(response),
  })
  socket.on('data', (chunk) => parser.push(chunk))
  socket.on('error', () => {})
  let cseq = 0
  return {
    socket,
    frames: () => frames,
    received: (count) => {
      const arrival = async (): Promise<void> => {
        while (frames < count && !socket.destroyed) await nextTurn()
      }
      return inTime(`${count} frames`, arrival())
    },
    request: (method, url, headers = {}, body = '') =>
      new Promise((resolve) => {
        answered = resolve
        const fields = Object.entries({
          cseq: String(++cseq),
          ...headers,
          ...(body && { 'content-length': String(body.length) }),
        })
        socket.write(
          `${method} ${url} RTSP/1.0\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
        )
      }),
  }
}

async function playing(url: string, port: number, sockets: Socket[]): Promise<Client> {
  const reader = client(port, sockets)
  const setup = await reader.request('SETUP', `${url}/trackID=0`, { transport })
  const play = await reader.request('PLAY', `${url}/`, { session: setup.headers.session ?? '' })
  expect(play.status).to.equal(200)
  return reader
}
