/** IP addresses, networks and hosts, read with `ipaddr.js`: see docs/decisions/0008. */
import ipaddr from 'ipaddr.js'

/**
 * Returns the canonical form: no brackets, no zone, IPv6 shortened, an IPv4-mapped address as IPv4. Other text is
 * returned as it is.
 */
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

/** Returns the network that counts as one client: a single IPv4 address, or the /64 of an IPv6 address. */
export function networkOf(address: string): string {
  // Runs for each request, and most addresses are IPv4.
  if (!address.includes(':')) return address
  const plain = plainAddress(address)
  if (!isIPv6(plain)) return plain
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${plain}/64`).toString()}/64`
}

/** Returns a test for addresses in any form against addresses and networks. Entries must be valid. */
export function inNetworks(entries: readonly string[]): (text: string) => boolean {
  const networks = entries.map((entry) => {
    if (entry.includes('/')) return ipaddr.parseCIDR(entry)
    const address = ipaddr.process(entry)
    return [address, address.kind() === 'ipv4' ? 32 : 128] as [ipaddr.IPv4 | ipaddr.IPv6, number]
  })
  return (text) => {
    const plain = plainAddress(text)
    if (!isAddress(plain)) return false
    const address = ipaddr.parse(plain)
    return networks.some(([network, length]) => network.kind() === address.kind() && address.match(network, length))
  }
}

export type AllowList = (address: string | undefined) => boolean

/** Tests addresses against addresses and networks. With no entries every address is allowed. Entries must be valid. */
export function allowList(entries: readonly string[]): AllowList {
  if (entries.length === 0) return () => true
  const isListed = inNetworks(entries)
  return (text) => text !== undefined && isListed(text)
}

/** Ranges of IPv6 addresses that hold an IPv4 address → the byte where it begins. */
const embedded: Record<string, number> = { rfc6145: 12, rfc6052: 12, '6to4': 2, compatible: 12 }
const compatible = ipaddr.IPv6.parseCIDR('::/96')

/**
 * Returns the address that packets for `text` arrive at, in canonical form: the IPv4 address in a mapped, compatible,
 * translated, NAT64 or 6to4 address, or the address itself. Other text is returned as it is.
 */
export function reachedAddress(text: string): string {
  const plain = plainAddress(text)
  if (!isIPv6(plain)) return plain
  const address = ipaddr.IPv6.parse(plain)
  const range = address.range()
  const start = embedded[range === 'unicast' && address.match(compatible) ? 'compatible' : range]
  return start === undefined ? plain : ipaddr.fromByteArray(address.toByteArray().slice(start, start + 4)).toString()
}

/** Returns a host in the form of a URL: IPv6 in brackets. */
export function hostInUrl(host: string): string {
  const plain = plainAddress(host)
  return isIPv6(plain) ? `[${plain}]` : plain
}

const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443, rtsp: 554, rtsps: 322 }

/** Returns the beginning of a URL, `https://cameras.example.org:8443`. The default port of the scheme is left out. */
export const urlOrigin = (scheme: string, host: string, port: number | undefined): string =>
  `${scheme}://${hostInUrl(host)}${port === undefined || port === defaultPorts[scheme] ? '' : `:${port}`}`

/** Host (IPv6 without brackets), port and path (without a slash at its end) of a URL with a host. */
export function urlPlace(url: string): { host: string; port: number; path: string } {
  const { protocol, hostname, port, pathname } = new URL(url)
  return {
    host: plainAddress(hostname),
    port: Number(port) || (defaultPorts[protocol.slice(0, -1)] ?? 0),
    path: pathname.replace(/\/+$/, ''),
  }
}

export function isLoopback(host: string): boolean {
  const plain = plainAddress(host)
  if (plain.toLowerCase() === 'localhost') return true
  return isAddress(plain) && ipaddr.parse(plain).range() === 'loopback'
}

/** True for a host that means "listen on every interface". */
export const isAnyHost = (host: string): boolean => host === '' || host === '0.0.0.0' || host === '::'

/** The address of this host to connect to for a listen address. */
export const reachable = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host)
