import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { createLinks } from '../../../adapters/links/links.js'
import type { Credential, Grant } from '../../../machines/domain/access.js'
import { ServiceError } from '../../../machines/domain/errors.js'

const start = Date.UTC(2026, 0, 1)
const secret = new Uint8Array(32).fill(9)

describe('signed URLs', () => {
  let now = start
  let revoked: Credential[] = []
  beforeEach(() => {
    now = start
    revoked = []
  })
  const links = createLinks({
    secret,
    clock: { now: () => now },
    isRevoked: ({ kind, id }) => revoked.some((one) => one.kind === kind && one.id === id),
  })
  const grant: Grant = {
    subject: 'recordings/camera0_2026-01-01_00-00-00-000000.mp4',
    user: 'ann',
    expiresAt: start + 60_000,
    credential: { kind: 'token', id: 'a' },
    address: '192.0.2.7',
  }
  const request = { subject: grant.subject, address: '192.0.2.7' }
  const verdict = (sig: unknown, question = request) => {
    try {
      links.verify(sig as string, question)
      return 'accepted'
    } catch (error) {
      if (!(error instanceof ServiceError) || error.key !== 'authFailed') throw error
      return error.data.reason
    }
  }

  it('permit what they were signed for', () => {
    const sig = links.sign(grant)
    expect(sig).to.match(/^[\w-]+\.[\w-]{43}$/)
    expect(links.verify(sig, request)).to.deep.equal(grant)
    const { credential: _, address: __, ...bare } = grant
    expect(links.verify(links.sign(bare), request)).to.deep.equal(bare)
    const { credential: ___, ...bound } = grant
    expect(links.verify(links.sign(bound), request)).to.deep.equal(bound)
    const { address: ____, ...free } = grant
    expect(links.verify(links.sign(free), { ...request, address: '::1' })).to.deep.equal(free)
  })

  it('permit nothing else, and no other address', () => {
    const sig = links.sign(grant)
    expect(verdict(sig, { ...request, subject: 'recordings/other.mp4' })).to.equal('auth_failed')
    expect(verdict(sig, { ...request, subject: 'snapshots/camera0_2026-01-01_00-00-00-000000.mp4' })).to.equal(
      'auth_failed',
    )
    expect(verdict(sig, { ...request, address: '192.0.2.8' })).to.equal('auth_failed')
    expect(verdict(sig, { ...request, address: '' })).to.equal('auth_failed')
  })

  it('expire with their grant, not later', () => {
    const sig = links.sign({ ...grant, expiresAt: start + 1_999 })
    now = start + 999
    expect(verdict(sig)).to.equal('accepted')
    now = start + 1_000
    expect(verdict(sig)).to.equal('token_expired')
  })

  it('end with the credential they were issued to', () => {
    const sig = links.sign(grant)
    revoked.push({ kind: 'key', id: 'a' })
    expect(verdict(sig)).to.equal('accepted')
    revoked.push({ kind: 'token', id: 'a' })
    expect(verdict(sig)).to.equal('revoked')
  })

  it('are refused when they are forged, extended, combined or written differently', () => {
    const sig = links.sign(grant)
    const [payload = '', seal = ''] = sig.split('.')
    const pack = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const parts = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const stretched = pack([parts[0], parts[1], parts[2] + 3600, ...parts.slice(3)])
    const others = createLinks({
      secret: new Uint8Array(32).fill(8),
      clock: { now: () => now },
      isRevoked: () => false,
    })
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const attacks: Record<string, unknown> = {
      'a later end': `${stretched}.${seal}`,
      'another subject': `${pack(['recordings/other.mp4', ...parts.slice(1)])}.${seal}`,
      'no address': `${pack(parts.slice(0, 4))}.${seal}`,
      'the seal of another link': `${payload}.${links.sign({ ...grant, user: 'bea' }).split('.')[1]}`,
      'the secret itself as key': `${payload}.${createHmac('sha256', secret).update(payload).digest('base64url')}`,
      'another service': others.sign(grant),
      'the spare bits of the seal': `${payload}.${seal.slice(0, -1)}${alphabet[alphabet.indexOf(seal.slice(-1)) ^ 1]}`,
      padding: `${sig}=`,
      'a third part': `${sig}.`,
      'no seal': `${payload}.`,
      'no payload': `.${seal}`,
      nothing: '',
      'no text': [sig],
      missing: undefined,
      'too much': `${'A'.repeat(10_000)}.${seal}`,
    }
    for (const [what, each] of Object.entries(attacks)) expect(verdict(each), what).to.equal('auth_failed')
  })

  it('have room for the longest names', () => {
    const long: Grant = {
      ...grant,
      subject: `recordings/${'ü'.repeat(127)}`,
      user: '😀'.repeat(128),
      credential: { kind: 'token', id: '😀'.repeat(128) },
    }
    expect(verdict(links.sign(long), { ...request, subject: long.subject })).to.equal('accepted')
    expect(() => links.sign({ ...grant, user: 'x'.repeat(9_000) })).to.throw('too long')
  })

  it('are refused with an authentication error, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.base64String(), fc.base64String()).map((parts) => parts.join('.')),
          fc.anything(),
        ),
        (sig) => {
          expect(verdict(sig)).to.equal('auth_failed')
        },
      ),
    )
  })
})
