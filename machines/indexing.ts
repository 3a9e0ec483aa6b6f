import { assign, emit, setup } from 'xstate'
import type { CameraId } from './domain/camera.js'
import type { IndexFact } from './domain/facts.js'
import type { IndexFormat, Unindexed } from './domain/files.js'
import { Failure, type Reason, reasonFrom } from './domain/reason.js'
import type { RecordingFormat } from './domain/recording.js'
import { promiseHole } from './hole.js'

/** `format`: of recordings whose own is not known, because they are of an earlier run of the service. */
export interface IndexingInput {
  enabled: boolean
  format: IndexFormat
}

export type IndexingEvent =
  /** The files of a camera's recording were closed. */
  | { type: 'part.closed'; camera: CameraId; files: readonly string[]; format: RecordingFormat }
  /** The disk is filling up: the room of the copy belongs to the recordings. */
  | { type: 'disk.short' }

/** The formats of recordings that are over, by the name of the file. */
export type Formats = Readonly<Record<string, IndexFormat>>

/** A file and the format that its recording was started with. */
export interface Indexable extends Unindexed {
  format: IndexFormat
}

/** `files`: those that can get their index now. `waiting`: the names of the others. */
export interface Found {
  files: Indexable[]
  waiting: string[]
}

/** Resolves with the new size; `undefined`: the file has changed or was deleted. */
export type Indexed = number | undefined

interface IndexingContext extends IndexingInput {
  formats: Formats
  /** Of the files that were closed since the last search began. */
  fresh: Formats
  /** Newest first. */
  queue: readonly Indexable[]
  /** Names of the files that cannot get an index: they are not tried again in this run of the service. */
  failed: readonly string[]
}

/**
 * Gives closed recordings an index, one file at a time: after each recording, after each full file of a long one, and
 * after the start of the service, which may follow a crash. New recordings go first. Without room for a copy, a file
 * waits for a later search.
 */
export const indexingMachine = setup({
  types: {
    input: {} as IndexingInput,
    context: {} as IndexingContext,
    events: {} as IndexingEvent,
    emitted: {} as IndexFact,
  },
  actors: {
    findUnindexed: promiseHole<Found, { formats: Formats; format: IndexFormat }>('findUnindexed'),
    indexFile: promiseHole<Indexed, { file: Indexable | undefined }>('indexFile'),
  },
  guards: {
    isEnabled: ({ context }) => context.enabled,
    hasFresh: ({ context }) => Object.keys(context.fresh).length > 0,
    hasNext: ({ context }) => context.queue.length > 0,
    isReplaced: (_, { bytes }: { bytes: Indexed }) => bytes !== undefined,
    /** The next attempt may succeed. */
    isPassing: (_, { error }: { error: unknown }) => error instanceof Failure && passing.has(error.code),
  },
  actions: {
    noteClosed: assign({
      fresh: ({ context: { fresh } }, { files, format }: { files: readonly string[]; format: RecordingFormat }) => ({
        ...fresh,
        ...Object.fromEntries(files.map((name) => [name, format === 'mp4' ? ('mp4' as const) : ('fmp4' as const)])),
      }),
    }),
    takeFresh: assign(({ context: { formats, fresh } }) => ({ formats: { ...formats, ...fresh }, fresh: {} })),
    takeFound: assign(({ context: { formats, failed } }, { files, waiting }: Found) => {
      const names = new Set([...waiting, ...files.map(({ name }) => name)])
      return {
        queue: files.filter(({ name }) => !failed.includes(name)),
        failed: failed.filter((name) => names.has(name)),
        formats: Object.fromEntries(Object.entries(formats).filter(([name]) => names.has(name))),
      }
    }),
    dropFirst: assign({ queue: ({ context: { queue } }) => queue.slice(1) }),
    dropQueue: assign({ queue: [] }),
    noteFailed: assign({
      failed: ({ context: { failed, queue } }) => [...failed, ...queue.slice(0, 1).map(({ name }) => name)],
    }),
    tellIndexed: emit(({ context: { queue } }, { bytes = 0 }: { bytes: Indexed }) => ({
      type: 'file.indexed',
      ...subjectOf(queue),
      bytes,
    })),
    tellFailure: emit(({ context: { queue } }, { error }: { error: unknown }) => ({
      type: 'file.notIndexed',
      ...subjectOf(queue),
      reason: reasonFrom(error),
    })),
  },
  delays: {
    /** Files of the last two seconds are not at rest. */
    settleTime: 2_500,
    searchInterval: 60_000,
  },
}).createMachine({
  id: 'indexing',
  context: ({ input }) => ({ ...input, formats: {}, fresh: {}, queue: [], failed: [] }),
  initial: 'deciding',
  on: { 'part.closed': { actions: { type: 'noteClosed', params: ({ event }) => event } } },
  states: {
    deciding: { always: [{ guard: 'isEnabled', target: 'settling' }, { target: 'off' }] },
    off: { on: { 'part.closed': undefined } },
    // The search must not find the last file too young.
    settling: {
      after: { settleTime: 'searching' },
      on: {
        'part.closed': {
          target: 'settling',
          reenter: true,
          actions: { type: 'noteClosed', params: ({ event }) => event },
        },
      },
    },
    searching: {
      entry: 'takeFresh',
      invoke: {
        src: 'findUnindexed',
        input: ({ context: { formats, format } }) => ({ formats, format }),
        onDone: { target: 'choosing', actions: { type: 'takeFound', params: ({ event }) => event.output } },
        // The effect logs the error.
        onError: 'resting',
      },
    },
    choosing: {
      always: [
        { guard: 'hasFresh', target: 'settling' },
        { guard: 'hasNext', target: 'indexing' },
        { target: 'resting' },
      ],
    },
    indexing: {
      invoke: {
        src: 'indexFile',
        input: ({ context: { queue } }) => ({ file: queue[0] }),
        onDone: [
          {
            guard: { type: 'isReplaced', params: ({ event }) => ({ bytes: event.output }) },
            target: 'choosing',
            actions: [{ type: 'tellIndexed', params: ({ event }) => ({ bytes: event.output }) }, 'dropFirst'],
          },
          { target: 'choosing', actions: 'dropFirst' },
        ],
        onError: [
          {
            guard: { type: 'isPassing', params: ({ event }) => event },
            target: 'choosing',
            actions: 'dropFirst',
          },
          {
            target: 'choosing',
            actions: [{ type: 'tellFailure', params: ({ event }) => event }, 'noteFailed', 'dropFirst'],
          },
        ],
      },
      on: { 'disk.short': { target: 'resting', actions: 'dropQueue' } },
    },
    resting: {
      always: { guard: 'hasFresh', target: 'settling' },
      after: { searchInterval: 'searching' },
    },
  },
})

const passing = new Set<Reason['code']>(['storage_full', 'out_of_memory', 'program_missing'])

const subjectOf = ([file]: readonly Indexable[]) => ({
  camera: file?.camera ?? ('camera0' as CameraId),
  filename: file?.name ?? '',
})
