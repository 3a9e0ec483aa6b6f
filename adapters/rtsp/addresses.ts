import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { AddressCheck } from '../../machines/domain/external.js'

/** Where servers of ours listen. `host`: a name or an address; absent: this machine, at all its addresses. */
export interface OwnPlace {
  host?: string
  ports: readonly number[]
}

export interface AddressCheckOptions {
  /** Asked at each check: the media server and its machine may change. */
  places: () => readonly OwnPlace[]
  /** This machine's addresses. */
  interfaces?: () => string[]
  resolve?: (name: string) => Promise<string[]>
}

/** Nobody's address, everybody's, or that of a cloud's metadata service (AWS with ECS and EKS, Alibaba, Oracle, Google), which answers with keys. */
const forbidden = new BlockList()
forbidden.addSubnet('0.0.0.0', 8, 'ipv4')
forbidden.addAddress('169.254.169.254', 'ipv4')
forbidden.addSubnet('169.254.170.0', 24, 'ipv4')
forbidden.addAddress('100.100.100.200', 'ipv4')
forbidden.addAddress('192.0.0.192', 'ipv4')
forbidden.addSubnet('224.0.0.0', 4, 'ipv4')
forbidden.addSubnet('240.0.0.0', 4, 'ipv4')
forbidden.addAddress('::', 'ipv6')
forbidden.addSubnet('fd00:ec2::', 32, 'ipv6')
forbidden.addAddress('fd20:ce::254', 'ipv6')
forbidden.addSubnet('ff00::', 8, 'ipv6')

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Keeps streams from leading back into this service, and anybody from being sent to addresses that are no camera's. */
export function createAddressCheck({
  places,
  interfaces = ownAddresses,
  resolve = lookUp,
}: AddressCheckOptions): AddressCheck {
  const resolved = async (host: string, signal: AbortSignal): Promise<string[]> => {
    if (isIP(host) !== 0) return [plain(host)]
    if (/^(.*\.)?localhost\.?$/i.test(host)) return ['127.0.0.1', '::1']
    return (await unlessAborted(resolve(host), signal)).map(plain)
  }
  return {
    async refusal(host, port, signal) {
      const found = await resolved(host, signal)
      if (found.some((address) => isIn(forbidden, address)))
        return 'must not be an unspecified, multicast, broadcast or metadata address'
      const near = places().filter(({ ports }) => ports.includes(port))
      for (const place of near) {
        const own = place.host === undefined ? interfaces().map(plain) : await resolved(place.host, signal)
        const isOwn = (address: string) =>
          own.includes(address) || (own.some((each) => isIn(loopback, each)) && isIn(loopback, address))
        if (found.some(isOwn) || sameName(place.host, host)) return 'must not lead back to this service'
      }
      return undefined
    },
  }
}

const sameName = (one = '', other: string): boolean =>
  one.toLowerCase().replace(/\.$/, '') === other.toLowerCase().replace(/\.$/, '')

const ownAddresses = (): string[] => [
  '127.0.0.1',
  '::1',
  ...Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
]

const lookUp = async (name: string): Promise<string[]> =>
  (await lookup(name, { all: true })).map(({ address }) => address)

/** In one form only, an IPv4 address that is dressed as IPv6 undressed. */
function plain(address: string): string {
  const bare = address.replace(/%.*$/, '')
  if (isIP(bare) !== 6) return bare
  const short = new URL(`http://[${bare}]/`).hostname.slice(1, -1)
  const groups = groupsOf(short)
  const found = dresses.find(({ worn }) => worn.test(groups.join(':')))
  if (found === undefined) return short
  return groups
    .slice(found.at, found.at + 2)
    .flatMap((group) => [group >> 8, group & 255])
    .join('.')
}

/** What IPv6 addresses hold an IPv4 address that packets for them end up at, and in which of their groups, written in decimal. */
const dresses: readonly { worn: RegExp; at: number }[] = [
  // Compatible (`::` and `::1` are none), mapped, translated.
  { worn: /^(0:){6}(?!0:[01]$)/, at: 6 },
  { worn: /^(0:){5}65535:/, at: 6 },
  { worn: /^(0:){4}65535:0:/, at: 6 },
  // NAT64 by its well-known prefix and by that for local use.
  { worn: /^100:65435:(0:){4}/, at: 6 },
  { worn: /^100:65435:1:/, at: 6 },
  // 6to4.
  { worn: /^8194:/, at: 1 },
]

/** All eight, of an address as URL writes it. */
function groupsOf(short: string): number[] {
  const [head = '', tail] = short.split('::')
  const read = (part = '') => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [first, last] = [read(head), read(tail)]
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
}

const isIn = (list: BlockList, address: string): boolean => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Nothing when it cannot be resolved, or not in time. */
const unlessAborted = (addresses: Promise<string[]>, signal: AbortSignal): Promise<string[]> =>
  new Promise((settle) => {
    const none = () => settle([])
    if (signal.aborted) none()
    signal.addEventListener('abort', none, { once: true })
    addresses.then(settle, none).finally(() => signal.removeEventListener('abort', none))
  })
