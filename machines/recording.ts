import type { DoneActorEvent } from 'xstate'
import { because } from './domain/reason.js'
import { captures, paused } from './recordingCapturing.js'
import { abandoning, closing, failed, finishing, gives, noted, stopped, subject } from './recordingClosing.js'
import {
  type Confirmed,
  endOutcomeOf,
  intentOf,
  type RecordingContext,
  untilEnd,
  untilLimit,
} from './recordingContext.js'
import { recordingSetup } from './recordingSetup.js'

const taken = {
  type: 'takeSegment',
  params: ({ event }: { event: DoneActorEvent<Confirmed> }) => event.output,
} as const
const saving = {
  src: 'saveIntent',
  input: ({ context }: { context: RecordingContext }) => ({ intent: intentOf(context) }),
} as const
/** A recording that has started continues later. */
const endsOrPauses = [
  { guard: 'isSurvivable', target: 'closing.pausing', actions: ['noteCondition', 'takeReason', ...paused] },
  { target: 'closing.failing', actions: 'takeReason' },
] as const

/**
 * One recording of one camera. It is an intent: after its first bytes on disk it ends only when it is stopped, when its
 * time is over, or when its camera is removed; if something fails, it waits and continues in a new file, also after a
 * restart of the service. `capturing` is `interrupted` while the file does not grow. The media server's `record` is set
 * before the stream is held, because a change during the start of a pipeline would end the pipeline. The stream is held
 * until the last file is closed.
 */
