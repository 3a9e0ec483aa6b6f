import { expect } from 'chai'
import { because, Failure, isReasonCode, reasonFrom, reconnections } from '../../machines/domain/reason.js'

describe('a reason', () => {
  it('has a sentence of its own, or a more exact one, and evidence only if there is some', () => {
    expect(because('unplugged')).to.deep.equal({ code: 'unplugged', details: 'the camera was unplugged' })
    expect(because('unplugged', 'it was pulled', { errno: 'ENODEV' })).to.deep.equal({
      ...{ code: 'unplugged', details: 'it was pulled' },
      evidence: { errno: 'ENODEV' },
    })
  })

  it('has words for people, also if its sentence is long', () => {
    for (const code of ['node_missing', 'protections_lost'] as const)
      expect(because(code).details).to.match(/^[a-z ,:()_-]{99,}/i)
  })

  it('has one of the known codes', () => {
    expect(isReasonCode('unplugged')).to.equal(true)
    for (const other of ['Unplugged', 'toString', '', undefined, 7]) expect(isReasonCode(other)).to.equal(false)
  })

  it('is that of a failure, or the message of any other error', () => {
    const failure = new Failure('timed_out', 'it took too long', { waited_s: 3 })
    expect(reasonFrom(failure, 'unplugged')).to.deep.equal(because('timed_out', 'it took too long', { waited_s: 3 }))
    expect(reasonFrom(new Error('a bug'))).to.deep.equal(because('failed', 'a bug'))
    expect(reasonFrom('a text', 'unplugged')).to.deep.equal(because('unplugged', 'a text'))
  })

  it('may be that of a camera that only gets another stream', () => {
    expect([...reconnections].sort()).to.deep.equal(['adapted', 'encoder_failed', 'formats_changed', 'reconfigured'])
  })
})
