import { expect } from 'chai'
import { createPlaceholders } from '../../machines/domain/placeholders.js'

describe('placeholders for secrets', () => {
  it('are the same for the same secret, and keep a URL a URL', () => {
    const masked = createPlaceholders([]).value([
      'rtsp://ann:open%40sesame@10.0.0.7:554/yard?token=abcdef123',
      'the password open@sesame is wrong',
      'rtsp://bob:other-one@10.0.0.8/yard',
    ])
    expect(masked).to.deep.equal([
      'rtsp://user1:secret2@10.0.0.7:554/yard?token=secret3',
      'the password secret2 is wrong',
      'rtsp://user4:secret5@10.0.0.8/yard',
    ])
  })

  it('replace a known secret anywhere, also as a key or a part of a word', () => {
    const { value } = createPlaceholders(['correct-horse'])
    expect(value({ 'for correct-horse': ['xcorrect-horsey'] })).to.deep.equal({ 'for secret1': ['xsecret1y'] })
  })

  it('replace tokens, API keys, signatures and the text of a configuration', () => {
    const { text, value } = createPlaceholders([])
    const line = 'Bearer abcdefgh and csk_0123456789abcdef01 and eyJhbGciOi.eyJzdWIi.c2ln and ?sig=zyxwvu&x=1'
    for (const secret of ['abcdefgh', 'csk_0123456789abcdef01', 'eyJzdWIi', 'zyxwvu'])
      expect(text(line)).not.to.contain(secret)
    expect(value({ text: 'cameras:\n  - {password: x}\n', password: 'x' })).to.deep.equal({
      text: 'text5',
      password: 'secret6',
    })
    expect(text('query="sig=mnopqr"')).to.equal('query="sig=secret7"')
  })

  it('leave words of the API and short parts of words alone', () => {
    const { value } = createPlaceholders([])
    expect(value(['rtsp://a:admin@h/', 'rtsp://a:cam@h/', { role: 'admin', camera: 'camera0' }])).to.deep.equal([
      'rtsp://user1:secret2@h/',
      'rtsp://user1:secret3@h/',
      { role: 'admin', camera: 'camera0' },
    ])
  })

  it('mask a masked text to itself', () => {
    const { value } = createPlaceholders([])
    const once = value({ url: 'rtsp://ann:open-sesame@h/', password: 'open-sesame' })
    expect(value(once)).to.deep.equal(once)
  })
})
