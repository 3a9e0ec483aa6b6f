import { BlockList, isIPv6 } from 'node:net'
import { plainAddress } from '../machines/domain/network.js'

/** Whether an address may come; rules are addresses and networks (`192.168.1.0/24`, `fd00::/8`). Without rules everybody may. */
export const createAllowList = (rules: readonly string[]): ((address: string | undefined) => boolean) => {
  if (rules.length === 0) return () => true
  const list = new BlockList()
  for (const rule of rules) {
    const [network = '', length] = rule.split('/')
    const family = isIPv6(network) ? 'ipv6' : 'ipv4'
    if (length === undefined) list.addAddress(network, family)
    else list.addSubnet(network, Number(length), family)
  }
  return (address) => {
    if (address === undefined) return false
    const plain = plainAddress(address)
    return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4')
  }
}
