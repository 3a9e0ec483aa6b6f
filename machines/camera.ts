import type { DoneActorEvent, ErrorActorEvent } from 'xstate'
import type { CameraContext } from './cameraContext.js'
import { draining, status } from './cameraDraining.js'
import { onDevice, type Probed, probeOf, sourceOf, streamInput } from './cameraParts.js'
import { recordingRegion } from './cameraRecording.js'
import { cameraSetup } from './cameraSetup.js'
import { formatsRegion, loadRegion } from './cameraUpkeep.js'
import type { CameraStatus } from './domain/views.js'

const tellCrash = { type: 'tellCrash', params: ({ event }: { event: ErrorActorEvent }) => event } as const
const noteFailure = { type: 'noteProbeFailure', params: ({ event }: { event: ErrorActorEvent }) => event } as const
/** Probes the device, in a state where the camera has the status `from`. */
const probing = (from: CameraStatus) =>
  ({
    src: 'probeDevice',
    input: ({ context }: { context: CameraContext }) => onDevice(context),
    onDone: {
      target: '#camera.alive.connection.online',
      actions: [
        { type: 'keepProbe', params: ({ event }: { event: DoneActorEvent<Probed> }) => event.output },
        status(from, 'CONNECTED'),
      ],
    },
  }) as const
const snapshotCrashed = [tellCrash, 'tellLostSnapshot', 'reapSnapshot'] as const

/**
 * A camera, from its first detection until it is retired. The actor stays while the device is unplugged and has the
 * same id when it comes back. `online` keeps the camera's path in the media server. When the device is lost, recording
 * and snapshot drain first, so that a recording's file is closed before the path is removed; the recording itself
 * waits for the camera, so it stands beside the connection.
 */
export const cameraMachine = cameraSetup.createMachine({
  id: 'camera',
  context: ({ input }) => ({ ...input, failures: 0, ease: 0, easings: 0 }),
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
        recording: recordingRegion,
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
                    ...probing('DISCONNECTED'),
                    onError: [
                      { guard: 'isNetworked', target: 'unreachable', actions: noteFailure },
                      {
                        target: '#camera.alive.connection.faulty',
                        actions: [noteFailure, status('DISCONNECTED', 'ERROR')],
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
                    // A camera with a recording that waits for it is not retired.
                    awaited: { always: { guard: 'isRecordingOver', target: 'missed' } },
                    missed: { after: { retirement: '#camera.retired' } },
                  },
                  on: {
                    'device.found': { target: 'probing', actions: 'takeDevice' },
                    'device.replaced': { target: 'probing', actions: 'takeDevice' },
                  },
                },
                // A network camera that does not answer has the status DISCONNECTED, not ERROR.
                unreachable: {
                  tags: ['unreachable', 'faulty'],
                  initial: 'waiting',
                  states: {
                    waiting: { after: { probeRetry: 'retrying' } },
                    retrying: {
                      invoke: { ...probing('DISCONNECTED'), onError: { target: 'waiting', actions: noteFailure } },
                    },
                  },
                  on: {
                    'device.removed': { target: 'unplugged', actions: ['takeReason', 'dropDevice'] },
                    'device.replaced': { target: 'probing', actions: 'takeDevice' },
                  },
                },
              },
            },
            // A camera stays faulty until it is probed successfully.
            faulty: {
              tags: 'faulty',
              initial: 'waiting',
              states: {
                waiting: { after: { probeRetry: 'retrying' } },
                retrying: {
                  invoke: {
                    ...probing('ERROR'),
                    onError: [
                      {
                        guard: 'isNetworked',
                        target: '#camera.alive.connection.away.unreachable',
                        actions: [noteFailure, status('ERROR', 'DISCONNECTED')],
                      },
                      { target: 'waiting', actions: noteFailure },
                    ],
                  },
                },
                // The media server refuses the path. It may accept it after a restart, or with another device.
                refused: { on: { 'server.restored': { target: 'retrying', actions: 'noteObstacle' } } },
              },
              on: {
                'device.removed': {
                  target: 'away.unplugged',
                  actions: ['takeReason', 'dropDevice', status('ERROR', 'DISCONNECTED')],
                },
                'device.replaced': { target: '.retrying', actions: 'takeDevice' },
              },
            },
            online: {
              entry: ['clearReason', 'tellConnected'],
              invoke: {
                src: 'publishPath',
                input: ({ context }) => ({ ...onDevice(context), probe: probeOf(context) }),
              },
              type: 'parallel',
              states: {
                formats: formatsRegion,
                load: loadRegion,
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
                        'snapshot.take': { actions: { type: 'joinSnapshot', params: ({ event }) => event } },
                        'camera.drain': {
                          target: 'closing',
                          actions: { type: 'drainSnapshot', params: ({ event }) => event },
                        },
                        'xstate.done.actor.snapshot': { target: 'none', actions: 'reapSnapshot' },
                        'xstate.error.actor.snapshot': { target: 'none', actions: snapshotCrashed },
                      },
                    },
                    closing: {
                      on: {
                        'xstate.done.actor.snapshot': { target: 'closed', actions: 'reapSnapshot' },
                        'xstate.error.actor.snapshot': { target: 'closed', actions: snapshotCrashed },
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
                            input: ({ context }) => ({ camera: context.id, holds: context.keptHolds }),
                            onError: { target: 'restarting', actions: [tellCrash, 'forgetHolds'] },
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
                        'camera.remove': { target: 'draining.forRemoval', actions: ['dropDevice', 'drain'] },
                        'service.stopping': { target: 'draining.forStop', actions: 'drain' },
                      },
                    },
                    draining,
                  },
                },
                feed: {
                  initial: 'choosing',
                  states: {
                    choosing: { always: [{ guard: 'isNetworked', target: 'networked' }, { target: 'local' }] },
                    local: {
                      exit: 'tellStreamEnd',
                      invoke: {
                        src: 'pipeline',
                        id: 'pipeline',
                        input: ({ context }) => streamInput(context),
                        onError: { target: 'restarting', actions: tellCrash },
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
                          input: ({ context }) => ({ camera: context.id }),
                          onError: { target: 'restarting', actions: tellCrash },
                        },
                        {
                          src: 'pull',
                          id: 'pull',
                          input: ({ context }) => ({ camera: context.id }),
                          onError: { target: 'restarting', actions: tellCrash },
                        },
                        {
                          src: 'source',
                          id: 'source',
                          input: ({ context }) => sourceOf(context),
                          onDone: { actions: { type: 'loseSource', params: ({ event }) => event.output } },
                          onError: { target: 'restarting', actions: tellCrash },
                        },
                      ],
                    },
                    restarting: { after: { restartPause: 'choosing' } },
                  },
                },
              },
            },
            // The device is not used; a recording that waits for it may still have to end.
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
