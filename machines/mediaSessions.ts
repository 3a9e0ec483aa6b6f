import { assign, enqueueActions, type SnapshotFrom, setup } from 'xstate'
import type { MediaSession } from './domain/access.js'
import type { MediaSessionFact } from './domain/facts.js'
import {
  type Admission,
  afterKick,
  afterListing,
  afterQuestion,
  afterSetting,
  hasRoomFor,
  isExpected,
  isShown,
  type Kick,
  type KickOutcome,
  type Listing,
  nextKick,
  type Readers,
  type ReadersEnd,
  withEnd,
  withKicks,
} from './domain/mediaReaders.js'
import { callbackHole, promiseHole } from './hole.js'

/**
 * `startLimit`: how long after its question a reader may still start, in ms. The stream may have to start first.
 * `readers`: the readers that a crashed actor knew; none by default.
 */
export interface MediaSessionsInput {
  startLimit: number
  readers?: Readers
}

interface KickDone {
  kick: Kick
  outcome: KickOutcome
  at: number
}

export type MediaSessionsEvent =
  | ({ type: 'reader.admit' } & Admission)
  | ({ type: 'readers.end' } & ReadersEnd)
  | { type: 'readers.check' }
  /** The wall clock was set for the first time; `at`: monotonic. */
  | { type: 'clock.set'; at: number; wall: number }
  | ({ type: 'kick.done' } & KickDone)
  /** Raised by the machine itself. */
  | { type: 'reader.expected' }
  | { type: 'kick.planned' }

interface MediaSessionsContext extends MediaSessionsInput {
  readers: Readers
  /** Number of kicks in progress. */
  kicking: number
}

const mostKicks = 16

/**
 * The readers of the media server and their expiry. The media server checks a credential only at the start of a
 * session, so this machine kicks the reader when the credential ends, by the monotonic clock. It also lists the
 * sessions, to remove the readers that left.
 */
