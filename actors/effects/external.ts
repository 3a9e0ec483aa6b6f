import { fromPromise } from 'xstate'
import { reasonOf } from '../../machines/domain/errors.js'
import type {
  AddressCheck,
  ExternalState,
  ExternalStore,
  ExternalStream,
  NameCheck,
  ScanAnswer,
  ScanTarget,
  StreamScan,
} from '../../machines/domain/external.js'
import type { Log, WallClock } from '../../machines/domain/ports.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { readStreamUrl } from '../../machines/domain/streamUrl.js'
import type { ScanEvent, ScanWish } from '../../machines/externalDiscovery.js'
import { callback } from './callback.js'
import { within } from './time.js'

export interface ExternalStreamsPorts {
  store: Pick<ExternalStore, 'save'>
  addresses: AddressCheck & NameCheck
  log: Log
}

/** Limit for resolving a name, in ms, at the addition of a stream for all look-ups together. */
const resolveLimit = 3_000

/** Returns the rule that the address of a stream breaks; `undefined` if it is allowed. */
export function addressRefusal(url: string, addresses: AddressCheck, signal: AbortSignal) {
  const { host, port } = readStreamUrl(url)
  return within(resolveLimit, signal, (limited) => addresses.refusal(host, port, limited))
}

/** The effects of machines/externalStreams.ts. */
export const externalStreamsEffects = ({ store, addresses, log }: ExternalStreamsPorts) => ({
  /** Rejects with `Failure` if the name of the host has no address. */
  checkAddress: fromPromise<string | undefined, { url: string }>(({ input, signal }) =>
    within(resolveLimit, signal, async (limited) => {
      const rule = await addressRefusal(input.url, addresses, limited)
      if (rule !== undefined) return rule
      const reason = await addresses.unresolved(readStreamUrl(input.url).host, limited)
      if (reason) throw new Failure(reason.code, reason.details)
      return undefined
    }),
  ),
  saveStreams: fromPromise<void, ExternalState>(({ input }) =>
    store.save(input).catch((error: unknown) => {
      log.error('the external streams cannot be saved', { reason: reasonOf(error) })
      throw error
    }),
  ),
})

interface Scanning {
  wish: ScanWish
  found: ExternalStream[]
}

export interface ExternalDiscoveryPorts {
  scan: StreamScan
  clock: WallClock
  /** Limit for a whole scan, in ms; streams found until then are kept. */
  scanLimit: number
}

/** A target that answered less than this many ms ago is not probed again, unless `force` is set. */
const freshness = 10_000
/** ms between two reports of progress. */
const reportEvery = 1_000
const mostErrors = 20
const howToScanMore = 'raise external_discovery.scan_timeout or max_concurrent_scans'

/** The effects of machines/externalDiscovery.ts. */
export const externalDiscoveryEffects = (ports: ExternalDiscoveryPorts) => ({
  scanStreams: callback<ScanEvent, Scanning>(({ input, send }) => {
    const ended = new AbortController()
    const sendUntilEnd = (event: ScanEvent) => {
      if (!ended.signal.aborted) send(event)
    }
    void within(ports.scanLimit, ended.signal, (limited) => runScan(ports, input, sendUntilEnd, limited))
    return () => ended.abort()
  }),
})

/** Never rejects. */
async function runScan(
  { scan, clock, scanLimit }: ExternalDiscoveryPorts,
  { wish, found }: Scanning,
  send: (event: ScanEvent) => void,
  limit: AbortSignal,
) {
  const began = performance.now()
  const errors: string[] = []
  const known = new Map(found.filter(({ status }) => status === 'DISCOVERED').map((stream) => [stream.url, stream]))
  let done = 0
  let total = 0
  let reported = Number.NEGATIVE_INFINITY
  const reportProgress = () => {
    if (performance.now() - reported < reportEvery) return
    reported = performance.now()
    send({ type: 'scan.progress', done, total })
  }
  const isFresh = ({ candidates }: ScanTarget): boolean =>
    !wish.force &&
    candidates.some(
      ({ url }) => Math.abs((known.get(url)?.lastSeen ?? Number.NEGATIVE_INFINITY) - clock.now()) < freshness,
    )
  function* stale(targets: Iterable<ScanTarget>): Iterable<ScanTarget> {
    for (const target of targets) {
      if (isFresh(target)) done += 1
      else yield target
    }
  }
  const report = ({ target, found, reason = 'no answer', answered }: ScanAnswer) => {
    done += 1
    for (const stream of found) send({ type: 'scan.found', stream, at: clock.now() })
    const lost = because(answered ? 'not_a_stream' : 'unreachable', reason)
    for (const { url } of target.candidates) {
      if (known.has(url) && !found.some((stream) => stream.url === url)) send({ type: 'scan.lost', url, reason: lost })
    }
    if (found.length === 0 && (answered || target.named)) errors.push(`${target.host} port ${target.port}: ${reason}`)
    reportProgress()
  }
  try {
    const plan = scan.plan(wish)
    total = plan.total
    errors.push(...plan.missing)
    reportProgress()
    await scan.run(stale(plan.targets), report, limit)
  } catch (error) {
    errors.unshift(
      limit.aborted
        ? `the scan timed out after ${scanLimit / 1000} s with ${done} of ${total} addresses probed: ${howToScanMore}`
        : `the scan failed: ${reasonOf(error)}`,
    )
  }
  const rest = errors.splice(mostErrors).length
  if (rest > 0) errors.push(`and ${rest} more`)
  send({ type: 'scan.ended', took: Math.round(performance.now() - began), errors })
}
