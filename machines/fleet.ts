import { assign, type DoneActorEvent, type ErrorActorEvent, emit, enqueueActions, setup } from 'xstate'
import { cameraMachine } from './camera.js'
import { discoveryMachine } from './discovery.js'
import type { CameraId, Device, Identity, UsbDevice } from './domain/camera.js'
import { reasonOf } from './domain/errors.js'
import type { AddedStream } from './domain/external.js'
import type { By, SystemFact } from './domain/facts.js'
import type { CameraEntry, Registry } from './domain/ports.js'
import { isSameDevice, type Present, roster } from './domain/roster.js'
import { streamIdentity, streamKey } from './domain/streamUrl.js'
import { type ExternalDiscoveryInput, externalDiscoveryMachine } from './externalDiscovery.js'
import { type ExternalStreamsInput, type ExternalStreamsMessage, externalStreamsMachine } from './externalStreams.js'
import { promiseHole } from './hole.js'
import { mediamtxLinkMachine } from './mediamtxLink.js'
import { type RetentionInput, retentionMachine } from './retention.js'
import { serverProcessMachine } from './serverProcess.js'
import { type StorageInput, storageMachine, whyBlocked } from './storage.js'

export interface FleetInput {
  entries: CameraEntry[]
  /** Adds a virtual camera when the first look finds none. */
  demoWhenNone: boolean
  pollEvery: number
  storage: StorageInput
  retention?: RetentionInput
  /** What clients have added, as kept; left out while external discovery is disabled. */
  streams?: AddedStream[]
  /** Default: disabled. */
  external?: ExternalDiscoveryInput
  externalStreams?: Pick<ExternalStreamsInput, 'maxStreams' | 'interval'>
}

export type FleetEvent =
  | { type: 'system.stop'; reason: string }
  /** A virtual camera is played unplugged, or plugged again. */
  | { type: 'device.simulate'; camera: CameraId; away: boolean }
  /** In the place of one with the same `streamKey`, if there is one. Whoever sends this has kept it. */
  | { type: 'stream.add'; stream: AddedStream }
  | { type: 'stream.remove'; key: string; by: By }
  | ExternalStreamsMessage
  | DoneActorEvent<unknown, CameraId>
  | ErrorActorEvent<unknown, CameraId>

interface FleetContext extends FleetInput {
  streams: AddedStream[]
  external: ExternalDiscoveryInput
  externalStreams: Pick<ExternalStreamsInput, 'maxStreams' | 'interval'>
  retention: RetentionInput
  registry: Registry
  /** The registry differs from what is kept. */
  unsaved: boolean
  devices?: UsbDevice[]
  away: CameraId[]
  /** Who is there now, as last worked out. */
  present: Present[]
  /** What each camera's actor was last told: its device, or that it is gone. */
  told: Partial<Record<CameraId, { device?: Device; identity: Identity }>>
  /** Why nothing may be written now; empty: it may. */
  blocked: string
  /** The media server's process runs, or is not ours. */
  serverRuns: boolean
  reason?: string
}

/**
 * The root. Spawns an actor for each camera that was ever seen in this life, tells it of its device's comings and goings,
 * and outlives them all: on `system.stop` the cameras drain first, while discovery is already still and the media server
 * still there to close their files.
 */
