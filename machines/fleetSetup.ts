import { type AnyActorRef, assign, emit, enqueueActions, setup } from 'xstate'
import { cameraMachine } from './camera.js'
import { clockWatchMachine } from './clockWatch.js'
import { configurationMachine } from './configuration.js'
import type { ConfigurationInput, ConfigurationMessage, PendingChange } from './configurationSetup.js'
import { discoveryMachine } from './discovery.js'
import { type By, nobody } from './domain/by.js'
import type { CameraId, LocalDevice } from './domain/camera.js'
import type { AddedStream } from './domain/external.js'
import type { EntryFact, SupervisionFact, SystemFact } from './domain/facts.js'
import { afterRestart } from './domain/mediaReaders.js'
import type { Registry } from './domain/ports.js'
import { whileRelaxed, whileStrained } from './domain/priorities.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import { isSameDevice } from './domain/roster.js'
import { streamIdentity } from './domain/streamUrl.js'
import { externalDiscoveryMachine } from './externalDiscovery.js'
import { externalStreamsMachine } from './externalStreams.js'
import {
  type Crash,
  type FleetChildren,
  type FleetContext,
  type FleetEvent,
  type FleetInput,
  type Known,
  mostCrashes,
  orphansOf,
  type Renaming,
} from './fleetContext.js'
import { identified, withName } from './fleetIdentity.js'
import { contendersOf, yields } from './fleetPriorities.js'
import {
  contextAfter,
  droppedCameras,
  isSame,
  isSameStream,
  settingsEvents,
  setupOf,
  withDemo,
  withoutDevices,
  withoutStream,
} from './fleetSettings.js'
import { promiseHole } from './hole.js'
import { indexingMachine } from './indexing.js'
import { mediamtxLinkMachine } from './mediamtxLink.js'
import { mediaSessionsMachine } from './mediaSessions.js'
import { quarantineMachine } from './quarantine.js'
import { retentionMachine } from './retention.js'
import { type ServerProcessEvent, serverProcessMachine } from './serverProcess.js'
import { simulationMachine } from './simulation.js'
import { storageMachine } from './storage.js'

