import { expect } from 'chai'
import type { KeySource } from '../../adapters/tokens/trustedKeys.js'
import { ConfigurationError, loadConfiguration } from '../../config/load.js'

const load = (keys: string): readonly KeySource[] =>
  loadConfiguration({ env: { CAMERA_SERVICE_SECURITY_JWT_KEYS: keys } }).config.security.jwt_keys
const faults = (keys: string): string[] => {
  try {
    load(keys)
    return []
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return error.faults.map(({ key, rule }) => `${key} ${rule}`)
  }
}

describe('configuration of trusted keys', () => {
  it('accepts files and URLs', () => {
    const keys = `
      - { algorithm: EdDSA, file: /etc/keys/issuer.pem }
      - { jwks_url: 'https://id.example.org/jwks', algorithms: [RS256, ES256] }
      - { jwks_url: 'http://127.0.0.1:8080/jwks', algorithms: RS256 }`
    expect(load(keys)).to.deep.equal([
      { kind: 'file', algorithm: 'EdDSA', file: '/etc/keys/issuer.pem' },
      { kind: 'url', url: 'https://id.example.org/jwks', algorithms: ['RS256', 'ES256'] },
      { kind: 'url', url: 'http://127.0.0.1:8080/jwks', algorithms: ['RS256'] },
    ])
    expect(load('[]')).to.deep.equal([])
  })

  it('lists every fault with its place', () => {
    const rule = 'must be an https URL without credentials, or an http URL of this machine (http://127.0.0.1:8080/jwks)'
    const urls = [
      'http://id.example.org/jwks',
      'ftp://127.0.0.1/jwks',
      'https://ann:pw@id.example.org/',
      'http://127.0.0.1.example.org/',
      'jwks',
    ]
    for (const url of urls)
      expect(faults(`[{ jwks_url: '${url}', algorithms: [RS256] }]`), url).to.deep.equal([
        `security.jwt_keys[0].jwks_url ${rule}`,
      ])
    const keys = `
      - { file: /a.pem }
      - { algorithm: HS256, file: /a.pem }
      - { algorithm: none, file: '' }
      - { algorithm: RS256, file: /a.pem, algorithms: [RS256] }
      - { jwks_url: 'https://a.example.org', algorithms: [] }
      - { jwks_url: 'https://a.example.org', algorithm: RS256, algorithms: [RS256, HS256] }
      - { url: 'https://a.example.org' }
      - text`
    const oneOf = 'must be one of RS256, ES256, EdDSA'
    expect(faults(keys)).to.deep.equal([
      'security.jwt_keys[0] has no algorithm',
      `security.jwt_keys[1].algorithm ${oneOf}; the nearest is RS256`,
      `security.jwt_keys[2].algorithm ${oneOf}`,
      'security.jwt_keys[2].file must be the path of a file',
      'security.jwt_keys[3].algorithms belongs to jwks_url, which is missing',
      'security.jwt_keys[4].algorithms must name at least one algorithm',
      'security.jwt_keys[5].algorithm must not stand beside jwks_url',
      `security.jwt_keys[5].algorithms[1] ${oneOf}; the nearest is RS256`,
      'security.jwt_keys[6].url is not a known key',
      'security.jwt_keys[6] has no algorithm',
      'security.jwt_keys[6] has no file',
      'security.jwt_keys[7] must be a group of keys (algorithm, file, jwks_url, algorithms)',
    ])
    expect(faults('RS256')).to.have.length(1)
  })
})
