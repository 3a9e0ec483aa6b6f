// Generated from machines/externalDiscovery.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    scanStreams: fromPromise(async () => {}),
  },
  actions: {
    keepInterval: () => {},
    takeKinds: () => {},
    planRequested: () => {},
    planScheduled: () => {},
    planNext: () => {},
    joinScan: () => {},
    joinNext: () => {},
    dropClient: () => {},
    tellStarted: () => {},
    tellProgress: () => {},
    keepFound: () => {},
    noteLost: () => {},
    tellEnded: () => {},
  },
  guards: {
    isDisabled: () => false,
    scansAtStart: () => false,
    isPeriodic: () => false,
    isCovered: () => true,
    isUnwanted: () => false,
    hasNext: () => false,
  },
  delays: {
    interval: 30000,
  },
}).createMachine({
  id: 'externalDiscovery',
  on: { 'kinds.set': { actions: { type: 'takeKinds' } } },
  initial: 'deciding',
  states: {
    deciding: {
      always: [
        { guard: 'isDisabled', target: 'disabled' },
        { guard: 'scansAtStart', target: 'scanning.scheduled', actions: 'planScheduled' },
        { target: 'idle' },
      ],
    },
    disabled: {},
    idle: {
      tags: 'enabled',
      initial: 'choosing',
      states: {
        choosing: { always: [{ guard: 'isPeriodic', target: 'waiting' }, { target: 'onDemand' }] },
        waiting: {
          after: {
            interval: { target: '#externalDiscovery.scanning.scheduled', actions: 'planScheduled' },
          },
        },
        onDemand: {},
      },
      on: {
        'interval.set': { target: '.choosing', actions: { type: 'keepInterval' } },
        'discovery.start': { target: 'scanning.requested', actions: { type: 'planRequested' } },
      },
    },
    scanning: {
      tags: ['enabled', 'scanning'],
      entry: 'tellStarted',
      invoke: { src: 'scanStreams' },
      on: {
        'interval.set': { actions: { type: 'keepInterval' } },
        'discovery.start': [
          { guard: { type: 'isCovered' }, actions: { type: 'joinScan' } },
          { actions: { type: 'joinNext' } },
        ],
        'client.left': { actions: { type: 'dropClient' } },
        'scan.progress': { actions: { type: 'tellProgress' } },
        'scan.found': { actions: { type: 'keepFound' } },
        'scan.lost': { actions: { type: 'noteLost' } },
        'scan.ended': { target: 'ended', actions: { type: 'tellEnded' } },
      },
      initial: 'scheduled',
      states: {
        scheduled: {},
        requested: {
          always: {
            guard: 'isUnwanted',
            target: '#externalDiscovery.ended',
            actions: { type: 'tellEnded', params: { took: 0, errors: ['the scan was cancelled'] } },
          },
        },
      },
    },
    ended: {
      always: [
        { guard: 'hasNext', target: 'scanning.requested', actions: 'planNext' },
        { target: 'idle' },
      ],
    },
  },
})
