import { expect } from 'chai'
import { networkOf } from '../../machines/domain/network.js'

describe('the network of an address', () => {
  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['2001:0DB8:0:0:ffff::1', '2001:db8:0:0::/64'],
    ['[fe80::1%eth0]', 'fe80:0:0:0::/64'],
    ['[::1]', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
    ['', ''],
  ] as const)
    it(`${address || '(none)'} is ${network || '(none)'}`, () => expect(networkOf(address)).to.equal(network))
})