/** The events, children, guards and actions of the fleet's statechart in `fleet.ts`. */
export const fleetSetup = setup({
  types: {
    input: {} as FleetInput,
    context: {} as FleetContext,
    events: {} as FleetEvent,
    emitted: {} as SystemFact | SupervisionFact | EntryFact,
    tags: {} as 'running' | 'started' | 'ready' | 'over' | 'broken',
    children: {} as FleetChildren,
  },
  actors: {
    camera: cameraMachine,
    discovery: discoveryMachine,
    externalDiscovery: externalDiscoveryMachine,
    externalStreams: externalStreamsMachine,
    serverProcess: serverProcessMachine,
    link: mediamtxLinkMachine,
    storage: storageMachine,
    retention: retentionMachine,
    quarantine: quarantineMachine,
    indexing: indexingMachine,
    mediaSessions: mediaSessionsMachine,
    clockWatch: clockWatchMachine,
    configuration: configurationMachine,
    simulation: simulationMachine,
    loadRegistry: promiseHole<Registry>('loadRegistry'),
    saveRegistry: promiseHole<void, { registry: Registry }>('saveRegistry'),
    /** Resolves when no change of a path is pending. */
    settlePaths: promiseHole<void>('settlePaths'),
  },
  guards: {
    isSaved: ({ context }) => context.registry === context.saved,
    isEmpty: ({ context }) => Object.keys(context.told).length === 0,
    isCamera: ({ context }, { actorId }: { actorId: string }) => actorId in context.told,
    isStorageFree: ({ context }) => context.obstacles.storage === undefined,
    /** Without an obstacle some cameras may be blocked because of their priority: they stay so. */
    isGradual: ({ context }, { gradually }: { gradually?: true }) =>
      gradually === true && context.obstacles.storage !== undefined,
    isPlain: (_, { gradually }: { gradually?: true }) => gradually !== true,
    isSimulated: ({ context }) => context.simulation !== undefined,
    isBroken: ({ context }) => context.crashes >= mostCrashes,
  },
  actions: {
    keepRegistry: assign((_, registry: Registry) => ({ registry, saved: registry })),
    keepDevices: assign(({ context }, { devices }: { devices: LocalDevice[] }) => ({
      devices,
      entries: withDemo(context, devices),
    })),
    setAway: assign({
      away: ({ context }, { camera, away }: { camera: CameraId; away: boolean }) =>
        context.away.filter((id) => id !== camera).concat(away ? [camera] : []),
    }),
    keepStreams: assign({ streams: (_, { streams }: { streams: AddedStream[] }) => streams }),
    keepInterval: enqueueActions(({ context, enqueue, self }, { interval }: { interval: number }) => {
      enqueue.assign({
        external: { ...context.external, interval },
        externalStreams: { ...context.externalStreams, interval },
      })
      const { externalDiscovery } = self.getSnapshot().children
      if (externalDiscovery) enqueue.sendTo(externalDiscovery, { type: 'interval.set', interval })
    }),
    removeStream: enqueueActions(({ context: { streams, told }, enqueue }, { key, by }: { key: string; by: By }) => {
      enqueue.assign({ streams: withoutStream(streams, key) })
      const [id, camera] = Object.entries(told).find(([, one]) => one?.identity.key === streamIdentity(key)) ?? []
      if (id === undefined || camera === undefined) return
      enqueue.sendTo(id, { type: 'camera.remove', by })
      enqueue.assign({ told: { ...told, [id]: { ...camera, device: undefined } } })
    }),
    rename: assign({
      registry: ({ context: { registry } }, { camera, name }: Renaming) => withName(registry, camera, name),
    }),
    identify: enqueueActions(({ context, enqueue }) => {
      const { facts, ...next } = identified(context)
      enqueue.assign(next)
      for (const fact of facts) enqueue.emit(fact)
    }),
    noteSaved: assign({ saved: ({ context }) => context.registry }),
    noteFailure: assign({ reason: (_, { error }: { error: unknown }) => reasonFrom(error).details }),
    takeSettings: enqueueActions(({ context, enqueue, self }, { settings, by }: SettingsChanged) => {
      const next = contextAfter(context, settings.fleet)
      const dropped = droppedCameras(context, next.entries)
      for (const id of dropped) enqueue.sendTo(id, { type: 'camera.remove', by: by ?? nobody })
      const told = withoutDevices(context.told, dropped)
      enqueue.assign({ ...next, told, reconnected: [] })
      const { children } = self.getSnapshot()
      for (const [name, event] of settingsEvents(context, next)) {
        if (children[name]) enqueue.sendTo(children[name] as AnyActorRef, event)
      }
    }),
    /** What `configuration` begins with after a crash. */
    keepPending: assign({
      configuration: ({ context: { configuration } }, { plan, request }: PendingChange) => ({
        ...configuration,
        unconfirmed: { plan, request },
      }),
    }),
    keepSettled: assign({
      configuration: (_, { text, settings }: ConfigurationInput) => ({ text, settings }),
    }),
    tellApplied: enqueueActions(({ context: { reconnected }, enqueue, self }) => {
      const { configuration, link } = self.getSnapshot().children
      if (reconnected === undefined || !configuration) return
      const scope = { cameras: reconnected, server: link?.getSnapshot().hasTag('up') === true }
      enqueue.sendTo(configuration, { type: 'settings.applied', scope })
      enqueue.assign({ reconnected: undefined })
    }),
    tellCameras: enqueueActions(({ context, enqueue, self }) => {
      const { told, present, obstacles } = context
      const children: Record<string, AnyActorRef | undefined> = self.getSnapshot().children
      const next: FleetContext['told'] = {}
      const reconnected: CameraId[] = []
      for (const camera of present) {
        const { id, identity, device } = camera
        const [before, setup] = [told[id], setupOf(context, camera)]
        next[id] = { device, identity, setup, entry: camera.entry }
        if (!before) {
          const input = { id, identity, device, obstacles, ...setup }
          enqueue.spawnChild('camera', { id, systemId: `camera:${id}`, input })
          continue
        }
        if (!isSame(before.setup, setup)) enqueue.sendTo(id, { type: 'camera.configured', setup })
        if (!isSame(before.identity, identity)) enqueue.sendTo(id, { type: 'identity.changed', identity })
        const isMoved = !before.device || !isSameDevice(before.device, device)
        if (!before.device) enqueue.sendTo(id, { type: 'device.found', device, identity })
        else if (isMoved || !isSameStream(before.setup.settings, setup.settings)) {
          const isConfigured = !isMoved || (device.kind === 'rtsp' && !device.added)
          const why = isConfigured ? { reason: because('reconfigured') } : {}
          enqueue.sendTo(id, { type: 'device.replaced', device, identity, ...why })
          if (children[id]?.getSnapshot().hasTag('available')) reconnected.push(id)
        }
      }
      for (const [id, before] of Object.entries(told) as [CameraId, Known][]) {
        if (next[id]) continue
        next[id] = { identity: before.identity, setup: before.setup, entry: before.entry }
        if (before.device) enqueue.sendTo(id, { type: 'device.removed', reason: because('unplugged') })
      }
      enqueue.assign({ told: next, ...(context.reconnected && { reconnected }) })
      enqueue.raise({ type: 'cameras.told' })
    }),
    reapCamera: enqueueActions(({ context: { told }, enqueue }, { actorId }: { actorId: string }) => {
      enqueue.stopChild(actorId)
      enqueue.assign({ told: Object.fromEntries(Object.entries(told).filter(([id]) => id !== actorId)) })
    }),
    respawn: enqueueActions(({ enqueue }) => {
      enqueue.raise({ type: 'camera.respawn' }, { delay: 'restartPause' })
    }),
    noteObstacle: enqueueActions(({ context: { told, obstacles }, event, enqueue }) => {
      const [subject] = event.type.split('.') as ['storage' | 'server']
      enqueue.assign({ obstacles: { ...obstacles, [subject]: 'reason' in event ? event.reason : undefined } })
      for (const id of Object.keys(told)) enqueue.sendTo(id, event)
    }),
    /** After a full disk, the recordings of the highest priority continue first. */
    allowHighest: enqueueActions(({ context, enqueue, self }) => {
      enqueue.assign({ obstacles: { ...context.obstacles, storage: undefined } })
      const cameras = contendersOf(context, self.getSnapshot().children)
      const { allow } = whileStrained(cameras)
      for (const { id } of cameras)
        enqueue.sendTo(id, allow.includes(id) ? { type: 'storage.freed' } : { type: 'storage.blocked', reason: yields })
    }),
    blockLowest: enqueueActions(({ context, enqueue, self }) => {
      const { block, allow } = whileStrained(contendersOf(context, self.getSnapshot().children))
      for (const id of block) enqueue.sendTo(id, { type: 'storage.blocked', reason: yields })
      for (const id of allow) enqueue.sendTo(id, { type: 'storage.freed' })
    }),
    allowNext: enqueueActions(({ context, enqueue, self }) => {
      const { children } = self.getSnapshot()
      const { allow, isSettled } = whileRelaxed(contendersOf(context, children))
      for (const id of allow) enqueue.sendTo(id, { type: 'storage.freed' })
      if (isSettled && children.storage) enqueue.sendTo(children.storage, { type: 'strain.settled' })
    }),
    passToRetention: enqueueActions(({ event, enqueue, self }) => {
      const { retention } = self.getSnapshot().children
      if (retention && event.type === 'storage.pressed')
        enqueue.sendTo(retention, { type: 'space.needed', missing: event.missing, folder: event.folder })
    }),
    checkStorage: enqueueActions(({ enqueue, self }) => {
      const { storage } = self.getSnapshot().children
      if (storage) enqueue.sendTo(storage, { type: 'disk.check' })
    }),
    /** While `storage` does not run, the disk is not monitored, so recordings are blocked. */
    blockStorage: enqueueActions(({ enqueue }) => {
      const reason = because('storage_unknown', 'the disk check crashed and is being restarted')
      enqueue.raise({ type: 'storage.blocked', reason })
    }),
    loseServer: enqueueActions(({ enqueue }) => {
      const reason = because('crashed', 'the link to the media server crashed and is being restarted')
      enqueue.raise({ type: 'server.lost', reason })
    }),
    /** The restarted actor still has to kick the readers of the crashed one when their credentials expire. */
    keepReaders: assign(({ context: { mediaSessions }, self }) => {
      const crashed = self.getSnapshot().children.mediaSessions?.getSnapshot()
      return { mediaSessions: { ...mediaSessions, readers: afterRestart(crashed?.context.readers ?? []) } }
    }),
    noteCrash: enqueueActions(({ context: { crashes }, enqueue, self }, { actorId, error }: Crash) => {
      enqueue.assign({ crashes: crashes + 1 })
      enqueue.emit({
        type: 'actor.failed',
        actor: /^camera\d/.test(actorId) ? `camera:${actorId}` : actorId,
        reason: because('crashed', reasonFrom(error).details),
        restarts: crashes + 1,
      })
      // A recording closes its file, and continues with the restarted camera; the others stop at once.
      for (const [id, orphan] of orphansOf(self.getSnapshot().children[actorId]))
        enqueue.sendTo(orphan, { type: id === 'recording' ? 'service.stopping' : 'xstate.stop' })
      enqueue.raise({ type: 'actor.crashed' })
    }),
    forgetCrashes: assign({ crashes: 0 }),
    stopCameras: enqueueActions(({ context: { told }, enqueue }) => {
      for (const id of Object.keys(told)) enqueue.sendTo(id, { type: 'service.stopping' })
    }),
    abandonCameras: enqueueActions(({ context: { told }, enqueue }) => {
      for (const id of Object.keys(told)) enqueue.stopChild(id)
      enqueue.assign({ told: {} })
    }),
    stopServices: enqueueActions(({ enqueue }) => enqueue.raise({ type: 'services.stop' })),
    tellLink: enqueueActions(({ enqueue, self }, { ended }: { ended?: Reason }) => {
      const { link } = self.getSnapshot().children
      if (!link) return
      enqueue.sendTo(link, ended === undefined ? { type: 'server.runs' } : { type: 'server.ended', reason: ended })
      enqueue.sendTo(link, { type: 'link.check' })
    }),
    /** Tells the server's process whether its API answers. */
    passToServer: enqueueActions(({ event, enqueue, self }) => {
      const { serverProcess } = self.getSnapshot().children
      if (serverProcess) enqueue.sendTo(serverProcess, event as ServerProcessEvent)
    }),
    keepDeadline: assign({ stopUntil: (_, { until }: { until?: number }) => until }),
    endServer: enqueueActions(({ context: { stopUntil }, enqueue, self }) => {
      enqueue.raise({ type: 'server.release' })
      const { serverProcess } = self.getSnapshot().children
      if (serverProcess) enqueue.sendTo(serverProcess, { type: 'server.end', until: stopUntil })
    }),
    answerPing: assign({ pong: (_, { id }: { id: number }) => id }),
    tellStarted: emit({ type: 'system.started' }),
    tellStopping: emit((_, { reason }: { reason: string }) => ({ type: 'system.stopping', reason })),
  },
  delays: {
    saveRetry: 5_000,
    drainLimit: 8_000,
    releaseLimit: 2_000,
    endLimit: 10_000,
    calm: 60_000,
    /** The first restart is immediate; then 1 s, 2 s, 4 s … */
    restartPause: ({ context: { crashes } }) => (crashes <= 1 ? 0 : 500 * 2 ** Math.min(crashes - 1, 6)),
  },
})

type SettingsChanged = Extract<ConfigurationMessage, { type: 'settings.changed' }>
