import { expect } from 'chai'
import {
  allowList,
  hostInUrl,
  isAnyHost,
  isLoopback,
  isNetwork,
  networkOf,
  plainAddress,
  reachable,
  reachedAddress,
  urlOrigin,
} from '../../machines/domain/address.js'

describe('addresses', () => {
  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['[2001:db8::1]', '2001:db8::/64'],
    ['2001:0DB8:0:0:ffff::1', '2001:db8::/64'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
    ['[fe80::1%eth0]', 'fe80::/64'],
    ['[::1]', '::/64'],
    ['unknown', 'unknown'],
    ['', ''],
  ] as const)
    it(`${address || '(none)'} belongs to the network ${network || '(none)'}`, () =>
      expect(networkOf(address)).to.equal(network))

  it('have one canonical form', () => {
    expect(['::FFFF:10.0.0.1', '[2001:DB8:0::1]', 'fe80::1%eth0', '10.0.0.1', 'camera.local'].map(plainAddress)).to.eql(
      ['10.0.0.1', '2001:db8::1', 'fe80::1', '10.0.0.1', 'camera.local'],
    )
    expect(['::1', '[::1]', '10.0.0.1', '::ffff:10.0.0.1', 'a.b'].map(hostInUrl)).to.eql([
      '[::1]',
      '[::1]',
      '10.0.0.1',
      '10.0.0.1',
      'a.b',
    ])
  })

  it('match an allow list in any spelling', () => {
    const isAllowed = allowList(['192.168.1.0/24', 'fd00::/8', '203.0.113.9'])
    for (const address of [
      '192.168.1.77',
      '::ffff:192.168.1.77',
      'fd12::3',
      '[fd12::3]',
      '203.0.113.9',
      'fd00::1%eth0',
    ])
      expect(isAllowed(address), address).to.equal(true)
    for (const address of ['192.168.2.1', 'fe80::1', '203.0.113.8', 'localhost', '', undefined])
      expect(isAllowed(address), String(address)).to.equal(false)
    expect(allowList([])('198.51.100.1')).to.equal(true)
  })

  for (const [name, address, reached] of [
    ['mapped', '::ffff:10.0.0.9', '10.0.0.9'],
    ['compatible', '::a00:9', '10.0.0.9'],
    ['translated', '::ffff:0:a00:9', '10.0.0.9'],
    ['NAT64', '64:ff9b::a00:9', '10.0.0.9'],
    ['local NAT64', '64:ff9b:1::a00:9', '10.0.0.9'],
    ['6to4', '2002:a00:9:1::1', '10.0.0.9'],
    ['unspecified', '::', '::'],
    ['loopback', '::1', '::1'],
    ['link-local', 'fe80::a00:9%eth0', 'fe80::a00:9'],
    ['IPv6', '2001:DB8::a00:9', '2001:db8::a00:9'],
    ['IPv4', '10.0.0.9', '10.0.0.9'],
    ['named', 'camera.local', 'camera.local'],
  ] as const)
    it(`${name}: ${address} reaches ${reached}`, () => expect(reachedAddress(address)).to.equal(reached))

  it('are recognised as loopback in every spelling', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST'])
      expect(isLoopback(host), host).to.equal(true)
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example', '127.0.0.1.example', ''])
      expect(isLoopback(host), host).to.equal(false)
  })

  it('to listen on may mean every interface, and are then reached at the loopback address', () => {
    for (const [host, isAny, reached] of [
      ['0.0.0.0', true, '127.0.0.1'],
      ['::', true, '::1'],
      ['10.0.0.1', false, '10.0.0.1'],
    ] as const)
      expect([isAnyHost(host), reachable(host)], host).to.deep.equal([isAny, reached])
    expect(isAnyHost('')).to.equal(true)
  })

  it('begin a URL without the port that its scheme means anyway', () => {
    expect(urlOrigin('https', 'cam.example', 443)).to.equal('https://cam.example')
    expect(urlOrigin('https', 'fd00::1', 80)).to.equal('https://[fd00::1]:80')
    expect(urlOrigin('http', 'cam.example', undefined)).to.equal('http://cam.example')
  })

  it('are networks only with a valid prefix length', () => {
    for (const text of ['10.0.0.0/8', '10.0.0.1', 'fd00::/8', '::1', '0.0.0.0/0'])
      expect(isNetwork(text), text).to.equal(true)
    for (const text of [
      '10.0.0.0/33',
      'fd00::/129',
      '10.1',
      '0x7f.1',
      'a',
      '',
      '10.0.0.0/',
      'fe80::1%eth0',
      '10.0.0.0/1.5',
    ])
      expect(isNetwork(text), text).to.equal(false)
  })
})
