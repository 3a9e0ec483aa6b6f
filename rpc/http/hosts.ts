import { hostname } from 'node:os'
import { isAddress, isIPv6 } from '../../machines/domain/address.js'

const plainName = (host: string): string => host.toLowerCase().replace(/\.$/, '')

/**
 * Returns a test for Host headers: true for an address, `localhost`, this host's name and `names`. A page whose own
 * name resolves to this host (DNS rebinding) has that name in the header. Browsers always send the header.
 */
export const createHostCheck = (names: readonly string[]): ((header: string | undefined) => boolean) => {
  const host = plainName(hostname())
  const [short = host] = host.split('.')
  const known = new Set(['localhost', host, short, `${short}.local`, ...names.map(plainName)])
  return (header) => {
    if (header === undefined) return true
    const [, inBrackets, plain = ''] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*))(?::\d{1,5})?$/i.exec(header) ?? []
    if (inBrackets !== undefined) return isIPv6(inBrackets)
    return isAddress(plain) || known.has(plainName(plain))
  }
}
