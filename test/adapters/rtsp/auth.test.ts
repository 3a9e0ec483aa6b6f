import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { type Challenge, chooseChallenge, createAuthorizer } from '../../../adapters/rtsp/auth.js'

describe('RTSP authentication', () => {
  it('chooses the strongest challenge that it can answer', () => {
    const scheme = (header: string): string | undefined => {
      const challenge = chooseChallenge(header)
      return challenge?.scheme === 'digest' ? challenge.hash : challenge?.scheme
    }
    expect(scheme('Basic realm="a, Digest"')).to.equal('basic')
    expect(scheme('Basic realm="a", Digest realm="a", nonce="n"')).to.equal('md5')
    expect(
      scheme(
        'Digest realm="a", nonce="n", algorithm="MD5", Digest realm="a",nonce="m",algorithm=SHA-256, Basic realm="a"',
      ),
    ).to.equal('sha256')
    expect(scheme('Digest realm="a", nonce="n", algorithm=SHA-512-256, Basic realm="a"')).to.equal('basic')
    expect(scheme('Digest realm="a", nonce="n", qop="auth-int"')).to.equal(undefined)
    for (const none of ['', 'Bearer', 'Digest realm="a"', '"', '=,=']) expect(scheme(none)).to.equal(undefined)
  })

  it('answers as in RFC 2069 if no qop is offered', () => {
    const challenge = chooseChallenge(
      'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    )
    const authorization = answer(challenge, { user: 'Mufasa', password: 'Circle Of Life' })('GET', '/dir/index.html')
    expect(authorization).to.equal(
      'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
        'uri="/dir/index.html", response="670fd8c2df070c60b045671b8b24ff02", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    )
  })

  it('counts its answers if qop is offered', () => {
    const authorize = answer(chooseChallenge('Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256'), {
      user: 'u"',
      password: 'p',
    })
    for (const count of ['00000001', '00000002']) {
      const text = authorize('DESCRIBE', 'rtsp://h/p')
      const [, response, cnonce] = /response="(\w+)".*qop=auth, nc=.*cnonce="(\w+)"/.exec(text) ?? []
      const sha = (value: string): string => createHash('sha256').update(value).digest('hex')
      expect(response).to.equal(sha(`${sha('u":r:p')}:n:${count}:${cnonce}:auth:${sha('DESCRIBE:rtsp://h/p')}`))
      expect(text).to.include(`username="u\\""`).and.include('algorithm=SHA-256').and.include(`nc=${count}`)
    }
  })
})

function answer(
  challenge: Challenge | undefined,
  credentials: { user: string; password: string },
): (method: string, url: string) => string {
  if (!challenge) throw new Error('the challenge was not understood')
  return createAuthorizer(credentials, challenge)
}
