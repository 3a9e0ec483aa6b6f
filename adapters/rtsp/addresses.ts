import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import { inNetworks, isAddress, isLoopback, plainAddress, reachedAddress } from '../../machines/domain/address.js'
import type { AddressCheck, NameCheck } from '../../machines/domain/external.js'
import { because } from '../../machines/domain/reason.js'
import { codeOf } from '../errorCode.js'
import { unlessAborted } from '../wait.js'

/** Where our servers listen. `host` is a name or an address; without it, all addresses of this host. */
export interface OwnPlace {
  host?: string
  ports: readonly number[]
}

export interface AddressCheckOptions {
  /** Called for each check: the media server and its host may change. */
  places: () => readonly OwnPlace[]
  /** Returns the addresses of this host. */
  interfaces?: () => string[]
  resolve?: (name: string) => Promise<string[]>
}

/** Unspecified, multicast and reserved addresses, and the metadata services of clouds, which hand out credentials. */
const isForbidden = inNetworks([
  ...['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', '::', 'ff00::/8'],
  // AWS, Azure and Google; AWS ECS and EKS; Alibaba; Oracle; AWS and Google by IPv6.
  ...['169.254.169.254', '169.254.170.0/24', '100.100.100.200', '192.0.0.192', 'fd00:ec2::/32', 'fd20:ce::254'],
])

/** Refuses streams that lead back into this service, and addresses that no camera can have. */
export function createAddressCheck({
  places,
  interfaces = ownAddresses,
  resolve = lookUp,
}: AddressCheckOptions): AddressCheck & NameCheck {
  const resolved = async (host: string, signal: AbortSignal): Promise<string[]> => {
    if (isAddress(plainAddress(host))) return [reachedAddress(host)]
    if (/^(.*\.)?localhost\.?$/i.test(host)) return ['127.0.0.1', '::1']
    // No addresses: the name cannot be resolved before the abort.
    return (await unlessAborted(resolve(host), signal).catch(() => [])).map(reachedAddress)
  }
  return {
    async refusal(host, port, signal) {
      const found = await resolved(host, signal)
      if (found.some(isForbidden)) return 'must not be an unspecified, multicast, broadcast or metadata address'
      for (const place of places().filter(({ ports }) => ports.includes(port))) {
        const own = place.host === undefined ? interfaces().map(reachedAddress) : await resolved(place.host, signal)
        const isOwn = (address: string) => own.includes(address) || (isLoopback(address) && own.some(isLoopback))
        if (found.some(isOwn) || sameName(place.host, host)) return 'must not lead back to this service'
      }
      return undefined
    },

    async unresolved(host, signal) {
      if (isAddress(plainAddress(host))) return undefined
      const found = await unlessAborted(resolve(host), signal).catch((error: unknown) => codeOf(error))
      if (typeof found !== 'string' && found.length > 0) return undefined
      return typeof found !== 'string' || nameless.has(found)
        ? because('name_unknown', `the name ${host} is not known: check its spelling, or ${instead}`)
        : because(
            'name_unanswered',
            `the name ${host} could not be looked up: check the DNS of this host, or ${instead}`,
          )
    },
  }
}

const instead = 'use the address of the camera'

/** The resolver answers that the name has no address. All other errors leave that open. */
const nameless = new Set(['ENOTFOUND', 'ENODATA'])

const sameName = (one = '', other: string): boolean =>
  one.toLowerCase().replace(/\.$/, '') === other.toLowerCase().replace(/\.$/, '')

/** The addresses of this host. */
export const ownAddresses = (): string[] => [
  '127.0.0.1',
  '::1',
  ...Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
]

const lookUp = async (name: string): Promise<string[]> =>
  (await lookup(name, { all: true })).map(({ address }) => address)
