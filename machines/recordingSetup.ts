import { and, assign, emit, enqueueActions, setup, stateIn } from 'xstate'
import { isLoss, moreExact } from './domain/cause.js'
import type { EndedRecording, RecordingFact } from './domain/facts.js'
import type { Segment } from './domain/files.js'
import { because, type Reason, reasonFrom, reconnections } from './domain/reason.js'
import { lacksAfter, type Need, needs, type RecordingIntent, withGap } from './domain/recording.js'
import { isOutgrown, limitsAfter } from './domain/segmentLimits.js'
import { callbackHole, promiseHole } from './hole.js'
import {
  type Closed,
  type Confirmed,
  endOf,
  endOfMedia,
  endOutcomeOf,
  type Finish,
  gapBefore,
  gapUntil,
  joined,
  lastGap,
  newestOf,
  type Opened,
  outcomeOf,
  type RecordingContext,
  type RecordingEvent,
  type RecordingInput,
  type RecordingNews,
  type RecordingSubject,
  stallOfFile,
  type Wait,
} from './recordingContext.js'
import { type ServerRestored, streamHoldMachine } from './streamHold.js'

/** The events, effects, guards and actions of the recording's statechart in `recording.ts`. */
export const recordingSetup = setup({
  types: {
    input: {} as RecordingInput,
    context: {} as RecordingContext,
    events: {} as RecordingEvent,
    emitted: {} as RecordingFact,
    output: {} as EndedRecording,
    tags: {} as
      | 'starting'
      | 'accepting'
      | 'recording'
      | 'growing'
      | 'stopping'
      | 'stopped'
      | 'suspended'
      | 'failed'
      | 'waitingForCamera'
      | 'waitingForStorage'
      | 'waitingForServer',
  },
  actors: {
    streamHold: streamHoldMachine,
    openCapture: promiseHole<Opened, RecordingSubject>('openCapture'),
    confirmSegment: promiseHole<Confirmed, RecordingSubject>('confirmSegment'),
    watchSegments: callbackHole<RecordingSubject>('watchSegments'),
    waitUntil: promiseHole<{ at: number }, Wait>('waitUntil'),
    closeCapture: promiseHole<Closed, RecordingSubject>('closeCapture'),
    saveIntent: promiseHole<void, { intent: RecordingIntent }>('saveIntent'),
    finishRecording: promiseHole<Closed, Finish>('finishRecording'),
  },
  guards: {
    isDoubtful: (_, { doubt }: Closed) => doubt !== undefined,
    hasStarted: ({ context }) => context.startedAt !== undefined,
    /** False: the event ends the recording. */
    isSurvivable: ({ context, event }) =>
      context.startedAt !== undefined &&
      // A camera that only reconnects was not unplugged.
      !(event.type === 'camera.lost' && context.endsOnUnplug === true && !reconnections.has(event.reason.code)),
    isTooLarge: ({ context }) => stallOfFile(context).code === 'file_too_large',
    /** The media server begins another file because the last one could not grow any more. */
    isOutgrown: ({ context: { bytes = 0, grewAt } }, { startedAt }: Segment) => isOutgrown(bytes, grewAt, startedAt),
    isPulled: ({ context }) => context.isPulled === true,
    awaitsKeyframe: and(['isPulled', stateIn('#forData')]),
    isExplained: ({ context: { reason } }) => !isLoss(reason),
    isAtItsEnd: ({ context }, { at }: { at: number }) => at >= endOf(context),
    lacks: ({ context }, { need }: { need: Need }) => context.lacks[need] !== undefined,
  },
  actions: {
    takeOpened: assign(({ context }, { watermark, segments }: Opened) => ({
      watermark,
      segments: joined(context.segments, segments),
    })),
    addSegment: assign({ segments: ({ context }, segment: Segment) => joined(context.segments, [segment]) }),
    /** The first bytes of a file; after an interruption they end the gap. */
    takeSegment: assign(({ context }, { shift, ...segment }: Confirmed) => ({
      ...(context.startedAt !== undefined && {
        gaps: withGap(context.gaps, gapBefore(context, segment.startedAt, shift)),
      }),
      gapReason: undefined,
      segments: joined(context.segments, [segment]),
      startedAt: context.startedAt ?? segment.startedAt,
      grewAt: segment.startedAt,
      bytes: undefined,
      attempts: 0,
    })),
    noteGrowth: assign((_, { at, bytes }: { at: number; bytes?: number }) => ({ grewAt: at, bytes })),
    noteStall: assign({ reason: ({ context }) => stallOfFile(context) }),
    endGap: assign(({ context }, { at, bytes }: { at: number; bytes?: number }) => ({
      gaps: withGap(context.gaps, gapBefore(context, at)),
      gapReason: undefined,
      grewAt: at,
      bytes,
    })),
    countAttempt: assign({ attempts: ({ context }) => context.attempts + 1 }),
    noteCondition: assign(({ context, event }) => ({
      lacks: lacksAfter(context.lacks, event),
      ...('reason' in event && explained(context, event.reason)),
    })),
    /** The first reason of an interruption often only tells what was seen of it. */
    explain: assign(({ context, event }) => ('reason' in event ? explained(context, event.reason) : {})),
    /** The stream is requested at once when the media server answers again. */
    wakeHold: enqueueActions(({ event, enqueue, self }) => {
      const { streamHold } = self.getSnapshot().children
      if (streamHold) enqueue.sendTo(streamHold, event as ServerRestored)
    }),
    takeFailure: assign({ reason: (_, { error }: { error: unknown }) => reasonFrom(error) }),
    /** Takes the reason of an event that has one. */
    takeReason: assign({ reason: ({ context, event }) => ('reason' in event ? event.reason : context.reason) }),
    /** While a recording waits, its reason is that of the condition that it waits for. */
    takeLack: assign({
      reason: ({ context: { lacks, reason } }) =>
        needs.map((need) => lacks[need]).find((lack) => lack !== undefined) ?? reason,
    }),
    /** The reason of a start that brings no data. */
    expectData: assign({
      reason: ({ context: { startedAt, reason } }) => (startedAt === undefined ? because('no_data') : reason),
    }),
    /** A camera that encodes by itself sends its keyframes when it wants. */
    expectKeyframe: assign({
      reason: ({ context: { startedAt, isPulled, reason } }) =>
        startedAt === undefined && isPulled
          ? because('no_keyframe', 'the recording waits for a keyframe, with which a file begins')
          : reason,
    }),
    noteRemoval: assign({
      reason: (_, { withFolder }: { withFolder?: true }) => because(withFolder ? 'folder_removed' : 'file_removed'),
    }),
    giveReason: assign({ reason: (_, { reason }: { reason: Reason }) => reason }),
    keepResult: assign(({ context }, closed: Closed) => ({
      closed,
      reason: closed.doubt ?? context.reason,
      ...lastGap(context, closed),
    })),
    /** The closed files tell exactly where the media ends. */
    keepFiles: assign(({ context }, closed: Closed) => ({ closed, grewAt: endOfMedia(context, closed) })),
    /** The next files are shorter on this file system. */
    learnLimit: enqueueActions(({ context: { reason, segmentLimits = {} }, enqueue, self }, { files }: Closed) => {
      const limits = limitsAfter(segmentLimits, files)
      if (reason.code !== 'file_too_large' || limits === segmentLimits) return
      enqueue.assign({ segmentLimits: limits })
      const news: RecordingNews = { type: 'recording.outgrown', limits }
      if (self._parent) enqueue.sendTo(self._parent, news)
    }),
    keepFinal: assign(({ context: { closed } }, { files, endedAt }: Closed) =>
      closed === undefined ? {} : { closed: { ...closed, files, endedAt } },
    ),
    tellCamera: enqueueActions(({ enqueue, self }, news: RecordingNews) => {
      if (self._parent) enqueue.sendTo(self._parent, news)
    }),
    tellStart: emit(({ context }) => {
      const { filename = '' } = context.segments[0] ?? {}
      const { format, startedAt = 0 } = context
      return { type: 'recording.started', ...origin(context), format, filename, startedAt }
    }),
    beginGap: assign(({ context }) => {
      // The end of the media server may have been noticed before that of the stream.
      const reason = moreExact(context.reason, context.lacks.server)
      return { gapReason: reason, reason }
    }),
    tellInterruption: emit(({ context }, { closes }: { closes: boolean }) => ({
      type: 'recording.interrupted',
      ...origin(context),
      reason: context.reason,
      ...newestOf(context),
      closes,
    })),
    tellSuspension: emit(({ context }) => ({
      type: 'recording.suspended',
      ...origin(context),
      outcome: outcomeOf(context),
    })),
    tellResumption: emit(({ context }) => ({
      type: 'recording.resumed',
      ...origin(context),
      filename: '',
      ...newestOf(context),
      gap: context.gaps.at(-1) ?? gapUntil(context, context.grewAt),
    })),
    tellEnd: emit(({ context }) => ({ type: 'recording.ended', ...origin(context), outcome: endOutcomeOf(context) })),
    tellFailure: emit(({ context }) => ({
      type: 'recording.failed',
      ...origin(context),
      outcome: endOutcomeOf(context),
    })),
  },
  delays: {
    confirmLimit: 20_000,
    /** How long a recording waits for a keyframe after that. */
    keyframeLimit: 40_000,
    /** Much longer than the media server's part of 200 ms. */
    stallLimit: 3_000,
    /** The end of a process, of the media server or of a device is known sooner. */
    explanationLimit: 500,
    /** After this time without data the recorder is stopped and started again. */
    interruptionLimit: 30_000,
    /** The first attempt to continue is immediate; then after 1 s, 2 s, 4 s … 10 s. */
    retryPause: ({ context: { attempts } }) => (attempts === 0 ? 0 : Math.min(10_000, 500 * 2 ** attempts)),
  },
})

const explained = ({ gapReason, reason }: RecordingContext, found: Reason): Partial<RecordingContext> =>
  gapReason ? { gapReason: moreExact(gapReason, found), reason: moreExact(reason, found) } : {}

const origin = ({ camera, by }: RecordingContext) => ({ camera, by })
