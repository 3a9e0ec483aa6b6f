import type { DoneActorEvent, ErrorActorEvent } from 'xstate'
import type { CameraContext, Drain } from './cameraContext.js'
import type { Recalled } from './domain/recording.js'

const ofCamera = ({ context }: { context: CameraContext }) => ({ camera: context.id })
const recalled = ({ event }: { event: DoneActorEvent<Recalled | undefined> }) => event.output
const drain = ({ event }: { event: { order: Drain } }) => event
const drainRecording = { type: 'drainRecording', params: drain } as const
const tellCrash = { type: 'tellCrash', params: ({ event }: { event: ErrorActorEvent }) => event } as const
const recordingCrashed = [tellCrash, 'tellLostRecording', 'reapRecording'] as const

/**
 * The region of `camera` that holds its recording. A recording waits while the camera is away, so this region stands
 * beside the connection of the camera.
 */
export const recordingRegion = {
  initial: 'recalling',
  states: {
    // A recording of an earlier run of the service, or of a crashed actor, continues.
    recalling: {
      invoke: {
        src: 'recallIntent',
        input: ofCamera,
        onDone: [
          {
            guard: { type: 'isRecalled', params: recalled },
            target: 'active.waiting',
            actions: { type: 'continueRecording', params: recalled },
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
        /** The recording uses the device, or soon will. */
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
          {
            guard: { type: 'isLoss', params: drain },
            actions: drainRecording,
          },
          { target: 'ending', actions: drainRecording },
        ],
        'recording.finish': {
          target: 'ending',
          actions: drainRecording,
        },
      },
    },
    ending: {
      on: { 'recording.finish': { actions: drainRecording } },
    },
    // After a crash of the recording: stops the recorder, because nobody would close its files.
    rescuing: {
      invoke: {
        src: 'abandonCapture',
        input: ofCamera,
        onDone: 'restarting',
        onError: 'restarting',
      },
    },
    restarting: { after: { restartPause: 'recalling' } },
  },
  on: {
    'recording.outgrown': { actions: 'keepSegmentLimits' },
    'xstate.done.actor.recording': { target: '.none', actions: ['reapRecording', 'tellRecordingOver'] },
    'xstate.error.actor.recording': { target: '.rescuing', actions: recordingCrashed },
  },
} as const
