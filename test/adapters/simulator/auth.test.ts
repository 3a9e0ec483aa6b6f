import { expect } from 'chai'
import { type Access, authorise, basicCredentials, Refused } from '../../../adapters/simulator/auth.js'
import { createConfig } from '../../../adapters/simulator/config/config.js'

describe('simulator: users', () => {
  const conf = (users: unknown[]) =>
    createConfig({ authInternalUsers: JSON.parse(JSON.stringify(users)) }, () => {}).now.global
  const access: Access = {
    action: 'read',
    path: 'cam0',
    protocol: 'rtsp',
    id: null,
    ip: '10.0.0.7',
    query: '',
    userAgent: '',
    user: '',
    password: '',
  }
  const read = { action: 'read', path: '' }
  const outcome = (users: unknown[], more: Partial<Access> = {}) =>
    authorise(conf(users), { ...access, ...more }).then(
      () => 'yes',
      (error: unknown) => (error instanceof Refused ? (error.askCredentials ? 'ask' : 'no') : 'error'),
    )

  it('checks the password, the network, the action and the path of a user', async () => {
    expect(await outcome([{ user: 'any', permissions: [read] }])).to.equal('yes')
    expect(await outcome([{ user: 'any', permissions: [{ action: 'publish' }] }])).to.equal('ask')
    expect(await outcome([{ user: 'any', ips: ['10.0.0.0/24'], permissions: [read] }])).to.equal('yes')
    expect(await outcome([{ user: 'any', ips: ['127.0.0.1', '::1'], permissions: [read] }])).to.equal('ask')
    expect(await outcome([{ user: 'any', permissions: [{ action: 'read', path: 'cam1' }] }])).to.equal('ask')
    expect(await outcome([{ user: 'any', permissions: [{ action: 'read', path: '~^cam' }] }])).to.equal('yes')
    const ann = { user: 'ann', pass: 'sha256:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=', permissions: [read] }
    expect(await outcome([ann])).to.equal('ask')
    expect(await outcome([ann], { user: 'ann', password: 'foo' })).to.equal('yes')
    expect(await outcome([ann], { user: 'ann', password: 'bar' })).to.equal('no')
  })

  it('allows only the loopback to use the API by default', async () => {
    const defaults = createConfig(null, () => {}).now.global
    const api: Access = { ...access, action: 'api', path: '', protocol: '' }
    expect(await authorise(defaults, { ...api, ip: '127.0.0.1' })).to.equal('')
    expect(await authorise(defaults, api).catch((error: Error) => error.message)).to.equal('authentication failed')
  })

  it('reads Basic credentials', () => {
    expect(basicCredentials(`Basic ${Buffer.from('ann:a:b').toString('base64')}`)).to.deep.equal({
      user: 'ann',
      password: 'a:b',
    })
    expect(basicCredentials('Bearer x')).to.deep.equal({ user: '', password: '' })
  })
})
