// Generated from machines/fleet.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { createMachine, fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    camera: createMachine({ id: 'camera' }),
    discovery: createMachine({ id: 'discovery' }),
    externalDiscovery: createMachine({ id: 'externalDiscovery' }),
    externalStreams: createMachine({ id: 'externalStreams' }),
    serverProcess: createMachine({ id: 'serverProcess' }),
    link: createMachine({ id: 'mediamtxLink' }),
    storage: createMachine({ id: 'storage' }),
    retention: createMachine({ id: 'retention' }),
    quarantine: createMachine({ id: 'quarantine' }),
    indexing: createMachine({ id: 'indexing' }),
    mediaSessions: createMachine({ id: 'mediaSessions' }),
    clockWatch: createMachine({ id: 'clockWatch' }),
    configuration: createMachine({ id: 'configuration' }),
    simulation: createMachine({ id: 'simulation' }),
    loadRegistry: fromPromise(async () => {}),
    saveRegistry: fromPromise(async () => {}),
    settlePaths: fromPromise(async () => {}),
  },
  actions: {
    keepRegistry: () => {},
    keepDevices: () => {},
    setAway: () => {},
    keepStreams: () => {},
    keepInterval: () => {},
    removeStream: () => {},
    rename: () => {},
    identify: () => {},
    noteSaved: () => {},
    noteFailure: () => {},
    takeSettings: () => {},
    keepPending: () => {},
    keepSettled: () => {},
    tellApplied: () => {},
    tellCameras: () => {},
    reapCamera: () => {},
    respawn: () => {},
    noteObstacle: () => {},
    allowHighest: () => {},
    blockLowest: () => {},
    allowNext: () => {},
    passToRetention: () => {},
    checkStorage: () => {},
    blockStorage: () => {},
    loseServer: () => {},
    keepReaders: () => {},
    noteCrash: () => {},
    forgetCrashes: () => {},
    stopCameras: () => {},
    abandonCameras: () => {},
    stopServices: () => {},
    tellLink: () => {},
    passToServer: () => {},
    keepDeadline: () => {},
    endServer: () => {},
    answerPing: () => {},
    tellStarted: () => {},
    tellStopping: () => {},
  },
  guards: {
    isSaved: () => false,
    isEmpty: () => false,
    isCamera: () => true,
    isStorageFree: () => true,
    isGradual: () => true,
    isPlain: () => true,
    isSimulated: () => false,
    isBroken: () => false,
  },
  delays: {
    saveRetry: 5000,
    drainLimit: 8000,
    releaseLimit: 2000,
    endLimit: 10000,
    calm: 60000,
    restartPause: 1000,
  },
}).createMachine({
  id: 'fleet',
  initial: 'loading',
  on: { 'system.ping': { actions: { type: 'answerPing' } } },
  states: {
    loading: {
      invoke: {
        src: 'loadRegistry',
        onDone: { target: 'serving', actions: { type: 'keepRegistry' } },
        onError: { target: 'failed', actions: { type: 'noteFailure' } },
      },
      on: { 'system.stop': { target: 'stopped', actions: { type: 'tellStopping' } } },
    },
    serving: {
      type: 'parallel',
      on: {
        'storage.blocked': { actions: 'noteObstacle' },
        'storage.freed': [
          { guard: { type: 'isGradual' }, actions: 'allowHighest' },
          { guard: { type: 'isPlain' }, actions: 'noteObstacle' },
        ],
        'storage.strained': { guard: 'isStorageFree', actions: 'blockLowest' },
        'storage.relaxed': { guard: 'isStorageFree', actions: 'allowNext' },
        'storage.pressed': { actions: 'passToRetention' },
        'writing.began': { actions: 'checkStorage' },
        'disk.simulated': { actions: 'checkStorage' },
        'server.lost': { actions: 'noteObstacle' },
        'server.restored': { actions: 'noteObstacle' },
        'server.changed': { actions: { type: 'tellLink' } },
        'server.silent': { actions: 'passToServer' },
        'server.answers': { actions: 'passToServer' },
      },
      states: {
        cameras: {
          initial: 'running',
          on: {
            'xstate.done.actor.*': { guard: { type: 'isCamera' }, actions: { type: 'reapCamera' } },
            'xstate.error.actor.*': {
              guard: { type: 'isCamera' },
              actions: [{ type: 'noteCrash' }, { type: 'reapCamera' }, 'respawn'],
            },
          },
          states: {
            running: {
              tags: 'running',
              entry: 'tellStarted',
              on: {
                'system.stop': {
                  target: 'draining',
                  actions: [{ type: 'keepDeadline' }, { type: 'tellStopping' }],
                },
                'devices.scanned': { target: '.identifying', actions: { type: 'keepDevices' } },
                'device.simulate': { target: '.identifying', actions: { type: 'setAway' } },
                'streams.changed': { target: '.identifying', actions: { type: 'keepStreams' } },
                'stream.removed': { target: '.identifying', actions: { type: 'removeStream' } },
                'settings.changed': { target: '.identifying', actions: { type: 'takeSettings' } },
                'camera.rename': { target: '.identifying', actions: { type: 'rename' } },
                'interval.changed': { actions: { type: 'keepInterval' } },
                'camera.respawn': '.identifying',
              },
              initial: 'unknown',
              states: {
                unknown: { on: { 'settings.changed': { actions: { type: 'takeSettings' } } } },
                identifying: {
                  entry: 'identify',
                  always: [{ guard: 'isSaved', target: 'settled' }, { target: 'saving' }],
                },
                saving: {
                  invoke: {
                    src: 'saveRegistry',
                    onDone: { target: 'settled', actions: 'noteSaved' },
                    onError: { target: 'settled.unkept', actions: { type: 'noteFailure' } },
                  },
                },
                settled: {
                  tags: 'ready',
                  entry: 'tellCameras',
                  initial: 'kept',
                  states: {
                    kept: {},
                    unkept: { after: { saveRetry: '#fleet.serving.cameras.running.saving' } },
                  },
                  on: {
                    'xstate.done.actor.*': {
                      guard: { type: 'isCamera' },
                      actions: [{ type: 'reapCamera' }, 'tellCameras'],
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
        serverProcess: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'serverProcess',
                id: 'serverProcess',
                systemId: 'serverProcess',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
          },
        },
        link: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'link',
                id: 'link',
                systemId: 'link',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }, 'loseServer'] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
          },
          on: { 'server.release': '.off' },
        },
        storage: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'storage',
                id: 'storage',
                systemId: 'storage',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }, 'blockStorage'] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
          },
          on: { 'services.stop': '.off' },
        },
        discovery: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'discovery',
                id: 'discovery',
                systemId: 'discovery',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
          },
          on: { 'services.stop': '.off' },
        },
        externalDiscovery: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'externalDiscovery',
                id: 'externalDiscovery',
                systemId: 'externalDiscovery',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
          },
          on: { 'services.stop': '.off' },
        },
        externalStreams: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'externalStreams',
                id: 'externalStreams',
                systemId: 'externalStreams',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
          },
          on: { 'services.stop': '.off' },
        },
        mediaSessions: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'mediaSessions',
                id: 'mediaSessions',
                systemId: 'mediaSessions',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }, 'keepReaders'] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
          },
        },
        clockWatch: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'clockWatch',
                id: 'clockWatch',
                systemId: 'clockWatch',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
          },
        },
        configuration: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'configuration',
                id: 'configuration',
                systemId: 'configuration',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
          },
          on: {
            'services.stop': '.off',
            'cameras.told': { actions: 'tellApplied' },
            'change.pending': { actions: { type: 'keepPending' } },
            'change.settled': { actions: { type: 'keepSettled' } },
          },
        },
        retention: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'retention',
                id: 'retention',
                systemId: 'retention',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
          },
          on: { 'services.stop': '.off' },
        },
        quarantine: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'quarantine',
                id: 'quarantine',
                systemId: 'quarantine',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
          },
          on: { 'services.stop': '.off' },
        },
        indexing: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                src: 'indexing',
                id: 'indexing',
                systemId: 'indexing',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
          },
          on: { 'services.stop': '.off' },
        },
        simulation: {
          initial: 'deciding',
          states: {
            running: {
              invoke: {
                src: 'simulation',
                id: 'simulation',
                systemId: 'simulation',
                onError: { target: 'crashed', actions: [{ type: 'noteCrash' }] },
              },
            },
            crashed: { after: { restartPause: 'running' } },
            off: {},
            deciding: { always: [{ guard: 'isSimulated', target: 'running' }, { target: 'off' }] },
          },
          on: { 'services.stop': '.off' },
        },
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
    broken: { type: 'final', tags: ['over', 'broken'] },
    stopped: { type: 'final', tags: 'over' },
  },
})
