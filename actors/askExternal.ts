import { type ActorRefFrom, waitFor } from 'xstate'
import { dependencyFailed, invalidParam, notFound, reasonOf, ServiceError } from '../machines/domain/errors.js'
import type {
  AddedStream,
  AddressCheck,
  Discovery,
  ExternalAsk,
  ExternalState,
  ExternalStore,
  ExternalStream,
} from '../machines/domain/external.js'
import type { Clock, Log } from '../machines/domain/ports.js'
import { configuredAt } from '../machines/domain/roster.js'
import { readStreamUrl, shownUrl, streamIdentity, streamKey } from '../machines/domain/streamUrl.js'
import type { CameraView } from '../machines/domain/views.js'
import { type externalDiscoveryMachine, type ScanWish, scanFor } from '../machines/externalDiscovery.js'
import { type Directory, type FleetActor, findCamera } from './directory.js'
import { within } from './effects/time.js'

interface ExternalAskPorts {
  fleet: FleetActor
  directory: Pick<Directory, 'cameras'>
  store: Pick<ExternalStore, 'save'>
  addresses: AddressCheck
  clock: Clock
  log: Log
  /** What was kept of an earlier life, if a client had set it. */
  interval?: number
  /** How many may be added. */
  maxStreams: number
  /** Of one scan, in ms. */
  scanLimit: number
}

type DiscoveryActor = ActorRefFrom<typeof externalDiscoveryMachine>

/** For a name to be resolved; for a new camera to be known; for a removed one to close its files. In ms. */
const resolveLimit = 3_000
const appearLimit = 10_000
const leaveLimit = 30_000

/**
 * External streams as clients ask for them. Changes come one after the other, each kept before it is carried out and answered.
 * `leave`: a client is gone; a scan that nobody else waits for ends with it.
 */