export const mediaSessionsMachine = setup({
  types: {
    input: {} as MediaSessionsInput,
    context: {} as MediaSessionsContext,
    events: {} as MediaSessionsEvent,
    emitted: {} as MediaSessionFact,
  },
  actors: {
    kickReaders: callbackHole('kickReaders'),
    waitUntil: promiseHole<{ at: number }, { at: number }>('waitUntil'),
    listSessions: promiseHole<Listing>('listSessions'),
  },
  guards: {
    hasRoom: ({ context }, admission: Admission) => hasRoomFor(admission, context.readers),
    isBusy: ({ context }) => context.kicking >= mostKicks,
    hasPlan: ({ context }) => nextKick(context.readers) < Number.POSITIVE_INFINITY,
    isEmpty: ({ context }) => context.readers.length === 0,
    isExpecting: ({ context }) => context.readers.some(isExpected),
  },
  actions: {
    admit: enqueueActions(({ context: { readers }, enqueue }, admission: Admission) => {
      const after = afterQuestion(readers, admission)
      if (after === readers) return
      enqueue.assign({ readers: after })
      enqueue.raise({ type: 'reader.expected' })
      if (nextKick(after) < nextKick(readers)) enqueue.raise({ type: 'kick.planned' })
    }),
    judgeAgain: assign({
      readers: ({ context: { readers } }, set: { at: number; wall: number }) => afterSetting(readers, set),
    }),
    planEnd: assign({ readers: ({ context: { readers } }, end: ReadersEnd) => withEnd(readers, end) }),
    startKicks: enqueueActions(({ context: { readers, kicking }, enqueue }, { at }: { at: number }) => {
      const { due, readers: after } = withKicks(readers, at, mostKicks - kicking)
      enqueue.assign({ readers: after, kicking: kicking + due.length })
      for (const { key, session, query, reason, request } of due)
        enqueue.sendTo('kicks', { type: 'kick', key, session, query, reason, request })
    }),
    keepOutcome: enqueueActions(({ context, enqueue }, { kick, outcome, at }: KickDone) => {
      const { readers, kicking, startLimit } = context
      const { key, session, reason, request } = kick
      enqueue.assign({ readers: afterKick(readers, { key, outcome, at, startLimit }), kicking: kicking - 1 })
      if (outcome !== 'ended') return
      const { camera, protocol, user, address } = session
      const by = request === undefined ? {} : { request }
      enqueue.emit({ type: 'mediaSession.ended', camera, protocol, user, address, reason, ...by })
    }),
    keepListing: assign({
      readers: ({ context: { readers, startLimit } }, listing: Listing) => afterListing(readers, listing, startLimit),
    }),
  },
  delays: {
    /** Interval of listing while some readers have not started. */
    soon: 3_000,
    interval: 30_000,
  },
}).createMachine({
  id: 'mediaSessions',
  context: ({ input }) => ({ readers: [], ...input, kicking: 0 }),
  type: 'parallel',
  invoke: { id: 'kicks', src: 'kickReaders' },
  on: {
    'reader.admit': {
      guard: { type: 'hasRoom', params: ({ event }) => event },
      actions: { type: 'admit', params: ({ event }) => event },
    },
  },
  states: {
    kicks: {
      initial: 'choosing',
      on: {
        'kick.planned': '.choosing',
        'clock.set': { target: '.choosing', actions: { type: 'judgeAgain', params: ({ event }) => event } },
        'readers.end': {
          target: '.choosing',
          actions: [
            { type: 'planEnd', params: ({ event }) => event },
            { type: 'startKicks', params: ({ event }) => event },
          ],
        },
        'kick.done': {
          target: '.choosing',
          actions: [
            { type: 'keepOutcome', params: ({ event }) => event },
            { type: 'startKicks', params: ({ event }) => event },
          ],
        },
      },
      states: {
        choosing: {
          always: [{ guard: 'isBusy', target: 'busy' }, { guard: 'hasPlan', target: 'waiting' }, { target: 'idle' }],
        },
        idle: {},
        waiting: {
          invoke: {
            src: 'waitUntil',
            input: ({ context }) => ({ at: nextKick(context.readers) }),
            onDone: { target: 'choosing', actions: { type: 'startKicks', params: ({ event }) => event.output } },
          },
        },
        /** The next kick starts when one of the running ones is done. */
        busy: {},
      },
    },
    presence: {
      initial: 'choosing',
      states: {
        choosing: {
          always: [
            { guard: 'isEmpty', target: 'empty' },
            { guard: 'isExpecting', target: 'expecting' },
            { target: 'settled' },
          ],
        },
        empty: { on: { 'reader.expected': 'expecting' } },
        expecting: { after: { soon: 'listing' }, on: { 'readers.check': 'listing' } },
        settled: {
          after: { interval: 'listing' },
          on: { 'reader.expected': 'expecting', 'readers.check': 'listing' },
        },
        listing: {
          invoke: {
            src: 'listSessions',
            onDone: { target: 'choosing', actions: { type: 'keepListing', params: ({ event }) => event.output } },
            onError: 'choosing',
          },
        },
      },
    },
  },
})

type Snapshot = SnapshotFrom<typeof mediaSessionsMachine>

/** Returns the readers that count as present, in the order of their first question. */
export const mediaSessionsView = ({ context: { readers } }: Snapshot): MediaSession[] =>
  readers.filter(isShown).map(({ session }) => session)

/** Returns the keys for `readers.end` of all matching readers, including those that may still start. */
export const keysWhere = ({ context: { readers } }: Snapshot, isIt: (session: MediaSession) => boolean): string[] =>
  readers.filter(({ session }) => isIt(session)).map(({ key }) => key)

/** True until each reader of this request was kicked once. */
export const isEnding = ({ context: { readers } }: Snapshot, request: string): boolean =>
  readers.some((reader) => reader.request === request)
