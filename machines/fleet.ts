import { type Crash, type FleetContext, initialContext } from './fleetContext.js'
import { fleetSetup } from './fleetSetup.js'

type Child =
  | 'serverProcess'
  | 'link'
  | 'storage'
  | 'discovery'
  | 'externalDiscovery'
  | 'externalStreams'
  | 'retention'
  | 'quarantine'
  | 'indexing'
  | 'mediaSessions'
  | 'clockWatch'
  | 'configuration'
  | 'simulation'

/** Returns the states of a supervised child: after a crash it is restarted with a delay. */
const supervised = <Name extends Child, Input, Action extends 'loseServer' | 'blockStorage' | 'keepReaders'>(
  name: Name,
  input?: (scope: { context: FleetContext }) => Input,
  ...also: Action[]
) =>
  ({
    initial: 'running',
    states: {
      running: {
        invoke: {
          src: name,
          id: name,
          systemId: name,
          input,
          onError: {
            target: 'crashed',
            actions: [{ type: 'noteCrash', params: ({ event }: { event: Crash }) => event }, ...also],
          },
        },
      },
      crashed: { after: { restartPause: 'running' } },
    },
  }) as const

/** The same of a child that ends before the service. */
const stoppable = <Name extends Child, Input, Action extends 'loseServer' | 'blockStorage' | 'keepReaders'>(
  ...parts: Parameters<typeof supervised<Name, Input, Action>>
) => {
  const { initial, states } = supervised(...parts)
  return { initial, states: { ...states, off: {} } } as const
}

const running = stoppable('simulation', ({ context: { simulation } }: { context: FleetContext }) => simulation)

/** Off, unless the service simulates. */
const simulated = {
  ...running,
  initial: 'deciding',
  states: {
    ...running.states,
    deciding: { always: [{ guard: 'isSimulated', target: 'running' }, { target: 'off' }] },
  },
} as const

/**
 * The root. Spawns an actor for each camera detected since the start and sends it the changes of its device. On
 * `system.stop`, discovery stops first, then the cameras drain while the media server still runs, so that it can close
 * their files. A crashed child is restarted; while `storage` does not run, recordings are blocked.
 */
