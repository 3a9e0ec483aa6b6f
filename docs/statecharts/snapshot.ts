// Generated from machines/snapshot.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    grabDirect: fromPromise(async () => {}),
    grabByFfmpeg: fromPromise(async () => {}),
    grabFromStream: fromPromise(async () => {}),
    askSource: fromPromise(async () => {}),
    savePictures: fromPromise(async () => {}),
  },
  actions: {
    join: () => {},
    joinNext: () => {},
    failLate: () => {},
    takeLate: () => {},
    leaveStream: () => {},
    noteLoss: () => {},
    noteAbsence: () => {},
    forgetLoss: () => {},
    passOver: () => {},
    passFailure: () => {},
    tellSaved: () => {},
    tellFailure: () => {},
  },
  guards: {
    isUsb: () => false,
    isNetworked: () => false,
    isLive: () => false,
    isDeviceFreed: () => true,
    isServerLost: () => true,
    isAbsent: () => true,
    isServerReturning: () => true,
    isBusy: () => true,
    suits: () => true,
    hasLate: () => false,
  },
  delays: {
    directLimit: 3000,
    ffmpegLimit: 6000,
    liveLimit: 5000,
    wakeLimit: 20000,
    freeing: 1000,
    retryPause: 500,
  },
}).createMachine({
  id: 'snapshot',
  initial: 'capturing',
  states: {
    capturing: {
      on: {
        'snapshot.join': [
          { guard: { type: 'suits' }, actions: { type: 'join' } },
          { actions: { type: 'joinNext' } },
        ],
        'device.removed': { target: 'over', actions: { type: 'tellFailure' } },
        'service.stopping': {
          target: 'over',
          actions: {
            type: 'tellFailure',
            params: { reason: { code: 'service_stopping', details: 'the service is stopping' } },
          },
        },
      },
      initial: 'choosing',
      states: {
        choosing: {
          always: [
            {
              guard: 'isLive',
              target: 'live',
              actions: [
                {
                  type: 'passOver',
                  params: {
                    tier: 0,
                    reason: {
                      code: 'device_busy',
                      details: 'the device is busy: it is streaming',
                    },
                  },
                },
                {
                  type: 'passOver',
                  params: {
                    tier: 1,
                    reason: {
                      code: 'device_busy',
                      details: 'the device is busy: it is streaming',
                    },
                  },
                },
              ],
            },
            {
              guard: 'isNetworked',
              target: 'waking',
              actions: [
                {
                  type: 'passOver',
                  params: {
                    tier: 0,
                    reason: { code: 'not_a_usb_camera', details: 'this is not a USB camera' },
                  },
                },
                {
                  type: 'passOver',
                  params: {
                    tier: 1,
                    reason: { code: 'not_a_local_device', details: 'this is not a local device' },
                  },
                },
                {
                  type: 'passOver',
                  params: {
                    tier: 2,
                    reason: { code: 'stream_asleep', details: 'the stream is not running' },
                  },
                },
              ],
            },
            { guard: 'isUsb', target: 'direct' },
            {
              target: 'ffmpeg',
              actions: {
                type: 'passOver',
                params: {
                  tier: 0,
                  reason: { code: 'not_a_usb_camera', details: 'this is not a USB camera' },
                },
              },
            },
          ],
        },
        direct: {
          invoke: {
            src: 'grabDirect',
            onDone: 'captured',
            onError: [
              {
                guard: { type: 'isBusy' },
                target: 'live',
                actions: [
                  {
                    type: 'passOver',
                    params: {
                      tier: 0,
                      reason: {
                        code: 'device_busy',
                        details: 'the device is busy: another program uses it',
                      },
                    },
                  },
                  {
                    type: 'passOver',
                    params: {
                      tier: 1,
                      reason: {
                        code: 'device_busy',
                        details: 'the device is busy: another program uses it',
                      },
                    },
                  },
                ],
              },
              { target: 'ffmpeg', actions: { type: 'passFailure' } },
            ],
          },
          after: {
            directLimit: {
              target: 'ffmpeg',
              actions: {
                type: 'passOver',
                params: { tier: 0, reason: { code: 'timed_out', details: 'it took too long' } },
              },
            },
          },
        },
        ffmpeg: {
          invoke: {
            src: 'grabByFfmpeg',
            onDone: 'captured',
            onError: [
              {
                guard: { type: 'isBusy' },
                target: 'live',
                actions: {
                  type: 'passOver',
                  params: {
                    tier: 1,
                    reason: {
                      code: 'device_busy',
                      details: 'the device is busy: another program uses it',
                    },
                  },
                },
              },
              {
                target: 'waking',
                actions: [
                  { type: 'passFailure' },
                  {
                    type: 'passOver',
                    params: {
                      tier: 2,
                      reason: { code: 'stream_asleep', details: 'the stream is not running' },
                    },
                  },
                ],
              },
            ],
          },
          after: {
            ffmpegLimit: {
              target: 'waking',
              actions: [
                {
                  type: 'passOver',
                  params: { tier: 1, reason: { code: 'timed_out', details: 'it took too long' } },
                },
                {
                  type: 'passOver',
                  params: {
                    tier: 2,
                    reason: { code: 'stream_asleep', details: 'the stream is not running' },
                  },
                },
              ],
            },
          },
        },
        live: {
          invoke: {
            src: 'grabFromStream',
            onDone: 'captured',
            onError: [
              {
                guard: { type: 'isDeviceFreed' },
                target: 'freeing',
                actions: { type: 'passFailure' },
              },
              { target: 'waking', actions: { type: 'passFailure' } },
            ],
          },
          after: {
            liveLimit: {
              target: 'waking',
              actions: {
                type: 'passOver',
                params: { tier: 2, reason: { code: 'timed_out', details: 'it took too long' } },
              },
            },
          },
        },
        freeing: {
          after: {
            freeing: [
              { guard: 'isUsb', target: 'direct', actions: 'leaveStream' },
              {
                target: 'ffmpeg',
                actions: [
                  'leaveStream',
                  {
                    type: 'passOver',
                    params: {
                      tier: 0,
                      reason: { code: 'not_a_usb_camera', details: 'this is not a USB camera' },
                    },
                  },
                ],
              },
            ],
          },
        },
        waking: {
          initial: 'choosing',
          states: {
            choosing: { always: [{ guard: 'isNetworked', target: 'asking' }, { target: 'first' }] },
            asking: {
              invoke: {
                src: 'askSource',
                onDone: { target: 'first', actions: 'forgetLoss' },
                onError: [
                  {
                    guard: { type: 'isAbsent' },
                    target: 'away',
                    actions: { type: 'noteAbsence' },
                  },
                  { target: 'first', actions: 'forgetLoss' },
                ],
              },
            },
            away: { after: { retryPause: 'asking' } },
            first: {
              invoke: {
                src: 'grabFromStream',
                onDone: '#snapshot.capturing.captured',
                onError: [
                  {
                    guard: { type: 'isDeviceFreed' },
                    target: '#snapshot.capturing.freeing',
                    actions: { type: 'passFailure' },
                  },
                  {
                    guard: { type: 'isServerLost' },
                    target: 'pausing',
                    actions: { type: 'noteLoss' },
                  },
                  {
                    target: '#over',
                    actions: [{ type: 'passFailure' }, { type: 'tellFailure' }],
                  },
                ],
              },
            },
            pausing: { after: { retryPause: 'again' } },
            again: {
              invoke: {
                src: 'grabFromStream',
                onDone: '#snapshot.capturing.captured',
                onError: [
                  { guard: { type: 'isServerReturning' }, target: 'pausing' },
                  {
                    target: '#over',
                    actions: [{ type: 'passFailure' }, { type: 'tellFailure' }],
                  },
                ],
              },
            },
          },
          after: {
            wakeLimit: { target: '#over', actions: [{ type: 'passOver' }, { type: 'tellFailure' }] },
          },
        },
        captured: { type: 'final' },
      },
      onDone: 'saving',
    },
    saving: {
      on: {
        'snapshot.join': { actions: { type: 'joinNext' } },
        'device.removed': { actions: { type: 'failLate' } },
        'service.stopping': {
          actions: {
            type: 'failLate',
            params: { reason: { code: 'service_stopping', details: 'the service is stopping' } },
          },
        },
      },
      invoke: {
        src: 'savePictures',
        onDone: { target: 'deciding', actions: { type: 'tellSaved' } },
        onError: { target: 'over', actions: { type: 'tellFailure' } },
      },
    },
    deciding: {
      always: [{ guard: 'hasLate', target: 'capturing', actions: 'takeLate' }, { target: 'over' }],
    },
    over: { id: 'over', type: 'final' },
  },
})
