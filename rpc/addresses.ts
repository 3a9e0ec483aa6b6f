import { BlockList, isIPv6 } from 'node:net'

/** An address as rules are written for it: without brackets and zone, an IPv4-mapped one as IPv4. */
export const plainAddress = (address: string): string =>
  address
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/i, '')

/** The first four groups of an IPv6 address. */
const firstGroups = (address: string): string => {
  const [before = '', after] = address.split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const zeros = after === undefined ? [] : Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return [...head, ...zeros, ...tail]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/** Whose address it is: an IPv4 address by itself, of IPv6 the /64, in which one machine may choose any. */
export const networkOf = (address: string): string => {
  if (!address.includes(':')) return address
  const plain = plainAddress(address)
  return isIPv6(plain) ? `${firstGroups(plain)}::/64` : plain
}

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
