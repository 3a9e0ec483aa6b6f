import { expect } from 'chai'
import fc from 'fast-check'
import { ServiceError } from '../../machines/domain/errors.js'
import { placeOf, readStreamUrl, shownUrl, streamIdentity, streamKey } from '../../machines/domain/streamUrl.js'

const rule = (text: string): string => {
  try {
    readStreamUrl(text)
    return 'accepted'
  } catch (error) {
    if (error instanceof ServiceError && error.key === 'invalidParams') return error.data.rule ?? ''
    throw error
  }
}

describe('stream URL', () => {
  it('has at most 2048 characters', () => {
    const longest = 'rtsp://10.0.0.9/'.padEnd(2_048, 'x')
    expect([rule(longest), rule(`${longest}x`)]).to.deep.equal(['accepted', rule('rtsp://'.padEnd(3_000, 'x'))])
  })

  it('has a normalised host, so that the checked address is the one that is used', () => {
    expect(readStreamUrl('rtsp://10.0.0.9/stream')).to.deep.equal({
      url: 'rtsp://10.0.0.9/stream',
      host: '10.0.0.9',
      port: 554,
    })
    expect(readStreamUrl('RTSPS://User:p%40ss@Cam.Example:8322/A?b=C')).to.deep.equal({
      url: 'rtsps://User:p%40ss@cam.example:8322/A?b=C',
      host: 'cam.example',
      port: 8322,
    })
    expect(readStreamUrl('rtsp://[::1]:8554/x')).to.deep.equal({ url: 'rtsp://[::1]:8554/x', host: '::1', port: 8554 })
    for (const host of ['2130706433', '0x7f.1', '127.1', '0177.0.0.1', '127%2e0.0.1'])
      expect(readStreamUrl(`rtsp://${host}:8554/x`).host, host).to.equal('127.0.0.1')
    expect(readStreamUrl('rtsps://a').port).to.equal(322)
  })

  for (const [text, words] of Object.entries({
    'http://10.0.0.9/stream': 'begin with rtsp',
    'file:///etc/passwd': 'begin with rtsp',
    '10.0.0.9/stream': 'begin with rtsp',
    'rtsp:10.0.0.9': 'begin with rtsp',
    'rtsp:///stream': 'contain a host',
    'rtsp://:554/stream': 'contain a host',
    'rtsp://user:secret@/stream': 'contain a host',
    'rtsp://10.0.0.9:/stream': 'contain a host',
    'rtsp://10.0.0.9:port/stream': 'contain a host',
    'rtsp://256.1.1.1/x': 'contain a host',
    'rtsp://10.0.0.9:0/x': 'port from 1',
    'rtsp://10.0.0.9:65536/x': 'port from 1',
    'rtsp://10.0.0.9:123456/x': 'port from 1',
    'rtsp://10.0.0.9/a b': 'not contain spaces',
    'rtsp://10.0.0.9/a\r\nDESCRIBE x': 'not contain spaces',
    'rtsp://10.0.0.9/\0': 'not contain spaces',
    'rtsp://10.0.0.9\\@evil/': 'not contain spaces',
    'rtsp://10.0.0.9/#part': 'not contain spaces',
    'rtsp://10.0.0.9/x?$MTX_QUERY': 'not contain $',
    'rtsp://user/secret@10.0.0.9/x': 'not contain @ after',
    [`rtsp://10.0.0.9/${'x'.repeat(2048)}`]: 'at most 2048',
  })) {
    it(`${JSON.stringify(text.slice(0, 60))} is refused without repeating it`, () => {
      expect(rule(text)).to.contain(words)
      expect(rule(text)).not.to.match(/secret|evil|passwd/)
    })
  }

  it('is displayed without credentials in the user part, the path and the query', () => {
    expect(shownUrl('rtsp://admin:se@cret@10.0.0.9:554/a')).to.equal('rtsp://10.0.0.9:554/a')
    expect(shownUrl('rtsp://10.0.0.9/user=admin&password=secret&channel=1?Token=abc&x=1')).to.equal(
      'rtsp://10.0.0.9/user=admin&password=***&channel=1?Token=***&x=1',
    )
    expect(shownUrl('rtsp://10.0.0.9/x?keyframe=2')).to.equal('rtsp://10.0.0.9/x?keyframe=2')
  })

  it('has one key for all its spellings', () => {
    const key = streamKey('rtsp://10.0.0.9:554/')
    for (const same of ['rtsp://10.0.0.9', 'RTSP://10.0.0.9/', 'rtsp://a:b@10.0.0.9:554', 'rtsp://0xa.9/'])
      expect(streamKey(same), same).to.equal(key)
    for (const other of ['rtsps://10.0.0.9/', 'rtsp://10.0.0.9:8554/', 'rtsp://10.0.0.9/A'])
      expect(streamKey(other), other).not.to.equal(key)
    expect(streamKey('rtsp://h/A')).not.to.equal(streamKey('rtsp://h/a'))
    expect(streamIdentity(key)).to.equal('rtsp:rtsp://10.0.0.9:554/')
  })

  it('has the same identity as in earlier versions', () => {
    const identities: Record<string, string> = {
      'rtsp://10.0.0.9/stream': 'rtsp:rtsp://10.0.0.9:554/stream',
      'rtsp://10.0.0.9': 'rtsp:rtsp://10.0.0.9:554/',
      'rtsp://10.0.0.9?x=1': 'rtsp:rtsp://10.0.0.9:554/?x=1',
      'rtsp://10.0.0.9/a%20b?c=%2F': 'rtsp:rtsp://10.0.0.9:554/a%20b?c=%2F',
      'rtsp://10.0.0.9/a|b{c}^d"e<f>`g': 'rtsp:rtsp://10.0.0.9:554/a|b{c}^d"e<f>`g',
      'rtsp://Cam.Example/Tür?q=日本😀': 'rtsp:rtsp://cam.example:554/Tür?q=日本😀',
      "rtsps://user:p&ss'word!@10.0.0.9/x": 'rtsp:rtsps://10.0.0.9:322/x',
      'rtsp://user:a:b@[2001:db8::1]:9/x': 'rtsp:rtsp://[2001:db8::1]:9/x',
      'rtsp://10.0.0.9/user=a&password=b&channel=1?x': 'rtsp:rtsp://10.0.0.9:554/user=a&password=***&channel=1?x',
      'rtsp://10.0.0.9/x?token=a;b=1&c': 'rtsp:rtsp://10.0.0.9:554/x?token=***;b=1&c',
    }
    for (const [stored, identity] of Object.entries(identities)) {
      expect(streamIdentity(stored), stored).to.equal(identity)
      expect(streamIdentity(readStreamUrl(stored).url), stored).to.equal(identity)
      expect(streamIdentity(shownUrl(stored)), stored).to.equal(identity)
    }
  })

  it('is split into scheme, port and path', () => {
    expect(placeOf('rtsp://a:b@10.0.0.9/x?y=1')).to.deep.equal({ scheme: 'rtsp', port: 554, path: '/x?y=1' })
    expect(placeOf('rtsps://[fd00::1]:9/x')).to.deep.equal({ scheme: 'rtsps', port: 9, path: '/x' })
  })

  it('is parsed from any text; the canonical form and the key do not change when parsed again', () => {
    const pieces = fc.constantFrom(
      'rtsp://',
      'rtsps://',
      'a',
      ':',
      '@',
      '/',
      '//',
      '?',
      '#',
      '[',
      ']',
      '::1',
      '127.1',
      'pw',
      '%',
      '%2f',
      '*',
      '&',
      'password=',
      '0',
      '99',
      '.',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces, { maxLength: 12 }).map((parts) => `rtsp://${parts.join('')}`),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          if (rule(text) !== 'accepted') return
          const { url } = readStreamUrl(text)
          expect(readStreamUrl(url).url).to.equal(url)
          expect(streamKey(text)).to.equal(streamKey(url))
          expect(streamKey(shownUrl(url))).to.equal(streamKey(url))
          expect(streamKey(streamKey(url))).to.equal(streamKey(url))
          expect(new URL(url).hostname.replace(/^\[|\]$/g, '')).to.equal(readStreamUrl(url).host)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
