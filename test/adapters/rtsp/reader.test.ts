import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { formatFrame, type RtspRequest } from '../../../adapters/rtsp/message.js'
import { createStreamReader, type StreamReaderOptions } from '../../../adapters/rtsp/reader.js'
import type { StreamReader } from '../../../machines/domain/ports.js'
import type { Reason } from '../../../machines/domain/reason.js'
import { failure } from '../ffmpeg/support.js'
import { type Answer, type FakeServer, startFake } from './fake.js'

const never = new AbortController().signal
const sdp = [
  'v=0',
  'm=video 0 RTP/AVP 96',
  'a=control:trackID=0',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 sprop-parameter-sets=Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==,aM4PyA==',
  '',
].join('\r\n')
const held: Answer = {
  status: 200,
  headers: { session: 'abc;timeout=55', transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' },
}

describe('stream reader', () => {
  const servers: FakeServer[] = []
  const serve: typeof startFake = async (answer) => {
    const server = await startFake(answer)
    servers.push(server)
    return server
  }
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())))

  describe('hold', () => {
    it('sends SETUP without PLAY, keep-alives, and TEARDOWN', async () => {
      const server = await serve(({ method }) => (method === 'SETUP' ? held : { status: 200 }))
      const losses: Reason[] = []
      const release = await reader(server, { keepaliveEvery: 5 }).hold(
        'camera0',
        (reason) => losses.push(reason),
        never,
      )
      expect((await server.next('SETUP')).headers.transport).to.equal('RTP/AVP/TCP;unicast;interleaved=0-1')
      expect((await server.next('OPTIONS')).headers.session).to.equal('abc')
      await server.next('OPTIONS')
      release()
      release()
      expect((await server.next('TEARDOWN')).headers.session).to.equal('abc')
      await server.idle()
      expect(server.asked[0]).to.equal(`SETUP rtsp://127.0.0.1:${server.port}/camera0/trackID=0`)
      expect(server.asked.filter((line) => line.startsWith('TEARDOWN'))).to.have.length(1)
      expect(losses).to.deep.equal([])
    })

    it('reports once that the connection has ended', async () => {
      const server = await serve(() => held)
      const { lost, release, reasons } = await hold(reader(server))
      server.drop()
      expect(await lost).to.equal('server_closed: the media server closed the connection')
      release()
      expect(reasons).to.have.length(1)
    })

    it('reports a keep-alive without an answer', async () => {
      const server = await serve(({ method }) => (method === 'SETUP' ? held : undefined))
      const { lost } = await hold(reader(server, { keepaliveEvery: 1, answerTimeout: 10 }))
      expect(await lost).to.equal('server_unreachable: the media server does not answer')
      await server.idle()
    })

    it('reports that the media server ended the session', async () => {
      const server = await serve(({ method }) => (method === 'SETUP' ? held : { status: 454 }))
      expect(await (await hold(reader(server, { keepaliveEvery: 1 }))).lost).to.equal(
        'stream_lost: the media server ended the session',
      )
    })

    it('rejects and closes if SETUP is not answered', async () => {
      const server = await serve(() => undefined)
      expect(await failure(reader(server, { startTimeout: 20 }).hold('camera0', () => {}, never))).to.equal(
        'not_started_in_time: the stream did not start in time',
      )
      await server.idle()
    })

    it('closes also if TEARDOWN is not answered', async () => {
      const server = await serve(({ method }) => (method === 'SETUP' ? held : undefined))
      const { release } = await hold(reader(server))
      release()
      await server.next('TEARDOWN')
      await server.idle()
    })

    const refusals: [number, string][] = [
      [400, 'stream_not_found: there is no such stream, or its start has just failed'],
      [401, 'server_refused: the media server refuses access (401)'],
      [404, 'stream_not_found: the stream has no source'],
      [500, 'server_error: the media server answers with an error (500)'],
    ]
    for (const [status, words] of refusals)
      it(`rejects with a reason at status ${status}`, async () => {
        const server = await serve(() => ({ status }))
        expect(await failure(reader(server).hold('camera0', () => {}, never))).to.equal(words)
        await server.idle()
      })

    it('authenticates, and again after the nonce has expired', async () => {
      let nonce = 0
      const server = await serve(({ method, headers }) => {
        if (headers.authorization?.includes(`nonce="${nonce}"`)) return method === 'SETUP' ? held : { status: 200 }
        return { status: 401, headers: { 'www-authenticate': `Digest realm="r", nonce="${nonce}"` } }
      })
      const { release, reasons } = await hold(
        reader(server, { keepaliveEvery: 1, credentials: { user: 'u', password: 'p' } }),
      )
      nonce = 1
      while (!(await server.next('OPTIONS')).headers.authorization?.includes('nonce="1"'));
      release()
      await server.idle()
      expect(reasons).to.deep.equal([])
    })

    it('rejects on abort, before and after SETUP was sent', async () => {
      const server = await serve(() => undefined)
      const aborted = AbortSignal.abort(new Error('no longer wanted'))
      expect(await failure(reader(server).hold('camera0', () => {}, aborted))).to.equal('no longer wanted')
      expect(server.asked).to.deep.equal([])
      const controller = new AbortController()
      const waiting = failure(reader(server).hold('camera0', () => {}, controller.signal))
      await server.next('SETUP')
      controller.abort(new Error('no longer wanted'))
      expect(await waiting).to.equal('no longer wanted')
      await server.idle()
    })

    it('ignores an abort after the stream is held', async () => {
      const server = await serve(({ method }) => (method === 'SETUP' ? held : { status: 200 }))
      const controller = new AbortController()
      const reasons: Reason[] = []
      const release = await reader(server, { keepaliveEvery: 1 }).hold(
        'camera0',
        (reason) => reasons.push(reason),
        controller.signal,
      )
      controller.abort()
      await server.next('OPTIONS')
      await server.next('OPTIONS')
      release()
      await server.idle()
      expect(reasons).to.deep.equal([])
    })

    it('rejects if nothing listens', async () => {
      const server = await serve(() => undefined)
      await server.stop()
      servers.pop()
      expect(await failure(reader(server).hold('camera0', () => {}, never))).to.equal(
        'server_unreachable: the media server cannot be reached',
      )
    })
  })

  describe('keyframe', () => {
    const described = ({ method }: { method: string }): Answer =>
      method === 'DESCRIBE' ? { status: 200, body: sdp } : held

    it('reads it from the negotiated channel', async () => {
      const server = await serve((request, socket) => {
        if (request.method === 'SETUP')
          return { status: 200, headers: { session: 'abc', transport: 'RTP/AVP/TCP;unicast;interleaved=4-5' } }
        // Media may overtake the answer.
        if (request.method === 'PLAY')
          socket.write(Buffer.concat([formatFrame(5, rtp([0x65, 0x88, 9])), formatFrame(4, rtp([0x65, 0x88, 1]))]))
        return described(request)
      })
      const picture = await reader(server).keyframe('camera0', never)
      expect(Buffer.from(picture).toString('hex')).to.match(/^000000016742.*0000000168ce0fc800000001658801$/)
      await server.next('TEARDOWN')
      await server.idle()
    })

    it('rejects if no keyframe comes', async () => {
      const server = await serve(described)
      expect(await failure(reader(server, { keyframeTimeout: 30 }).keyframe('camera0', never))).to.equal(
        'no_keyframe: no keyframe for 0 s',
      )
      await server.idle()
    })

    it('rejects when the connection ends, and on abort', async () => {
      const server = await serve(described)
      const first = failure(reader(server).keyframe('camera0', never))
      await server.next('PLAY')
      server.drop()
      expect(await first).to.equal('server_closed: the media server closed the connection')
      const controller = new AbortController()
      const second = failure(reader(server).keyframe('camera0', controller.signal))
      await server.next('PLAY')
      controller.abort(new Error('no longer wanted'))
      expect(await second).to.equal('no longer wanted')
      await server.idle()
    })

    it('rejects other codecs by name', async () => {
      const server = await serve(() => ({ status: 200, body: sdp.replace('H264', 'VP8') }))
      expect(await failure(reader(server).keyframe('camera0', never))).to.equal(
        'codec_unsupported: the stream is VP8, not H264 or H265',
      )
      await server.idle()
    })
  })

  describe('describe', () => {
    const describeAt = (server: FakeServer, userinfo = '', options = {}) =>
      reader(server, { port: 1, ...options }).describe(`rtsp://${userinfo}127.0.0.1:${server.port}/live?x=1`, never)

    it('returns codec and size', async () => {
      const server = await serve(() => ({ status: 200, body: sdp }))
      expect(await describeAt(server)).to.deep.equal({
        codec: 'H264',
        width: 320,
        height: 240,
        fps: 15,
        reorders: false,
      })
      expect(server.asked).to.deep.equal([
        `OPTIONS rtsp://127.0.0.1:${server.port}/live?x=1`,
        `DESCRIBE rtsp://127.0.0.1:${server.port}/live?x=1`,
      ])
    })

    for (const challenge of [
      'Basic realm="r"',
      'Digest realm="r", nonce="n"',
      'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256',
    ])
      it(`authenticates with ${challenge}`, async () => {
        const server = await serve((request) =>
          isRight(request) ? { status: 200, body: sdp } : { status: 401, headers: { 'www-authenticate': challenge } },
        )
        expect(await describeAt(server, 'ann:p%40ss:w%rd@')).to.include({ codec: 'H264' })
        expect(server.asked.join()).not.to.include('ann')
        server.asked.length = 0
        expect(await failure(describeAt(server, 'ann:wrong@'))).to.equal(
          'source_refused: the camera refuses the user or the password (401): correct them: ' +
            'set `user` and `password_file` of the camera (docs/cameras.md)',
        )
        expect(server.asked, 'one try with the wrong password').to.have.length(2)
        expect(await failure(describeAt(server))).to.equal(
          'source_refused: the camera demands a user and a password (401): ' +
            'set `user` and `password_file` of the camera (docs/cameras.md)',
        )
      })

    const answers: [string, Answer, string][] = [
      [
        'a missing path',
        { status: 404 },
        'stream_not_found: there is no stream at this path (404): check the path of its URL',
      ],
      [
        'a path that it does not understand',
        { status: 400 },
        'source_error: the camera does not accept the request (400): check the path of its URL',
      ],
      [
        'a redirect',
        { status: 302, headers: { location: 'rtsp://elsewhere/' } },
        'redirected: the camera redirects to another address, which is not followed (302)',
      ],
      ['an error', { status: 500 }, 'source_error: the camera answers with an error (500)'],
      ['an empty description', { status: 200 }, 'not_a_stream: the camera offers no media'],
      ['silence', undefined, 'timed_out: the camera did not answer in time'],
    ]
    for (const [what, answer, words] of answers)
      it(`rejects with a reason for ${what}`, async () => {
        const server = await serve(() => answer)
        expect(await failure(describeAt(server, 'ann:secret@', { describeTimeout: answer ? 20_000 : 30 }))).to.equal(
          words,
        )
        await server.idle()
      })

    it('rejects with a reason for another protocol, a closed connection and a closed port', async () => {
      let greeting: string | undefined = 'HTTP/1.1 400 Bad Request\r\n\r\n'
      const other = createServer((socket) => {
        socket.on('error', () => {}).resume()
        if (greeting) socket.write(greeting)
        else socket.end()
      })
      other.listen(0, '127.0.0.1')
      await once(other, 'listening')
      const address = other.address()
      const port = address && typeof address === 'object' ? address.port : 0
      const url = `rtsp://ann:secret@127.0.0.1:${port}/`
      const ask = () => failure(reader({ port: 1 }).describe(url, never))
      expect(await ask()).to.equal(
        `not_rtsp: port ${port} of the camera answers in HTTP, not in RTSP: ` +
          'check the port of its URL, which is 554 for most cameras',
      )
      expect(await failure(reader({ port: 1 }).describe(url.replace('rtsp:', 'rtsps:'), never))).to.equal(
        `not_rtsp: port ${port} of the camera does not speak TLS: use rtsp:// instead of rtsps://`,
      )
      greeting = 'SSH-2.0-x\r\n\r\n'
      expect(await ask()).to.match(/^not_rtsp: port \d+ of the camera answers not in RTSP: check the port/)
      greeting = undefined
      expect(await ask()).to.equal(
        'source_closed: the camera closed the connection without an answer: ' +
          'check the port of its URL, and whether it expects TLS (rtsps)',
      )
      other.close()
      await once(other, 'close')
      const closed = await reader({ port: 1 })
        .describe(url, never)
        .catch((error: Error) => error)
      expect(closed).to.deep.include({
        code: 'unreachable',
        message:
          `the connection was refused, because no program listens on port ${port} of the camera: ` +
          'check the port and the address of its URL',
        evidence: { errno: 'ECONNREFUSED' },
      })
    })

    it('says that a name cannot be resolved', async () => {
      // No name has an empty part: no resolver is asked.
      const asked = failure(reader({ port: 1 }).describe('rtsp://ann:secret@camera..invalid/x', never))
      expect(await asked).to.equal('unreachable: the name of the camera cannot be resolved to an address')
    })

    it('rejects invalid URLs without repeating them', async () => {
      for (const url of [
        '',
        'http://ann:secret@h/',
        'rtsp://',
        'rtsp://ann:secret@/x',
        'rtsp://h:99999/',
        'rtsp://h/a b',
        'rtsp://h/a\r\nX: y',
      ])
        expect(await failure(reader({ port: 1 }).describe(url, never)), url).to.equal(
          'address_refused: this is not an RTSP address',
        )
    })
  })
})

