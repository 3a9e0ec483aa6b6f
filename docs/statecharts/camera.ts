// Generated from machines/camera.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { createMachine, fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    demand: createMachine({ id: 'demand' }),
    pipeline: createMachine({ id: 'pipeline' }),
    pull: createMachine({ id: 'pull' }),
    keyframes: createMachine({ id: 'keyframes' }),
    source: createMachine({ id: 'source' }),
    recording: createMachine({ id: 'recording' }),
    snapshot: createMachine({ id: 'snapshot' }),
    probeDevice: fromPromise(async () => {}),
    publishPath: fromPromise(async () => {}),
    recallIntent: fromPromise(async () => {}),
    abandonCapture: fromPromise(async () => {}),
  },
  actions: {
    takeDevice: () => {},
    takeSetup: () => {},
    dropDevice: () => {},
    takeIdentity: () => {},
    keepProbe: () => {},
    takeMedia: () => {},
    noteProbeFailure: () => {},
    takeReason: () => {},
    clearReason: () => {},
    noteObstacle: () => {},
    drain: () => {},
    reconnect: () => {},
    noteFailedEncoder: () => {},
    reconnectWithoutHardware: () => {},
    easeMore: () => {},
    easeLess: () => {},
    stopRecording: () => {},
    loseSource: () => {},
    forgetHolds: () => {},
    releaseKept: () => {},
    tellStreams: () => {},
    forwardToKeyframes: () => {},
    forwardToDemand: () => {},
    beginRecording: () => {},
    continueRecording: () => {},
    tellRecordingReady: () => {},
    tellWriting: () => {},
    keepSegmentLimits: () => {},
    checkPipeline: () => {},
    forwardToRecording: () => {},
    drainRecording: () => {},
    tellLostRecording: () => {},
    reapRecording: () => {},
    tellRecordingOver: () => {},
    beginSnapshot: () => {},
    joinSnapshot: () => {},
    drainSnapshot: () => {},
    tellLostSnapshot: () => {},
    reapSnapshot: () => {},
    tellConnected: () => {},
    tellDisconnected: () => {},
    tellStatus: () => {},
    tellStreamEnd: () => {},
    tellRetired: () => {},
    tellCrash: () => {},
  },
  guards: {
    hasDevice: () => false,
    isNetworked: () => false,
    mayRecord: () => true,
    mayStream: () => true,
    isAvailable: () => true,
    isRecalled: () => true,
    isLoss: () => true,
    mayStart: () => true,
    isRecordingOver: () => false,
    isDrained: () => false,
    isSamePipeline: () => true,
    isWithoutSignal: () => true,
    isOnHardware: () => true,
    isEased: () => false,
    mayEase: () => true,
    isOver: () => false,
  },
  delays: {
    retirement: 86400000,
    probeRetry: 1000,
    recovery: 1000,
    restartPause: 1000,
  },
}).createMachine({
  id: 'camera',
  initial: 'alive',
  on: {
    'identity.changed': { actions: 'takeIdentity' },
    'camera.configured': { actions: 'takeSetup' },
    'device.found': { actions: 'takeDevice' },
    'device.replaced': { actions: 'takeDevice' },
    'storage.blocked': { actions: 'noteObstacle' },
    'storage.freed': { actions: 'noteObstacle' },
    'server.lost': { actions: ['noteObstacle', 'tellStreams'] },
    'server.restored': { actions: ['noteObstacle', 'tellStreams'] },
    'stream.release': { actions: 'releaseKept' },
  },
  states: {
    alive: {
      type: 'parallel',
      states: {
        recording: {
          initial: 'recalling',
          states: {
            recalling: {
              invoke: {
                src: 'recallIntent',
                onDone: [
                  {
                    guard: { type: 'isRecalled' },
                    target: 'active.waiting',
                    actions: { type: 'continueRecording' },
                  },
                  { target: 'none' },
                ],
                onError: 'restarting',
              },
            },
            none: {
              on: {
                'recording.start': { guard: 'mayStart', target: 'active', actions: 'beginRecording' },
              },
            },
            active: {
              initial: 'holding',
              states: {
                holding: { on: { 'recording.released': 'waiting' } },
                waiting: { on: { 'recording.claimed': 'holding' } },
              },
              on: {
                'recording.stop': { target: 'ending', actions: 'forwardToRecording' },
                'storage.blocked': { actions: ['noteObstacle', 'forwardToRecording'] },
                'storage.freed': { actions: ['noteObstacle', 'forwardToRecording'] },
                'server.lost': { actions: ['noteObstacle', 'tellStreams', 'forwardToRecording'] },
                'server.restored': { actions: ['noteObstacle', 'tellStreams', 'forwardToRecording'] },
                'recording.writing': { actions: 'tellWriting' },
                'stream.missed': { actions: 'checkPipeline' },
                'feed.failed': { actions: 'forwardToRecording' },
                'recording.ending': 'ending',
                'camera.drain': [
                  { guard: { type: 'isLoss' }, actions: { type: 'drainRecording' } },
                  { target: 'ending', actions: { type: 'drainRecording' } },
                ],
                'recording.finish': { target: 'ending', actions: { type: 'drainRecording' } },
              },
            },
            ending: { on: { 'recording.finish': { actions: { type: 'drainRecording' } } } },
            rescuing: {
              invoke: { src: 'abandonCapture', onDone: 'restarting', onError: 'restarting' },
            },
            restarting: { after: { restartPause: 'recalling' } },
          },
          on: {
            'recording.outgrown': { actions: 'keepSegmentLimits' },
            'xstate.done.actor.recording': { target: '.none', actions: ['reapRecording', 'tellRecordingOver'] },
            'xstate.error.actor.recording': {
              target: '.rescuing',
              actions: [{ type: 'tellCrash' }, 'tellLostRecording', 'reapRecording'],
            },
          },
        },
        connection: {
          initial: 'away',
          on: {
            'camera.remove': { target: '.leaving.forRemoval', actions: 'stopRecording' },
            'service.stopping': { target: '.leaving.forStop', actions: 'stopRecording' },
          },
          states: {
            away: {
              initial: 'deciding',
              states: {
                deciding: {
                  always: [{ guard: 'hasDevice', target: 'probing' }, { target: 'unplugged' }],
                },
                probing: {
                  tags: 'probing',
                  invoke: {
                    src: 'probeDevice',
                    onDone: {
                      target: '#camera.alive.connection.online',
                      actions: [
                        { type: 'keepProbe' },
                        {
                          type: 'tellStatus',
                          params: { from: 'DISCONNECTED', to: 'CONNECTED' },
                        },
                      ],
                    },
                    onError: [
                      {
                        guard: 'isNetworked',
                        target: 'unreachable',
                        actions: { type: 'noteProbeFailure' },
                      },
                      {
                        target: '#camera.alive.connection.faulty',
                        actions: [
                          { type: 'noteProbeFailure' },
                          {
                            type: 'tellStatus',
                            params: { from: 'DISCONNECTED', to: 'ERROR' },
                          },
                        ],
                      },
                    ],
                  },
                  on: {
                    'device.removed': { target: 'unplugged', actions: ['takeReason', 'dropDevice'] },
                    'device.replaced': { target: 'probing', reenter: true, actions: 'takeDevice' },
                  },
                },
                unplugged: {
                  tags: 'unplugged',
                  initial: 'awaited',
                  states: {
                    awaited: { always: { guard: 'isRecordingOver', target: 'missed' } },
                    missed: { after: { retirement: '#camera.retired' } },
                  },
                  on: {
                    'device.found': { target: 'probing', actions: 'takeDevice' },
                    'device.replaced': { target: 'probing', actions: 'takeDevice' },
                  },
                },
                unreachable: {
                  tags: ['unreachable', 'faulty'],
                  initial: 'waiting',
                  states: {
                    waiting: { after: { probeRetry: 'retrying' } },
                    retrying: {
                      invoke: {
                        src: 'probeDevice',
                        onDone: {
                          target: '#camera.alive.connection.online',
                          actions: [
                            { type: 'keepProbe' },
                            {
                              type: 'tellStatus',
                              params: { from: 'DISCONNECTED', to: 'CONNECTED' },
                            },
                          ],
                        },
                        onError: { target: 'waiting', actions: { type: 'noteProbeFailure' } },
                      },
                    },
                  },
                  on: {
                    'device.removed': { target: 'unplugged', actions: ['takeReason', 'dropDevice'] },
                    'device.replaced': { target: 'probing', actions: 'takeDevice' },
                  },
                },
              },
            },
            faulty: {
              tags: 'faulty',
              initial: 'waiting',
              states: {
                waiting: { after: { probeRetry: 'retrying' } },
                retrying: {
                  invoke: {
                    src: 'probeDevice',
                    onDone: {
                      target: '#camera.alive.connection.online',
                      actions: [
                        { type: 'keepProbe' },
                        { type: 'tellStatus', params: { from: 'ERROR', to: 'CONNECTED' } },
                      ],
                    },
                    onError: [
                      {
                        guard: 'isNetworked',
                        target: '#camera.alive.connection.away.unreachable',
                        actions: [
                          { type: 'noteProbeFailure' },
                          {
                            type: 'tellStatus',
                            params: { from: 'ERROR', to: 'DISCONNECTED' },
                          },
                        ],
                      },
                      { target: 'waiting', actions: { type: 'noteProbeFailure' } },
                    ],
                  },
                },
                refused: {
                  on: { 'server.restored': { target: 'retrying', actions: 'noteObstacle' } },
                },
              },
              on: {
                'device.removed': {
                  target: 'away.unplugged',
                  actions: [
                    'takeReason',
                    'dropDevice',
                    { type: 'tellStatus', params: { from: 'ERROR', to: 'DISCONNECTED' } },
                  ],
                },
                'device.replaced': { target: '.retrying', actions: 'takeDevice' },
              },
            },
            online: {
              entry: ['clearReason', 'tellConnected'],
              invoke: { src: 'publishPath' },
              type: 'parallel',
              states: {
                formats: {
                  initial: 'kept',
                  on: {
                    'pipeline.encoderFailed': {
                      guard: 'isOnHardware',
                      actions: [{ type: 'noteFailedEncoder' }, 'reconnectWithoutHardware'],
                    },
                  },
                  states: {
                    kept: { on: { 'pipeline.misfit': 'asking' } },
                    asking: {
                      invoke: {
                        src: 'probeDevice',
                        onDone: [
                          { guard: { type: 'isSamePipeline' }, target: 'kept' },
                          {
                            target: 'kept',
                            actions: {
                              type: 'reconnect',
                              params: {
                                reason: {
                                  code: 'formats_changed',
                                  details: 'the formats of the camera changed',
                                },
                              },
                            },
                          },
                        ],
                        onError: [
                          {
                            guard: { type: 'isWithoutSignal' },
                            target: 'kept',
                            actions: {
                              type: 'reconnect',
                              params: {
                                reason: {
                                  code: 'no_signal',
                                  details: 'there is no signal at the input of the device',
                                },
                              },
                            },
                          },
                          { target: 'kept' },
                        ],
                      },
                    },
                  },
                },
                load: {
                  initial: 'choosing',
                  states: {
                    choosing: {
                      always: [{ guard: 'isEased', target: 'eased' }, { target: 'full' }],
                    },
                    full: {},
                    eased: {
                      after: {
                        recovery: {
                          target: 'full',
                          actions: [
                            'easeLess',
                            {
                              type: 'reconnect',
                              params: {
                                reason: {
                                  code: 'adapted',
                                  details: 'the stream was adapted to the speed of the host',
                                },
                              },
                            },
                          ],
                        },
                      },
                    },
                  },
                  on: {
                    'pipeline.overloaded': {
                      guard: 'mayEase',
                      actions: [
                        'easeMore',
                        {
                          type: 'reconnect',
                          params: {
                            reason: {
                              code: 'adapted',
                              details: 'the stream was adapted to the speed of the host',
                            },
                          },
                        },
                      ],
                    },
                  },
                },
                snapshot: {
                  initial: 'none',
                  states: {
                    none: {
                      on: {
                        'snapshot.take': { target: 'underway', actions: 'beginSnapshot' },
                        'camera.drain': 'closed',
                      },
                    },
                    underway: {
                      on: {
                        'snapshot.take': { actions: { type: 'joinSnapshot' } },
                        'camera.drain': { target: 'closing', actions: { type: 'drainSnapshot' } },
                        'xstate.done.actor.snapshot': { target: 'none', actions: 'reapSnapshot' },
                        'xstate.error.actor.snapshot': {
                          target: 'none',
                          actions: [{ type: 'tellCrash' }, 'tellLostSnapshot', 'reapSnapshot'],
                        },
                      },
                    },
                    closing: {
                      on: {
                        'xstate.done.actor.snapshot': { target: 'closed', actions: 'reapSnapshot' },
                        'xstate.error.actor.snapshot': {
                          target: 'closed',
                          actions: [{ type: 'tellCrash' }, 'tellLostSnapshot', 'reapSnapshot'],
                        },
                      },
                    },
                    closed: {},
                  },
                },
                life: {
                  initial: 'available',
                  states: {
                    available: {
                      tags: ['available', 'connected'],
                      entry: 'tellRecordingReady',
                      initial: 'serving',
                      states: {
                        serving: {
                          invoke: {
                            src: 'demand',
                            id: 'demand',
                            onError: {
                              target: 'restarting',
                              actions: [{ type: 'tellCrash' }, 'forgetHolds'],
                            },
                          },
                          on: {
                            'stream.hold': { guard: 'mayStream', actions: 'forwardToDemand' },
                            'stream.release': { actions: 'forwardToDemand' },
                          },
                        },
                        restarting: { after: { restartPause: 'serving' } },
                      },
                      on: {
                        'media.found': { actions: 'takeMedia' },
                        'device.removed': { target: 'draining', actions: ['dropDevice', 'drain'] },
                        'device.replaced': { target: 'draining', actions: ['takeDevice', 'drain'] },
                        'source.lost': { target: 'draining', actions: 'drain' },
                        'path.refused': { target: 'draining.forRefusal', actions: 'drain' },
                        'camera.remove': {
                          target: 'draining.forRemoval',
                          actions: ['dropDevice', 'drain'],
                        },
                        'service.stopping': { target: 'draining.forStop', actions: 'drain' },
                      },
                    },
                    draining: {
                      tags: 'draining',
                      initial: 'forReturn',
                      states: {
                        forReturn: {
                          on: {
                            'camera.drain': {
                              actions: [
                                'tellDisconnected',
                                {
                                  type: 'tellStatus',
                                  params: { from: 'CONNECTED', to: 'DISCONNECTED' },
                                },
                              ],
                            },
                          },
                          always: { guard: 'isDrained', target: '#camera.alive.connection.away' },
                        },
                        forRefusal: {
                          tags: 'faulty',
                          on: {
                            'camera.drain': {
                              actions: [
                                'tellDisconnected',
                                {
                                  type: 'tellStatus',
                                  params: { from: 'CONNECTED', to: 'ERROR' },
                                },
                              ],
                            },
                            'device.removed': {
                              target: 'forReturn',
                              actions: [
                                'takeReason',
                                'dropDevice',
                                {
                                  type: 'tellStatus',
                                  params: { from: 'ERROR', to: 'DISCONNECTED' },
                                },
                              ],
                            },
                            'device.replaced': {
                              target: 'forReturn',
                              actions: [
                                'takeDevice',
                                {
                                  type: 'tellStatus',
                                  params: { from: 'ERROR', to: 'DISCONNECTED' },
                                },
                              ],
                            },
                          },
                          always: {
                            guard: 'isDrained',
                            target: '#camera.alive.connection.faulty.refused',
                          },
                        },
                        forRemoval: {
                          on: {
                            'camera.drain': {
                              actions: [
                                'tellDisconnected',
                                {
                                  type: 'tellStatus',
                                  params: { from: 'CONNECTED', to: 'DISCONNECTED' },
                                },
                              ],
                            },
                          },
                          always: { guard: 'isOver', target: '#camera.retired' },
                        },
                        forStop: {
                          tags: 'connected',
                          always: { guard: 'isOver', target: '#camera.stopped' },
                          on: { 'service.stopping': {} },
                        },
                        forStopAway: { always: { guard: 'isOver', target: '#camera.stopped' } },
                      },
                      on: {
                        'device.removed': { actions: 'dropDevice' },
                        'camera.remove': { target: '.forRemoval', actions: 'stopRecording' },
                        'service.stopping': { target: '.forStopAway', actions: 'stopRecording' },
                      },
                    },
                  },
                },
                feed: {
                  initial: 'choosing',
                  states: {
                    choosing: {
                      always: [{ guard: 'isNetworked', target: 'networked' }, { target: 'local' }],
                    },
                    local: {
                      exit: 'tellStreamEnd',
                      invoke: {
                        src: 'pipeline',
                        id: 'pipeline',
                        onError: { target: 'restarting', actions: { type: 'tellCrash' } },
                      },
                    },
                    networked: {
                      exit: 'tellStreamEnd',
                      on: {
                        'stream.used': { actions: 'forwardToKeyframes' },
                        'stream.unused': { actions: 'forwardToKeyframes' },
                      },
                      invoke: [
                        {
                          src: 'keyframes',
                          id: 'keyframes',
                          onError: { target: 'restarting', actions: { type: 'tellCrash' } },
                        },
                        {
                          src: 'pull',
                          id: 'pull',
                          onError: { target: 'restarting', actions: { type: 'tellCrash' } },
                        },
                        {
                          src: 'source',
                          id: 'source',
                          onDone: { actions: { type: 'loseSource' } },
                          onError: { target: 'restarting', actions: { type: 'tellCrash' } },
                        },
                      ],
                    },
                    restarting: { after: { restartPause: 'choosing' } },
                  },
                },
              },
            },
            leaving: {
              initial: 'forStop',
              states: {
                forRemoval: { always: { guard: 'isRecordingOver', target: '#camera.retired' } },
                forStop: { always: { guard: 'isRecordingOver', target: '#camera.stopped' } },
              },
            },
          },
        },
      },
    },
    stopped: { type: 'final' },
    retired: { type: 'final', tags: 'retired', entry: 'tellRetired' },
  },
})
