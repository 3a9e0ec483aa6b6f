import { expect } from 'chai'
import { decode, encode } from '../../../actors/trace/code.js'
import { ConfigRefusal } from '../../../machines/domain/configuration.js'
import { ServiceError } from '../../../machines/domain/errors.js'
import { Failure } from '../../../machines/domain/reason.js'

const roundTrip = (value: unknown): unknown => decode(JSON.parse(JSON.stringify(encode(value))))

describe('the code of a trace', () => {
  it('holds what JSON does not', () => {
    const value = {
      none: undefined,
      never: Number.POSITIVE_INFINITY,
      wrong: Number.NaN,
      zero: -0,
      big: 12n,
      map: new Map([['a', new Set([1, 2])]]),
      list: [undefined, null, { $: 'own' }],
    }
    expect(roundTrip(value)).to.deep.equal(value)
  })

  it('keeps the class, code and data of an error, but not its stack', () => {
    const failure = roundTrip(new Failure('storage_full')) as Failure
    expect(failure).to.be.instanceOf(Failure)
    expect([failure.code, failure.message, failure.stack]).to.deep.equal(['storage_full', 'the disk is full', ''])
    const fault = { key: 'server.port', value: '0', rule: 'must be a port', origin: 'file' } as const
    const refusal = roundTrip(new ConfigRefusal([fault])) as ConfigRefusal
    expect(refusal).to.be.instanceOf(ConfigRefusal)
    expect(refusal.faults).to.deep.equal([fault])
    const error = roundTrip(new ServiceError('notFound', { id: 'camera7' })) as ServiceError
    expect([error instanceof ServiceError, error.key, error.data]).to.deep.equal([true, 'notFound', { id: 'camera7' }])
    expect(roundTrip(new TypeError('a bug'))).to.be.instanceOf(Error)
    // Adapters throw subclasses; machines ask whether it is a Failure.
    const unreachable = roundTrip(new (class Unreachable extends Failure {})('server_unreachable')) as Failure
    expect([unreachable instanceof Failure, unreachable.code]).to.deep.equal([true, 'server_unreachable'])
  })

  it('keeps one object one: guards compare by identity', () => {
    const registry = { cameras: ['camera0'] }
    const { saved, known, other } = roundTrip({ saved: registry, known: registry, other: { ...registry } }) as Record<
      string,
      object
    >
    expect(saved).to.equal(known)
    expect(saved).not.to.equal(other)
    expect(encode([registry, registry], false)).to.deep.equal([registry, registry])
  })

  it('replaces functions and bytes by marks', () => {
    expect(roundTrip({ act: () => 1, bytes: new Uint8Array(3) })).to.deep.equal({
      act: undefined,
      bytes: new Uint8Array(3),
    })
  })
})
