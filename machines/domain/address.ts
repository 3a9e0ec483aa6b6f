/** IP addresses, networks and hosts. `ipaddr.js` is the one library that the domain imports: see docs/decisions/0008. */
import ipaddr from 'ipaddr.js'

/** The canonical form: no brackets, no zone, IPv6 shortened, an IPv4-mapped address as IPv4. Other text is returned as it is. */
export function plainAddress(text: string): string {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  return isAddress(bare) ? ipaddr.process(bare).toString() : bare
}

/** True for an IPv4 address in four decimal parts, or an IPv6 address without brackets and zone. */
export const isAddress = (text: string): boolean => ipaddr.IPv4.isValidFourPartDecimal(text) || isIPv6(text)

export const isIPv6 = (text: string): boolean => ipaddr.IPv6.isValid(text) && !text.includes('%')

/** True for an address, or a network such as `192.168.1.0/24` or `fd00::/8`. */
export function isNetwork(text: string): boolean {
  const [address = '', length] = text.split('/')
  return isAddress(address) && (length === undefined || (/^\d{1,3}$/.test(length) && ipaddr.isValidCIDR(text)))
}

/** The network that one client controls: a single IPv4 address, or the /64 of an IPv6 address. */
export function networkOf(address: string): string {
  // Most addresses are IPv4 already; this is asked for each request.
  if (!address.includes(':')) return address
  const plain = plainAddress(address)
  if (!isIPv6(plain)) return plain
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${plain}/64`).toString()}/64`
}

export type AllowList = (address: string | undefined) => boolean

/** Tests addresses against addresses and networks. With no entries every address is allowed. Entries must be valid. */
export function allowList(entries: readonly string[]): AllowList {
  if (entries.length === 0) return () => true
  const networks = entries.map((entry) => {
    if (entry.includes('/')) return ipaddr.parseCIDR(entry)
    const address = ipaddr.process(entry)
    return [address, address.kind() === 'ipv4' ? 32 : 128] as [ipaddr.IPv4 | ipaddr.IPv6, number]
  })
  return (text) => {
    if (text === undefined) return false
    const plain = plainAddress(text)
    if (!isAddress(plain)) return false
    const address = ipaddr.parse(plain)
    return networks.some(([network, length]) => network.kind() === address.kind() && address.match(network, length))
  }
}

/** A host as a URL takes it: IPv6 in brackets. */
export function hostInUrl(host: string): string {
  const plain = plainAddress(host)
  return isIPv6(plain) ? `[${plain}]` : plain
}

export function isLoopback(host: string): boolean {
  const plain = plainAddress(host)
  if (plain.toLowerCase() === 'localhost') return true
  return isAddress(plain) && ipaddr.parse(plain).range() === 'loopback'
}

/** True for a host that means "listen on every interface". */
export const isAnyHost = (host: string): boolean => host === '' || host === '0.0.0.0' || host === '::'
