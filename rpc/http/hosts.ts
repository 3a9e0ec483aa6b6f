import { hostname } from 'node:os'
import { isAddress, isIPv6 } from '../../machines/domain/address.js'

const plainName = (host: string): string => host.toLowerCase().replace(/\.$/, '')

/**
 * Whether a Host header names this machine: by an address, as `localhost`, by its host name or one of `names`. A page of a foreign
 * name that was made to point here (DNS rebinding) has that name in it. No header at all: it is no browser.
 */
export const createHostCheck = (names: readonly string[]): ((header: string | undefined) => boolean) => {
  const machine = plainName(hostname())
  const [short = machine] = machine.split('.')
  const known = new Set(['localhost', machine, short, `${short}.local`, ...names.map(plainName)])
  return (header) => {
    if (header === undefined) return true
    const [, inBrackets, plain = ''] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*))(?::\d{1,5})?$/i.exec(header) ?? []
    if (inBrackets !== undefined) return isIPv6(inBrackets)
    return isAddress(plain) || known.has(plainName(plain))
  }
}