export const recordingMachine = recordingSetup.createMachine({
  id: 'recording',
  context: ({ input: { lacks = {}, recalled, ...input } }) => ({
    ...input,
    ...(recalled && { startedAt: recalled.intent.startedAt }),
    watermark: recalled ? recalled.intent.startedAt - 1 : 0,
    segments: [],
    gaps: recalled?.intent.gaps ?? [],
    grewAt: recalled?.grewAt ?? 0,
    lacks,
    attempts: 0,
    reason: because(recalled ? 'service_restarted' : 'requested'),
    ...(recalled && { gapReason: recalled.intent.gapReason ?? because('service_restarted') }),
  }),
  on: { 'feed.failed': { actions: 'explain' } },
  initial: 'deciding',
  output: ({ context }) => endOutcomeOf(context),
  states: {
    deciding: { always: [{ guard: 'hasStarted', target: 'waiting' }, { target: 'starting' }] },
    starting: {
      tags: 'starting',
      entry: { type: 'tellCamera', params: { type: 'recording.claimed' } },
      invoke: {
        src: 'openCapture',
        input: subject,
        onDone: { target: 'holding', actions: { type: 'takeOpened', params: ({ event }) => event.output } },
        onError: [
          { guard: 'hasStarted', target: 'abandoning.retrying', actions: [failed, 'countAttempt'] },
          { target: 'abandoning.failing', actions: failed },
        ],
      },
      on: {
        'recording.stop': { target: 'abandoning', actions: stopped },
        'service.stopping': [
          { guard: 'hasStarted', target: 'abandoning.suspending', actions: gives('service_stopping') },
          { target: 'abandoning', actions: gives('service_stopping') },
        ],
        'camera.lost': [
          { guard: 'isSurvivable', target: 'abandoning.retrying', actions: ['noteCondition', 'takeReason'] },
          { target: 'abandoning.failing', actions: 'takeReason' },
        ],
        'storage.blocked': [
          { guard: 'isSurvivable', target: 'abandoning.retrying', actions: ['noteCondition', 'takeReason'] },
          { target: 'abandoning.failing', actions: 'takeReason' },
        ],
        'server.lost': noted,
        'server.restored': noted,
      },
    },
    holding: {
      invoke: { src: 'streamHold', id: 'streamHold', input: ({ context }) => ({ camera: context.camera }) },
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
                input: subject,
                onDone: [
                  { guard: 'hasStarted', target: 'capturing', actions: [taken, 'tellResumption'] },
                  { target: 'keeping', actions: taken },
                ],
                onError: [
                  {
                    guard: 'hasStarted',
                    target: '#recording.holding.closing.retrying',
                    actions: [failed, 'countAttempt'],
                  },
                  { target: '#recording.holding.closing.failing', actions: failed },
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
                // The stream runs, but a file begins with a keyframe, which may be long in coming.
                forKeyframe: {
                  after: {
                    keyframeLimit: [
                      { guard: 'hasStarted', target: '#recording.holding.closing.retrying', actions: 'countAttempt' },
                      { target: '#recording.holding.closing.failing' },
                    ],
                  },
                },
              },
              after: {
                confirmLimit: [
                  { guard: 'awaitsKeyframe', target: '.forKeyframe' },
                  { guard: 'hasStarted', target: '#recording.holding.closing.retrying', actions: 'countAttempt' },
                  { target: '#recording.holding.closing.failing' },
                ],
              },
            },
            // A start is accepted when its intent is on disk.
            keeping: {
              tags: 'accepting',
              invoke: {
                ...saving,
                onDone: { target: 'capturing', actions: 'tellStart' },
                onError: { target: '#recording.holding.closing.failing', actions: failed },
              },
              on: {
                'camera.lost': { target: '#recording.holding.closing.failing', actions: 'takeReason' },
                'storage.blocked': { target: '#recording.holding.closing.failing', actions: 'takeReason' },
                'service.stopping': { target: '#recording.holding.closing', actions: gives('service_stopping') },
              },
            },
            capturing: {
              id: 'capturing',
              tags: 'recording',
              entry: { type: 'tellCamera', params: { type: 'recording.writing' } },
              invoke: [
                // The gap that has just ended. The effect logs an error.
                { ...saving, onError: { actions: [] } },
                { src: 'watchSegments', input: subject },
                {
                  src: 'waitUntil',
                  input: ({ context }) => untilEnd(context),
                  onDone: { target: '#recording.holding.closing', actions: gives('duration_reached') },
                },
              ],
              ...captures,
            },
          },
          on: {
            'recording.stop': { target: 'closing', actions: stopped },
            'service.stopping': [
              { guard: 'hasStarted', target: 'closing.suspending', actions: gives('service_stopping') },
              { target: 'closing', actions: gives('service_stopping') },
            ],
            'camera.lost': endsOrPauses,
            'storage.blocked': endsOrPauses,
            'camera.ready': noted,
            'storage.freed': noted,
            'server.lost': noted,
            'server.restored': { actions: ['noteCondition', 'wakeHold'] },
          },
        },
        closing,
      },
    },
    abandoning,
    // No file is open, and the device is not used.
    waiting: {
      entry: { type: 'tellCamera', params: { type: 'recording.released' } },
      invoke: [
        // Why it is interrupted. The effect logs an error.
        { ...saving, onError: { actions: [] } },
        {
          src: 'waitUntil',
          input: ({ context }) => untilLimit(context),
          onDone: [
            {
              guard: { type: 'isAtItsEnd', params: ({ event }) => event.output },
              target: 'abandoning',
              actions: gives('duration_reached'),
            },
            { target: 'abandoning.failing', actions: gives('interrupted_too_long') },
          ],
        },
      ],
      initial: 'choosing',
      states: {
        choosing: {
          always: [
            { guard: { type: 'lacks', params: { need: 'camera' } }, target: 'forCamera' },
            { guard: { type: 'lacks', params: { need: 'storage' } }, target: 'forStorage' },
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
        'recording.stop': { target: 'abandoning', actions: stopped },
        'service.stopping': { target: 'suspended', actions: gives('service_stopping') },
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
      states: { stopped: finishing('stopped'), failed: finishing('failed') },
    },
    suspended: { type: 'final', tags: 'suspended', entry: 'tellSuspension' },
    stopped: { type: 'final', tags: 'stopped', entry: 'tellEnd' },
    failed: { type: 'final', tags: 'failed', entry: 'tellFailure' },
  },
})
