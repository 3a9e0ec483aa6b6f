import { expect } from 'chai'
import {
  isAtLeast,
  isCameraList,
  isName,
  isRole,
  isSameCredential,
  limitOf,
  mayUse,
  neverExpires,
} from '../../machines/domain/access.js'

describe('access', () => {
  it('knows three roles, each with the rights of those before it', () => {
    for (const role of ['viewer', 'operator', 'admin']) expect(isRole(role), role).to.equal(true)
    for (const other of ['Admin', '', 'root', undefined, 1, ['viewer']]) expect(isRole(other)).to.equal(false)
    expect(isAtLeast('operator', 'viewer')).to.equal(true)
    expect(isAtLeast('operator', 'operator')).to.equal(true)
    expect(isAtLeast('viewer', 'operator')).to.equal(false)
  })

  it('lets a caller use the cameras of its patterns', () => {
    for (const [pattern, allowed, refused] of [
      ['camera1', ['camera1'], ['camera', 'camera10', 'xcamera1']],
      ['camera1*', ['camera1', 'camera10', 'camera123'], ['camera2', 'camera']],
      ['*1', ['camera1', 'camera21'], ['camera12', 'camera2']],
      ['c*a*1', ['camera1', 'camera11', 'ca1'], ['camera2', 'c1', 'cb1']],
      ['a*bc*c', ['abcc', 'axbcxc'], ['abc', 'acbc']],
      ['a*b*b', ['abb', 'axbb'], ['ab', 'aab']],
      ['aa*aa', ['aaaa', 'aabaa'], ['aaa', 'aa']],
      ['a*bb*b', ['abbb'], ['abb']],
    ] as const) {
      for (const camera of allowed)
        expect(mayUse({ cameras: [pattern] }, camera), `${pattern} ${camera}`).to.equal(true)
      for (const camera of refused)
        expect(mayUse({ cameras: [pattern] }, camera), `${pattern} ${camera}`).to.equal(false)
    }
    expect(mayUse({}, 'camera7')).to.equal(true)
    expect(mayUse({ cameras: [] }, 'camera7')).to.equal(false)
    expect(mayUse({ cameras: ['camera0', 'camera7'] }, 'camera7')).to.equal(true)
  })

  it('has no limit if a pattern means every camera', () => {
    expect([limitOf(undefined), limitOf(['camera0', '**'])]).to.deep.equal([{}, {}])
    expect(limitOf(['camera0*'])).to.deep.equal({ cameras: ['camera0*'] })
  })

  it('accepts names and lists of a limited size', () => {
    expect([isName('Ann Ä'), isName(''), isName('a\u0007'), isName('a'.repeat(257)), isName(7)]).to.deep.equal([
      true,
      ...[false, false, false, false],
    ])
    expect(isName('a'.repeat(256))).to.equal(true)
    expect(isCameraList(Array(256).fill('camera*'))).to.equal(true)
    for (const list of [Array(257).fill('camera*'), ['Camera0'], 'camera0', [7]])
      expect(isCameraList(list)).to.equal(false)
  })

  it('compares credentials by kind and id', () => {
    const key = { kind: 'key', id: 'a' } as const
    expect(isSameCredential(key, { ...key })).to.equal(true)
    for (const other of [undefined, { ...key, id: 'b' }, { ...key, kind: 'token' } as const])
      expect(isSameCredential(other, key)).to.equal(false)
  })

  it('has a last instant that a Date can hold', () => {
    expect(new Date(neverExpires).toISOString()).to.equal('+275760-09-13T00:00:00.000Z')
    expect(new Date(neverExpires + 1).getTime()).to.be.NaN
  })
})
