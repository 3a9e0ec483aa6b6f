import { hostInUrl } from '../../machines/domain/address.js'
import type { Candidate, ScanPlan, ScanTarget } from '../../machines/domain/external.js'

/** The port of RTSP over TLS. */
export const portOfTls = 322

/**
 * Returns each address and port of the plan once: known hosts first, then the ranges. The targets are made one by one
 * while they are read.
 */
export function planTargets({ skydio, generic }: ScanPlan, wish: { skydio: boolean; generic: boolean }) {
  const missing = [
    ...(wish.skydio && !skydio ? ['the scan skips skydio: external_discovery.skydio.enabled is false'] : []),
    ...(wish.generic && !generic ? ['the scan skips generic: external_discovery.generic_uav.enabled is false'] : []),
  ]
  const parts = [
    ...(wish.skydio && skydio ? [skydioPart(skydio)] : []),
    ...(wish.generic && generic ? [genericPart(generic)] : []),
  ]
  return {
    total: parts.reduce(
      (sum, { hosts, ranged, endpoints }) => sum + (hosts.length + ranged.length) * endpoints.length,
      0,
    ),
    targets: { [Symbol.iterator]: () => each(parts) },
    missing,
  }
}

interface Part {
  /** Addresses that the configuration lists one by one. */
  hosts: string[]
  /** The other IPv4 addresses of the ranges, as numbers. */
  ranged: number[]
  endpoints: { port: number; candidates: (host: string) => Candidate[] }[]
}

function skydioPart({ ranges, hosts, eoPort, irPort, eoPath, irPath, both }: NonNullable<ScanPlan['skydio']>): Part {
  const lenses = [
    { sensor: 'eo' as const, port: eoPort, path: eoPath },
    ...(both ? [{ sensor: 'ir' as const, port: irPort, path: irPath }] : []),
  ]
  const endpoints = [...new Set(lenses.map(({ port }) => port))].map((port) => ({
    port,
    candidates: (host: string): Candidate[] =>
      lenses
        .filter((lens) => lens.port === port)
        .map(({ sensor, path }) => {
          const name = `Skydio_${sensor.toUpperCase()}_${host}_${sensor}_${path}`
          return { url: urlOf(host, port, path), name, type: 'skydio_stanag4609', sensor }
        }),
  }))
  return { ...addressesOf(ranges, hosts), endpoints }
}

function genericPart({ ranges, hosts, ports, paths }: NonNullable<ScanPlan['generic']>): Part {
  const endpoints = [...new Set(ports)].map((port) => ({
    port,
    candidates: (host: string): Candidate[] =>
      [...new Set(paths)].map((path) => ({
        url: urlOf(host, port, path),
        name: `RTSP_${host}_${port}_${path}`,
        type: 'generic_rtsp',
      })),
  }))
  return { ...addressesOf(ranges, hosts), endpoints }
}

function* each(parts: readonly Part[]): Generator<ScanTarget> {
  for (const named of [true, false])
    for (const { hosts, ranged, endpoints } of parts)
      for (const place of named ? hosts : ranged) {
        const host = typeof place === 'number' ? textOf(place) : place
        for (const { port, candidates } of endpoints) yield { host, port, named, candidates: candidates(host) }
      }
}

const urlOf = (host: string, port: number, path: string): string =>
  `${port === portOfTls ? 'rtsps' : 'rtsp'}://${hostInUrl(host)}:${port}${path}`

function addressesOf(ranges: readonly string[], hosts: readonly string[]): Pick<Part, 'hosts' | 'ranged'> {
  const named = new Set(hosts)
  const ranged = new Set(ranges.flatMap(expand))
  return { hosts: [...named], ranged: [...ranged].filter((number) => !named.has(textOf(number))) }
}

/**
 * Returns the addresses of a range such as `192.168.42.0/24`, without network and broadcast address unless it is a /31
 * or /32.
 */
function expand(range: string): number[] {
  const [address = '', bits = '32'] = range.split('/')
  const size = 2 ** (32 - Number(bits))
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const first = number - (number % size)
  return size <= 2
    ? Array.from({ length: size }, (_, i) => first + i)
    : Array.from({ length: size - 2 }, (_, i) => first + 1 + i)
}

const textOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
