import { hostInUrl } from '../../machines/domain/address.js'
import type { Candidate, ScanPlan, ScanTarget } from '../../machines/domain/external.js'

/** RTSP over TLS has this port of its own. */
export const portOfTls = 322

/** Every address and port that the plan names, once, one by one; those that are named by themselves first. */
export function planTargets({ skydio, generic }: ScanPlan, wish: { skydio: boolean; generic: boolean }) {
  const missing = [
    ...(wish.skydio && !skydio
      ? ['nothing was looked for with skydio: external_discovery.skydio.enabled is false']
      : []),
    ...(wish.generic && !generic
      ? ['nothing was looked for with generic: external_discovery.generic_uav.enabled is false']
      : []),
  ]
  const parts = [
    ...(wish.skydio && skydio ? [skydioPart(skydio)] : []),
    ...(wish.generic && generic ? [genericPart(generic)] : []),
  ]
  return {
    total: parts.reduce((sum, { hosts, ranged, doors }) => sum + (hosts.length + ranged.length) * doors.length, 0),
    targets: { [Symbol.iterator]: () => each(parts) },
    missing,
  }
}

interface Part {
  /** Named by themselves. */
  hosts: string[]
  /** IPv4 addresses of the ranges, as numbers. */
  ranged: number[]
  doors: { port: number; candidates: (host: string) => Candidate[] }[]
}

function skydioPart({ ranges, hosts, eoPort, irPort, eoPath, irPath, both }: NonNullable<ScanPlan['skydio']>): Part {
  const lenses = [
    { sensor: 'eo' as const, port: eoPort, path: eoPath },
    ...(both ? [{ sensor: 'ir' as const, port: irPort, path: irPath }] : []),
  ]
  const doors = [...new Set(lenses.map(({ port }) => port))].map((port) => ({
    port,
    candidates: (host: string): Candidate[] =>
      lenses
        .filter((lens) => lens.port === port)
        .map(({ sensor, path }) => {
          const name = `Skydio_${sensor.toUpperCase()}_${host}_${sensor}_${path}`
          return { url: urlOf(host, port, path), name, type: 'skydio_stanag4609', sensor }
        }),
  }))
  return { ...addressesOf(ranges, hosts), doors }
}

function genericPart({ ranges, hosts, ports, paths }: NonNullable<ScanPlan['generic']>): Part {
  const doors = [...new Set(ports)].map((port) => ({
    port,
    candidates: (host: string): Candidate[] =>
      [...new Set(paths)].map((path) => ({
        url: urlOf(host, port, path),
        name: `RTSP_${host}_${port}_${path}`,
        type: 'generic_rtsp',
      })),
  }))
  return { ...addressesOf(ranges, hosts), doors }
}

function* each(parts: readonly Part[]): Generator<ScanTarget> {
  for (const { hosts, doors } of parts) {
    for (const host of hosts)
      for (const { port, candidates } of doors) yield { host, port, named: true, candidates: candidates(host) }
  }
  for (const { ranged, doors } of parts) {
    for (const number of ranged) {
      const host = textOf(number)
      for (const { port, candidates } of doors) yield { host, port, named: false, candidates: candidates(host) }
    }
  }
}

const urlOf = (host: string, port: number, path: string): string =>
  `${port === portOfTls ? 'rtsps' : 'rtsp'}://${hostInUrl(host)}:${port}${path}`

function addressesOf(ranges: readonly string[], hosts: readonly string[]): Pick<Part, 'hosts' | 'ranged'> {
  const named = new Set(hosts)
  const ranged = new Set(ranges.flatMap(expand))
  return { hosts: [...named], ranged: [...ranged].filter((number) => !named.has(textOf(number))) }
}

/** The addresses of `192.168.42.0/24` without its first (the network) and last (broadcast), which only a /31 or /32 gives to a host. */
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
