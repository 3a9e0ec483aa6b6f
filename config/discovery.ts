import { isIPv4 } from 'node:net'
import { isAddress } from '../machines/domain/address.js'
import { type Format, textLike, whole } from './formats.js'
import { listOf, listThat } from './groups.js'

/** The limit over all ranges. More addresses are a mistake rather than a wish. */
export const mostAddresses = 65_536

const range = textLike('an IPv4 range such as 192.168.42.0/24, from /16 to /32', (value) => {
  const [, address = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(value) ?? []
  return isIPv4(address) && Number(bits) >= 16 && Number(bits) <= 32
})

/** The part of a stream's URL behind host and port. */
export const streamPath = textLike('a path such as /stream, without spaces, @, # and $', (value) =>
  /^\/[^\s\p{Cc}@#$\\]{0,200}$/u.test(value),
)

const atMost = <T>(most: number, list: Format<T[]>): Format<T[]> =>
  listThat(list, `have at most ${most} items`, (items) => items.length <= most)

/** Networks to scan. */
export const ranges = atMost(64, listOf(range))
/** Single addresses to call. */
export const knownAddresses = atMost(256, listOf(textLike('an IP address', (value) => isAddress(value))))
/** Ports to call. */
export const ports = atMost(16, listOf(whole(1, 65_535)))
/** Paths to try. */
export const streamPaths = atMost(16, listOf(streamPath))

/** Number of addresses in the ranges. */
export const addressesIn = (list: readonly string[]): number =>
  list.reduce((sum, each) => sum + 2 ** (32 - Number(each.split('/')[1])), 0)