const reader = ({ port }: { port: number }, options: Partial<StreamReaderOptions> = {}): StreamReader => {
  const quiet = (): void => {}
  return createStreamReader({
    host: '127.0.0.1',
    port,
    log: { error: quiet, warn: quiet, info: quiet, debug: quiet },
    ...options,
  })
}

async function hold(from: StreamReader) {
  const reasons: Reason[] = []
  let tell: (reason: string) => void = () => {}
  const lost = new Promise<string>((resolve) => {
    tell = resolve
  })
  const release = await from.hold(
    'camera0',
    (reason) => {
      reasons.push(reason)
      tell(`${reason.code}: ${reason.details}`)
    },
    never,
  )
  return { release, lost, reasons }
}

const rtp = (payload: number[]): Buffer => Buffer.from([0x80, 0xe0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, ...payload])

/** Checks the credentials of the user ann. */
function isRight({ method, url, headers }: RtspRequest): boolean {
  const given = headers.authorization ?? ''
  if (given.startsWith('Basic')) return given === `Basic ${Buffer.from('ann:p@ss:w%rd').toString('base64')}`
  const field = (name: string): string => new RegExp(`[ ,]${name}="?([^",]+)`).exec(given)?.[1] ?? ''
  const hash = (text: string): string =>
    createHash(field('algorithm') === 'SHA-256' ? 'sha256' : 'md5')
      .update(text)
      .digest('hex')
  const counted = field('qop') === '' ? '' : `${field('nc')}:${field('cnonce')}:auth:`
  return (
    field('uri') === url &&
    field('response') === hash(`${hash('ann:r:p@ss:w%rd')}:n:${counted}${hash(`${method}:${url}`)}`)
  )
}
