import type { CameraStatus } from './domain/views.js'

export const status = (from: CameraStatus, to: CameraStatus) => ({ type: 'tellStatus', params: { from, to } }) as const

/** The state of `camera` in which recording and snapshot end, before its path is removed. The substate is the cause. */
export const draining = {
  tags: 'draining',
  initial: 'forReturn',
  states: {
    forReturn: {
      on: {
        'camera.drain': { actions: ['tellDisconnected', status('CONNECTED', 'DISCONNECTED')] },
      },
      always: { guard: 'isDrained', target: '#camera.alive.connection.away' },
    },
    forRefusal: {
      tags: 'faulty',
      on: {
        'camera.drain': { actions: ['tellDisconnected', status('CONNECTED', 'ERROR')] },
        // The refusal does not concern a camera without a device, or another device.
        'device.removed': {
          target: 'forReturn',
          actions: ['takeReason', 'dropDevice', status('ERROR', 'DISCONNECTED')],
        },
        'device.replaced': {
          target: 'forReturn',
          actions: ['takeDevice', status('ERROR', 'DISCONNECTED')],
        },
      },
      always: { guard: 'isDrained', target: '#camera.alive.connection.faulty.refused' },
    },
    forRemoval: {
      on: {
        'camera.drain': { actions: ['tellDisconnected', status('CONNECTED', 'DISCONNECTED')] },
      },
      always: { guard: 'isOver', target: '#camera.retired' },
    },
    forStop: {
      tags: 'connected',
      always: { guard: 'isOver', target: '#camera.stopped' },
      on: { 'service.stopping': {} },
    },
    // The camera was disconnected before.
    forStopAway: { always: { guard: 'isOver', target: '#camera.stopped' } },
  },
  on: {
    'device.removed': { actions: 'dropDevice' },
    'camera.remove': { target: '.forRemoval', actions: 'stopRecording' },
    'service.stopping': { target: '.forStopAway', actions: 'stopRecording' },
  },
} as const
