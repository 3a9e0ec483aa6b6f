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
  return plain.includes(':') ? `${firstGroups(plain)}::/64` : plain
}