export const fleetMachine = fleetSetup.createMachine({
  id: 'fleet',
  context: ({ input }) => initialContext(input),
  initial: 'loading',
  on: { 'system.ping': { actions: { type: 'answerPing', params: ({ event }) => event } } },
  states: {
    loading: {
      invoke: {
        src: 'loadRegistry',
        onDone: { target: 'serving', actions: { type: 'keepRegistry', params: ({ event }) => event.output } },
        onError: { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => event } },
      },
      on: { 'system.stop': { target: 'stopped', actions: { type: 'tellStopping', params: ({ event }) => event } } },
    },
    serving: {
      type: 'parallel',
      on: {
        'storage.blocked': { actions: 'noteObstacle' },
        'storage.freed': [
          { guard: { type: 'isGradual', params: ({ event }) => event }, actions: 'allowHighest' },
          { guard: { type: 'isPlain', params: ({ event }) => event }, actions: 'noteObstacle' },
        ],
        'storage.strained': { guard: 'isStorageFree', actions: 'blockLowest' },
        'storage.relaxed': { guard: 'isStorageFree', actions: 'allowNext' },
        'storage.pressed': { actions: 'passToRetention' },
        'writing.began': { actions: 'checkStorage' },
        'disk.simulated': { actions: 'checkStorage' },
        'server.lost': { actions: 'noteObstacle' },
        'server.restored': { actions: 'noteObstacle' },
        'server.changed': { actions: { type: 'tellLink', params: ({ event }) => event } },
        'server.silent': { actions: 'passToServer' },
        'server.answers': { actions: 'passToServer' },
      },
      states: {
        cameras: {
          initial: 'running',
          on: {
            'xstate.done.actor.*': {
              guard: { type: 'isCamera', params: ({ event }) => event },
              actions: { type: 'reapCamera', params: ({ event }) => event },
            },
            'xstate.error.actor.*': {
              guard: { type: 'isCamera', params: ({ event }) => event },
              actions: [
                { type: 'noteCrash', params: ({ event }) => event },
                { type: 'reapCamera', params: ({ event }) => event },
                'respawn',
              ],
            },
          },
          states: {
            running: {
              tags: 'running',
              entry: 'tellStarted',
              on: {
                'system.stop': {
                  target: 'draining',
                  actions: [
                    { type: 'keepDeadline', params: ({ event }) => event },
                    { type: 'tellStopping', params: ({ event }) => event },
                  ],
                },
                'devices.scanned': {
                  target: '.identifying',
                  actions: { type: 'keepDevices', params: ({ event }) => event },
                },
                'device.simulate': {
                  target: '.identifying',
                  actions: { type: 'setAway', params: ({ event }) => event },
                },
                'streams.changed': {
                  target: '.identifying',
                  actions: { type: 'keepStreams', params: ({ event }) => event },
                },
                'stream.removed': {
                  target: '.identifying',
                  actions: { type: 'removeStream', params: ({ event }) => event },
                },
                'settings.changed': {
                  target: '.identifying',
                  actions: { type: 'takeSettings', params: ({ event }) => event },
                },
                'camera.rename': {
                  target: '.identifying',
                  actions: { type: 'rename', params: ({ event }) => event },
                },
                'interval.changed': { actions: { type: 'keepInterval', params: ({ event }) => event } },
                'camera.respawn': '.identifying',
              },
              initial: 'unknown',
              states: {
                unknown: {
                  on: { 'settings.changed': { actions: { type: 'takeSettings', params: ({ event }) => event } } },
                },
                identifying: {
                  entry: 'identify',
                  always: [{ guard: 'isSaved', target: 'settled' }, { target: 'saving' }],
                },
                // An id is saved before it is used. If saving fails, the cameras are served anyway and saving is
                // retried.
                saving: {
                  invoke: {
                    src: 'saveRegistry',
                    input: ({ context }) => ({ registry: context.registry }),
                    onDone: { target: 'settled', actions: 'noteSaved' },
                    onError: {
                      target: 'settled.unkept',
                      actions: { type: 'noteFailure', params: ({ event }) => event },
                    },
                  },
                },
                settled: {
                  tags: 'ready',
                  entry: 'tellCameras',
                  initial: 'kept',
                  states: { kept: {}, unkept: { after: { saveRetry: '#fleet.serving.cameras.running.saving' } } },
                  // A removed stream may be added again while its camera drains: the new camera starts when the old one
                  // is gone.
                  on: {
                    'xstate.done.actor.*': {
                      guard: { type: 'isCamera', params: ({ event }) => event },
                      actions: [{ type: 'reapCamera', params: ({ event }) => event }, 'tellCameras'],
                    },
                  },
                },
              },
            },
            draining: {
              entry: ['stopServices', 'stopCameras'],
              always: { guard: 'isEmpty', target: 'releasing' },
              after: { drainLimit: { target: 'releasing', actions: 'abandonCameras' } },
            },
            // Waits until the paths of the cameras are removed.
            releasing: {
              invoke: { src: 'settlePaths', onDone: 'ending', onError: 'ending' },
              after: { releaseLimit: 'ending' },
            },
            ending: {
              entry: 'endServer',
              on: { 'xstate.done.actor.serverProcess': '#fleet.stopped' },
              after: { endLimit: '#fleet.stopped' },
            },
          },
        },
        serverProcess: supervised('serverProcess'),
        link: { ...stoppable('link', ({ context }) => context.link, 'loseServer'), on: { 'server.release': '.off' } },
        storage: {
          ...stoppable(
            'storage',
            ({ context: { storage, hasFallback } }) => ({ ...storage, hasFallback }),
            'blockStorage',
          ),
          on: { 'services.stop': '.off' },
        },
        discovery: {
          ...stoppable('discovery', ({ context: { pollEvery } }) => ({ pollEvery })),
          on: { 'services.stop': '.off' },
        },
        externalDiscovery: {
          ...stoppable('externalDiscovery', ({ context }) => context.external),
          on: { 'services.stop': '.off' },
        },
        externalStreams: {
          ...stoppable('externalStreams', ({ context: { streams, entries, externalStreams } }) => ({
            streams,
            entries,
            ...externalStreams,
          })),
          on: { 'services.stop': '.off' },
        },
        mediaSessions: supervised('mediaSessions', ({ context }) => context.mediaSessions, 'keepReaders'),
        clockWatch: supervised('clockWatch'),
        configuration: {
          ...stoppable('configuration', ({ context }) => context.configuration),
          on: {
            'services.stop': '.off',
            'cameras.told': { actions: 'tellApplied' },
            'change.pending': { actions: { type: 'keepPending', params: ({ event }) => event } },
            'change.settled': { actions: { type: 'keepSettled', params: ({ event }) => event } },
          },
        },
        retention: { ...stoppable('retention', ({ context }) => context.retention), on: { 'services.stop': '.off' } },
        quarantine: { ...stoppable('quarantine'), on: { 'services.stop': '.off' } },
        indexing: { ...stoppable('indexing', ({ context }) => context.indexing), on: { 'services.stop': '.off' } },
        simulation: { ...simulated, on: { 'services.stop': '.off' } },
        start: {
          initial: 'pending',
          states: { pending: { on: { 'cameras.told': 'done' } }, done: { tags: 'started' } },
        },
        crashes: {
          initial: 'calm',
          states: {
            calm: { on: { 'actor.crashed': 'troubled' } },
            troubled: {
              always: { guard: 'isBroken', target: '#fleet.broken' },
              after: { calm: { target: 'calm', actions: 'forgetCrashes' } },
            },
          },
        },
      },
    },
    failed: { type: 'final', tags: 'over' },
    // Too many crashes: the process exits, and systemd restarts it.
    broken: { type: 'final', tags: ['over', 'broken'] },
    stopped: { type: 'final', tags: 'over' },
  },
})