export function createExternalAsk(ports: ExternalAskPorts): ExternalAsk & { leave(session: string): void } {
  const { fleet, directory, store, addresses, clock, log, maxStreams, scanLimit } = ports
  /** Scans that clients have begun → the calls that wait; a session may have several. */
  const waiting = new Map<number, Set<{ session: string }>>()
  let queue: Promise<unknown> = Promise.resolve()
  let interval = ports.interval

  /** Throws `unsupported` while there is nothing to ask. */
  const discovery = (): DiscoveryActor => {
    const actor = fleet.system.get('externalDiscovery') as DiscoveryActor | undefined
    if (!actor?.getSnapshot().hasTag('enabled')) {
      throw new ServiceError('unsupported', {
        reason: 'unsupported',
        feature: 'external_discovery',
        hint: 'set external_discovery.enabled to true',
      })
    }
    return actor
  }
  const added = (key: string) => fleet.getSnapshot().context.streams.find(({ url }) => streamKey(url) === key)
  const cameraOf = (url: string) => directory.cameras().find(({ identity }) => identity.key === streamIdentity(url))
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const turn = queue.then(change)
    queue = turn.catch(() => {})
    return turn
  }
  const mustServe = () => {
    if (fleet.getSnapshot().hasTag('running')) return
    throw new ServiceError('invalidState', {
      reason: 'invalid_state',
      state: 'stopping',
      details: 'the service is stopping',
    })
  }
  const keep = async (streams: readonly AddedStream[], wanted = interval) => {
    const state: ExternalState = { streams: [...streams], ...(wanted !== undefined && { interval: wanted }) }
    await store.save(state).catch((error: unknown) => {
      log.error('the external streams cannot be kept', { reason: reasonOf(error) })
      throw dependencyFailed('storage', 'the change could not be kept and was not made')
    })
  }

  const view = (found: readonly ExternalStream[]): ExternalStream[] => {
    const { streams, entries } = fleet.getSnapshot().context
    const byIdentity = new Map(directory.cameras().map((camera) => [camera.identity.key, camera]))
    const unfound = new Map(streams.map((stream) => [streamKey(stream.url), stream]))
    const configured = new Map(
      entries.flatMap(({ name, source }) =>
        source.kind === 'rtsp' ? [[streamKey(source.url), `rtsp:${name}`] as const] : [],
      ),
    )
    const known = found.map((stream): ExternalStream => {
      const key = streamKey(stream.url)
      const name = unfound.get(key)?.name
      const camera = byIdentity.get(configured.get(key) ?? streamIdentity(key))
      unfound.delete(key)
      return { ...stream, ...(name !== undefined && { name }), ...(camera && { camera: camera.id }) }
    })
    return [
      ...known,
      ...[...unfound].map(([key, stream]) => streamOf(stream, byIdentity.get(streamIdentity(key)), clock.now())),
    ]
  }
  const foundNow = () =>
    (fleet.system.get('externalDiscovery') as DiscoveryActor | undefined)?.getSnapshot().context.found ?? []

  return {
    view() {
      const snapshot = (fleet.system.get('externalDiscovery') as DiscoveryActor | undefined)?.getSnapshot()
      if (!snapshot?.hasTag('enabled')) return { enabled: false, scanning: false, interval: 0, streams: [] }
      return {
        enabled: true,
        scanning: snapshot.hasTag('scanning'),
        interval: snapshot.context.interval,
        streams: view(snapshot.context.found),
      }
    },

    async discover({ skydio, generic, force, includeOffline, by }): Promise<Discovery> {
      const actor = discovery()
      const wish: ScanWish = { skydio, generic, force }
      const isScanning = actor.getSnapshot().hasTag('scanning')
      const { scan: running } = actor.getSnapshot().context
      const scan = scanFor(actor.getSnapshot().context, isScanning, wish)
      // Whoever joins a scan of ours, the periodic one, does not own it.
      const call = { session: by.session }
      if (scan > running || waiting.has(scan)) waiting.set(scan, (waiting.get(scan) ?? new Set()).add(call))
      actor.send({ type: 'discovery.start', wish })
      try {
        const { context } = await waitFor(actor, (snapshot) => (snapshot.context.last?.scan ?? 0) >= scan, {
          timeout: 2 * scanLimit + 5_000,
        })
        const { at, took, errors } = context.last ?? { at: clock.now(), took: 0, errors: [] }
        const isWanted = ({ type, status }: ExternalStream) =>
          (type === 'skydio_stanag4609' ? skydio : generic) && (status === 'DISCOVERED' || includeOffline)
        const { length } = context.found
        // Those that no scan has found come behind them.
        return { streams: view(context.found).slice(0, length).filter(isWanted), at, took, errors }
      } catch {
        throw dependencyFailed('external_discovery', 'the scan did not end in time, or the service is stopping')
      } finally {
        const calls = waiting.get(scan)
        calls?.delete(call)
        if (calls?.size === 0) waiting.delete(scan)
      }
    },

    async add({ url: text, name, type }) {
      discovery()
      const { url: given, host, port } = readStreamUrl(text)
      const key = streamKey(given)
      const refusal = await addresses.refusal(host, port, within(resolveLimit, new AbortController().signal))
      if (refusal !== undefined) throw invalidParam('stream_url', refusal, 'name the address of a camera')
      const stream = await inTurn(async () => {
        mustServe()
        const { streams, entries } = fleet.getSnapshot().context
        const entry = configuredAt(given, entries)
        if (entry)
          throw invalidParam(
            'stream_url',
            'must not be the URL of a configured camera',
            `the configuration has it as ${entry.name}`,
          )
        const before = added(key)
        // The same source again is the same stream; only credentials are news, and a URL as it is shown has none.
        if (before && (given === before.url || given === shownUrl(given))) return before
        if (!before && streams.length >= maxStreams) {
          const details = `${maxStreams} streams are added already: remove one, or raise external_discovery.max_streams`
          throw new ServiceError('invalidState', {
            reason: 'limit_reached',
            state: 'full',
            allowed_states: ['not full'],
            details,
          })
        }
        const made: AddedStream = before ? { ...before, url: given } : { url: given, name, type, addedAt: clock.now() }
        await keep([...streams.filter((one) => one !== before), made])
        fleet.send({ type: 'stream.add', stream: made })
        return made
      })
      await waitFor(fleet, (snapshot) => snapshot.hasTag('ready') && cameraOf(key) !== undefined, {
        timeout: appearLimit,
      }).catch(() => {})
      return view(foundNow()).find((one) => streamKey(one.url) === key) ?? streamOf(stream, cameraOf(key), clock.now())
    },

    async remove(text, by) {
      const camera = await inTurn(async () => {
        discovery()
        mustServe()
        const key = streamKey(text)
        const stream = added(key)
        if (!stream) throw notFound('Stream', shownUrl(text))
        const { streams } = fleet.getSnapshot().context
        await keep(streams.filter((one) => one !== stream))
        const id = cameraOf(stream.url)?.id
        const camera = id === undefined ? undefined : findCamera(fleet, id)
        fleet.send({ type: 'stream.remove', key, by })
        return camera
      })
      // Its files are closed first; other changes need not wait for that.
      if (camera) await waitFor(camera, ({ status }) => status !== 'active', { timeout: leaveLimit }).catch(() => {})
    },

    scanEvery: (wanted) =>
      inTurn(async () => {
        const actor = discovery()
        mustServe()
        await keep(fleet.getSnapshot().context.streams, wanted)
        interval = wanted
        actor.send({ type: 'interval.set', interval: wanted })
      }),

    leave(session) {
      const actor = fleet.system.get('externalDiscovery') as DiscoveryActor | undefined
      for (const [scan, calls] of waiting) {
        const own = [...calls].filter((call) => call.session === session)
        for (const call of own) calls.delete(call)
        if (own.length === 0 || calls.size > 0) continue
        waiting.delete(scan)
        const { scan: present, next } = actor?.getSnapshot().context ?? {}
        if (present === scan && next === undefined) actor?.send({ type: 'discovery.cancel', at: clock.now() })
      }
    },
  }
}

/** One that no scan has found, as its camera knows it. */
function streamOf(
  { url, name, type, addedAt }: AddedStream,
  camera: CameraView | undefined,
  now: number,
): ExternalStream {
  const isThere = camera?.status === 'CONNECTED'
  const reason = isThere ? undefined : (camera?.cause.reason ?? 'it has not been asked yet')
  const codec = camera?.pipeline?.mode.fourcc
  return {
    url: shownUrl(url),
    type,
    name,
    status: isThere ? 'DISCOVERED' : 'ERROR',
    discoveredAt: addedAt,
    lastSeen: isThere ? now : (camera?.connectedAt ?? addedAt),
    ...(camera && { camera: camera.id }),
    ...(codec !== undefined && { codec }),
    ...(camera?.mode && { width: camera.mode.width, height: camera.mode.height }),
    ...(reason !== undefined && { reason }),
  }
}