export const fleetMachine = setup({
  types: {
    input: {} as FleetInput,
    context: {} as FleetContext,
    events: {} as FleetEvent,
    emitted: {} as SystemFact,
    tags: {} as 'running' | 'ready' | 'over',
    children: {} as {
      discovery: 'discovery'
      externalDiscovery: 'externalDiscovery'
      externalStreams: 'externalStreams'
      serverProcess: 'serverProcess'
      link: 'link'
      storage: 'storage'
      retention: 'retention'
    },
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
    loadRegistry: promiseHole<Registry>('loadRegistry'),
    saveRegistry: promiseHole<void, { registry: Registry }>('saveRegistry'),
  },
  guards: {
    isNews: ({ context }, { devices }: { devices: UsbDevice[] | undefined }) =>
      devices !== undefined && devices !== context.devices,
    isSaved: ({ context }) => !context.unsaved,
    isUnsaved: ({ context }) => context.unsaved,
    isEmpty: ({ context }) => Object.keys(context.told).length === 0,
    isServerNews: ({ context }, { runs }: { runs: boolean }) => runs !== context.serverRuns,
    isBlockNews: ({ context }, { blocked }: { blocked: string }) => (blocked === '') !== (context.blocked === ''),
  },
  actions: {
    keepRegistry: assign({ registry: (_, registry: Registry) => registry }),
    keepDevices: assign(({ context }, { devices = [] }: { devices: UsbDevice[] | undefined }) => ({
      devices,
      entries: withDemo(context, devices),
    })),
    setAway: assign({
      away: ({ context }, { camera, away }: { camera: CameraId; away: boolean }) => [
        ...context.away.filter((id) => id !== camera),
        ...(away ? [camera] : []),
      ],
    }),
    addStream: assign({
      streams: ({ context: { streams } }, { stream }: { stream: AddedStream }) => [
        ...without(streams, streamKey(stream.url)),
        stream,
      ],
    }),
    keepStreams: assign({ streams: (_, { streams }: { streams: AddedStream[] }) => streams }),
    keepInterval: enqueueActions(({ context, enqueue }, { interval }: { interval: number }) => {
      enqueue.assign({
        external: { ...context.external, interval },
        externalStreams: { ...context.externalStreams, interval },
      })
      enqueue.sendTo('externalDiscovery', { type: 'interval.set', interval })
    }),
    removeStream: enqueueActions(({ context: { streams, told }, enqueue }, { key, by }: { key: string; by: By }) => {
      enqueue.assign({ streams: without(streams, key) })
      const [id, camera] = Object.entries(told).find(([, one]) => one?.identity.key === streamIdentity(key)) ?? []
      if (id === undefined || camera === undefined) return
      enqueue.sendTo(id, { type: 'camera.remove', by })
      enqueue.assign({ told: { ...told, [id]: { identity: camera.identity } } })
    }),
    identify: assign(({ context }) => {
      const { registry, present, changed } = roster({ ...context, devices: context.devices ?? [] }, context.registry)
      return { registry, present, unsaved: context.unsaved || changed }
    }),
    noteSaved: assign({ unsaved: false }),
    noteFailure: assign({ reason: (_, { reason }: { reason: string }) => reason }),
    tellCameras: enqueueActions(({ context: { told, present }, enqueue }) => {
      const next: FleetContext['told'] = {}
      for (const { id, name, identity, settings, device } of present) {
        const before = told[id]
        next[id] = { device, identity }
        if (!before)
          enqueue.spawnChild('camera', {
            id,
            systemId: `camera:${id}`,
            input: { id, name, identity, settings, device },
          })
        else if (!before.device) enqueue.sendTo(id, { type: 'device.found', device, identity })
        else if (!isSameDevice(before.device, device)) enqueue.sendTo(id, { type: 'device.replaced', device, identity })
        if (before && before.identity.key !== identity.key) enqueue.sendTo(id, { type: 'identity.changed', identity })
      }
      for (const [id, before] of Object.entries(told) as [CameraId, { device?: Device; identity: Identity }][]) {
        if (next[id]) continue
        next[id] = { identity: before.identity }
        if (before.device) enqueue.sendTo(id, { type: 'device.removed', reason: 'unplugged' })
      }
      enqueue.assign({ told: next })
    }),
    reapCamera: enqueueActions(({ context: { told }, enqueue }, { actorId }: { actorId: string }) => {
      enqueue.stopChild(actorId)
      enqueue.assign({ told: Object.fromEntries(Object.entries(told).filter(([id]) => id !== actorId)) })
    }),
    noteBlock: enqueueActions(({ context: { told }, enqueue }, { blocked }: { blocked: string }) => {
      enqueue.assign({ blocked })
      if (blocked) for (const id of Object.keys(told)) enqueue.sendTo(id, { type: 'storage.blocked', reason: blocked })
    }),
    stopCameras: enqueueActions(({ context: { told }, enqueue }) => {
      for (const id of Object.keys(told)) enqueue.sendTo(id, { type: 'service.stopping' })
    }),
    abandonCameras: enqueueActions(({ context: { told }, enqueue }) => {
      for (const id of Object.keys(told)) enqueue.stopChild(id)
    }),
    checkLink: enqueueActions(({ enqueue }, { runs }: { runs: boolean }) => {
      enqueue.assign({ serverRuns: runs })
      enqueue.sendTo('link', { type: 'link.check' })
    }),
    endServer: enqueueActions(({ enqueue }) => {
      // An end that we ask for is no news to the link.
      enqueue.assign({ serverRuns: false })
      enqueue.sendTo('serverProcess', { type: 'server.end' })
    }),
    tellStarted: emit({ type: 'system.started' }),
    tellStopping: emit((_, { reason }: { reason: string }) => ({ type: 'system.stopping', reason })),
  },
  delays: {
    saveRetry: 5_000,
    /** `app.ts` sets it by the time that a stop may take. */
    drainLimit: 8_000,
  },
}).createMachine({
  id: 'fleet',
  context: ({ input }) => ({
    ...input,
    streams: input.external?.enabled === false ? [] : (input.streams ?? []),
    retention: input.retention ?? { policy: { type: 'manual', enabled: false }, checkInterval: 3_600_000 },
    external: input.external ?? { enabled: false, interval: 0, atStart: false, skydio: false, generic: false },
    externalStreams: input.externalStreams ?? { maxStreams: 0 },
    registry: { next: 0, cameras: [], sharedSerials: [] },
    unsaved: false,
    away: [],
    present: [],
    told: {},
    blocked: '',
    serverRuns: false,
  }),
  initial: 'loading',
  states: {
    loading: {
      invoke: {
        src: 'loadRegistry',
        onDone: { target: 'serving', actions: { type: 'keepRegistry', params: ({ event }) => event.output } },
        onError: {
          target: 'failed',
          actions: { type: 'noteFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
    },
    serving: {
      invoke: [
        {
          src: 'serverProcess',
          id: 'serverProcess',
          systemId: 'serverProcess',
          onSnapshot: {
            guard: { type: 'isServerNews', params: ({ event }) => ({ runs: event.snapshot.hasTag('running') }) },
            actions: { type: 'checkLink', params: ({ event }) => ({ runs: event.snapshot.hasTag('running') }) },
          },
        },
        { src: 'link', id: 'link', systemId: 'link' },
      ],
      on: {
        'xstate.done.actor.*': { actions: { type: 'reapCamera', params: ({ event }) => event } },
        'xstate.error.actor.*': { actions: { type: 'reapCamera', params: ({ event }) => event } },
      },
      initial: 'running',
      states: {
        running: {
          tags: 'running',
          entry: 'tellStarted',
          on: {
            'system.stop': { target: 'draining', actions: { type: 'tellStopping', params: ({ event }) => event } },
            'device.simulate': {
              target: '.cameras.identifying',
              actions: { type: 'setAway', params: ({ event }) => event },
            },
            'stream.add': {
              target: '.cameras.identifying',
              actions: { type: 'addStream', params: ({ event }) => event },
            },
            'stream.remove': {
              target: '.cameras.identifying',
              actions: { type: 'removeStream', params: ({ event }) => event },
            },
            'streams.changed': {
              target: '.cameras.identifying',
              actions: { type: 'keepStreams', params: ({ event }) => event },
            },
            'stream.removed': {
              target: '.cameras.identifying',
              actions: { type: 'removeStream', params: ({ event }) => event },
            },
            'interval.changed': { actions: { type: 'keepInterval', params: ({ event }) => event } },
          },
          invoke: [
            {
              src: 'discovery',
              id: 'discovery',
              systemId: 'discovery',
              input: ({ context }) => context,
              onSnapshot: {
                guard: { type: 'isNews', params: ({ event }) => ({ devices: event.snapshot.context.devices }) },
                target: '.cameras.identifying',
                actions: { type: 'keepDevices', params: ({ event }) => ({ devices: event.snapshot.context.devices }) },
              },
            },
            {
              src: 'externalDiscovery',
              id: 'externalDiscovery',
              systemId: 'externalDiscovery',
              input: ({ context }) => context.external,
            },
            {
              src: 'externalStreams',
              id: 'externalStreams',
              systemId: 'externalStreams',
              input: ({ context: { streams, entries, externalStreams } }) => ({ streams, entries, ...externalStreams }),
            },
            { src: 'retention', id: 'retention', systemId: 'retention', input: ({ context }) => context.retention },
            {
              src: 'storage',
              id: 'storage',
              systemId: 'storage',
              input: ({ context }) => context.storage,
              onSnapshot: {
                guard: { type: 'isBlockNews', params: ({ event }) => ({ blocked: whyBlocked(event.snapshot) }) },
                actions: { type: 'noteBlock', params: ({ event }) => ({ blocked: whyBlocked(event.snapshot) }) },
              },
            },
          ],
          type: 'parallel',
          states: {
            cameras: {
              initial: 'unknown',
              states: {
                unknown: {},
                identifying: {
                  entry: 'identify',
                  always: [{ guard: 'isSaved', target: 'settled' }, { target: 'saving' }],
                },
                // An id is kept before anybody hears of it; where that fails, serving goes before keeping, and keeping is tried again.
                saving: {
                  invoke: {
                    src: 'saveRegistry',
                    input: ({ context }) => context,
                    onDone: { target: 'settled', actions: 'noteSaved' },
                    onError: {
                      target: 'settled',
                      actions: {
                        type: 'noteFailure',
                        params: ({ event }) => ({ reason: `the camera ids cannot be kept: ${reasonOf(event.error)}` }),
                      },
                    },
                  },
                },
                settled: {
                  tags: 'ready',
                  entry: 'tellCameras',
                  after: { saveRetry: { guard: 'isUnsaved', target: 'saving' } },
                  // A removed stream may have been added again while its camera was leaving: it comes back when that one is gone.
                  on: {
                    'xstate.done.actor.*': {
                      actions: [{ type: 'reapCamera', params: ({ event }) => event }, 'tellCameras'],
                    },
                  },
                },
              },
            },
          },
        },
        draining: {
          entry: 'stopCameras',
          always: { guard: 'isEmpty', target: 'ending' },
          after: { drainLimit: { target: 'ending', actions: 'abandonCameras' } },
        },
        ending: { entry: 'endServer', on: { 'xstate.done.actor.*': '#fleet.stopped' } },
      },
    },
    failed: { type: 'final', tags: 'over' },
    stopped: { type: 'final', tags: 'over' },
  },
})

/** The demonstration camera is decided once, by the first look. */
function withDemo(
  { entries, streams, devices: before, demoWhenNone }: FleetContext,
  devices: UsbDevice[],
): CameraEntry[] {
  if (
    before !== undefined ||
    !demoWhenNone ||
    devices.length + streams.length > 0 ||
    entries.some((entry) => entry.enabled)
  )
    return entries
  return [...entries, { name: 'demo', source: { kind: 'virtual' }, enabled: true, settings: {} }]
}

const without = (streams: AddedStream[], key: string): AddedStream[] =>
  streams.filter(({ url }) => streamKey(url) !== key)
