// Generated from machines/recording.ts by `make docs`, to be opened in Stately's editor.
// Actions, guards, actors and delays are stubs.
import { createMachine, fromPromise, setup } from 'xstate'

export const machine = setup({
  actors: {
    streamHold: createMachine({ id: 'streamHold' }),
    openCapture: fromPromise(async () => {}),
    confirmSegment: fromPromise(async () => {}),
    watchSegments: fromPromise(async () => {}),
    waitUntil: fromPromise(async () => {}),
    closeCapture: fromPromise(async () => {}),
    saveIntent: fromPromise(async () => {}),
    finishRecording: fromPromise(async () => {}),
  },
  actions: {
    takeOpened: () => {},
    addSegment: () => {},
    takeSegment: () => {},
    noteGrowth: () => {},
    noteStall: () => {},
    endGap: () => {},
    countAttempt: () => {},
    noteCondition: () => {},
    explain: () => {},
    wakeHold: () => {},
    takeFailure: () => {},
    takeReason: () => {},
    takeLack: () => {},
    expectData: () => {},
    expectKeyframe: () => {},
    noteRemoval: () => {},
    giveReason: () => {},
    keepResult: () => {},
    keepFiles: () => {},
    learnLimit: () => {},
    keepFinal: () => {},
    tellCamera: () => {},
    tellStart: () => {},
    beginGap: () => {},
    tellInterruption: () => {},
    tellSuspension: () => {},
    tellResumption: () => {},
    tellEnd: () => {},
    tellFailure: () => {},
  },
  guards: {
    isDoubtful: () => true,
    hasStarted: () => false,
    isSurvivable: () => true,
    isTooLarge: () => true,
    isOutgrown: () => true,
    isPulled: () => true,
    awaitsKeyframe: () => true,
    isExplained: () => false,
    isAtItsEnd: () => true,
    lacks: () => false,
  },
  delays: {
    confirmLimit: 20000,
    keyframeLimit: 40000,
    stallLimit: 3000,
    explanationLimit: 500,
    interruptionLimit: 30000,
    retryPause: 1000,
  },
}).createMachine({
  id: 'recording',
  on: { 'feed.failed': { actions: 'explain' } },
  initial: 'deciding',
  states: {
    deciding: { always: [{ guard: 'hasStarted', target: 'waiting' }, { target: 'starting' }] },
    starting: {
      tags: 'starting',
      entry: { type: 'tellCamera', params: { type: 'recording.claimed' } },
      invoke: {
        src: 'openCapture',
        onDone: { target: 'holding', actions: { type: 'takeOpened' } },
        onError: [
          {
            guard: 'hasStarted',
            target: 'abandoning.retrying',
            actions: [{ type: 'takeFailure' }, 'countAttempt'],
          },
          { target: 'abandoning.failing', actions: { type: 'takeFailure' } },
        ],
      },
      on: {
        'recording.stop': { target: 'abandoning', actions: { type: 'giveReason' } },
        'service.stopping': [
          {
            guard: 'hasStarted',
            target: 'abandoning.suspending',
            actions: {
              type: 'giveReason',
              params: { reason: { code: 'service_stopping', details: 'the service is stopping' } },
            },
          },
          {
            target: 'abandoning',
            actions: {
              type: 'giveReason',
              params: { reason: { code: 'service_stopping', details: 'the service is stopping' } },
            },
          },
        ],
        'camera.lost': [
          {
            guard: 'isSurvivable',
            target: 'abandoning.retrying',
            actions: ['noteCondition', 'takeReason'],
          },
          { target: 'abandoning.failing', actions: 'takeReason' },
        ],
        'storage.blocked': [
          {
            guard: 'isSurvivable',
            target: 'abandoning.retrying',
            actions: ['noteCondition', 'takeReason'],
          },
          { target: 'abandoning.failing', actions: 'takeReason' },
        ],
        'server.lost': { actions: 'noteCondition' },
        'server.restored': { actions: 'noteCondition' },
      },
    },
    holding: {
      invoke: { src: 'streamHold', id: 'streamHold' },
      initial: 'underway',
      states: {
        underway: {
          initial: 'confirming',
          states: {
            confirming: {
              tags: 'starting',
              entry: 'expectData',
              invoke: {
                src: 'confirmSegment',
                onDone: [
                  {
                    guard: 'hasStarted',
                    target: 'capturing',
                    actions: [{ type: 'takeSegment' }, 'tellResumption'],
                  },
                  { target: 'keeping', actions: { type: 'takeSegment' } },
                ],
                onError: [
                  {
                    guard: 'hasStarted',
                    target: '#recording.holding.closing.retrying',
                    actions: [{ type: 'takeFailure' }, 'countAttempt'],
                  },
                  {
                    target: '#recording.holding.closing.failing',
                    actions: { type: 'takeFailure' },
                  },
                ],
              },
              on: {
                'stream.lost': { target: '.forStream', actions: 'takeReason' },
                'stream.held': { target: '.forData', actions: 'expectKeyframe' },
              },
              initial: 'forStream',
              states: {
                forStream: {},
                forData: { id: 'forData' },
                forKeyframe: {
                  after: {
                    keyframeLimit: [
                      {
                        guard: 'hasStarted',
                        target: '#recording.holding.closing.retrying',
                        actions: 'countAttempt',
                      },
                      { target: '#recording.holding.closing.failing' },
                    ],
                  },
                },
              },
              after: {
                confirmLimit: [
                  { guard: 'awaitsKeyframe', target: '.forKeyframe' },
                  {
                    guard: 'hasStarted',
                    target: '#recording.holding.closing.retrying',
                    actions: 'countAttempt',
                  },
                  { target: '#recording.holding.closing.failing' },
                ],
              },
            },
            keeping: {
              tags: 'accepting',
              invoke: {
                src: 'saveIntent',
                onDone: { target: 'capturing', actions: 'tellStart' },
                onError: {
                  target: '#recording.holding.closing.failing',
                  actions: { type: 'takeFailure' },
                },
              },
              on: {
                'camera.lost': { target: '#recording.holding.closing.failing', actions: 'takeReason' },
                'storage.blocked': { target: '#recording.holding.closing.failing', actions: 'takeReason' },
                'service.stopping': {
                  target: '#recording.holding.closing',
                  actions: {
                    type: 'giveReason',
                    params: {
                      reason: { code: 'service_stopping', details: 'the service is stopping' },
                    },
                  },
                },
              },
            },
            capturing: {
              id: 'capturing',
              tags: 'recording',
              entry: { type: 'tellCamera', params: { type: 'recording.writing' } },
              invoke: [
                { src: 'saveIntent', onError: { actions: [] } },
                { src: 'watchSegments' },
                {
                  src: 'waitUntil',
                  onDone: {
                    target: '#recording.holding.closing',
                    actions: {
                      type: 'giveReason',
                      params: {
                        reason: {
                          code: 'duration_reached',
                          details: 'the requested duration is reached',
                        },
                      },
                    },
                  },
                },
              ],
              initial: 'growing',
              states: {
                growing: {
                  tags: 'growing',
                  after: {
                    stallLimit: [
                      {
                        guard: 'isTooLarge',
                        target: '#recording.holding.closing.pausing',
                        actions: [
                          'noteStall',
                          'beginGap',
                          { type: 'tellInterruption', params: { closes: true } },
                        ],
                      },
                      {
                        target: 'interrupted',
                        actions: [
                          'noteStall',
                          'beginGap',
                          { type: 'tellInterruption', params: { closes: false } },
                        ],
                      },
                    ],
                  },
                  on: {
                    'segment.grew': { target: 'growing', reenter: true, actions: { type: 'noteGrowth' } },
                    'segment.added': [
                      {
                        guard: { type: 'isOutgrown' },
                        target: '#recording.holding.closing.pausing',
                        actions: [
                          'noteStall',
                          { type: 'addSegment' },
                          'beginGap',
                          { type: 'tellInterruption', params: { closes: true } },
                        ],
                      },
                      {
                        target: 'growing',
                        reenter: true,
                        actions: [{ type: 'addSegment' }, { type: 'noteGrowth' }],
                      },
                    ],
                    'segment.deleted': {
                      target: '#recording.holding.closing.pausing',
                      actions: [
                        { type: 'noteRemoval' },
                        'beginGap',
                        { type: 'tellInterruption', params: { closes: true } },
                      ],
                    },
                    'stream.changed': {
                      target: '#recording.holding.closing.pausing',
                      actions: [
                        'takeReason',
                        'beginGap',
                        { type: 'tellInterruption', params: { closes: true } },
                      ],
                    },
                    'stream.lost': {
                      target: 'interrupted.unexplained',
                      actions: [
                        'takeReason',
                        'beginGap',
                        { type: 'tellCamera', params: { type: 'stream.missed' } },
                      ],
                    },
                  },
                },
                interrupted: {
                  initial: 'stalled',
                  states: {
                    stalled: {
                      on: {
                        'segment.grew': {
                          target: '#capturing',
                          actions: [{ type: 'endGap' }, 'tellResumption'],
                        },
                      },
                    },
                    unexplained: {
                      always: {
                        guard: 'isExplained',
                        target: 'lost',
                        actions: { type: 'tellInterruption', params: { closes: false } },
                      },
                      after: {
                        explanationLimit: {
                          target: 'lost',
                          actions: { type: 'tellInterruption', params: { closes: false } },
                        },
                      },
                      on: {
                        'stream.held': {
                          target: 'stalled',
                          actions: { type: 'tellInterruption', params: { closes: false } },
                        },
                        'segment.added': {
                          target: '#capturing',
                          actions: [
                            { type: 'tellInterruption', params: { closes: false } },
                            { type: 'addSegment' },
                            { type: 'endGap' },
                            'tellResumption',
                          ],
                        },
                        'stream.lost': { actions: 'explain' },
                      },
                    },
                    lost: { on: { 'stream.held': 'stalled' } },
                  },
                  on: {
                    'segment.added': {
                      target: '#capturing',
                      actions: [{ type: 'addSegment' }, { type: 'endGap' }, 'tellResumption'],
                    },
                    'stream.lost': { target: '.lost', actions: 'explain' },
                  },
                  after: { interruptionLimit: '#recording.holding.closing.pausing' },
                },
              },
            },
          },
          on: {
            'recording.stop': { target: 'closing', actions: { type: 'giveReason' } },
            'service.stopping': [
              {
                guard: 'hasStarted',
                target: 'closing.suspending',
                actions: {
                  type: 'giveReason',
                  params: {
                    reason: { code: 'service_stopping', details: 'the service is stopping' },
                  },
                },
              },
              {
                target: 'closing',
                actions: {
                  type: 'giveReason',
                  params: {
                    reason: { code: 'service_stopping', details: 'the service is stopping' },
                  },
                },
              },
            ],
            'camera.lost': [
              {
                guard: 'isSurvivable',
                target: 'closing.pausing',
                actions: [
                  'noteCondition',
                  'takeReason',
                  'beginGap',
                  { type: 'tellInterruption', params: { closes: true } },
                ],
              },
              { target: 'closing.failing', actions: 'takeReason' },
            ],
            'storage.blocked': [
              {
                guard: 'isSurvivable',
                target: 'closing.pausing',
                actions: [
                  'noteCondition',
                  'takeReason',
                  'beginGap',
                  { type: 'tellInterruption', params: { closes: true } },
                ],
              },
              { target: 'closing.failing', actions: 'takeReason' },
            ],
            'camera.ready': { actions: 'noteCondition' },
            'storage.freed': { actions: 'noteCondition' },
            'server.lost': { actions: 'noteCondition' },
            'server.restored': { actions: ['noteCondition', 'wakeHold'] },
          },
        },
        closing: {
          invoke: { src: 'closeCapture', id: 'closeCapture' },
          on: {
            'camera.ready': { actions: 'noteCondition' },
            'storage.blocked': { actions: 'noteCondition' },
            'storage.freed': { actions: 'noteCondition' },
            'server.lost': { actions: 'noteCondition' },
            'server.restored': { actions: 'noteCondition' },
          },
          initial: 'stopping',
          states: {
            stopping: {
              tags: 'stopping',
              entry: { type: 'tellCamera', params: { type: 'recording.ending' } },
              on: {
                'xstate.done.actor.closeCapture': [
                  {
                    guard: { type: 'isDoubtful' },
                    target: '#recording.finishing.failed',
                    actions: { type: 'keepResult' },
                  },
                  {
                    target: '#recording.finishing.stopped',
                    actions: { type: 'keepResult' },
                  },
                ],
                'xstate.error.actor.closeCapture': {
                  target: '#recording.finishing.failed',
                  actions: { type: 'takeFailure' },
                },
              },
            },
            failing: {
              tags: 'stopping',
              entry: { type: 'tellCamera', params: { type: 'recording.ending' } },
              on: {
                'xstate.done.actor.closeCapture': { target: '#recording.finishing.failed', actions: { type: 'keepResult' } },
                'xstate.error.actor.closeCapture': '#recording.finishing.failed',
              },
            },
            retrying: {
              on: {
                'recording.stop': { target: 'stopping', actions: { type: 'giveReason' } },
                'service.stopping': {
                  target: 'suspending',
                  actions: {
                    type: 'giveReason',
                    params: {
                      reason: { code: 'service_stopping', details: 'the service is stopping' },
                    },
                  },
                },
                'camera.lost': [
                  { guard: 'isSurvivable', actions: 'noteCondition' },
                  { target: 'failing', actions: 'takeReason' },
                ],
                'xstate.done.actor.closeCapture': {
                  target: '#recording.waiting',
                  actions: [{ type: 'keepFiles' }, { type: 'learnLimit' }],
                },
                'xstate.error.actor.closeCapture': { target: '#recording.waiting', actions: [] },
              },
            },
            suspending: {
              tags: 'stopping',
              on: {
                'xstate.done.actor.closeCapture': { target: '#recording.suspended', actions: { type: 'keepFiles' } },
                'xstate.error.actor.closeCapture': '#recording.suspended',
              },
            },
            pausing: {
              on: {
                'recording.stop': { target: 'stopping', actions: { type: 'giveReason' } },
                'service.stopping': {
                  target: 'suspending',
                  actions: {
                    type: 'giveReason',
                    params: {
                      reason: { code: 'service_stopping', details: 'the service is stopping' },
                    },
                  },
                },
                'camera.lost': [
                  { guard: 'isSurvivable', actions: 'noteCondition' },
                  { target: 'failing', actions: 'takeReason' },
                ],
                'xstate.done.actor.closeCapture': {
                  target: '#recording.waiting',
                  actions: [{ type: 'keepFiles' }, { type: 'learnLimit' }, 'tellSuspension'],
                },
                'xstate.error.actor.closeCapture': { target: '#recording.waiting', actions: ['tellSuspension'] },
              },
            },
          },
        },
      },
    },
    abandoning: {
      invoke: { src: 'closeCapture', id: 'closeCapture' },
      on: {
        'camera.ready': { actions: 'noteCondition' },
        'storage.blocked': { actions: 'noteCondition' },
        'storage.freed': { actions: 'noteCondition' },
        'server.lost': { actions: 'noteCondition' },
        'server.restored': { actions: 'noteCondition' },
      },
      initial: 'stopping',
      states: {
        stopping: {
          tags: 'stopping',
          entry: { type: 'tellCamera', params: { type: 'recording.ending' } },
          on: {
            'xstate.done.actor.closeCapture': [
              {
                guard: { type: 'isDoubtful' },
                target: '#recording.finishing.failed',
                actions: { type: 'keepResult' },
              },
              { target: '#recording.finishing.stopped', actions: { type: 'keepResult' } },
            ],
            'xstate.error.actor.closeCapture': { target: '#recording.finishing.failed', actions: { type: 'takeFailure' } },
          },
        },
        failing: {
          tags: 'stopping',
          entry: { type: 'tellCamera', params: { type: 'recording.ending' } },
          on: {
            'xstate.done.actor.closeCapture': { target: '#recording.finishing.failed', actions: { type: 'keepResult' } },
            'xstate.error.actor.closeCapture': '#recording.finishing.failed',
          },
        },
        retrying: {
          on: {
            'recording.stop': { target: 'stopping', actions: { type: 'giveReason' } },
            'service.stopping': {
              target: 'suspending',
              actions: {
                type: 'giveReason',
                params: {
                  reason: { code: 'service_stopping', details: 'the service is stopping' },
                },
              },
            },
            'camera.lost': [
              { guard: 'isSurvivable', actions: 'noteCondition' },
              { target: 'failing', actions: 'takeReason' },
            ],
            'xstate.done.actor.closeCapture': {
              target: '#recording.waiting',
              actions: [{ type: 'keepFiles' }, { type: 'learnLimit' }],
            },
            'xstate.error.actor.closeCapture': { target: '#recording.waiting', actions: [] },
          },
        },
        suspending: {
          tags: 'stopping',
          on: {
            'xstate.done.actor.closeCapture': { target: '#recording.suspended', actions: { type: 'keepFiles' } },
            'xstate.error.actor.closeCapture': '#recording.suspended',
          },
        },
      },
    },
    waiting: {
      entry: { type: 'tellCamera', params: { type: 'recording.released' } },
      invoke: [
        { src: 'saveIntent', onError: { actions: [] } },
        {
          src: 'waitUntil',
          onDone: [
            {
              guard: { type: 'isAtItsEnd' },
              target: 'abandoning',
              actions: {
                type: 'giveReason',
                params: {
                  reason: {
                    code: 'duration_reached',
                    details: 'the requested duration is reached',
                  },
                },
              },
            },
            {
              target: 'abandoning.failing',
              actions: {
                type: 'giveReason',
                params: {
                  reason: {
                    code: 'interrupted_too_long',
                    details: 'the recording was interrupted for too long (recording.max_interruption)',
                  },
                },
              },
            },
          ],
        },
      ],
      initial: 'choosing',
      states: {
        choosing: {
          always: [
            { guard: { type: 'lacks', params: { need: 'camera' } }, target: 'forCamera' },
            {
              guard: { type: 'lacks', params: { need: 'storage' } },
              target: 'forStorage',
            },
            { guard: { type: 'lacks', params: { need: 'server' } }, target: 'forServer' },
            { target: 'forRetry' },
          ],
        },
        forCamera: { tags: 'waitingForCamera', entry: 'takeLack' },
        forStorage: { tags: 'waitingForStorage', entry: 'takeLack' },
        forServer: { tags: 'waitingForServer', entry: 'takeLack' },
        forRetry: { after: { retryPause: '#recording.starting' } },
      },
      on: {
        'recording.stop': { target: 'abandoning', actions: { type: 'giveReason' } },
        'service.stopping': {
          target: 'suspended',
          actions: {
            type: 'giveReason',
            params: { reason: { code: 'service_stopping', details: 'the service is stopping' } },
          },
        },
        'camera.lost': [
          { guard: 'isSurvivable', target: '.choosing', actions: 'noteCondition' },
          { target: 'abandoning.failing', actions: 'takeReason' },
        ],
        'storage.blocked': { target: '.choosing', actions: 'noteCondition' },
        'server.lost': { target: '.choosing', actions: 'noteCondition' },
        'camera.ready': { target: '.choosing', actions: 'noteCondition' },
        'storage.freed': { target: '.choosing', actions: 'noteCondition' },
        'server.restored': { target: '.choosing', actions: 'noteCondition' },
      },
    },
    finishing: {
      tags: 'stopping',
      initial: 'stopped',
      states: {
        stopped: {
          invoke: {
            src: 'finishRecording',
            onDone: { target: '#recording.stopped', actions: { type: 'keepFinal' } },
            onError: '#recording.stopped',
          },
        },
        failed: {
          invoke: {
            src: 'finishRecording',
            onDone: { target: '#recording.failed', actions: { type: 'keepFinal' } },
            onError: '#recording.failed',
          },
        },
      },
    },
    suspended: { type: 'final', tags: 'suspended', entry: 'tellSuspension' },
    stopped: { type: 'final', tags: 'stopped', entry: 'tellEnd' },
    failed: { type: 'final', tags: 'failed', entry: 'tellFailure' },
  },
})
