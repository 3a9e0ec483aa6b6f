import { expect } from 'chai'
import fc from 'fast-check'
import {
  createParser,
  formatFrame,
  formatRequest,
  formatResponse,
  type ParserOptions,
  RtspSyntaxError,
} from '../../../adapters/rtsp/message.js'

describe('RTSP messages', () => {
  const request = formatRequest({
    method: 'SETUP',
    url: 'rtsp://h/p/trackID=0',
    headers: { cseq: 1, Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' },
  })
  const response = formatResponse({
    status: 200,
    headers: { cseq: 2, 'content-type': 'application/sdp' },
    body: 'v=0\r\n',
  })

  it('are written in the usual form', () => {
    expect(request.toString()).to.equal(
      'SETUP rtsp://h/p/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n',
    )
    expect(response.toString()).to.equal(
      'RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n',
    )
    expect(
      formatResponse({
        status: 401,
        headers: { 'www-authenticate': ['Basic realm="a"', 'Digest realm="a"'] },
      }).toString(),
    ).to.equal(
      'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="a"\r\nWWW-Authenticate: Digest realm="a"\r\n\r\n',
    )
    expect(formatFrame(3, Buffer.from('ab'))).to.deep.equal(Buffer.from([0x24, 3, 0, 2, 0x61, 0x62]))
    expect(() => formatRequest({ method: 'OPTIONS', url: '*', headers: { session: 'a\r\nX: y' } })).to.throw(
      RtspSyntaxError,
    )
  })

  it('are read correctly wherever the byte stream is cut', () => {
    const stream = Buffer.concat([
      request,
      formatFrame(0, Buffer.from('$RTSP/1.0')),
      Buffer.from('\r\n'),
      response,
      formatFrame(255, Buffer.alloc(0)),
    ])
    const whole = read([stream])
    expect(whole).to.deep.equal([
      {
        request: {
          method: 'SETUP',
          url: 'rtsp://h/p/trackID=0',
          headers: { cseq: '1', transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' },
          body: '',
        },
      },
      { frame: 0, payload: Buffer.from('$RTSP/1.0').toString('hex') },
      {
        response: {
          status: 200,
          reason: 'OK',
          headers: { cseq: '2', 'content-type': 'application/sdp', 'content-length': '5' },
          body: 'v=0\r\n',
        },
      },
      { frame: 255, payload: '' },
    ])
    for (let at = 1; at < stream.length; at++)
      expect(read([stream.subarray(0, at), stream.subarray(at)]), `cut at ${at}`).to.deep.equal(whole)
    expect(read([...stream].map((byte) => Buffer.from([byte])))).to.deep.equal(whole)
  })

  it('are read in the same way however TCP cuts them, valid or not', () => {
    const piece = fc.oneof(
      fc
        .record({ channel: fc.nat(255), payload: fc.uint8Array({ maxLength: 300 }) })
        .map(({ channel, payload }) => formatFrame(channel, payload)),
      fc
        .record({ url: fc.webUrl(), body: fc.uint8Array({ maxLength: 200 }) })
        .map(({ url, body }) => formatRequest({ method: 'ANNOUNCE', url, headers: { cseq: 7 }, body })),
      fc
        .record({ status: fc.integer({ min: 100, max: 599 }), body: fc.string() })
        .map(({ status, body }) => formatResponse({ status, body })),
      fc
        .constantFrom(
          '\r\n',
          '\n\n',
          'HTTP/1.1 400 Bad\r\n\r\n',
          'A',
          'GET / RTSP/1.0\nContent-Length: x\n\n',
          ': \r\n\r\n',
        )
        .map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        (pieces, lengths) => {
          const stream = Buffer.concat(pieces)
          const limits = { maxHeader: 128, maxBody: 150 }
          expect(read(cut(stream, lengths), limits)).to.deep.equal(read([stream], limits))
        },
      ),
      { numRuns: 100 },
    )
  })

  it('keep the payloads of earlier frames unchanged', () => {
    const payloads: Buffer[] = []
    const parser = createParser({ onFrame: (_, payload) => payloads.push(payload) })
    for (const piece of cut(Buffer.concat([1, 2, 3].map((n) => formatFrame(0, Buffer.alloc(50, n)))), [13]))
      parser.push(Buffer.from(piece))
    expect(payloads).to.deep.equal([1, 2, 3].map((n) => Buffer.alloc(50, n)))
  })

  it('may have bare line feeds, folded lines and repeated headers', () => {
    const [only] = read([
      Buffer.from(
        'RTSP/1.0 401 Unauthorized\nWWW-Authenticate: Basic\n realm="a"\nwww-authenticate: Digest b\nCSeq:1\n\n',
      ),
    ])
    expect(only).to.deep.equal({
      response: {
        status: 401,
        reason: 'Unauthorized',
        headers: { 'www-authenticate': 'Basic realm="a", Digest b', cseq: '1' },
        body: '',
      },
    })
    const parser = createParser({
      onRequest: ({ headers }) => expect(Object.entries(headers)).to.deep.equal([['__proto__', 'x']]),
    })
    parser.push(Buffer.from('OPTIONS * RTSP/1.0\r\n__proto__: x\r\n\r\n'))
  })

  const refusals: [string, Buffer, string][] = [
    [
      'an endless header',
      Buffer.from(`OPTIONS * RTSP/1.0\r\nX: ${'x'.repeat(20_000)}`),
      'the header is larger than 16.4 KB',
    ],
    [
      'a body that is too large',
      Buffer.from('ANNOUNCE a RTSP/1.0\r\nContent-Length: 65537\r\n\r\n'),
      'the body is larger than 65.5 KB',
    ],
    [
      'an invalid length',
      Buffer.from('ANNOUNCE a RTSP/1.0\r\nContent-Length: -1\r\n\r\n'),
      'Content-Length is not a number',
    ],
    [
      'two lengths',
      Buffer.from('ANNOUNCE a RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
      'Content-Length is not a number',
    ],
    ['a nameless header', Buffer.from('OPTIONS * RTSP/1.0\r\n: x\r\n\r\n'), 'a header has no name'],
    ['HTTP, before its end', Buffer.from('HTTP/1.1 400 Bad Request\r\nServer'), 'the start line is not RTSP'],
    ['a banner of SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'), 'the start line is not RTSP'],
    ['noise, at its first byte', Buffer.from([0x16]), 'the start line is not RTSP'],
  ]
  for (const [what, bytes, message] of refusals)
    it(`are rejected: ${what}`, () => {
      const parser = createParser({})
      expect(() => parser.push(bytes)).to.throw(RtspSyntaxError, message)
      expect(() => parser.push(request), 'and everything after it').to.throw(RtspSyntaxError, message)
    })

  it('are no longer read after a call-back has ended the parser', () => {
    const urls: string[] = []
    const parser = createParser({
      onRequest: ({ url }) => {
        urls.push(url)
        parser.end()
      },
    })
    parser.push(Buffer.concat([request, request]))
    parser.push(request)
    expect(urls).to.deep.equal(['rtsp://h/p/trackID=0'])
  })

  it('are read fast: 64 KiB in single bytes and 100 Mbit take less than a second', () => {
    const large = formatFrame(0, Buffer.alloc(65_535, 1))
    let bytes = 0
    const parser = createParser({
      onFrame: (_, payload) => {
        bytes += payload.length
      },
    })
    const started = process.cpuUsage()
    for (let at = 0; at < large.length; at++) parser.push(large.subarray(at, at + 1))
    const stream = Buffer.concat(Array.from({ length: 40 }, () => formatFrame(0, Buffer.alloc(1400, 2))))
    for (let n = 0; n < 225; n++) parser.push(stream)
    expect(bytes).to.equal(65_535 + 225 * 40 * 1400)
    expect(process.cpuUsage(started).user).to.be.below(1_000_000)
  })
})

/** Returns what the parser reported, as plain values; an error comes last. */
function read(chunks: Buffer[], limits: ParserOptions = {}): unknown[] {
  const told: unknown[] = []
  const parser = createParser({
    onRequest: (request) =>
      told.push({ request: { ...request, headers: { ...request.headers }, body: request.body.toString() } }),
    onResponse: (response) =>
      told.push({ response: { ...response, headers: { ...response.headers }, body: response.body.toString() } }),
    onFrame: (frame, payload) => told.push({ frame, payload: payload.toString('hex') }),
    ...limits,
  })
  try {
    for (const chunk of chunks) parser.push(chunk)
  } catch (error) {
    told.push(error instanceof RtspSyntaxError ? error.message : error)
  }
  return told
}

function cut(bytes: Buffer, lengths: number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const length = lengths[n % lengths.length] ?? 1
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}
