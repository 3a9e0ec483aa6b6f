import { expect } from 'chai'
import fc from 'fast-check'
import { ConfigurationError, loadConfiguration } from '../../config/load.js'
import { maskedParameters, maskedText, textForClients } from '../../machines/domain/mask.js'
import { masked } from '../../machines/domain/masked.js'
import { readStreamUrl, shownUrl, streamKey } from '../../machines/domain/streamUrl.js'

const place = '10.0.0.9:554/live'

/** Passwords with all characters, including those with a meaning in URLs and YAML. */
const passwords = fc
  .oneof(
    fc.string({ minLength: 6, maxLength: 24 }),
    fc.string({ unit: 'grapheme', minLength: 6, maxLength: 24 }),
    fc.string({
      unit: fc.constantFrom(...'abcXYZ019 @:/?#%&;=_$\'"`\\<>[]{}|^!*+,.~-'),
      minLength: 6,
      maxLength: 24,
    }),
  )
  .filter((text) => partsOf(text).length > 0)

/** Returns all sequences of four characters that reveal the password, except words that also occur in the sentences. */
const partsOf = (password: string): string[] =>
  Array.from({ length: Math.max(0, password.length - 3) }, (_, start) => password.slice(start, start + 4)).filter(
    (part) =>
      /[^a-z.:/*[\]"'\\]/.test(part) &&
      !/\s/.test(part) &&
      // These stand in the texts in any case.
      ![`rtsp://${place}`, `rtsp://***@${place}?user=admin_password=***_channel=1_stream=0.sdp`].some((text) =>
        text.includes(part),
      ),
  )

const expectHidden = (password: string, ...texts: string[]) => {
  const shown = partsOf(password).filter((part) => texts.some((text) => text.includes(part)))
  expect(shown, texts.join('\n')).to.deep.equal([])
}

const configurationOutput = (source: { cameras: string }): string => {
  try {
    const { warnings } = loadConfiguration({ env: { CAMERA_SERVICE_CAMERAS: source.cameras } })
    return warnings.join('\n')
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message
    throw error
  }
}

describe('masking', () => {
  it('hides each kind of secret in a text, and leaves what is beside it', () => {
    for (const [text, shown] of [
      ['token eyJhbGciOi.eyJ1c2.c2ln-x end', 'token *** end'],
      ['key csk_1a2b3c4d5e6f7a8b end', 'key *** end'],
      ['/files/a.jpg?camera=camera0&sig=abc.def end', '/files/a.jpg?camera=camera0&sig=*** end'],
      ['Authorization: Basic dXNlcjpw x', 'Authorization: ***'],
      ['proxy-authorization=Digest abc', 'proxy-authorization=***'],
      ['sent Bearer abcdef, then', 'sent Bearer ***, then'],
      ['{"jwt_secret_key":"a\\"b","port":1}', '{"jwt_secret_key":"***","port":1}'],
      ['api_key=abc&port=1', 'api_key=***&port=1'],
      ['http://u:p@cam/live?password=abc&x=1', 'http://***@cam/live?password=***&x=1'],
      ['http://cam/user=a_password=b_channel=1', 'http://cam/user=a_password=***'],
      ['?token=abc', '?token=***'],
    ])
      expect(maskedText(text as string)).to.equal(shown)
  })

  it('cuts long texts, and reads no more than is needed', () => {
    expect(maskedText('x'.repeat(8_192))).to.equal('x'.repeat(8_192))
    expect(maskedText('x'.repeat(8_193))).to.equal(`${'x'.repeat(8_192)}…`)
    const url = `http://a:${'p'.repeat(16_000)}@cam/`
    expect(maskedText(`${url}${' '.repeat(400)}secret=abc`)).to.match(/^http:\/\/\*\*\*@cam\/ {300,}…$/)
  })

  it('hides the password of any URL in its displayed form, encoded or not', () => {
    fc.assert(
      fc.property(passwords, (password) => {
        for (const written of [password, encodeURIComponent(password)]) {
          const url = `rtsp://admin:${written}@${place}`
          expect(shownUrl(url)).to.equal(`rtsp://${place}`)
          expectHidden(written, streamKey(url))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('hides a password in the path or the query', () => {
    fc.assert(
      fc.property(passwords, (password) => {
        const written = encodeURIComponent(password)
        for (const rest of [
          `?user=admin&password=${written}&channel=1`,
          `/user=admin&password=${written}&channel=1?real`,
          `/user=admin_password=${written.replaceAll('_', '%5F')}_channel=1_stream=0.sdp`,
          `?pwd=${written}`,
        ]) {
          const url = `rtsp://${place}${rest}`
          expectHidden(written, shownUrl(url), streamKey(url), maskedText(`cannot open '${url}' now`))
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('hides the password of every canonical URL in a text', () => {
    fc.assert(
      fc.property(passwords, (password) => {
        let url: string
        try {
          url = readStreamUrl(`rtsp://admin:${password}@${place}`).url
        } catch {
          return
        }
        const text = `the source '${url}', or "${url}", is (${url}) refused`
        expectHidden(password, maskedText(text), textForClients(text))
        expectHidden(url.slice('rtsp://admin:'.length, -place.length - 1), maskedText(text), textForClients(text))
      }),
      { numRuns: 1_000 },
    )
  })

  it('hides a password in the faults and warnings of the configuration', () => {
    fc.assert(
      fc.property(passwords, fc.constantFrom('', '"', "'"), (password, quote) => {
        const line = password.replaceAll(/[\r\n\u0085\u2028\u2029]/g, ' ')
        for (const source of [
          `rtsp://admin:${line}@${place}`,
          `rstp://admin:${line}@${place}`,
          `admin:${line}@${place}`,
        ])
          expectHidden(line, configurationOutput({ cameras: `- name: a\n  source: ${quote}${source}${quote}\n` }))
      }),
      { numRuns: 150 },
    )
  })

  it('keeps the rest of a URL readable', () => {
    expect(maskedText(`cannot open rtsp://admin:secret@${place}`)).to.equal(`cannot open rtsp://***@${place}`)
    expect(maskedText(`rtsp://${place}?token=secret&channel=1`)).to.equal(`rtsp://${place}?token=***&channel=1`)
    expect(shownUrl('rtsp://10.0.0.9/user=admin_password=secret_channel=1_stream=0.sdp')).to.equal(
      'rtsp://10.0.0.9/user=admin_password=***_channel=1_stream=0.sdp',
    )
    expect(shownUrl('rtsp://10.0.0.9/x;password=secret;channel=2?y')).to.equal(
      'rtsp://10.0.0.9/x;password=***;channel=2?y',
    )
    expect(shownUrl('rtsp://10.0.0.9/x?password=se/cret_a=b&y=1')).to.equal('rtsp://10.0.0.9/x?password=***&y=1')
    expect(maskedParameters('?password=se/cret_a=b&y=1')).to.equal('?password=***&y=1')
    expect(shownUrl('http://169.254.169.254/x')).to.equal('http://169.254.169.254/x')
  })

  it('shows only the scheme of a URL if its host cannot be distinguished from a password', () => {
    for (const text of ['rtsp://admin:secret', 'rtsp://admin:secret/live', 'rtsp://admin:12#secret'])
      expect(shownUrl(text), text).to.equal('rtsp://***')
    expect(shownUrl('secret')).to.equal('***')
  })

  it('removes URLs and file names from texts for clients', () => {
    expect(textForClients("open /var/lib/x.mp4: 'rtsp://u:p@10.0.0.9/x' failed\n at /a")).to.equal(
      "open …: 'rtsp://…' failed at …",
    )
  })
})

describe('a masked copy', () => {
  const limits = { depth: 2, items: 2 }

  it('is as deep as its limit, and marks what is deeper', () => {
    expect(masked({ a: { b: { c: 1 } } }, limits)).to.deep.equal({ a: { b: '[deep]' } })
  })

  it('has as many items as its limit, and counts the others', () => {
    expect(masked([1, 2], limits)).to.deep.equal([1, 2])
    expect(masked([1, 2, 3, 4, 5], limits)).to.deep.equal([1, 2, '… 3 more'])
    expect(masked({ a: 1, b: 2 }, limits)).to.deep.equal({ a: 1, b: 2 })
    expect(masked({ a: 1, b: 2, c: 3, d: 4, e: 5 }, limits)).to.deep.equal({ a: 1, b: 2, '…': '3 more' })
  })

  it('shows whether a secret is set', () => {
    expect(masked({ token: null, secret: undefined, password: true, cookie: '' })).to.deep.equal({
      ...{ token: null, secret: undefined, password: true },
      cookie: '***',
    })
  })
})
