import type { IncomingMessage } from 'node:http'
import { allowList, hostInUrl, inNetworks, isAddress, plainAddress } from '../machines/domain/address.js'

type Request = Pick<IncomingMessage, 'headers' | 'socket'>

/** Addresses that a proxy named, by request. */
const named = new WeakMap<object, string>()

/** The client's address as sessions and grants name it. */
export const addressOf = (request: Pick<IncomingMessage, 'socket'>): string =>
  hostInUrl(named.get(request) ?? request.socket.remoteAddress ?? 'unknown')

/** Returns a function that finds the address of a client. Only trusted proxies can name another one than their own. */
export const createClientAddress = (trustedProxies: readonly string[]): ((request: Request) => string | undefined) => {
  const isTrusted = inNetworks(trustedProxies)
  return ({ headers, socket }) => {
    let address = socket.remoteAddress
    if (trustedProxies.length === 0) return address
    // A client can send the header, too. Each proxy appends the address that it sees, so only the end can be trusted.
    const chain = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
    while (address !== undefined && isTrusted(address)) {
      const next = plainAddress((chain.pop() ?? '').trim())
      if (!isAddress(next)) break
      address = next
    }
    return address
  }
}

/** What reverse proxies change of a request. `prefix`: path of the API behind them. */
export const createProxies = ({
  trustedProxies = [],
  allowedIps = [],
  prefix = '',
}: {
  trustedProxies?: readonly string[] | undefined
  allowedIps?: readonly string[] | undefined
  prefix?: string | undefined
}) => {
  const clientAddress = createClientAddress(trustedProxies)
  const isAllowed = allowList(allowedIps)
  const isTrusted = inNetworks(trustedProxies)
  return {
    /** True if a connection may come from this address. */
    mayConnect: (address: string): boolean => isTrusted(address) || isAllowed(address),
    isTrusted,
    /**
     * Notes the address of the client, and removes the prefix from the path. False if requests of this client are not
     * allowed.
     */
    admits: (request: IncomingMessage): boolean => {
      const address = clientAddress(request)
      if (address !== undefined && address !== request.socket.remoteAddress) named.set(request, address)
      const { url = '' } = request
      if (prefix !== '' && url.startsWith(`${prefix}/`)) request.url = url.slice(prefix.length)
      return isAllowed(address)
    },
  }
}
