import { fromPromise } from 'xstate'
import type { DiscoveryEvent } from '../../machines/discovery.js'
import type { UsbDevice } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type {
  DiskUsage,
  Log,
  MediaServer,
  Registry,
  RegistryStore,
  ServerChoice,
  ServerInfo,
  ServerProcess,
  Storage,
  UsbDevices,
} from '../../machines/domain/ports.js'
import type { LinkEvent } from '../../machines/mediamtxLink.js'
import type { ServerProcessEvent } from '../../machines/serverProcess.js'
import { callback } from './callback.js'
import { within } from './time.js'

/** The effects that machines/discovery.ts names. A look may take `scanLimit` ms. */
export const discoveryEffects = ({ usb, scanLimit }: { usb: UsbDevices; scanLimit: number }) => ({
  watchDevices: callback<DiscoveryEvent>(({ send }) => {
    const { mode, dispose } = usb.watch(() => send({ type: 'devices.hint' }))
    send({ type: 'watch.started', mode })
    return dispose
  }),
  scanDevices: fromPromise<UsbDevice[]>(({ signal }) => usb.list(within(scanLimit, signal))),
})

/** The effects that machines/mediamtxLink.ts names. A check that takes longer than `checkLimit` ms has failed. */
export const linkEffects = ({ mediaServer, checkLimit }: { mediaServer: MediaServer; checkLimit: number }) => ({
  askInfo: fromPromise<ServerInfo>(({ signal }) => mediaServer.info(within(checkLimit, signal))),
  syncPaths: fromPromise<number>(({ signal }) => mediaServer.sync(signal)),
  watchBreaker: callback<LinkEvent>(({ send }) =>
    mediaServer.onBreaker((state) => send({ type: breakerEvents[state] })),
  ),
})

const breakerEvents = { open: 'breaker.opened', halfOpen: 'breaker.halfOpened', closed: 'breaker.closed' } as const

/** The effects that machines/serverProcess.ts names. */
export const serverProcessEffects = ({ server, log }: { server: ServerProcess; log: Log }) => ({
  chooseServer: fromPromise<ServerChoice>(async ({ signal }) => {
    const choice = await server.choose(signal)
    log[choice.kind === 'embedded' ? 'warn' : 'info'](`media server: ${choice.kind}`, { why: choice.why })
    return choice
  }),
  runServer: callback<ServerProcessEvent, { choice: ServerChoice }>(({ input: { choice }, send }) => {
    const ended = new AbortController()
    const exited = (reason: string) => {
      log.warn('the media server ended', { reason })
      send({ type: 'server.exited', reason })
    }
    server.start(choice, exited, ended.signal).then(
      ({ pid }) => send({ type: 'server.started', pid }),
      (error: unknown) => exited(reasonOf(error)),
    )
    return () => ended.abort()
  }),
  endServer: fromPromise<void>(() => server.end()),
})

/** The effects that machines/storage.ts names. */
export const storageEffects = ({ storage }: { storage: Storage }) => ({
  measureDisk: fromPromise<DiskUsage>(() => storage.usage()),
})

/** The effects that machines/fleet.ts names. */
export const fleetEffects = ({ registry }: { registry: RegistryStore }) => ({
  loadRegistry: fromPromise<Registry>(() => registry.load()),
  saveRegistry: fromPromise<void, { registry: Registry }>(({ input }) => registry.save(input.registry)),
})
