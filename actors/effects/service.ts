import { fromPromise } from 'xstate'
import type { DiscoveryEvent } from '../../machines/discovery.js'
import type { CameraId, LocalDevice } from '../../machines/domain/camera.js'
import type { UsbDevices } from '../../machines/domain/capture.js'
import type { Measured } from '../../machines/domain/diskRoom.js'
import type { Drift } from '../../machines/domain/drift.js'
import type { RecordingFolder, Storage } from '../../machines/domain/files.js'
import type {
  BreakerEvent,
  MediaServer,
  ServerChoice,
  ServerInfo,
  ServerProcess,
} from '../../machines/domain/mediaServer.js'
import type { Clock, Log, Registry, RegistryStore } from '../../machines/domain/ports.js'
import { type Reason, reasonFrom } from '../../machines/domain/reason.js'
import type { ServerEnd, ServerProcessEvent } from '../../machines/serverProcess.js'
import { callback } from './callback.js'
import { within } from './time.js'

/** The effects of machines/discovery.ts. `scanLimit`: limit for a scan in ms. */
export const discoveryEffects = ({ usb, scanLimit }: { usb: UsbDevices; scanLimit: number }) => ({
  watchDevices: callback<DiscoveryEvent>(({ send }) => {
    const { mode, dispose } = usb.watch((evidence) => send({ type: 'devices.hint', ...(evidence && { evidence }) }))
    send({ type: 'watch.started', mode })
    return dispose
  }),
  scanDevices: fromPromise<LocalDevice[]>(({ signal }) => within(scanLimit, signal, (limited) => usb.list(limited))),
})

/** The effects of machines/mediamtxLink.ts. A check fails after `checkLimit` ms. */
export const linkEffects = ({ mediaServer, checkLimit }: { mediaServer: MediaServer; checkLimit: number }) => ({
  askInfo: fromPromise<ServerInfo>(({ signal }) => within(checkLimit, signal, (limited) => mediaServer.info(limited))),
  tryCall: fromPromise<ServerInfo>(({ signal }) => within(checkLimit, signal, (limited) => mediaServer.trial(limited))),
  syncPaths: fromPromise<number>(({ signal }) => mediaServer.sync(signal)),
  watchBreaker: callback<BreakerEvent>(({ send }) => mediaServer.onBreaker(send)),
  pauseCalls: callback<never, { reason: Reason }>(({ input }) => mediaServer.pauseCalls(input.reason)),
})

/** The effects of machines/pathWatch.ts. */
export const pathWatchEffects = ({ mediaServer, clock }: { mediaServer: MediaServer; clock: Clock }) => ({
  findDrift: fromPromise<{ at: number; drifts: Drift[] }>(async ({ signal }) => ({
    drifts: await mediaServer.drift(signal),
    at: clock.monotonic(),
  })),
  repairPaths: fromPromise<void, { cameras: CameraId[] }>(({ input, signal }) =>
    mediaServer.repair(input.cameras, signal),
  ),
})

/** Time for SIGINT to a child that is silent, in ms: a child that hangs does not react to it at all. */
const silentGrace = 500
/** Time from SIGKILL to the end of the child and of what it started, in ms. */
const killTime = 1_000

/** The effects of machines/serverProcess.ts. */
export const serverProcessEffects = ({
  server,
  clock,
  log,
}: {
  server: ServerProcess
  clock: Pick<Clock, 'monotonic'>
  log: Log
}) => ({
  chooseServer: fromPromise<ServerChoice>(async ({ signal }) => {
    const choice = await server.choose(signal)
    log[choice.kind === 'embedded' ? 'warn' : 'info'](`media server: ${choice.kind}`, { why: choice.why })
    return choice
  }),
  runServer: callback<ServerProcessEvent, { choice: ServerChoice }>(({ input: { choice }, send }) => {
    const ended = new AbortController()
    const exited = (what: string, reason: string) => {
      log.warn(`the media server ${what}`, { reason })
      send({ type: 'server.exited', reason })
    }
    server
      .start(choice, (reason) => exited('ended', reason), ended.signal)
      .then(
        ({ pid }) => send({ type: 'server.started', pid }),
        (error: unknown) => {
          if (!ended.signal.aborted) exited('did not start', reasonFrom(error).details)
        },
      )
    return () => ended.abort()
  }),
  endServer: fromPromise<void, ServerEnd>(({ input: { until = Number.POSITIVE_INFINITY, isSilent, failure } }) => {
    if (failure !== undefined) log.warn('the media server did not start', { reason: failure.details })
    const left = Math.max(0, until - clock.monotonic() - killTime)
    return server.end(isSilent ? Math.min(silentGrace, left) : left)
  }),
  killServer: fromPromise<void>(() => {
    log.warn('the media server hangs and is killed')
    return server.kill()
  }),
})

/** In ms: a busy SD card takes this long to sync a file, and is no reason to block recordings. */
const slowestSync = 20_000

/**
 * The effects of machines/storage.ts and recordingFolder.ts. A measurement fails after `measureLimit` ms, but not
 * before a slow disk is done.
 */
export const storageEffects = ({
  storage,
  clock,
  measureLimit,
}: {
  storage: Storage
  clock: Pick<Clock, 'monotonic'>
  measureLimit: number
}) => ({
  measureDisk: fromPromise<Measured, { folder: RecordingFolder }>(async ({ input: { folder }, signal }) => {
    const usage = await within(Math.max(measureLimit, slowestSync), signal, (limited) => {
      // A hanging mount does not answer and does not accept a signal.
      const late = new Promise<never>((_, reject) =>
        limited.addEventListener('abort', () => reject(limited.reason), { once: true }),
      )
      return Promise.race([storage.usage(folder), late])
    })
    return { ...usage, at: clock.monotonic() }
  }),
  keepReserve: fromPromise<void>(() => storage.keepReserve()),
  useFolder: fromPromise<void, { folder: RecordingFolder }>(({ input: { folder } }) => storage.use(folder)),
})

/** The effects of machines/fleet.ts. */
export const fleetEffects = ({
  registry,
  mediaServer,
}: {
  registry: RegistryStore
  mediaServer: Pick<MediaServer, 'settled'>
}) => ({
  loadRegistry: fromPromise<Registry>(() => registry.load()),
  saveRegistry: fromPromise<void, { registry: Registry }>(({ input }) => registry.save(input.registry)),
  settlePaths: fromPromise<void>(({ signal }) => mediaServer.settled(signal)),
})
