import { expect } from 'chai'
import { neverExpires } from '../../machines/domain/access.js'
import { ServiceError } from '../../machines/domain/errors.js'
import { keyMethods } from '../../rpc/methods/keys.js'
import { faults } from './contract.js'
import { createStage, createWorld, noon, type Reply, type World } from './fakes.js'

const hour = 3_600_000

describe('methods for API keys', () => {
  const stage = createStage()
  let world: World
  let port: number
  beforeEach(async () => {
    world = createWorld()
    ;({ port } = await stage.serve(world.options()))
  })
  afterEach(() => stage.end())

  const resultOf = (method: string, { result, error }: Reply) => {
    expect(error, method).to.equal(undefined)
    const schema = keyMethods.find(({ name }) => name === method)?.result
    expect(faults(schema ?? {}, result), method).to.deep.equal([])
    return result
  }

  it('create, list, rotate and revoke a key, which is returned once', async () => {
    const admin = await stage.connect(port, { role: 'admin' })
    const call = async (method: string, params?: object) => resultOf(method, await admin.call(method, params))
    const made = await call('create_api_key', { role: 'operator', user: 'ann', cameras: ['camera0'], expires_in: 3600 })
    expect(made).to.deep.equal({
      id: 'key1',
      prefix: 'csk_key1',
      user: 'ann',
      role: 'operator',
      cameras: ['camera0'],
      status: 'active',
      created_at: '2025-06-01T12:00:00.000Z',
      expires_at: '2025-06-01T13:00:00.000Z',
      api_key: 'csk_key1-secret',
    })
    const { api_key: _, ...shown } = made
    expect(await call('list_api_keys')).to.deep.equal({ keys: [shown], total: 1 })
    expect(await call('rotate_api_key', { id: 'key1' })).to.include({ api_key: 'csk_key1-new' })
    expect(await call('revoke_api_key', { id: 'key1' })).to.deep.equal({
      ...shown,
      status: 'revoked',
      revoked_at: '2025-06-01T12:00:00.000Z',
    })
  })

  it('describe keys that never expire, have expired or were used', async () => {
    const key = { prefix: 'csk_x', user: 'ann', role: 'viewer' as const, createdAt: noon - hour }
    world.keys.push(
      { ...key, id: 'a', expiresAt: neverExpires, lastUsedAt: noon },
      { ...key, id: 'b', expiresAt: noon },
    )
    const admin = await stage.connect(port, { role: 'admin' })
    const { keys } = resultOf('list_api_keys', await admin.call('list_api_keys'))
    expect(keys[0])
      .to.include({ status: 'active', last_used_at: '2025-06-01T12:00:00.000Z' })
      .and.not.to.have.property('expires_at')
    expect(keys[1]).to.include({ status: 'expired', expires_at: '2025-06-01T12:00:00.000Z' })
  })

  it('need the role admin', async () => {
    const operator = await stage.connect(port, { role: 'operator' })
    const nobody = await stage.connect(port)
    for (const { name } of keyMethods) {
      expect((await operator.call(name)).error?.data, name).to.include({
        required_role: 'admin',
        have_role: 'operator',
      })
      expect((await nobody.call(name)).error?.code, name).to.equal(-32001)
    }
  })

  it('refuse invalid params and unknown keys', async () => {
    const admin = await stage.connect(port, { role: 'admin' })
    const wrong: [string, object, string][] = [
      ['create_api_key', { user: 'ann' }, 'role'],
      ['create_api_key', { user: 'ann', role: 'root' }, 'role'],
      ['create_api_key', { user: '', role: 'viewer' }, 'user'],
      ['create_api_key', { user: 'a\nb', role: 'viewer' }, 'user'],
      ['create_api_key', { user: 'ann', role: 'viewer', cameras: 'camera0' }, 'cameras'],
      ['create_api_key', { user: 'ann', role: 'viewer', cameras: ['../x'] }, 'cameras'],
      ['create_api_key', { user: 'ann', role: 'viewer', expires_in: -1 }, 'expires_in'],
      ['create_api_key', { user: 'ann', role: 'viewer', expires_in: 1.5 }, 'expires_in'],
      ['create_api_key', { user: 'ann', role: 'viewer', expires_in: 1e12 }, 'expires_in'],
      ['rotate_api_key', {}, 'id'],
      ['revoke_api_key', { id: '../x' }, 'id'],
      ['revoke_token', {}, 'jti'],
      ['revoke_token', { jti: 'x'.repeat(257) }, 'jti'],
    ]
    for (const [method, params, param] of wrong) {
      expect((await admin.call(method, params)).error, `${method} ${JSON.stringify(params)}`)
        .to.deep.include({ code: -32602 })
        .and.have.nested.property('data.param', param)
    }
    for (const method of ['rotate_api_key', 'revoke_api_key']) {
      expect((await admin.call(method, { id: 'none' })).error).to.deep.include({
        code: -32010,
        message: 'Key not found',
      })
    }
    const full = world.options(
      {},
      {
        keys: {
          ...world.options().keys,
          create: async () => Promise.reject(new ServiceError('invalidState', { reason: 'too_many_keys' })),
        },
      },
    )
    const other = await stage.connect((await stage.serve(full)).port, { role: 'admin' })
    expect((await other.call('create_api_key', { role: 'viewer', user: 'ann' })).error?.data.reason).to.equal(
      'too_many_keys',
    )
  })

  it('grant no right that the caller lacks', async () => {
    const key = { prefix: 'csk_x', user: 'ann', role: 'admin' as const, createdAt: noon, expiresAt: neverExpires }
    world.keys.push(
      { ...key, id: 'all' },
      { ...key, id: 'other', cameras: ['camera2'] },
      { ...key, id: 'own', cameras: ['camera0'] },
    )
    const limited = await stage.connect(port, { role: `admin/lim/${noon + hour}/camera0,camera1*` })
    const made = async (cameras?: string[]) => {
      const { result, error } = await limited.call('create_api_key', {
        role: 'viewer',
        user: 'bea',
        ...(cameras && { cameras }),
      })
      return error === undefined ? result.cameras : error.code
    }
    expect(await made()).to.deep.equal(['camera0', 'camera1*'])
    expect(await made(['camera17'])).to.deep.equal(['camera17'])
    expect(await made(['camera1*'])).to.deep.equal(['camera1*'])
    for (const cameras of [['*'], ['camera*'], ['camera0', 'camera2'], ['camera11*']])
      expect(await made(cameras), cameras.join()).to.equal(-32002)
    const { keys } = (await limited.call('list_api_keys')).result
    expect(keys.map(({ id }: { id: string }) => id)).to.deep.equal(['own', 'key4', 'key5', 'key6'])
    for (const id of ['all', 'other']) {
      for (const method of ['rotate_api_key', 'revoke_api_key'])
        expect((await limited.call(method, { id })).error?.code, `${method} ${id}`).to.equal(-32010)
    }
    expect((await limited.call('rotate_api_key', { id: 'own' })).error).to.equal(undefined)
  })

  it('revoke a token, also one that was never used', async () => {
    const admin = await stage.connect(port, { role: 'admin' })
    expect(resultOf('revoke_token', await admin.call('revoke_token', { jti: 'lost' }))).to.deep.equal({
      jti: 'lost',
      revoked: true,
    })
    expect(world.revoked).to.deep.equal([{ kind: 'token', id: 'lost' }])
  })
})
