import { isIPv6 } from 'node:net'

/** Whose address it is: an IPv4 address by itself, of IPv6 (`[2001:db8::1]`) the /64, in which one machine may choose any. */
export function networkOf(address: string): string {
  const plain = address
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(plain)) return plain
  // The one spelling that all others become.
  const [before = '', after] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::')
  const [head, tail] = [groupsOf(before), groupsOf(after)]
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`
}

const groupsOf = (text = '') => (text === '' ? [] : text.split(':'))
