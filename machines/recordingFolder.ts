import { assign, emit, enqueueActions, type SnapshotFrom, setup } from 'xstate'
import { type DiskLimits, isLeft, type Measured, type StorageSettings, unknownRate } from './domain/diskRoom.js'
import type { RecordingFolderFact } from './domain/facts.js'
import type { DiskUsage, RecordingFolder } from './domain/files.js'
import { because, type Reason } from './domain/reason.js'
import type { FolderView } from './domain/views.js'
import { promiseHole } from './hole.js'

/** From `storage`, which measures the folder in use: it takes no recordings, or takes them. */
export type RecordingFolderEvent =
  | { type: 'folder.failed'; reason: Reason }
  | { type: 'folder.well' }
  | ({ type: 'limits.set' } & StorageSettings)

/** Sent to the parent: new recordings go to this folder. */
export type RecordingFolderNews = { type: 'folder.used'; folder: RecordingFolder }

interface RecordingFolderContext {
  limits: DiskLimits
  /** Why the main folder was left, or is about to be. */
  reason: Reason
  /** Present while the fallback is used and takes no recordings either. */
  failure?: Reason | undefined
}

const measuring = (folder: RecordingFolder) => ({ src: 'measureDisk', input: { folder } }) as const
const using = (folder: RecordingFolder) => ({ src: 'useFolder', input: { folder } }) as const
const failing = {
  type: 'noteReason',
  params: ({ event }: { event: { reason: Reason } }) => event,
} as const
const measured = { params: ({ event }: { event: { output: Measured } }) => event.output }
/** Measures the main folder again and again; `well` and `ill`: where each result leads. */
const lookingAtMain = <const Well extends string, const Ill extends string>(well: Well, ill: Ill) =>
  ({
    initial: 'waiting',
    states: {
      waiting: { after: { pause: 'looking' } },
      looking: {
        invoke: {
          ...measuring('main'),
          onDone: [{ guard: { type: 'isBack', ...measured }, target: well }, { target: ill }],
          onError: ill,
        },
      },
    },
  }) as const

/**
 * Which of two folders takes new recordings: the main one, and while it has a fault, or stays full, the fallback. A
 * full folder gets some time, because retention may free it. The fallback must take files before it is used. The main
 * folder is used again after it has taken files for a while, or at once if the fallback fails and the main folder takes
 * files.
 */
export const recordingFolderMachine = setup({
  types: {
    input: {} as DiskLimits,
    context: {} as RecordingFolderContext,
    events: {} as RecordingFolderEvent,
    emitted: {} as RecordingFolderFact,
    tags: {} as 'main' | 'fallback',
  },
  actors: {
    measureDisk: promiseHole<Measured, { folder: RecordingFolder }>('measureDisk'),
    useFolder: promiseHole<void, { folder: RecordingFolder }>('useFolder'),
  },
  guards: {
    isFull: (_, { reason }: { reason: Reason }) => reason.code === 'storage_full',
    takesFiles: ({ context: { limits } }, usage: DiskUsage) => takesFiles('full', limits, usage),
    /** A folder that was full must have more room, so that it is not full again soon. */
    isBack: ({ context: { limits, reason, failure } }, usage: DiskUsage) =>
      takesFiles(reason.code === 'storage_full' && !failure ? 'warning' : 'full', limits, usage),
    isFallbackFailing: ({ context }) => context.failure !== undefined,
  },
  actions: {
    takeLimits: assign((_, limits: DiskLimits) => ({ limits })),
    noteReason: assign((_, { reason }: { reason: Reason }) => ({ reason })),
    noteFailure: assign((_, { reason }: { reason: Reason }) => ({ failure: reason })),
    forgetFailure: assign({ failure: undefined }),
    tellFallback: emit(({ context: { reason } }) => ({ type: 'storage.switched', to: 'fallback', reason })),
    tellMain: emit(({ context: { failure } }) => ({
      type: 'storage.switched',
      to: 'main',
      reason: failure ?? because('storage_recovered'),
    })),
    tellParent: enqueueActions(({ enqueue, self }, { folder }: { folder: RecordingFolder }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'folder.used', folder })
    }),
  },
  delays: {
    /** How long a full folder may stay full: retention can free it, and some file systems free space 30 s late. */
    patience: 45_000,
    /** Pause after a fallback that takes no files, and between two looks at the main folder. */
    pause: 5_000,
    /** How long the main folder must take files before it is used again. */
    recovery: 10_000,
  },
}).createMachine({
  id: 'recordingFolder',
  context: ({ input }) => ({ limits: input, reason: because('storage_recovered') }),
  on: { 'limits.set': { actions: { type: 'takeLimits', params: ({ event }) => event } } },
  initial: 'main',
  states: {
    main: {
      tags: 'main',
      initial: 'preparing',
      states: {
        // After a crash of the actor, the fallback may still be in use.
        preparing: { invoke: { ...using('main'), onDone: 'well', onError: 'well' } },
        well: {
          on: {
            'folder.failed': [
              { guard: { type: 'isFull', params: ({ event }) => event }, target: 'full', actions: failing },
              { target: 'trying', actions: failing },
            ],
          },
        },
        full: {
          after: { patience: 'trying' },
          on: {
            'folder.well': 'well',
            'folder.failed': [
              { guard: { type: 'isFull', params: ({ event }) => event } },
              { target: 'trying', actions: failing },
            ],
          },
        },
        trying: {
          invoke: {
            ...measuring('fallback'),
            onDone: [{ guard: { type: 'takesFiles', ...measured }, target: 'leaving' }, { target: 'alone' }],
            onError: 'alone',
          },
          on: { 'folder.well': 'well' },
        },
        leaving: {
          invoke: {
            ...using('fallback'),
            onDone: {
              target: '#recordingFolder.fallback',
              actions: ['tellFallback', { type: 'tellParent', params: { folder: 'fallback' } }],
            },
            onError: 'alone',
          },
        },
        // Neither folder takes files.
        alone: {
          after: { pause: 'trying' },
          on: { 'folder.well': 'well', 'folder.failed': { actions: failing } },
        },
      },
    },
    fallback: {
      tags: 'fallback',
      on: {
        'folder.failed': { actions: { type: 'noteFailure', params: ({ event }) => event } },
        'folder.well': { actions: 'forgetFailure' },
      },
      initial: 'away',
      states: {
        away: lookingAtMain('#recordingFolder.fallback.recovering', 'waiting'),
        recovering: {
          always: { guard: 'isFallbackFailing', target: 'leaving' },
          after: { recovery: 'leaving' },
          ...lookingAtMain('waiting', '#recordingFolder.fallback.away'),
        },
        leaving: {
          invoke: {
            ...using('main'),
            onDone: {
              target: '#recordingFolder.main.well',
              actions: ['tellMain', { type: 'tellParent', params: { folder: 'main' } }, 'forgetFailure'],
            },
            onError: 'away',
          },
        },
      },
    },
  },
})

const takesFiles = (level: 'warning' | 'full', limits: DiskLimits, usage: DiskUsage): boolean =>
  usage.fault === undefined && isLeft(level, limits, usage, unknownRate)

export const folderView = (
  { context, tags }: SnapshotFrom<typeof recordingFolderMachine>,
  since: number,
): FolderView =>
  tags.has('fallback') ? { inUse: 'fallback', since, reason: context.reason } : { inUse: 'main', since }
