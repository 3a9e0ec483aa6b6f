import { reasonOf } from '../../machines/domain/errors.js'
import type { ExternalStream, ScanAnswer, ScanTarget, StreamScan } from '../../machines/domain/external.js'
import type { Clock } from '../../machines/domain/ports.js'
import type { ScanEvent, ScanWish } from '../../machines/externalDiscovery.js'
import { callback } from './callback.js'
import { within } from './time.js'

interface Scanning {
  wish: ScanWish
  found: ExternalStream[]
}

export interface ExternalDiscoveryPorts {
  scan: StreamScan
  clock: Clock
  /** Of one whole scan, in ms; what was found until then is kept. */
  scanLimit: number
}

/** Who answered so short a time ago (ms) is not asked again, unless by force. */
const freshness = 10_000
/** Between two reports of progress, in ms. */
const reportEvery = 1_000
const mostErrors = 20

/** The effects that machines/externalDiscovery.ts names. */
export const externalDiscoveryEffects = (ports: ExternalDiscoveryPorts) => ({
  scanStreams: callback<ScanEvent, Scanning>(({ input, send }) => {
    const ended = new AbortController()
    const tell = (event: ScanEvent) => {
      if (!ended.signal.aborted) send(event)
    }
    void runScan(ports, input, tell, ended.signal)
    return () => ended.abort()
  }),
})

/** Never rejects. */
async function runScan(
  { scan, clock, scanLimit }: ExternalDiscoveryPorts,
  { wish, found }: Scanning,
  tell: (event: ScanEvent) => void,
  signal: AbortSignal,
) {
  const began = performance.now()
  const errors: string[] = []
  const limit = within(scanLimit, signal)
  const known = new Map(found.filter(({ status }) => status === 'DISCOVERED').map((stream) => [stream.url, stream]))
  let done = 0
  let total = 0
  let reported = Number.NEGATIVE_INFINITY
  const report = () => {
    if (performance.now() - reported < reportEvery) return
    reported = performance.now()
    tell({ type: 'scan.progress', done, total })
  }
  const isFresh = ({ candidates }: ScanTarget): boolean =>
    !wish.force &&
    candidates.some(({ url }) => (known.get(url)?.lastSeen ?? Number.NEGATIVE_INFINITY) > clock.now() - freshness)
  function* stale(targets: Iterable<ScanTarget>): Iterable<ScanTarget> {
    for (const target of targets) {
      if (isFresh(target)) done += 1
      else yield target
    }
  }
  const heard = ({ target, found, reason = 'no answer', answered }: ScanAnswer) => {
    done += 1
    for (const stream of found) tell({ type: 'scan.found', stream, at: clock.now() })
    for (const { url } of target.candidates) {
      if (known.has(url) && !found.some((stream) => stream.url === url)) tell({ type: 'scan.lost', url, reason })
    }
    if (found.length === 0 && (answered || target.named)) errors.push(`${target.host} port ${target.port}: ${reason}`)
    report()
  }
  try {
    const plan = scan.plan(wish)
    total = plan.total
    errors.push(...plan.missing)
    report()
    await scan.run(stale(plan.targets), heard, limit)
  } catch (error) {
    const why = limit.aborted
      ? `the scan was ended after ${scanLimit / 1000} s with ${done} of ${total} addresses asked: raise external_discovery.scan_timeout or max_concurrent_scans`
      : `the scan failed: ${reasonOf(error)}`
    errors.unshift(why)
  }
  const told =
    errors.length > mostErrors ? [...errors.slice(0, mostErrors), `and ${errors.length - mostErrors} more`] : errors
  tell({ type: 'scan.ended', at: clock.now(), took: Math.round(performance.now() - began), errors: told })
}
