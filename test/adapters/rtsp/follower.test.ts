import type { Socket } from 'node:net'
import { expect } from 'chai'
import { formatFrame } from '../../../adapters/rtsp/message.js'
import { createStreamReader, type StreamReaderOptions } from '../../../adapters/rtsp/reader.js'
import { failure, log, never, until } from '../ffmpeg/support.js'
import { type FakeServer, startFake } from './fake.js'

const sdp = [
  'v=0',
  'm=video 0 RTP/AVP 96',
  'a=control:trackID=0',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 sprop-parameter-sets=Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==,aM4PyA==',
  '',
].join('\r\n')
const [SLICE, IDR] = [0x41, 0x65]

describe('follower of keyframes', () => {
  let server: FakeServer
  afterEach(() => server.stop())

  it('keeps the last keyframe of a camera that seldom sends one, and tells its age', async () => {
    const { reader, keyframe, clock } = await camera()
    void reader.follow('camera0', never)
    await keyframe(0, 1)
    const first = reader.kept('camera0')
    expect([first?.codec, first?.picture.at(-1), first?.age]).to.deep.equal(['h264', 1, 0])
    await keyframe(40_000, 2)
    clock.at += 17_000
    expect(reader.kept('camera0')?.picture.at(-1)).to.equal(2)
    expect(reader.kept('camera0')?.age).to.equal(17_000)
  })

  it('ends, and keeps nothing, if keyframes come often', async () => {
    const { reader, keyframe } = await camera()
    const done = reader.follow('camera0', never)
    for (const pause of [0, 2_500]) await keyframe(pause)
    const ended = keyframe(2_500)
    await done
    expect(reader.kept('camera0')).to.equal(undefined)
    await server.next('TEARDOWN')
    await ended
    await server.idle()
  })

  it('goes on after one keyframe that came early, at a change of the scene', async () => {
    const { reader, keyframe } = await camera()
    void reader.follow('camera0', never)
    for (const pause of [0, 40_000, 500, 39_500]) await keyframe(pause)
    expect(reader.kept('camera0')?.age).to.equal(0)
  })

  it('says how often the camera sends a keyframe if no keyframe comes in time', async () => {
    const { reader, keyframe, clock } = await camera({ keyframeTimeout: 50 })
    void reader.follow('camera0', never)
    for (const pause of [0, 40_000]) await keyframe(pause)
    clock.step = 17_000
    expect(await failure(reader.keyframe('camera0', never))).to.equal(
      'no_keyframe: no keyframe for 17 s (the camera sends one every 40 s)',
    )
  })

  it('is a reader of the media server from PLAY until it leaves, and then keeps nothing', async () => {
    const { reader, keyframe } = await camera()
    const one = new AbortController()
    const end = failure(reader.follow('camera0', one.signal))
    expect(reader.isFollowed('camera0')).to.equal(false)
    await keyframe(0)
    expect([reader.isFollowed('camera0'), reader.isFollowed('camera1')]).to.deep.equal([true, false])
    one.abort(new Error('the last viewer has left'))
    expect(await end).to.equal('the last viewer has left')
    expect([reader.isFollowed('camera0'), reader.kept('camera0')]).to.deep.equal([false, undefined])
    await server.idle()
  })

  it('reads the stream anew after it was left', async () => {
    const { reader, keyframe } = await camera()
    const first = new AbortController()
    const left = failure(reader.follow('camera0', first.signal))
    await keyframe(0, 1)
    first.abort(new Error('left'))
    void reader.follow('camera0', never)
    await left
    await until('PLAY again', () => server.asked.filter((line) => line.startsWith('PLAY')).length === 2)
    await keyframe(0, 2)
    expect(reader.kept('camera0')?.picture.at(-1)).to.equal(2)
  })

  it('rejects when the stream ends, and keeps nothing', async () => {
    const { reader, keyframe } = await camera()
    const end = failure(reader.follow('camera0', never))
    await keyframe(0)
    server.drop()
    expect(await end).to.equal('server_closed: the media server closed the connection')
    expect(reader.kept('camera0')).to.equal(undefined)
  })

  it('rejects a stream whose pictures only a decoder finds, and one that does not start', async () => {
    server = await startFake(() => ({ status: 200, body: sdp.replace('H264', 'JPEG') }))
    const options = { host: '127.0.0.1', port: server.port, log }
    expect(await failure(createStreamReader(options).follow('camera0', never))).to.equal(
      'codec_unsupported: the stream is JPEG, not H264 or H265',
    )
    await server.stop()
    server = await startFake(() => undefined)
    expect(
      await failure(createStreamReader({ ...options, port: server.port, startTimeout: 20 }).follow('camera0', never)),
    ).to.equal('not_started_in_time: the stream did not start in time')
    await server.idle()
  })

  it('keeps the connection alive', async () => {
    const { reader, keyframe } = await camera({ keepaliveEvery: 5 })
    void reader.follow('camera0', never)
    await keyframe(0)
    await server.next('OPTIONS')
    await server.next('OPTIONS')
  })

  /** A camera whose keyframes the test sends, and the reader with a clock of its own. */
  async function camera(options: Partial<StreamReaderOptions> = {}) {
    const players: Socket[] = []
    server = await startFake(({ method }, socket) => {
      if (method === 'PLAY') players.push(socket)
      if (method === 'DESCRIBE') return { status: 200, body: sdp }
      return { status: 200, headers: { session: 's', transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' } }
    })
    /** `step`: how far each reading is from the one before. */
    const clock = { at: 1_000_000, step: 0 }
    const now = () => {
      clock.at += clock.step
      return clock.at
    }
    const reader = createStreamReader({ host: '127.0.0.1', port: server.port, log, now, ...options })
    let sequence = 0
    const send = (socket: Socket, kind: number, timestamp: number, mark: number) => {
      const header = Buffer.from([0x80, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
      header.writeUInt16BE(sequence++, 2)
      header.writeUInt32BE(timestamp, 4)
      socket.write(formatFrame(0, Buffer.concat([header, Buffer.from([kind, 0x88, 0x84, mark])])))
    }
    /** After `pause` ms a keyframe comes, and another picture, which ends it. Resolves when the reader has it. */
    const keyframe = async (pause: number, mark = 0) => {
      const playing = await until('the stream is played', () => players.findLast((socket) => !socket.destroyed))
      clock.at += pause
      const before = reader.kept('camera0')?.picture
      send(playing, IDR, clock.at * 90, mark)
      send(playing, SLICE, clock.at * 90 + 3_000, mark)
      await until('the keyframe is kept', () => {
        const { picture } = reader.kept('camera0') ?? {}
        return (picture !== undefined && picture !== before) || playing.destroyed
      })
    }
    return { reader, keyframe, clock }
  }
})
